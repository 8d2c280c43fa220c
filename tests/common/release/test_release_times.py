"""Released times follow from the plan and public facts: those it names, a release grid, and the axes of its figures."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from tests.common.study.infant_trial import plan_yaml

from riskset_common.errors import PlanError
from riskset_common.planning.read import plan_of
from riskset_common.release.facts import DaySet, Facts
from riskset_common.release.followed import cohort_of, leaving_times
from riskset_common.release.release_times import (
    axis_times,
    marks_of,
    named_times,
    release_grid,
    times_on,
)
from riskset_common.study.codebook import Codebook
from riskset_common.study.study import Study
from riskset_common.study.time_grid import TimeGrid

YEARS = TimeGrid(Fraction(1), Fraction("365.25"))
ANALYSES = [
    {"id": "km", "kind": "kaplan_meier", "endpoint": "E", "at": [6, 1], "rmean": 5},
    {"id": "fu", "kind": "follow_up", "endpoint": "E"},
    {"id": "other", "kind": "kaplan_meier", "endpoint": "F", "at": [2.5]},
]
ENDPOINTS = {
    name: {
        "label": name,
        "time": {"variable": variable},
        "status": {"variable": "s", "events": {"dead": [1]}},
    }
    for name, variable in (("E", "t"), ("F", "u"))
}


def study(**changes: Any) -> Study:
    codebook = Codebook.model_validate(
        {
            "codebook": "c",
            "version": 1,
            "variables": {
                "t": {"kind": "number", "label": "T", "unit": "days"},
                "u": {"kind": "number", "label": "U", "unit": "days"},
                "s": {"kind": "category", "label": "S", "levels": {0: "0", 1: "1"}},
            },
        }
    )
    written = {
        "plan": "p",
        "version": "1.0.0",
        "codebook": "c@1",
        "time": {"unit": "years", "grid_days": 1},
        "conventions": "r",
        "endpoints": ENDPOINTS,
        "analyses": ANALYSES,
        "displays": [{"figure": "F1", "of": "km", "every": 2}],
    }
    return Study(plan_of(written | changes, "p"), codebook, ())


def test_steps_around_a_time_are_those_of_the_exact_fraction() -> None:
    times = times_on(YEARS, [Fraction(4, 3), 1, 0.1])

    assert ((0.1, 1.0, 4 / 3), (36, 365, 487), (37, 366, 487)) == (
        times.time,
        times.until,
        times.since,
    )


def test_a_release_grid_is_of_months_up_to_the_first_that_is_not_before_the_last_day() -> None:
    grid = release_grid(study(), DaySet((5, 70), 128, told=True))

    assert ((1 / 12, 2 / 12, 3 / 12), (30, 60, 91)) == (grid.time, grid.until)


def test_a_plan_may_choose_the_step_of_the_grid() -> None:
    chosen = study(disclosure={"release_step": 0.5})

    assert (0.5, 1.0) == release_grid(chosen, DaySet((200, 365), 512, told=True)).time


def test_a_step_of_the_grid_is_refused_where_nothing_is_rounded() -> None:
    with pytest.raises(PlanError) as refused:
        plan_of(plan_yaml() | {"disclosure": {"release": "exact", "release_step": 1}}, "p")

    assert "with release: exact leave it out" in str(refused.value)


def test_an_axis_has_the_times_of_the_analysis_of_its_figures_and_round_ones() -> None:
    known, days = study(), DaySet(tuple(range(3, 4000, 7)), 4096, told=True)
    km = known.plan.analyses[0]

    assert (6.0, 1.0, 5.0) == named_times(km)
    assert (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0) == axis_times(
        known, km, days
    ).time


def test_an_origin_of_few_events_has_released_times_up_to_the_end_of_its_grid() -> None:
    hidden = DaySet(tuple(range(128)), 128, told=False)

    assert 5 == len(release_grid(study(), hidden))


def test_marks_hold_the_days_and_all_released_times_of_the_origin_and_no_other_s() -> None:
    known = study()
    facts = Facts({"time t": DaySet((5, 70), 128, True), "time u": DaySet((9,), 128, True)}, 100)
    marks = marks_of(known, facts, "time t")

    assert {5, 70, 31, 61, 92, 366, 2192, 1827} <= set(marks)
    assert 914 not in marks
    assert 914 in marks_of(known, facts, "time u")
    assert list(marks) == sorted(set(marks))


def test_analyses_of_the_same_patients_count_the_same() -> None:
    known = study()
    facts = Facts({"time t": DaySet((5, 70), 128, True)}, 100)
    km, followup, _ = known.plan.analyses
    one, other = (
        leaving_times(known, facts, cohort_of(each, ("site",)), "E", cause=cause)
        for each, cause in ((km, "dead"), (followup, None))
    )

    assert one == other
    assert 1 == len({one, other})
