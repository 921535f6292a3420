"""E-mail addresses of people we do not know: one spelling for each mailbox, fit for a mail's header."""

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_noop

LONGEST = 254  # characters (RFC 5321, errata 1690)
NOT_AN_ADDRESS = gettext_noop("This is not an e-mail address. Write it like name@pharmacy.be.")
ASCII_ONLY = gettext_noop("Before the @ only plain letters without accents can be used.")


class NotAMailbox(Exception):
    """The message is fit for a person, in English; translate it when it is shown."""


def mailbox(text: str) -> str:
    """The address in lower case, its domain as the name servers know it (IDNA 2008: xn--…).

    Strictly, a domain may tell Name from name; none that people use does, and one mailbox must not be
    subscribed twice. Raises NotAMailbox.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at or not local:
        raise NotAMailbox(NOT_AN_ADDRESS)
    if not local.isascii():
        raise NotAMailbox(ASCII_ONLY)
    try:
        address = f"{local.lower()}@{idna.encode(domain, uts46=True).decode()}"
        validate_email(address)
    except (idna.IDNAError, ValidationError):
        raise NotAMailbox(NOT_AN_ADDRESS) from None
    if len(address) > LONGEST:
        raise NotAMailbox(NOT_AN_ADDRESS)
    return address


def shown(address: str) -> str:
    """As its owner writes it: the domain in its own letters where it has any."""
    local, _at, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.decode(domain)}"
    except idna.IDNAError:
        return address
