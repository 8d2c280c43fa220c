"""Released curves: each value is the exact one, rounded; each thing that was opened is said by the result; and times are no patient's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.cohorts import (
    Cohort,
    all_tied,
    censored,
    nobody,
    random_cohort,
    study_of,
    uneven_cohort,
)
from tests.common.estimators.pooling import pool
from tests.common.release.curves.computed import Computed, computed, same
from tests.examples import examples

from riskset_common.release.curves.at_risk import at_most
from riskset_common.results.as_json import as_json
from riskset_common.results.curves import KnownPoints
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.survival.arrays.calculator import NUDGE

KM: dict[str, Any] = {"kind": "kaplan_meier", "endpoint": "EFS", "at": [20, 8, 31]}
ANALYSES: dict[str, dict[str, Any]] = {
    "everybody": KM | {"rmean": 30, "quantiles": [0.1, 0.25, 0.5]},
    "by sex, with differences": KM | {"by": "sex", "rmean": 21, "contrast": ["survival", "rmean"]},
    "by arm, which is not always known": KM | {"by": "arm", "ci": "log-log"},
    "late entry": KM | {"endpoint": "LATE", "rmean": 30},
    "one cause": KM | {"cause": "relapse", "by": "sex"},
    "a population": KM | {"population": "women", "by": "arm"},
    "incidence": {"kind": "cumulative_incidence", "endpoint": "EFS", "at": [20, 8]},
    "incidence by sex": {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "by": "sex",
        "causes": ["death"],
        "at": [9],
    },
    "incidence after late entry": {"kind": "cumulative_incidence", "endpoint": "LATE", "at": [15]},
    "follow-up": {"kind": "follow_up", "endpoint": "EFS", "range": True, "completeness": "age"},
    "follow-up after late entry": {"kind": "follow_up", "endpoint": "LATE"},
}


def half_at_twenty() -> Cohort:
    """Forty patients: half have died by step 20, and nobody between it and step 33."""
    cohort = random_cohort(3, n=200)
    time = np.where(np.arange(200) < 100, 1 + np.arange(200) % 20, 33 + np.arange(200) % 20)
    return cohort.with_values(
        time=time,
        event=np.ones(200, dtype=np.int64),
        entry=np.zeros(200, dtype=np.int64),
        sex=np.arange(200) % 2,
    )


def all_die_while_others_come() -> Cohort:
    """The first thirty have all died at step 5; sixty more come at step 8."""
    cohort = random_cohort(3, n=90)
    first = np.arange(90) < 30
    return cohort.with_values(
        time=np.where(first, 5, 10 + np.arange(90) % 40),
        event=np.where(first | (np.arange(90) % 2 == 0), 1, 0),
        entry=np.where(first, 0, 8),
    )


COHORTS = {
    "large": random_cohort(1, n=900),
    "usual": random_cohort(2, n=300),
    "uneven sites": uneven_cohort(3),
    "no event": censored(random_cohort(4)),
    "all events": random_cohort(5, n=200).with_values(event=np.ones(200, dtype=np.int64)),
    "all at one time": all_tied(),
    "one patient": random_cohort(6, n=1),
    "nobody": nobody(),
    "S at one half over an interval": half_at_twenty(),
    "an emptied risk set": all_die_while_others_come(),
}


def nearest(value: float, parts: int) -> float:
    return math.floor(value * parts + 0.5 + NUDGE) / parts


def exact(analysis: Mapping[str, Any], cohort: Cohort, at: list[float]) -> dict[str, Any]:
    """The result of an exact run, with these times of `at`."""
    study = study_of({**analysis, "at": at} if "at" in analysis else analysis, 5)
    return pool(study, cohort.patients(study)).result


IN_THE_GATE = {("everybody", cohort) for cohort in COHORTS} | {
    *((analysis, "usual") for analysis in ANALYSES),
    ("late entry", "an emptied risk set"),
    ("by sex, with differences", "S at one half over an interval"),
    ("incidence", "all events"),
    ("follow-up", "all at one time"),
}


@pytest.mark.parametrize(
    ("analysis", "cohort"),
    [
        pytest.param(
            analysis,
            cohort,
            marks=() if (analysis, cohort) in IN_THE_GATE else pytest.mark.slow,
        )
        for analysis in ANALYSES
        for cohort in COHORTS
    ],
)
def test_all_that_was_opened_is_said_by_the_result_which_follows_from_it(analysis, cohort) -> None:
    found = computed(ANALYSES[analysis], COHORTS[cohort])
    if isinstance(found.result, WithheldAnalysis):
        assert {} == found.opened
        return

    assert same(found.implied, found.opened)
    assert same(found.implied_of_times, found.opened_of_times)
    assert as_json(found.result) == as_json(found.again(found.opened))


@pytest.mark.parametrize(
    "cohort",
    [
        "usual",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("large", "S at one half over an interval")
        ),
    ],
)
@pytest.mark.parametrize("analysis", [name for name, spec in ANALYSES.items() if "at" in spec])
def test_every_released_value_is_the_exact_one_rounded(analysis, cohort) -> None:
    spec, found = ANALYSES[analysis], as_json(computed(ANALYSES[analysis], COHORTS[cohort]).result)
    if isinstance(found["groups"], dict):
        assert analysis not in ("everybody", "incidence")
        return
    curves = [curve for group in found["groups"] for curve in _curves(group)]
    times = sorted({time for curve in curves for time in curve["curve"]["time"]})
    known = exact(spec, COHORTS[cohort], times)
    assert times or analysis not in ("everybody", "incidence")
    for group, there in zip(found["groups"], known["groups"], strict=True):
        assert group["level"] == there["level"]
        for name in ("n", "events"):
            assert isinstance(group[name], dict) or group[name] == there[name]
        if isinstance(group["n"], dict):
            continue
        for curve, exactly in zip(_curves(group), _curves(there), strict=True):
            _compare(curve["curve"], {at["time"]: at for at in exactly["at"]}, group["n"], late="late" in analysis)  # fmt: skip


def _curves(group: dict[str, Any]) -> list[dict[str, Any]]:
    """The curves of a group: that of survival, or those of its causes; none of a group that is withheld."""
    curves = list(group["causes"].values()) if "causes" in group else [group]
    return [curve for curve in curves if isinstance(curve, dict) and "time" in curve["curve"]]


def _compare(
    curve: dict[str, Any], exactly: dict[float, dict[str, Any]], n: int, *, late: bool
) -> None:
    name = "survival" if "survival" in curve else "incidence"
    for j, time in enumerate(curve["time"]):
        value, there = curve[name][j], exactly[time]
        if isinstance(value, dict):
            assert there["at_risk"] < 10 or time > curve["end"]
            continue
        assert nearest(there[name], 1000) == value
        assert there["events_to"] == curve["events_to"][j]
        if there["std_err"] is not None:
            assert nearest(there["std_err"], 1000) == (curve["std_err"][j] or 0.0)
            for limit in ("lower", "upper"):
                assert there[limit] == pytest.approx(curve[limit][j], abs=0.008)
        if not late:  # where the exact number is that at the next time at which somebody leaves
            assert abs(there["at_risk"] - curve["at_risk"][j]) <= 2
            assert curve["at_risk"][j] <= n


@examples(4)
@given(seed=st.integers(0, 2**32 - 1))
def test_quantiles_and_areas_are_the_exact_ones_rounded(seed) -> None:
    cohort = random_cohort(seed, n=500)
    spec = ANALYSES["everybody"]
    [group] = as_json(computed(spec, cohort).result)["groups"]
    [there] = exact(spec, cohort, [20])["groups"]
    for found, exactly in zip(group["quantiles"], there["quantiles"], strict=True):
        if isinstance(found["estimate"], dict) or found["estimate"] is None:
            continue
        unit = Fraction(found["rounded_to"])
        rounded = math.floor(Fraction(exactly["estimate"]) / unit + Fraction(1, 2)) * unit
        assert abs(float(rounded) - found["estimate"]) <= float(unit) / 2 * (
            found["estimate"] % float(unit) > 0
        )
        for limit, beyond in (("lower", 1), ("upper", -1)):
            if not isinstance(found[limit], dict) and exactly[limit] is not None:
                assert beyond * (exactly[limit] - found[limit]) >= 0
    mean, exactly = group["rmean"], there["rmean"]
    assert abs(mean["estimate"] - exactly["estimate"]) <= 0.005 + 1e-9
    assert abs(mean["std_err"] - exactly["std_err"]) <= 0.00005 + 1e-9


def test_a_flat_part_at_one_half_gives_the_middle_of_its_ends() -> None:
    [group] = computed(ANALYSES["everybody"], half_at_twenty()).result.groups

    assert group.median.rounded_to is not None
    assert (20 + 33) / 2 == pytest.approx(group.median.estimate, abs=group.median.rounded_to / 2)


def _accepted(found: Computed) -> tuple[float, ...]:
    return next(g.curve.time for g in found.result.groups if isinstance(g.curve, KnownPoints))


@pytest.mark.parametrize("analysis", ["everybody", "by sex, with differences", "one cause"])
def test_no_group_has_few_events_between_released_times(analysis) -> None:
    found = computed(ANALYSES[analysis], COHORTS["usual"])
    times = _accepted(found)
    assert len(times) > 1
    for group in found.result.groups:
        events = [0, *group.curve.events_to, group.events]
        known = [each for each in events if not isinstance(each, Withheld)]

        assert all(later - earlier >= 5 for earlier, later in pairwise(known))


@examples(4)
@given(seed=st.integers(0, 2**32 - 1))
def test_released_times_do_not_depend_on_the_days_between_two_times_of_the_grid(seed) -> None:
    cohort, rng = random_cohort(seed, n=400), np.random.default_rng(seed)
    # Every event at another day of the same two of the grid; the days on which some event falls stay the same.
    moved = np.where(
        rng.random(400) < 0.5, cohort.time, cohort.time + 1 - 2 * (cohort.time % 2 == 0)
    )
    time = np.where(
        (cohort.time > 2) & (cohort.time < 31) & (np.arange(400) > 100), moved, cohort.time
    )
    one, other = computed(KM, cohort), computed(KM, cohort.with_values(time=time))
    days = next(iter(one.given.facts.days.values())), next(iter(other.given.facts.days.values()))
    if days[0] != days[1]:
        return

    assert _accepted(one) == _accepted(other)


@pytest.mark.parametrize("n_sites", [1, 3])
def test_any_split_gives_the_same(n_sites) -> None:
    cohort = COHORTS["usual"]
    split = cohort.with_values(site=cohort.site % 3 if n_sites == 3 else cohort.site * 0)
    one, other = (
        computed(ANALYSES["everybody"], each, sites)
        for each, sites in ((cohort, 5), (split, max(n_sites, 3)))
    )

    assert as_json(one.result) == as_json(other.result)


def test_a_group_that_nobody_is_in_is_named_and_not_drawn() -> None:
    cohort = COHORTS["large"].with_values(arm=COHORTS["large"].arm % 2)
    result = computed(KM | {"by": "arm"}, cohort).result

    assert ["A", "B"] == [group.level["arm"] for group in result.groups]
    assert ("No patients in C.",) == result.warnings


def test_an_emptied_risk_set_is_told_without_its_times() -> None:
    result = computed(KM | {"endpoint": "LATE"}, all_die_while_others_come()).result

    assert (
        "Nobody was at risk for a time, and more came under observation later: survival stays 0, whatever happens to them.",
    ) == result.warnings


def test_a_median_that_no_event_is_left_to_reach_does_not_exist() -> None:
    patient = np.arange(500)
    cohort = random_cohort(1, n=500).with_values(
        time=np.where(patient < 120, 1 + patient % 9, 40),
        event=(patient < 120).astype(np.int64),
        site=patient % 5,
    )
    [group] = computed(KM | {"at": [12]}, cohort).result.groups

    assert math.isnan(group.median.estimate)
    assert math.isnan(group.median.upper)


def test_a_number_at_risk_leaves_room_for_the_events_before_it() -> None:
    # 28 of 33 are at risk, and 5 had the event: the next multiple, 30, would be one of 35.
    assert 28 == at_most(30, 33, 5, is_event_day=False)
    assert 30 == at_most(30, 33, 5, is_event_day=True)
    assert 30 == at_most(30, 33, Withheld("minimum_cell 5"), is_event_day=False)
