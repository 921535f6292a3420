"""Find the pharmacy that is calling among thousands, from whatever the agent has understood so far."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import NamedTuple

from django.db.models import Q, QuerySet

from accounts.refusals import Refused
from incidents.models import Incident
from tickets import callers, heard, phone
from tickets.models import Contact, Pharmacy, PharmacyPhone

SUGGESTIONS = 7
LONGEST_QUERY = 120
MOST_WORDS = 6
FEWEST_DIGITS = 3  # fewer match half the country
# So many matches are ranked among each other. Of more, as for "pharmacie", only those that begin so or have called
# on the incident and the first that come are looked at: whoever types so little reads on by typing more.
MOST_RANKED = 300
NEWEST_CALLS = 500
MOST_READINGS = 16  # of what was misheard

BY_NUMBER = 0  # the rank of those found by their whole telephone number
WITHIN = 5  # of those found by something within a word
ALIKE = 6  # and more: of those whose words are only like the ones typed

# Before each word of search_text stands the mark of its field, so that plain LIKE knows where a word
# begins and whose it is, on SQLite and PostgreSQL alike. The town's first word has its mark twice.
NAME, TOWN, POSTCODE, HOLDER = " ", "@", "#", "~"
# What callers say before the name, whichever of them is written there.
SAID_OF_ALL = {"pharmacie", "pharmacy", "officine", "apotheek", "apotheke"}
_NOT_IN_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})
_APB = re.compile(r"^apb[\s:.]*(?=\d)", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


class Row(NamedTuple):
    """What a pharmacy is ranked by; the first field decides, the lowest first."""

    rank: int
    name: str
    town: str
    pk: int


@dataclass(frozen=True)
class Suggestion:
    """A pharmacy that may be calling, with what the agent should know before she picks up the thread."""

    pharmacy: Pharmacy
    known: callers.Known = callers.NOTHING
    told: callers.Told | None = None
    rank: int = WITHIN

    @property
    def calls(self) -> int:
        return self.known.calls

    @property
    def next_call(self) -> int:
        """Which one this call is on the incident."""
        return self.known.calls + 1

    @property
    def open_callbacks(self) -> int:
        return self.known.open_callbacks

    @property
    def has_that_number(self) -> bool:
        """It was found by its whole telephone number, which it may share with others."""
        return self.rank == BY_NUMBER

    @property
    def is_alike(self) -> bool:
        """It is not written as it was typed, only nearly so."""
        return self.rank >= ALIKE

    @property
    def phone(self) -> str:
        """The number to call it back on, as it was written down."""
        return next((number.raw for number in self.pharmacy.phones.all()), "")


def folded(text: str) -> str:
    """Lower case, without accents: "Lemaître" and "LEMAITRE" become "lemaitre"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_NOT_IN_LETTERS))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    return [word for word in _BETWEEN_WORDS.split(folded(text)) if word]


def searchable(pharmacy: Pharmacy) -> str:
    """What Pharmacy.search_text must hold; whoever writes a pharmacy sets it."""
    fields = (
        (NAME, pharmacy.name),
        (TOWN, pharmacy.town),
        (POSTCODE, pharmacy.postcode),
        (HOLDER, pharmacy.holder),
    )
    marked = {mark: "".join(mark + word for word in words(text)) for mark, text in fields}
    if marked[TOWN]:
        marked[TOWN] = TOWN + marked[TOWN]
    return "".join(marked.values())[: Pharmacy._meta.get_field("search_text").max_length]


def find(query: str, *, incident: Incident | None = None, limit: int = SUGGESTIONS) -> list[Suggestion]:
    """At most *limit* pharmacies, the likeliest first; those that called on *incident* first among equals.

    *query*: a telephone number in any spelling or a part of it, the beginning of an APB number, or words of name,
    town, postcode and holder in any order, misspelt or not. Seven queries at most for any number of contacts, save
    where so little was typed that hundreds match.
    """
    rows = matches(query, incident=incident)
    known = callers.known([row.pk for row in rows], incident)
    rows = sorted(rows, key=lambda row: (row.rank, row.pk not in known, row))[:limit]
    ranks = {row.pk: row.rank for row in rows}
    found = Pharmacy.objects.select_related("software_house").prefetch_related("phones").in_bulk(ranks)
    return _suggestions([found[pk] for pk in ranks if pk in found], known, ranks)


def suggestion(pharmacy: Pharmacy, *, incident: Incident | None) -> Suggestion:
    """The one that is calling. Two queries, none without an incident."""
    return _suggestions([pharmacy], callers.known([pharmacy.pk], incident), {})[0]


def matches(query: str, *, incident: Incident | None = None) -> list[Row]:
    """Everyone that *query* may mean, the likeliest first, calls aside; some hundreds where it says so little."""
    query = _APB.sub("", query.strip()[:LONGEST_QUERY])
    if phone.looks_like_number(query):
        return sorted(_by_digits(query))
    wanted = words(query)[:MOST_WORDS]
    if not wanted or len("".join(wanted)) < 2:
        return []
    rows = _by_words(wanted, incident)
    if not rows and (telling := [word for word in wanted if word not in SAID_OF_ALL]):
        rows = (_by_words(telling, incident) if telling != wanted else []) or _alike(telling)
    return sorted(rows)


