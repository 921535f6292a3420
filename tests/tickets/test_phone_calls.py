"""What becomes of a call that the telephone system tells of, in whatever order it does."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from accounts.models import Intake, User
from accounts.refusals import NotAllowed
from accounts.roles import Role
from incidents.models import Incident, Phase
from tests import factories
from tests.factories import OUTAGE
from tickets import cti, operations, phone
from tickets.models import Callback, Contact, Pharmacy, PharmacyPhone, PhoneCall

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
NUMBER = "3225551212"


@pytest.fixture
def pbx() -> Intake:
    return factories.intake(name="3CX Namur")[0]


@pytest.fixture
def nancy() -> User:
    return factories.user(first_name="Nancy", extension="101")


def pharmacy(number: str = NUMBER, **fields: str) -> Pharmacy:
    made = factories.pharmacy(**fields)
    PharmacyPhone.objects.create(pharmacy=made, raw=number, e164=phone.given_by_machine(number).e164)
    return made


def event(kind: cti.Kind, call_id: str = "c1", *, number: str = NUMBER, **fields: object) -> cti.Event:
    told = {
        "origin": "",
        "names": ("101",) if kind == "answer" else (),
        "answered": kind == "answer",
        "diverted": False,
        "wants_answer": False,
    }
    return cti.Event(
        kind=kind,
        call_id=call_id,
        number=phone.given_by_machine(number),
        **(told | fields),  # type: ignore[arg-type]
    )


def tell(pbx: Intake, *events: cti.Event, at: datetime = OUTAGE) -> None:
    for n, one in enumerate(events):
        operations.take_event(one, by=pbx, at=at + n * SECOND)


def settle() -> None:
    operations.settle_calls(at=OUTAGE + timedelta(minutes=1))


def offered(user: User) -> list[str]:
    calls = PhoneCall.objects.offered_to(user, at=OUTAGE + timedelta(minutes=1))
    return [call.call_id for call in calls]


def test_an_answered_call_is_offered_to_who_answered_and_to_nobody_else(pbx: Intake, nancy: User) -> None:
    other = factories.user(extension="102")

    tell(pbx, event("newCall"), event("answer"))

    assert (offered(nancy), offered(other)) == (["c1"], [])


@pytest.mark.parametrize(
    ("extension", "names"),
    [
        ("agent@example.org", ("Agent@Example.org",)),
        ("02/739.23.99", ("3227392399",)),
        ("Nancy Peeters", ("w0", "nancy peeters")),
    ],
)
def test_an_agent_is_known_by_whatever_the_telephone_system_calls_her(
    pbx: Intake, extension: str, names: tuple[str, ...]
) -> None:
    nancy = factories.user(extension=extension)

    tell(pbx, event("answer", names=names))

    assert offered(nancy) == ["c1"]


def test_events_in_any_order_and_twice_end_in_the_same_row(pbx: Intake, nancy: User) -> None:
    events = [event("newCall"), event("answer"), event("hangup", answered=True)]

    ends = set()
    for n, order in enumerate(permutations(events * 2)):
        if n % 24:  # 30 of the 720 orders
            continue
        PhoneCall.objects.all().delete()
        tell(pbx, *order)
        settle()
        call = PhoneCall.objects.get()
        ends.add((call.e164, call.agent, bool(call.answered_at), bool(call.ended_at), tuple(offered(nancy))))

    assert ends == {("+3225551212", nancy, True, True, ("c1",))}
    assert not Contact.objects.exists()


def test_a_call_that_nobody_answered_becomes_a_callback_for_the_pharmacy(pbx: Intake) -> None:
    caller = pharmacy(name="Pharmacie de la Gare", language="nl")
    incident = factories.incident()

    tell(pbx, event("newCall"), event("hangup"))
    settle()
    settle()

    contact = Contact.objects.get()
    assert (contact.pharmacy, contact.incident, contact.language) == (caller, incident, "nl")
    assert (contact.channel, contact.outcome, contact.agent.display_name) == ("phone", "missed", "3CX Namur")
    assert (contact.occurred_at, contact.callback.e164) == (OUTAGE, "+3225551212")
    assert (contact.callback.window, contact.callback.state) == ("soon", "open")


def test_an_answer_that_comes_late_is_waited_for(pbx: Intake, nancy: User) -> None:
    tell(pbx, event("newCall"), event("hangup"))

    operations.settle_calls(at=OUTAGE + 4 * SECOND)
    tell(pbx, event("answer"), at=OUTAGE + 4 * SECOND)
    settle()

    assert not Contact.objects.exists()


def test_a_call_whose_end_was_never_told_is_not_lost(pbx: Intake) -> None:
    tell(pbx, event("newCall"))

    settle()
    assert not Contact.objects.exists()
    operations.settle_calls(at=OUTAGE + timedelta(hours=1, seconds=1))
    assert Contact.objects.get().callback.e164 == "+3225551212"


def test_who_tries_again_is_counted_again_and_called_back_once(pbx: Intake) -> None:
    pharmacy()
    for call in ("c1", "c2", "c3"):
        tell(pbx, event("newCall", call), event("hangup", call))
        settle()

    assert (Contact.objects.count(), Callback.objects.count()) == (3, 1)


@pytest.mark.parametrize(
    ("number", "caller", "callback"),
    [
        ("anonymous", "anonymous", ""),
        ("8003", "8003", "open"),
        ("090712345", "0907 12 345", ""),
        ("+33142685300", "+33 1 42 68 53 00", "open"),
    ],
)
def test_a_missed_caller_is_logged_even_when_she_cannot_be_called_back(
    pbx: Intake, number: str, caller: str, callback: str
) -> None:
    tell(pbx, event("newCall", number=number), event("hangup", number=number))
    settle()

    contact = Contact.objects.get()
    assert (contact.caller_text, contact.callback_state) == (caller, callback)


def test_of_several_pharmacies_on_a_number_and_several_incidents_none_is_guessed(pbx: Intake) -> None:
    pharmacy()
    pharmacy()
    factories.incident()
    factories.incident()

    tell(pbx, event("newCall"), event("hangup"))
    settle()

    contact = Contact.objects.get()
    assert (contact.pharmacy, contact.incident, contact.caller_text) == (None, None, "02 555 12 12")


def test_a_resolved_incident_takes_no_missed_calls(pbx: Intake) -> None:
    factories.incident(phase=Phase.RESOLVED)
    open_one: Incident = factories.incident()

    tell(pbx, event("newCall"), event("hangup"))
    settle()

    assert Contact.objects.get().incident == open_one


def test_a_call_that_went_to_another_number_is_not_missed(pbx: Intake) -> None:
    tell(pbx, event("newCall"), event("hangup", diverted=True))
    settle()

    assert not Contact.objects.exists()
    assert PhoneCall.objects.get().settled_at


def test_a_call_that_was_put_through_is_offered_to_the_second_and_missed_by_nobody(
    pbx: Intake, nancy: User
) -> None:
    jo = factories.user(extension="102")
    tell(
        pbx,
        event("newCall"),
        event("answer"),
        event("newCall", "c2", origin="c1"),
        event("hangup", answered=True),
        event("answer", "c2", origin="c1", names=("102",)),
        event("hangup", "c2", origin="c1", answered=True),
    )
    settle()

    assert (offered(nancy), offered(jo)) == (["c1"], ["c2"])
    assert not Contact.objects.exists()


def test_a_queue_that_hands_the_call_on_is_one_call_missed_or_answered(pbx: Intake, nancy: User) -> None:
    for first, answers in (("c1", True), ("d1", False)):
        leg = f"{first}-leg"
        told = [event("newCall", first), event("hangup", first), event("newCall", leg, origin=first)]
        told += [event("answer", leg, origin=first)] * answers
        tell(pbx, *told, event("hangup", leg, origin=first))
    settle()

    assert [call.call_id for call in PhoneCall.objects.exclude(contact=None)] == ["d1"]
    assert Contact.objects.count() == 1


def test_a_call_taken_or_waved_away_is_not_offered_again(pbx: Intake, nancy: User) -> None:
    tell(pbx, event("answer"), event("answer", "c2"))
    call = PhoneCall.objects.get(call_id="c2")

    operations.settle_offer(call, by=factories.user(extension="102"))
    assert offered(nancy) == ["c2", "c1"]
    operations.settle_offer(call, by=nancy)
    assert offered(nancy) == ["c1"]


def test_an_observer_settles_nothing(pbx: Intake) -> None:
    observer = factories.user(Role.OBSERVER, extension="101")
    tell(pbx, event("answer"))

    with pytest.raises(NotAllowed):
        operations.settle_offer(PhoneCall.objects.get(), by=observer)
    assert offered(observer) == ["c1"]


def test_an_offer_ends_after_half_an_hour(pbx: Intake, nancy: User) -> None:
    tell(pbx, event("answer"))

    half_an_hour = OUTAGE + timedelta(minutes=30)
    assert not PhoneCall.objects.offered_to(nancy, at=half_an_hour).exists()
    operations.settle_calls(at=half_an_hour)
    assert PhoneCall.objects.get().settled_at == half_an_hour


def test_calls_are_forgotten_after_thirty_days_and_their_contacts_stay(pbx: Intake) -> None:
    tell(pbx, event("newCall"), event("hangup"))
    settle()

    operations.forget_calls(at=OUTAGE + timedelta(days=30))
    assert PhoneCall.objects.exists()
    operations.forget_calls(at=OUTAGE + timedelta(days=30, seconds=1))
    assert (PhoneCall.objects.count(), Contact.objects.count()) == (0, 1)


def test_two_systems_may_give_their_calls_the_same_id(pbx: Intake) -> None:
    other = factories.intake(name="Asterisk")[0]

    tell(pbx, event("newCall"))
    tell(other, event("newCall"))

    assert PhoneCall.objects.count() == 2


def test_it_shows_when_a_system_was_heard_last(pbx: Intake) -> None:
    tell(pbx, event("newCall"))

    pbx.refresh_from_db()
    assert pbx.heard_at == OUTAGE
