"""Channels, as an administrator sets them up in the desk."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.refusals import NotAllowed
from accounts.roles import Role
from comms import relay
from comms.channels import credentials
from comms.channels.base import Capabilities, Doubt, Setting
from comms.channels.kinds import TRANSPORTS
from comms.channels.unregistered import NOT_KNOWN
from comms.channels.webhook import WebhookTransport
from comms.forms.channels import offered
from comms.models import Channel, ChannelKind, Delivery, DeliveryState, Listening, MailList, Notice
from comms.operations import channels as operations
from comms.operations.deliveries import owe
from comms.posts.counting import MASTODON
from tests import factories

pytestmark = pytest.mark.django_db

SECRET = "a secret of theirs, long enough"
BEFORE = factories.OUTAGE
NEW = reverse("comms:channel_add", args=["webhook"])


class Account(WebhookTransport):
    """Stands for any account: asks for its address, and for a token that may be missing."""

    capabilities = Capabilities(in_doubt=Doubt.ASK, by_hand=True)
    settings = (
        Setting("server", "Server", default="https://social.example"),
        Setting("token", "Token", secret=True, required=False),
    )


def client_of(role: Role = Role.ADMINISTRATOR, **fields: Any) -> Client:
    client = Client()
    client.force_login(factories.user(role, language="en", **fields))
    return client


@pytest.fixture
def admin() -> Client:
    return client_of(username="boss", first_name="Ada")


@pytest.fixture(autouse=True)
def _names_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {"hooks.example.org": "93.184.216.34", "inside.example.org": "10.0.0.1"}

    def resolve(host: str, port: int, **_: object) -> list[Any]:
        if host not in addresses:
            raise OSError("Name or service not known")
        return [(2, 1, 6, "", (addresses[host], port))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)


def webhook(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Gateway",
        "audience": "partners",
        "moments": "all",
        "setting_url": "https://hooks.example.org/desk",
        "secret_secret": SECRET,
        **changes,
    }


def page(channel: Channel) -> str:
    return reverse("comms:channel", args=[channel.pk])


def added(admin: Client, **changes: Any) -> Channel:
    assert admin.post(NEW, webhook(**changes)).status_code == 302
    return Channel.objects.get()


def account(admin: Client, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Any:
    monkeypatch.setitem(TRANSPORTS, ChannelKind.MASTODON, Account)
    data = {"name": "Toots", "audience": "public", "moments": "all", "voice": "freddy", "languages": ["fr"]}
    given = {**data, "setting_server": "https://social.example", **changes}
    return admin.post(reverse("comms:channel_add", args=["mastodon"]), given)


def test_mentions_are_read_from_the_moment_that_is_switched_on_and_of_no_other_account(admin: Client) -> None:
    new = reverse("comms:channel_add", args=["bluesky"])
    data = {"name": "Sky", "audience": "public", "moments": "all", "voice": "plain", "languages": ["fr"]}
    data |= {"setting_handle": "a.example", "setting_server": "https://hooks.example.org", "mentions": "on"}
    assert list(errors(admin.post(new, data))) == ["mentions"]

    admin.post(new, data | {"secret_password": "one"})
    channel = Channel.objects.get()
    assert (channel.mentions, "Mentions are read once" in admin.get(page(channel)).text) == (True, True)
    Listening.objects.update(place={"until": "x"}, since=BEFORE)
    admin.post(page(channel), data | {"revision": 1, "name": "Blue sky", "secret_password": "two"})
    assert Listening.objects.get().since == BEFORE

    admin.post(page(channel), data | {"revision": 2, "setting_handle": "b.example"})

    row = Listening.objects.get()
    assert (row.since > BEFORE, row.place) == (True, {})
    Channel.objects.update(enabled=True)
    Listening.objects.update(error="HTTP 401")
    assert "Mentions cannot be read:" in admin.get(page(channel)).text


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    return dict(response.context["form"].errors)


# -- adding


def test_a_channel_is_added_switched_off_with_its_secret_sealed_and_never_shown(admin: Client) -> None:
    channel = added(admin)

    shown = admin.get(page(channel)).text
    assert (channel.key, channel.enabled, channel.settings) == (
        "gateway",
        False,
        {"url": "https://hooks.example.org/desk"},
    )
    assert credentials.unseal(channel) == {"secret": SECRET}
    assert SECRET not in channel.sealed_secrets
    assert SECRET not in shown
    assert channel.sealed_secrets not in shown


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"setting_url": "http://hooks.example.org/"}, "setting_url"),
        ({"setting_url": "https://127.0.0.1/"}, "setting_url"),
        ({"setting_url": "https://169.254.169.254/latest/meta-data/"}, "setting_url"),
        ({"setting_url": "https://inside.example.org/"}, "setting_url"),
        ({"setting_url": "https://nowhere.example.org/"}, "setting_url"),
        ({"setting_url": "https://user:pass@hooks.example.org/"}, "setting_url"),
        ({"setting_url": "javascript:alert(1)"}, "setting_url"),
        ({"setting_url": ""}, "setting_url"),
        ({"secret_secret": ""}, "secret_secret"),
        ({"secret_secret": "short"}, "secret_secret"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"audience": "nobody"}, "audience"),
        ({"severities": ["S9"]}, "severities"),
        ({"moments": "never"}, "moments"),
    ],
)
def test_a_wrong_channel_is_refused_beside_its_field(
    admin: Client, changes: dict[str, Any], field: str
) -> None:
    assert list(errors(admin.post(NEW, webhook(**changes)))) == [field]
    assert not Channel.objects.exists()


def test_a_secret_typed_into_a_refused_form_need_not_be_typed_again_and_is_not_shown(admin: Client) -> None:
    refused = admin.post(NEW, webhook(name=""))
    kept = refused.context["form"]["secret_typed"].value()

    admin.post(NEW, webhook(secret_secret="", secret_typed=kept))

    assert SECRET not in refused.text
    assert credentials.unseal(Channel.objects.get()) == {"secret": SECRET}


def test_what_is_no_sealed_secret_counts_as_none(admin: Client) -> None:
    assert "secret_secret" in errors(admin.post(NEW, webhook(secret_secret="", secret_typed="nonsense")))


def test_two_channels_have_two_names(admin: Client) -> None:
    added(admin)

    assert list(errors(admin.post(NEW, webhook(name="gateway")))) == ["name"]


def test_the_same_form_sent_twice_makes_one_channel(admin: Client) -> None:
    once = webhook(key=str(uuid4()))

    first, second = admin.post(NEW, once), admin.post(NEW, once)

    assert first["Location"] == second["Location"] == page(Channel.objects.get())


def test_a_mail_channel_needs_a_list_and_speaks_the_languages_of_its_readers(admin: Client) -> None:
    MailList.objects.create(key="committee", name_fr="Comité", name_nl="Comité")
    address = reverse("comms:channel_add", args=["email"])
    data = {"name": "Committee", "audience": "steering", "moments": "all"}

    assert list(errors(admin.post(address, data))) == ["mail_list"]
    assert admin.post(address, data | {"mail_list": "committee", "languages": ["de"]}).status_code == 302
    channel = Channel.objects.select_related("mail_list").get()
    assert (str(channel.mail_list.key), channel.languages) == ("committee", [])  # type: ignore[union-attr]


def test_an_account_speaks_at_least_one_language(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(errors(account(admin, monkeypatch, languages=[]))) == ["languages"]
    assert account(admin, monkeypatch, languages=["nl", "fr"]).status_code == 302
    channel = Channel.objects.get()
    assert (channel.voice, channel.languages, channel.sealed_secrets) == ("freddy", ["nl", "fr"], "")


def test_each_kind_says_how_much_it_takes_and_in_what_it_counts(admin: Client) -> None:
    kinds = dict(admin.get(reverse("comms:channel_kinds")).context["kinds"])

    assert [kinds[kind][0] for kind in ("sms", "teams", "facebook")] == [
        "160 characters, 70 beyond the GSM alphabet",
        "20,000 bytes",
        "63,206 characters",
    ]
    assert ["shows a card of the page" in kinds[kind] for kind in ("facebook", "x")] == [True, False]


def test_only_what_can_be_carried_here_is_offered(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TRANSPORTS, ChannelKind.X, raising=False)

    kinds = [kind for kind, _abilities in admin.get(reverse("comms:channel_kinds")).context["kinds"]]

    assert "webhook" in kinds
    assert not {"x", "subscriber-email", "subscriber-hook"} & set(kinds)
    for kind in ("x", "subscriber-email", "pigeon"):
        assert admin.get(reverse("comms:channel_add", args=[kind])).status_code == 404


def test_no_page_fails_for_a_kind_that_this_version_does_not_know() -> None:
    pigeon = factories.webhook_channel("https://hooks.example.org/", name="Pigeon")
    Channel.objects.update(kind="pigeon", languages=["fr"])
    update = factories.update(published_at=BEFORE)
    with transaction.atomic():
        [delivery] = owe(update, at=timezone.now())

    assert relay.run_once() == 1
    refused = Delivery.objects.get()
    Delivery.objects.update(state="sent", sent_at=timezone.now())  # by the version before
    factories.update(update.incident)
    about, lead = [update.incident.public_id], client_of(Role.COMMUNICATIONS)
    for client, address in (
        (client_of(), reverse("comms:channels")),
        (lead, reverse("comms:compose", args=about)),
        (lead, reverse("comms:deliveries", args=[*about, update.number])),
        (lead, reverse("comms:delivery", args=[delivery.pk])),
        (lead, reverse("comms:correct", args=[*about, update.number])),
        (lead, reverse("desk:room", args=about)),
    ):
        assert "Pigeon" in client.get(address).text, address
    assert client_of().get(reverse("comms:channel", args=[pigeon.pk])).status_code == 404
    assert (refused.state, refused.error) == ("failed", NOT_KNOWN)


def test_an_account_without_its_secret_is_one_to_post_to_by_hand(admin: Client) -> None:
    address = reverse("comms:channel_add", args=["facebook"])
    data = {"name": "Page", "audience": "public", "moments": "all", "voice": "plain", "languages": ["fr"]}

    half = admin.post(address, data | {"secret_token": "a-token"})
    nothing = admin.post(address, data)

    assert list(errors(half)) == ["setting_page"]
    assert (nothing.status_code, Channel.objects.get().settings) == (302, {})


@pytest.mark.parametrize("kind", offered())
def test_each_kind_is_offered_with_what_it_asks_for(admin: Client, kind: ChannelKind) -> None:
    shown = admin.get(reverse("comms:channel_add", args=[kind])).text

    for setting in TRANSPORTS[kind].settings:
        assert f'name="{"secret" if setting.secret else "setting"}_{setting.name}"' in shown


# -- changing


def test_leaving_the_secret_empty_keeps_it(admin: Client) -> None:
    channel = added(admin)

    admin.post(page(channel), webhook(secret_secret="", name="Other name", revision="1"))

    channel.refresh_from_db()
    assert (channel.name, credentials.unseal(channel)) == ("Other name", {"secret": SECRET})


def test_a_new_secret_replaces_the_old(admin: Client) -> None:
    channel = added(admin)

    admin.post(page(channel), webhook(secret_secret="another, long enough", revision="1"))

    channel.refresh_from_db()
    assert credentials.unseal(channel) == {"secret": "another, long enough"}


def test_a_secret_that_may_be_missing_can_be_taken_away(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(admin, monkeypatch, secret_token="a token")
    channel = Channel.objects.get()
    data = {"name": "Toots", "audience": "public", "moments": "all", "voice": "plain", "languages": ["fr"]}

    admin.post(page(channel), data | {"forget_token": "on", "setting_server": "https://x", "revision": "1"})

    channel.refresh_from_db()
    assert credentials.unseal(channel) == {}


def test_secrets_sealed_with_another_key_have_to_be_entered_again(admin: Client) -> None:
    channel = factories.webhook_channel("https://hooks.example.org/desk", sealed_secrets="of elsewhere")

    refused = admin.post(page(channel), webhook(secret_secret="", revision="1"))
    accepted = admin.post(page(channel), webhook(revision="1"))

    channel.refresh_from_db()
    assert list(errors(refused)) == ["secret_secret"]
    assert (accepted.status_code, credentials.unseal(channel)) == (302, {"secret": SECRET})


def test_who_changed_what_and_when_is_kept_and_shown_without_secrets(admin: Client) -> None:
    channel = added(admin)
    changes = webhook(name="Other", severities=["S1"], secret_secret="another, long enough", revision="1")

    admin.post(page(channel), changes)

    [change, first] = channel.changes.all()
    shown = admin.get(page(channel))
    [told, _added] = shown.context["history"]
    assert (first.fields, change.by.username) == ({}, "boss")
    assert change.fields == {
        "name": ["Gateway", "Other"],
        "severities": [[], ["S1"]],
        "secret_secret": [True, True],
    }
    assert [(one.label, one.before, one.after) for one in told.differences] == [
        ("Name", "Gateway", "Other"),
        ("Only incidents of", "–", "S1"),
        ("Secret", "kept", "new"),
    ]
    assert "another, long enough" not in shown.text


def test_saving_without_a_change_leaves_no_trace(admin: Client) -> None:
    channel = added(admin)

    admin.post(page(channel), webhook(secret_secret="", revision="1"))

    channel.refresh_from_db()
    assert (channel.revision, channel.changes.count()) == (1, 1)


def test_who_saves_second_sees_what_changed_keeps_hers_and_takes_the_rest(admin: Client) -> None:
    channel = added(admin)
    hers = {"secret_secret": "", "revision": "1"}
    admin.post(page(channel), webhook(**hers, name="Theirs", audience="press"))

    conflict = client_of().post(page(channel), webhook(**hers, name="Hers"))

    channel.refresh_from_db()
    form = conflict.context["form"]
    assert (conflict.status_code, channel.name) == (422, "Theirs")
    assert "Ada changed this channel" in conflict.text
    assert "<s>Gateway</s> → <b>Theirs</b>" in conflict.text
    assert (form["name"].value(), form["audience"].value()) == ("Hers", "press")
    assert conflict.context["revision"] == 2


def test_switching_meanwhile_is_no_conflict(admin: Client) -> None:
    channel = added(admin)
    admin.post(reverse("comms:channel_switch", args=[channel.pk]), {"on": "yes"})

    assert admin.post(page(channel), webhook(secret_secret="", name="Other", revision="1")).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.enabled) == ("Other", True)


@pytest.mark.parametrize("revision", ["", "-1", "9" * 40, "²", "x"])
def test_a_form_that_does_not_say_what_it_saw_is_shown_every_change(admin: Client, revision: str) -> None:
    channel = added(admin)
    admin.post(page(channel), webhook(secret_secret="", name="Theirs", revision="1"))

    assert admin.post(page(channel), webhook(revision=revision)).status_code == 422


# -- the list


def test_a_channel_is_switched_on_and_off_and_who_did_it_is_kept(admin: Client) -> None:
    channel = added(admin)

    for on in ("yes", "no"):
        admin.post(reverse("comms:channel_switch", args=[channel.pk]), {"on": on})
        channel.refresh_from_db()
        assert channel.enabled is (on == "yes")
    assert [change.fields for change in channel.changes.all()][:2] == [
        {"enabled": [True, False]},
        {"enabled": [False, True]},
    ]


def test_channels_are_put_in_order_one_place_at_a_time(admin: Client) -> None:
    a, _b, c = (factories.webhook_channel(name=name, position=place) for place, name in enumerate("abc"))
    order = reverse("comms:channel_move")

    admin.post(order, {"up": c.pk})
    admin.post(order, {"down": a.pk})
    admin.post(order, {"up": c.pk})  # first already

    assert [channel.name for channel in Channel.objects.all()] == ["c", "a", "b"]


@pytest.mark.parametrize("posted", [{}, {"up": "x"}, {"down": "9" * 30}, {"up": "-1"}, {"up": "²"}])
def test_what_is_no_channel_is_not_moved(admin: Client, posted: dict[str, str]) -> None:
    assert admin.post(reverse("comms:channel_move"), posted).status_code == 404


def owed(channel: Channel, state: DeliveryState, **fields: Any) -> Delivery:
    at = timezone.now()
    return Delivery.objects.create(
        channel=channel,
        update=factories.update(published_at=factories.OUTAGE),
        environment=fields.pop("environment", "embedded"),
        created_at=at,
        not_before=at,
        state=state,
        sent_at=at if state == DeliveryState.SENT else None,
        **fields,
    )


def test_the_list_says_what_waits_and_what_is_wrong_until_something_newer_left(admin: Client) -> None:
    bad, good = factories.webhook_channel(position=1), factories.webhook_channel(position=2)
    owed(bad, DeliveryState.SENT)
    owed(bad, DeliveryState.FAILED, error="HTTP 404")
    owed(bad, DeliveryState.QUEUED)
    owed(bad, DeliveryState.QUEUED, environment="elsewhere")
    owed(good, DeliveryState.FAILED, error="HTTP 404")
    owed(good, DeliveryState.SENT)

    lanes = [row.lane for row in admin.get(reverse("comms:channels")).context["rows"]]

    assert [(lane.error, lane.waiting, lane.sent_at is None) for lane in lanes] == [
        ("HTTP 404", 1, False),
        ("", 0, False),
    ]


def test_the_list_asks_as_much_of_the_database_for_three_channels_as_for_one(admin: Client) -> None:
    counts = []
    for _ in range(2):
        factories.mail_channel("a@apb.example")
        with CaptureQueriesContext(connection) as queries:
            admin.get(reverse("comms:channels"))
        counts.append(len(queries))
        factories.webhook_channel()

    assert counts[0] == counts[1]


def test_a_channel_that_nothing_here_can_carry_is_shown_and_no_page_of_it_is(admin: Client) -> None:
    channel = factories.webhook_channel(kind="apprise", name="Older")
    if ChannelKind.APPRISE in TRANSPORTS:
        pytest.skip("it can be carried here")

    assert "Nothing here can carry this kind." in admin.get(reverse("comms:channels")).text
    assert admin.get(page(channel)).status_code == 404


# -- removing


def test_a_channel_that_carried_nothing_is_removed_with_its_tests(admin: Client) -> None:
    channel = added(admin)
    admin.post(reverse("comms:channel_test", args=[channel.pk]))

    admin.post(reverse("comms:channel_remove", args=[channel.pk]))

    assert not Channel.objects.exists()


def test_a_channel_that_carried_something_stays(admin: Client) -> None:
    channel = added(admin)
    owed(channel, DeliveryState.SENT)

    admin.post(reverse("comms:channel_remove", args=[channel.pk]))

    assert Channel.objects.exists()
    assert "can only be switched off" in admin.get(page(channel)).text


def test_the_subscribers_channel_is_edited_but_not_removed(admin: Client) -> None:
    lane = Channel.objects.create(key="subscribers-email", name="Subscribers", kind="subscriber-email")

    saved = admin.post(
        page(lane), {"name": "Readers", "audience": "public", "moments": "last", "revision": "1"}
    )
    admin.post(reverse("comms:channel_remove", args=[lane.pk]))

    lane.refresh_from_db()
    assert (saved.status_code, lane.name, lane.moments) == (302, "Readers", "last")


# -- tests


def owed_test(client: Client, channel: Channel, **posted: str) -> Delivery:
    response = client.post(reverse("comms:channel_test", args=[channel.pk]), posted)
    assert response.status_code == 302
    return Delivery.objects.get(notice=Notice.TEST)


def test_a_test_is_owed_and_its_page_waits_for_the_answer(admin: Client) -> None:
    channel = added(admin)

    test = owed_test(admin, channel)

    waiting = admin.get(reverse("comms:channel_tested", args=[test.key]))
    assert (test.state, test.recipient, test.update) == (DeliveryState.QUEUED, "", None)
    assert 'hx-trigger="every 1s"' in waiting.text
    assert "It waits for its turn" in waiting.text


@pytest.mark.parametrize(
    ("state", "said"), [(DeliveryState.SENT, "It worked."), (DeliveryState.FAILED, "HTTP 404")]
)
def test_an_answered_test_is_asked_for_no_more(admin: Client, state: DeliveryState, said: str) -> None:
    test = owed_test(admin, factories.webhook_channel())
    at = timezone.now() if state == DeliveryState.SENT else None
    Delivery.objects.update(state=state, sent_at=at, error="HTTP 404")

    answer = admin.get(reverse("comms:channel_tested", args=[test.key]), headers={"HX-Request": "true"}).text

    assert said in answer
    assert "hx-trigger" not in answer
    assert "<html" not in answer


def test_a_test_says_that_sending_has_stopped(admin: Client) -> None:
    test = owed_test(admin, added(admin))
    long_ago = timezone.now() - timedelta(minutes=5)
    Delivery.objects.update(not_before=long_ago)

    assert "Nothing has been sent since" in admin.get(reverse("comms:channel_tested", args=[test.key])).text


def test_a_mail_channel_is_tested_with_an_address_of_ones_own_and_not_with_its_list(admin: Client) -> None:
    channel = factories.mail_channel("chair@apb.example")
    address = reverse("comms:channel_test", args=[channel.pk])

    refused = admin.post(address, {"to": "chair"})
    test = owed_test(admin, channel, to="Boss@FarmaFlux.example")

    assert (refused.status_code, list(refused.context["test"].errors)) == (422, ["to"])
    assert (test.recipient, test.language) == ("boss@farmaflux.example", "en")


def test_the_same_test_is_owed_once(admin: Client) -> None:
    channel, key = added(admin), str(uuid4())

    for _ in range(2):
        admin.post(reverse("comms:channel_test", args=[channel.pk]), {"key": key})

    assert Delivery.objects.get().key == UUID(key)


def test_a_delivery_that_is_no_test_has_no_page_here(admin: Client) -> None:
    delivery = owed(factories.webhook_channel(), DeliveryState.SENT)

    assert admin.get(reverse("comms:channel_tested", args=[delivery.key])).status_code == 404


# -- who may


PAGES = ["comms:channels", "comms:channel_kinds", "comms:lists", "comms:list_add"]


@pytest.mark.parametrize("role", [Role.OBSERVER, Role.AGENT, Role.COMMUNICATIONS, Role.LEAD])
def test_nobody_but_an_administrator_sees_or_changes_channels(role: Role) -> None:
    client, channel = client_of(role), factories.webhook_channel()
    posts = [("comms:channel_add", ["webhook"])] + [
        (f"comms:channel_{name}", [channel.pk]) for name in ("switch", "remove", "test")
    ]

    statuses = [client.get(reverse(name)).status_code for name in PAGES]
    statuses += [client.post(reverse(name, args=args), webhook()).status_code for name, args in posts]
    statuses += [client.post(reverse("comms:channel_move"), {"up": channel.pk}).status_code]

    assert set(statuses) == {403}
    assert [(row.enabled, row.deliveries.count()) for row in Channel.objects.all()] == [(True, 0)]
    assert reverse("comms:channels") not in client.get(reverse("tickets:calls")).text


def test_an_administrator_sees_every_page_and_finds_them_in_the_rail(admin: Client) -> None:
    assert {admin.get(reverse(name)).status_code for name in PAGES} == {200}
    assert reverse("comms:channels") in admin.get(reverse("tickets:calls")).text


def test_operations_look_at_who_asks_themselves() -> None:
    lead, channel = factories.user(Role.LEAD), factories.webhook_channel()

    with pytest.raises(NotAllowed):
        operations.switch(channel, on=False, by=lead)

    channel.refresh_from_db()
    assert channel.enabled


# -- patterns


class Posts(Account):
    capabilities = Capabilities(in_doubt=Doubt.ASK, limit=MASTODON)


@pytest.fixture
def toots(admin: Client, monkeypatch: pytest.MonkeyPatch) -> Channel:
    account(admin, monkeypatch, languages=["fr", "nl"])
    monkeypatch.setitem(TRANSPORTS, ChannelKind.MASTODON, Posts)
    return Channel.objects.get()


def texts(client: Client, channel: Channel, **posted: str) -> Any:
    address = reverse("comms:channel_texts", args=[channel.pk])
    return client.post(address, {"action": "save", "revision": "1", **posted})


def test_a_pattern_is_tried_on_the_newest_message_and_not_stored(admin: Client, toots: Channel) -> None:
    factories.update(published_at=factories.OUTAGE, texts={"fr": "Rien ne part", "nl": "Niets"})

    tried = texts(admin, toots, action="try", text_fr="Oyez ! {body}")

    assert tried.status_code == 200
    assert "Oyez ! Rien ne part." in tried.text
    assert "Oyez ! {body}" in tried.text
    assert not toots.templates.exists()


def test_before_the_first_message_a_pattern_is_tried_on_an_invented_one(
    admin: Client, toots: Channel
) -> None:
    assert "Essai : une panne inventée !" in texts(admin, toots, action="try", text_fr="{title} !").text


def test_while_it_is_typed_only_the_previews_are_answered(admin: Client, toots: Channel) -> None:
    address = reverse("comms:channel_texts", args=[toots.pk])

    answer = admin.post(address, {"text_fr": "{title} !"}, headers={"HX-Request": "true"}).text

    assert "Essai : une panne inventée !" in answer
    assert 'hx-swap-oob="true"' in answer
    assert "<textarea" not in answer


def test_patterns_are_stored_and_taken_away_and_who_did_it_is_kept(admin: Client, toots: Channel) -> None:
    texts(admin, toots, text_fr="{title}\r\n{url}", text_nl="")
    stored = list(toots.templates.values_list("language", "text"))
    texts(admin, toots, text_fr="", revision="2")

    assert stored == [("fr", "{title}\n{url}")]
    assert not toots.templates.exists()
    assert [change.fields for change in toots.changes.all()] == [
        {"text_fr": ["{title}\n{url}", ""]},
        {"text_fr": ["", "{title}\n{url}"]},
        {},
    ]


@pytest.mark.parametrize("pattern", ["{nothing}", "{title", "{title!r}", "x" * 1001])
def test_a_pattern_that_could_not_be_filled_in_is_refused_beside_its_field(
    admin: Client, toots: Channel, pattern: str
) -> None:
    response = texts(admin, toots, text_nl=pattern)

    assert list(errors(response)) == ["text_nl"]
    assert response.context["form"]["text_nl"].value() == pattern
    assert not toots.templates.exists()


def test_who_stores_patterns_second_sees_what_changed(admin: Client, toots: Channel) -> None:
    texts(admin, toots, text_fr="{title} A", text_nl="{title} N")

    conflict = texts(client_of(), toots, text_fr="{title} B", text_nl="")

    form = conflict.context["form"]
    assert (conflict.status_code, toots.templates.get(language="fr").text) == (422, "{title} A")
    assert "Ada changed this channel" in conflict.text
    assert (form["text_fr"].value(), form["text_nl"].value()) == ("{title} B", "{title} N")


def test_what_writes_letters_has_no_patterns(admin: Client) -> None:
    assert texts(admin, factories.webhook_channel()).status_code == 404
