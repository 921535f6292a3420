"""The keys under which a browser keeps its person's unsent calls: the same again after every sign-in of hers, others
for anyone else. They are derived, not stored; a browser has them while its person is signed in (static/js/vault.js).
"""

import base64
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.models import User

HEADER = "X-Sign-In"
# A browser encrypts with a key for at most twelve hours after it was given, and keeps a call for a day.
DAYS = 3


class Key(NamedTuple):
    """*id* names the key without telling it; *secret*: 256 bits, base64."""

    id: str
    secret: str


def keys(user: User, *, at: datetime) -> list[Key]:
    """Those of *user*: the first to encrypt with, the others, of the days before *at* and of the secret keys before
    this one (SECRET_KEY_FALLBACKS), to decrypt."""
    days = [(at - timedelta(days=n)).date() for n in range(DAYS)]
    return [
        _key(f"{user.pk} {day}", secret)
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        for day in days
    ]


def _key(whose: str, secret: str) -> Key:
    def derived(what: str) -> bytes:
        return salted_hmac(f"accounts.keyring.{what}", whose, secret=secret, algorithm="sha256").digest()

    return Key(derived("id").hex()[:16], base64.b64encode(derived("key")).decode())


def sign_in(request: HttpRequest) -> str:
    """Names the sign-in of *request* without telling its session: another for every sign-in, the same person's too."""
    session = request.session.session_key or ""
    return salted_hmac("accounts.keyring.sign-in", session, algorithm="sha256").hexdigest()[:16]
