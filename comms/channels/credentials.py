"""The secrets of channels: sealed together, read one by one, never shown."""

import json
from collections.abc import Mapping

from django.utils.translation import gettext_noop

from comms import secrets
from comms.channels.base import TransportError
from comms.models import Channel

MISSING = gettext_noop("A secret of this channel is missing: an administrator enters it.")
WRONG_KEY = gettext_noop("The channel's secret was sealed with another SECRET_KEY: enter it again.")


def seal(given: Mapping[str, str]) -> str:
    """What Channel.sealed_secrets holds; empty where nothing is given."""
    kept = {name: secret for name, secret in given.items() if secret}
    return secrets.seal(json.dumps(kept)) if kept else ""


def unseal(channel: Channel) -> dict[str, str]:
    """Raises secrets.Unreadable."""
    return unsealed(channel.sealed_secrets)


def unsealed(sealed: str) -> dict[str, str]:
    """What seal() was given. Raises secrets.Unreadable."""
    kept: dict[str, str] = json.loads(secrets.unseal(sealed)) if sealed else {}
    return kept


def secret(channel: Channel, name: str) -> str:
    """The secret of that name. Raises TransportError, by hand, when it is missing or cannot be read."""
    try:
        found = unseal(channel).get(name)
    except secrets.Unreadable as error:
        raise TransportError(WRONG_KEY, by_hand=True) from error
    if not found:
        raise TransportError(MISSING, by_hand=True)
    return found
