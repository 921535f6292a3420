"""Who has read what, the reusable answers, and who is where."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.script import what_to_say
from incidents.models import Incident
from tests import factories
from tickets import operations
from tickets.answers import said
from tickets.models import Answer, Presence, Seen
from tickets.operations import AnswerData
from tickets.readers import readers

pytestmark = pytest.mark.django_db
AT = factories.OUTAGE + timedelta(hours=3)


@pytest.fixture
def writer() -> User:
    return factories.user(Role.COMMUNICATIONS)


def data(**fields: str) -> AnswerData:
    return AnswerData(**{"trigger": "cert", "text_fr": "Il suit.", "text_nl": "Het volgt.", **fields})


# ── Answers ─────────────────────────────────────────────────────────────────


def test_an_answer_is_written_once_changed_from_what_was_seen_and_removed(writer: User) -> None:
    made = operations.save_answer(None, by=writer, data=data(trigger="::cert"))
    assert operations.save_answer(None, by=writer, data=data()) == made  # the form sent twice

    changed = operations.save_answer(made, by=writer, data=data(text_fr="Il  arrive.\n"), revision=1)
    assert (changed.trigger, changed.text_fr, changed.revision) == ("cert", "Il arrive.", 2)
    with translation.override("en"), pytest.raises(Refused, match="meanwhile"):
        operations.save_answer(made, by=writer, data=data(), revision=1)

    operations.remove_answer(changed, by=writer)
    assert not Answer.objects.exists()
    with translation.override("en"), pytest.raises(Refused, match="removed"):
        operations.save_answer(made, by=writer, data=data(), revision=2)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"trigger": "taken"}, "trigger"),
        ({"trigger": "c"}, "trigger"),
        ({"trigger": "Avec espace"}, "trigger"),
        ({"text_nl": " "}, "text_nl"),
        ({"text_de": "Um {wann}."}, "text_de"),
        ({"text_en": "x" * 401}, "text_en"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_of_its_field(
    writer: User, wrong: dict[str, str], field: str
) -> None:
    factories.answer("taken")

    with pytest.raises(Refused) as refusal:
        operations.save_answer(None, by=writer, data=data(**wrong))

    assert refusal.value.field == field
    assert Answer.objects.count() == 1


def test_agents_give_answers_and_do_not_write_them() -> None:
    agent, answer = factories.user(), factories.answer()

    with pytest.raises(NotAllowed):
        operations.save_answer(None, by=agent, data=data())
    with pytest.raises(NotAllowed):
        operations.remove_answer(answer, by=agent)
    assert Answer.objects.get() == answer


def test_an_answer_speaks_the_callers_language_and_knows_the_newest_message(settings: Settings) -> None:
    settings.DESK_STATUS_URL, settings.DESK_HELPDESK_PHONE = "https://status.example", ""
    incident = factories.incident(title_nl="Storing")
    factories.update(incident, published_at=AT, next_update_at=AT + timedelta(minutes=15))
    factories.answer("cert", text_nl="{incident}: om {next}, {status} of {phone}. {x}")

    def heard(language: str, about: Incident | None = incident) -> list[tuple[str, str, str]]:
        script = what_to_say(about, language) if about else None
        found = said(Answer.objects.all(), incident=about, script=script, language=language)
        return [(answer.trigger, answer.language, answer.text) for answer in found]

    assert heard("nl") == [
        ("cert", "nl", "Storing: om 16:45, https://status.example/nl/ of nog niet bekend. {x}")
    ]
    assert heard("de") == [("cert", "fr", "Le certificat suit.")]
    assert "om nog niet bekend" in heard("nl", None)[0][2]


# ── Read or not ─────────────────────────────────────────────────────────────


def test_the_leads_see_who_has_not_yet_read_the_newest_message_first(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    incident, other = factories.incident(), factories.incident()
    first, newest = (
        factories.update(incident, published_at=AT - timedelta(minutes=minutes)) for minutes in (60, 10)
    )
    nancy, gerti, sandrine, gone, elsewhere = (
        factories.user(first_name=name) for name in ("Nancy", "Gerti", "Sandrine", "Gone", "Elsewhere")
    )

    def calls(agent: User, *minutes: int, about: Any = incident) -> None:
        for ago in minutes:
            factories.contact(agent=agent, incident=about, at=AT - timedelta(minutes=ago))

    calls(nancy, 50, 5)
    calls(gerti, 5, 4, 3)
    calls(gone, 300)
    calls(elsewhere, 5, about=other)
    operations.confirm_seen(first, by=nancy, at=AT - timedelta(minutes=59))
    operations.confirm_seen(newest, by=sandrine, at=AT - timedelta(minutes=9))

    with django_assert_num_queries(3):
        found = readers(incident, newest, AT)

    assert [(reader.name, reader.number, reader.calls, reader.is_up_to_date) for reader in found] == [
        ("Gerti", None, 3, False),
        ("Nancy", 1, 1, False),
        ("Sandrine", 2, 0, True),
    ]


def test_a_draft_cannot_be_read() -> None:
    with pytest.raises(Refused):
        operations.confirm_seen(factories.update(), by=factories.user())
    assert not Seen.objects.exists()


# ── Who is where ────────────────────────────────────────────────────────────


def test_who_was_at_the_same_place_a_moment_ago_is_told_and_who_left_is_not() -> None:
    nancy, gerti, sandrine = (factories.user(first_name=name) for name in ("Nancy", "Gerti", "Sandrine"))
    operations.be_at("contact:1", by=gerti, at=AT - timedelta(seconds=44))
    operations.be_at("contact:1", by=sandrine, at=AT - timedelta(seconds=46))

    assert operations.be_at("contact:1", by=nancy, at=AT) == ["Gerti"]
    operations.be_at("contact:2", by=gerti, at=AT)
    assert operations.be_at("contact:1", by=nancy, at=AT) == []
    assert Presence.objects.count() == 3
