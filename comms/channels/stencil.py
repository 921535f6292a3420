"""A mail written once for many readers: only what is a reader's own is filled in for each of them.

Making a message part by part takes Python some milliseconds; filling one in takes some microseconds. The text leaves
as quoted-printable, which no server on the way has to change, so that signatures made over it stay good.
"""

import re
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage as Message
from email.policy import SMTP, EmailPolicy, Policy, default
from secrets import token_hex
from typing import Any, cast

import idna
from django.core.mail import EmailMessage
from django.utils.translation import gettext_noop

from comms.channels.base import TransportError

NOT_AN_ADDRESS = gettext_noop("This is not an address that mail can be sent to.")
SMUGGLED = gettext_noop("A title or an address would begin another line in the head of the mail.")
# RFC 5321, 4.1.2: a local part with or without quotes, a domain or an address literal. Nothing that ends a line.
_ADDRESS = re.compile(
    r"(?:[\w!#$%&'*+/=?^`{|}~.-]+|\"(?:[ !#-\[\]-~]|\\[ -~])+\")@(?:[A-Za-z0-9.-]+|\[[\w.:]+\])", re.ASCII
)
_BLANK = re.compile(f"{(_SECRET := token_hex(8))}-([a-z]+)-")  # nobody who writes a text can guess it
_BOUNDARY = (
    "=_alternative"  # never part of quoted-printable, where = is followed by a digit, a letter or the end
)


def blank(name: str) -> str:
    """What to write in a text where the reader's own *name* will stand; *name* is of small letters."""
    return f"{_SECRET}-{name}-"


class Letter(EmailMessage):
    """A message whose bytes are known: what stands in it is not put together once more when it leaves."""

    def __init__(self, *, to: str, content: bytes) -> None:
        super().__init__(to=[to])
        self.content = content

    def message(self, *, policy: "Policy[Any] | None" = default) -> Message:
        as_written = cast("EmailPolicy[Any]", policy or default).clone(refold_source="none")
        return cast(Message, message_from_bytes(self.content, policy=as_written))


@dataclass(frozen=True)
class Stencil:
    head: bytes
    parts: tuple[bytes, ...]
    """Text and names of blanks in turn: text, name, text, name, … text."""

    @classmethod
    def of(cls, *, headers: Mapping[str, str], text: str, html: str) -> "Stencil":
        """Of *headers* that all readers share, and two texts that may hold blanks. Raises TransportError."""
        head = b"".join(_header(name, value) for name, value in headers.items() if value)
        head += (
            f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n'
        ).encode()
        body: list[bytes] = [b"\r\n"]
        for kind, written in (("plain", text), ("html", html)):
            first, *others = _cut(written)
            body[-1] += _part(kind) + first
            body += others
            body[-1] += b"\r\n"
        body[-1] += f"--{_BOUNDARY}--\r\n".encode()
        return cls(head, tuple(body))

    def filled(self, *, to: str, headers: Mapping[str, str], blanks: Mapping[str, str]) -> Letter:
        """The letter to the address *to*, with *headers* of its own. Raises TransportError for what is no address."""
        address = addr_spec(to)
        own = "".join(f"{name}: {one_line(value)}\r\n" for name, value in {"To": address, **headers}.items())
        written = {name.encode(): _break(value) for name, value in blanks.items()}
        body = [written[part] if n % 2 else part for n, part in enumerate(self.parts)]
        return Letter(to=address, content=b"".join([own.encode(), self.head, *body]))


def addr_spec(address: str) -> str:
    """*address* as a mail server takes it, the domain as the name servers know it. Raises TransportError."""
    local, _at, domain = address.rpartition("@")
    try:
        plain = address if domain.isascii() else f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise TransportError(NOT_AN_ADDRESS, permanent=True) from error
    if not _ADDRESS.fullmatch(plain):
        raise TransportError(NOT_AN_ADDRESS, permanent=True)
    return plain


def one_line(value: str) -> str:
    """Raises TransportError when it would begin a header of its own."""
    if not value.isprintable():
        raise TransportError(SMUGGLED, permanent=True)
    return value


def _header(name: str, value: str) -> bytes:
    try:
        written = SMTP.header_store_parse(name, value)
    except ValueError as error:  # it holds the end of a line
        raise TransportError(str(error), permanent=True) from error
    return SMTP.fold_binary(*written)


def _part(kind: str) -> bytes:
    return (
        f"--{_BOUNDARY}\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()


def _cut(text: str) -> list[bytes]:
    """Text, name of a blank, text, name, … text."""
    pieces = _BLANK.split(text)
    return [piece.encode() if n % 2 else _quoted(piece) for n, piece in enumerate(pieces)]


def _quoted(text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")


def _break(value: str) -> bytes:
    """Between two soft ends of a line, so that no line gets too long."""
    return b"=\r\n" + _quoted(value) + b"=\r\n"
