"""Where a webhook may not go: into our own network, whatever its name says when it is called.

Checked when the address is saved and again on what the name resolves to at the moment of the call; the call then
goes to that very address, so a name that changes its mind in between gains nothing.
DESK_WEBHOOK_NETWORKS lists networks that are allowed nevertheless, also over http.
"""

import ipaddress
import socket
from urllib.parse import urlsplit, urlunsplit

import idna
from django.conf import settings
from django.utils.translation import gettext_noop

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

# What is_global does not know: these hold an IPv4 address inside, and what they reach is decided elsewhere; the last
# two are the private addresses that IPv6 had first (RFC 3879), and where a machine on Azure asks about itself.
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::/96",
        "::ffff:0:0:0/96",
        "fec0::/10",
        "168.63.129.16/32",
    )
]


class Forbidden(Exception):
    """The message is fit for a person, in English; translate it when it is shown."""


NOT_AN_ADDRESS = gettext_noop("This is not a complete web address.")
NO_LOGIN = gettext_noop("Leave user name and password out of the address.")
INSIDE = gettext_noop(
    "This address leads into a private network. An operator may allow it: DESK_WEBHOOK_NETWORKS."
)
NEEDS_HTTPS = gettext_noop("Give an https address.")
UNKNOWN_HOST = gettext_noop("No such host is known.")


def normal(url: str) -> str:
    """One spelling for each address: scheme and host in small letters, IDNA 2008, no usual port, no fragment.

    Asks no name servers. Raises Forbidden.
    """
    host, parts = _host(url), urlsplit(url)
    if ":" not in host:
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            raise Forbidden(NOT_AN_ADDRESS) from None
    port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    host = f"[{host}]" if ":" in host else host
    found = urlunsplit((parts.scheme, f"{host}{port}", parts.path or "/", parts.query, ""))
    check(found)
    return found


def check(url: str) -> None:
    """Refuse what can be refused without asking the name servers. Raises Forbidden."""
    host = _host(url)
    try:
        literal: IP | None = ipaddress.ip_address(host)
    except ValueError:
        literal = None
    if literal is not None:
        _check_address(literal, encrypted=urlsplit(url).scheme == "https")
    elif host.rpartition(".")[2].isdecimal():  # 127.1 and 2130706433 are spellings of 127.0.0.1
        raise Forbidden(NOT_AN_ADDRESS)
    elif not settings.DESK_WEBHOOK_NETWORKS:
        if f".{host}".endswith((".localhost", ".local", ".internal")):
            raise Forbidden(INSIDE)
        if urlsplit(url).scheme != "https":
            raise Forbidden(NEEDS_HTTPS)


def _check_address(address: IP, *, encrypted: bool) -> None:
    if not allowed(address):
        raise Forbidden(INSIDE)
    if not encrypted and not _listed(address):
        raise Forbidden(NEEDS_HTTPS)


def _host(url: str) -> str:
    if not url.isprintable() or " " in url:  # urlsplit would drop a line's end in silence
        raise Forbidden(NOT_AN_ADDRESS)
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise Forbidden(NOT_AN_ADDRESS) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise Forbidden(NOT_AN_ADDRESS)
    if parts.username or parts.password:
        raise Forbidden(NO_LOGIN)
    return host.rstrip(".").lower()


def resolve(url: str) -> str:
    """The address to connect to, now.

    Raises Forbidden when any address of the name leads inside, LookupError when the name has none.
    """
    check(url)
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(_host(url), port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise LookupError(UNKNOWN_HOST) from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        _check_address(address, encrypted=parts.scheme == "https")
    return str(addresses[0])


def loopback(url: str) -> bool:
    """Whether *url* names this machine by its number; what a name leads to is not asked."""
    try:
        return ipaddress.ip_address(_host(url)).is_loopback
    except (Forbidden, ValueError):
        return False


def allowed(address: IP) -> bool:
    address = getattr(address, "ipv4_mapped", None) or address
    if _listed(address):
        return True
    excepted = any(address in network for network in _NOT_PUBLIC)
    return address.is_global and not address.is_multicast and not excepted


def _listed(address: IP) -> bool:
    return any(address in network for network in settings.DESK_WEBHOOK_NETWORKS)
