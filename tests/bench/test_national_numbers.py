"""The guard against national numbers, measured as bench.national_numbers does, on fewer numbers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.national_numbers import SPELLINGS, false_alarms, line, main, missed, number
from incidents.personal_data import mask_national_numbers, national_numbers

SEEDS = st.integers(0, 2**32 - 1)


def test_there_are_twenty_spellings_each_different() -> None:
    spelled = {spelling(["85", "07", "30", "033", "28"]) for spelling in SPELLINGS.values()}

    assert len(spelled) == 20


@given(SEEDS)
def test_a_number_is_caught_whole_in_every_spelling_and_surrounding(seed: int) -> None:
    if "".join(number(random.Random(seed))).startswith("324"):
        return  # in groups of a telephone it is a Belgian mobile

    assert missed(seed, 1) == []


@given(SEEDS, st.sampled_from(sorted(SPELLINGS)))
def test_of_a_masked_number_the_birthday_alone_is_left(seed: int, spelling: str) -> None:
    groups = number(random.Random(seed))
    spelled = SPELLINGS[spelling](groups)

    masked, count = mask_national_numbers(f"Patient {spelled}")

    assert (masked, count) == (f"Patient {'.'.join(groups[:3])}-•••.••", 1) or groups[0] == "32"


def test_three_thousand_lines_of_other_things_raise_at_most_three_alarms() -> None:
    alarms = false_alarms(20220701, 3000)

    assert len(alarms) <= 3, alarms


def test_the_lines_hold_what_could_be_taken_for_a_number() -> None:
    rng = random.Random(20220701)
    lines = [line(rng) for _n in range(3000)]

    assert sum(sum(map(str.isdigit, text)) >= 11 for text in lines) > 1000


def test_a_day_right_before_a_number_does_not_hide_it() -> None:
    """The eleven digits from 12 on have the right check digits too."""
    text = "le 12 29.03.15-743.19 2 boîtes"

    (found,) = national_numbers(text)

    assert text[found.start : found.end] == "29.03.15-743.19"


def test_the_command_repeats_a_run_by_its_seed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.national_numbers.NUMBERS", 5)
    monkeypatch.setattr("bench.national_numbers.LINES", 50)

    assert (main(7), main(7)) == (0, 0)
    once, again = capsys.readouterr().out.split("seed 7\n")[1:]
    assert once == again
