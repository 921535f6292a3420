"""A published message is put right or taken back: what is kept, who is told, what the page says."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from accounts.refusals import NotAllowed, Refused
from accounts.roles import Role
from comms.channels import kinds
from comms.channels.base import Capabilities, Doubt, TransportError
from comms.models import PARTS, Action, Channel, Correction, Delivery, DeliveryState, Mailing, Update
from comms.operations import changes, deciding, deliveries, sending
from comms.operations.sending import Held
from comms.status.snapshot import snapshot
from incidents import timeline
from incidents.models import EntryKind, PublicRevision, ServiceStatus
from tests import factories

pytestmark = pytest.mark.django_db

AT = factories.OUTAGE
LATER = AT + timedelta(minutes=11)
MAIL = Capabilities(in_doubt=Doubt.REPEAT, batch=100)


def published(**fields: object) -> Update:
    statuses = {factories.service("eforms"): ServiceStatus.MAJOR}
    update = factories.update(published_at=AT, statuses=statuses, **fields)  # type: ignore[arg-type]
    with transaction.atomic():
        deliveries.owe(update, at=AT)
    return update


def arrived(update: Update) -> None:
    update.deliveries.update(state=DeliveryState.SENT, sent_at=AT)


def texts(update: Update, **changed: str) -> Mapping[str, Mapping[str, str]]:
    """As stored, with body_fr="…" changed."""
    stored = {text.language: {part: getattr(text, part) for part in PARTS} for text in update.texts.all()}
    for name, value in changed.items():
        part, language = name.rsplit("_", 1)
        stored[language][part] = value
    return stored


def correct(update: Update, *, key: uuid.UUID | None = None, **changed: str) -> Correction:
    said = changes.CorrectedText(texts(update, **changed), update.next_update_at, update.valid_until)
    return changes.correct(
        update,
        said,
        key=key or uuid.uuid4(),
        reason="La mauvaise heure",
        by=factories.user(Role.COMMUNICATIONS),
        revision=Update.objects.get(pk=update.pk).revision,
        at=LATER,
    )


def withdraw(update: Update) -> Update:
    by = factories.user(Role.COMMUNICATIONS)
    return changes.withdraw(update, reason="Faux", by=by, at=LATER)


def owed(update: Update) -> list[tuple[str, str, str]]:
    rows = update.deliveries.order_by("pk").values_list("action", "recipient", "state")
    return list(rows)


def test_a_correction_changes_what_is_said_and_keeps_what_was_said() -> None:
    update = published()

    correct(update, body_fr="Nous y travaillons encore.")

    kept = Correction.objects.get()
    assert update.texts.get(language="fr").body == "Nous y travaillons encore."
    assert kept.before["texts"]["fr"]["body"] == "Nous y travaillons."
    assert (kept.reason, kept.corrected_at) == ("La mauvaise heure", LATER)
    entry = update.incident.entries.get(kind=EntryKind.UPDATE)
    assert entry.data["before"]["texts"]["fr"]["body"] == "Nous y travaillons."
    assert entry.data["after"]["texts"]["fr"]["body"] == "Nous y travaillons encore."
    assert timeline.verify(update.incident) == []


def test_a_correction_is_on_the_page_with_its_moment() -> None:
    update = published()
    before = PublicRevision.objects.current()

    correct(update, body_fr="Nous y travaillons encore.")

    [incident] = snapshot(LATER).incidents
    assert incident.latest is not None
    assert (incident.latest.body.fr, incident.latest.corrected_at) == ("Nous y travaillons encore.", LATER)
    assert PublicRevision.objects.current() > before


def test_who_was_written_to_is_told_of_the_correction_once() -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    update = published()
    arrived(update)
    key = uuid.uuid4()

    first = correct(update, body_fr="Encore.", key=key)
    again = correct(update, body_fr="Encore.", key=key)

    assert first == again
    assert owed(update) == [
        ("post", "a@apb.example", "sent"),
        ("post", "b@apb.example", "sent"),
        ("correction", "a@apb.example", "queued"),
        ("correction", "b@apb.example", "queued"),
    ]


def test_what_has_not_left_yet_leaves_with_the_new_text_and_no_notice() -> None:
    factories.mail_channel("a@apb.example")
    update = published()

    correct(update, body_fr="Encore.")

    assert owed(update) == [("post", "a@apb.example", "queued")]


def test_a_second_correction_overtakes_the_notice_of_the_first() -> None:
    factories.mail_channel("a@apb.example")
    update = published()
    arrived(update)

    correct(update, body_fr="Encore.")
    correct(update, body_fr="Toujours.")

    assert [row for row in owed(update) if row[0] == "correction"] == [
        ("correction", "a@apb.example", "dropped"),
        ("correction", "a@apb.example", "queued"),
    ]


@pytest.mark.parametrize(
    ("can", "after_correction", "after_withdrawal"),
    [
        (Capabilities(Doubt.ASK, edits=True, deletes=True), "edit", "delete"),
        (Capabilities(Doubt.ASK), "correction", "withdrawal"),
    ],
)
def test_a_post_is_changed_or_removed_where_that_is_possible(
    monkeypatch: pytest.MonkeyPatch, can: Capabilities, after_correction: str, after_withdrawal: str
) -> None:
    monkeypatch.setattr(kinds.TRANSPORTS["webhook"], "capabilities", can)
    factories.webhook_channel()
    update = published()
    arrived(update)
    [post] = update.deliveries.all()

    correct(update, body_fr="Encore.")
    withdraw(update)

    follow_ups = Delivery.objects.filter(original=post).order_by("pk").values_list("action", "state")
    assert list(follow_ups) == [(after_correction, "dropped"), (after_withdrawal, "queued")]


def test_subscribers_who_were_told_are_told_of_both_by_their_lane() -> None:
    factories.subscriber_channel()
    update = published()

    correct(update, body_fr="Encore.")
    withdraw(update)

    rows = Mailing.objects.order_by("pk").values_list("action", "finished")
    assert list(rows) == [("post", True), ("correction", True), ("withdrawal", False)]


def test_nothing_changed_is_no_correction() -> None:
    update = published()

    with pytest.raises(Refused):
        correct(update)

    assert not Correction.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"body_nl": "", "headline_nl": "", "title_nl": ""}, "body_nl"),
        ({"body_fr": "Appelez 0470 12 34 56."}, "body_fr"),
    ],
)
def test_what_may_not_be_published_may_not_be_corrected_to(changed: dict[str, str], field: str) -> None:
    update = published()
    before = texts(update)

    with pytest.raises(Refused) as refused, transaction.atomic():
        correct(update, key=None, **changed)

    assert refused.value.field.endswith(field[-3:])
    assert texts(Update.objects.get(pk=update.pk)) == before


def test_a_promise_that_has_passed_meanwhile_is_no_obstacle() -> None:
    update = published(next_update_at=AT + timedelta(minutes=5))

    correct(update, body_fr="Encore.")

    assert Correction.objects.exists()


def test_who_opened_the_page_before_another_correction_is_told() -> None:
    update = published()
    said = changes.CorrectedText(texts(update, body_fr="Encore."), update.next_update_at, None)
    correct(update, body_fr="Toujours.")

    with pytest.raises(Refused):
        changes.correct(
            update,
            said,
            key=uuid.uuid4(),
            reason="x",
            by=factories.user(Role.COMMUNICATIONS),
            revision=update.revision,
            at=LATER,
        )

    assert update.texts.get(language="fr").body == "Toujours."


def test_a_withdrawn_message_says_nothing_any_more_anywhere() -> None:
    incident = factories.incident()
    first = published(about=incident)
    second = factories.update(
        incident, published_at=LATER, texts={"fr": "Tout va bien.", "nl": "Alles goed."}
    )

    withdraw(second)

    [told] = snapshot(LATER).incidents
    assert told.latest is not None
    assert told.latest.body.fr == "Nous y travaillons."
    assert told.updates[0].withdrawn_at == LATER
    assert "Tout va bien" not in repr(told)
    assert incident.updates.standing().first() == first


def test_withdrawing_drops_what_has_not_left_and_tells_who_was_told() -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    update = published()
    update.deliveries.filter(recipient="a@apb.example").update(state=DeliveryState.SENT, sent_at=AT)

    withdraw(update)
    withdraw(update)

    assert owed(update) == [
        ("post", "a@apb.example", "sent"),
        ("post", "b@apb.example", "dropped"),
        ("withdrawal", "a@apb.example", "queued"),
    ]
    [entry] = update.incident.entries.filter(kind=EntryKind.UPDATE)
    assert entry.data["said"]["fr"] == "v1 retiré : Faux"


def claimed(*, at: datetime = LATER) -> Held:
    [channel] = Channel.objects.all()
    held = sending.claim(channel, can=MAIL, at=at)
    assert held
    return held


def went_wrong(held: Held, error: TransportError, *, at: datetime = LATER) -> None:
    assert sending.reach(held, held.deliveries[0], at=at)
    sending.record_error(held, held.deliveries[0], error, can=MAIL, at=at)
    sending.release(held, at=at)


def test_a_message_withdrawn_while_a_sender_had_it_is_not_sent_later() -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    update = published()
    held = claimed()

    withdraw(update)
    went_wrong(held, TransportError("down", unreachable=True))

    [channel] = Channel.objects.all()
    assert sending.claim(channel, can=MAIL, at=LATER + timedelta(minutes=1)) is None
    assert {(action, state) for action, _to, state in owed(update)} == {
        ("post", "dropped"),
        ("withdrawal", "dropped"),
    }


def test_whom_a_message_may_have_reached_is_told_of_its_withdrawal() -> None:
    factories.mail_channel("a@apb.example", "b@apb.example")
    update = published()
    went_wrong(claimed(), TransportError("broke off", maybe_sent=True))

    withdraw(update)
    later = claimed(at=LATER + timedelta(minutes=1))

    assert [(one.action, one.recipient) for one in later.deliveries] == [("withdrawal", "a@apb.example")]


def test_what_may_have_been_posted_is_looked_for_as_it_was_before_it_is_changed() -> None:
    channel = factories.mail_channel("a@apb.example")
    update = published()
    went_wrong(claimed(), TransportError("broke off", maybe_sent=True))
    update.deliveries.update(text="As it was.", not_before=LATER + timedelta(minutes=1))

    correct(update, body_fr="Encore.")

    assert sending.claim(channel, can=MAIL, at=LATER) is None
    later = claimed(at=LATER + timedelta(minutes=1))
    assert [(one.action, one.text == "As it was.") for one in later.deliveries] == [
        ("post", True),
        ("correction", False),
    ]


def test_what_failed_of_a_withdrawn_message_is_not_tried_again() -> None:
    factories.mail_channel("a@apb.example")
    update = published()
    held = claimed()
    withdraw(update)
    went_wrong(held, TransportError("552", permanent=True))
    [failed] = update.deliveries.filter(action=Action.POST)

    with pytest.raises(Refused):
        deciding.retry(failed, by=factories.user(Role.COMMUNICATIONS))

    failed.refresh_from_db()
    assert failed.state == DeliveryState.FAILED


def test_a_withdrawn_message_is_not_corrected() -> None:
    update = published()
    withdraw(update)

    with pytest.raises(Refused):
        correct(update, body_fr="Encore.")


def test_a_draft_is_neither_corrected_nor_withdrawn() -> None:
    draft = factories.update()

    with pytest.raises(Refused):
        withdraw(draft)


@pytest.mark.parametrize("role", [Role.AGENT, Role.OBSERVER])
def test_who_may_not_publish_may_not_take_back(role: Role) -> None:
    update = published()

    with pytest.raises(NotAllowed):
        changes.withdraw(update, reason="Faux", by=factories.user(role))

    assert Update.objects.get(pk=update.pk).withdrawn_at is None


@pytest.mark.parametrize("reason", ["  ", "caf\ufffd"])
def test_without_a_reason_that_can_be_read_nothing_is_taken_back(reason: str) -> None:
    update = published()

    with pytest.raises(Refused) as refused:
        changes.withdraw(update, reason=reason, by=factories.user(Role.COMMUNICATIONS))

    assert refused.value.field == "reason"
    assert Action.WITHDRAWAL not in update.deliveries.values_list("action", flat=True)
