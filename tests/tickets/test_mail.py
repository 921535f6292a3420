"""E-mails become contacts, are answered by the outbox, and machines are told from people."""

import socketserver
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.core import mail as outgoing
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from environ import Env
from imap_tools import MailMessage
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from comms import relay
from comms.models import Channel, ChannelKind, Delivery, ListMember
from farmaflux_desk import configuration
from farmaflux_desk.configuration import Imap
from tests import factories
from tickets import operations
from tickets.letters import letter_of
from tickets.mailbox import read_mailbox
from tickets.models import Contact, ContactChannel, Mail, MailKind

pytestmark = pytest.mark.django_db


def written(text: str = "Rien ne marche.", *, attachment: bool = False, **headers: str) -> bytes:
    message = EmailMessage()
    named = {
        "From": "Marie <gare@pharmacie.example>",
        "To": "helpdesk@farmaflux.example",
        "Subject": "Panne ?",
        "Message-ID": f"<{uuid.uuid4()}@pharmacie.example>",
        "Date": timezone.now().strftime("%a, %d %b %Y %H:%M:%S +0000"),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in named.items():
        message[name] = value
    message.set_content(text)
    if attachment:
        message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="ordonnance.pdf")
    return message.as_bytes()


def take(content: bytes) -> Mail:
    return operations.take_mail(letter_of(MailMessage.from_bytes(content)))


def bounce(recipient: str, status: str = "5.1.1", *, returned: str = "") -> bytes:
    return (
        "From: Mail Delivery Subsystem <mailer-daemon@relay.example>\r\nTo: desk@farmaflux.example\r\n"
        f"Subject: Undelivered\r\nMessage-ID: <{uuid.uuid4()}@relay.example>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n\r\n"
        + (f"--b\r\nContent-Type: {returned}" if returned else "")
        + "--b--\r\n"
    ).encode()


@pytest.fixture
def nancy(client: Client) -> User:
    nancy = factories.user(first_name="Nancy", language="en")
    client.force_login(nancy)
    return nancy


@pytest.fixture
def by_mail() -> Channel:
    return Channel.objects.create(key="callers", name="Callers", kind=ChannelKind.CALLER_EMAIL)


def test_a_mail_becomes_a_contact_of_the_pharmacy_that_has_the_address() -> None:
    gare = factories.pharmacy(email="Gare@Pharmacie.example", language="nl")
    incident = factories.incident()
    content = written(
        "Bonjour,\n\nPatient 85.07.30-033.28.\n\nLe lun. 1 juil., FarmaFlux a écrit :\n> Ancien"
    )

    for _ in range(2):  # read again because it could not be marked
        take(content)

    contact = Contact.objects.get()
    assert (contact.pharmacy, contact.channel, contact.language) == (gare, ContactChannel.EMAIL, "nl")
    assert (contact.incident, contact.caller_text) == (incident, "gare@pharmacie.example")
    kept = Mail.objects.get()
    assert (kept.subject, "Ancien" in kept.text, "033.28" in kept.text + contact.note) == (
        "Panne ?",
        False,
        False,
    )


def test_two_pharmacies_with_one_address_are_not_guessed_between() -> None:
    for _ in range(2):
        factories.pharmacy(email="gare@pharmacie.example")

    take(written())

    assert Contact.objects.get().pharmacy is None


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (written(Auto_Submitted="auto-replied"), MailKind.AUTOMATIC),
        (written(Precedence="bulk"), MailKind.AUTOMATIC),
        (written(Subject="Réponse automatique : congé"), MailKind.AUTOMATIC),
        (written(Subject="Afwezig"), MailKind.AUTOMATIC),
        (written(From="FarmaFlux <desk@127.0.0.1>"), MailKind.AUTOMATIC),
        (bounce("gone@pharmacie.example"), MailKind.BOUNCE),
        (written(From="postmaster@relay.example"), MailKind.BOUNCE),
    ],
)
def test_what_a_machine_wrote_is_kept_but_is_no_contact(content: bytes, kind: MailKind) -> None:
    kept = take(content)

    assert (kept.kind, Contact.objects.exists(), Mail.objects.unanswered().exists()) == (kind, False, False)
    assert take(written(Auto_Submitted="no")).kind == MailKind.MESSAGE


def test_who_is_gone_for_good_is_written_to_no_more_and_who_has_a_full_box_is() -> None:
    factories.mail_channel("gone@desk.example", "full@desk.example")

    take(bounce("gone@desk.example"))
    take(bounce("full@desk.example", "5.2.2"))

    refused = ListMember.objects.exclude(refused_at=None)
    assert [member.email for member in refused] == ["gone@desk.example"]


