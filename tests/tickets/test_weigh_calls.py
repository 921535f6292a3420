"""The plan hears of the calls of the last half hour."""

from datetime import timedelta

import pytest

from accounts.roles import Role
from comms.models import CallPressure
from comms.operations import plan, standard_plan
from tests import factories
from tests.factories import OUTAGE
from tickets.operations import weigh_calls

pytestmark = pytest.mark.django_db


def test_more_than_twenty_calls_in_half_an_hour_are_noted_for_the_plan_once() -> None:
    incident, agent = factories.incident(), factories.user()
    plan.start_plan(incident, standard_plan.install(), by=factories.user(Role.LEAD), at=OUTAGE)
    for minute in range(21):
        at = OUTAGE + timedelta(minutes=minute)
        factories.contact(incident=incident, agent=agent, caller_text="?", at=at)
    factories.contact(agent=agent, caller_text="?", at=OUTAGE)

    for minute in (19, 20, 25):
        weigh_calls(OUTAGE + timedelta(minutes=minute))

    noted = CallPressure.objects.values_list("incident", "calls", "exceeded_at")
    assert list(noted) == [(incident.pk, 20, OUTAGE + timedelta(minutes=20))]
