"""Labels beside the ends of lines, and round numbers for axes."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from riskset_common.release.round_numbers import nice_step, time_ticks
from riskset_server.displays.figures.spread import spread
from riskset_server.results.axis_ticks import apart, ratio_ticks

labels = st.lists(st.tuples(st.floats(0, 100), st.floats(0.5, 8)), min_size=1, max_size=20)


@given(labels)
def test_no_label_covers_another_and_all_stay_inside(found: list[tuple[float, float]]) -> None:
    wanted, heights = [list(column) for column in zip(*found, strict=True)]
    assume(sum(heights) <= 100)
    placed = spread(wanted, heights, 0, 100)
    edges = sorted((y - h / 2, y + h / 2) for y, h in zip(placed, heights, strict=True))

    assert all(top <= bottom + 1e-6 for (_, top), (bottom, _) in itertools.pairwise(edges))
    assert edges[0][0] >= -1e-6
    assert edges[-1][1] <= 100 + 1e-6


@given(labels)
def test_labels_keep_the_order_of_the_lines(found: list[tuple[float, float]]) -> None:
    wanted, heights = [list(column) for column in zip(*found, strict=True)]
    assume(sum(heights) <= 100)
    placed = spread(wanted, heights, 0, 100)
    by_line = [y for _, y in sorted(zip(wanted, placed, strict=True))]

    assert all(low <= high + 1e-9 for low, high in itertools.pairwise(by_line)) or len(
        set(wanted)
    ) < len(wanted)


def test_labels_with_room_stay_where_they_are_wanted() -> None:
    assert [80.0, 20.0, 50.0] == spread([80, 20, 50], [10, 10, 10], 0, 100)


def test_labels_that_meet_share_the_shift() -> None:
    assert [45.0, 55.0] == spread([50, 50.0001], [10, 10], 0, 100.0) or pytest.approx(
        [45, 55], abs=0.01
    ) == spread([50, 50.0001], [10, 10], 0, 100)


def test_labels_that_cannot_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        spread([1, 2], [60, 60], 0, 100)


def test_a_time_axis_counts_in_steps_that_people_count_in() -> None:
    assert [1, 2, 0.5, 100, 12] == [
        nice_step(10.0, "years"),
        nice_step(16.0, "years"),
        nice_step(2.7, "years"),
        nice_step(1022.0, "days"),
        nice_step(120.0, "months"),
    ]
    assert 20 == nice_step(1000.0, "years")


def test_ticks_run_to_the_end_of_the_axis() -> None:
    assert [0, 0.1, 0.2, 0.3] == time_ticks(0.3, 0.1)
    assert [0, 2, 4] == time_ticks(5.9, 2)


def test_ticks_of_first_choice_are_kept_and_others_find_room_between_them() -> None:
    assert [0, 1, 2.5, 4] == apart([0, 2.5], [0, 1, 2, 3, 4], 1)
    assert [0, 2, 4] == apart([0, 1, 2, 3, 4], [], 2)


@given(st.floats(0.001, 0.99), st.floats(1.01, 1000))
def test_an_axis_of_ratios_has_one_and_no_more_than_a_dozen_ticks(low: float, high: float) -> None:
    ticks = ratio_ticks(low, high)

    assert 1 in ticks
    assert len(ticks) <= 12
    assert all(low * (1 - 1e-6) <= tick <= high * (1 + 1e-6) for tick in ticks)
    assert all(math.isfinite(tick) for tick in ticks)
