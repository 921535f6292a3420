"""The checks before publishing, on messages made by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from comms.checks import Finding, Message, Text, blocking, findings
from incidents.models import Phase, ServiceStatus

AT = datetime(2022, 7, 1, 13, 20, tzinfo=UTC)  # 15:20 in Brussels
FRENCH = Text(
    headline="Aucun certificat n’est créé.",
    title="Le transfert est toujours à l’arrêt",
    body="Les eForms que vous enregistrez attendent chez nous. Prochain message à 15:45.",
    do=("Enregistrez chaque eForm une seule fois.",),
    dont=("Ne renvoyez pas un eForm.",),
    patient="Le certificat suivra.",
)
DUTCH = Text(
    headline="Er wordt geen certificaat aangemaakt.",
    title="Het doorsturen ligt nog stil",
    body="De eForms die u registreert, wachten bij ons. Volgende update om 15:45.",
    do=("Registreer elk eForm één keer.",),
    dont=("Stuur geen eForm opnieuw.",),
    patient="Het certificaat volgt.",
)
GOOD = Message(
    phase=Phase.IDENTIFIED,
    next_update_at=AT + timedelta(minutes=25),
    statuses={"transfer": ServiceStatus.MAJOR},
    texts={"fr": FRENCH, "nl": DUTCH},
)


def with_body(language: str, body: str) -> Message:
    text = {"fr": FRENCH, "nl": DUTCH}.get(language, Text())
    return replace(GOOD, texts={**GOOD.texts, language: replace(text, body=body)})


def blocks(message: Message) -> list[tuple[str, str]]:
    return [(finding.code, finding.field) for finding in blocking(message, AT)]


def warns(message: Message) -> list[Finding]:
    return [finding for finding in findings(message, AT) if finding.level == "warn"]


def test_a_good_message_is_not_held_up() -> None:
    assert blocks(GOOD) == []


def test_a_text_that_was_judged_before_is_judged_in_the_language_of_who_asks() -> None:
    message, told = with_body("nl", "Bel ons op 02 555 12 12."), []
    for language in ("fr", "nl", "fr"):
        with translation.override(language):
            told.append([finding.message for finding in blocking(message, AT)])

    assert told[0] == told[2] != told[1]


def test_what_blocks_is_told_first() -> None:
    levels = [
        finding.level for finding in findings(with_body("nl", "De certificaten volgen binnenkort."), AT)
    ]

    assert levels == sorted(levels, key=["block", "warn", "ok"].index)


@pytest.mark.parametrize("part", ["headline", "title", "body"])
@pytest.mark.parametrize("language", ["fr", "nl"])
def test_french_and_dutch_are_complete(language: str, part: str) -> None:
    blank: dict[str, Any] = {part: "  "}
    text = replace(GOOD.texts[language], **blank)

    assert ("languages", f"{part}_{language}") in blocks(replace(GOOD, texts={**GOOD.texts, language: text}))


def test_german_and_english_may_be_missing_but_it_is_said() -> None:
    assert [finding.field for finding in warns(GOOD)] == ["body_de", "body_en"]


@pytest.mark.parametrize(
    ("promised", "says"),
    [
        (None, "Say when the next message comes."),
        (AT - timedelta(minutes=1), "The next message is promised for a time that has passed."),
        (AT + timedelta(days=2), "The next message is more than a day away."),
    ],
)
def test_the_next_message_is_promised_for_a_time_to_come(promised: datetime | None, says: str) -> None:
    with translation.override("en"):
        found = blocking(replace(GOOD, next_update_at=promised), AT)

    assert [(finding.message, finding.field) for finding in found] == [(says, "next_update_at")]


def test_a_resolved_incident_needs_no_next_message() -> None:
    resolved = replace(
        GOOD, phase=Phase.RESOLVED, next_update_at=None, statuses={"transfer": ServiceStatus.OPERATIONAL}
    )

    assert blocks(resolved) == []


def test_resolved_with_a_service_still_down_is_held_up() -> None:
    assert blocks(replace(GOOD, phase=Phase.RESOLVED, next_update_at=None)) == [("services", "services")]


def test_a_message_that_names_no_service_is_held_up() -> None:
    assert blocks(replace(GOOD, statuses={})) == [("services", "services")]


def test_a_text_that_names_another_time_than_the_promised_one_is_pointed_at() -> None:
    found = warns(with_body("fr", "Nous cherchons la cause. Prochain message à 16:15."))

    assert ("next_update", "body_fr") in [(finding.code, finding.field) for finding in found]
    assert ("same_facts", "body_nl") in [(finding.code, finding.field) for finding in found]


@pytest.mark.parametrize(
    ("language", "body", "word"),
    [
        ("fr", "Les certificats suivront bientôt.", "bientôt"),
        ("fr", "Retour DÈS QUE POSSIBLE.", "DÈS QUE POSSIBLE"),
        ("nl", "De certificaten volgen binnenkort.", "binnenkort"),
        ("nl", "We herstellen dit zo snel mogelijk.", "zo snel mogelijk"),
        ("de", "Die Zertifikate folgen in Kürze.", "in Kürze"),
        ("en", "Certificates will follow soon.", "soon"),
    ],
)
def test_a_vague_promise_is_held_up_and_named(language: str, body: str, word: str) -> None:
    found = [f for f in blocking(with_body(language, body), AT) if f.code == "vague_promise"]

    assert [(finding.word, finding.field) for finding in found] == [(word, f"body_{language}")]


@pytest.mark.parametrize(
    "body",
    [
        "Nous resoonons.",
        "Le mot sooner n’est pas anglais ici.",
        "Weldraad is een draad.",
        "It follows as soon as the transfer is back.",
    ],
)
def test_a_word_that_only_contains_a_promise_is_none(body: str) -> None:
    message = replace(
        with_body("en", body), texts={**with_body("en", body).texts, "nl": replace(DUTCH, body=body)}
    )

    assert [finding for finding in blocking(message, AT) if finding.code == "vague_promise"] == []


@pytest.mark.parametrize(
    "name", ["srv-eforms-03", "10.1.20.3", "eforms-3.intern", "node12", "fe80:0:0:1:2:3:4:5"]
)
def test_a_server_or_an_address_is_held_up(name: str) -> None:
    assert blocks(with_body("fr", f"Le serveur {name} ne répond pas.")) == [("server_name", "body_fr")]


@pytest.mark.parametrize(
    "datum",
    ["85.07.30-033.28", "jean.dupont@example.org", "0475/12.34.56"],
    ids=["national", "mail", "phone"],
)
def test_personal_data_is_held_up_in_every_part(datum: str) -> None:
    text = replace(FRENCH, patient=f"Demandez {datum}")

    assert blocks(replace(GOOD, texts={**GOOD.texts, "fr": text})) == [("personal_data", "patient_fr")]


def test_french_in_the_dutch_field_is_held_up() -> None:
    french = "Les eForms ne sont pas dans votre officine : nous cherchons avec les partenaires. À 15:45."

    assert blocks(with_body("nl", french)) == [("wrong_language", "body_nl")]


@pytest.mark.parametrize("word", ["caf\ufffd", "a\x1fb", "\x07", "\u202etxt"])
def test_a_character_that_nobody_can_read_is_not_published(word: str) -> None:
    found = blocking(with_body("fr", f"{FRENCH.body}\n{word}"), AT)

    assert [(finding.code, finding.field, finding.word) for finding in found] == [
        ("unreadable", "body_fr", word)
    ]


def test_too_many_instructions_are_held_up_and_a_long_one_is_pointed_at() -> None:
    text = replace(FRENCH, do=("Un.", "Deux.", "Trois.", "Quatre."), dont=("Ne " + "x" * 50,))
    message = replace(GOOD, texts={**GOOD.texts, "fr": text})

    assert blocks(message) == [("lengths", "do_fr")]
    assert ("lengths", "dont_fr") in [(finding.code, finding.field) for finding in warns(message)]


@given(st.text(), st.text(), st.sampled_from(["fr", "nl", "de", "en"]))
def test_no_text_breaks_the_checks(title: str, body: str, language: str) -> None:
    message = replace(GOOD, texts={**GOOD.texts, language: Text(title=title, body=body, do=(body,))})

    assert {finding.level for finding in findings(message, AT)} <= {"block", "warn", "ok"}


@pytest.mark.parametrize(
    ("minutes", "level"), [(-1, "block"), (0, "block"), (10, "warn"), (25, "ok"), (60, "ok"), (None, "ok")]
)
def test_what_to_do_that_holds_no_longer_is_held_up_and_too_short_a_time_pointed_at(
    minutes: int | None, level: str
) -> None:
    until = None if minutes is None else AT + timedelta(minutes=minutes)
    found = [f for f in findings(replace(GOOD, valid_until=until), AT) if f.code == "valid_until"]

    assert [finding.level for finding in found] == [level]