@pytest.mark.parametrize(
    "kind", ["message/rfc822\r\n\r\nFrom: us@f.example\r\n", "text/rfc822-headers\r\n\r\nSubject: Re\r\n"]
)
def test_a_report_names_what_came_back_and_joins_the_thread_of_a_reply(
    kind: str, nancy: User, by_mail: Channel
) -> None:
    first = take(written())
    reply = operations.reply(first.contact, key=uuid.uuid4(), text="Nous savons.", by=nancy)  # type: ignore[arg-type]
    content = bounce("gare@pharmacie.example", returned=f"{kind}Message-ID: {reply.message_id}\r\n\r\n")

    kept = take(content)

    assert letter_of(MailMessage.from_bytes(content)).returned == reply.message_id
    assert (kept.kind, kept.contact) == (MailKind.BOUNCE, first.contact)


def test_a_thread_goes_on_with_its_contact_and_what_answers_our_message_belongs_to_its_incident(
    nancy: User, by_mail: Channel
) -> None:
    first = take(written())
    answer = operations.reply(first.contact, key=uuid.uuid4(), text="Nous savons.", by=nancy)  # type: ignore[arg-type]

    again = take(written("Merci.", In_Reply_To=answer.message_id))

    assert (again.contact, Contact.objects.count()) == (first.contact, 1)
    assert [mail.pk for mail in Mail.objects.unanswered()] == [again.pk]
    factories.incident()
    named = factories.incident()
    other = take(written(From="x@y.example", References=f"<incident-{named.public_id}@farmaflux.example>"))
    assert other.contact is not None
    assert other.contact.incident == named


def test_attachments_are_not_kept_and_the_page_says_so(client: Client, nancy: User) -> None:
    kept = take(written(attachment=True))

    page = client.get(reverse("tickets:mail", args=[kept.contact_id])).text

    assert (kept.attachments, "1 attachment was not kept" in page, "PDF" in page) == (1, True, False)


def test_html_alone_is_read_as_text() -> None:
    message = EmailMessage()
    message["From"] = "a@b.example"
    message["Subject"] = "x"
    message.set_content("<style>p {}</style><p>Rien &amp; rien</p><script>alert(1)</script>", subtype="html")

    kept = take(message.as_bytes())

    assert (kept.text, kept.message_id.endswith("@no-id>")) == ("Rien & rien", True)


def test_a_reply_from_a_template_leaves_by_the_outbox_in_the_thread_once(
    client: Client, nancy: User, by_mail: Channel
) -> None:
    factories.answer("cert", text_fr="Le certificat suit.")
    kept = take(written())
    address, key = reverse("tickets:mail", args=[kept.contact_id]), str(uuid.uuid4())

    filled = client.post(address, {"use": "1", "template": "cert", "text": "Bonjour,", "key": key})
    assert "Bonjour,\n\nLe certificat suit.</textarea>" in filled.text
    for _ in range(2):
        sent_off = {"send": "1", "text": "Bonjour,\n\nLe certificat suit.", "key": key}
        assert client.post(address, sent_off).status_code == 302
    relay.run_once()

    [left] = outgoing.outbox
    assert (left.to, left.subject) == (["gare@pharmacie.example"], "Re: Panne ?")
    sent = left.message()
    assert (sent["In-Reply-To"], sent["Message-ID"].startswith(f"<{key}@")) == (kept.message_id, True)
    assert "Le certificat suit." in left.body
    assert not Mail.objects.unanswered().exists()
    assert "Nancy" in client.get(address).text


def test_a_reply_that_cannot_leave_or_says_nothing_is_refused_and_keeps_its_text(
    client: Client, nancy: User
) -> None:
    kept = take(written())
    address = reverse("tickets:mail", args=[kept.contact_id])
    sent = {"send": "1", "text": "typed", "key": str(uuid.uuid4())}

    page = client.post(address, sent)
    assert (page.status_code, "typed</textarea>" in page.text, "administrator" in page.text) == (
        422,
        True,
        True,
    )
    Channel.objects.create(key="callers", name="Callers", kind=ChannelKind.CALLER_EMAIL)
    for wrong in ({"text": ""}, {"text": "\x00"}, {"text": "x" * 10_001}, {"key": "no-key"}):
        assert client.post(address, {**sent, **wrong}).status_code == 422
    assert client.post(reverse("tickets:mail", args=[factories.contact().pk]), sent).status_code == 422
    assert client.get(reverse("tickets:mail", args=[999])).status_code == 404
    assert not Mail.objects.filter(kind=MailKind.REPLY).exists()


def test_no_reply_leaves_an_exercise(client: Client, nancy: User, by_mail: Channel) -> None:
    kept = take(written())
    Contact.objects.update(incident=factories.incident(drill=True))

    page = client.post(
        reverse("tickets:mail", args=[kept.contact_id]),
        {"send": "1", "text": "typed", "key": str(uuid.uuid4())},
    )

    assert (page.status_code, "An exercise: nothing of it is sent." in page.text) == (422, True)
    assert not Delivery.objects.exists()


def test_what_needs_no_answer_leaves_the_list(client: Client, nancy: User) -> None:
    kept = take(written())
    assert "Panne ?" in client.get(reverse("tickets:mails")).text

    client.post(reverse("tickets:mail", args=[kept.contact_id]), {"settle": "1"})

    client.get(reverse("tickets:mails"))
    assert "Panne ?" not in client.get(reverse("tickets:mails")).text
    assert "Panne ?" in client.get(reverse("tickets:mails"), {"all": "on"}).text


