"""An exercise: marked wherever it is seen, unable to leave the house, and no part of the real day beside it."""

import uuid
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from accounts.languages import Language
from accounts.models import User
from accounts.refusals import Refused
from accounts.roles import Role
from comms import matrix, relay
from comms.channels.kinds import capabilities
from comms.models import (
    Anchor,
    Channel,
    Delivery,
    DeliveryState,
    Mailing,
    PlanPhase,
    PlanStep,
    PlanTemplate,
    Update,
)
from comms.operations import drafts, publishing, sending
from comms.operations.notices import tell_notices
from comms.operations.plan import start_plan
from comms.preview import status_page_with
from comms.script import what_to_say
from comms.status import notice, snapshot
from comms.status.facts import Facts
from comms.status.render import render
from farmaflux_desk.header import Header
from incidents import operations
from incidents.models import Incident, Phase, PublicRevision, Service, ServiceStatus, Severity
from incidents.opening_hours import Window
from tests import factories
from tickets.crew import at_the_phones
from tickets.felt import felt, hints
from tickets.known import known_about
from tickets.models import Contact, PhoneCall, Report
from tickets.operations import report, settle_calls
from tickets.pressure import last_quarter_of_an_hour

pytestmark = pytest.mark.django_db
MARKS = {"fr": "EXERCICE", "nl": "OEFENING", "en": "DRILL"}
SECRET = "Répétition générale"


@pytest.fixture
def lead() -> User:
    return factories.user(Role.LEAD, language="en")


@pytest.fixture
def service() -> Service:
    return factories.service("eforms")


@pytest.fixture
def declare(lead: User, service: Service) -> Callable[..., Incident]:
    def _declare(**fields: Any) -> Incident:
        return operations.declare(
            **{
                "key": uuid.uuid4(),
                "titles": {"fr": SECRET, "nl": "Generale repetitie"},
                "severity": Severity.S1,
                "statuses": {service: ServiceStatus.MAJOR},
                "began_at": timezone.now() - timedelta(minutes=20),
                "by": lead,
                "drill": True,
                **fields,
            }
        )

    return _declare


def publish(incident: Incident, by: User) -> Update:
    draft = drafts.draft_for(incident, by=by)
    texts = {
        spoken: {"title": title, "headline": headline, "body": body}
        for spoken, title, headline, body in (
            ("fr", SECRET, "Rien ne part.", "Nous cherchons la cause."),
            ("nl", "Generale repetitie", "Er vertrekt niets.", "Wij zoeken de oorzaak."),
        )
    }
    data = drafts.DraftData(
        phase=Phase.INVESTIGATING,
        next_update_at=timezone.now() + timedelta(minutes=30),
        statuses={impact.service: ServiceStatus(impact.status) for impact in incident.impacts.all()},
        texts=texts,
    )
    saved = drafts.save_draft(draft, data, by=by, revision=draft.revision)
    return publishing.publish(saved, by=by, revision=saved.revision)


# -- declaring


def declaration(service: Service, **fields: Any) -> dict[str, Any]:
    return {
        "key": str(uuid.uuid4()),
        "title_fr": SECRET,
        "title_nl": "Generale repetitie",
        "severity": "S1",
        f"services-{service.public_id}": "major_outage",
        f"services-was-{service.public_id}": "operational",
        "began_at": f"{timezone.localtime() - timedelta(minutes=5):%Y-%m-%dT%H:%M}",
        **fields,
    }


@pytest.mark.parametrize(("reality", "drill"), [("drill", True), ("real", False), ("", False)])
def test_an_exercise_is_declared_by_choosing_it_and_by_nothing_else(
    client: Client, lead: User, service: Service, reality: str, *, drill: bool
) -> None:
    client.force_login(lead)

    response = client.post("/desk/incidents/declare/", declaration(service, reality=reality), follow=True)

    incident = Incident.objects.get()
    assert (response.status_code, incident.drill) == (200, drill)
    assert ("DRILL" in response.text) is drill
    assert incident.entries.get().data.get("drill", False) is drill


