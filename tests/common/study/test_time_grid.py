"""The time grid: whole steps in, the decimal numbers that people write out, and no time that is not on it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.study.plan import PlanTime
from riskset_common.study.time_grid import DAYS_PER_UNIT, TimeGrid, exact


def grid(unit: str, grid_days: float = 1, days_per_unit: float | None = None) -> TimeGrid:
    return PlanTime.model_validate(
        {"unit": unit, "grid_days": grid_days, "days_per_unit": days_per_unit}
    ).grid


def test_step_6_of_a_tenth_of_a_year_reads_0_6() -> None:
    tenth = grid("years", 36.525)

    assert [0.0, 0.1, 0.2, 0.3, 0.6, 0.7, 1.1] == tenth.times([0, 1, 2, 3, 6, 7, 11]).tolist()


@pytest.mark.parametrize(
    ("unit", "days_per_unit", "steps", "time"),
    [
        ("days", None, 730, 730.0),
        ("weeks", None, 3, 3 / 7),
        ("weeks", None, 21, 3.0),
        ("months", None, 487, 16.0),
        ("months", 30, 45, 1.5),
        ("years", None, 1461, 4.0),
        ("years", None, 2192, 6.0013689253935665),
        ("years", 365, 730, 2.0),
    ],
)
def test_days_become_weeks_months_and_years(
    unit: str, days_per_unit: float | None, steps: int, time: float
) -> None:
    assert [time] == grid(unit, days_per_unit=days_per_unit).times([steps]).tolist()


def test_the_unit_of_the_plan_is_as_long_as_the_plan_says_and_the_others_are_as_ever() -> None:
    time = PlanTime(unit="years", days_per_unit=365)

    assert (Fraction(365), Fraction(7)) == (time.days_in("years"), time.days_in("weeks"))
    assert 12 * DAYS_PER_UNIT["months"] == DAYS_PER_UNIT["years"] == Fraction(1461, 4)


@pytest.mark.parametrize("number", [0.1, 0.3, 1e-6, 36.525, 365.25, 12345678.9, 1e22])
def test_a_number_is_the_decimal_that_was_written(number: float) -> None:
    assert Fraction(Decimal(repr(number))) == exact(number)


grids = st.tuples(
    st.sampled_from(["days", "weeks", "months", "years"]),
    st.sampled_from([1e-6, 0.001, 0.01, 0.1, 0.5, 1, 7, 30.4375, 36.525, 365.25]),
)


@given(grids, st.lists(st.integers(0, 2**31), max_size=5))
def test_whole_steps_come_back_from_the_times_that_are_shown(
    chosen: tuple[str, float], steps: list[int]
) -> None:
    found = grid(*chosen)
    times = found.times(steps)
    back, off = found.steps(times, found.days_per_unit)

    assert steps == back.tolist()
    assert not off.any()
    # Each is the double nearest to the exact fraction.
    assert [float(found.units_per_step * step) for step in steps] == times.tolist()


@given(
    places=st.integers(0, 4),
    numbers=st.lists(st.integers(0, 10**8), max_size=5),
    unit=st.sampled_from(sorted(DAYS_PER_UNIT)),
)
def test_decimal_times_come_back_as_they_were_written(
    places: int, numbers: list[int], unit: str
) -> None:
    step = Fraction(1, 10**places)
    found = TimeGrid(step * DAYS_PER_UNIT[unit], DAYS_PER_UNIT[unit])
    times = np.array([float(f"{number}e-{places}") for number in numbers])
    steps, off = found.steps(times, found.days_per_unit)

    assert numbers == steps.tolist()
    assert times.tolist() == found.times(steps).tolist()
    assert not off.any()


def test_times_between_two_steps_are_found_and_missing_ones_are_not() -> None:
    times = np.array([0.0, 1.0, 1.5, 2.00001, 2.0000001, np.nan, 1e6, 1e6 + 0.25])
    steps, off = grid("days").steps(times, DAYS_PER_UNIT["days"])

    assert [False, False, True, True, False, False, False, True] == off.tolist()
    assert -1 == steps[5]
    assert [0, 1, 1000000] == steps[[0, 1, 6]].tolist()


def test_times_in_another_unit_than_the_grid_s_are_put_on_it() -> None:
    steps, off = grid("days").steps(np.array([1.0, 4.0, 0.5]), DAYS_PER_UNIT["years"])

    # A year of 365.25 days is no whole number of days; four years are.
    assert [True, False, True] == off.tolist()
    assert 1461 == steps[1]


def test_steps_beyond_the_exact_doubles_are_still_the_nearest() -> None:
    found = grid("years", 1e-6)
    steps = [2**33 + 1, 2**40 + 7]

    assert [float(found.units_per_step * step) for step in steps] == found.times(steps).tolist()


def test_a_step_of_many_digits_is_still_exact() -> None:
    found = grid("years", 12345.678901)
    steps = list(range(2**31, 2**31 + 200))

    assert [float(found.units_per_step * step) for step in steps] == found.times(steps).tolist()


def test_shapes_are_kept() -> None:
    assert (2, 3) == grid("days").times(np.zeros((2, 3), dtype=np.int64)).shape
    assert (0,) == grid("years", 1e-6).times([]).shape


def test_the_step_passed_is_the_last_one_not_after_a_time() -> None:
    days = np.array([-0.5, 0.0, 2.999_999_999, 3.0, 3.4, -2.0, np.nan])

    assert [-1, 0, 3, 3, 3, -2, -1] == grid("days").steps_passed(days, Fraction(1)).tolist()
    assert [1, 2] == grid("months", 7).steps_passed(np.array([10.0, 14.0]), Fraction(1)).tolist()
