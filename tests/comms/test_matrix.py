"""Where a message went, at a glance."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from comms import matrix
from comms.models import Channel, Claim, Delivery, DeliveryState, Update
from comms.operations import deliveries
from comms.pulse import sending
from comms.status import site
from incidents.models import Phase, PublicRevision
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def owe(update: Update | None = None) -> list[Delivery]:
    with transaction.atomic():
        return list(
            deliveries.owe(update or factories.update(published_at=factories.OUTAGE), at=timezone.now())
        )


def set_state(delivery: Delivery, state: DeliveryState, **fields: object) -> None:
    now = timezone.now()
    lease = {"made_at": now, "lease_until": now + timedelta(minutes=1)}
    sending = state == DeliveryState.SENDING
    fields["claim"] = Claim.objects.create(channel=delivery.channel, **lease) if sending else None
    fields["sent_at"] = now if state == DeliveryState.SENT else None
    Delivery.objects.filter(pk=delivery.pk).update(state=state, **fields)


def shown(update: Update) -> dict[str, list[tuple[str, bool]]]:
    made = matrix.matrix(update)
    return {
        row.name: [(cell.label, cell.wanted) for cell in ((row.whole,) if row.whole else row.cells)]
        for row in made.rows
    }


NONE = ("", False)


def test_the_status_page_comes_first_and_shows_each_language_there_is() -> None:
    update = factories.update(published_at=factories.OUTAGE)
    site.renew()

    assert shown(update) == {"Status page": [("visible", False), ("visible", False), NONE, NONE]}


def test_a_status_page_that_is_behind_is_not_called_visible() -> None:
    update = factories.update(published_at=timezone.now())
    site.renew()
    with transaction.atomic():
        PublicRevision.objects.bump()

    assert shown(update)["Status page"][0] == ("being renewed", False)


def test_a_status_page_that_stays_behind_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    update = factories.update(published_at=factories.OUTAGE)
    site.renew()
    with transaction.atomic():
        PublicRevision.objects.bump()

    [row] = matrix.matrix(update).rows
    assert row.whole == matrix.Cell("major", "d-x", "not renewed since 1 July 13:30")

    before = matrix.version(update.incident)
    monkeypatch.setattr(site, "_errors", ["OSError: No space left, on: the device"])
    assert [each.whole.label for each in (*matrix.matrix(update).rows, *matrix.places()) if each.whole] == [
        "not renewed: OSError: No space left, on: the device"
    ] * 2
    after = matrix.version(update.incident)
    assert after != before
    assert not {",", ":"} & set(after), "the room lists versions with these between"

    site.renew()
    assert shown(update)["Status page"][0] == ("visible", False)


@pytest.mark.parametrize(
    ("phase", "label"), [(Phase.IDENTIFIED, "not renewed since {:%H:%M}"), (Phase.RESOLVED, "visible")]
)
def test_a_status_page_that_grows_old_while_an_incident_lasts_is_red(phase: Phase, label: str) -> None:
    with time_machine.travel(factories.OUTAGE, tick=False) as clock:
        update = factories.update(factories.incident(phase=phase), published_at=factories.OUTAGE)
        site.renew()
        clock.shift(timedelta(minutes=3))
        young = shown(update)["Status page"][0]
        clock.shift(timedelta(seconds=1))
        old = shown(update)["Status page"][0]

    assert young == ("visible", False)
    assert old == (label.format(timezone.localtime(factories.OUTAGE)), False)


def test_a_cell_counts_what_was_sent_and_what_was_not() -> None:
    factories.mail_channel("a@apb.example", "b@apb.example", ("c@apb.example", "nl"), key="committee")
    a, b, c = owe()
    set_state(a, DeliveryState.SENT)
    set_state(c, DeliveryState.SENT)

    assert shown(a.message)["committee"] == [("1 / 2", False), ("1", False), NONE, NONE]

    set_state(b, DeliveryState.SENT)
    assert shown(a.message)["committee"] == [("2", False), ("1", False), NONE, NONE]


@pytest.mark.parametrize(
    ("state", "label", "wanted"),
    [
        (DeliveryState.QUEUED, "waiting", False),
        (DeliveryState.SENDING, "sending", False),
        (DeliveryState.SENT, "sent", False),
        (DeliveryState.FAILED, "failed", True),
        (DeliveryState.UNKNOWN, "to be decided", True),
    ],
)
def test_only_what_needs_a_person_is_marked(state: DeliveryState, label: str, *, wanted: bool) -> None:
    channel = factories.webhook_channel()
    [delivery] = owe()
    set_state(delivery, state)

    assert shown(delivery.message)[channel.name] == [(label, wanted)]


def test_one_failure_outweighs_many_successes() -> None:
    factories.mail_channel("a@apb.example", "b@apb.example", "c@apb.example", key="committee")
    a, b, c = owe()
    for delivery, state in ((a, DeliveryState.SENT), (b, DeliveryState.FAILED), (c, DeliveryState.UNKNOWN)):
        set_state(delivery, state)

    assert shown(a.message)["committee"][0] == ("1 failed", True)


def test_a_refusal_for_now_says_when_it_is_tried_again() -> None:
    channel = factories.webhook_channel()
    [delivery] = owe()
    when = timezone.localtime() + timedelta(minutes=5)
    set_state(delivery, DeliveryState.QUEUED, error="HTTP 503", not_before=when)

    assert shown(delivery.message)[channel.name] == [(f"next try {when:%H:%M}", False)]


def test_a_channel_switched_off_after_publishing_says_so() -> None:
    channel = factories.webhook_channel()
    [delivery] = owe()
    Channel.objects.update(enabled=False)

    assert shown(delivery.message)[channel.name] == [("switched off", False)]


def test_totals_count_every_delivery_by_its_state() -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    factories.webhook_channel()
    a, b, _hook = owe()
    set_state(a, DeliveryState.SENT)
    set_state(b, DeliveryState.FAILED)

    made = matrix.matrix(a.message)

    assert (made.sent, made.total, made.failed, made.unknown) == (1, 3, 1, 0)


@pytest.mark.parametrize("readers", [1, 30])
def test_a_matrix_costs_the_same_for_one_reader_and_for_many(readers: int) -> None:
    factories.mail_channel(*(f"reader{n}@apb.example" for n in range(readers)))
    update = factories.update(published_at=factories.OUTAGE)
    owe(update)
    update = Update.objects.select_related("incident").prefetch_related("texts").get(pk=update.pk)

    with CaptureQueriesContext(connection) as queries:
        matrix.matrix(update)

    assert len(queries) == 3


def test_the_version_changes_with_every_state_and_only_then() -> None:
    factories.mail_channel("a@apb.example")
    [delivery] = owe()
    incident = delivery.message.incident
    versions = [matrix.version(incident)]
    assert matrix.version(incident) == versions[0]

    for state in (DeliveryState.SENDING, DeliveryState.SENT):
        set_state(delivery, state)
        versions.append(matrix.version(incident))
    owe(factories.update(incident, published_at=timezone.now()))
    versions.append(matrix.version(incident))

    assert len(set(versions)) == 4
    assert not any(sign in version for version in versions for sign in ",:")


def test_before_the_first_message_there_is_no_matrix() -> None:
    incident = factories.incident()
    factories.update(incident)

    assert matrix.newest(incident) is None
    assert matrix.version(incident)


def test_the_desk_says_since_when_nothing_is_sent() -> None:
    channel = factories.mail_channel("a@apb.example")
    [delivery] = owe()
    soon, later = (delivery.not_before + timedelta(seconds=s) for s in (1, 60))

    assert sending(soon).stopped_since is None
    assert sending(later).stopped_since == delivery.not_before

    Channel.objects.filter(pk=channel.pk).update(enabled=False)
    assert sending(later).stopped_since is None


def test_a_long_list_under_way_is_no_standstill() -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    first, second = owe()
    later = second.not_before + timedelta(seconds=60)
    made = Claim.objects.create(
        channel=first.channel, made_at=later, lease_until=later + timedelta(seconds=1)
    )
    Delivery.objects.filter(pk=first.pk).update(state=DeliveryState.SENDING, claim=made)

    assert sending(later).stopped_since is None
