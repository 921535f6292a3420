"""The links that stand for an account: a subscriber's key, signed for one purpose.

A link of one purpose opens nothing of another. It is good for as long as the subscription is in our tables, because
someone may unsubscribe from an old message; whether it is too late to confirm, the subscription itself knows.
"""

from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from comms.models import ListMember, Subscriber

LEAVE = "leave"  # the name of the page that a list's member leaves by
LONGEST_PK = 19  # digits of a number that no database refuses


class Purpose(StrEnum):
    """The value is the name of the page it leads to."""

    CONFIRM = "confirm"
    MANAGE = "manage"
    UNSUBSCRIBE = "unsubscribe"


def url(subscriber: Subscriber, purpose: Purpose) -> str:
    """The whole address, of this application."""
    return f"{settings.DESK_BASE_URL}{path(subscriber, purpose)}"


def path(subscriber: Subscriber, purpose: Purpose) -> str:
    """In her language."""
    before, after = _address(purpose)
    return f"{before}{_signer(purpose).sign(subscriber.key.hex)}{after}?lang={subscriber.language}"


@lru_cache
def _address(purpose: str) -> tuple[str, str]:
    """What stands before and after the token. A mail to thousands asks it for each of them."""
    before, _token, after = reverse(f"subscribe:{purpose}", args=["TOKEN"]).partition("TOKEN")
    return before, after


def leave_url(member: ListMember) -> str:
    """By which *member* takes her address off the list; of no use once another address stands there."""
    before, after = _address(LEAVE)
    return f"{settings.DESK_BASE_URL}{before}{_leaving(member).sign(str(member.pk))}{after}?lang={member.language}"


def member_of(token: str) -> ListMember | None:
    """Whose *token* it is; None of anything else."""
    pk = token.partition(".")[0]
    if not (pk.isascii() and pk.isdecimal() and len(pk) < LONGEST_PK):
        return None
    member = ListMember.objects.select_related("mail_list").filter(pk=pk).first()
    try:
        return member if member and _leaving(member).unsign(token) else None
    except BadSignature:
        return None


def _leaving(member: ListMember) -> Signer:
    return Signer(sep=".", salt=f"comms.links.{LEAVE}.{member.email.casefold()}")


def key_in(token: str, purpose: Purpose) -> UUID | None:
    """The key that *token* was made of for *purpose*; None of anything else."""
    try:
        return UUID(_signer(purpose).unsign(token))
    except (BadSignature, ValueError):
        return None


def _signer(purpose: Purpose) -> Signer:
    return _signer_of(purpose, str(settings.SECRET_KEY), tuple(settings.SECRET_KEY_FALLBACKS))


@lru_cache
def _signer_of(purpose: Purpose, key: str, fallbacks: tuple[str, ...]) -> Signer:
    # A full stop, because mail programs end a link at some colons.
    return Signer(key=key, fallback_keys=list(fallbacks), sep=".", salt=f"comms.links.{purpose}")


def challenge(subscriber: Subscriber) -> str:
    """What a webhook must answer to be confirmed: the same each time it is asked, and nobody else can make it."""
    return Signer(salt="comms.links.challenge").signature(subscriber.key.hex)
