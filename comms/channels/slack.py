"""Messages in a Slack channel, by an incoming webhook: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks

The address is the secret: who knows it can post.
"""

import json

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.credentials import secret
from comms.channels.http import Answer, judge, told
from comms.channels.posting import Call, Posting, said, strange
from comms.channels.webhook import check_address
from comms.models import Delivery
from comms.posts import counting

GONE = {401, 403, 404, 410}  # action_prohibited, no_service, channel_not_found, channel_is_archived
SHUT = gettext_noop("Slack no longer takes messages at this address: an administrator enters a new one.")


class SlackTransport(Posting):
    """A webhook gives no name to what it posts: nothing can be looked for, changed or removed."""

    capabilities = Capabilities(in_doubt=Doubt.ASK, by_hand=True, limit=counting.SLACK)
    settings: tuple[Setting, ...] = (
        Setting(
            "url",
            _("Address of the incoming webhook"),
            _("https://hooks.slack.com/services/… It is a secret: who knows it can post."),
            secret=True,
            check=check_address,
        ),
    )

    def prepare(self, delivery: Delivery) -> Call:
        content = {"text": escaped(said(delivery)), "mrkdwn": False}
        headers = {"Content-Type": "application/json"}
        return Call("POST", secret(self._channel, "url"), headers, json.dumps(content).encode())

    def _judge(self, answer: Answer, message: Call) -> None:
        words = answer.words
        if answer.status in GONE:
            raise TransportError(told(SHUT, words), by_hand=True)
        judge(answer, words=words, repeatable=message.repeatable)

    def _receipt(self, answer: Answer, message: Call) -> Receipt:
        if answer.body.strip() != b"ok":
            raise strange(message)
        return Receipt(f"HTTP {answer.status}")


def escaped(text: str) -> str:
    """The three characters that begin something of Slack's own: https://docs.slack.dev/messaging/formatting-message-text

    So no text can call everybody (<!channel>) or dress one address up as another (<https://a|b>).
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
