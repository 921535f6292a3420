"""The pages for anyone: ask, confirm, change, stop."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from comms import links, secrets
from comms.links import Purpose
from comms.models import Channel, Delivery, ListMember, Scope, Subscriber, SubscriberKind
from comms.operations import bounces, deliveries, subscribers
from comms.status.languages import WORDS
from comms.views import subscribing
from incidents.models import Phase
from tests import factories

pytestmark = pytest.mark.django_db

FORM = "/public/subscribe/"


def ask(client: Client, *, kind: str = "email", lang: str = "fr", **fields: Any) -> HttpResponse:
    given = {"address": "reader@pharmacy.be", "scope": "everything", "language": lang, **fields}
    return client.post(f"{FORM}?lang={lang}&kind={kind}", given)  # type: ignore[return-value]


def path(subscriber: Subscriber, purpose: Purpose) -> str:
    return links.path(subscriber, purpose)


def state(subscriber: Subscriber) -> str:
    return Subscriber.objects.get(pk=subscriber.pk).state


def test_a_stranger_asks_and_is_told_what_comes_next(client: Client) -> None:
    response = ask(client, address="Reader@Exämple.be", language="nl")

    assert response.status_code == 200
    assert "reader@exämple.be" in response.text
    row = Subscriber.objects.get()
    assert (row.state, row.language, row.scope) == ("pending", "nl", "everything")
    assert secrets.unseal(row.sealed_address) == "reader@xn--exmple-cua.be"
    assert Delivery.objects.get().subscriber == row


@pytest.mark.parametrize("lang", ["fr", "nl", "de", "en"])
def test_a_page_speaks_its_language_and_sets_no_cookie(client: Client, lang: str) -> None:
    page, answer = client.get(f"{FORM}?lang={lang}"), ask(client, lang=lang)

    for response in (page, answer):
        assert f'<html lang="{lang}">' in response.text
        assert not response.cookies
    assert f"<h1>{WORDS[lang].tell_me}</h1>" in page.text
    assert re.search(r'<option value="(\w\w)" selected>', page.text)[1] == lang  # type: ignore[index]


def test_chosen_services_and_an_open_incident_are_kept(client: Client) -> None:
    one, other = factories.service("dpp"), factories.service("raotd")
    incident = factories.incident()

    ask(client, address="a@pharmacy.be", scope="services", services=[one.public_id])
    # What was ticked before something else was chosen does not count.
    ask(client, address="b@pharmacy.be", scope=f"incident-{incident.public_id}", services=[other.public_id])

    first, second = Subscriber.objects.all()
    assert (first.scope, [*first.services.all()], first.incident) == (Scope.SERVICES, [one], None)
    assert (second.scope, [*second.services.all()], second.incident) == (Scope.INCIDENT, [], incident)


def test_a_link_chooses_beforehand(client: Client) -> None:
    service, incident = factories.service("dpp"), factories.incident()

    def ticked(query: str) -> list[str]:
        page = client.get(f"{FORM}?{query}").text
        return re.findall(r'value="([\w-]+)"[^>]* checked', page)

    assert ticked("") == ["everything"]
    assert ticked(f"service={service.public_id}") == ["services", service.public_id]
    assert ticked(f"incident={incident.public_id}") == [f"incident-{incident.public_id}"]
    assert ticked("incident=nothing&service=%00") == []


def test_an_incident_that_is_over_is_not_offered(client: Client) -> None:
    over = factories.incident(phase=Phase.RESOLVED)

    response = ask(client, scope=f"incident-{over.public_id}")

    assert over.public_id not in client.get(FORM).text
    assert (response.status_code, Subscriber.objects.exists()) == (422, False)


@pytest.mark.parametrize(
    ("kind", "field", "value", "error"),
    [
        ("email", "address", "", "Donnez votre adresse e-mail."),
        ("email", "address", "reader@", "Ce n’est pas une adresse e-mail."),
        ("email", "address", "a@b.be\nBcc: all@b.be", "Ce n’est pas une adresse e-mail."),
        ("email", "scope", "", "Choisissez ce que nous devons vous dire."),
        ("email", "scope", "services", "Choisissez au moins un service."),
        ("email", "services", "junk", "Choisissez des services de la liste."),
        ("email", "language", "xx", "Choisissez une langue."),
        ("webhook", "address", "", "Donnez l’adresse de votre webhook."),
        ("webhook", "address", "http://hooks.example.be/", "https"),
        ("webhook", "address", "https://10.0.0.1/x", "réseau privé"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_all_that_was_typed_stays(
    client: Client, kind: str, field: str, value: str, error: str
) -> None:
    service = factories.service("dpp")
    typed = {"address": "https://hooks.example.be/" if kind == "webhook" else "reader@pharmacy.be"}
    given: dict[str, Any] = {**typed, "scope": "everything", "language": "de", field: value}

    response = ask(client, kind=kind, **given)

    text = unescape(response.text)
    assert response.status_code == 422
    assert re.search(
        rf'<p class="wrong" id="(id_)?{field}_error">[^<]*{error}|'
        rf'<p class="wrong" id="services_error">{error}',
        text,
    )
    if field != "address":
        assert 'value="reader@pharmacy.be"' in text
    if field == "address" and value and "\n" not in value:
        assert f'value="{value}"' in text
    if field != "language":
        assert '<option value="de" selected>' in text
    assert service.public_id in text
    assert not Subscriber.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("kind", SubscriberKind)
@pytest.mark.parametrize("known", ["active", "pending", "ended", "refused", "asked often"])
def test_a_known_address_gets_the_same_answer_after_the_same_statements(
    client: Client, kind: SubscriberKind, known: str
) -> None:
    address = "https://hooks.example.be/{}" if kind == SubscriberKind.WEBHOOK else "{}@pharmacy.be"
    ask(client, kind=kind, address=address.format("other"))  # the lane is there from now on
    _make_known(client, address.format("known"), kind, known)

    fresh, again = (_asked(client, kind, address.format(name)) for name in ("fresh", "known"))

    assert fresh == again
    assert fresh[0] == 200


def _make_known(client: Client, address: str, kind: SubscriberKind, how: str) -> None:
    for _time in range(6 if how == "asked often" else 1):
        ask(client, kind=kind, address=address)
    row = Subscriber.objects.latest("pk")
    if how in ("active", "ended"):
        subscribers.confirm(row)
    if how == "ended":
        subscribers.unsubscribe(row)
    if how == "refused":
        bounces.refused(row.deliveries.get(), "550 no such user", at=timezone.now())


def _asked(
    client: Client, kind: SubscriberKind, address: str
) -> tuple[int, str, dict[str, str], list[str], int]:
    """Status, page, headers, statements with neither values nor numbers, rows added; without what differs each time."""
    before = Subscriber.objects.count() + Delivery.objects.count()
    with CaptureQueriesContext(connection) as queries:
        response = ask(client, kind=kind, address=address)
    page = re.sub(r"<code>.*?</code>|/manage/[^?]*", "…", response.text.replace(address, "…"))
    statements = [re.sub(r"\d+", "n", query["sql"].partition("VALUES")[0]) for query in queries]
    added = Subscriber.objects.count() + Delivery.objects.count() - before
    return response.status_code, page, dict(response.headers), statements, added


def test_the_link_of_a_known_webhook_leads_to_the_same_page(client: Client) -> None:
    factories.subscriber("https://hooks.example.be/known", kind=SubscriberKind.WEBHOOK)
    pages = []
    for address in ("https://hooks.example.be/fresh", "https://hooks.example.be/known"):
        ask(client, kind="webhook", address=address)
        page = client.get(path(Subscriber.objects.latest("pk"), Purpose.MANAGE)).text.replace(address, "…")
        pages.append(re.sub(r"/(unsubscribe|manage)/[^?]*", "…", page))

    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("lang", "said"),
    [("fr", "dix minutes"), ("nl", "tien minuten"), ("de", "zehn Minuten"), ("en", "ten minutes")],
)
def test_who_signs_a_webhook_up_is_told_how_often_an_address_is_asked(
    client: Client, lang: str, said: str
) -> None:
    assert said in ask(client, kind="webhook", lang=lang, address="https://hooks.example.be/").text


def test_secret_and_link_of_a_webhook_are_shown_once(client: Client) -> None:
    response = ask(client, kind="webhook", address="https://hooks.example.be/")

    row = Subscriber.objects.get()
    secret = secrets.unseal(row.sealed_secret)
    assert secret in response.text
    assert links.url(row, Purpose.MANAGE) in unescape(response.text)
    assert secret not in client.get(path(row, Purpose.MANAGE)).text


def test_one_sender_asks_so_often_and_no_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "MOST", 2)

    answers = [ask(client, address=f"reader{n}@pharmacy.be") for n in range(3)]
    other = client.post(
        FORM,
        {"address": "other@pharmacy.be", "scope": "everything", "language": "fr"},
        REMOTE_ADDR="192.0.2.9",
    )

    assert [answer.status_code for answer in (*answers, other)] == [200, 200, 429, 200]
    assert answers[2]["Retry-After"] == "3600"
    assert 'value="reader2@pharmacy.be"' in answers[2].text
    assert Subscriber.objects.count() == 3


def test_a_form_of_another_site_asks_nothing(client: Client) -> None:
    given = {"address": "reader@pharmacy.be", "scope": "everything", "language": "fr"}

    response = client.post(FORM, given, headers={"origin": "https://elsewhere.example"})

    assert (response.status_code, Subscriber.objects.exists()) == (403, False)


def test_opening_the_link_confirms_nothing_and_pressing_the_button_does(client: Client) -> None:
    row = factories.subscriber(active=False, created_at=timezone.now())
    address = path(row, Purpose.CONFIRM)

    for _ in range(2):
        assert client.get(address).status_code == 200
        assert client.head(address).status_code == 200
    assert state(row) == "pending"

    response = client.post(address)

    assert (response.status_code, state(row)) == (200, "active")
    assert path(row, Purpose.MANAGE) in unescape(response.text)


def test_a_link_to_confirm_ends_after_three_days(client: Client) -> None:
    row = factories.subscriber(active=False)
    with time_machine.travel(factories.OUTAGE, tick=False) as clock:
        address = path(row, Purpose.CONFIRM)
        clock.shift(timedelta(days=3, seconds=1))
        answers = client.get(address), client.post(address)

    assert [answer.status_code for answer in answers] == [410, 410]
    assert state(row) == "pending"


def test_a_link_to_confirm_that_was_used_shows_what_it_began(client: Client) -> None:
    row = factories.subscriber()

    response = client.get(path(row, Purpose.CONFIRM))

    assert "Vous êtes abonné" in response.text
    assert path(row, Purpose.MANAGE) in unescape(response.text)


def test_confirming_what_has_ended_says_so(client: Client) -> None:
    row = factories.subscriber(active=False, created_at=timezone.now(), ended_at=timezone.now())

    assert client.post(path(row, Purpose.CONFIRM)).status_code == 410
    assert state(row) == "ended"


def test_confirming_beside_an_active_one_leads_to_that_one(client: Client) -> None:
    active = factories.subscriber()
    row = factories.subscriber(active=False, created_at=timezone.now())

    response = client.post(path(row, Purpose.CONFIRM))

    assert "Vous êtes déjà abonné" in response.text
    assert path(active, Purpose.MANAGE) in unescape(response.text)
    assert state(row) == "pending"


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_link_of_one_purpose_opens_nothing_of_another(client: Client, purpose: Purpose) -> None:
    row = factories.subscriber(active=False, created_at=timezone.now())
    token = path(row, purpose).split("/")[-2]

    opened = [
        other
        for other in Purpose
        if client.get(reverse(f"subscribe:{other}", args=[token])).status_code == 200
    ]

    assert opened == [purpose]


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_forged_link_is_not_found(client: Client, purpose: Purpose) -> None:
    row = factories.subscriber()
    signed = path(row, purpose).split("/")[-2]
    forged = [row.key.hex, f"{row.key.hex}.x", f"{row.key.hex[::-1]}{signed[32:]}", "x", "..", f"{signed}x"]

    for token in forged:
        for answer in (client.get, client.post):
            assert answer(reverse(f"subscribe:{purpose}", args=[token])).status_code == 404
    assert state(row) == "active"


def test_a_subscriber_changes_what_she_is_told(client: Client) -> None:
    service = factories.service("dpp")
    row = factories.subscriber()

    shown = client.get(path(row, Purpose.MANAGE)).text
    response = client.post(
        path(row, Purpose.MANAGE), {"scope": "services", "services": [service.public_id], "language": "de"}
    )

    assert "reader@pharmacy.example" in shown
    assert 'value="everything"' in shown
    row.refresh_from_db()
    assert (response.status_code, row.scope, row.language, [*row.services.all()]) == (
        200,
        "services",
        "de",
        [service],
    )


def test_what_is_wrong_in_a_change_is_refused_with_what_was_chosen(client: Client) -> None:
    row = factories.subscriber()

    response = client.post(path(row, Purpose.MANAGE), {"scope": "services", "language": "de"})

    assert response.status_code == 422
    assert "Choisissez au moins un service." in response.text
    assert '<option value="de" selected>' in response.text
    row.refresh_from_db()
    assert (row.scope, row.language) == ("everything", "fr")


def test_an_incident_that_is_over_stays_a_choice_of_who_has_chosen_it(client: Client) -> None:
    row = factories.subscriber(incident=factories.incident(phase=Phase.RESOLVED))
    kept = {"scope": f"incident-{row.incident.public_id}", "language": "nl"}  # type: ignore[union-attr]

    assert client.post(path(row, Purpose.MANAGE), kept).status_code == 200
    row.refresh_from_db()
    assert (row.scope, row.language) == ("incident", "nl")


def test_what_has_ended_is_shown_and_not_changed(client: Client) -> None:
    row = factories.subscriber(ended_at=timezone.now())

    shown = client.get(path(row, Purpose.MANAGE))
    changed = client.post(path(row, Purpose.MANAGE), {"scope": "everything", "language": "de"})

    assert "Cet abonnement a pris fin." in shown.text
    assert "<form" not in shown.text
    assert changed.status_code == 422
    row.refresh_from_db()
    assert row.language == "fr"


def test_opening_the_link_to_stop_stops_nothing_and_pressing_the_button_does(client: Client) -> None:
    row = factories.subscriber()

    assert client.get(path(row, Purpose.UNSUBSCRIBE)).status_code == 200
    assert state(row) == "active"
    for _ in range(2):
        assert client.post(path(row, Purpose.UNSUBSCRIBE)).status_code == 200
    assert state(row) == "ended"


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}, {"origin": "https://mail.example"}])
def test_a_mail_program_stops_it_with_one_post(headers: dict[str, str]) -> None:
    client = Client(enforce_csrf_checks=True)
    row = factories.subscriber()

    response = client.post(path(row, Purpose.UNSUBSCRIBE), {"List-Unsubscribe": "One-Click"}, headers=headers)

    assert (response.status_code, bool(response.cookies), state(row)) == (200, False, "ended")


def test_a_link_from_long_ago_still_stops_it(client: Client) -> None:
    with time_machine.travel("2022-07-01T12:00:00Z"):
        row = factories.subscriber()
        address = path(row, Purpose.UNSUBSCRIBE)
    with time_machine.travel("2026-07-01T12:00:00Z"):
        client.post(address)

    assert state(row) == "ended"


@pytest.mark.parametrize("kind", ["", "junk", "subscriber-email", "\x00"])
def test_a_kind_that_is_none_is_e_mail(client: Client, kind: str) -> None:
    assert 'type="email"' in client.get(FORM, {"kind": kind}).text


@pytest.fixture
def reader() -> ListMember:
    factories.mail_channel(("a@apb.example", "nl"), key="committee")
    return ListMember.objects.get()


def leaving(member: ListMember) -> str:
    return links.leave_url(member).removeprefix(settings.DESK_BASE_URL)


def test_a_member_of_a_list_leaves_it_by_the_button_or_by_a_mail_program(reader: ListMember) -> None:
    client = Client(enforce_csrf_checks=True)

    shown = client.get(leaving(reader))
    reader.refresh_from_db()
    assert (shown.status_code, reader.refused_at) == (200, None)

    left = client.post(leaving(reader), {"List-Unsubscribe": "One-Click"}, headers={"Origin": "null"})

    reader.refresh_from_db()
    assert (left.status_code, reader.left, "Sie sind" in left.text, "uitgeschreven" in left.text) == (
        200,
        True,
        False,
        True,
    )
    assert deliveries.recipients(Channel.objects.get()) == []


def test_a_list_is_left_once_and_what_the_mail_server_said_stays(reader: ListMember, client: Client) -> None:
    ListMember.objects.update(refused_at=factories.OUTAGE, refusal="550 no such box")

    client.post(leaving(reader))

    reader.refresh_from_db()
    assert (reader.refused_at, reader.refusal) == (factories.OUTAGE, "550 no such box")


def test_a_link_to_leave_is_good_for_that_address_alone(reader: ListMember, client: Client) -> None:
    address = leaving(reader)
    ListMember.objects.update(email="successor@apb.example")

    assert client.post(address).status_code == 404
    for token in ("1", f"{reader.pk}.x", "x.y", "9" * 40 + ".x", "²"):
        assert client.post(reverse("subscribe:leave", args=[token])).status_code == 404
    assert ListMember.objects.get().refused_at is None


def test_the_link_of_what_has_ended_says_so_instead_of_asking_again(client: Client) -> None:
    reader = factories.subscriber()
    address = path(reader, Purpose.UNSUBSCRIBE)
    subscribers.unsubscribe(reader)

    page = client.get(address).text

    assert "<button" not in page
    assert page == client.post(address).text
