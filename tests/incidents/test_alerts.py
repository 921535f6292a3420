"""Alerts of monitoring: told to an open incident or proposed, never declared; each occurrence once."""

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import IntakeKind, User
from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from incidents import alertmanager, operations, timeline
from incidents.models import Alert, Entry, EntryKind, Incident, Service, ServiceStatus
from tests import factories

pytestmark = pytest.mark.django_db
CAPTURED = json.loads((Path(__file__).parent / "alertmanager_v4_firing.json").read_text())
ADDRESS = "/intake/alertmanager"


@pytest.fixture
def token() -> str:
    return factories.intake(IntakeKind.MONITORING, name="Prometheus")[1]


@pytest.fixture
def eforms() -> Service:
    return factories.service("eforms")


@pytest.fixture
def lead(client: Client) -> User:
    lead = factories.user(Role.LEAD, language="en")
    client.force_login(lead)
    return lead


def notification(*alerts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """As captured; of each alert what is given differs."""
    [first] = CAPTURED["alerts"]
    began_at = (timezone.now() - timedelta(minutes=2)).isoformat()
    return {
        **CAPTURED,
        "alerts": [{**first, "startsAt": began_at, **each} for each in alerts or ({},)],
        **fields,
    }


def post(token: str, said: Any, **headers: str) -> Any:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    given = {"Authorization": f"Bearer {token}", **headers}
    return Client().post(ADDRESS, body, content_type="application/json", headers=given)


def test_what_alertmanager_sent_is_kept_once_and_proposes_an_incident(
    client: Client, token: str, eforms: Service, lead: User
) -> None:
    for _ in range(2):
        assert post(token, {**CAPTURED, "routeLabels": {}, "truncatedAlerts": 3}).status_code == 204

    alert = Alert.objects.get()
    assert (str(alert), alert.service, alert.more) == (
        "EFormsServerDown: eForms server did not start",
        eforms,
        3,
    )
    assert (alert.began_at.isoformat(), alert.ended_at) == ("2026-11-23T01:22:51+00:00", None)
    assert not Incident.objects.exists()
    page = client.get(reverse("incidents:alerts")).text
    assert f"service={eforms.public_id}&amp;began_at=2026-11-23" in page
    assert "3 more were left out" in page


def test_an_alert_on_a_service_that_is_down_is_told_in_its_timeline_and_so_is_its_end(
    token: str, eforms: Service
) -> None:
    incident = factories.incident(
        services={eforms: ServiceStatus.MAJOR}, began_at=timezone.now() - timedelta(hours=1)
    )
    said = notification({})
    over = {
        **said,
        "alerts": [{**said["alerts"][0], "status": "resolved", "endsAt": timezone.now().isoformat()}],
    }

    for each in (said, said, over, over):
        assert post(token, each).status_code == 204

    entries = Entry.objects.filter(incident=incident, kind=EntryKind.SIGNAL).order_by("sequence")
    text = "EFormsServerDown: eForms server did not start. 3 of 4 servers down"
    assert [timeline.describe(entry) for entry in entries] == [
        f"Alerte\N{NO-BREAK SPACE}: {text}",
        f"Fin de l’alerte\N{NO-BREAK SPACE}: {text}",
    ]
    assert timeline.verify(incident) == []
    assert not Alert.objects.proposing().exists()


def test_each_alert_of_a_group_has_its_own_state_and_what_is_over_proposes_nothing(
    token: str, eforms: Service
) -> None:
    ended = {"fingerprint": "b", "status": "resolved", "endsAt": timezone.now().isoformat()}
    post(
        token,
        notification({"fingerprint": "a"}, ended, {"fingerprint": "c", "labels": {"alertname": "Disk"}}),
    )
    assert {alert.fingerprint for alert in Alert.objects.proposing()} == {"a", "c"}

    factories.incident(services={eforms: ServiceStatus.MAJOR})

    assert {alert.fingerprint for alert in Alert.objects.proposing()} == {"c"}


def test_an_exercise_neither_hears_of_an_alert_nor_explains_it(token: str, eforms: Service) -> None:
    drill = factories.incident(services={eforms: ServiceStatus.MAJOR}, drill=True)

    post(token, notification())

    assert Alert.objects.proposing().count() == 1
    assert not Entry.objects.filter(incident=drill, kind=EntryKind.SIGNAL).exists()


def test_what_is_closed_by_hand_stays_closed_however_often_it_is_repeated(
    client: Client, token: str, eforms: Service, lead: User
) -> None:
    said = notification()
    post(token, said)
    address = reverse("incidents:alert_close", args=[Alert.objects.get().pk])
    page = client.get(reverse("desk:keys")).text
    assert "EFormsServerDown" in page

    assert client.post(address, {"reason": " "}).status_code == 422
    assert client.post(address, {"reason": "Silenced: planned."}).status_code == 302
    post(token, said)

    assert not Alert.objects.open().exists()
    assert "Silenced: planned." in client.get(reverse("incidents:alerts")).text
    assert "EFormsServerDown" not in client.get(reverse("desk:keys")).text


def test_only_a_lead_closes_an_alert(token: str, eforms: Service) -> None:
    post(token, notification())
    alert = Alert.objects.get()

    with pytest.raises(NotAllowed):
        operations.close_alert(alert, reason="x", by=factories.user(Role.AGENT))
    for reason in ("", "\x00" * 3, "x" * 301):
        with pytest.raises(Refused):
            operations.close_alert(alert, reason=reason, by=factories.user(Role.LEAD))


def test_a_heartbeat_proposes_nothing_until_it_is_missing(client: Client, token: str, lead: User) -> None:
    post(token, notification({"labels": {"alertname": "Watchdog"}}))
    assert not Alert.objects.proposing().exists()
    assert "is silent" not in client.get(reverse("desk:keys")).text

    Alert.objects.update(heard_at=timezone.now() - timedelta(minutes=16))

    assert "Prometheus is silent" in client.get(reverse("desk:keys")).text
    post(
        token,
        notification(
            {"labels": {"alertname": "Watchdog"}, "startsAt": Alert.objects.get().began_at.isoformat()}
        ),
    )
    assert "is silent" not in client.get(reverse("incidents:alerts")).text


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"{", "This is no JSON."),
        (b"[]", 'This is no notification of Alertmanager: "alerts" is no list.'),
        ({"alerts": {}}, 'This is no notification of Alertmanager: "alerts" is no list.'),
        ({"alerts": [7]}, "alerts[0] is no object."),
        (notification({"status": "odd"}), "alerts[0].status is neither firing nor resolved."),
        (notification({}, {"fingerprint": ""}), "alerts[1].fingerprint is missing."),
        (notification({"startsAt": "0001-01-01T00:00:00Z"}), "alerts[0].startsAt is no moment."),
        ({"alerts": [{}] * 1001}, "More than 1000 alerts: set max_alerts in Alertmanager."),
    ],
)
def test_what_is_no_notification_is_refused_with_the_reason_and_nothing_of_it_is_kept(
    token: str, said: Any, why: str
) -> None:
    answer = post(token, said)

    assert (answer.status_code, answer.text) == (400, f"{why}\n")
    assert not Alert.objects.exists()


