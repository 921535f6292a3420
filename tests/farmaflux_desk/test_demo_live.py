"""The demonstration as it stands at 15:20, with the outage open. Loaded once for the module and rolled back."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from accounts.languages import Language
from accounts.models import User
from accounts.roles import Role
from comms import checks, script
from comms.channels.kinds import capabilities
from comms.matrix import matrix
from comms.models import ACCOUNTS, Checklist, Delivery, DeliveryState, Update
from comms.plan.board import board, checklists
from farmaflux_desk.demo.operations import load
from farmaflux_desk.demo.outbox import indoors
from incidents import timeline
from incidents.models import Incident, MilestoneKind, Phase, ServiceStatus
from tickets import lookup, pressure
from tickets.answers import unknown_variables
from tickets.felt import felt, hints
from tickets.models import Answer, Contact, Pharmacy, Report

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)  # 10:05 in Brussels stands for 15:20


@pytest.fixture(scope="module", autouse=True)
def _loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        load(live=True, password="black-friday", at=NOW)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def outage() -> Incident:
    return Incident.objects.open().get()


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


def test_the_afternoon_is_open_since_110_minutes_and_the_next_message_is_25_minutes_away(
    outage: Incident,
) -> None:
    newest = outage.updates.published()[0]

    assert (outage.severity, outage.phase, outage.began_at) == ("S1", Phase.IDENTIFIED, minutes(-110))
    assert (newest.number, newest.published_at, newest.next_update_at) == (5, NOW, minutes(25))


def test_an_answer_is_there_to_be_given_in_each_language(outage: Incident) -> None:
    for answer in Answer.objects.all():
        texts = [answer.text_in(language) for language in Language]
        assert [spoken for _text, spoken in texts] == list(Language)
        assert not any(unknown_variables(text) for text, _spoken in texts)
    assert Answer.objects.filter(trigger="cert").exists()


def test_the_three_disturbances_of_the_day_are_linked(outage: Incident) -> None:
    noon, morning = Incident.objects.resolved().filter(began_at__gt=minutes(-1440))

    assert (outage.relapse_of, noon.relapse_of, morning.relapse_of) == (morning, morning, None)
    assert Incident.objects.count() == 6


def test_services_are_as_they_were_at_twenty_past_three(outage: Incident) -> None:
    statuses = {
        impact.service.key: impact.status for impact in outage.impacts.open().select_related("service")
    }

    assert statuses == {
        "eforms-rapid-test": ServiceStatus.PARTIAL,
        "eforms-vaccination": ServiceStatus.PARTIAL,
        "eforms-booster": ServiceStatus.PARTIAL,
        "transfer-sciensano": ServiceStatus.MAJOR,
        "certificates": ServiceStatus.MAJOR,
    }


def test_it_is_stuck_at_us_and_two_partners_have_confirmed_that_they_wait(outage: Incident) -> None:
    links = [
        (row.link.key, row.state, row.confirmed_at, str(row.confirmed_by or ""))
        for row in outage.standings.select_related("link", "confirmed_by")
    ]

    assert links == [
        ("pharmacy", "ok", None, ""),
        ("farmaflux", "stuck", minutes(-16), ""),
        ("sciensano", "waiting", minutes(-70), "Sciensano"),
        ("digitaal-vlaanderen", "waiting", minutes(-60), "Digitaal Vlaanderen"),
        ("certificate", "waiting", None, ""),
    ]
    assert not outage.postmortems.exists()


def test_what_to_do_meanwhile_holds_longer_than_the_next_message_takes(outage: Incident) -> None:
    assert outage.updates.published()[0].valid_until == minutes(160)


def test_registration_is_back_and_the_restart_is_planned(outage: Incident) -> None:
    milestones = {m.kind: (m.planned_for, m.reached_at) for m in outage.milestones.all()}

    assert milestones == {
        MilestoneKind.REGISTRATION_BACK: (None, minutes(-20)),
        MilestoneKind.RESTART_DONE: (minutes(400), None),
    }


def test_two_steps_of_the_plan_are_late_and_the_evening_has_moved_too(outage: Incident) -> None:
    standing = board(checklists().get(incident=outage), NOW)
    evening = next(item for item in standing.items if item.item.number == 21)

    assert [(late.item.number, late.judgement.late_by(NOW)) for late in standing.late] == [
        (14, timedelta(minutes=10)),
        (15, timedelta(minutes=2)),
    ]
    assert (len(standing.items), evening.due_at) == (25, minutes(280))


def test_102_contacts_from_87_pharmacies(outage: Incident) -> None:
    assert pressure.totals(outage) == pressure.Totals(contacts=102, pharmacies=87, urgent=4, open_callbacks=6)
    assert pressure.last_quarter_of_an_hour(NOW, incident=outage) == 12


def test_who_did_not_call_has_reported_it_and_the_first_did_so_before_it_was_declared(
    outage: Incident,
) -> None:
    counted = felt(outage, NOW)

    assert (counted.total, counted.total - counted.pharmacies, Report.objects.count()) == (47, 12, 47)
    assert counted.recent == 4
    assert Report.objects.filter(incident=None).count() == 1
    assert hints(NOW) == []


def test_nothing_lies_in_the_future(outage: Incident) -> None:
    assert not Contact.objects.filter(recorded_at__gt=NOW).exists()
    assert not Update.objects.filter(published_at__gt=NOW).exists()
    assert not outage.entries.filter(recorded_at__gt=NOW).exists()


def test_every_contact_keeps_the_message_that_was_the_newest_then(outage: Incident) -> None:
    published = list(outage.updates.published())
    told = Counter[bool]()
    for contact in outage.contacts.select_related("told_update"):
        newest = next(
            (u for u in published if u.published_at and u.published_at <= contact.occurred_at), None
        )
        told[contact.told_update == newest] += 1

    assert told == {True: 102}


def test_the_chain_of_every_timeline_holds() -> None:
    assert {str(incident): timeline.verify(incident) for incident in Incident.objects.all()} == {
        str(incident): [] for incident in Incident.objects.all()
    }


def test_agents_read_the_moved_time_in_the_callers_language(outage: Incident) -> None:
    said = {language: script.what_to_say(outage, language) for language in ("fr", "nl", "de", "en")}

    assert {language: text.body[-7:-1] for language, text in said.items() if text} == dict.fromkeys(
        said, " 10:30"
    )


def test_the_draft_has_one_fault_to_find(outage: Incident) -> None:
    draft = outage.updates.drafts().get()
    blocking = checks.blocking(checks.of_update(draft), NOW)

    assert [(finding.code, finding.language, finding.word) for finding in blocking] == [
        ("vague_promise", "nl", "binnenkort")
    ]


def test_nothing_is_left_for_the_relay_to_send() -> None:
    states = Counter(Delivery.objects.values_list("state", flat=True))

    assert not Delivery.objects.due(NOW + timedelta(days=1)).exists()
    assert states.keys() == {
        DeliveryState.SENT,
        DeliveryState.FAILED,
        DeliveryState.UNKNOWN,
        DeliveryState.BY_HAND,
    }
    assert (states[DeliveryState.FAILED], states[DeliveryState.UNKNOWN]) == (1, 2)
    assert Delivery.objects.filter(attempts=None).count() == 0


def test_each_role_has_its_account() -> None:
    accounts = {
        name: User.objects.get(username=name) for name in ("agent", "comms", "lead", "admin", "observer")
    }

    assert {name: user.groups.get().name for name, user in accounts.items()} == {
        "agent": Role.AGENT,
        "comms": Role.COMMUNICATIONS,
        "lead": Role.LEAD,
        "admin": Role.ADMINISTRATOR,
        "observer": Role.OBSERVER,
    }
    assert [user.username for user in User.objects.filter(is_staff=True)] == ["admin"]
    assert not User.objects.filter(is_superuser=True).exists()


def test_a_pharmacy_of_the_story_is_found_among_4700(outage: Incident) -> None:
    found = lookup.find("gare otti", incident=outage)[0]

    assert (found.pharmacy.name, found.calls) == ("Pharmacie de la Gare", 2)
    assert Pharmacy.objects.count() == 4700


def test_the_plan_runs_for_the_outage_alone(outage: Incident) -> None:
    assert [checklist.incident for checklist in Checklist.objects.all()] == [outage]


def test_each_network_shows_its_own_text_and_each_state_of_the_matrix_can_be_seen(outage: Incident) -> None:
    newest = outage.updates.published().first()
    assert newest
    posts = newest.deliveries.filter(channel__kind__in=ACCOUNTS, language="fr").select_related("channel")
    texts = {post.channel.kind: post.text for post in posts}

    assert texts.keys() == {"mastodon", "bluesky", "x", "facebook", "linkedin"}
    for post in posts:
        limit = capabilities(post.channel).limit
        assert limit
        assert post.text
        assert limit.allows(post.text)
        indoors(post.channel).prepare(post)
    marks = {
        cell.mark for row in matrix(newest).rows for cell in (*row.cells, *[c for c in [row.whole] if c])
    }
    assert marks >= {"ok", "major", "unknown", "degraded"}
