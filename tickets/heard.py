"""Names as they were heard: a word that nobody's name holds becomes those that are written almost like it."""

import re

from django.core.cache import cache
from rapidfuzz import process
from rapidfuzz.distance import OSA

from tickets.models import Pharmacy

LEARNED_ANEW = 300  # seconds: so long a new pharmacy is found by its exact words only
SHORTEST = 4  # letters; two short words that differ by one are just two words
LONG = 8  # from so many letters on two may be wrong
MOST = 8

_WORD = re.compile(r"[a-z]{3,}")


def alike(word: str) -> list[str]:
    """The beginnings of known words nearest to *word* (folded); none for none. Itself alone where a word begins with
    it, and with them where it stands within one: "gaer" within "Gutgaerten" may still be "Gare"."""
    known = _vocabulary()
    if any(other.startswith(word) for other in known):
        return [word]
    itself = [word] if any(word in other for other in known) else []
    if len(word) < SHORTEST or not word.isalpha():
        return itself
    beginnings = {other[:length] for other in known for length in range(len(word) - 1, len(word) + 2)}
    wrong = 1 if len(word) < LONG else 2
    near = process.extract(word, beginnings, scorer=OSA.distance, score_cutoff=wrong, limit=MOST)
    return itself + sorted(other for other, distance, _place in near if distance == near[0][1])


def _vocabulary() -> list[str]:
    """The words of all pharmacies' names, towns and holders. Two queries at most every five minutes."""
    found: list[str] | None = cache.get("tickets.heard")
    if found is None:
        texts = Pharmacy.objects.order_by().values_list("search_text", flat=True)
        found = sorted({word for text in texts.iterator() for word in _WORD.findall(text)})
        cache.set("tickets.heard", found, LEARNED_ANEW)
    return found
