"""What the ways have in common where a repeat would be a second message: one call, and what its answer means."""

import re
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from django.conf import settings
from django.utils.translation import gettext_noop

from comms.channels.base import Capabilities, Receipt, Setting, TransportError
from comms.channels.credentials import secret
from comms.channels.http import Answer, Web, judge
from comms.channels.reminding import STAFF_NOTICES, reminder
from comms.channels.words import WORDS
from comms.models import Channel, Delivery, Notice

REFUSED = gettext_noop("It does not accept this token: an administrator enters a new one.")
STRANGE = gettext_noop("It answered something that is no answer to a message, so nobody knows.")
STRANGE_AGAIN = gettext_noop("It answered something that is no answer to this.")
ALREADY_THERE = gettext_noop("It says that it has this very text already: look whether it is there.")
FOUND = gettext_noop("It had arrived: it was found there.")
REMOVED = gettext_noop("removed")
GONE = gettext_noop("The post that it answers is not there any more: nothing was sent.")
NAMELESS = gettext_noop("The desk does not know the post's name there: change or remove it by hand.")
NOT_A_TOKEN = gettext_noop("A token has no spaces and only plain characters: copy it again.")
UNSET = gettext_noop("A setting of this channel is missing: an administrator enters it.")
NOT_DIGITS = gettext_noop("Give the number alone, without spaces.")


@dataclass(frozen=True)
class Call:
    """*repeatable*: doing it once more changes nothing. *shown*: the name of what it changes, for the receipt."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    content: bytes = b""
    repeatable: bool = False
    shown: str = ""


class Posting:
    """A transport that makes one call a message. Its kinds say which, and read the answer."""

    capabilities: Capabilities
    settings: tuple[Setting, ...] = ()

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __enter__(self) -> Self:
        self._web = Web(self._channel).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.__exit__(kind, error, trace)

    def prepare(self, delivery: Delivery) -> Call:
        raise NotImplementedError

    def send(self, message: Call) -> Receipt:
        answer = self._answer(message)
        self._judge(answer, message)
        return self._receipt(answer, message)

    def find(self, message: Call) -> Receipt | None:
        raise NotImplementedError("It cannot be asked: a person looks.")

    def _answer(self, message: Call) -> Answer:
        try:
            return self._web.call(
                message.method, message.url, headers=message.headers, content=message.content
            )
        except TransportError as error:
            error.maybe_sent = error.maybe_sent and not message.repeatable
            raise

    def _judge(self, answer: Answer, message: Call) -> None:
        judge(answer, words=answer.words, repeatable=message.repeatable)

    def _receipt(self, answer: Answer, message: Call) -> Receipt:
        raise NotImplementedError


def strange(message: Call) -> TransportError:
    """A success that names nothing: of a post nobody knows, anything else is done again."""
    if message.repeatable:
        return TransportError(STRANGE_AGAIN)
    return TransportError(STRANGE, maybe_sent=True)


def said(delivery: Delivery) -> str:
    """The text as it was owed, or that of a test."""
    if delivery.notice == Notice.TEST:
        return WORDS[delivery.language or "fr"]["test"]
    if delivery.notice in STAFF_NOTICES:
        return reminder(delivery)
    return delivery.text


def page(delivery: Delivery) -> str:
    """The incident's address on the status site, in the language of the post."""
    language = delivery.language or "fr"
    return f"{settings.DESK_STATUS_URL}/{language}/incidents/{delivery.message.incident.public_id}/"


def name_of_original(delivery: Delivery, in_address: re.Pattern[str] | None = None) -> str:
    """What the post that *delivery* changes is called there. Raises TransportError, by hand, where nobody knows."""
    name = name_of(delivery.original, in_address) if delivery.original else ""
    if not name:
        raise TransportError(NAMELESS, by_hand=True)
    return name


def name_of(post: Delivery, in_address: re.Pattern[str] | None = None) -> str:
    """Its name there; of one that a person posted what *in_address* finds in the address that she gave."""
    found = in_address.search(post.external_url) if in_address and not post.external_id else None
    return found[1] if found else post.external_id


def setting(channel: Channel, name: str) -> str:
    """Raises TransportError, by hand, when it is missing."""
    found: str = channel.settings.get(name, "")
    if not found:
        raise TransportError(UNSET, by_hand=True)
    return found


def token(channel: Channel, name: str = "token") -> str:
    """A secret that can stand in a header. Raises TransportError, by hand."""
    found = secret(channel, name)
    if not _fit(found):
        raise TransportError(NOT_A_TOKEN, by_hand=True)
    return found


def check_token(given: str) -> None:
    if not _fit(given):
        raise ValueError(NOT_A_TOKEN)


def _fit(found: str) -> bool:
    return found.isascii() and found.isprintable() and " " not in found


def check_digits(given: str) -> None:
    if not (given.isascii() and given.isdecimal()):
        raise ValueError(NOT_DIGITS)
