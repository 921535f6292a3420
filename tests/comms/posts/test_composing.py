"""A post made from an update's facts: filled, shortened, counted, and what it lacks."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from comms.posts import patterns, sms
from comms.posts.composing import BRUSSELS, Facts, Missing, check_pattern, compose, measured
from comms.posts.counting import (
    BLUESKY,
    FACEBOOK,
    LINKEDIN,
    MASTODON,
    SLACK,
    SMS,
    TEAMS,
    Limit,
    X,
    graphemes,
    utf16,
)
from comms.posts.placeholders import PatternError
from incidents.models import Phase

AT = datetime(2022, 7, 1, 13, 20, tzinfo=UTC)  # 15:20 in Brussels
URL = "https://status.farmaflux.be/fr/incidents/abc123/"
FACTS = Facts(
    language="fr",
    url=URL,
    at=AT,
    headline="Aucun certificat n’est créé",
    title="Le transfert est à l’arrêt.",
    body="Les eForms attendent chez nous.",
    do=("Enregistrez chaque eForm une seule fois", "Suivez cette page."),
    dont=("Ne renvoyez pas un eForm.",),
    patient="Le certificat suivra.",
    services=("eForms", "Certificats"),
    phase=Phase.IDENTIFIED,
    phase_word="Cause trouvée",
    next_update_at=AT + timedelta(minutes=25),
)
LIMITS = [MASTODON, BLUESKY, X, SMS, LINKEDIN, FACEBOOK, SLACK, TEAMS]
WORDS = st.text(st.sampled_from("aéêœß’«»–… \u00a0\n.,🇧🇪👨\u200d👩\u0301€日")) | st.sampled_from(
    [
        "Les eForms attendent chez nous. ",
        "👨‍👩‍👧 " * 40,
        "été " * 300,
        "x" * 700,
        "voir https://a.be/x ou b.be ",
    ]
)
MANY = st.builds(
    Facts,
    language=st.sampled_from(["fr", "nl", "de", "en"]),
    url=st.just(URL),
    at=st.just(AT),
    headline=WORDS,
    title=WORDS,
    body=WORDS,
    do=st.tuples(WORDS, WORDS),
    dont=st.tuples(WORDS),
    patient=WORDS,
    services=st.tuples(WORDS),
    phase=st.sampled_from(Phase),
    next_update_at=st.none() | st.just(AT + timedelta(days=1)),
    sent=st.just(AT - timedelta(days=1)),
    drill=st.booleans(),
)
KINDS = st.sampled_from(
    ["sms", "x", "bluesky", "mastodon", "facebook", "linkedin", "slack", "teams", "apprise"]
)


@st.composite
def built_in(draw: st.DrawFn) -> tuple[Facts, str]:
    facts, kind = draw(MANY), draw(KINDS)
    made = [
        patterns.pattern(kind, draw(st.sampled_from(["plain", "freddy"])), facts.language, facts.phase),
        patterns.correction(kind, facts.language),
        patterns.withdrawal(kind, facts.language),
    ]
    return facts, draw(st.sampled_from(made))


@given(built_in(), st.sampled_from(LIMITS))
def test_no_post_is_longer_than_allowed_and_each_holds_the_whole_address(
    made: tuple[Facts, str], limit: Limit
) -> None:
    facts, pattern = made

    composed = compose(facts, pattern, limit)

    assert limit.allows(composed.text)
    assert not composed.too_long
    assert URL in composed.text.split()


@given(built_in())
def test_an_sms_has_only_characters_of_its_alphabet_and_is_one(made: tuple[Facts, str]) -> None:
    composed = compose(*made, SMS)

    assert composed.sms == sms.Measured("GSM", composed.used, 1)


@given(built_in(), st.sampled_from(LIMITS))
def test_an_exercise_says_so_before_all_else(made: tuple[Facts, str], limit: Limit) -> None:
    facts, pattern = made
    mark = {"fr": "EXERCICE", "nl": "OEFENING", "de": "ÜBUNG", "en": "DRILL"}[facts.language]

    text = compose(replace(facts, drill=True), pattern, limit).text

    assert text.startswith(mark)
    assert text.count(mark) == 1


SOME_WORDS = st.sampled_from(["été", "👨‍👩‍👧", "e\u0301", "🇧🇪🇫🇷", "naïef,"])


@given(st.lists(SOME_WORDS, min_size=40, max_size=60), st.integers(30, 90))
def test_what_is_cut_is_cut_at_a_word(words: list[str], room: int) -> None:
    limit = Limit(len(URL) + room, lambda text: len(graphemes(text)))

    text = compose(replace(FACTS, body=" ".join(words)), "{body} {url}", limit).text

    kept = text.removesuffix(f"… {URL}").split()
    whole = [unicodedata.normalize("NFC", word) for word in words[: len(kept)]]
    assert kept[:-1] == whole[:-1]
    assert kept[-1] == whole[-1].rstrip(",")


@given(
    st.lists(st.sampled_from(["a", "👨‍👩‍👧", "🇧🇪", "b\u0301\u0302"]), min_size=120, max_size=150).map("".join)
)
def test_a_word_that_is_too_long_is_cut_between_characters(word: str) -> None:
    text = compose(replace(FACTS, body=word), "{body}", Limit(100, utf16)).text

    kept = graphemes(text.removesuffix("…"))
    assert graphemes(word)[: len(kept)] == kept
    assert 90 <= utf16(text) <= 100


@given(st.integers(0, 80), st.sampled_from([X, BLUESKY, SMS]))
def test_a_pattern_too_long_by_itself_is_cut_beside_the_whole_address(words: int, limit: Limit) -> None:
    composed = compose(FACTS, "panne " * words + "{title} {url} " + "suite " * words, limit)

    assert URL in composed.text.split()
    assert limit.allows(composed.text)


def test_a_post_is_filled_in_as_its_pattern_says() -> None:
    pattern = (
        "{title} ({phase}): {services}. {headline} {do} {dont} {patient} {body} {next} {time} {url} {{}}"
    )

    assert compose(FACTS, pattern, None).text == (
        "Le transfert est à l’arrêt (Cause trouvée): eForms, Certificats. Aucun certificat n’est créé. "
        "Enregistrez chaque eForm une seule fois. Suivez cette page. Ne renvoyez pas un eForm. "
        f"Le certificat suivra. Les eForms attendent chez nous. Prochain message à 15:45. 15:45 {URL} {{}}"
    )


def test_what_is_empty_leaves_no_hole() -> None:
    facts = replace(FACTS, do=(), dont=(), patient="", next_update_at=None)

    text = compose(facts, patterns.pattern("facebook", "plain", "fr", Phase.IDENTIFIED), FACEBOOK).text

    assert text == (
        "Le transfert est à l’arrêt\n\nAucun certificat n’est créé.\n\nLes eForms attendent chez nous.\n\n"
        + URL
    )


def test_the_longest_part_gives_way_and_the_instruction_stays() -> None:
    facts = replace(FACTS, body="Les eForms attendent chez nous. " * 30)

    composed = compose(facts, patterns.pattern("mastodon", "freddy", "fr", Phase.IDENTIFIED), MASTODON)

    assert composed.shortened
    assert 480 <= composed.used <= 500 == composed.most
    assert composed.text.startswith("Nous y travaillons. Le transfert est à l’arrêt\n\nLes eForms attendent")
    assert composed.text.endswith(
        f"…\n\nNe renvoyez pas un eForm.\n\nProchain message à 15:45.\nFreddy Flux\n{URL}"
    )


def test_the_time_of_the_next_message_is_said_once() -> None:
    facts = replace(FACTS, body="Nous y travaillons. Prochain message à 15:45.")
    pattern = "{body} {next} {url}"

    assert compose(facts, pattern, X).text.count("15:45") == 1
    cut = compose(replace(facts, body="Nous y travaillons. " * 20 + "À 15:45."), pattern, X).text
    assert cut.endswith(f"… Prochain message à 15:45. {URL}")


def test_another_day_is_named() -> None:
    tomorrow = (AT + timedelta(days=1)).astimezone(BRUSSELS).replace(hour=9, minute=0)

    text = compose(replace(FACTS, next_update_at=tomorrow), "{next} {time}", None).text

    assert text == "Prochain message le 02/07 à 09:00. 02/07 09:00"


def test_an_sms_is_as_the_desk_would_write_it() -> None:
    composed = compose(FACTS, patterns.pattern("sms", "plain", "fr", Phase.IDENTIFIED), SMS)

    assert composed.text == (
        "FarmaFlux: Le transfert est à l'arret. Enregistrez chaque eForm une seule fois... "
        f"Prochain message à 15:45. {URL}"
    )
    assert (composed.used, composed.most, composed.sms) == (156, 160, sms.Measured("GSM", 156, 1))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("x", "Correction de notre message de 15:05\u00a0: Aucun certificat n’est créé."),
        ("sms", "FarmaFlux: Correction de notre message de 15:05 : Le transfert est à l'arret."),
    ],
)
def test_a_correction_names_the_message_it_corrects(kind: str, text: str) -> None:
    facts = replace(FACTS, sent=AT - timedelta(minutes=15))

    assert compose(facts, patterns.correction(kind, "fr"), SMS if kind == "sms" else X).text.startswith(text)


def test_a_withdrawal_says_which_message_holds_no_longer() -> None:
    facts = replace(FACTS, language="en", sent=AT - timedelta(minutes=15), title="Transfer has stopped")

    assert compose(facts, patterns.withdrawal("x", "en"), X).text == (
        f"Our message of 15:05 was withdrawn: “Transfer has stopped”. What holds now: {URL}"
    )


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({}, ()),
        ({"translated": False}, (Missing.TEXT,)),
        ({"next_update_at": None}, (Missing.NEXT,)),
        ({"next_update_at": None, "phase": Phase.RESOLVED}, ()),
        ({"headline": "", "services": ()}, (Missing.HEADLINE, Missing.SERVICES)),
        ({"patient": "", "do": ()}, ()),
    ],
)
def test_what_is_missing_is_said(changed: dict[str, object], missing: tuple[Missing, ...]) -> None:
    composed = compose(replace(FACTS, **changed), "{headline} {services} {next} {do} {patient}", X)  # type: ignore[arg-type]

    assert composed.missing == missing


@pytest.mark.parametrize(
    "pattern", ["{heading}", "{title!r}", "{title:>9}", "{title.x}", "{0}", "{}", "{title", "}"]
)
def test_a_pattern_that_cannot_be_filled_is_refused_in_words(pattern: str) -> None:
    said = r"There is no placeholder .*\{headline\}|A brace stands alone"
    with translation.override("en"), pytest.raises(PatternError, match=said):
        check_pattern(pattern)


def test_a_text_written_by_hand_is_counted_and_not_cut() -> None:
    own = measured("ê" * 71, SMS)

    assert (own.used, own.most, own.sms and own.sms.parts, own.too_long) == (71, 70, 2, False)
    assert measured("a" * 281, X).too_long
    assert measured("a" * 281, X).text == "a" * 281
