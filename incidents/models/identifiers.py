"""Identifiers that the public sees."""

import secrets
import string

ALPHABET = string.ascii_lowercase + string.digits


def public_id() -> str:
    """An opaque id of 12 lower-case letters and digits, as the Statuspage v2 convention has them."""
    return "".join(secrets.choice(ALPHABET) for _ in range(12))
