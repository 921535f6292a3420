"""Plan templates in the desk: made, copied, taken in from a file, brought back, removed."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from comms.models import CrisisKind, PlanStep, PlanTemplate, PlanVersion
from comms.operations import plan, plan_templates, prepared, standard_plan
from tests import factories

pytestmark = pytest.mark.django_db
FILE = reverse("comms:template_file")


@pytest.fixture
def lead(client: Client) -> User:
    person = factories.user(Role.LEAD, language="en")
    client.force_login(person)
    return person


@pytest.fixture
def standard() -> PlanTemplate:
    prepared.install()
    return standard_plan.install()


def test_a_file_that_was_written_is_taken_in_again_and_running_plans_keep_their_copy(
    client: Client, lead: User, standard: PlanTemplate
) -> None:
    running = plan.start_plan(factories.incident(), standard, by=lead)
    written = client.get(reverse("comms:template_export", args=[standard.key]))
    text = written.text.replace("Regelmatige update", "Elk half uur")

    answer = client.post(FILE, {"file": SimpleUploadedFile("plan.yaml", text.encode())})

    standard.refresh_from_db()
    assert written["Content-Disposition"] == 'attachment; filename="crisis-communication-1.yaml"'
    assert (answer.status_code, standard.revision, standard.steps.count()) == (302, 2, 25)
    assert standard.steps.get(number=12).title_nl == "Elk half uur"
    assert running.items.get(number=12).title_nl == "Regelmatige update"


def test_a_bad_file_is_shown_again_with_each_bad_line_and_nothing_is_stored(
    client: Client, lead: User, standard: PlanTemplate
) -> None:
    text = "key: other\nname: <script>\nsteps:\n- number: zero\n  phase: strt\n"

    answer = client.post(FILE, {"text": text})
    nothing = client.post(FILE, {"text": " "})
    no_text = client.post(FILE, {"file": SimpleUploadedFile("plan.yaml", b"\xff\xfe")})

    assert [given.status_code for given in (answer, nothing, no_text)] == [422, 422, 422]
    assert "line 4: A whole number is expected here." in answer.text
    assert "name: &lt;script&gt;" in answer.text
    assert list(PlanTemplate.objects.all()) == [standard]


def test_an_earlier_revision_is_brought_back_as_a_new_one(
    client: Client, lead: User, standard: PlanTemplate
) -> None:
    plan_templates.remove_step(standard.steps.get(number=25), by=lead)

    answer = client.post(reverse("comms:version_back", args=[standard.key, 1]))

    standard.refresh_from_db()
    assert (answer.status_code, standard.revision, standard.steps.count()) == (302, 3, 25)
    revisions = PlanVersion.objects.values_list("revision", "saved_by")
    assert list(revisions) == [(3, lead.pk), (2, lead.pk), (1, None)]
    page = client.get(reverse("comms:template", args=[standard.key])).text
    assert page.count("Bring back") == 2


def test_a_plan_of_its_own_begins_with_the_steps_of_another_however_often_it_is_sent(
    client: Client, lead: User, standard: PlanTemplate
) -> None:
    given = {"key": str(uuid.uuid4()), "kind": "security", "like": standard.key}
    given |= {"name_fr": "Fuite de données", "name_nl": "Datalek"}

    answers = [client.post(reverse("comms:template_new"), given) for _again in range(2)]
    refused = client.post(reverse("comms:template_new"), given | {"name_nl": "a\x00b", "kind": "flood"})

    made = PlanTemplate.objects.exclude(pk=standard.pk).get()
    assert ([answer.status_code for answer in answers], refused.status_code) == ([302, 302], 422)
    assert (made.name_in("nl"), made.kind, made.steps.count(), standard.steps.count()) == (
        "Datalek",
        "security",
        25,
        25,
    )


def test_a_step_keeps_its_conditions_message_and_evidence(
    client: Client, lead: User, standard: PlanTemplate
) -> None:
    service = factories.service("dpp")
    given = {
        "number": "26",
        "phase": "run",
        "title_fr": "Un",
        "title_nl": "Een",
        "instructions_nl": "Bel eerst.",
        "anchor": "backlog_recovered",
        "offset_minutes": "5",
        "offset_days": "0",
        "publishes": "on",
        "message_template": "holding",
        "audiences": ["press", "public"],
        "evidence": ["reached"],
        "when_0_severities": ["S1", "S2"],
        "when_0_services": [service.key],
        "when_2_calls": "30",
    }

    answer = client.post(reverse("comms:step_new", args=[standard.key]), given)
    refused = client.post(
        reverse("comms:step_new", args=[standard.key]),
        given | {"number": "27", "when_1_calls": "0", "when_0_services": ["x"], "message_template": "y"},
    )

    made = standard.steps.get(number=26)
    assert (answer.status_code, made.publishes, made.message_template) == (302, True, "holding")
    assert (made.audiences, made.evidence, made.instructions_nl) == (
        ["press", "public"],
        ["reached"],
        "Bel eerst.",
    )
    assert made.when == [{"severities": ["S1", "S2"], "services": ["dpp"]}, {"calls": 30}]
    assert set(refused.context["form"].errors) == {"when_1_calls", "when_0_services", "message_template"}


def test_the_last_plan_stays(client: Client, lead: User, standard: PlanTemplate) -> None:
    other = plan_templates.create(
        key=uuid.uuid4(), names={"fr": "B", "nl": "B"}, kind=CrisisKind.OUTAGE, by=lead
    )

    for template in (other, standard):
        client.post(reverse("comms:template_remove", args=[template.key]))

    assert list(PlanTemplate.objects.all()) == [standard]
    assert PlanStep.objects.count() == 25


def test_only_a_lead_comes_near_the_templates(client: Client, standard: PlanTemplate) -> None:
    client.force_login(factories.user(Role.COMMUNICATIONS))
    key = standard.key
    reads = [FILE, reverse("comms:template_new"), reverse("comms:template_export", args=[key])]
    writes = [
        FILE,
        reverse("comms:template_new"),
        reverse("comms:template", args=[key]),
        reverse("comms:version_back", args=[key, 1]),
        reverse("comms:template_remove", args=[key]),
    ]

    answers = [client.get(address) for address in reads] + [client.post(address) for address in writes]

    assert {answer.status_code for answer in answers} == {403}
    standard.refresh_from_db()
    assert standard.revision == 1
