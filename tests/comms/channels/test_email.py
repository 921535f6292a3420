"""E-mail over a real SMTP server."""

from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.languages import Language
from accounts.roles import Role
from comms import links, relay
from comms.channels.email import EmailTransport, nobody_there
from comms.channels.letter import Reader, content, letter
from comms.models import Action, Correction, Delivery, DeliveryState, ListMember, Update
from comms.operations import deliveries, sending
from incidents.models import ServiceStatus
from tests import factories
from tests.comms.conftest import use_mail_server
from tests.comms.receivers import MailServer, free_port

pytestmark = pytest.mark.django_db


def owe(*members: str | tuple[str, str], update: Update | None = None) -> list[Delivery]:
    if members:
        factories.mail_channel(*members)
    update = update or factories.update(published_at=factories.OUTAGE)
    with transaction.atomic():
        return list(deliveries.owe(update, at=timezone.now()))


def state(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.error


def test_each_reader_gets_a_message_of_her_own_in_her_language_over_one_connection(mail: MailServer) -> None:
    owe("a@apb.example", ("b@apb.example", "nl"), "c@apb.example")

    assert relay.run_once() == 3

    assert mail.connections == 1
    assert [(to, message["To"], message["Subject"]) for to, message in mail.accepted] == [
        ("a@apb.example", "a@apb.example", "FarmaFlux · Titre fr"),
        ("b@apb.example", "b@apb.example", "FarmaFlux · Titre nl"),
        ("c@apb.example", "c@apb.example", "FarmaFlux · Titre fr"),
    ]
    assert set(Delivery.objects.values_list("state", "error")) == {("sent", "")}


def test_a_message_says_the_same_as_text_and_as_html(mail: MailServer) -> None:
    service = factories.service(name_fr="eForms <enregistrement>")
    until = factories.OUTAGE + timedelta(hours=2)
    update = factories.update(
        published_at=factories.OUTAGE, statuses={service: ServiceStatus.PARTIAL}, valid_until=until
    )
    update.texts.filter(language="fr").update(
        headline="L’envoi « Sciensano » est à l’arrêt",
        do="Notez\nRappelez",
        dont="Ne réessayez pas",
        patient="Revenez",
    )
    owe("a@apb.example", update=update)

    relay.run_once()

    [(_, message)] = mail.accepted
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    said = [
        "L’envoi « Sciensano » est à l’arrêt",
        "Nous y travaillons.",
        "À faire (jusqu’à 15:30)",
        "Notez",
        "Rappelez",
        "Ne réessayez pas",
        "Revenez",
        "fonctionne en partie",
        "13:50",
        f"/fr/incidents/{update.incident.public_id}/",
    ]
    assert [words for words in said if words not in plain.get_content()] == []
    assert [words for words in said if words not in html.get_content()] == []
    assert "eForms <enregistrement>" in plain.get_content()
    assert "eForms &lt;enregistrement&gt;" in html.get_content()


def test_messages_about_one_incident_form_a_thread_and_each_has_a_lasting_identity(mail: MailServer) -> None:
    incident = factories.incident()
    first = factories.update(incident, published_at=factories.OUTAGE)
    second = factories.update(incident, published_at=factories.OUTAGE)
    factories.mail_channel("a@apb.example", "b@apb.example")
    for update in (first, second):
        owe(update=update)
    relay.run_once()
    Delivery.objects.update(state=DeliveryState.QUEUED, sent_at=None)

    relay.run_once()

    headers = [(m["Message-ID"], m["References"], m["In-Reply-To"], m["From"]) for _, m in mail.accepted]
    assert headers[:4] == headers[4:]
    assert len({message_id for message_id, *_ in headers}) == 4
    thread = f"<incident-{incident.public_id}@farmaflux.example>"
    assert {tuple(rest) for _, *rest in headers} == {(thread, thread, "FarmaFlux <desk@farmaflux.example>")}


def test_answers_go_where_the_setting_says(mail: MailServer, settings: Settings) -> None:
    settings.DESK_MAIL_REPLY_TO = "crise@farmaflux.example"
    owe("a@apb.example")

    relay.run_once()

    [(_, message)] = mail.accepted
    assert message["Reply-To"] == "crise@farmaflux.example"


def test_one_address_refused_for_good_costs_nobody_else_a_message(mail: MailServer) -> None:
    mail.answers["b@apb.example"] = "550 5.1.1 no such box"
    a, b, c = owe("a@apb.example", "b@apb.example", "c@apb.example")

    relay.run_once()

    assert [state(d) for d in (a, b, c)] == [("sent", ""), ("failed", "550 5.1.1 no such box"), ("sent", "")]
    assert [(x.outcome, x.detail) for x in b.attempts.all()] == [("failed", "550 5.1.1 no such box")]


def test_an_address_refused_for_now_is_tried_again_later(mail: MailServer) -> None:
    mail.answers["b@apb.example"] = "450 4.2.1 box is busy"
    a, b = owe("a@apb.example", "b@apb.example")

    relay.run_once()

    assert [state(d) for d in (a, b)] == [("sent", ""), ("queued", "450 4.2.1 box is busy")]
    assert b.not_before > timezone.now()
    assert relay.run_once() == 0


def test_a_connection_that_breaks_after_the_content_lets_the_same_message_leave_once_more(
    mail: MailServer,
) -> None:
    mail.drop.add("a@apb.example")
    a, b = owe("a@apb.example", "b@apb.example")
    relay.run_once()
    assert [state(d) for d in (a, b)] == [
        ("queued", "The connection broke while the message was handed over."),
        ("sent", ""),
    ]
    mail.drop.clear()
    Delivery.objects.update(not_before=timezone.now())

    relay.run_once()

    assert mail.recipients == ["a@apb.example", "b@apb.example", "a@apb.example"]
    first, _other, again = (message["Message-ID"] for _recipient, message in mail.accepted)
    assert first == again
    assert state(a) == ("sent", "")


def test_a_server_that_cannot_be_reached_costs_one_attempt_for_the_whole_list(settings: Settings) -> None:
    use_mail_server(settings, free_port())
    owed = owe("a@apb.example", "b@apb.example", "c@apb.example")

    assert relay.run_once() == 1

    for delivery in owed:
        delivery.refresh_from_db()
    assert {d.state for d in owed} == {"queued"}
    assert sorted(d.attempts_made for d in owed) == [0, 0, 1]
    assert len({d.not_before for d in owed}) == 1
    assert owed[0].not_before > timezone.now()


def test_a_server_that_is_leaving_ends_the_batch_and_the_rest_waits(mail: MailServer) -> None:
    mail.answers["a@apb.example"] = "421 4.3.2 closing"
    owed = owe("a@apb.example", "b@apb.example")

    relay.run_once()

    assert [state(d)[0] for d in owed] == ["queued", "queued"]
    assert mail.recipients == []


@pytest.mark.parametrize("title", ["Panne\r\nBcc: everyone@example.org", "Panne\nX-Evil: 1"])
def test_a_title_that_smuggles_in_a_header_is_refused(mail: MailServer, title: str) -> None:
    update = factories.update(published_at=factories.OUTAGE)
    update.texts.update(title=title)
    [delivery] = owe("a@apb.example", update=update)

    relay.run_once()

    assert state(delivery)[0] == "failed"
    assert mail.accepted == []


def test_a_recipient_that_smuggles_in_another_is_refused(mail: MailServer) -> None:
    [delivery] = owe("a@apb.example")
    Delivery.objects.update(recipient="a@apb.example, everyone@example.org")

    relay.run_once()

    assert state(delivery)[0] == "failed"
    assert mail.accepted == []


def test_without_a_mail_server_messages_become_files_and_the_attempt_says_so(
    settings: Settings, tmp_path: Path
) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": str(tmp_path / "mail")},
        }
    }
    [delivery] = owe("a@apb.example")

    relay.run_once()

    assert state(delivery) == ("sent", "")
    assert delivery.attempts.get().detail == "written to a file: no mail server is set"
    [file] = (tmp_path / "mail").iterdir()
    assert "To: a@apb.example" in file.read_text()


