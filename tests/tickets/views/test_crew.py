"""Who is at the phones; and the volunteer, who sees one screen."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import User
from accounts.roles import Role
from incidents.models import Incident
from tests import factories
from tests.farmaflux_desk.test_urls import paths, routes
from tickets.models import CameBy, Contact, HandOverNote, Seen, Shift, VolunteerInvitation

pytestmark = pytest.mark.django_db
PASSWORD = "nine-lives-of-a-cat"


@pytest.fixture
def lead(client: Client) -> User:
    lead = factories.user(Role.LEAD, first_name="Sandrine", language="en")
    client.force_login(lead)
    return lead


@pytest.fixture
def incident() -> Incident:
    made = factories.incident(began_at=timezone.now() - timedelta(hours=1))
    factories.update(made, published_at=timezone.now() - timedelta(minutes=10))
    return made


def link(client: Client, *, name: str = "Jan", **sent: Any) -> str:
    page = client.post(
        reverse("tickets:invite"), {"key": str(uuid.uuid4()), "name": name, "language": "fr", **sent}
    )
    found = re.findall(r'value="http://testserver(/public/volunteer/[0-9a-f]{64}/)"', page.text)
    assert len(found) == 1, page.status_code
    return str(found[0])


def join(stranger: Client, address: str, username: str = "jan", password: str = PASSWORD, **sent: str) -> Any:
    return stranger.post(address, {"username": username, "password": password, "again": password, **sent})


@pytest.fixture
def volunteer(client: Client, lead: User) -> Client:
    stranger = Client()
    assert join(stranger, link(client)).status_code == 302
    return stranger


def test_a_link_lets_one_colleague_in_once_with_an_account_of_her_own(client: Client, lead: User) -> None:
    address, stranger = link(client), Client()
    assert "Jan" in stranger.get(address).text

    assert join(stranger, address).url == reverse("tickets:calls")

    jan = User.objects.get(username="jan")
    assert [group.name for group in jan.groups.all()] == ["volunteer"]
    assert jan.check_password(PASSWORD)
    assert Shift.objects.get().came_by == CameBy.VOLUNTEERED
    assert join(Client(), address, username="other").status_code == 404
    assert not User.objects.filter(username="other").exists()
    assert "volunteered" in client.get(reverse("tickets:crew")).text


def test_the_same_form_twice_is_one_link_and_an_old_one_lets_nobody_in(
    client: Client, lead: User, time_machine: TimeMachineFixture
) -> None:
    key = str(uuid.uuid4())
    assert link(client, key=key) == link(client, key=key)
    assert VolunteerInvitation.objects.count() == 1
    address = link(client)

    time_machine.move_to(timezone.now() + timedelta(hours=24, minutes=1))

    assert Client().get(address).status_code == 404
    assert Client().get("/public/volunteer/%00/").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": ""},
        {"username": "a b\x00"},
        {"username": "x" * 200},
        {"username": "taken"},
        {"password": "1234", "again": "1234"},
        {"again": "another"},
    ],
)
def test_a_bad_name_or_password_is_refused_and_the_link_still_works(
    client: Client, lead: User, wrong: dict[str, str]
) -> None:
    factories.user(username="taken")
    address, stranger = link(client), Client()

    page = join(stranger, address, **wrong)

    assert (page.status_code, "invalid-feedback" in page.text) == (422, True)
    assert join(stranger, address).status_code == 302


def test_a_volunteer_meets_the_row_and_what_to_say_and_is_refused_everything_else(
    volunteer: Client, incident: Incident
) -> None:
    """The walk: every address that the desk has."""
    others = factories.contact(incident=incident, caller_text="someone else's", pharmacy=None)
    public = {
        "/livez",
        "/metrics",
        "/readyz",
        "/language/",
        "/accounts/login/",
        "/accounts/logout/",
        "/accounts/inactive/",
    }
    hers = {
        "/desk/",  # leads to the row
        "/desk/calls/",
        "/desk/calls/new",
        "/desk/calls/log/",
        "/desk/calls/<pk>/undo/",
        "/desk/calls/lookup/",
        "/desk/calls/say/",
        "/desk/calls/say/seen/",
        "/desk/calls/latest/",
        "/desk/calls/offline/",
        "/desk/calls/keys/",
        "/desk/calls/worker.js",
        "/desk/presence/<kind>/<pk>/",
        "/accounts/signed-in/",
        "/accounts/resume/",
    }
    let_in = set()
    known = {"public_id": incident.public_id, "pk": others.pk, "kind": "pharmacy", "key": uuid.uuid4()}
    for route, path in paths(known).items():
        if route in public or route.startswith(("/public/", "/intake/", "/accounts/password/reset")):
            continue
        if volunteer.get(path).status_code != 403 or volunteer.post(path).status_code != 403:
            let_in.add(route)
    assert let_in == hers
    assert set(routes()) >= hers

    page = volunteer.get("/desk/calls/").text
    assert ('id="log"' in page, 'id="say"' in page) == (True, True)
    assert ("someone else" in page, "fx-rail" in page, "/desk/contacts/" in page) == (False, False, False)


def test_a_volunteer_logs_her_calls_takes_one_back_and_confirms_what_she_read(
    volunteer: Client, incident: Incident
) -> None:
    row = {"incident": incident.public_id, "channel": "phone", "caller": "02 555 12 12", "told": "1"}

    volunteer.post("/desk/calls/log/", {"key": str(uuid.uuid4()), **row})
    volunteer.post("/desk/calls/say/seen/", {"incident": incident.public_id, "number": "1"})

    contact = Contact.objects.get()
    assert (contact.agent.username, Seen.objects.get().user.username) == ("jan", "jan")
    assert "02 555 12 12" in volunteer.get(f"/desk/calls/?incident={incident.public_id}").text
    assert volunteer.post(f"/desk/calls/{contact.pk}/undo/").status_code == 200
    assert not Contact.objects.exists()


def test_a_volunteer_who_is_not_needed_any_more_is_out(client: Client, lead: User, volunteer: Client) -> None:
    invitation = VolunteerInvitation.objects.get()

    client.post(reverse("tickets:invitation_end", args=[invitation.pk]))

    assert volunteer.get("/desk/calls/").status_code == 302
    assert not User.objects.get(username="jan").is_active
    assert Shift.objects.get().ended_at is not None


def test_who_has_an_account_keeps_it_and_all_that_she_may_do(client: Client, lead: User) -> None:
    address, agent = link(client), factories.user(first_name="Gerti")
    signed_in = Client()
    signed_in.force_login(agent)

    assert signed_in.post(address).status_code == 302

    assert signed_in.get("/desk/contacts/").status_code == 200
    client.post(reverse("tickets:invitation_end", args=[VolunteerInvitation.objects.get().pk]))
    agent.refresh_from_db()
    assert (agent.is_active, agent.groups.count()) == (True, 1)


def test_an_agent_says_that_she_comes_and_goes_and_that_another_was_called_in(client: Client) -> None:
    nancy = factories.user(first_name="Nancy", language="en")
    gerti = factories.user(first_name="Gerti")
    client.force_login(nancy)
    factories.contact(agent=factories.user(first_name="Hans"), at=timezone.now() - timedelta(minutes=5))
    factories.contact(agent=factories.user(is_active=False), at=timezone.now())

    for _ in range(2):
        client.post(reverse("tickets:shift_start"), {"person": nancy.pk, "came_by": "regular"})
    client.post(reverse("tickets:shift_start"), {"person": gerti.pk, "came_by": "called_in"})
    factories.contact(agent=nancy, at=timezone.now())

    page = client.get(reverse("tickets:crew")).text
    rows = re.findall(r'<tr><th scope="row">(\w+)</th><td>(?:<span[^>]*>)?([^<]+)<.*?</tr>', page)
    assert rows == [("Nancy", "on duty"), ("Gerti", "called in"), ("Hans", "logs calls")]
    client.post(reverse("tickets:shift_stop", args=[Shift.objects.get(person=nancy).pk]))
    assert [shift.person for shift in Shift.objects.on(timezone.now())] == [gerti]


def test_what_is_handed_over_is_kept_once_and_masked(client: Client) -> None:
    client.force_login(factories.user(language="en"))
    sent = {"key": str(uuid.uuid4()), "text": "Rappeler Gand.\n85.07.30-033.28"}

    for _ in range(2):
        client.post(reverse("tickets:hand_over_note"), sent)

    assert "033.28" not in HandOverNote.objects.get().text
    for text in ("", " ", "\x00", "x" * 1001, "caf\ufffd"):
        page = client.post(reverse("tickets:hand_over_note"), {"key": str(uuid.uuid4()), "text": text})
        assert (page.status_code, "invalid-feedback" in page.text) == (422, True)


def test_who_may_not_is_refused_and_the_page_still_tells_who_is_there(client: Client) -> None:
    observer, agent = factories.user(Role.OBSERVER), factories.user()
    client.force_login(observer)
    started = {"person": agent.pk, "came_by": "regular"}
    assert client.get(reverse("tickets:crew")).status_code == 200
    assert client.post(reverse("tickets:shift_start"), started).status_code == 403
    assert client.post(reverse("tickets:hand_over_note"), {"text": "x"}).status_code == 403

    client.force_login(agent)
    sent = {"key": str(uuid.uuid4()), "name": "Jan", "language": "fr"}
    assert client.post(reverse("tickets:invite"), sent).status_code == 403
    assert client.post(reverse("tickets:shift_start"), {"person": observer.pk}).status_code == 422
    assert not VolunteerInvitation.objects.exists()
    assert not Shift.objects.exists()
