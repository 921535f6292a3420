"""What the commands of `make reliability` count as lost, doubled or slower."""

from collections import Counter
from typing import Any

import pytest

from bench import faulty, killed, offline, redis_faults, together

TWICE = [["mail", "a@x", "<1>", 0.0], ["mail", "a@x", "<1>", 1.0], ["mail", "b@x", "<2>", 1.0]]


@pytest.mark.parametrize(
    ("states", "seen", "manner", "told"),
    [
        ({"sent": 2}, TWICE[1:], "key", []),
        ({"sent": 2}, TWICE[2:], "key", ["1 lost"]),
        ({"sent": 2}, TWICE, "key", ["1 doubled, 1 by one death"]),
        ({"sent": 2}, TWICE, "mail", []),
        ({"sent": 2}, [*TWICE, TWICE[2]], "mail", ["2 doubled, 2 by one death"]),
        (
            {"sent": 2},
            [["mail", "a@x", "<9>", 0.0], *TWICE[1:]],
            "mail",
            ["1 doubled under another Message-ID"],
        ),
        ({"sent": 1, "unknown": 1}, TWICE[2:], "ask", []),
        ({"sent": 1, "unknown": 1}, TWICE[2:], "key", ["1 unknown"]),
        ({"sent": 1, "queued": 1}, TWICE[2:], "mail", ["1 never left"]),
    ],
)
def test_what_a_death_may_not_do(
    states: dict[str, int], seen: list[list[Any]], manner: str, told: list[str]
) -> None:
    assert killed.wrong(killed.count(Counter(states), seen), manner) == told


def test_of_two_deaths_the_worse_one_is_remembered() -> None:
    one, other = killed.Count(deaths=1, doubled=2, worst=2), killed.Count(deaths=1, doubled=1, worst=1)

    assert killed.add(one, other) == killed.Count(deaths=2, doubled=3, worst=2)


def test_receipts_are_counted_by_reader() -> None:
    assert together.wrong(3, ["a", "b", "b"], unsent=1) == ["1 lost", "1 doubled", "1 not marked as sent"]
    assert together.wrong(2, ["a", "b"], unsent=0) == []


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        ([1.0, 1.2, 2.0], []),
        ([3.0, 3.0, 3.0], ["the others waited 3.0 times as long"]),
        ([1.0, 1.0, 8.0], ["one waited 6.0 s longer than any before"]),
    ],
)
def test_who_waits_beside_a_faulty_channel_is_told(beside: list[float], told: list[str]) -> None:
    assert faulty.slower([1.0, 1.0, 2.0], beside) == told


@pytest.mark.parametrize(
    ("ill", "told"),
    [
        ((0.14, 2.9), []),
        ((0.16, 1.0), ["publishing was 60 ms slower"]),
        ((0.1, 3.5), ["the last came 2.5 s later"]),
        ((0.1, float("inf")), ["not every delivery went out"]),
    ],
)
def test_what_a_fault_of_redis_may_not_do(ill: tuple[float, float], told: list[str]) -> None:
    assert redis_faults.wrong([(0.1, 1.0)] * 3, [ill] * 3) == told


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (["a", "b", "c"], []),
        (["a", "c"], ["1 lost"]),
        (["a", "b", "b", "c"], ["1 doubled"]),
        (["b", "a", "c"], ["not in order"]),
    ],
)
def test_what_an_outage_may_not_do_to_calls(stored: list[str], told: list[str]) -> None:
    assert offline.wrong(["a", "b", "c"], stored) == told
