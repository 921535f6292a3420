"""The text of an update in a channel: whose it is, and that it is owed as it stood."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.refusals import Refused
from accounts.roles import Role
from comms.channels.base import Capabilities, Doubt
from comms.channels.kinds import TRANSPORTS
from comms.models import (
    Action,
    Channel,
    ChannelKind,
    ChannelTemplate,
    Correction,
    Delivery,
    ListMember,
    MailList,
    PostText,
    Update,
    UpdateText,
    Voice,
)
from comms.operations import deliveries, drafts, publishing
from comms.posting import post_text
from comms.posts.composing import Missing
from comms.posts.counting import BLUESKY, MASTODON, SMS, X
from comms.preview import posts_with
from incidents.models import Phase, ServiceStatus
from tests import factories

pytestmark = pytest.mark.django_db

AT = factories.OUTAGE
LIMITS = {
    ChannelKind.MASTODON: MASTODON,
    ChannelKind.BLUESKY: BLUESKY,
    ChannelKind.X: X,
    ChannelKind.SMS: SMS,
}


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels of these kinds can do nothing here but count."""
    for kind, limit in LIMITS.items():
        able = Capabilities(in_doubt=Doubt.ASK, limit=limit)
        monkeypatch.setitem(TRANSPORTS, kind, type("Counting", (), {"capabilities": able}))


def account(kind: ChannelKind = ChannelKind.MASTODON, **fields: object) -> Channel:
    made: dict[str, object] = {
        "key": kind,
        "name": kind.label,
        "kind": kind,
        "languages": ["fr", "nl"],
        **fields,
    }
    return Channel.objects.create(**made)


def sms(*languages: str) -> Channel:
    readers = MailList.objects.create(key="crisis", name_fr="Crise", name_nl="Crisis")
    for number, language in enumerate(languages):
        ListMember.objects.create(
            mail_list=readers, name="Anne", phone=f"+3247012345{number}", language=language
        )
    return account(ChannelKind.SMS, mail_list=readers, languages=[])


def published(**fields: object) -> Update:
    eforms = factories.service("eforms", name_fr="eForms", name_nl="eForms")
    return factories.update(
        factories.incident(drill=bool(fields.pop("drill", False))),
        published_at=AT,
        statuses={eforms: ServiceStatus.MAJOR},
        **fields,  # type: ignore[arg-type]
    )


def owe(update: Update) -> dict[tuple[str, str], str]:
    with transaction.atomic():
        owed = deliveries.owe(update, at=AT)
    return {(row.channel.key, row.language): row.text for row in owed}


def test_what_is_owed_to_a_channel_is_its_text_as_it_stood(settings: Settings) -> None:
    account()
    factories.mail_channel("a@apb.example", key="committee")
    factories.webhook_channel(key="hook")
    update = published()

    owed = owe(update)

    assert owed == {
        ("mastodon", "fr"): "Titre fr\n\nNous y travaillons.\n\nProchain message à 13:50.\n"
        f"{settings.DESK_STATUS_URL}/fr/incidents/{update.incident.public_id}/",
        ("mastodon", "nl"): "Titre nl\n\nWe werken eraan.\n\nVolgende update om 13:50.\n"
        f"{settings.DESK_STATUS_URL}/nl/incidents/{update.incident.public_id}/",
        ("committee", "fr"): "",
        ("hook", ""): "",
    }


def test_the_text_that_is_owed_does_not_follow_what_is_changed_later() -> None:
    channel = account(languages=["fr"])
    update = published()
    before = owe(update)

    UpdateText.objects.filter(update=update).update(body="Autre chose.")
    ChannelTemplate.objects.create(channel=channel, language="fr", text="Autre modèle.")

    assert {(row.channel.key, row.language): row.text for row in update.deliveries.all()} == before


def test_an_sms_is_in_the_language_of_its_reader_and_in_its_alphabet() -> None:
    sms("fr", "nl", "de")
    update = published(texts={"fr": "L’arrêt dure.", "nl": "We werken eraan."})

    owed = owe(update)

    assert set(owed) == {("sms", "fr"), ("sms", "nl")}  # nobody wrote German: the reader gets the French one
    assert owed["sms", "fr"].startswith("FarmaFlux: Titre fr. Prochain message à 13:50. http")
    assert update.deliveries.filter(language="fr").count() == 2


def test_the_channels_pattern_holds_instead_of_the_desks_and_its_voice_else() -> None:
    channel = account(voice=Voice.FREDDY)
    ChannelTemplate.objects.create(channel=channel, language="nl", text="{title} → {url}")

    owed = owe(published(phase=Phase.IDENTIFIED))

    assert owed["mastodon", "fr"].startswith("Nous y travaillons. Titre fr\n\n")
    assert "\nFreddy Flux\nhttp" in owed["mastodon", "fr"]
    assert owed["mastodon", "nl"].startswith("Titre nl → http")


def test_a_pattern_that_no_longer_holds_does_not_stop_the_message() -> None:
    channel = account(languages=["fr"])
    ChannelTemplate.objects.create(channel=channel, language="fr", text="{headlin}")

    assert owe(published())["mastodon", "fr"].startswith("Titre fr\n\n")


