"""What every network has in common where it is read who mentions us."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from comms.models import Channel

LARGEST = 1024 * 1024  # bytes of an answer: a page of mentions brings each author's profile along
LONGEST_NAME = 254  # characters: a post with a longer one could not be answered


@dataclass(frozen=True)
class Mention:
    """*address* is the post's for everyone, *name* what a reply calls it; *answers*: the names of posts above it."""

    address: str
    name: str
    url: str
    author: str
    author_name: str
    text: str
    language: str
    at: datetime
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heard:
    """*place* is where to go on; *more*: there is more to be had at once."""

    mentions: list[Mention]
    place: dict[str, Any]
    more: bool


class Listener(Protocol):
    """Reads who mentions one account, as a context. Reading leaves no trace at the other end."""

    def __init__(self, channel: Channel) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def hear(self, place: Mapping[str, Any], since: datetime) -> Heard:
        """A page of mentions: what comes after *place*, of the first time what was said after *since*.

        Some may be known already. Raises TransportError.
        """
