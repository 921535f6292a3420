"""A channel of a kind that this version of the desk does not have: after a step back to an older one, say."""

from types import TracebackType
from typing import Any, Self

from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.models import Channel, Delivery

NOT_KNOWN = gettext_noop("This version of the desk does not know this kind of channel; nothing was sent.")


class Unregistered:
    """Refuses every message for good: a person decides once the desk knows the kind again."""

    capabilities = Capabilities(in_doubt=Doubt.ASK)
    settings: tuple[Setting, ...] = ()

    def __init__(self, channel: Channel) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def prepare(self, delivery: Delivery) -> Any:
        raise TransportError(NOT_KNOWN, permanent=True)

    def send(self, message: Any) -> Receipt:
        raise TransportError(NOT_KNOWN, permanent=True)

    def find(self, message: Any) -> Receipt | None:
        return None
