"""What someone typed when her session had ended: kept for her, and for her alone, until she has signed in again."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.utils import timezone

from accounts.languages import Language
from accounts.models import User

KEPT_FOR = 12 * 60 * 60  # seconds
MOST = 64 * 1024  # characters in all
# What a form keeps for itself: by these names, or with Django's prefix for what a field held at first.
HIDDEN = {"csrfmiddlewaretoken", "typed_by", "key", "revision", "base", "undo"}
HELD_AT_FIRST = "initial-"
UNKEPT = "secret_"  # what the names of fields for secrets begin with: those are not kept
_SESSION_KEY = "typed"


@dataclass(frozen=True)
class Typed:
    """The fields of a refused POST, to be sent again to *path*."""

    path: str
    fields: list[list[str]]
    kept_at: float

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        fields = [
            [name, value]
            for name in request.POST
            if not name.startswith(UNKEPT)
            for value in request.POST.getlist(name)
        ]
        return cls(request.get_full_path(), fields, timezone.now().timestamp())

    @property
    def shown(self) -> list[tuple[str, str]]:
        """(language or "", text): what the person wrote in words; she knows her own by reading it."""
        return [(_language(name), value) for name, value in self._filled if _is_prose(value)]

    @property
    def others(self) -> int:
        """How many fields were chosen or filled beside those."""
        return len(self._filled) - len(self.shown)

    @property
    def _filled(self) -> list[list[str]]:
        """Without the fields that are the form's own business."""
        return [
            [name, value]
            for name, value in self.fields
            if value and name not in HIDDEN and not name.startswith(HELD_AT_FIRST)
        ]

    @property
    def resent(self) -> list[list[str]]:
        return [[name, value] for name, value in self.fields if name != "csrfmiddlewaretoken"]

    @property
    def author(self) -> str:
        """The primary key of who typed, as the form's signed field says; empty when it does not."""
        signed = dict(self.fields).get("typed_by", "")
        try:
            return Signer(salt="typed_by").unsign(signed)
        except BadSignature:
            return ""

    def is_by(self, user: User) -> bool:
        """False too when the form did not say who was typing: then nobody is shown it."""
        return self.author == str(user.pk)


def _language(name: str) -> str:
    """Of a text, by the end of its field's name: body_fr."""
    language = name.rpartition("_")[2]
    return language if language in Language else ""


def _is_prose(value: str) -> bool:
    return any(character.isspace() for character in value.strip())


def keep(request: HttpRequest) -> bool:
    """Put the POST aside in the visitor's session and say whether that was done.

    One that does not say who typed, or is too long to be a person's typing, is let go; files always are.
    """
    typed = Typed.of(request)
    if not typed.author or sum(len(name) + len(value) for name, value in typed.fields) > MOST:
        return False
    request.session[_SESSION_KEY] = asdict(typed)
    return True


def waits(request: HttpRequest) -> bool:
    """Somebody's text waits in this browser's session."""
    return _SESSION_KEY in request.session


def waiting(request: HttpRequest, user: User) -> Typed | None:
    """What *user* typed, until it is sent or let go; somebody else's is forgotten without a word."""
    kept: dict[str, Any] | None = request.session.get(_SESSION_KEY)
    if kept is None:
        return None
    typed = Typed(**kept)
    if timezone.now().timestamp() - typed.kept_at < KEPT_FOR and typed.is_by(user):
        return typed
    let_go(request)
    return None


def let_go(request: HttpRequest, *, path: str = "") -> None:
    """Forget what waits; with *path* only what is to be sent there."""
    kept: dict[str, Any] | None = request.session.get(_SESSION_KEY)
    if kept and path in ("", kept["path"]):
        del request.session[_SESSION_KEY]