def test_without_its_token_nothing_is_taken(token: str) -> None:
    other = factories.intake(IntakeKind.TELEPHONE, name="PBX")[1]

    answers = [post(each, CAPTURED).status_code for each in ("", "wrong", other)]
    answers.append(post(token, CAPTURED, Authorization=f"Basic {token}").status_code)
    answers.append(Client().get(ADDRESS).status_code)

    assert answers == [404, 404, 404, 404, 405]
    assert not Alert.objects.exists()


def test_odd_texts_are_kept_as_far_as_they_can_be(token: str) -> None:
    odd = {"alertname": "x\x00\n" * 500, "component": "no such", "severity": "y" * 99, "n": 7}
    notes = {"summary": "85.07.30-033.28 " * 400, "description": "\ud800" * 10}

    assert (
        post(
            token, notification({"labels": odd, "annotations": notes, "generatorURL": "javascript:1"})
        ).status_code
        == 204
    )

    alert = Alert.objects.get()
    assert (alert.url, alert.service, "033.28" in alert.summary) == ("", None, False)


KEYS = st.sampled_from(["alerts", "labels", "startsAt", "status", "fingerprint"]) | st.text(max_size=3)
LEAVES = st.none() | st.integers() | st.text(max_size=9)


@given(st.recursive(LEAVES, lambda kids: st.lists(kids) | st.dictionaries(KEYS, kids), max_leaves=8))
def test_whatever_is_posted_is_read_or_refused(said: Any) -> None:
    with suppress(alertmanager.Unreadable):
        alertmanager.read(json.dumps({"alerts": [said]}).encode())


def test_a_moment_has_a_zone() -> None:
    with pytest.raises(alertmanager.Unreadable):
        alertmanager.read(json.dumps(notification({"startsAt": "2026-01-01T00:00:00"})).encode())
