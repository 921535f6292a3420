"""The text of a post, made from what an update says in one language and a pattern."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from comms.posts.counting import Limit
from comms.posts.placeholders import Piece, joined, parse
from comms.posts.shortening import shortened
from comms.posts.sms import Measured, measure, plain
from comms.posts.words import NEXT, NEXT_DAY
from incidents.models import DRILL_MARK, Phase

BRUSSELS = ZoneInfo("Europe/Brussels")
PLACEHOLDERS = (
    *("headline", "title", "body", "do", "dont", "patient"),
    *("services", "phase", "next", "time", "sent", "url"),
)
GIVES_WAY = ("body", "patient", "services", "dont", "do", "headline", "title")  # the first is shortened first


class Missing(TextChoices):
    """What a post should say, and its update does not."""

    TEXT = "text", _("no text in this language")
    HEADLINE = "headline", _("no headline")
    TITLE = "title", _("no title")
    BODY = "body", _("no text")
    SERVICES = "services", _("no service is named")
    NEXT = "next", _("no time of the next message")


@dataclass(frozen=True)
class Facts:
    """What there is to tell in one language. *at*: when it is told; *sent*: when what is corrected or withdrawn was."""

    language: str
    url: str
    at: datetime
    headline: str = ""
    title: str = ""
    body: str = ""
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    patient: str = ""
    services: tuple[str, ...] = ()
    phase: str = Phase.INVESTIGATING
    phase_word: str = ""
    next_update_at: datetime | None = None
    sent: datetime | None = None
    drill: bool = False
    translated: bool = True
    """False: nobody wrote it in the language that was asked for; this is another one."""

    @cached_property
    def values(self) -> Mapping[str, str]:
        """What each placeholder stands for."""
        return _values(self)


@dataclass(frozen=True)
class Composed:
    """A text as it will stand. *used* of *most* as the channel counts; no *most*: as long as need be."""

    text: str
    used: int
    most: int | None = None
    shortened: bool = False
    too_long: bool = False
    """The channel would refuse it."""
    sms: Measured | None = None
    missing: tuple[Missing, ...] = ()
    by_hand: bool = False
    """A person wrote it for this channel."""


def compose(facts: Facts, pattern: str, limit: Limit | None) -> Composed:
    """Fill *pattern* with *facts*; what does not fit is shortened, the address never.

    An SMS is written in its own alphabet. The text of an exercise begins by saying so. Raises PatternError.
    """
    pieces = parse(pattern, PLACEHOLDERS)
    values = facts.values
    if limit and limit.is_sms:
        pieces = [replace(piece, text=plain(piece.text)) for piece in pieces]
        values = {name: plain(value) for name, value in values.items()}
    text, cut = _fitted(_Draft(pieces, values, facts, limit))
    return replace(measured(text, limit), shortened=cut, missing=_missing(facts, pieces, values))


def measured(text: str, limit: Limit | None) -> Composed:
    """*text* as it is, counted."""
    if limit is None:
        return Composed(text, len(text))
    if limit.is_sms:
        counted = measure(text)
        return Composed(text, counted.used, counted.most, sms=counted)
    used = limit.count(text)
    return Composed(text, used, limit.most, too_long=used > limit.most)


def marked(text: str, language: str) -> str:
    """*text* of an exercise, which says so before all else."""
    mark = DRILL_MARK[language]
    return text if text.upper().startswith(mark) else f"{mark} - {text}"


def check_pattern(pattern: str) -> None:
    """Raises PatternError with a text for who edits it."""
    parse(pattern, PLACEHOLDERS)


@dataclass(frozen=True)
class _Draft:
    pieces: list[Piece]
    values: Mapping[str, str]
    facts: Facts
    limit: Limit | None

    def text(self, **changed: str) -> str:
        return self.dressed(joined(self.pieces, {**self.values, **changed}))

    def dressed(self, text: str) -> str:
        text = _tidy(marked(text, self.facts.language) if self.facts.drill else text)
        return plain(text) if self.limit and self.limit.is_sms else text

    def fits(self, text: str) -> bool:
        return self.limit is None or self.limit.allows(text)

    @property
    def ellipsis(self) -> str:
        return "..." if self.limit and self.limit.is_sms else "…"


def _fitted(draft: _Draft) -> tuple[str, bool]:
    """The text, and whether something was left out for want of room."""
    if _names_the_time(draft) and draft.fits(once := draft.text(next="")):
        return once, False
    if draft.fits(whole := draft.text()):
        return whole, False
    used = {piece.name for piece in draft.pieces}
    for name in GIVES_WAY:
        if name not in used or not draft.values[name]:
            continue
        if draft.fits(draft.text(**{name: ""})):
            return _with_less(draft, name), True
        draft = replace(draft, values={**draft.values, name: ""})
    return _bare(draft), True


def _with_less(draft: _Draft, name: str) -> str:
    less = shortened(
        draft.values[name], lambda text: draft.fits(draft.text(**{name: text})), mark=draft.ellipsis
    )
    return draft.text(**{name: less})


def _bare(draft: _Draft) -> str:
    """Without all that could give way: the pattern's own words, as far as they fit beside the address."""
    url = draft.values["url"] if any(piece.name == "url" for piece in draft.pieces) else ""
    said = draft.dressed(joined(draft.pieces, {**draft.values, "url": ""}))
    told = shortened(said, lambda text: draft.fits(f"{text} {url}"), mark=draft.ellipsis)
    return f"{told} {url}".strip()


