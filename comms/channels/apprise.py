"""Whatever Apprise knows besides: https://appriseit.com/services. Needs the extra `apprise`.

Apprise makes its own connections, so that the guard of comms.channels.addresses covers only part of the way: the
server that the address names is resolved and checked when it is saved and before each message, and redirects are not
followed. Not covered: a name that leads elsewhere in the moment between, and servers that a service finds by itself.
That is why administrators alone enter such an address. Services of this very machine are refused.
"""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import structlog
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from comms.channels import addresses
from comms.channels.base import Capabilities, Doubt, Receipt, Setting, TransportError
from comms.channels.credentials import secret
from comms.channels.http import one_line, told
from comms.channels.posting import said
from comms.models import Channel, Delivery

log = structlog.get_logger(__name__)

SECONDS = 20  # for one message as a whole
HERE = {
    "dbus",
    "qt",
    "kde",
    "glib",
    "gio",
    "gnome",
    "macosx",
    "windows",
    "syslog",
    "blink1",
}  # this machine itself

MISSING = gettext_noop("Apprise is not installed: the operators install requirements/apprise.txt.")
NOT_KNOWN = gettext_noop("Apprise does not understand this address, or it names more than one.")
ON_THIS_MACHINE = gettext_noop("This service is one of the desk's own machine, which nobody looks at.")
UNENCRYPTED = gettext_noop("Give the encrypted form of this service: its name before :// with an s more.")
IN_DOUBT = gettext_noop("Apprise says that it did not succeed, but not how far it came.")
TOO_LATE = gettext_noop("There was no answer in time.")
TAKEN = gettext_noop("taken, says Apprise")


def check_url(url: str) -> None:
    """Raises ValueError, fit for a person, in English. Asks the name servers."""
    try:
        _check(_service(url))
    except (TransportError, addresses.Forbidden, LookupError) as error:
        raise ValueError(str(error.args[0])) from None


@dataclass(frozen=True)
class Said:
    url: str = field(repr=False)
    text: str


class AppriseTransport:
    """Apprise tells success from failure, and not a refusal from an answer that came too late: a person looks."""

    capabilities = Capabilities(in_doubt=Doubt.ASK)
    settings: tuple[Setting, ...] = (
        Setting(
            "url",
            _("Apprise address"),
            _("As on appriseit.com/services. It is a secret as a whole."),
            secret=True,
            check=check_url,
        ),
    )

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def prepare(self, delivery: Delivery) -> Said:
        return Said(secret(self._channel, "url"), said(delivery))

    def send(self, message: Said) -> Receipt:
        service = _service(message.url)
        try:
            _check(service)
        except addresses.Forbidden as error:
            raise TransportError(str(error), permanent=True) from error
        except LookupError as error:
            raise TransportError(str(error.args[0]), unreachable=True) from error
        return _receipt(_notify(service, message.text), message.url)

    def find(self, message: Said) -> Receipt | None:
        raise NotImplementedError("Apprise cannot be asked: a person looks.")


def _service(url: str) -> Any:
    """The one service that *url* names. Raises TransportError."""
    try:
        import apprise  # an optional extra, and slow to import
    except ImportError as error:
        raise TransportError(MISSING, by_hand=True) from error
    asset = apprise.AppriseAsset(
        http_redirects=False, app_id="FarmaFlux Desk", app_desc="", secure_logging=True
    )
    service = apprise.Apprise.instantiate(url, asset=asset) if url.isprintable() else None
    if service is None:
        raise TransportError(NOT_KNOWN, by_hand=True)
    service.redirects = False  # an address may ask for them
    return service


def _check(service: Any) -> None:
    """Raises Forbidden and LookupError as comms.channels.addresses, and Forbidden for a service of this machine."""
    if HERE.intersection(service.schemas()):
        raise addresses.Forbidden(ON_THIS_MACHINE)
    scheme = "https" if service.secure else "http"
    try:
        if host := _host(service):
            addresses.resolve(f"{scheme}://{host}/")
    except addresses.Forbidden as error:
        if error.args[0] == addresses.NEEDS_HTTPS:
            raise addresses.Forbidden(UNENCRYPTED) from None
        raise


def _host(service: Any) -> str:
    """The server that its address names; empty for a service that has its own."""
    named = service.host if "host" in service.template_tokens else ""
    return str(getattr(service, "smtp_host", "") or named)  # of mail the host is the sender's alone


def _notify(service: Any, text: str) -> Any:
    import apprise

    notifier = apprise.Apprise()
    notifier.add(service)
    return notifier.notify(
        text, body_format=apprise.NotifyFormat.TEXT, interpret_escapes=False, timeout=SECONDS
    )


def _receipt(result: Any, url: str) -> Receipt:
    """Raises TransportError, of which nobody knows whether it arrived, for anything but success."""
    if result:
        return Receipt(TAKEN)
    words = next((one_line(str(entry.message)) for entry in reversed(list(result.logs()))), "")
    late = result.status.name == "TIMEOUT"
    raise TransportError(told(TOO_LATE if late else IN_DOUBT, words.replace(url, "…")), maybe_sent=True)