def follow_up(update: Update, action: Action, language: Language = Language.FR) -> Delivery:
    """The notice of a correction or a withdrawal to who read the message."""
    channel = factories.mail_channel(("a@apb.example", language.value))
    correction = None
    if action == Action.CORRECTION:
        correction = Correction.objects.create(
            update=update,
            key=uuid4(),
            before={},
            reason="typo",
            corrected_at=factories.OUTAGE,
            corrected_by=factories.user(Role.COMMUNICATIONS),
        )
    return Delivery.objects.create(
        update=update,
        action=action,
        correction=correction,
        channel=channel,
        recipient="a@apb.example",
        language=language,
        environment=settings.DESK_ENVIRONMENT_ID,
        created_at=timezone.now(),
        not_before=timezone.now(),
    )


def read(message: EmailMessage) -> list[str]:
    """As text and as HTML."""
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    return [body.get_content().replace("\r\n", "\n") for body in bodies if body]


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        (Language.FR, "FarmaFlux · Rectification · Titre fr", "Ce message du 01/07/2022 13:30 est rectifié."),
        (
            Language.NL,
            "FarmaFlux · Rechtzetting · Titre nl",
            "Dit bericht van 01/07/2022 13:30 is rechtgezet.",
        ),
        (
            Language.DE,
            "FarmaFlux · Berichtigung · Titre de",
            "Diese Meldung vom 01/07/2022 13:30 wurde berichtigt.",
        ),
        (
            Language.EN,
            "FarmaFlux · Correction · Titre en",
            "This message of 01/07/2022 13:30 has been corrected.",
        ),
    ],
)
def test_a_correction_says_of_which_message_and_what_it_says_now(
    mail: MailServer, language: Language, subject: str, sentence: str
) -> None:
    update = factories.update(
        published_at=factories.OUTAGE, texts={code: f"Body {code}" for code in Language.values}
    )
    follow_up(update, Action.CORRECTION, language)

    relay.run_once()

    [(_, message)] = mail.accepted
    assert message["Subject"] == subject
    for body in read(message):
        assert sentence in body
        assert f"Conséquence {language}" in body
        assert f"Body {language}" in body


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        (Language.FR, "FarmaFlux · Message retiré · Titre fr", "il ne compte plus"),
        (Language.NL, "FarmaFlux · Bericht ingetrokken · Titre nl", "het telt niet meer"),
        (Language.DE, "FarmaFlux · Meldung zurückgezogen · Titre de", "Sie gilt nicht mehr"),
        (Language.EN, "FarmaFlux · Message withdrawn · Titre en", "it counts no longer"),
    ],
)
def test_a_withdrawal_says_which_message_counts_no_longer_and_repeats_none_of_its_instructions(
    mail: MailServer, language: Language, subject: str, sentence: str
) -> None:
    update = factories.update(
        published_at=factories.OUTAGE, texts={code: f"Body {code}" for code in Language.values}
    )
    update.texts.update(do="Instruction", dont="Instruction", patient="Instruction")
    follow_up(update, Action.WITHDRAWAL, language)

    relay.run_once()

    [(_, message)] = mail.accepted
    assert message["Subject"] == subject
    for body in read(message):
        assert "01/07/2022 13:30" in body
        assert sentence in body
        assert f"Conséquence {language}" in body
        assert [words for words in ("Body", "Instruction") if words in body] == []
        assert f"/{language}/incidents/{update.incident.public_id}/" in body