def _names_the_time(draft: _Draft) -> bool:
    """The writer names the time of the next message herself: it need not be said twice."""
    used = {piece.name for piece in draft.pieces} - {"next", "time", "sent"}
    clock = draft.values["time"]
    return bool(clock) and any(clock in draft.values[name] for name in used if name)


def _values(facts: Facts) -> dict[str, str]:
    clock = _clock(facts.next_update_at, facts.at)
    values = {
        "headline": _sentence(facts.headline),
        "title": facts.title.rstrip(" ."),
        "body": _sentence(facts.body),
        "do": " ".join(_sentence(line) for line in facts.do),
        "dont": " ".join(_sentence(line) for line in facts.dont),
        "patient": _sentence(facts.patient),
        "services": ", ".join(facts.services),
        "phase": facts.phase_word,
        "next": _next(facts),
        "time": clock,
        "sent": _clock(facts.sent, facts.at),
        "url": facts.url,
    }
    return {name: unicodedata.normalize("NFC", value) for name, value in values.items()}


def _next(facts: Facts) -> str:
    if facts.next_update_at is None:
        return ""
    moment = facts.next_update_at.astimezone(BRUSSELS)
    words = NEXT if moment.date() == facts.at.astimezone(BRUSSELS).date() else NEXT_DAY
    return words[facts.language].format(day=f"{moment:%d/%m}", time=f"{moment:%H:%M}")


def _clock(moment: datetime | None, at: datetime) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(BRUSSELS)
    return f"{local:%H:%M}" if local.date() == at.astimezone(BRUSSELS).date() else f"{local:%d/%m %H:%M}"


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text}." if text and (text[-1].isalnum() or text[-1] in ')»”"') else text


def _tidy(text: str) -> str:
    """What an empty placeholder leaves behind goes."""
    text = re.sub(r" {2,}", " ", text.replace("\r\n", "\n"))
    text = re.sub(r" *\n *", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _missing(facts: Facts, pieces: list[Piece], values: Mapping[str, str]) -> tuple[Missing, ...]:
    used = {piece.name for piece in pieces}
    absent = [] if facts.translated else [Missing.TEXT]
    absent += [
        each
        for each in (Missing.HEADLINE, Missing.TITLE, Missing.BODY, Missing.SERVICES)
        if each in used and not values[each]
    ]
    if used & {"next", "time"} and facts.next_update_at is None and facts.phase != Phase.RESOLVED:
        absent.append(Missing.NEXT)
    return tuple(absent)
