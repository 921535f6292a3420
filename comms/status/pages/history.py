"""The newest incidents, and the way to those of each month."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from comms.status import moments
from comms.status.facts import Facts, Month
from comms.status.html import Child, Html, tag
from comms.status.languages import WORDS
from comms.status.pages import parts
from comms.status.pages.frame import Head, page
from comms.status.words import Words

MOST_LISTED = 20  # by their titles; the others in the pages of their months


def history_page(facts: Facts, words: Words) -> Html:
    head = Head(
        facts=facts,
        words=words,
        path="history/",
        title=words.history,
        description=words.history_intro,
    )
    return page(head, _main(facts, words), parts.as_of(facts, words))


def month_page(facts: Facts, month: Month, words: Words) -> Html:
    """The incidents of one month. Nothing on it depends on when it was rendered."""
    name = moments.month(moments.first_of(month.year, month.month), words)
    head = Head(
        facts=facts,
        words=words,
        path=f"history/{month.key}/",
        title=f"{words.history}, {name}",
        description=words.history_intro,
    )
    title = tag("h1", _capital(name), class_="head")
    back = tag("p", tag("a", words.history, href=f"/{words.language}/history/"), class_="hint far")
    return page(head, [title, parts.past(month.listed, words, heading="h2"), back], tag("p", words.zone))


def _main(facts: Facts, words: Words) -> Iterator[Child]:
    yield tag("h1", words.history, class_="head")
    yield tag("p", words.history_intro if facts.incidents else words.history_empty)
    yield _months(facts, words)
    newest = facts.incidents[:MOST_LISTED]
    for month, incidents in groupby(newest, key=lambda each: moments.month_of(each.began_at)):
        key = f"{month[0]}-{month[1]:02}"
        title = _capital(moments.month(moments.first_of(*month), words))
        yield parts.section(key, title, parts.past(incidents, words))


def _months(facts: Facts, words: Words) -> Html | None:
    """All months there are, a line for each year."""
    if not facts.months:
        return None
    years = (
        _year(year, tuple((month.month, month.incidents) for month in months), words.language)
        for year, months in groupby(facts.months, key=lambda month: month.year)
    )
    return parts.section("months", words.months_of_history, tag("ul", years, class_="card years"))


@lru_cache(maxsize=256)
def _year(year: int, months: tuple[tuple[int, int], ...], language: str) -> Html:
    """months: each with how many incidents began in it."""
    words = WORDS[language]
    listed = (_month(f"{year}-{month:02}", month, incidents, words) for month, incidents in months)
    return tag("li", tag("strong", str(year)), " ", tag("ul", listed))


def _month(key: str, month: int, incidents: int, words: Words) -> Html:
    count = words.month_count_one if incidents == 1 else words.month_count.format(count=incidents)
    link = tag("a", _capital(words.months[month - 1]), href=f"/{words.language}/history/{key}/")
    return tag("li", link, " ", tag("span", count, class_="hint"), " ")


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