def test_what_follows_on_a_message_hangs_under_it_with_a_name_of_its_own(mail: MailServer) -> None:
    update = factories.update(published_at=factories.OUTAGE)
    owe("a@apb.example", update=update)
    for action in (Action.CORRECTION, Action.CORRECTION, Action.WITHDRAWAL):
        follow_up(update, action)

    relay.run_once()

    thread = f"<incident-{update.incident.public_id}@farmaflux.example>"
    messages = [message for _recipient, message in mail.accepted]
    assert len({message["Message-ID"] for message in messages}) == 4
    [first] = [message for message in messages if message["In-Reply-To"] == thread]
    others = [message for message in messages if message is not first]
    assert first["References"] == thread
    assert {(m["In-Reply-To"], m["References"]) for m in others} == {
        (first["Message-ID"], f"{thread} {first['Message-ID']}")
    }


@pytest.mark.parametrize(
    ("language", "word"), [("fr", "EXERCICE"), ("nl", "OEFENING"), ("de", "ÜBUNG"), ("en", "DRILL")]
)
def test_a_letter_of_an_exercise_says_so_before_anything_else(language: str, word: str) -> None:
    update = factories.update(factories.incident(drill=True), published_at=factories.OUTAGE)
    [delivery] = owe(("a@apb.example", language), update=update)
    delivery.language = language

    message = letter(delivery, content(delivery), Reader("a@apb.example")).message()

    assert str(message["Subject"]).startswith(f"[{word}] ")
    plain, html = read(message)
    assert plain.startswith(word)
    assert html.partition("<p")[2].partition("<p")[0].count(word) == 1
    assert (delivery.state, Delivery.objects.due(timezone.now()).exists()) == ("rehearsed", False)


def test_who_is_written_to_after_a_correction_reads_the_corrected_text(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmailTransport, "capabilities", replace(EmailTransport.capabilities, batch=2))
    update = factories.update(published_at=factories.OUTAGE)
    owe("a@apb.example", "b@apb.example", "c@apb.example", update=update)

    release = sending.release

    def release_and_correct(held: sending.Held, *, at: datetime) -> None:
        release(held, at=at)
        update.texts.filter(language="fr").update(body="Le texte corrigé.")

    monkeypatch.setattr(sending, "release", release_and_correct)

    relay.run_once()

    corrected = ["Le texte corrigé." in read(message)[0] for _recipient, message in mail.accepted]
    assert corrected == [False, False, True]


