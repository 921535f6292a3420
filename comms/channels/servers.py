"""The server that an account is on, as an administrator gives it."""

from urllib.parse import urlsplit

from django.utils.translation import gettext_noop

from comms.channels.webhook import check_address

MORE_THAN_A_SERVER = gettext_noop("Give the server alone, without what follows in an address.")


def check_server(given: str) -> None:
    """Raises ValueError, fit for a person."""
    check_address(given)
    parts = urlsplit(given)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(MORE_THAN_A_SERVER)
