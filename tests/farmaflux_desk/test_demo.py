"""Loading the demonstration's whole day, refusing to, and resetting it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from accounts.refusals import Refused
from comms.models import Delivery, DeliveryState
from comms.plan.board import board, checklists
from comms.status import archive, archiving
from farmaflux_desk.demo.operations import load, reset
from farmaflux_desk.models import Demonstration
from incidents import timeline
from incidents.models import Incident, LinkStanding, Postmortem, PublicRevision
from tests import factories
from tickets.models import Callback, CallbackState, Contact, Pharmacy, Report

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")
YEARS_LATER = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)


def test_the_whole_day_is_there_at_its_own_times_and_over() -> None:
    load(live=False, password="black-friday", at=YEARS_LATER)

    outage = Incident.objects.get(severity="S1")
    published = [update.published_at for update in outage.updates.published()]
    clocks = [f"{moment.astimezone(BRUSSELS):%H:%M}" for moment in reversed(published) if moment]
    standing = board(checklists().get(), YEARS_LATER)
    assert not Incident.objects.open().exists()
    assert f"{outage.began_at.astimezone(BRUSSELS):%Y-%m-%d %H:%M}" == "2022-07-01 13:30"
    assert clocks == [
        "13:45",
        "14:05",
        "14:35",
        "15:05",
        "15:20",
        "15:45",
        "16:15",
        "16:35",
        "17:35",
        "20:00",
        "00:30",
    ]
    assert (Contact.objects.count(), Callback.objects.filter(state=CallbackState.OPEN).count()) == (182, 0)
    assert Report.objects.count() == 60
    assert not LinkStanding.objects.exists()
    assert [row.incident for row in Postmortem.objects.published()] == [outage]
    assert (standing.done, standing.late) == (25, [])
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.SENT}
    assert [timeline.verify(incident) for incident in Incident.objects.all()] == [[]] * 6


@pytest.mark.parametrize("owned", ["user", "incident", "pharmacy"])
def test_a_database_in_use_takes_no_demonstration(owned: str) -> None:
    getattr(factories, owned)()
    before = User.objects.count(), Pharmacy.objects.count()

    with pytest.raises(Refused):
        load(live=False, password="black-friday")

    assert (User.objects.count(), Pharmacy.objects.count()) == before
    assert not Demonstration.objects.exists()


def test_a_database_that_is_no_demonstration_is_never_emptied() -> None:
    mine = factories.pharmacy()

    with pytest.raises(Refused):
        reset(password="black-friday")

    assert list(Pharmacy.objects.all()) == [mine]


@pytest.mark.django_db(transaction=True)  # PostgreSQL empties no table just filled
def test_resetting_takes_away_what_was_entered_since_and_the_public_revision_goes_on(
    settings: Settings,
) -> None:
    load(live=False, password="black-friday", at=YEARS_LATER)
    revision = PublicRevision.objects.current()
    archiving.build(settings.DESK_STATUS_ROOT, YEARS_LATER)
    factories.contact(caller_text="someone", agent=User.objects.get(username="agent"))
    factories.user(username="visitor")

    reset(password="another-one", at=YEARS_LATER + timedelta(days=1))

    marked = Demonstration.objects.get()
    assert (marked.live, marked.loaded_at) == (False, YEARS_LATER + timedelta(days=1))
    assert (Contact.objects.count(), User.objects.filter(username="visitor").exists()) == (182, False)
    assert User.objects.get(username="lead").has_perm("incidents.run_incident")
    assert User.objects.get(username="lead").check_password("another-one")
    assert PublicRevision.objects.current() > revision
    assert archive.newest(settings.DESK_STATUS_ROOT) is None  # no page of before


def test_the_command_loads_live_and_takes_the_password_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DESK_DEMO_PASSWORD", "white-monday")

    call_command("demo", "load", "--live")

    assert User.objects.get(username="agent").check_password("white-monday")
    assert Demonstration.objects.get().live is True


@pytest.mark.parametrize(
    ("action", "reason"),
    [("load", "This database is in use"), ("reset", "This database is no demonstration")],
)
def test_the_command_says_in_one_line_why_it_refuses(action: str, reason: str) -> None:
    factories.user()

    with pytest.raises(CommandError, match=reason):
        call_command("demo", action)


def test_a_desk_that_others_can_reach_gets_no_account_with_the_published_password(settings: Settings) -> None:
    settings.DESK_BASE_URL = "https://desk.example.org"

    with pytest.raises(CommandError, match="DESK_DEMO_PASSWORD"):
        call_command("demo", "load")

    assert not User.objects.exists()
