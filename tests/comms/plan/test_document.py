"""A plan as a file: written and read back the same, each bad line named."""

# ruff: noqa: E501

import pytest
from django.utils import translation

from comms.operations.plan import STEP_FIELDS
from comms.plan.document import Unreadable, dump, load
from comms.plan.standard import standard_plan

HEAD = "key: k\nname: N\nsteps:\n"
STEP = "- number: 1\n  phase: run\n  title: {fr: a, nl: b}\n  due: {anchor: plan_start}\n"


def test_what_is_written_is_read_back_the_same() -> None:
    template, steps = standard_plan()

    read = load(dump(template.key, template.name, template.kind, steps))

    def values(rows: list[object]) -> list[list[object]]:
        return [[getattr(row, name) for name in STEP_FIELDS] for row in rows]

    assert (read.key, read.name, read.kind) == (template.key, template.name, template.kind)
    assert values([*read.steps]) == values([*steps])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["line 1: This is empty."]),
        ("[" * 5000, ["line 1: This is no YAML."]),
        ("key: \x00", ["line 1: This holds a character that cannot be kept."]),
        (HEAD, ["line 3: A list is expected here.", "line 3: This plan has no steps."]),
        (HEAD + "  []", ["line 4: This plan has no steps."]),
        ("key: a b\n" + HEAD.partition("\n")[2] + STEP, ["line 1: A key has letters, digits, - and _ alone, at most 50."]),
        (HEAD + STEP + STEP, ["line 8: A second step 1."]),
        (HEAD + STEP + "  foo: 1\n", ["line 8: “foo” is unknown; here belong: number, phase, owners, due, when, title, "
         "instructions, condition, channel, publishes, message, audiences, briefs, evidence."]),
        (HEAD + STEP.replace("run", "strt"), ["line 5: “strt” is none of: detect, start, run, restore, close."]),
        (HEAD + STEP.replace(", nl: b", ""), ["line 6: “nl” is missing."]),
        (HEAD + STEP.replace("fr: a", "fr: " + "a" * 161), ["line 6: Ensure this value has at most 160 characters (it has 161)."]),
        (HEAD + STEP.replace("plan_start", "wall_clock"), ["line 7: Give the time of day."]),
        (HEAD + STEP.replace("plan_start", "plan_start, at: 25:00"), ["line 7: A time of day is expected here, as 08:00."]),
        (HEAD + STEP.replace("plan_start", "plan_start, offset: 99999999"), ["line 7: A whole number is expected here."]),
        (HEAD + STEP + "  when: [{}, {calls: 0}]\n", ["line 8: A condition that says nothing.", "line 8: From 1 to 10000."]),
        (HEAD + STEP + "  message: nothing\n", ["line 8: There is no prepared message “nothing”."]),
        ("x" * 200_001, ["line 1: At most 200000 characters."]),
    ],
)  # fmt: skip
def test_each_bad_line_is_named(text: str, said: list[str]) -> None:
    with translation.override("en"):
        with pytest.raises(Unreadable) as refused:
            load(text, messages={"holding"})

        assert [str(problem) for problem in refused.value.problems] == said
