"""What a blind model gives besides its fit equals R's cox.zph and survfit on the pooled patients."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import Cohort, fit_blind, model_of
from tests.golden.test_blind_cox_against_r import N_SITES, split

from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.cox.wanted import (
    WantedHazard,
    WantedPhTest,
    identity_times,
    log_times,
)
from riskset_common.survival.arrays.distributions import ChiSquareTest
from riskset_common.survival.regression.proportionality import (
    Transform,
    kaplan_meier_scores,
    proportionality_test,
    rank_scores,
)

HERE = Path(__file__).parent
OF_R = json.loads((HERE / "ph_and_hazard.json").read_text(encoding="utf-8"))
TRANSFORMS: tuple[Transform, ...] = ("km", "rank", "identity", "log")

Row = dict[str, str]


class Case(NamedTuple):
    """How the patients of a data set enter the model, its terms by column, and the covariates of the hazard."""

    data: str
    response: tuple[str, str, str]
    columns: dict[str, Callable[[Row], float]]
    terms: list[list[int]]
    at: tuple[float, ...]
    unit: float = 1.0
    entry: str | None = None
    stratum: str | None = None


def number(name: str) -> Callable[[Row], float]:
    return lambda row: float(row[name])


def is_level(level: float) -> Callable[[Row], float]:
    return lambda row: float(min(float(row["ph_ecog"]), 2.0) == level)


DEATH, ARREST = ("time", "status", "2"), ("week", "arrest", "1")
LUNG = {"age": number("age"), "sex": number("sex"), "1": is_level(1.0), "2": is_level(2.0)}
BY_SEX = {name: LUNG[name] for name in ("age", "1", "2")}
ROSSI = {name: number(name) for name in ("fin", "age", "prio")}
CASES = {
    "lung": Case("lung", DEATH, LUNG, [[0], [1], [2, 3]], (60, 1, 1, 0)),
    "months": Case("lung", DEATH, LUNG, [[0], [1], [2, 3]], (60, 1, 1, 0), unit=30.0),
    "strata": Case("lung", DEATH, BY_SEX, [[0], [1, 2]], (60, 1, 0), stratum="sex"),
    "rossi": Case("rossi", ARREST, ROSSI, [[0], [1], [2]], (0, 25, 0)),
    "truncated": Case(
        "edge_left_trunc",
        ("time", "status", "1"),
        {name: number(name) for name in ("x1", "x2")},
        [[0], [1]],
        (0, 0),
        entry="entry",
    ),
}


def cohort_of(case: Case) -> Cohort:
    time, status, event = case.response
    with (HERE / "data" / f"{case.data}.csv").open(encoding="utf-8", newline="") as lines:
        needed = ["ph_ecog", "site"] if case.data == "lung" else []
        rows = [row for row in csv.DictReader(lines) if all(row[name] for name in needed)]
    return Cohort(
        np.ceil(np.array([float(row[time]) for row in rows]) / case.unit),
        np.array([row[status] == event for row in rows]),
        np.array([[column(row) for column in case.columns.values()] for row in rows]),
        None if case.entry is None else np.array([float(row[case.entry]) for row in rows]),
        None if case.stratum is None else np.array([int(row[case.stratum]) for row in rows]),
    )


def transformed(transform: Transform, cohort: Cohort, slots: tuple[float, ...]) -> Any:
    """g of each slot, from counts of the whole cohort."""
    if transform == "identity":
        return identity_times(slots)
    if transform == "log":
        return log_times(slots)
    times, leaving = np.unique(cohort.time, return_counts=True)
    entry = np.full(len(cohort.time), -1.0) if cohort.entry is None else cohort.entry
    at_risk = ((entry[:, None] < times) & (cohort.time[:, None] >= times)).sum(axis=0)
    deaths = (cohort.event[:, None] & (cohort.time[:, None] == times)).sum(axis=0)
    g = rank_scores(leaving) if transform == "rank" else kaplan_meier_scores(at_risk, deaths)
    by_time = dict(zip(times.tolist(), g.tolist(), strict=True))
    return tuple(by_time[time] for time in slots)


def model_with(case: Case, cohort: Cohort, ties: Any, transform: Transform, times: Any):
    slots = model_of(cohort, ties).slot_times
    return {
        "ph_test": WantedPhTest(transform, transformed(transform, cohort, slots)),
        "hazard": WantedHazard(times, case.at),
    }


def check_tests(expected: dict[str, Any], tests: list[ChiSquareTest]) -> None:
    assert expected["df"] == [test.df for test in tests]
    np.testing.assert_allclose(
        [test.statistic for test in tests], expected["chi_square"], rtol=1e-9, atol=1e-10
    )
    np.testing.assert_allclose([test.p_value for test in tests], expected["p"], rtol=1e-9)


@pytest.mark.parametrize("name", OF_R)
def test_the_blind_test_and_hazard_are_rs(name):
    """Each set and approximation of ties against one transform of time, and each transform with both approximations."""
    data, ties = name.split("/")
    expected, case = OF_R[name], CASES[data]
    place = list(CASES).index(data) + (2 if ties == "breslow" else 0)
    transform, cohort = TRANSFORMS[place % len(TRANSFORMS)], cohort_of(case)
    wanted = model_with(case, cohort, ties, transform, tuple(expected["times"]))
    model, outcome = fit_blind(cohort, split(len(cohort.time)), N_SITES, ties=ties, **wanted)
    assert isinstance(model, BlindModel)
    assert outcome.further is not None
    scores, hazard = outcome.further.ph_test, outcome.further.hazard
    assert scores is not None
    assert hazard is not None

    assert expected["n"] == len(cohort.time)
    columns = [*case.terms, [each for term in case.terms for each in term]]
    check_tests(
        expected["ph_test"][transform],
        [proportionality_test(scores, outcome.fit.covariance, each) for each in columns],
    )
    for key, found in (("cumulative", hazard.cumulative), ("std_err", hazard.std_err)):
        of_r = np.concatenate([each[key] for each in expected["hazard"]])
        np.testing.assert_allclose(found, of_r, rtol=1e-9)
