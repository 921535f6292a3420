"""An e-mail as it is read: who wrote, what, and whether a machine did."""

import html
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import HeaderParser
from hashlib import sha256

from django.utils.timezone import is_naive
from imap_tools import MailMessage

from tickets.models import MailKind
from tickets.models.mail import LONGEST_MAIL

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_TAGS = re.compile(r"(?is)<(script|style)\b.*?</\1>|<br\s*/?>|</p>|</div>|<[^>]+>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Where a mail program begins to quote what it answers, in the four languages.
_QUOTED = re.compile(
    r"(?im)^(?:-{2,}\s*(?:original message|message d'origine|oorspronkelijk bericht|ursprüngliche nachricht)\b.*"
    r"|(?:le|op|am|on)\b.{4,120}(?:a écrit|schreef|schrieb|wrote).{0,60}:\s*"
    r"|_{10,}\s*)$"
)
# Subjects of absence notices from programs that do not say so in a header (RFC 3834).
_ABSENT = re.compile(
    r"(?i)^\s*(?:automatic reply|auto(?:matic)?[- ]?response|out of (?:the )?office|réponse automatique|absence\b"
    r"|absent\b|automatisch antwoord|afwezig|automatische antwort|abwesenheit)"
)
_DAEMONS = ("mailer-daemon", "postmaster")


@dataclass(frozen=True)
class Letter:
    """*answers*: the Message-IDs it refers to. *refused*: of a bounce, the address; *gone*: for good.

    *returned*: the Message-ID of what came back with it.
    """

    message_id: str
    answers: tuple[str, ...]
    sender: str
    name: str
    subject: str
    text: str
    kind: MailKind
    attachments: int
    sent_at: datetime | None
    refused: str = ""
    gone: bool = False
    returned: str = ""


def letter_of(message: MailMessage) -> Letter:
    sender = message.from_values
    refused, gone = _report(message.obj)
    returned = _returned(message.obj) if refused else ""
    return Letter(
        message_id=_id_of(message),
        answers=tuple(
            _MESSAGE_ID.findall(
                f"{_header(message, 'in-reply-to')} {_header(message, 'references')} {returned}"
            )
        ),
        sender=(sender.email if sender else "").strip().casefold()[:254],
        name=_line(sender.name if sender else "")[:120],
        subject=_line(message.subject)[:200],
        text=_written(message),
        kind=_kind(message, bool(refused)),
        attachments=len([part for part in message.attachments if part.content_disposition != "inline"]),
        sent_at=None if is_naive(message.date) else message.date,
        refused=refused[:254],
        gone=gone,
        returned=returned,
    )


def _header(message: MailMessage, name: str) -> str:
    return " ".join(message.headers[name]) if name in message.headers else ""


def _id_of(message: MailMessage) -> str:
    found = _MESSAGE_ID.search(_header(message, "message-id"))
    return found[0] if found else f"<{sha256(message.obj.as_bytes()).hexdigest()}@no-id>"


def _kind(message: MailMessage, is_report: bool) -> MailKind:  # noqa: FBT001
    sender = message.from_values.email.partition("@")[0].casefold() if message.from_values else ""
    if is_report or sender in _DAEMONS or (_header(message, "return-path").strip() == "<>" and not sender):
        return MailKind.BOUNCE
    submitted = _header(message, "auto-submitted").strip().casefold() or "no"
    by_machine = (
        not submitted.startswith("no")
        or _header(message, "precedence").strip().casefold() in ("bulk", "junk", "list", "auto_reply")
        or "x-autoreply" in message.headers
        or "x-autorespond" in message.headers
        or _ABSENT.match(message.subject)
    )
    return MailKind.AUTOMATIC if by_machine else MailKind.MESSAGE


def _report(message: Message) -> tuple[str, bool]:
    """Of a delivery status notification (RFC 3464): whom it speaks of, and whether there is nobody for good."""
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            if not isinstance(block, Message):
                continue
            recipient = str(block.get("Final-Recipient", "")).partition(";")[2].strip()
            if recipient and str(block.get("Action", "")).strip().casefold() == "failed":
                return recipient.casefold(), str(block.get("Status", "")).strip().startswith("5.1.")
    return "", False


def _returned(message: Message) -> str:
    """Of what a report sends back, whole or its headers alone (RFC 3462)."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inside = part.get_payload()
            first = inside[0] if isinstance(inside, list) and inside else None
            header = first.get("Message-ID", "") if isinstance(first, Message) else ""
        elif kind == "text/rfc822-headers":
            content = part.get_payload(decode=True)
            text = content.decode("ascii", "replace") if isinstance(content, bytes) else ""
            header = HeaderParser().parsestr(text).get("Message-ID", "")
        else:
            continue
        if found := _MESSAGE_ID.search(str(header)):
            return found[0]
    return ""


def _written(message: MailMessage) -> str:
    """The words of the writer herself, as far as they can be told from what she quotes."""
    text = message.text or html.unescape(_TAGS.sub(_for_tag, message.html or ""))
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    quoted = _QUOTED.search(text)
    own = text[: quoted.start()] if quoted and text[: quoted.start()].strip() else text
    lines = [line.rstrip() for line in own.split("\n") if not line.startswith(">")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:LONGEST_MAIL]


def _for_tag(tag: re.Match[str]) -> str:
    return "\n" if tag[0].casefold().startswith(("<br", "</p", "</div")) else ""


def _line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