def test_an_unknown_choice_declares_nothing(client: Client, lead: User, service: Service) -> None:
    client.force_login(lead)

    response = client.post("/desk/incidents/declare/", declaration(service, reality="both"))

    assert (response.status_code, SECRET in response.text) == (422, True)
    assert not Incident.objects.exists()


def test_who_may_not_declare_starts_no_exercise(client: Client, service: Service) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS))

    response = client.post("/desk/incidents/declare/", declaration(service, reality="drill"))

    assert (response.status_code, Incident.objects.exists()) == (403, False)


@pytest.mark.parametrize("drill", [True, False])
def test_it_stays_what_it_was_declared_as(
    client: Client, lead: User, declare: Callable[..., Incident], *, drill: bool
) -> None:
    incident = declare(drill=drill)
    client.force_login(lead)
    turned = {"reality": "real" if drill else "drill", "drill": "" if drill else "on"}
    typed = {"title_fr": "Autre", "title_nl": "Anders", "severity": "S1", **turned}

    response = client.post(f"/desk/incidents/{incident.public_id}/edit/", typed)

    incident.refresh_from_db()
    assert (response.status_code, incident.title_fr, incident.drill) == (302, "Autre", drill)


@pytest.mark.parametrize("drill", [True, False])
def test_what_is_real_and_an_exercise_are_no_relapse_of_each_other(
    declare: Callable[..., Incident], lead: User, *, drill: bool
) -> None:
    earlier = declare(drill=not drill, began_at=timezone.now() - timedelta(hours=1))

    with pytest.raises(Refused):
        declare(drill=drill, relapse_of=earlier)
    later = declare(drill=drill)
    with pytest.raises(Refused):
        operations.link_relapse(later, earlier, by=lead)


# -- the mark


def pages(incident: Incident, update: Update, contact: Contact) -> list[str]:
    room = f"/desk/incidents/{incident.public_id}/"
    delivery = update.deliveries.first()
    assert delivery
    parts = ("", "edit/", "move/", "statuses/", "milestones/", "chain/", "roles/", "note/")
    return [
        *(f"{room}{part}" for part in parts),
        f"/desk/messages/{incident.public_id}/",
        f"/desk/messages/{incident.public_id}/{update.number}/",
        f"/desk/plan/{incident.public_id}/",
        f"/desk/deliveries/{delivery.pk}/",
        "/desk/messages/",
        "/desk/incidents/",
        "/desk/plan/",
        f"/desk/calls/?incident={incident.public_id}",
        "/desk/callbacks/",
        "/desk/contacts/",
        f"/desk/contacts/{contact.pk}/",
        "/desk/contacts/export.csv",
    ]


@pytest.mark.parametrize(("language", "mark"), MARKS.items())
def test_every_page_of_it_bears_the_mark_in_the_language_of_the_interface(
    client: Client, declare: Callable[..., Incident], language: str, mark: str
) -> None:
    reader = factories.user(Role.LEAD, language=language)
    factories.mail_channel("a@apb.example")
    incident = declare()
    update = publish(incident, reader)
    drafts.draft_for(incident, by=reader)
    contact = factories.contact(incident=incident)
    factories.callback(contact)
    client.force_login(reader)

    unmarked, refused = [], []
    for path in pages(incident, update, contact):
        response = client.get(path)
        if response.status_code != 200:
            refused.append((path, response.status_code))
        if mark not in response.getvalue().decode():
            unmarked.append(path)

    assert (refused, unmarked) == ([], [])


def test_the_header_of_any_page_says_that_an_exercise_runs_and_keeps_to_what_is_real(
    client: Client, lead: User, declare: Callable[..., Incident]
) -> None:
    declare()
    client.force_login(lead)

    page = client.get("/desk/incidents/").text.split("</header>")[0]

    assert ("Calm" in page, f"S1 DRILL · {SECRET}" in page) == (True, True)