def _suggestions(
    pharmacies: Sequence[Pharmacy], known: dict[int, callers.Known], ranks: dict[int, int]
) -> list[Suggestion]:
    shown = {pharmacy.pk: known.get(pharmacy.pk, callers.NOTHING) for pharmacy in pharmacies}
    told = callers.told(about.newest_told for about in shown.values() if about.newest_told)
    return [
        Suggestion(
            pharmacy,
            shown[pharmacy.pk],
            told.get(shown[pharmacy.pk].newest_told or 0),
            ranks.get(pharmacy.pk, WITHIN),
        )
        for pharmacy in pharmacies
    ]


def highlighted(text: str, query: str) -> list[tuple[str, bool]]:
    """*text* in pieces, True for those that match a word of *query* at a word's beginning."""
    wanted = words(query)
    pieces: list[tuple[str, bool]] = []
    for token in re.findall(r"\w+|\W+", text):
        length = max((_overlap(token, word) for word in wanted), default=0)
        pieces += [(token[:length], True)] * bool(length) + [(token[length:], False)] * bool(token[length:])
    return pieces


def _overlap(token: str, word: str) -> int:
    """How many characters of *token* the folded *word* covers from its start, 0 when it does not."""
    return next((n for n in range(1, len(token) + 1) if folded(token[:n]) == word), 0)


def _by_digits(query: str) -> list[Row]:
    digits = re.sub(r"\D", "", query)
    significant = phone.significant_digits(query)
    if len(digits) < FEWEST_DIGITS:
        return []
    exact = _exact(query)
    dialled: dict[int, int] = {}  # the best rank by number of each pharmacy
    if len(significant) >= FEWEST_DIGITS:
        phones = PharmacyPhone.objects.filter(e164__contains=significant).order_by()
        for pk, e164 in phones.values_list("pharmacy", "e164")[:MOST_RANKED]:
            begins = e164.startswith(f"+{phone.HOME_CODE}{significant}")
            dialled[pk] = min(
                dialled.get(pk, WITHIN), BY_NUMBER if e164 == exact else 4 if begins else WITHIN
            )
    written = Q(apb_number__startswith=digits) | Q(search_text__contains=POSTCODE + digits)
    found = Pharmacy.objects.filter(written | Q(pk__in=dialled)).order_by()
    fields = ("name", "town", "pk", "apb_number", "postcode")
    return [
        Row(min(_rank_of_digits(digits, apb, postcode), dialled.get(pk, WITHIN)), name, town, pk)
        for name, town, pk, apb, postcode in found.values_list(*fields)[: 2 * MOST_RANKED]
    ]


def _rank_of_digits(digits: str, apb: str, postcode: str) -> int:
    tests = (apb == digits, postcode == digits, apb.startswith(digits))
    return next((rank for rank, holds in enumerate(tests, 1) if holds), WITHIN)


def _exact(query: str) -> str | None:
    try:
        return phone.parse(query).e164 or None
    except Refused:
        return None


def _by_words(wanted: list[str], incident: Incident | None) -> list[Row]:
    everywhere = Q(*(Q(search_text__contains=word) for word in wanted))
    found = Pharmacy.objects.filter(everywhere).order_by()
    rows = _ranked(found, wanted)
    if len(rows) < MOST_RANKED:
        return rows
    first = Q(search_text__startswith=_phrase(NAME, wanted))
    first |= Q(search_text__contains=TOWN + _phrase(TOWN, wanted))
    return list({*rows, *_ranked(found.filter(first), wanted), *_ranked(_called(found, incident), wanted)})


def _called(found: QuerySet[Pharmacy], incident: Incident | None) -> QuerySet[Pharmacy]:
    newest = Contact.objects.filter(incident=incident).exclude(pharmacy=None)
    return found.filter(
        pk__in=set(newest.values_list("pharmacy", flat=True)[:NEWEST_CALLS]) if incident else ()
    )


def _alike(wanted: list[str]) -> list[Row]:
    """For words as they were heard: each of those that nobody has stands for the ones it may have been."""
    meant = [heard.alike(word) for word in wanted]
    if not all(meant):
        return []
    everywhere = Q()
    for alternatives in meant:
        everywhere &= Q(*(Q(search_text__contains=word) for word in alternatives), _connector=Q.OR)
    found = Pharmacy.objects.filter(everywhere).order_by()
    readings = [list(reading) for reading in islice(product(*meant), MOST_READINGS)]
    return [
        Row(ALIKE + min(_rank_of_words(text, reading) for reading in readings), name, town, pk)
        for name, town, pk, text in found.values_list("name", "town", "pk", "search_text")[:MOST_RANKED]
    ]


def _ranked(found: QuerySet[Pharmacy], wanted: list[str]) -> list[Row]:
    rows = found.values_list("name", "town", "pk", "search_text")[:MOST_RANKED]
    return [Row(_rank_of_words(text, wanted), name, town, pk) for name, town, pk, text in rows]


def _rank_of_words(text: str, wanted: list[str]) -> int:
    tests = (
        text.startswith(_phrase(NAME, wanted)),
        TOWN + _phrase(TOWN, wanted) in text,
        _phrase(NAME, wanted) in text,
        all(any(mark + word in text for mark in (NAME, TOWN, POSTCODE, HOLDER)) for word in wanted),
    )
    return next((rank for rank, holds in enumerate(tests, 1) if holds), WITHIN)


def _phrase(mark: str, wanted: list[str]) -> str:
    return "".join(mark + word for word in wanted)
