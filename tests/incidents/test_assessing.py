"""Three questions propose how grave it is; in doubt the higher."""

import uuid
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.roles import Role
from incidents.assessing import Assessment, Question, Reply
from incidents.models import Incident, Service
from incidents.timeline import describe
from tests import factories


@pytest.mark.parametrize(
    ("core", "patients", "many", "severity", "reason"),
    [
        ("yes", "no", "no", "S1", "a core service is down for all"),
        ("no", "yes", "no", "S1", "patients go without their medicine in several places"),
        ("unknown", "yes", "no", "S1", "patients go without their medicine in several places"),
        ("unknown", "no", "no", "S1", "nobody knows yet whether a core service is down for all"),
        ("no", "unknown", "yes", "S1", "nobody knows yet whether patients go without their medicine"),
        ("no", "no", "yes", "S2", "more than 100 pharmacies are touched"),
        ("no", "no", "", "S2", "nobody knows yet whether more than 100 pharmacies are touched"),
        ("", "no", "no", "S1", "nobody knows yet whether a core service is down for all"),
        (
            "no",
            "no",
            "no",
            "S3",
            "no core service is down, no patient goes without, at most 100 pharmacies are touched",
        ),
    ],
)
def test_the_replies_propose_a_severity_and_say_why(
    core: str, patients: str, many: str, severity: str, reason: str
) -> None:
    assessment = Assessment.of({"core": core, "patients": patients, "many": many})

    with translation.override("en"):
        assert assessment
        assert (assessment.severity, assessment.reason) == (severity, reason)


def test_no_reply_proposes_nothing_and_knowing_less_never_proposes_less() -> None:
    assert Assessment.of({}) is None
    for replies in product(Reply, repeat=3):
        known = Assessment(dict(zip(Question, replies, strict=True)))
        for question in Question:
            doubtful = Assessment({**known.replies, question: Reply.UNKNOWN})
            if known.replies[question] == Reply.NO:
                assert doubtful.severity <= known.severity


@pytest.fixture
def service() -> Service:
    return factories.service("eforms")


def typed(service: Service, **fields: Any) -> dict[str, Any]:
    return {
        "key": str(uuid.uuid4()),
        "title_fr": "Panne des eForms",
        "title_nl": "Storing van de eForms",
        f"services-{service.public_id}": "major_outage",
        f"services-was-{service.public_id}": "operational",
        "began_at": f"{timezone.localtime() - timedelta(minutes=5):%Y-%m-%dT%H:%M}",
        "core": "no",
        "patients": "no",
        "many": "unknown",
        **fields,
    }


@pytest.mark.django_db
def test_without_a_script_the_button_proposes_and_keeps_what_was_typed(
    client: Client, service: Service
) -> None:
    client.force_login(factories.user(Role.LEAD, language="en"))

    page = client.post("/desk/incidents/declare/", typed(service, propose="1"))

    form = page.context["form"]
    assert (page.status_code, Incident.objects.exists()) == (200, False)
    assert (form["severity"].value(), form["title_nl"].value()) == ("S2", "Storing van de eForms")
    assert form.service_rows()[0].chosen == "major_outage"
    assert "S2 proposed, because nobody knows yet" in page.text


@pytest.mark.django_db
def test_with_a_script_the_part_about_the_severity_comes_alone(client: Client, service: Service) -> None:
    client.force_login(factories.user(Role.LEAD, language="en"))

    part = client.get("/desk/incidents/declare/severity/", {"core": "unknown"}).text

    assert ("<html" in part, "S1 proposed" in part, 'value="S1" checked' in part) == (False, True, True)


@pytest.mark.django_db
def test_replies_alone_declare_nothing_but_show_what_they_propose(client: Client, service: Service) -> None:
    client.force_login(factories.user(Role.LEAD, language="en"))

    page = client.post("/desk/incidents/declare/", typed(service))

    assert (page.status_code, 'value="S2" checked' in page.text) == (422, True)
    assert not Incident.objects.exists()


@pytest.mark.django_db
def test_the_reason_is_kept_on_the_timeline_though_somebody_decided_otherwise(
    client: Client, service: Service
) -> None:
    client.force_login(factories.user(Role.LEAD, language="en"))

    client.post("/desk/incidents/declare/", typed(service, severity="S1"))

    entry = Incident.objects.get(severity="S1").entries.get()
    with translation.override("en"):
        told = describe(entry)
    assert told.startswith("S1 · ")
    assert told.endswith("S2 proposed, because nobody knows yet whether more than 100 pharmacies are touched")


@pytest.mark.django_db
def test_a_reply_that_is_none_is_refused_beside_its_question(client: Client, service: Service) -> None:
    client.force_login(factories.user(Role.LEAD, language="en"))

    page = client.post("/desk/incidents/declare/", typed(service, severity="S1", core="perhaps"))

    assert (page.status_code, Incident.objects.exists()) == (422, False)
    assert page.context["form"].errors.keys() == {"core"}
