"""Counting as the networks count: recorded vectors, properties, and a second opinion for X."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twitter_text import parse_tweet

from comms.posts import counting
from comms.posts.counting import BLUESKY, FACEBOOK, LINKEDIN, MASTODON, TEAMS, X

FAMILY, FLAG, KEYCAP, WARNING = "👨‍👩‍👧", "🇧🇪", "1️⃣", "⚠️"
LONG = "https://status.farmaflux.be/fr/incidents/2022-07-01-eforms/"
PLAIN = [
    "où",
    "élève",
    "Überprüfung",
    "15:20",
    "«",
    "’",
    "—",
    "…",
    "€",
    ":",
    ".",
    "日本語",
    "✅",
    "©",
    "™",
    "e\u0301",
]
NAMES = ["@farmaflux", "#eForms", "a@farmaflux.be"]
PLACES = [
    LONG,
    f"({LONG})",
    f"{LONG}.",
    "farmaflux.be",
    "http://127.0.0.1:8000/fr/",
    "https://a.be.foo/x",
    "fin.Les",
]
WORDS = st.sampled_from([*PLAIN, *NAMES, *PLACES, FAMILY, FLAG, KEYCAP, WARNING, "\n"])
TEXTS = st.lists(WORDS, max_size=30).map(" ".join)


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("english text 日本語 😷 https://example.com", 46),  # twitter-text's own example
        ("a" * 280, 280),
        ("한" * 140, 280),
        ("“’—”", 4),
        ("…", 2),
        (f"{FAMILY}{FLAG}{KEYCAP}{WARNING}", 8),
        ("e\u0301", 1),
        ("http://test.com", 23),
        (f"http://test.com {LONG}", 47),
        ("example.com, voilà", 30),
        ("no.address but words.", 21),
        ("http://127.0.0.1:8000/fr/", 25),
    ],
)
def test_x_weighs_as_the_recorded_vectors_say(text: str, weight: int) -> None:
    assert (counting.x(text), parse_tweet(text).weightedLength) == (weight, weight)


@given(TEXTS)
def test_x_weighs_as_the_second_opinion_does(text: str) -> None:
    assert counting.x(text) == parse_tweet(text).weightedLength


@given(st.text(st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs"])))
@example("https://st.farmaflux.be/ü(a)")
def test_x_is_never_promised_more_room_than_it_gives(text: str) -> None:
    assert counting.x(text) >= parse_tweet(text).weightedLength


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (LONG, 23),
        (f"Voir {LONG}.", 29),
        ("https://a.be", 23),
        ("farmaflux.be", 12),
        ("@freddy@mastodon.example et @anne", 16),
        (f"{FAMILY}{FLAG}e\u0301", 3),
        ("http://localhost:8000/", 22),
    ],
)
def test_mastodon_counts_characters_as_readers_see_them(text: str, count: int) -> None:
    assert MASTODON.count(text) == count


@pytest.mark.parametrize(
    ("character", "most"),
    [("é", 300), (FAMILY, 166)],  # of the second, 167 would be 3006 bytes
)
def test_bluesky_allows_300_graphemes_and_3000_bytes(character: str, most: int) -> None:
    assert BLUESKY.allows(character * most)
    assert not BLUESKY.allows(character * (most + 1))


@given(st.text())
def test_bluesky_allows_exactly_what_its_lexicon_does(text: str) -> None:
    long = text * 40

    within = len(counting.graphemes(long)) <= 300 and len(long.encode()) <= 3000

    assert BLUESKY.allows(long) is within


@given(st.text())
def test_graphemes_make_up_the_text(text: str) -> None:
    assert "".join(counting.graphemes(text)) == text


@given(TEXTS)
def test_x_and_mastodon_count_composed_and_decomposed_letters_alike(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)

    assert (counting.x(apart), counting.mastodon(apart)) == (counting.x(text), counting.mastodon(text))


def test_the_others_count_units_and_bytes() -> None:
    assert (LINKEDIN.count("é😀"), FACEBOOK.count("é😀"), TEAMS.count("é😀")) == (3, 3, 6)
    assert (X.most, MASTODON.most, BLUESKY.most, LINKEDIN.most, FACEBOOK.most) == (280, 500, 300, 3000, 63206)
