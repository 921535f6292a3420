"""Secrets of channels and addresses of subscribers, encrypted at rest: a copy of the database does not give them away.

A fingerprint finds again what is sealed; without the key nobody can try addresses against it. Keys are derived from
SECRET_KEY; what was made with an earlier one is read and found while that stands in SECRET_KEY_FALLBACKS.
"""

import base64
import hmac
from functools import lru_cache
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """Sealed with a SECRET_KEY that this installation does not know."""


def seal(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret. Raises Unreadable."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable("The secret was sealed with another SECRET_KEY: enter it again.") from None


def fingerprints(text: str) -> list[str]:
    """Keyed hashes of *text* (64 characters): the first is the one to store, all are those to look for."""
    keys = [_derived(key, b"comms.secrets.fingerprint") for key in _secret_keys()]
    return [hmac.new(key, text.encode(), sha256).hexdigest() for key in keys]


def _fernet() -> MultiFernet:
    return MultiFernet([_opener(key) for key in _secret_keys()])


@lru_cache(16)
def _opener(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(secret_key, b"comms.secrets")))


def _secret_keys() -> list[str]:
    """The present one first."""
    return [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


@lru_cache(
    16
)  # deriving costs more than what it is for, and thousands of addresses are opened for one message
def _derived(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
