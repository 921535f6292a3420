import re
from datetime import timedelta

import pytest

from comms.models import Anchor, PlanPhase, PlanStep, PlanTemplate
from comms.operations import standard_plan
from comms.plan import rules
from comms.plan.standard import standard_plan as planned
from incidents.models import ResponseRole
from tests.factories import OUTAGE

MINUTE = timedelta(minutes=1)


def test_the_plan_has_25_steps_in_order_of_their_phases() -> None:
    _template, steps = planned()
    phases = [step.phase for step in steps]

    assert [step.number for step in steps] == list(range(1, 26))
    assert phases == sorted(phases, key=PlanPhase.values.index)


def test_every_step_can_be_stored_and_its_texts_fit() -> None:
    _template, steps = planned()

    for step in steps:
        step.clean_fields(exclude=["template"])
    assert [step.number for step in steps if not set(step.owners) <= set(ResponseRole)] == []
    assert [
        title for step in steps for title in (step.title_fr, step.title_nl, step.title_en) if len(title) > 120
    ] == []


def test_every_step_has_a_title_in_all_languages_and_its_condition_and_channel_in_those_of_the_desk() -> None:
    _template, steps = planned()
    fields = [f"title_{language}" for language in ("fr", "nl", "de", "en")]
    fields += [f"{part}_{language}" for part in ("condition", "channel") for language in ("fr", "nl", "en")]

    assert [(step.number, field) for step in steps for field in fields if not getattr(step, field)] == []


def test_french_titles_have_their_no_break_spaces_and_apostrophes() -> None:
    _template, steps = planned()
    french = [text for step in steps for text in (step.title_fr, step.condition_fr, step.channel_fr)]

    assert [text for text in french if re.search(r" [:;?!»]|« |\w'\w", text)] == []


def test_early_steps_fall_due_so_many_minutes_after_the_plan_started() -> None:
    moments = rules.Moments(plan_start=OUTAGE)
    due = {step.number: rules.judge(step, [], moments, OUTAGE).due_at for step in planned()[1]}

    assert {number: (at - OUTAGE) // MINUTE for number, at in due.items() if at and number != 21} == {
        1: 0,
        2: 5,
        3: 10,
        4: 15,
        5: 15,
        6: 20,
        7: 20,
        8: 30,
        9: 30,
        11: 45,
        13: 15,
        14: 30,
        15: 70,
        16: 90,
        17: 120,
    }


def test_the_next_message_is_due_after_20_minutes_at_first_and_after_an_hour_later() -> None:
    step = planned()[1][11]
    due = [
        rules.judge(
            step, [], rules.Moments(plan_start=OUTAGE, last_message=OUTAGE + said * MINUTE), OUTAGE
        ).due_at
        for said in (5, 115, 121)
    ]

    assert due == [OUTAGE + 25 * MINUTE, OUTAGE + 135 * MINUTE, OUTAGE + 181 * MINUTE]


def test_steps_that_are_a_message_to_the_public_are_done_by_publishing_it() -> None:
    published = {step.number: step.audiences for step in planned()[1] if step.publishes}

    early = ["public", "pharmacists"]
    assert published == {3: early, 6: early, 10: early, 11: early, 12: [], 18: [], 20: [], 21: [], 22: []}


def test_recovery_steps_wait_for_their_recovery() -> None:
    anchors = {step.number: step.anchor for step in planned()[1] if step.phase in ("restore", "close")}

    assert anchors == {
        18: Anchor.REGISTRATION_BACK,
        19: Anchor.TRANSFER_BACK,
        20: Anchor.TRANSFER_BACK,
        21: Anchor.WALL_CLOCK,
        22: Anchor.FULLY_RESTORED,
        23: Anchor.CLOSURE,
        24: Anchor.CLOSURE,
        25: Anchor.CLOSURE,
    }


@pytest.mark.django_db
def test_installing_again_leaves_the_edited_plan_alone() -> None:
    template = standard_plan.install()
    template.steps.filter(number=1).update(title_fr="Autre chose")

    again = standard_plan.install()

    assert (again, PlanTemplate.objects.count(), PlanStep.objects.count()) == (template, 1, 25)
    assert template.steps.get(number=1).title_fr == "Autre chose"