def test_a_preview_of_its_message_is_marked_in_the_language_of_the_page(
    lead: User, declare: Callable[..., Incident]
) -> None:
    incident = declare()
    draft = drafts.stored_draft(drafts.draft_for(incident, by=lead))

    page = status_page_with(draft, incident, Language.NL, at=timezone.now())

    assert f"OEFENING · {draft.texts['nl']['title']}" in page


# -- no way out


def test_nothing_of_its_message_is_owed_to_a_channel_or_to_subscribers(
    declare: Callable[..., Incident], lead: User
) -> None:
    factories.mail_channel("a@apb.example", ("b@apb.example", "nl"))
    factories.webhook_channel()
    factories.subscriber_channel()
    factories.subscriber(created_at=timezone.now() - timedelta(days=1))

    publish(declare(), lead)

    states = Delivery.objects.values_list("state", flat=True)
    assert list(states) == [DeliveryState.REHEARSED] * 3
    assert (Mailing.objects.exists(), relay.lanes()) == (False, [])


def test_nothing_says_that_the_status_page_shows_its_message(
    client: Client, lead: User, declare: Callable[..., Incident]
) -> None:
    incident = declare()
    drafts.draft_for(incident, by=lead)
    client.force_login(lead)

    before = client.get(f"/desk/messages/{incident.public_id}/").text
    with override("en"):
        shown = matrix.matrix(publish(incident, lead)).rows

    assert "<dt>Status page, four languages</dt><dd>exercise</dd>" in before
    assert [(row.name, {cell.label for cell in row.cells if cell.label}) for row in shown] == [
        ("Status page", {"exercise"})
    ]


