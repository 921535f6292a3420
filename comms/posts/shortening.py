"""A text made short enough: cut at a word, with a mark that it was, never inside what readers see as one character."""

from bisect import bisect_left
from collections.abc import Callable

from comms.posts.counting import graphemes

LOOSE = ' \t\n\u00a0\u202f,;:.–—-«("“„'  # not left standing before the mark


def shortened(text: str, fits: Callable[[str], bool], *, mark: str = "…") -> str:
    """The longest beginning of *text* that *fits* with *mark* behind it; empty when not even a character does."""
    seen = graphemes(text)
    words = [place for place, character in enumerate(seen) if place and character.isspace()]
    return _longest(seen, words, fits, mark) or _longest(seen, list(range(1, len(seen))), fits, mark)


def _longest(seen: list[str], ends: list[int], fits: Callable[[str], bool], mark: str) -> str:
    def cut(end: int) -> str:
        begun = "".join(seen[:end]).rstrip(LOOSE)
        return begun + mark if begun else ""

    place = bisect_left(ends, 1, key=lambda end: 0 if fits(cut(end)) else 1)
    # Whatever is counted, one word more might count less; what is given back was looked at itself.
    while place and not fits(cut(ends[place - 1])):
        place -= 1
    return cut(ends[place - 1]) if place else ""
