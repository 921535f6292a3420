"""A plan as a file: written and read back the same, each bad line named."""

# ruff: noqa: E501

import pytest
from django.utils import translation

from comms.operations.plan import STEP_FIELDS
from comms.plan.document import Unreadable, dump, load, names
from comms.plan.standard import standard_plan

HEAD = "key: k\nname: N\nsteps:\n"
STEP = "- number: 1\n  phase: run\n  title: {fr: a, nl: b}\n  due: {anchor: plan_start}\n"


def test_what_is_written_is_read_back_the_same() -> None:
    template, steps = standard_plan()

    read = load(dump(template, steps))

    def values(rows: list[object]) -> list[list[object]]:
        return [[getattr(row, name) for name in STEP_FIELDS] for row in rows]

    assert (read.key, read.called, read.kind) == (template.key, names(template), template.kind)
    assert values([*read.steps]) == values([*steps])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["line 1: This is empty."]),
        ("[" * 5000, ["line 1: This is no YAML."]),
        ("key: \x00", ["line 1: This holds a character that cannot be kept."]),
        ('key: "\\UFFFFFFFF"', ["line 1: This holds a character that cannot be kept."]),
        ('key: k\nname: "a\\0"\nsteps:\n' + STEP, ["line 2: This holds a character that cannot be kept."]),
        ("key: k\nname: {fr: N, xx: N}\nsteps:\n" + STEP, ["line 2: “xx” is unknown; here belong: fr, nl, de, en.",
         "line 2: “nl” is missing."]),
        (HEAD.replace("N", "n" * 121) + STEP, ["line 2: At most 120 characters."]),
        (HEAD, ["line 3: A list is expected here.", "line 3: This plan has no steps."]),
        (HEAD + "  []", ["line 4: This plan has no steps."]),
        ("key: a b\n" + HEAD.partition("\n")[2] + STEP, ["line 1: A key has letters, digits, - and _ alone, at most 50."]),
        (HEAD + STEP + STEP, ["line 8: A second step 1."]),
        (HEAD + STEP + "  foo: 1\n", ["line 8: “foo” is unknown; here belong: number, phase, owners, due, when, title, "
         "instructions, condition, channel, publishes, message, audiences, briefs, evidence."]),
        (HEAD + STEP.replace("run", "strt"), ["line 5: “strt” is none of: detect, start, run, restore, close."]),
        (HEAD + STEP.replace(", nl: b", ""), ["line 6: “nl” is missing."]),
        (HEAD + STEP.replace("fr: a", "fr: " + "a" * 161), ["line 6: Ensure this value has at most 160 characters (it has 161)."]),
        (HEAD + STEP.replace("fr: a", "fr: caf\ufffd"), ["line 6: This holds a character that cannot be kept."]),
        (HEAD + STEP.replace("plan_start", "wall_clock"), ["line 7: Give the time of day."]),
        (HEAD + STEP.replace("plan_start", "plan_start, at: 25:00"), ["line 7: A time of day is expected here, as 08:00."]),
        (HEAD + STEP.replace("plan_start", "plan_start, offset: 99999999"), ["line 7: A whole number is expected here."]),
        (HEAD + STEP + "  when: [{}, {calls: 0}]\n", ["line 8: A condition that says nothing.", "line 8: From 1 to 10000."]),
        (HEAD + STEP + "  message: nothing\n", ["line 8: There is no prepared message “nothing”."]),
        (HEAD + STEP.replace("run", "strt") + STEP.replace("plan_start", "wall_clock") + "  when: [{severity: S1}]\n",
         ["line 5: “strt” is none of: detect, start, run, restore, close.", "line 8: A second step 1.",
          "line 11: Give the time of day.", "line 12: “severity” is unknown; here belong: severities, services, lasting_minutes, calls.",
          "line 12: A condition that says nothing."]),
        (HEAD + "- number: one\n  title: {fr: a, nl: b}\n  due: {anchor: plan_start, every: 5}\n",
         ["line 4: “phase” is missing.", "line 4: A whole number is expected here.",
          "line 6: “every” is unknown; here belong: anchor, offset, latest, offset_days, working_days, at, repeat, first, first_for, until."]),
        ("x" * 200_001, ["line 1: At most 200000 characters."]),
    ],
)  # fmt: skip
def test_each_bad_line_is_named(text: str, said: list[str]) -> None:
    with translation.override("en"):
        with pytest.raises(Unreadable) as refused:
            load(text, messages={"holding"})

        assert [str(problem) for problem in refused.value.problems] == said


def test_a_name_is_one_for_each_language_or_one_text_for_all() -> None:
    named = "key: k\nname: {fr: Fuite, nl: Datalek, en: Leak}\nsteps:\n" + STEP

    assert load(named).called == {"name_fr": "Fuite", "name_nl": "Datalek", "name_de": "", "name_en": "Leak"}
    assert load(HEAD + STEP).called == {"name_fr": "N", "name_nl": "N", "name_de": "", "name_en": ""}
