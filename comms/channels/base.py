"""What every way out has in common: what it can do, how it says no, and the small interface of a transport."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from types import TracebackType
from typing import Any, Protocol, Self

from django.utils.functional import Promise

from comms.models import Channel, Delivery
from comms.posts.counting import Limit


class TransportError(Exception):
    """The message was not accepted, or nobody knows. The text is fit for a person, in English (gettext_noop).

    *permanent*: another attempt would end the same way. *maybe_sent*: the other side may have accepted it before
    it stopped answering. *unreachable*: this would have happened to any message, so the others need not try yet.
    *retry_after*: the other side asked for a pause. *by_hand*: no token, or one that was refused: where the channel
    lets a person post it herself, she does; implies permanent. *no_such_recipient*: nobody is there, for good.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        maybe_sent: bool = False,
        unreachable: bool = False,
        retry_after: timedelta | None = None,
        by_hand: bool = False,
        no_such_recipient: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent or by_hand or no_such_recipient
        self.maybe_sent = maybe_sent
        self.unreachable = unreachable
        self.retry_after = retry_after
        self.by_hand = by_hand
        self.no_such_recipient = no_such_recipient


class Doubt(Enum):
    """What to do when nobody knows whether a message arrived."""

    REPEAT = auto()
    """Send it again: a repeat is recognised by its key, or does no harm."""
    LOOK = auto()
    """Look for it at the other end first."""
    ASK = auto()
    """A person decides."""


@dataclass(frozen=True)
class Capabilities:
    in_doubt: Doubt
    limit: Limit | None = None
    """None: as long as need be."""
    idempotent: bool = False
    """The other side is given a key by which it recognises a repeat."""
    reads_back: bool = False
    """What was posted can be looked for (Transport.find)."""
    edits: bool = False
    deletes: bool = False
    threads: bool = False
    """What follows is hung under the incident's first post."""
    by_hand: bool = False
    """A person can post the text herself and give the address of the post (social networks)."""
    media: bool = False
    """A post carries a card of the page beside its text."""
    batch: int = 1
    """How many messages are taken at once, to leave over one connection; of more than one, none has a name outside."""
    senders: int = 1
    """How many may work in the lane side by side; one keeps the order."""


@dataclass(frozen=True)
class Setting:
    """Something an administrator gives for a channel of this kind; kept in Channel.settings or sealed."""

    name: str
    label: str | Promise
    help_text: str | Promise = ""
    secret: bool = False
    required: bool = True
    long: bool = False
    """Several lines."""
    default: str = ""
    check: Callable[[str], None] | None = None
    """Raises ValueError with a text fit for a person, in English (gettext_noop)."""


@dataclass(frozen=True)
class Receipt:
    """What the other side answered; *detail* is fit for a person. *id* and *url* name the post where it has them."""

    detail: str
    id: str = ""
    url: str = ""


class Transport(Protocol):
    """Sends the deliveries of one channel one by one; as a context it may keep a connection open between them.

    One class for each kind of channel (comms.channels.kinds). What it needs of a person is in *settings*.
    """

    capabilities: Capabilities
    settings: tuple[Setting, ...]

    def __init__(self, channel: Channel) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def prepare(self, delivery: Delivery) -> Any:
        """The message as it will leave; asks the database. Raises TransportError.

        Does what Delivery.action says: post, edit or remove the original, or tell of a correction or withdrawal.
        Delivery.notice == Notice.TEST is a test that an administrator asked for: where it would be seen by the
        public (social networks) only the account is asked for its name.
        """

    def send(self, message: Any) -> Receipt:
        """Hand *message* over, asking no database. Raises TransportError."""

    def find(self, message: Any) -> Receipt | None:
        """Look whether *message* arrived earlier. Raises TransportError. Asked only where capabilities.reads_back."""