def test_what_a_person_wrote_holds_before_all_patterns_and_is_not_cut() -> None:
    channel = account(ChannelKind.X, languages=["fr"])
    ChannelTemplate.objects.create(channel=channel, language="fr", text="{title}")
    update = published()
    PostText.objects.create(update=update, channel=channel, language="fr", text="é" * 281)

    text = post_text(update, channel, "fr")

    assert (text.text, text.used, text.most, text.too_long, text.by_hand) == ("é" * 281, 281, 280, True, True)


def test_a_text_that_its_channel_would_refuse_holds_up_the_publication() -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    channel = account(ChannelKind.X, languages=["fr"], name="X de FarmaFlux")
    eforms = factories.service("eforms")
    incident = factories.incident(services={eforms: ServiceStatus.MAJOR}, began_at=timezone.now())
    draft = drafts.draft_for(incident, by=lead)
    own = PostText.objects.create(update=draft, channel=channel, language="fr", text="é" * 281)

    with pytest.raises(Refused, match=r"X de FarmaFlux.*281.*280"):
        publishing.publish(draft, by=lead, revision=draft.revision)
    assert not Delivery.objects.exists()

    own.text = "é" * 280
    own.save()
    publishing.publish(draft, by=lead, revision=draft.revision)
    assert Delivery.objects.get().text == "é" * 280


def test_an_exercise_says_so_in_every_channel() -> None:
    sms("fr", "nl")
    own = account(ChannelKind.X, position=1)
    update = published(drill=True)
    PostText.objects.create(update=update, channel=own, language="nl", text="Alleen een proef.")

    owed = owe(update)

    assert {key: text.split(" - ")[0] for key, text in owed.items()} == {
        ("sms", "fr"): "EXERCICE",
        ("sms", "nl"): "OEFENING",
        ("x", "fr"): "EXERCICE",
        ("x", "nl"): "OEFENING",
    }
    assert owed["x", "nl"] == "OEFENING - Alleen een proef."


def test_a_correction_is_told_where_it_cannot_be_made() -> None:
    channel, update = account(ChannelKind.X, languages=["fr"]), published()
    owe(update)
    correction = Correction.objects.create(
        update=update,
        key=update.key,
        before={},
        reason="Faute",
        corrected_at=AT + timedelta(minutes=5),
        corrected_by=update.saved_by,
    )

    told = post_text(update, channel, "fr", action=Action.CORRECTION, correction=correction)

    assert told.text.startswith(
        "Correction de notre message de 13:30\u00a0: Conséquence fr. Nous y travaillons. Pro"
    )


def test_a_withdrawal_is_told_where_it_cannot_be_made_and_a_removal_says_nothing() -> None:
    channel, update = account(ChannelKind.X, languages=["nl"]), published()
    update.withdrawn_at, update.withdrawn_by = AT + timedelta(days=1), update.saved_by

    told = post_text(update, channel, "nl", action=Action.WITHDRAWAL)

    assert told.text.startswith("Ons bericht van 01/07 13:30 is ingetrokken: “Titre nl”. Wat nu geldt: http")
    assert post_text(update, channel, "nl", action=Action.DELETE).text == ""


def test_a_correction_in_place_does_not_post_anew_what_a_person_had_written_for_the_wrong_text() -> None:
    channel, update = account(ChannelKind.MASTODON, languages=["fr"]), published()
    own = PostText.objects.create(update=update, channel=channel, language="fr", text="Tout va mal.")
    owe(update)

    corrected = post_text(update, channel, "fr", action=Action.EDIT)
    own.text = "Presque tout va bien."
    own.save()
    rewritten = post_text(Update.objects.get(pk=update.pk), channel, "fr", action=Action.EDIT)

    assert corrected.text.startswith("Titre fr")
    assert rewritten.text == "Presque tout va bien."


def test_a_language_that_nobody_wrote_is_missing() -> None:
    channel, update = account(), published(texts={"fr": "Nous y travaillons."})

    assert post_text(update, channel, "nl").missing == (Missing.TEXT,)
    assert post_text(update, channel, "fr").missing == ()


def test_owing_asks_no_more_of_the_database_for_more_channels_and_languages(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    account()
    factories.webhook_channel(key="hook")
    first, second = published(), published()

    with CaptureQueriesContext(connection) as few:
        owe(first)
    for kind in (ChannelKind.X, ChannelKind.BLUESKY):
        account(kind)

    with django_assert_num_queries(len(few)):
        owe(second)


def test_the_composers_texts_are_those_that_would_be_owed(settings: Settings) -> None:
    lead = factories.user(Role.COMMUNICATIONS)
    sms("fr")
    x, mastodon = account(ChannelKind.X, position=1), account(ChannelKind.MASTODON, position=2)
    eforms = factories.service("eforms")
    incident = factories.incident(services={eforms: ServiceStatus.MAJOR}, began_at=timezone.now())
    draft = drafts.draft_for(incident, by=lead)
    PostText.objects.create(update=draft, channel=mastodon, language="fr", text="À moi.")

    shown = posts_with(
        drafts.stored_draft(draft), draft, at=timezone.now(), own={(mastodon.pk, "fr"): "À moi."}
    )
    sent = publishing.publish(draft, by=lead, revision=draft.revision)

    assert {(post.channel.key, post.language): post.composed.text for post in shown} == {
        (row.channel.key, row.language): row.text for row in sent.deliveries.select_related("channel")
    }
    assert [post.composed.by_hand for post in shown] == [False, False, False, True, False]
    assert x in {post.channel for post in shown}
