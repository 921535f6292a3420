"""The plan on the screen: shown, started, its steps marked, its template edited."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from accounts.roles import Role
from comms.models import Anchor, Checklist, ChecklistItem, PlanPhase, PlanStep, PlanTemplate, Tick
from comms.operations import plan
from comms.operations.standard_plan import install
from comms.templatetags.comms import apart
from incidents import operations as incidents
from incidents.models import Incident, Phase, ResponseRole
from tests import factories

pytestmark = pytest.mark.django_db
STEP = {
    "number": "3",
    "phase": "run",
    "title_fr": "Appeler Sciensano",
    "title_nl": "Sciensano bellen",
    "anchor": "plan_start",
    "offset_minutes": "40",
    "offset_days": "0",
    "owners": ["product_lead"],
}


@pytest.fixture
def signed_in(client: Client) -> Callable[..., User]:
    def sign_in(role: Role, language: str = "en") -> User:
        person = factories.user(role, language=language)
        client.force_login(person)
        return person

    return sign_in


@pytest.fixture
def template() -> PlanTemplate:
    made = PlanTemplate.objects.create(key="short", name_fr="Short plan", name_nl="Short plan")
    for number, fields in (
        (1, {"offset_minutes": 10, "owners": ["scribe"], "condition_nl": "altijd", "channel_nl": "telefoon"}),
        (2, {"offset_minutes": 90, "repeat_minutes": 15}),
    ):
        PlanStep.objects.create(
            template=made,
            phase=PlanPhase.START,
            number=number,
            title_fr=f"Étape-{number}",
            title_nl=f"Stap-{number}",
            title_en=f"Step-{number}",
            anchor=Anchor.PLAN_START,
            **fields,
        )
    return made


@pytest.fixture
def incident() -> Incident:
    return factories.incident(began_at=timezone.now() - timedelta(minutes=40))


@pytest.fixture
def checklist(incident: Incident, template: PlanTemplate) -> Checklist:
    started = timezone.now() - timedelta(minutes=30, seconds=5)
    return plan.start_plan(incident, template, by=factories.user(Role.LEAD), at=started)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def show(client: Client, incident: Incident) -> str:
    response = client.get(reverse("comms:plan", args=[incident.public_id]))
    assert response.status_code == 200
    return text_of(response.text.partition('id="content"')[2])


def mark(client: Client, item: ChecklistItem, **fields: str) -> Any:
    given = {"key": str(uuid.uuid4()), "outcome": "done", "note": "by phone", **fields}
    return client.post(reverse("comms:tick", args=[item.pk]), given)


def test_the_page_says_what_is_late_by_how_much_for_whom_and_why(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    signed_in(Role.AGENT, "nl")

    page = show(client, checklist.incident)

    assert [title in page for title in ("Stap-1", "Stap-2", "Étape-1", "telefoon", "altijd")] == [
        True,
        True,
        False,
        True,
        True,
    ]
    assert "+20 min" in page
    assert "over 59 min" in page


def test_a_role_nobody_holds_is_shown_as_such_until_somebody_does(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    lead = signed_in(Role.LEAD)
    before = show(client, checklist.incident)
    manon = factories.user(Role.COMMUNICATIONS, first_name="Manon")
    incidents.assign_role(checklist.incident, ResponseRole.SCRIBE, manon, by=lead)

    after = show(client, checklist.incident)

    assert ("Scribe: nobody" in before, "Scribe: nobody" in after, "Scribe: Manon" in after) == (
        True,
        False,
        True,
    )


def test_a_repeating_step_shows_when_it_was_last_done_and_when_again(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    agent = signed_in(Role.AGENT)
    plan.tick(
        checklist.items.get(number=2), key=uuid.uuid4(), outcome=Tick.Outcome.DONE, note="20 calls", by=agent
    )

    page = show(client, checklist.incident)

    assert f"{agent.display_name}: 20 calls" in page
    assert "in 14 min" in page


def test_starting_a_plan_shows_its_steps_and_starting_again_changes_nothing(
    client: Client, signed_in: Callable[..., User], incident: Incident, template: PlanTemplate
) -> None:
    signed_in(Role.COMMUNICATIONS)
    address = reverse("comms:plan_start", args=[incident.public_id])

    answers = [client.post(address, {"template": "short"}).status_code for _twice in range(2)]

    assert (answers, Checklist.objects.count()) == ([302, 302], 1)
    assert "Step-2" in show(client, incident)


@pytest.mark.parametrize("key", ["", "nowhere", "short\x00", "x" * 5000, "<script>"])
def test_starting_a_plan_there_is_none_of_is_not_found(
    client: Client, signed_in: Callable[..., User], incident: Incident, template: PlanTemplate, key: str
) -> None:
    signed_in(Role.LEAD)

    answer = client.post(reverse("comms:plan_start", args=[incident.public_id]), {"template": key})

    assert (answer.status_code, Checklist.objects.exists()) == (404, False)


def test_a_resolved_incident_refuses_a_plan_with_a_reason(
    client: Client, signed_in: Callable[..., User], template: PlanTemplate
) -> None:
    signed_in(Role.LEAD)
    resolved = factories.incident(phase=Phase.RESOLVED)

    answer = client.post(reverse("comms:plan_start", args=[resolved.public_id]), {"template": "short"})

    assert (answer.status_code, "reopen it first" in answer.text) == (422, True)


def test_a_step_is_marked_once_however_often_the_form_is_sent(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    agent, item, key = signed_in(Role.AGENT), checklist.items.get(number=1), str(uuid.uuid4())

    answers = [mark(client, item, key=key) for _twice in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].url == f"{reverse('comms:plan', args=[checklist.incident.public_id])}#step-1"
    assert list(Tick.objects.values_list("item", "outcome", "note", "by")) == [
        (item.pk, "done", "by phone", agent.pk)
    ]
    assert f"{agent.display_name}: by phone" in show(client, checklist.incident)


@pytest.mark.parametrize(
    ("fields", "reason", "kept"),
    [
        ({"outcome": "not_applicable", "note": " "}, "Say why this step does not apply.", ""),
        ({"outcome": "perhaps"}, "Say whether the step is done or does not apply.", "by phone"),
        ({"note": "x" * 501}, "at most 500 characters", "x" * 501),
        ({"note": "a\x00b"}, "a character that cannot be kept", "b"),
    ],
)
def test_a_refused_mark_says_why_beside_its_step_and_keeps_the_text(
    client: Client,
    signed_in: Callable[..., User],
    checklist: Checklist,
    fields: dict[str, str],
    reason: str,
    kept: str,
) -> None:
    signed_in(Role.AGENT)

    answer = mark(client, checklist.items.get(number=2), **fields)

    step = answer.text.partition('id="step-2"')[2].partition("</li>")[0]
    assert (answer.status_code, reason in unescape(step), Tick.objects.count()) == (422, True, 0)
    assert f'{kept}"' in step


def test_what_is_typed_is_shown_as_text_and_invalid_bytes_break_nothing(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    signed_in(Role.AGENT)
    item = checklist.items.get(number=2)
    mark(client, item, note="<script>alert(1)</script>")
    answer = client.post(
        reverse("comms:tick", args=[item.pk]),
        b"outcome=done&note=caf%e9",
        content_type="application/x-www-form-urlencoded",
    )

    page = client.get(reverse("comms:plan", args=[checklist.incident.public_id])).text

    assert (answer.status_code, item.ticks.count()) == (422, 1)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_mark_is_taken_back_and_the_step_is_open_again(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    agent, item = signed_in(Role.AGENT), checklist.items.get(number=1)
    mark(client, item)
    done = show(client, checklist.incident)

    answer = client.post(reverse("comms:withdraw", args=[item.ticks.get().pk]))

    assert (answer.status_code, item.ticks.get().withdrawn_by) == (302, agent)
    assert ("+20 min" in done, "+20 min" in show(client, checklist.incident)) == (False, True)


@pytest.mark.parametrize(
    "address",
    ["plan/zzzz/", "plan/%00/", "plan/template/zzz/", "plan/template/short/99/", "plan/template/short/0/"],
)
def test_addresses_of_nothing_are_not_found(
    client: Client, signed_in: Callable[..., User], template: PlanTemplate, address: str
) -> None:
    signed_in(Role.LEAD)

    assert client.get(f"/desk/{address}").status_code == 404


def test_marking_or_taking_back_what_is_not_there_is_not_found(
    client: Client, signed_in: Callable[..., User]
) -> None:
    signed_in(Role.LEAD)
    addresses = [reverse(name, args=[10**12]) for name in ("comms:tick", "comms:withdraw")]

    assert [client.post(address).status_code for address in addresses] == [404, 404]


@pytest.mark.parametrize(
    ("role", "start", "tick", "edit"),
    [
        (Role.OBSERVER, False, False, False),
        (Role.AGENT, False, True, False),
        (Role.COMMUNICATIONS, True, True, False),
        (Role.LEAD, True, True, True),
    ],
)
def test_each_role_sees_and_may_do_what_is_its_own(
    client: Client,
    signed_in: Callable[..., User],
    checklist: Checklist,
    role: Role,
    start: bool,  # noqa: FBT001
    tick: bool,  # noqa: FBT001
    edit: bool,  # noqa: FBT001
) -> None:
    signed_in(role)
    other, item = factories.incident(), checklist.items.get(number=1)
    offers = "Start the plan" in show(client, other), "Mark this step" in show(client, checklist.incident)
    listed = "Short plan" in client.get(reverse("comms:plans")).text.partition("Templates")[2]

    started = client.post(reverse("comms:plan_start", args=[other.public_id]), {"template": "short"})
    marked = mark(client, item)
    opened = client.get(reverse("comms:template", args=["short"]))
    saved = client.post(reverse("comms:step_new", args=["short"]), STEP)
    removed = client.post(reverse("comms:step_remove", args=["short", 1]))

    assert (*offers, listed) == (start, tick, edit)
    assert [answer.status_code for answer in (started, marked, opened, saved, removed)] == [
        302 if start else 403,
        302 if tick else 403,
        200 if edit else 403,
        302 if edit else 403,
        302 if edit else 403,
    ]
    assert (Checklist.objects.count(), Tick.objects.count()) == (1 + start, int(tick))
    assert list(PlanStep.objects.values_list("number", flat=True)) == ([2, 3] if edit else [1, 2])


def test_an_observer_may_not_take_a_mark_back_and_an_agent_may(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    signed_in(Role.AGENT)
    mark(client, checklist.items.get(number=1))
    address = reverse("comms:withdraw", args=[Tick.objects.get().pk])

    signed_in(Role.OBSERVER)
    refused = client.post(address).status_code
    signed_in(Role.AGENT)

    assert (refused, client.post(address).status_code) == (403, 302)


def test_an_edited_step_is_saved_whole_and_the_running_plan_keeps_its_own(
    client: Client, signed_in: Callable[..., User], checklist: Checklist, template: PlanTemplate
) -> None:
    signed_in(Role.LEAD)

    answer = client.post(
        reverse("comms:step", args=["short", 1]),
        {**STEP, "number": "1", "repeat_minutes": "60", "until": "fully_restored"},
    )

    step = template.steps.get(number=1)
    assert answer.status_code == 302
    assert (step.title_fr, step.offset_minutes, step.owners, step.repeat_minutes, step.until) == (
        "Appeler Sciensano",
        40,
        ["product_lead"],
        60,
        "fully_restored",
    )
    frozen = checklist.items.get(number=1)
    assert (frozen.title_fr, frozen.offset_minutes, frozen.owners) == ("Étape-1", 10, ["scribe"])
    assert "Step-1" in show(client, checklist.incident)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": "1"}, "number"),
        ({"number": "0"}, "number"),
        ({"title_fr": ""}, "title_fr"),
        ({"title_nl": "x" * 161}, "title_nl"),
        ({"title_nl": "a\x00b"}, "title_nl"),
        ({"owners": ["nobody"]}, "owners"),
        ({"anchor": "wall_clock"}, "wall_clock"),
        ({"offset_minutes": "2000000000"}, "offset_minutes"),
        ({"offset_minutes": "9" * 400}, "offset_minutes"),
        ({"offset_days": "5000"}, "offset_days"),
        ({"repeat_minutes": "0"}, "repeat_minutes"),
        ({"until": "plan_start"}, "until"),
        ({"repeat_first_minutes": "5", "repeat_first_for_minutes": "60"}, "repeat_minutes"),
        ({"repeat_minutes": "60", "repeat_first_minutes": "5"}, "repeat_first_for_minutes"),
    ],
)
def test_a_step_that_could_not_be_followed_is_refused_beside_its_field(
    client: Client,
    signed_in: Callable[..., User],
    template: PlanTemplate,
    wrong: dict[str, Any],
    field: str,
) -> None:
    signed_in(Role.LEAD)

    answer = client.post(reverse("comms:step_new", args=["short"]), {**STEP, **wrong})

    assert (answer.status_code, template.steps.count()) == (422, 2)
    assert list(answer.context["form"].errors) == [field]


def test_every_step_of_the_standard_plan_can_be_saved_as_it_is(
    client: Client, signed_in: Callable[..., User]
) -> None:
    signed_in(Role.LEAD)
    template = install()
    before = list(template.steps.values())

    for number in range(1, 26):
        address = reverse("comms:step", args=[template.key, number])
        form = client.get(address).context["form"]
        typed = {name: form[name].value() for name in form.fields}
        answer = client.post(
            address,
            {name: value for name, value in typed.items() if value is not None and value is not False},
        )
        assert answer.status_code == 302, answer.context["form"].errors

    assert list(template.steps.values()) == before


def test_the_list_costs_as_many_queries_for_three_plans_as_for_one(
    client: Client, signed_in: Callable[..., User], checklist: Checklist, template: PlanTemplate
) -> None:
    lead = signed_in(Role.LEAD)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page = client.get(reverse("comms:plans"))
        assert page.text.count("steps behind us") == Checklist.objects.count()
        return len(captured)

    queries()
    one = queries()
    for _more in range(2):
        plan.start_plan(factories.incident(), template, by=lead)
    queries()

    assert queries() == one


def test_an_open_incident_shows_its_plan_however_many_started_since(
    client: Client, signed_in: Callable[..., User], checklist: Checklist, template: PlanTemplate
) -> None:
    lead = signed_in(Role.LEAD)
    for _later in range(13):
        plan.start_plan(factories.incident(), template, by=lead)

    page = client.get(reverse("comms:plans")).text

    assert page.count("steps behind us") == 14


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "0 min"), (119, "119 min"), (120, "2 h 00"), (-278, "4 h 38"), (2879, "47 h 59"), (7200, "5 d")],
)
def test_long_times_are_told_in_hours_and_days(minutes: int, said: str) -> None:
    with translation.override("en"):
        assert apart(factories.OUTAGE + timedelta(minutes=minutes), factories.OUTAGE) == said


def test_of_many_marks_the_last_is_shown_and_the_others_are_folded(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    agent, item = signed_in(Role.AGENT), checklist.items.get(number=2)
    for note in ("20 calls", "30 calls", "40 calls"):
        plan.tick(item, key=uuid.uuid4(), outcome=Tick.Outcome.DONE, note=note, by=agent)

    page = client.get(reverse("comms:plan", args=[checklist.incident.public_id])).text
    shown, _summary, folded = page.partition('<details class="fx-earlier">')

    assert ("40 calls" in shown, "30 calls" in shown, "40 calls" in folded) == (True, False, False)
    assert "2 earlier" in folded
    assert folded.index("30 calls") < folded.index("20 calls")


def test_a_step_that_asks_for_evidence_says_beside_each_field_what_is_missing_and_keeps_what_was_typed(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    signed_in(Role.AGENT)
    item = checklist.items.get(number=1)
    checklist.items.filter(pk=item.pk).update(evidence=["reached", "how", "message"])
    sent = factories.update(checklist.incident, published_at=timezone.now())

    refused = mark(client, item, reached="<b>Anne</b>", update="99999999", note="a remark")
    page = refused.text
    done = mark(client, item, reached="Anne", how="phone", update=str(sent.number))

    assert (refused.status_code, done.status_code, Tick.objects.get().update) == (422, 302, sent)
    assert [f'id="{name}-{item.pk}-error"' in page for name in ("reached", "how", "message", "note")] == [
        False,
        True,
        True,
        False,
    ]
    assert 'value="&lt;b&gt;Anne&lt;/b&gt;"' in page
    assert 'value="a remark"' in page
    assert "Reached Anne How phone Message v1" in show(client, checklist.incident)


def test_the_message_that_is_the_evidence_is_one_click_away_and_paper_tells_all_of_it(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    signed_in(Role.AGENT)
    sent = factories.update(checklist.incident, published_at=timezone.now())
    mark(client, checklist.items.get(number=1), reached="Anne", how="phone", update=str(sent.number))
    public_id = checklist.incident.public_id

    page = client.get(reverse("comms:plan", args=[public_id])).text
    paper = client.get(reverse("comms:board_paper", args=[public_id])).text

    assert f'<dd><a href="{reverse("comms:deliveries", args=[public_id, sent.number])}">v1</a>' in page
    assert "Reached: Anne<br>How: phone<br>Message: v1" in paper


def test_one_click_opens_the_composer_for_a_step_that_is_a_message(
    client: Client, signed_in: Callable[..., User], checklist: Checklist
) -> None:
    item = checklist.items.get(number=1)
    address = reverse("comms:step_compose", args=[item.pk])
    signed_in(Role.COMMUNICATIONS)
    none_yet = client.post(address).status_code
    checklist.items.filter(pk=item.pk).update(publishes=True)

    offered = address in client.get(reverse("comms:plan", args=[checklist.incident.public_id])).text
    opened = client.post(address, follow=True)

    assert (none_yet, offered, opened.status_code) == (404, True, 200)
    assert "Step 1 of the plan: Step-1" in text_of(opened.text)
    signed_in(Role.AGENT)
    assert client.post(address).status_code == 403
