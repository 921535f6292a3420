"""An update as an e-mail, in the reader's language: the message itself, its correction, or that it counts no longer."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.template.loader import render_to_string
from django.utils import timezone

from comms.channels.stencil import Letter, Stencil, blank
from comms.channels.words import STATUS, WORDS
from comms.models import CALLERS, Action, Delivery, Update, UpdateText
from incidents.models import ServiceStatus

_SENTENCES = {Action.CORRECTION: "corrected", Action.WITHDRAWAL: "withdrawn"}
KEPT = 64  # letters that a process keeps: those of the last messages, in four languages


@dataclass(frozen=True)
class Reader:
    """To whom a letter goes; of a subscriber the links of her subscription, of a list's member the one to leave it."""

    address: str
    manage: str = ""
    unsubscribe: str = ""


@dataclass(frozen=True)
class Line:
    service: str
    status: str
    mark: str


@dataclass(frozen=True)
class Content:
    """All that a letter says, whoever reads it: equal for those who are told the same."""

    action: Action
    language: str
    drill: bool
    incident: str
    number: int | None
    title: str
    headline: str
    body: str
    do_lines: tuple[str, ...]
    dont_lines: tuple[str, ...]
    patient: str
    services: tuple[Line, ...]
    published_at: datetime | None
    next_at: datetime | None
    valid_until: datetime | None
    owed_at: datetime
    missed: bool
    list_name: str
    """Why she gets it; empty for a subscriber, and for who called."""
    called: bool
    sender: str
    reply_to: str
    status_url: str

    @property
    def url(self) -> str:
        return f"{self.status_url}/{self.language}/incidents/{self.incident}/"

    @property
    def thread(self) -> str:
        """Holds together what is written about an incident."""
        return f"<incident-{self.incident}@{_domain(self.sender)}>"


def content(delivery: Delivery) -> Content:
    """What *delivery* tells, as it stands now; asks the database for texts and services of its update."""
    update, language = delivery.message, delivery.language
    prefetch_related_objects([update], "texts", "services__service")
    text = update.text_in(language) or UpdateText(language=language)
    mail_list = delivery.channel.mail_list
    return Content(
        action=Action(delivery.action),
        language=language,
        drill=update.incident.drill,
        incident=update.incident.public_id,
        number=update.number,
        title=text.title or update.incident.title_in(language),
        headline=text.headline,
        body=text.body,
        do_lines=tuple(text.do_lines),
        dont_lines=tuple(text.dont_lines),
        patient=text.patient,
        services=_services(update, language),
        published_at=_local(update.published_at),
        next_at=_local(update.next_update_at),
        valid_until=_local(update.valid_until),
        owed_at=timezone.localtime(delivery.created_at),
        missed=bool(delivery.stands_for),
        called=delivery.channel.kind in CALLERS,
        list_name=mail_list.name_in(language) if mail_list else "",
        sender=str(settings.DEFAULT_FROM_EMAIL),
        reply_to=settings.DESK_MAIL_REPLY_TO,
        status_url=settings.DESK_STATUS_URL,
    )


def letter(delivery: Delivery, said: Content, reader: Reader) -> Letter:
    """The message of *delivery* to *reader*: the same each time it is made, Message-ID included.

    Raises TransportError for a text or an address that would smuggle in a header.
    """
    return _stencil(said, leaves=bool(reader.unsubscribe)).filled(
        to=reader.address,
        headers=_headers(delivery, said, reader),
        blanks={"manage": reader.manage, "unsubscribe": reader.unsubscribe},
    )


@lru_cache(KEPT)
def _stencil(said: Content, *, leaves: bool) -> Stencil:
    words = WORDS[said.language]
    context = {
        "said": said,
        "words": words,
        "now": _now(said),
        "withdrawn": said.action == Action.WITHDRAWAL,
        "leaves": leaves,
        "manage": blank("manage"),
        "unsubscribe": blank("unsubscribe"),
    }
    return Stencil.of(
        headers={
            "From": said.sender,
            "Reply-To": said.reply_to,
            "Subject": _subject(said),
            "Date": format_datetime(said.owed_at),
            "Content-Language": said.language,
            "Auto-Submitted": "auto-generated",  # RFC 3834: absence notices are not sent in answer to it
            "X-Auto-Response-Suppress": "All",  # the same for Exchange
        },
        text=render_to_string("comms/mail/update.txt", context),
        html=render_to_string("comms/mail/update.html", context),
    )


def _now(said: Content) -> str:
    """That the message says something else now, or counts no longer; empty of the message itself."""
    if said.action not in _SENTENCES:
        return ""
    at = f"{said.published_at:%d/%m/%Y %H:%M}"
    return WORDS[said.language][_SENTENCES[said.action]].format(at=at)


def _subject(said: Content) -> str:
    words = WORDS[said.language]
    drill = f"[{words['drill']}] " if said.drill else ""
    kind = f"{words[said.action]} · " if said.action in _SENTENCES else ""
    return f"{drill}FarmaFlux · {kind}{said.title}"


def _headers(delivery: Delivery, said: Content, reader: Reader) -> dict[str, str]:
    """Message-ID names what is told and to whom; what follows on a message hangs under that message."""
    first = message_id(delivery.message, reader.address)
    above = [said.thread] if said.action == Action.POST else [said.thread, first]
    headers = {
        "Message-ID": first if said.action == Action.POST else _follow_up_id(delivery, reader.address),
        "In-Reply-To": above[-1],
        "References": " ".join(above),
    }
    if reader.unsubscribe:
        headers["List-Unsubscribe"] = f"<{reader.unsubscribe}>"  # RFC 2369
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    return headers


def message_id(update: Update, recipient: str) -> str:
    """Of the message itself."""
    return _id(update.key, recipient)


def _follow_up_id(delivery: Delivery, recipient: str) -> str:
    if delivery.correction:
        return _id(delivery.correction.key, recipient)
    return _id(uuid.uuid5(delivery.message.key, delivery.action), recipient)


def _id(key: uuid.UUID, recipient: str) -> str:
    return f"<{uuid.uuid5(key, recipient.casefold())}@{domain()}>"


def domain() -> str:
    """The sender's, for the right-hand side of a Message-ID."""
    return _domain(str(settings.DEFAULT_FROM_EMAIL))


@lru_cache(4)
def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2]


def _local(moment: datetime | None) -> datetime | None:
    return moment and timezone.localtime(moment)


def _services(update: Update, language: str) -> tuple[Line, ...]:
    return tuple(
        Line(
            row.service.name_in(language),
            STATUS[ServiceStatus(row.status)][language],
            ServiceStatus(row.status).mark,
        )
        for row in update.services.all()
    )
