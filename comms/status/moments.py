"""Moments as the public reads them: Brussels time, the day told where it is another day than the reader's."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from comms.status.html import Html, fill, tag
from comms.status.words import Words

BRUSSELS = ZoneInfo("Europe/Brussels")
TWICE = 2  # the hour that the last Sunday of October has two of (directive 2000/84/EC)


def local(moment: datetime) -> datetime:
    return moment.astimezone(BRUSSELS)


def month_of(moment: datetime) -> tuple[int, int]:
    """Year and month in Brussels."""
    return local(moment).year, local(moment).month


def first_of(year: int, month: int) -> datetime:
    """When that month begins in Brussels."""
    return datetime(year, month, 1, tzinfo=BRUSSELS)


def first_after(year: int, month: int) -> datetime:
    """When that month is over in Brussels."""
    return first_of(year + month // 12, month % 12 + 1)


def clock(moment: datetime, *, seconds: bool = False) -> Html:
    """<time>15:45</time>, and which of the two where the clocks tell it twice: <time>02:45 CEST</time>"""
    return _clock(moment.astimezone(UTC), seconds=seconds)  # the two are equal as moments of Brussels


@lru_cache(maxsize=1024)  # the same in each language
def _clock(moment: datetime, *, seconds: bool) -> Html:
    here = local(moment)
    shown = f"{here:%H:%M:%S}" if seconds else f"{here:%H:%M}"
    if here.hour == TWICE and here.utcoffset() != here.replace(fold=1 - here.fold).utcoffset():
        shown = f"{shown} {here:%Z}"
    return tag("time", shown, datetime=here.isoformat(timespec="seconds" if seconds else "minutes"))


def day(moment: datetime, words: Words, *, year: bool = True) -> str:
    """vendredi 1er juillet 2022"""
    return _day(local(moment).date(), words, year=year)


def bare(moment: datetime, words: Words, *, seen_at: datetime) -> Html:
    """15:45 on the day of *seen_at*, else with its date; what a preposition may stand before."""
    if local(moment).date() == local(seen_at).date():
        return clock(moment)
    return fill(words.dated, date=_date(moment, words, seen_at), time=clock(moment))


def at(moment: datetime, words: Words, *, seen_at: datetime) -> Html:
    """à 15:45, or vendredi 1er juillet à 15:45 when that is not the day of *seen_at*."""
    if local(moment).date() == local(seen_at).date():
        return fill(words.at, time=clock(moment))
    return bare(moment, words, seen_at=seen_at)


def short(moment: datetime, words: Words, *, seen_at: datetime) -> Html:
    """The time in a narrow column, before it the date in digits when it is another day."""
    here = local(moment)
    if here.date() == local(seen_at).date():
        return clock(moment)
    return fill(
        "{date} {time}", date=words.date_short.format(day=here.day, month=here.month), time=clock(moment)
    )


def span(began_at: datetime, ended_at: datetime, words: Words) -> Html:
    """vendredi 1er juillet 2022, 13:30 – 17:30; both dates where it went past midnight."""
    if local(began_at).date() == local(ended_at).date():
        return fill(
            "{day}, {began} – {ended}", day=day(began_at, words), began=clock(began_at), ended=clock(ended_at)
        )
    began, ended = (
        fill(words.dated, date=day(moment, words), time=clock(moment)) for moment in (began_at, ended_at)
    )
    return fill("{began} – {ended}", began=began, ended=ended)


def short_day(shown: date, words: Words) -> str:
    """1er juillet"""
    return words.day_month.format(
        day=words.first_of_month if shown.day == 1 else shown.day, month=words.months[shown.month - 1]
    )


def month(moment: datetime, words: Words) -> str:
    """juillet 2022"""
    here = local(moment)
    return words.month_year.format(month=words.months[here.month - 1], year=here.year)


def iso(moment: datetime | None) -> str | None:
    """2022-07-01T13:30:00.000+02:00, as the Statuspage v2 convention writes a moment."""
    return None if moment is None else local(moment).isoformat(timespec="milliseconds")


def _date(moment: datetime, words: Words, seen_at: datetime) -> str:
    return day(moment, words, year=local(moment).year != local(seen_at).year)


def _day(shown: date, words: Words, *, year: bool) -> str:
    pattern = words.date_with_year if year else words.date
    return pattern.format(
        weekday=words.weekdays[shown.weekday()],
        day=words.first_of_month if shown.day == 1 else shown.day,
        month=words.months[shown.month - 1],
        year=shown.year,
    )
