"""What anyone may send without an account, and what she is told."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.html import escape
from pytest_django import Settings

from accounts.public import form_key
from accounts.templatetags.desk import clock
from comms.models import Update
from comms.status.languages import WORDS
from incidents.models import Incident, Service, ServiceStatus
from incidents.models.states import MaintenanceStatus
from tests import factories
from tickets.models import Report
from tickets.views.reports import MOST, MOST_REFUSED

pytestmark = pytest.mark.django_db

FORM, RECEIVED = "/public/report/", "/public/report/received/"
KNOWN = {
    "fr": "Nous le savons. Inutile de téléphoner.",
    "nl": "We weten het. Bellen is niet nodig.",
    "de": "Wir wissen es. Sie müssen nicht anrufen.",
    "en": "We know. No need to phone.",
}
NOT_KNOWN = {
    "fr": "Merci. Nous ne le savions pas encore.",
    "nl": "Dank u. We wisten het nog niet.",
    "de": "Danke. Wir wussten es noch nicht.",
    "en": "Thank you. We did not know yet.",
}


@pytest.fixture
def service() -> Service:
    return factories.service("eforms")


@pytest.fixture
def incident(service: Service) -> Incident:
    began_at = timezone.now() - timedelta(minutes=50)
    return factories.incident(services={service: ServiceStatus.MAJOR}, began_at=began_at)


def send(client: Client, service: Service | str, *, lang: str = "en", **typed: Any) -> Any:
    chosen = service if isinstance(service, str) else service.public_id
    headers = typed.pop("headers", {})
    return client.post(
        f"{FORM}?lang={lang}", {"key": form_key(), "service": chosen, **typed}, headers=headers
    )


def on_the_clock(moment: datetime) -> str:
    """As the page has it in English: with the day where that is not today."""
    with translation.override("en"):
        return clock(moment)


def told(client: Client, service: Service, lang: str = "en") -> str:
    page = client.get(RECEIVED, {"service": service.public_id, "lang": lang})
    assert page.status_code == 200
    return " ".join(page.text.split())


def said(incident: Incident, **fields: Any) -> Update:
    texts = {language: f"Texte {language}" for language in KNOWN}
    return factories.update(
        incident, published_at=timezone.now() - timedelta(minutes=5), **{"texts": texts, **fields}
    )


def test_a_report_is_kept_under_the_open_incident_and_leads_to_a_page_that_sends_nothing_again(
    client: Client, service: Service, incident: Incident
) -> None:
    house, pharmacy = factories.software_house(), factories.pharmacy(apb_number="123456")

    answer = send(client, service, lang="nl", software_house=house.key, apb_number="APB 123.456")

    report = Report.objects.get()
    kept = (report.service, report.software_house, report.pharmacy, report.incident)
    assert kept == (service, house, pharmacy, incident)
    assert (answer.status_code, urlsplit(answer["Location"]).path) == (303, RECEIVED)
    assert parse_qs(urlsplit(answer["Location"]).query) == {"service": [service.public_id], "lang": ["nl"]}


def test_a_number_that_nobody_has_is_counted_and_not_kept(client: Client, service: Service) -> None:
    send(client, service, apb_number="999999")

    report = Report.objects.get()
    assert (report.pharmacy, report.incident) == (None, None)


def test_nothing_of_the_sender_is_kept(client: Client, service: Service) -> None:
    client.post(
        FORM,
        {"key": form_key(), "service": service.public_id, "name": "Marie", "apb_number": "999999"},
        REMOTE_ADDR="198.51.100.77",
        headers={"user-agent": "Netscape", "cookie": "a=b"},
    )

    kept = Report.objects.values_list().get()
    fields = {field.name for field in Report._meta.get_fields()}
    assert fields == {"id", "key", "service", "software_house", "pharmacy", "incident", "received_at"}
    assert not any(word in str(kept) for word in ("198.51", "Netscape", "Marie", "999999"))


def test_no_page_sets_a_cookie_or_may_be_kept_or_found(client: Client, service: Service) -> None:
    answers = [
        client.get(FORM),
        send(client, service),
        send(client, "x"),
        client.get(RECEIVED, {"service": service.public_id}),
        send(client, service, headers={"origin": "https://elsewhere.example"}),
    ]

    assert [answer.status_code for answer in answers] == [200, 303, 422, 200, 403]
    for answer in answers:
        assert not answer.cookies
        assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex")
        assert "script-src" not in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_a_form_of_another_site_counts_nothing(client: Client, service: Service) -> None:
    other = send(client, service, lang="de", headers={"origin": "https://elsewhere.example"})
    assert other["Content-Language"] == "de"
    assert (other.status_code, Report.objects.count()) == (403, 0)
    assert "Nicht gesendet" in other.text

    ours = send(client, service, headers={"origin": "http://testserver", "sec-fetch-site": "same-origin"})
    assert (ours.status_code, Report.objects.count()) == (303, 1)


def test_the_same_form_counts_once_however_often_it_is_sent(client: Client, service: Service) -> None:
    key = form_key()

    for address in ("192.0.2.1", "192.0.2.2"):
        typed = {"key": key, "service": service.public_id}
        assert client.post(FORM, typed, REMOTE_ADDR=address).status_code == 303

    assert Report.objects.count() == 1


def test_the_same_sender_counts_once_an_hour_for_a_service_and_incident(
    client: Client, service: Service
) -> None:
    send(client, service)
    send(client, service)
    assert Report.objects.count() == 1

    send(client, factories.service("dpp"))
    factories.pharmacy(apb_number="123456")
    send(client, service, apb_number="123456")
    client.post(FORM, {"key": form_key(), "service": service.public_id}, REMOTE_ADDR="192.0.2.9")
    assert Report.objects.count() == 4

    factories.incident(services={service: ServiceStatus.MAJOR})
    send(client, service)
    assert Report.objects.count() == 5


def test_over_the_limit_it_says_so_kindly_and_keeps_what_was_typed(client: Client, service: Service) -> None:
    for _ in range(MOST):
        assert send(client, service).status_code == 303

    over = send(client, service, lang="nl", apb_number="12345")

    assert (over.status_code, over["Retry-After"]) == (429, "600")
    assert "Dat is veel tegelijk." in over.text
    assert 'value="12345"' in over.text
    assert f'value="{service.public_id}" selected' in over.text
    assert Report.objects.count() == 1


@pytest.mark.parametrize("lang", KNOWN)
def test_over_the_limit_what_we_know_still_spares_the_call(
    client: Client, service: Service, incident: Incident, lang: str, settings: Settings
) -> None:
    settings.DESK_STATUS_URL = "https://status.farmaflux.example"
    promised = timezone.now() + timedelta(minutes=20)
    said(incident, next_update_at=promised)
    for _ in range(MOST):
        send(client, service)
    before = Report.objects.count()

    over = send(client, service, lang=lang)

    assert (over.status_code, over["Retry-After"]) == (429, "600")
    assert f"<h1>{KNOWN[lang]}</h1>" in over.text
    assert f"{timezone.localtime(promised):%H:%M}</h2>" in over.text
    assert f"https://status.farmaflux.example/{lang}/incidents/{incident.public_id}/" in over.text
    assert Report.objects.count() == before


def test_over_the_limit_it_does_not_thank_for_what_was_not_counted(
    client: Client, service: Service, incident: Incident
) -> None:
    for _ in range(MOST):
        send(client, service)

    over = " ".join(send(client, service).text.split())

    assert "Your report on" not in over
    assert "What you sent before is counted. To add more, wait 10 minutes." in over


def test_over_the_limit_what_is_out_elsewhere_spares_no_call(client: Client, service: Service) -> None:
    said(factories.incident(services={factories.service("dpp"): ServiceStatus.MAJOR}))
    for _ in range(MOST):
        send(client, service)

    over = send(client, service)

    assert (over.status_code, KNOWN["en"] in over.text) == (429, False)


def test_over_the_limit_work_under_way_spares_the_call(client: Client, service: Service) -> None:
    factories.maintenance(service, status=MaintenanceStatus.IN_PROGRESS, starts_at=timezone.now())
    for _ in range(MOST):
        send(client, service)

    over = send(client, service)

    assert (over.status_code, f"<h1>{KNOWN['en']}</h1>" in over.text) == (429, True)


def test_what_was_refused_takes_nobodys_turn(client: Client, service: Service) -> None:
    for _ in range(MOST + 1):
        assert send(client, "").status_code == 422

    assert send(client, service).status_code == 303


def test_a_flood_of_what_is_refused_is_limited_too_and_takes_nobodys_turn(
    client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_REFUSED > MOST
    monkeypatch.setattr("tickets.views.reports.MOST_REFUSED", 3)
    refused = [send(client, "").status_code for _ in range(4)]

    over = send(client, "", apb_number="12345")

    assert refused == [422, 422, 422, 429]
    assert (over.status_code, over["Retry-After"]) == (429, "600")
    assert "Wait 10 minutes, then send it again." in over.text
    assert "What you sent before is counted." not in over.text
    assert 'value="12345"' in over.text
    assert (send(client, service).status_code, Report.objects.count()) == (303, 1)


def test_the_limit_is_each_senders_own(client: Client, service: Service) -> None:
    for _ in range(MOST + 1):
        send(client, service)

    other = client.post(FORM, {"key": form_key(), "service": service.public_id}, REMOTE_ADDR="192.0.2.9")

    assert other.status_code == 303


@pytest.mark.parametrize(
    ("lang", "missing", "wrong"),
    [
        ("fr", "Choisissez ce qui ne fonctionne pas.", "Ceci ne ressemble pas à un numéro APB."),
        ("nl", "Kies wat niet werkt.", "Dit lijkt geen APB-nummer."),
        ("de", "Wählen Sie aus, was nicht funktioniert.", "Das sieht nicht nach einer APB-Nummer aus."),
        ("en", "Choose what does not work.", "This does not look like an APB number."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_in_the_readers_language(
    client: Client, lang: str, missing: str, wrong: str
) -> None:
    house = factories.software_house()

    answer = send(client, "", lang=lang, software_house=house.key, apb_number='12"a')

    assert (answer.status_code, Report.objects.count()) == (422, 0)
    assert f'id="id_service_error">{escape(missing)}' in answer.text
    assert f'id="id_apb_number_error">{escape(wrong)}' in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="12&quot;a"' in answer.text
    assert f'value="{house.key}" selected' in answer.text


@pytest.mark.parametrize("typed", [{"service": "nothing"}, {"software_house": "x"}, {"apb_number": "1\x002"}])
def test_what_no_form_of_ours_sends_is_refused(
    client: Client, service: Service, typed: dict[str, str]
) -> None:
    answer = client.post(FORM, {"key": form_key(), "service": service.public_id, **typed})

    assert (answer.status_code, Report.objects.count()) == (422, 0)


def test_a_form_without_a_key_of_ours_is_shown_again_with_one_and_with_what_was_typed(
    client: Client, service: Service
) -> None:
    refused = client.post(
        f"{FORM}?lang=en", {"service": service.public_id, "apb_number": "12345", "key": "x"}
    )

    assert (refused.status_code, Report.objects.count()) == (422, 0)
    assert "This page has been open for long. Send it once more." in refused.text
    assert 'value="12345"' in refused.text

    key = refused.text.partition('name="key" value="')[2].partition('"')[0]
    assert client.post(FORM, {"service": service.public_id, "key": key}).status_code == 303


def test_a_refused_form_keeps_its_key(client: Client) -> None:
    key = form_key()

    assert f'name="key" value="{key}"' in client.post(FORM, {"service": "", "key": key}).text


def test_a_service_in_the_address_is_chosen(client: Client, service: Service) -> None:
    assert f'value="{service.public_id}" selected' in client.get(FORM, {"service": service.public_id}).text
    assert "selected" not in client.get(FORM, {"service": "nothing"}).text.partition("software_house")[0]


@pytest.mark.parametrize("lang", KNOWN)
def test_who_reports_what_we_know_is_told_when_she_hears_more(
    client: Client, service: Service, incident: Incident, lang: str, settings: Settings
) -> None:
    settings.DESK_STATUS_URL = "https://status.farmaflux.example"
    settings.DESK_HELPDESK_PHONE = "02 555 00 00"
    promised = timezone.now() + timedelta(minutes=20)
    said(incident, next_update_at=promised, central_confirmed=True)

    page = told(client, service, lang)

    assert f"<h1>{KNOWN[lang]}</h1>" in page
    assert f"Conséquence {lang}" in page
    assert f"{timezone.localtime(promised):%H:%M}</h2>" in page
    assert f"https://status.farmaflux.example/{lang}/incidents/{incident.public_id}/" in page
    assert NOT_KNOWN[lang] not in page
    assert "02 555 00 00" not in page


@pytest.mark.parametrize("lang", NOT_KNOWN)
def test_who_reports_what_nobody_knew_is_told_so_and_whom_to_call_when_patients_wait(
    client: Client, service: Service, lang: str, settings: Settings
) -> None:
    settings.DESK_HELPDESK_PHONE = "02 555 00 00"
    other = factories.incident(services={factories.service("dpp"): ServiceStatus.MAJOR})
    said(other)

    page = told(client, service, lang)

    assert f"<h1>{NOT_KNOWN[lang]}</h1>" in page
    assert 'href="tel:025550000">02 555 00 00</a>' in page
    assert KNOWN[lang] not in page
    assert "Conséquence" not in page


def test_a_promise_that_was_not_kept_is_told_as_late(
    client: Client, service: Service, incident: Incident
) -> None:
    promised = timezone.now() - timedelta(minutes=1)
    said(incident, next_update_at=promised)

    page = told(client, service)

    assert f"The update due by {on_the_clock(promised)} is late" in page
    assert "Next update at" not in page


def test_an_incident_about_which_nothing_was_said_yet_is_known_by_its_title(
    client: Client, service: Service, incident: Incident
) -> None:
    factories.update(incident)  # a draft

    page = told(client, service)

    assert (
        '<h2><span lang="fr">Panne des eForms</span> <small class="hint">(text in French)</small></h2>'
        in page
    )
    assert "A first message will follow on the status page" in page
    assert '<h2><span lang="nl">Storing van de eForms</span></h2>' in told(client, service, "nl")
    assert "Conséquence" not in page


@pytest.mark.parametrize("lang", WORDS)
def test_a_text_in_another_language_says_so_to_eyes_and_to_machines(
    client: Client, service: Service, incident: Incident, lang: str
) -> None:
    written = "nl" if lang == "fr" else "fr"
    said(incident, texts={written: "a"}).texts.update(do="Do.", dont="Do not.", patient="Come back.")
    words = WORDS[lang]
    mark = f"({words.in_other_language.format(language=words.language_names[written])})"

    page = told(client, service, lang)

    for heading in (f'<span lang="{written}">Conséquence {written}</span>', words.to_do, words.not_to_do):
        assert f'{heading} <small class="hint">{mark}</small></h' in page
    for line in ("Do.", "Do not."):
        assert f'<li lang="{written}">{line}</li>' in page
    assert f'<span lang="{written}">Come back.</span>' in page


def test_a_text_in_the_readers_language_bears_no_mark(
    client: Client, service: Service, incident: Incident
) -> None:
    said(incident).texts.update(do="Do.", dont="Do not.", patient="Come back.")

    assert "(text in" not in told(client, service, "en")


def test_a_part_left_empty_stays_empty_and_comes_from_no_other_language(
    client: Client, service: Service, incident: Incident
) -> None:
    texts = said(incident).texts
    texts.exclude(language="nl").update(
        title="Ailleurs", do="À faire.", dont="À éviter.", patient="Au patient."
    )

    page = told(client, service, "nl")

    assert "Conséquence nl" in page
    for elsewhere in ("Ailleurs", "À faire.", "À éviter.", "Au patient.", "<h3>"):
        assert elsewhere not in page


def test_a_language_in_which_nothing_is_said_gives_way_with_all_its_parts(
    client: Client, service: Service, incident: Incident
) -> None:
    texts = said(incident).texts
    texts.filter(language="de").update(headline="", title="", body="", do="Nur dies.")
    texts.filter(language="fr").update(do="À faire.")

    page = told(client, service, "de")

    assert ("Conséquence fr" in page, "À faire." in page, "Nur dies." in page) == (True, True, False)


@pytest.mark.parametrize("lang", WORDS)
def test_what_to_do_what_not_to_do_and_the_sentence_for_the_patient_stand_as_on_the_status_site(
    client: Client, service: Service, incident: Incident, lang: str
) -> None:
    said(incident).texts.update(do="Do.", dont="Do not.\nNor that.", patient="Come back.")
    words, (opening, closing) = WORDS[lang], WORDS[lang].quotes

    page = client.get(RECEIVED, {"service": service.public_id, "lang": lang}).text

    told = [
        f"<h3>{words.to_do}</h3>",
        f'<li lang="{lang}">Do.</li>',
        f'<li>{words.to_patient} {opening}<span lang="{lang}">Come back.</span>{closing}</li>',
        f"<h3>{words.not_to_do}</h3>",
        f'<li lang="{lang}">Do not.</li><li lang="{lang}">Nor that.</li>',
    ]
    places = [page.find(part) for part in told]
    assert (-1 not in places, places) == (True, sorted(places)), told


@pytest.mark.parametrize("lang", WORDS)
def test_the_forms_say_what_the_status_site_says(
    client: Client, service: Service, incident: Incident, lang: str
) -> None:
    words = WORDS[lang]
    now = timezone.now().replace(hour=11, minute=0)

    with time_machine.travel(now, tick=False):
        said(incident, next_update_at=now + timedelta(minutes=20), valid_until=now + timedelta(minutes=10))
        incident.updates.get().texts.update(do="Do.")
        page = told(client, service, lang)
        form = client.get(FORM, {"lang": lang}).text
    with time_machine.travel(now + timedelta(minutes=21), tick=False):
        late = told(client, service, lang)

    promised = f"{timezone.localtime(now + timedelta(minutes=20)):%H:%M}"
    valid = f"{timezone.localtime(now + timedelta(minutes=10)):%H:%M}"
    assert f"<h1>{words.me_too}</h1>" in form
    assert f"<h2>{words.next_at.format(at=words.at.format(time=promised))}</h2>" in page
    assert f"<h2>{words.late.format(time=promised)}</h2>" in late
    assert words.valid_until.format(time=valid) in page


def test_the_newest_update_is_the_one_told(client: Client, service: Service, incident: Incident) -> None:
    now = timezone.now()
    for minutes in (30, 5, 20):
        update = factories.update(incident, published_at=now - timedelta(minutes=minutes))
        update.texts.update(headline=f"before {minutes} minutes")

    assert "before 5 minutes" in told(client, service)


def test_what_to_do_meanwhile_is_told_with_how_long_it_holds_and_not_after(
    client: Client, service: Service, incident: Incident
) -> None:
    until = timezone.now() + timedelta(minutes=30)
    said(incident, valid_until=until).texts.update(
        do="Keep the forms.\nSend each once.", dont="Send nothing twice.", patient="Come back."
    )

    page = told(client, service)
    with time_machine.travel(until + timedelta(seconds=1)):
        after = told(client, service)

    assert '<li lang="en">Keep the forms.</li><li lang="en">Send each once.</li>' in " ".join(page.split())
    assert f"Valid until {on_the_clock(until)}." in page
    for over in ("Keep the forms.", "Come back.", "Valid until"):
        assert over not in after
    assert "Send nothing twice." in after


def test_texts_of_people_are_text(client: Client, service: Service, incident: Incident) -> None:
    update = said(incident)
    update.texts.update(headline="<script>alert(1)</script>", do="<b>x</b>")

    page = told(client, service)

    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<b>x</b>" not in page


@pytest.mark.parametrize("status", [MaintenanceStatus.IN_PROGRESS, MaintenanceStatus.VERIFYING])
def test_work_that_was_announced_is_known(
    client: Client, service: Service, status: MaintenanceStatus
) -> None:
    now = timezone.now()
    work = factories.maintenance(service, status=status, starts_at=now, title_en="Full restart")

    page = told(client, service)
    assert ("<h1>We know. No need to phone.</h1>" in page, "<h2>Full restart</h2>" in page) == (True, True)
    assert f"To be done by {on_the_clock(work.ends_at)}" in page

    with time_machine.travel(work.ends_at):
        assert "and takes longer</h2>" in told(client, service)


def test_work_that_is_yet_to_begin_or_over_or_elsewhere_explains_nothing(
    client: Client, service: Service
) -> None:
    now, other = timezone.now(), factories.service("dpp")
    factories.maintenance(service, starts_at=now)
    factories.maintenance(service, status=MaintenanceStatus.COMPLETED, starts_at=now)
    factories.maintenance(other, status=MaintenanceStatus.IN_PROGRESS, starts_at=now)

    assert f"<h1>{NOT_KNOWN['en']}</h1>" in told(client, service)


@pytest.mark.parametrize("asked", [{}, {"service": "nothing"}, {"service": "\x00"}])
def test_an_unknown_service_leads_to_the_form(client: Client, asked: dict[str, str]) -> None:
    answer = client.get(RECEIVED, {"lang": "de", **asked})

    assert (answer.status_code, answer["Location"]) == (302, "/public/report/?lang=de")


@pytest.mark.parametrize("services", [1, 3])
def test_the_pages_ask_the_database_as_often_whatever_there_is(client: Client, services: int) -> None:
    chosen = [factories.service() for _ in range(services)]
    for service in chosen:
        factories.software_house()
        said(factories.incident(services={service: ServiceStatus.MAJOR}))
    factories.pharmacy(apb_number="123456")
    counted = {}

    with CaptureQueriesContext(connection) as queries:
        client.get(FORM)
    counted["form"] = len(queries)
    with CaptureQueriesContext(connection) as queries:
        send(client, chosen[0], apb_number="123456")
    counted["sent"] = len([query for query in queries if "SAVEPOINT" not in query["sql"]])
    with CaptureQueriesContext(connection) as queries:
        client.get(RECEIVED, {"service": chosen[0].public_id})
    counted["received"] = len(queries)

    assert counted == {"form": 2, "sent": 5, "received": 4}


def test_what_a_stranger_sends_does_not_publish_the_status_site(
    client: Client, service: Service, settings: Settings
) -> None:
    send(client, service)

    assert Report.objects.exists()
    assert not settings.DESK_STATUS_ROOT.exists()
