from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from comms.models import Update
from farmaflux_desk.chart import FLOOR, LEFT, RIGHT, TOP, chart
from tickets.pressure import QUARTER, Quarter

START = datetime(2022, 7, 1, 10, 0, tzinfo=UTC)  # 12:00 in Brussels


def quarters(*counts: int) -> list[Quarter]:
    last = len(counts) - 1
    return [Quarter(START + n * QUARTER, count, 0, running=n == last) for n, count in enumerate(counts)]


def published(minutes: int, number: int = 1) -> Update:
    return Update(number=number, published_at=START + timedelta(minutes=minutes))


def test_the_tallest_bar_is_the_quarter_with_most_contacts() -> None:
    drawn = chart(quarters(4, 19, 7), [], START)

    assert max(drawn.bars, key=lambda bar: bar.height).quarter.contacts == 19
    assert drawn.total == 30


def test_an_update_hangs_above_the_quarter_it_was_published_in() -> None:
    drawn = chart(quarters(4, 19, 7), [published(20)], START)

    flag, bar = drawn.flags[0], drawn.bars[1]
    assert bar.x - 2 <= flag.x <= bar.x + bar.width + 2
    assert flag.foot == bar.y
    assert [[update.number for update in updates] for _quarter, updates in drawn.rows] == [[], [1], []]


def test_numbers_of_updates_do_not_cover_one_another_and_the_newest_has_its_own() -> None:
    sent = [published(minutes, number) for number, minutes in enumerate((0, 2, 4, 200, 210, 215), start=6)]

    drawn = chart(quarters(*[1] * 32), sent, START).flags
    numbered = [flag for flag in drawn if flag.numbered]

    assert [flag.update.number for flag in drawn] == [6, 7, 8, 9, 10, 11]
    assert [flag.update.number for flag in numbered] == [8, 11]
    assert all(one.left + one.width <= other.left for one, other in pairwise(numbered))


def test_what_lies_outside_the_chart_is_not_drawn() -> None:
    drawn = chart(quarters(1, 2), [published(-5), published(31)], START - timedelta(hours=3))

    assert (drawn.flags, drawn.start_x) == ([], None)


def test_the_axis_names_times_of_brussels() -> None:
    drawn = chart(quarters(1, 2, 3, 4), [], START + timedelta(minutes=30))

    assert [tick.label for tick in drawn.hours] == ["12:00", "12:30"]
    assert drawn.start_label == "12:30"


def test_reports_are_a_line_to_the_same_measure_as_the_bars() -> None:
    drawn = chart(quarters(4, 2, 0), [], START, {START + QUARTER: 4})

    assert [bar.reports for bar in drawn.bars] == [0, 4, 0]
    assert drawn.bars[1].reports_y == drawn.bars[0].y
    middles = [f"{bar.middle:.1f}" for bar in drawn.bars]
    assert drawn.reports_path == (
        f"M{middles[0]} {FLOOR}L{middles[1]} {drawn.bars[0].y}L{middles[2]} {FLOOR}"
    )
    assert chart(quarters(4, 2), [], START).reports_path == ""


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=96),
    st.dictionaries(st.integers(0, 95).map(lambda n: START + n * QUARTER), st.integers(0, 2000)),
)
def test_nothing_is_drawn_outside_its_frame(counts: list[int], reports: dict[datetime, int]) -> None:
    drawn = chart(quarters(*counts), [], START, reports)

    assert all(TOP - 0.1 <= bar.reports_y <= FLOOR for bar in drawn.bars)
    assert all(TOP - 0.1 <= bar.y <= FLOOR and bar.height >= 0 for bar in drawn.bars)
    assert all(bar.x >= LEFT and bar.x + bar.width <= RIGHT + 0.2 for bar in drawn.bars)
    assert 1 <= len(drawn.lines) <= 8
