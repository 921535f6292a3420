"""What leaves the database for the public, and what does not."""

import uuid
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.roles import Role
from comms.models import UpdateText
from comms.status import snapshot as module
from comms.status.facts import Facts
from comms.status.moments import month_of
from comms.status.render import render
from comms.status.snapshot import snapshot
from incidents import timeline
from incidents.models import (
    EntryKind,
    Impact,
    Incident,
    LinkStanding,
    LinkState,
    MaintenanceStatus,
    Milestone,
    MilestoneKind,
    Phase,
    PhaseChange,
    Postmortem,
    PostmortemText,
    PublicRevision,
    ResponseRole,
    RoleAssignment,
    Service,
    ServiceStatus,
)
from tests import factories
from tests.factories import OUTAGE
from tickets.models import Callback

pytestmark = pytest.mark.django_db
AT = OUTAGE + timedelta(hours=2)
SECRET = "verborgen"  # in every private field, so that one search finds any of them
PUBLIC = "gepubliceerd"


def test_the_facts_are_those_of_the_revision_they_were_read_at() -> None:
    with transaction.atomic():
        PublicRevision.objects.bump()
        PublicRevision.objects.bump()

    assert snapshot(AT).revision == 2
    assert snapshot(AT).at == AT


@pytest.mark.parametrize("newest", range(1, 10))
def test_a_month_has_all_its_incidents_whether_the_newest_hold_them_or_not(
    newest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEWEST", newest)
    monkeypatch.setattr(module._SHOWN, "_composed", {})  # anew, with that
    # Some at one moment, and two as their month began in Brussels.
    midnight = datetime(2022, 6, 30, 22, tzinfo=UTC)
    begun = [midnight, midnight, OUTAGE, OUTAGE, OUTAGE - timedelta(days=1)]
    begun += [OUTAGE - timedelta(days=40), OUTAGE - timedelta(days=41), OUTAGE - timedelta(days=80)]
    incidents = [factories.incident(began_at=at, phase=Phase.RESOLVED) for at in begun]
    lasting = factories.incident(began_at=OUTAGE - timedelta(days=79))

    told = snapshot(AT + timedelta(days=60)).months

    wanted: dict[tuple[int, int], list[str]] = {}
    for incident in sorted([*incidents, lasting], key=lambda each: (each.began_at, each.pk), reverse=True):
        wanted.setdefault(month_of(incident.began_at), []).append(incident.public_id)
    assert {(month.year, month.month): [brief.id for brief in month.listed] for month in told} == wanted
    assert [month.incidents for month in told] == [len(ids) for ids in wanted.values()]


def test_the_newest_are_not_asked_for_again_to_list_their_month() -> None:
    factories.incident(began_at=AT - timedelta(hours=1))
    snapshot(AT)

    with CaptureQueriesContext(connection) as asked:
        assert snapshot(AT).months[0].listed
    chosen = [each["sql"] for each in asked if 'MAX("T' in each["sql"] or "MAX(T" in each["sql"]]
    assert len(chosen) == 1


@pytest.mark.django_db(transaction=True)
def test_of_a_change_that_comes_while_facts_are_read_nothing_is_seen_and_on_postgresql_it_need_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    incident = factories.incident(title_fr="Avant")
    with transaction.atomic():
        PublicRevision.objects.bump(incident)

    def change() -> None:
        with transaction.atomic():
            Incident.objects.filter(pk=incident.pk).update(title_fr="Après")
            factories.incident(title_fr="Nouveau")
            PublicRevision.objects.bump(incident)
        connection.close()

    thread, waited, groups = Thread(target=change), [], module._groups

    def meanwhile() -> Any:
        if thread.ident is None:
            thread.start()
            thread.join(10 if connection.vendor == "postgresql" else 0.3)
            waited.append(thread.is_alive())
        return groups()

    monkeypatch.setattr(module, "_groups", meanwhile)
    before = snapshot(AT)
    thread.join()
    after = snapshot(AT)

    assert (before.revision, [each.title.fr for each in before.incidents]) == (1, ["Avant"])
    assert (after.revision, {each.title.fr for each in after.incidents}) == (2, {"Après", "Nouveau"})
    assert waited == [connection.vendor != "postgresql"]


def test_a_draft_stays_out_and_a_published_message_comes_in() -> None:
    outage = factories.incident()
    factories.update(
        outage, published_at=OUTAGE + timedelta(minutes=10), texts={"fr": "Publié.", "nl": "Gepubliceerd."}
    )
    factories.update(outage, texts={"fr": "Brouillon.", "nl": "Ontwerp."})

    bodies = [message.body.fr for message in snapshot(AT).incidents[0].updates]

    assert bodies == ["Publié."]


def test_messages_come_newest_first_each_with_the_statuses_before_it() -> None:
    outage, service = factories.incident(), factories.service("eforms")
    for minutes, status in ((10, ServiceStatus.MAJOR), (20, ServiceStatus.PARTIAL)):
        at = OUTAGE + timedelta(minutes=minutes)
        factories.update(outage, published_at=at, statuses={service: status})

    newest, oldest = snapshot(AT).incidents[0].updates

    assert [(given.before, given.status) for given in newest.statuses] == [
        (ServiceStatus.MAJOR, ServiceStatus.PARTIAL)
    ]
    assert [(given.before, given.status) for given in oldest.statuses] == [
        (ServiceStatus.OPERATIONAL, ServiceStatus.MAJOR)
    ]


def test_a_message_keeps_its_identifier_which_tells_nothing_of_its_row() -> None:
    message = factories.update(published_at=OUTAGE)

    first, again = (snapshot(AT).incidents[0].updates[0].id for _ in range(2))

    assert first == again
    assert message.key.hex[:12] != first


def test_a_service_says_when_it_last_changed() -> None:
    service = factories.service("eforms")
    outage = factories.incident(services={service: ServiceStatus.MAJOR})
    later = timezone.now() + timedelta(days=1)
    Impact.objects.filter(incident=outage).update(ended_at=later)

    assert snapshot(AT).services[0].changed_at == later


def test_a_group_without_services_is_not_shown() -> None:
    factories.service("eforms").group.services.all().delete()

    assert snapshot(AT).groups == ()


def history(incidents: int) -> None:
    for _ in range(incidents):
        service = factories.service()
        outage = factories.incident(services={service: ServiceStatus.MAJOR})
        Milestone.objects.create(incident=outage, kind=MilestoneKind.TRANSFER_BACK)
        for minutes in (10, 20):
            factories.update(
                outage,
                published_at=OUTAGE + timedelta(minutes=minutes),
                statuses={service: ServiceStatus.MAJOR},
            )


def test_the_number_of_queries_does_not_grow_with_the_history() -> None:
    counts = []
    history(3)
    snapshot(AT)  # the first one ever makes the revision's row
    for _ in range(2):
        history(3)
        with CaptureQueriesContext(connection) as queries:
            snapshot(AT)
        counts.append(len(queries))

    assert counts == [counts[0]] * 2
    assert counts[0] <= 35


def around(outage: Incident, service: Service, staff: User) -> None:
    """What people told us of themselves, and what staff did, in the plans and the chain that the public sees."""
    told: dict[str, Any] = {
        f"{field}_{language}": PUBLIC for field in ("title", "body") for language in ("fr", "nl")
    }
    factories.maintenance(service, by=staff, follows=outage, **told)
    factories.maintenance(service, by=staff, status=MaintenanceStatus.CANCELLED, **told)
    [link] = factories.chain(uuid.uuid4().hex, services=[service]).values()
    LinkStanding.objects.create(
        incident=outage,
        link=link,
        state=LinkState.STUCK,
        since=OUTAGE,
        confirmed_at=OUTAGE,
        note_fr=PUBLIC,
        note_nl=PUBLIC,
        recorded_at=OUTAGE,
        by=staff,
    )
    factories.subscriber(f"{SECRET}@{uuid.uuid4().hex}.example", incident=outage)
    factories.report(
        service,
        incident=outage,
        pharmacy=factories.pharmacy(name=SECRET),
        software_house=factories.software_house(name=f"{SECRET} {uuid.uuid4().hex}"),
    )


def secretive(phase: Phase, *, published: int, drafted: bool) -> Incident:
    """An incident with something private beside everything that is public."""
    staff = factories.user(
        Role.LEAD,
        username=f"{SECRET}{uuid.uuid4().hex}",
        first_name=SECRET,
        last_name=SECRET,
        email=f"{SECRET}@x.be",
    )
    service = factories.service("eforms")
    outage = factories.incident(
        services={service: ServiceStatus.MAJOR},
        by=staff,
        title_fr=f"{PUBLIC} titre",
        title_nl=f"{PUBLIC} titel",
    )
    PhaseChange.objects.create(
        incident=outage, phase=phase, reason=SECRET, occurred_at=OUTAGE, recorded_at=OUTAGE, by=staff
    )
    RoleAssignment.objects.create(
        incident=outage, role=ResponseRole.CRISIS_LEAD, person=staff, assigned_at=OUTAGE
    )
    timeline.append(outage, EntryKind.NOTE, by=staff, text=SECRET, at=AT)
    learned = Postmortem.objects.create(incident=outage, saved_at=AT, saved_by=staff)
    PostmortemText.objects.create(postmortem=learned, language="fr", text=SECRET)
    contact = factories.contact(
        incident=outage,
        caller_text=SECRET,
        note=SECRET,
        agent=staff,
        pharmacy=factories.pharmacy(name=SECRET),
    )
    Callback.objects.create(contact=contact, number=f"{SECRET} 0470 12 34 56")
    around(outage, service, staff)
    texts = {"fr": f"{PUBLIC} fr", "nl": f"{PUBLIC} nl"}
    for minutes in range(published):
        at = OUTAGE + timedelta(minutes=10 + minutes)
        factories.update(
            outage, published_at=at, texts=texts, by=staff, statuses={service: ServiceStatus.MAJOR}
        )
    if drafted:
        draft = factories.update(
            outage, texts={"fr": SECRET, "nl": SECRET, "de": SECRET, "en": SECRET}, by=staff
        )
        fields = ("headline", "title", "do", "dont", "patient")
        UpdateText.objects.filter(update=draft).update(**dict.fromkeys(fields, SECRET))
    return outage


@settings(max_examples=12, deadline=None)
@given(
    happened=st.lists(
        st.tuples(st.sampled_from(Phase), st.integers(0, 3), st.booleans()), min_size=1, max_size=3
    )
)
def test_nothing_private_is_in_any_byte_of_the_site(happened: list[tuple[Phase, int, bool]]) -> None:
    with transaction.atomic():
        for phase, published, drafted in happened:
            secretive(phase, published=published, drafted=drafted)
        facts: Facts = snapshot(AT)
        transaction.set_rollback(True)

    site = render(facts)
    for name, content in site.items():
        if not name.endswith((".br", ".gz")):
            assert SECRET.encode() not in content.lower(), name
            assert b"0470" not in content, name
    for name in ("fr/history/index.html", "nl/history.atom", "fr/maintenance.ics", "api/v2/incidents.json"):
        assert PUBLIC.encode() in site[name], name