def test_a_delivery_of_it_that_came_into_the_queue_all_the_same_is_refused_at_the_last_door(
    declare: Callable[..., Incident], lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Door:
        """Nothing may be asked of it."""

        def __init__(self, channel: Channel) -> None:
            self.capabilities = capabilities(channel)

        def __enter__(self) -> "Door":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    factories.mail_channel("a@apb.example")
    publish(declare(), lead)
    Delivery.objects.update(state=DeliveryState.QUEUED)

    for lane in relay.lanes():
        relay.send_through(lane, by=Door)  # type: ignore[arg-type]

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == (DeliveryState.FAILED, relay.PLAYED)


def test_a_mailing_of_it_finds_no_subscriber(declare: Callable[..., Incident], lead: User) -> None:
    channel = factories.subscriber_channel()
    factories.subscriber(created_at=timezone.now() - timedelta(days=1))
    update = publish(declare(), lead)
    at = timezone.now()
    Mailing.objects.create(
        update=update, channel=channel, environment=settings.DESK_ENVIRONMENT_ID, created_at=at
    )

    with transaction.atomic():
        sending.claim(channel, can=capabilities(channel), at=at)

    assert not Delivery.objects.exclude(subscriber=None).exists()


def told(world: Facts) -> dict[str, Any]:
    return {field.name: getattr(world, field.name) for field in fields(Facts)}


def test_the_status_site_its_api_and_its_feeds_are_the_same_with_it_and_without(
    declare: Callable[..., Incident], lead: User, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An exercise takes no real one's place in what is shown or written anew.
    monkeypatch.setattr(snapshot, "NEWEST", 1)
    monkeypatch.setattr(snapshot._SHOWN, "_composed", {})  # anew, with that
    monkeypatch.setattr(snapshot, "MOST_WRITTEN_ANEW", 1)
    factories.incident(services={service: ServiceStatus.PARTIAL}, phase=Phase.RESOLVED)
    at, revision = timezone.now(), PublicRevision.objects.current()
    before = snapshot.snapshot(at)

    over = declare(began_at=at - timedelta(hours=3))
    publish(over, lead)
    operations.move(over, Phase.RESOLVED, by=lead)
    operations.write_postmortem(over, {"fr": SECRET, "nl": SECRET}, by=lead)
    operations.publish_postmortem(over, by=lead, revision=1)
    publish(declare(), lead)

    after = snapshot.snapshot(at)
    assert told(after) == told(before)
    assert PublicRevision.objects.current() == revision
    assert not any(SECRET.encode() in content for content in render(after).values())


@pytest.fixture
def incident_beside(declare: Callable[..., Incident]) -> Incident:
    """A real one on another service, younger and less grave than the exercise."""
    other = factories.service("dpp")
    declare(began_at=timezone.now() - timedelta(hours=2))
    return declare(
        drill=False,
        severity=Severity.S3,
        statuses={other: ServiceStatus.PARTIAL},
        titles={"fr": "Vraie panne", "nl": "Echte storing"},
    )


def test_no_stranger_may_subscribe_to_it(client: Client, declare: Callable[..., Incident]) -> None:
    drill = declare()

    page = client.get(f"/public/subscribe/?lang=fr&incident={drill.public_id}")
    asked = client.post(
        "/public/subscribe/?lang=fr",
        {"address": "a@apb.example", "scope": f"incident-{drill.public_id}", "language": "fr"},
    )

    assert (page.status_code, SECRET in page.text, asked.status_code) == (200, False, 422)


def test_who_reports_a_fault_is_told_nothing_of_it_and_counts_as_unexplained(
    client: Client, declare: Callable[..., Incident], service: Service
) -> None:
    declare()

    for number in range(3):
        report(key=uuid.uuid4(), service=service, who=f"someone-{number}")

    drill = Incident.objects.get()
    assert (known_about(service, "fr"), felt(drill, timezone.now()).total) == (None, 0)
    assert set(Report.objects.values_list("incident", flat=True)) == {None}
    assert [hint.count for hint in hints(timezone.now())] == [3]


def test_work_that_follows_it_is_not_announced(
    declare: Callable[..., Incident], lead: User, service: Service, client: Client
) -> None:
    drill, at = declare(), timezone.now()

    with pytest.raises(Refused):
        operations.plan_maintenance(
            key=uuid.uuid4(),
            titles={"fr": "Travaux", "nl": "Werken"},
            bodies={"fr": "Courtes coupures.", "nl": "Korte onderbrekingen."},
            services=[service],
            window=Window(at + timedelta(hours=1), at + timedelta(hours=2)),
            follows=drill,
            by=lead,
        )
    client.force_login(lead)
    assert (
        SECRET
        not in client.get(f"/desk/maintenance/plan/?follows={drill.public_id}").text.split("</header>")[1]
    )


def test_a_notice_put_up_by_hand_is_told_in_real_timelines_alone(
    declare: Callable[..., Incident],
    incident_beside: Incident,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change = notice.Change(key=str(uuid.uuid4()), at=timezone.now().isoformat(), texts={"fr": "Avis"})
    monkeypatch.setattr(notice, "changes", lambda _root: [change])

    assert tell_notices() == 1
    assert incident_beside.entries.filter(kind="note").count() == 1


# -- the real day beside it


def test_agents_begin_with_the_real_incident_and_never_with_an_exercise(
    client: Client, incident_beside: Incident, lead: User
) -> None:
    client.force_login(lead)

    chosen = client.get("/desk/calls/").context["incident"]
    home = client.get("/desk/")
    operations.move(incident_beside, Phase.RESOLVED, by=lead)
    afterwards = client.get("/desk/calls/").context["incident"]

    assert (chosen, afterwards) == (incident_beside, incident_beside)
    assert home["Location"] == f"/desk/incidents/{incident_beside.public_id}/"


def test_with_nothing_but_an_exercise_a_call_is_about_no_incident(
    client: Client, declare: Callable[..., Incident], lead: User
) -> None:
    declare()
    client.force_login(lead)

    assert client.get("/desk/calls/").context["incident"] is None
    assert client.get("/desk/")["Location"] == "/desk/incidents/"


def test_a_missed_call_belongs_to_the_real_incident(incident_beside: Incident) -> None:
    intake, _token = factories.intake()
    rang = timezone.now() - timedelta(minutes=2)
    PhoneCall.objects.create(
        intake=intake, call_id="1", rang_at=rang, ended_at=rang, number="081234567", e164="+3281234567"
    )

    settle_calls()

    assert Contact.objects.get().incident == incident_beside


def test_the_counts_of_the_day_leave_it_out_and_its_own_header_holds_its_own(
    incident_beside: Incident, lead: User
) -> None:
    drill, at = Incident.objects.get(drill=True), timezone.now()
    for about in (drill, drill, incident_beside, None):
        factories.contact(incident=about, at=at)
    factories.callback(Contact.objects.filter(incident=drill).first())
    drafts.draft_for(drill, by=lead)

    def counted(public_id: str) -> tuple[Incident | None, int, int, int]:
        head = Header(user=lead, at=at, public_id=public_id)
        return head.incident, head.calls, head.counts.callbacks, head.counts.drafts

    assert last_quarter_of_an_hour(at) == 2
    assert counted("") == (incident_beside, 2, 0, 0)
    assert counted(drill.public_id) == (drill, 2, 1, 1)


def test_a_step_of_its_plan_is_late_on_its_own_pages_alone(incident_beside: Incident, lead: User) -> None:
    drill, at = Incident.objects.get(drill=True), timezone.now()
    template = PlanTemplate.objects.create(key="plan", name_fr="Plan", name_nl="Plan")
    PlanStep.objects.create(
        template=template,
        number=1,
        phase=PlanPhase.RUN,
        title_fr="Prévenir",
        title_nl="Verwittigen",
        anchor=Anchor.PLAN_START,
        offset_minutes=5,
        owners=[],
    )
    for incident in (drill, incident_beside):
        start_plan(incident, template, by=lead, at=at - timedelta(minutes=15))

    late = {about: Header(user=lead, at=at, public_id=about).late for about in ("", drill.public_id)}

    assert [[due.public_id for due in found] for found in late.values()] == [
        [incident_beside.public_id],
        [drill.public_id],
    ]


def test_who_practises_is_not_at_the_phones(incident_beside: Incident) -> None:
    drill, at = Incident.objects.get(drill=True), timezone.now()
    real, _played = (factories.contact(incident=about, at=at) for about in (incident_beside, drill))

    assert [row.person for row in at_the_phones(at)] == [real.agent]


def test_what_agents_say_of_a_real_incident_names_no_service_that_only_the_exercise_stops(
    incident_beside: Incident, lead: User, service: Service
) -> None:
    drill = Incident.objects.get(drill=True)
    for incident in (incident_beside, drill):
        publish(incident, lead)

    real, played = what_to_say(incident_beside, "fr"), what_to_say(drill, "fr")

    assert real
    assert played
    assert (real.broken, played.broken) == (["dpp fr (en partie)"], ["eforms fr"])


def test_a_relapse_is_proposed_among_its_like_alone(
    client: Client, declare: Callable[..., Incident], lead: User, service: Service
) -> None:
    over = declare(drill=False, began_at=timezone.now() - timedelta(hours=1))
    half_an_hour_ago = timezone.now() - timedelta(minutes=30)
    operations.move(over, Phase.RESOLVED, by=lead, occurred_at=half_an_hour_ago)
    client.force_login(lead)
    typed = declaration(service)

    def proposed(reality: str) -> list[Incident]:
        page = client.get("/desk/incidents/declare/relapse/", {**typed, "reality": reality})
        found: list[Incident] = page.context["proposal"].relapse_of
        return found

    assert (proposed("drill"), proposed("real")) == ([], [over])