def test_what_a_letter_says_is_read_once_for_all_of_a_claim(mail: MailServer) -> None:
    owe(*(f"{n}@apb.example" for n in range(20)))

    with CaptureQueriesContext(connection) as queries:
        assert relay.run_once() == 20

    assert len([query for query in queries if 'FROM "comms_updatetext"' in query["sql"]]) == 1


@pytest.mark.parametrize("pipelining", [True, False])
class TestRefusals:
    """Over a server that takes several commands at once (RFC 2920), and over one that does not."""

    @pytest.fixture(autouse=True)
    def _pipelining(self, mail: MailServer, pipelining: bool) -> None:  # noqa: FBT001
        mail.pipelining = pipelining

    def test_a_box_that_is_not_there_ends_the_recipient_and_the_next_is_written_to(
        self, mail: MailServer
    ) -> None:
        mail.answers["b@apb.example"] = "550 5.1.1 no such box"
        owed = owe("a@apb.example", "b@apb.example", "c@apb.example")

        relay.run_once()

        assert [state(d)[0] for d in owed] == ["sent", "failed", "sent"]
        assert mail.connections == 1
        refused = ListMember.objects.exclude(refused_at=None)
        assert list(refused.values_list("email", "refusal")) == [("b@apb.example", "550 5.1.1 no such box")]

    def test_a_content_that_is_refused_for_good_ends_the_delivery_and_nobody(self, mail: MailServer) -> None:
        mail.contents["b@apb.example"] = "554 5.6.0 we do not like it"
        owed = owe("a@apb.example", "b@apb.example", "c@apb.example")

        relay.run_once()

        assert [state(d) for d in owed] == [
            ("sent", ""),
            ("failed", "554 5.6.0 we do not like it"),
            ("sent", ""),
        ]
        assert not ListMember.objects.exclude(refused_at=None).exists()

    def test_a_content_that_is_refused_for_now_is_tried_again(self, mail: MailServer) -> None:
        mail.contents["a@apb.example"] = "451 4.3.0 try later"
        [delivery] = owe("a@apb.example")

        relay.run_once()

        assert state(delivery) == ("queued", "451 4.3.0 try later")

    def test_a_server_that_takes_nothing_of_us_holds_the_lane_and_ends_nobody(self, mail: MailServer) -> None:
        mail.of_sender = "550 5.7.1 who are you"
        owed = owe("a@apb.example", "b@apb.example")

        assert relay.run_once() == 1

        assert [state(d)[0] for d in owed] == ["queued", "queued"]
        assert not ListMember.objects.exclude(refused_at=None).exists()

    def test_a_text_with_full_stops_arrives_as_it_was_written(self, mail: MailServer) -> None:
        update = factories.update(published_at=factories.OUTAGE, texts={"fr": ".\n..\n.a\nfin"})
        owe("a@apb.example", update=update)

        relay.run_once()

        [(_, message)] = mail.accepted
        assert ".\n..\n.a\nfin" in read(message)[0]


@pytest.mark.parametrize(
    ("code", "answer", "ends"),
    [
        (550, "5.1.1 user unknown", True),
        (550, "5.2.1 disabled", True),
        (550, "5.4.1 recipient address rejected: access denied", True),
        (550, "no such user", True),
        (551, "user not local", True),
        (553, "mailbox name not allowed", True),
        (552, "5.2.2 box is full", False),
        (552, "box is full", False),
        (550, "5.7.1 relaying denied", False),
        (554, "5.7.1 <a@apb.example>: Relay access denied", False),
        (554, "transaction failed", False),
        (530, "5.7.0 authentication required", False),
        (450, "4.1.1 try later", False),
        (450, "5.1.1 says one thing and means another", False),
    ],
)
def test_only_a_box_that_is_not_there_ends_a_recipient(code: int, answer: str, *, ends: bool) -> None:
    assert nobody_there(code, answer) == ends


def test_a_member_of_a_list_leaves_it_with_one_click(mail: MailServer) -> None:
    owe("a@apb.example", ("b@apb.example", "nl"))
    member = ListMember.objects.get(email="b@apb.example")

    relay.run_once()

    for recipient, message in mail.accepted:
        link = str(message["List-Unsubscribe"]).strip("<>")
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert [link in body.replace("&amp;", "&") for body in read(message)] == [True, True]
        assert (recipient == member.email) == (link == links.leave_url(member))


def test_who_is_on_the_list_no_more_is_offered_no_link(mail: MailServer) -> None:
    owe("a@apb.example")
    ListMember.objects.all().delete()

    relay.run_once()

    [(_recipient, message)] = mail.accepted
    assert message["List-Unsubscribe"] is None
    assert ["Se désabonner" in body for body in read(message)] == [False, False]
