"""The score sheet in words: rows of a table, for the page and for the PDF alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.languages import Language
from farmaflux_desk.rehearsal.score import Score


@dataclass(frozen=True)
class Row:
    """A figure of this incident, and of each earlier exercise; *good* is None where nothing is to be judged."""

    label: str
    figure: str
    earlier: list[str]
    good: bool | None = None


def rows(score: Score, earlier: Sequence[Score]) -> list[Row]:
    sheets = (score, *earlier)
    figures = [
        (_("First message after"), _first, None),
        (
            _("Messages that came by the promised time"),
            _promises,
            score.kept == len(score.due_promises) if score.due_promises else None,
        ),
        (_("Steps of the plan on time"), _on_time, None),
        (_("Steps late"), _late, not score.late if score.steps else None),
        (_("Steps left out, with the reason"), _skipped, None),
        (
            _("Messages with all languages in step"),
            _languages,
            score.in_step == score.messages if score.messages else None,
        ),
        (
            _("Callers told a version that was no longer the newest"),
            _outdated,
            not score.told_outdated if score.told else None,
        ),
        (_("Contacts"), lambda sheet: str(sheet.contacts), None),
        (_("Speed"), lambda sheet: _("%(speed)d ×") % {"speed": sheet.speed}, None),
    ]
    return [
        Row(label, figure(score), [figure(sheet) for sheet in sheets[1:]], good)
        for label, figure, good in figures
    ]


def stretch(seconds: int | None) -> str:
    """45 s; 14 min; 2 h 05."""
    if seconds is None:
        return _("none yet")
    if seconds < 120:
        return _("%(n)d s") % {"n": seconds}
    minutes = seconds // 60
    return _("%(n)d min") % {"n": minutes} if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d}"


def _first(score: Score) -> str:
    return stretch(score.first_message_seconds)


def _of(part: int, whole: int) -> str:
    return _("%(part)d of %(whole)d") % {"part": part, "whole": whole}


def _promises(score: Score) -> str:
    return _of(score.kept, len(score.due_promises))


def _on_time(score: Score) -> str:
    return "–" if score.steps is None else _of(score.on_time, len(score.steps))


def _late(score: Score) -> str:
    return "–" if score.steps is None else str(len(score.late))


def _skipped(score: Score) -> str:
    return "–" if score.steps is None else str(len(score.skipped))


def _languages(score: Score) -> str:
    counts = ", ".join(f"{Language(code).upper()} {n}" for code, n in score.languages.items())
    return f"{_of(score.in_step, score.messages)}{f' ({counts})' if counts else ''}"


def _outdated(score: Score) -> str:
    return _of(score.told_outdated, score.told)


def day_of(score: Score) -> str:
    return date_format(localtime(score.incident.began_at), "SHORT_DATE_FORMAT")


def when(score: Score) -> str:
    """ "01/07/2022 13:30 – 17:45", or how far it is."""
    incident = score.incident
    began = date_format(localtime(incident.began_at), "SHORT_DATETIME_FORMAT")
    if incident.resolved_at is None:
        return _("%(began)s, not over yet") % {"began": began}
    same_day = localtime(incident.resolved_at).date() == localtime(incident.began_at).date()
    ended = date_format(localtime(incident.resolved_at), "H:i" if same_day else "SHORT_DATETIME_FORMAT")
    return f"{began} – {ended}"