def test_an_observer_reads_mails_but_answers_none(client: Client, by_mail: Channel) -> None:
    kept = take(written())
    client.force_login(factories.user(Role.OBSERVER))
    address = reverse("tickets:mail", args=[kept.contact_id])

    assert client.get(address).status_code == 200
    for sent in ({"send": "1", "text": "x", "key": str(uuid.uuid4())}, {"settle": "1"}, {"use": "1"}):
        assert client.post(address, sent).status_code == 403


def test_mails_are_counted_in_the_rail_where_a_mailbox_is_read(
    client: Client, nancy: User, settings: Settings
) -> None:
    take(written())
    assert 'id="count-mail"' not in client.get(reverse("desk:keys")).text

    settings.DESK_IMAP = Imap("localhost", 143, "u", "p", "INBOX", encrypted=False)

    assert "1 message to answer" in client.get(reverse("desk:keys")).text


# ── The mailbox ─────────────────────────────────────────────────────────────


class _Imap(socketserver.StreamRequestHandler):
    """As much of IMAP4rev1 (RFC 3501) as reading unread mail takes."""

    server: Any

    def handle(self) -> None:
        self.say("* OK ready")
        for line in self.rfile:
            tag, command, *rest = line.decode().split()
            words = [command.upper(), *(word.upper() for word in rest)]
            if words[0] == "CAPABILITY":
                self.say("* CAPABILITY IMAP4rev1")
            elif words[0] == "SELECT":
                self.say(f"* {len(self.server.mails)} EXISTS")
            elif words[:2] == ["UID", "SEARCH"]:
                unread = [str(n) for n in self.server.mails if n not in self.server.seen]
                self.say(f"* SEARCH {' '.join(unread)}")
            elif words[:2] == ["UID", "FETCH"]:
                self.fetch(int(rest[1]))
            elif words[:2] == ["UID", "STORE"] and "\\SEEN" in " ".join(words):
                self.server.seen.add(int(rest[1]))
            elif words[0] == "LOGOUT":
                self.say("* BYE")
            self.say(f"{tag} OK done")
            if words[0] == "LOGOUT":
                return

    def fetch(self, number: int) -> None:
        content = self.server.mails[number]
        head = f"* {number} FETCH (UID {number} FLAGS () RFC822.SIZE {len(content)} BODY[] {{{len(content)}}}\r\n"
        self.wfile.write(head.encode() + content + b")\r\n")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Imap) as server:
        server.daemon_threads = True
        server.mails, server.seen = {}, set()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        port = server.server_address[1]
        settings.DESK_IMAP = Imap("127.0.0.1", port, "helpdesk", "secret", "INBOX", encrypted=False)
        yield server
        server.shutdown()


def test_what_is_unread_is_taken_and_marked_and_read_no_more(mailbox: Any) -> None:
    mailbox.mails.update({1: written("un"), 2: written("deux")})
    mailbox.seen.add(1)

    assert (read_mailbox(), read_mailbox()) == (1, 0)

    assert mailbox.seen == {1, 2}
    assert [kept.text for kept in Mail.objects.all()] == ["deux"]


def test_one_mail_that_cannot_be_taken_holds_up_no_other_and_stays_unread(
    mailbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.mails.update({1: written("bad"), 2: written("good")})
    take_mail = operations.take_mail

    def breaking(letter: Any) -> Mail:
        if letter.text == "bad":
            raise RuntimeError
        return take_mail(letter)

    monkeypatch.setattr(operations, "take_mail", breaking)

    assert read_mailbox() == 1
    assert mailbox.seen == {2}


def test_without_a_mailbox_nothing_is_read(settings: Settings) -> None:
    settings.DESK_IMAP = None

    assert read_mailbox() == 0


@pytest.mark.parametrize(
    "given", ["http://u:p@host/", "imap://u:p@mail.example/", "imaps://mail.example/", "imaps://u:p@host:x/"]
)
def test_a_mailbox_that_makes_no_sense_ends_the_start_with_its_name(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_IMAP_URL", given)

    with pytest.raises(ImproperlyConfigured, match="DESK_IMAP_URL"):
        configuration.imap(Env(), "DESK_IMAP_URL")
    monkeypatch.setenv("DESK_IMAP_URL", "imaps://help%40desk:a%2Fb@mail.example/Helpdesk%20in")
    assert configuration.imap(Env(), "DESK_IMAP_URL") == Imap(
        "mail.example", 993, "help@desk", "a/b", "Helpdesk in", encrypted=True
    )


def test_a_mail_that_cannot_be_read_whole_is_a_contact_all_the_same() -> None:
    take(written("caf\ufffd"))

    assert "caf\ufffd" in Contact.objects.get().note


def test_a_date_that_makes_no_sense_is_now() -> None:
    take(written(Date="Thu, 01 Jan 1970 00:00:00 +0000"))

    assert timezone.now() - Contact.objects.get().occurred_at < timedelta(minutes=1)
