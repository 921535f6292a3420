import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from time_machine import TimeMachineFixture

from accounts.models import User
from accounts.refusals import Refused
from accounts.roles import Role
from farmaflux_desk.header import Header
from tests import factories
from tickets import operations
from tickets.models import Contact, ContactImpact, UrgentAnswer, UrgentCase
from tickets.urgent import waiting

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
PAGE = "/desk/urgent/"


@pytest.fixture
def nancy(client: Client) -> User:
    nancy = factories.user(first_name="Nancy", language="en")
    client.force_login(nancy)
    return nancy


def patient(name: str = "anonymous", *, needed_in: int | None = None, **fields: Any) -> Contact:
    now = timezone.now()
    return factories.contact(
        **{
            "caller_text": name,
            "impact": ContactImpact.PATIENT_WAITING,
            "at": now - 30 * MINUTE,
            "needed_by": now + needed_in * MINUTE if needed_in is not None else None,
            "note": "NOTE",
            **fields,
        }
    )


def act(client: Client, contact: Contact, do: str, **sent: Any) -> Any:
    return client.post(reverse("tickets:urgent_act", args=[contact.pk]), {"do": do, **sent})


def listed(client: Client, **asked: str) -> list[str]:
    return re.findall(r'<a href="/desk/contacts/\d+/">([^<]+)</a>', client.get(PAGE, asked).text)


def test_patients_stand_by_when_they_need_it_and_nothing_that_could_name_them_is_shown(
    client: Client, nancy: User
) -> None:
    patient("in two hours", needed_in=120)
    patient("late", needed_in=-45)
    patient("no time said")  # waits since the call, 30 minutes ago
    patient("exercise", needed_in=-90, incident=factories.incident(drill=True))
    patient("over a week ago", at=timezone.now() - timedelta(days=9))
    factories.contact(caller_text="not urgent", at=timezone.now())

    assert listed(client) == ["late", "no time said", "in two hours", "exercise"]
    page = client.get(PAGE).text
    assert (page.count('class="is-late"'), "NOTE" in page) == (2, False)


def test_a_patient_is_taken_on_given_back_and_closed_with_an_answer(client: Client, nancy: User) -> None:
    waits = patient("Marie")

    act(client, waits, "claim")
    assert UrgentCase.objects.get().claimed_by == nancy
    act(client, waits, "release")
    assert UrgentCase.objects.get().claimed_by is None
    act(client, waits, "claim")
    assert act(client, waits, "close", answer="paper", note="85.07.30-033.28").status_code == 302
    act(client, waits, "close", answer="paper")  # sent twice

    case = UrgentCase.objects.get()
    assert (case.answer, case.closed_by, "033.28" in case.note) == (UrgentAnswer.PAPER, nancy, False)
    assert (listed(client), listed(client, closed="on")) == ([], ["Marie"])
    act(client, waits, "reopen")
    assert listed(client) == ["Marie"]


@pytest.mark.parametrize("answer", ["", "nosuch", "\x00"])
def test_closing_without_an_answer_is_refused_beside_its_row_and_nothing_typed_is_lost(
    client: Client, nancy: User, answer: str
) -> None:
    waits, other = patient(), patient()
    act(client, waits, "claim")
    act(client, other, "claim")

    page = act(client, waits, "close", answer=answer, note="typed")

    assert (page.status_code, page.text.count('value="typed"')) == (422, 1)
    assert page.text.split(f'id="urgent-{waits.pk}"')[1].split("</li>")[0].count('role="alert"') == 1
    assert act(client, waits, "close", answer="paper", note="x" * 301).status_code == 422
    assert not UrgentCase.objects.exclude(closed_at=None).exists()


def test_somebody_elses_patient_is_taken_over_only_by_saying_from_whom(client: Client, nancy: User) -> None:
    gerti, hans = factories.user(first_name="Gerti"), factories.user()
    waits = patient()
    operations.claim_urgent(waits, by=gerti)

    for refused in (
        act(client, waits, "claim"),
        act(client, waits, "claim", instead_of=hans.pk),
        act(client, waits, "close", answer="paper"),
    ):
        assert (refused.status_code, "Gerti is seeing to it." in refused.text) == (422, True)
    act(client, waits, "release")
    assert UrgentCase.objects.get().claimed_by == gerti
    assert act(client, waits, "claim", instead_of=gerti.pk).status_code == 302
    assert UrgentCase.objects.get().claimed_by == nancy


def test_an_observer_sees_the_queue_but_takes_nobody_on(client: Client) -> None:
    waits = patient("Marie")
    client.force_login(factories.user(Role.OBSERVER))

    assert listed(client) == ["Marie"]
    assert act(client, waits, "claim").status_code == 403
    assert not UrgentCase.objects.exists()
    client.force_login(factories.user())
    assert act(client, waits, "claim").status_code == 302


def test_who_does_not_wait_or_is_not_known_is_not_found(client: Client, nancy: User) -> None:
    assert act(client, factories.contact(), "claim").status_code == 404
    assert client.post(reverse("tickets:urgent_act", args=[999])).status_code == 404
    assert act(client, patient(), "nonsense").status_code == 302


def test_it_is_counted_at_the_head_of_every_page_without_exercises_in_one_query(
    client: Client, nancy: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    patient(needed_in=-5)
    held = patient(needed_in=60)
    operations.claim_urgent(held, by=nancy)
    patient(incident=factories.incident(drill=True))
    helped = patient()
    operations.close_urgent(helped, by=nancy, answer="worked")

    with django_assert_num_queries(1):
        found = waiting(timezone.now())

    assert (found.count, found.late, found.unclaimed) == (2, 1, 1)
    page = client.get(reverse("desk:keys")).text
    assert ("2 patients waiting" in page, "1 late" in page) == (True, True)
    before = Header(user=nancy, at=timezone.now()).version
    operations.release_urgent(held, by=nancy)
    assert Header(user=nancy, at=timezone.now()).version != before


def test_the_queue_is_drawn_anew_only_when_it_changed_and_never_under_a_form(
    client: Client, nancy: User, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(timezone.now(), tick=False)  # every minute changes what the lines say

    def poll() -> Any:
        (address,) = re.findall(r'hx-get="(/desk/urgent/live/[^"]+)"', client.get(PAGE).text)
        address = address.replace("&amp;", "&")
        unchanged = client.get(address)
        patient()
        return unchanged.status_code, client.get(address)

    status, drawn = poll()
    assert (status, 'id="urgent-queue"' in drawn.text, "HX-Retarget" in drawn) == (204, True, False)
    operations.claim_urgent(Contact.objects.all()[0], by=nancy)
    status, told = poll()
    assert (status, told["HX-Retarget"], "<form" in told.text) == (204, "#urgent-changed", False)


def test_what_somebody_sees_to_is_not_undone_and_goes_along_when_merged(nancy: User) -> None:
    pharmacy = factories.pharmacy()
    kept, waits = patient(pharmacy=pharmacy), patient(pharmacy=pharmacy, agent=nancy, at=timezone.now())
    operations.claim_urgent(waits, by=nancy)

    with pytest.raises(Refused, match="s’occupe"):
        operations.undo_contact(waits, by=nancy)
    operations.merge_contacts(kept, duplicate=waits, by=nancy)
    assert UrgentCase.objects.get().contact == kept
