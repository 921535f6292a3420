"""A signed POST of the incident to somebody else's address. docs/webhooks.md tells receivers how to read it."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels import addresses
from comms.channels.base import Capabilities, Doubt, Receipt, Setting
from comms.channels.credentials import secret
from comms.channels.http import Answer, Web, judge
from comms.models import Channel, Delivery, Notice
from comms.status import api
from comms.status.snapshot import snapshot

SHORTEST_SECRET = 16
TOO_SHORT = gettext_noop("Give at least 16 characters.")


def check_address(url: str) -> None:
    """Raises ValueError, fit for a person."""
    try:
        addresses.resolve(url)
    except (addresses.Forbidden, LookupError) as error:
        raise ValueError(error.args[0]) from None


def check_secret(secret: str) -> None:
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(TOO_SHORT)


@dataclass(frozen=True)
class Post:
    url: str
    content: bytes
    key: str
    secret: str = field(repr=False)


class WebhookTransport:
    """The receiver tells a repeat by its Idempotency-Key, so that sending again is safe when in doubt."""

    capabilities = Capabilities(in_doubt=Doubt.REPEAT, idempotent=True)
    settings: tuple[Setting, ...] = (
        Setting("url", _("Address"), _("An https address that takes a POST."), check=check_address),
        Setting(
            "secret",
            _("Secret"),
            _("Signs what is posted; the receiver needs the same."),
            secret=True,
            check=check_secret,
        ),
    )

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __enter__(self) -> Self:
        self._web = Web(self._channel).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.__exit__(kind, error, trace)

    def prepare(self, delivery: Delivery) -> Post:
        key, signs = str(delivery.key), secret(self._channel, "secret")
        if delivery.notice == Notice.TEST:
            content = json.dumps({"type": "test"}).encode()
        else:
            content = api.webhook(snapshot(timezone.now()), delivery.message.incident.public_id)
        return Post(url=self._channel.settings["url"], content=content, key=key, secret=signs)

    def send(self, message: Post) -> Receipt:
        answer = self._answer(message)
        judge(answer)
        return Receipt(f"HTTP {answer.status}")

    def find(self, message: Post) -> Receipt | None:
        raise NotImplementedError("A webhook is not asked: it recognises repeats.")

    def _answer(self, message: Post) -> Answer:
        """Whatever it answered. Raises TransportError when it did not."""
        return self._web.call("POST", message.url, headers=_headers(message), content=message.content)


def _headers(message: Post) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": message.key,
        "FarmaFlux-Signature": f"t={timestamp},v1={signature(message.secret, timestamp, message.content)}",
    }


def signature(secret: str, timestamp: int, content: bytes) -> str:
    """HMAC-SHA256 in hexadecimal over the timestamp in decimal (seconds since 1970), a full stop and the body."""
    return hmac.new(secret.encode(), b"%d." % timestamp + content, hashlib.sha256).hexdigest()
