"""An SMS for each member of a list who has a number, by whichever gateway speaks HTTP."""

import re

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels import gateway
from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.credentials import secret
from comms.channels.http import Answer, judge, told
from comms.channels.posting import Call, Posting, said, setting
from comms.models import Delivery
from comms.posts import counting

_E164 = re.compile(r"\+[1-9]\d{6,14}")  # ITU-T E.164: at most 15 digits

NO_NUMBER = gettext_noop("This is no telephone number in the international form.")
INCOMPLETE = gettext_noop("Neither address nor body hold {text} and one of {to} and {number}.")
NOT_TAKEN = gettext_noop("The gateway did not answer that it took the message.")
REFUSED = gettext_noop("The gateway does not accept the desk's secret: an administrator enters a new one.")


class SmsTransport(Posting):
    """A gateway may know no repeats, and a second SMS at night is no small matter: in doubt a person decides."""

    capabilities = Capabilities(in_doubt=Doubt.ASK, limit=counting.SMS)
    settings: tuple[Setting, ...] = (
        Setting(
            "url",
            _("Address of the gateway"),
            _(
                "Placeholders: {to} +32470123456, {number} 32470123456, {text}, {from}, {key} the same for each "
                "repeat, {secret}, {basic} the secret in Base64. Values are encoded for the place where they stand."
            ),
            check=gateway.check_url,
        ),
        Setting("method", _("Method"), default="POST", check=gateway.check_method),
        Setting(
            "headers",
            _("Headers"),
            _("One a line: Authorization: Bearer {secret}"),
            required=False,
            long=True,
            check=gateway.check_headers,
        ),
        Setting(
            "body",
            _("Body"),
            _("JSON, with placeholders between quotation marks; or a form, one field a line: To={to}"),
            required=False,
            long=True,
            check=gateway.check_body,
        ),
        Setting("sender", _("Sender"), _("What {from} stands for."), required=False),
        Setting(
            "secret",
            _("Secret"),
            _("What {secret} stands for; user:password where {basic} is used."),
            secret=True,
            required=False,
        ),
        Setting(
            "success",
            _("Sign of success"),
            _(
                "What the answer holds when the message was taken, spaces aside; empty: any answer from 200 to 299."
            ),
            required=False,
        ),
    )

    def prepare(self, delivery: Delivery) -> Call:
        if not _E164.fullmatch(delivery.recipient):
            raise TransportError(NO_NUMBER, permanent=True)
        own = self._channel.settings
        templates = setting(self._channel, "url"), own.get("headers", ""), own.get("body", "")
        self._check(*templates)
        given = gateway.values(
            to=delivery.recipient,
            text=said(delivery),
            sender=own.get("sender", ""),
            key=str(delivery.key),
            secret=self._secret(*templates),
        )
        try:
            content, kind = gateway.body(templates[2], given)
            headers = ({"Content-Type": kind} if kind else {}) | gateway.headers(templates[1], given)
        except gateway.Unfit as error:
            raise TransportError(str(error), permanent=True) from error
        method = own.get("method") or "POST"
        return Call(method, gateway.address(templates[0], given), headers, content)

    def _check(self, url: str, headers: str, body: str) -> None:
        to_whom = gateway.uses("to", url, body) or gateway.uses("number", url, body)
        if not (to_whom and gateway.uses("text", url, body)):
            raise TransportError(INCOMPLETE, permanent=True)

    def _secret(self, *templates: str) -> str:
        """Empty where no template asks for it. Raises TransportError, by hand."""
        if not (gateway.uses("secret", *templates) or gateway.uses("basic", *templates)):
            return ""
        return secret(self._channel, "secret")

    def _judge(self, answer: Answer, message: Call) -> None:
        words = self._words(answer)
        judge(answer, words=words, refused=REFUSED, repeatable=message.repeatable)
        sign = "".join(self._channel.settings.get("success", "").split())
        if sign and sign not in "".join(answer.body.decode(errors="replace").split()):
            raise TransportError(told(NOT_TAKEN, words), permanent=True)

    def _words(self, answer: Answer) -> str:
        """What it said, without the secret, should it repeat that."""
        words = answer.words
        try:
            known = secret(self._channel, "secret")
        except TransportError:
            return words
        for hidden in (known, gateway.basic(known)):
            words = words.replace(hidden, "…")
        return words

    def _receipt(self, answer: Answer, message: Call) -> Receipt:
        return Receipt(f"HTTP {answer.status}")
