"""Exposures with conditions: a time beside an indicator that says whose time it is, and what is unknown where one of them is."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import Cohort, random_cohort, study_of
from tests.common.estimators.pooling import pool, result_of

from riskset_common.errors import PlanError
from riskset_common.planning.check import check_plan, variables_read
from riskset_common.study.exposure import Exposure
from riskset_common.study.patients import MISSING, NO_DATE, UNKNOWN_DAY, Patients

TERM: dict[str, Any] = {"exposure": "dose", "where": {"arm": ["B", "C"]}}
COX: dict[str, Any] = {"kind": "cox", "endpoint": "EFS", "terms": [TERM], "strata": ["site"]}
LANDMARK: dict[str, Any] = {
    "kind": "landmark",
    "endpoint": "EFS",
    "at": 2,
    "exposure": "dose",
    "exposure_where": {"arm": ["B", "C"]},
}
WITHOUT: list[dict[str, Any]] = [
    COX | {"terms": [{"exposure": "dose"}]},
    {key: value for key, value in LANDMARK.items() if key != "exposure_where"},
]
WITH: list[dict[str, Any]] = [COX, LANDMARK]
CASE = Path(__file__).parents[4] / "tests/system/cases/files/11-exposure-time-with-indicator/data"


@pytest.mark.parametrize(("asked", "without"), list(zip(WITH, WITHOUT, strict=True)))
def test_who_does_not_meet_the_conditions_was_never_exposed(
    asked: dict[str, Any], without: dict[str, Any]
) -> None:
    cohort = random_cohort(41)
    cohort = cohort.with_values(arm=np.maximum(cohort.arm, 0), dose=np.floor(cohort.dose))
    never = cohort.with_values(dose=np.where(cohort.arm > 0, cohort.dose, np.nan))

    assert result_of(without, never, 5) == result_of(asked, cohort, 5)


@pytest.mark.parametrize("asked", WITH)
def test_an_indicator_that_is_missing_leaves_the_patient_out_where_there_is_a_time(
    asked: dict[str, Any],
) -> None:
    cohort = random_cohort(42)
    arm = np.maximum(cohort.arm, 0)
    arm[::7] = MISSING
    dose = np.floor(cohort.dose)
    unknown = np.zeros(cohort.n, dtype=np.bool_)
    unknown[::7] = True
    cohort = cohort.with_values(arm=arm, dose=dose)
    inner = (lambda found: found["curves"] or found["model"]) if asked is LANDMARK else (lambda found: found)  # fmt: skip
    known_times = cohort.time > 2 if asked is LANDMARK else cohort.time >= 0

    assert int((unknown & known_times).sum()) == inner(result_of(asked, cohort, 5))["missing"]


def case() -> list[dict[str, str]]:
    """The rows of the files: time, status, time to transplantation or to the end of waiting, and which of the two it is."""
    return [
        {"site": path.stem} | row
        for path in sorted(CASE.glob("*.csv"))
        for row in csv.DictReader(path.read_text("utf-8").splitlines())
    ]


def of_the_case(rows: list[dict[str, str]]) -> Cohort:
    def column(name: str) -> np.ndarray:
        return np.array([int(row[name]) for row in rows], dtype=np.int64)

    site = np.array([("aa", "bb", "cc", "dd", "ee").index(row["site"]) for row in rows])
    cohort = random_cohort(1, n=len(rows))
    return replace(
        cohort, time=column("t"), event=column("st"), arm=column("txi"), dose=column("tx").astype(float), site=site
    )  # fmt: skip


def test_time_and_indicator_give_what_tmerge_gives_with_the_indicator() -> None:
    asked = COX | {"terms": [{"exposure": "dose", "where": {"arm": ["B"]}}]}
    found = result_of(asked, of_the_case(case()), 5)
    [term] = found["terms"]
    exposed = {each["level"]: each["n"] for each in found["levels"]}

    assert (0.450, 0.346) == (round(term["coef"], 3), round(term["std_err"], 3))
    assert 49 == exposed["exposed"]


def patients(date: int, time: float, indicator: int) -> Patients:
    return Patients(
        1,
        categories={"sex": np.array([indicator])},
        numbers={"dose": np.array([time])},
        dates={"day": np.array([date])},
    )


@pytest.mark.parametrize(
    ("date", "time", "indicator", "by_date", "by_time"),
    [
        (10, 5.0, 1, (False, True), (False, True)),
        (10, 5.0, 0, (True, True), (True, True)),
        (10, 5.0, MISSING, (False, False), (False, False)),
        (NO_DATE, np.nan, 1, (True, True), (False, False)),
        (NO_DATE, np.nan, 0, (True, True), (True, True)),
        (NO_DATE, np.nan, MISSING, (True, True), (False, False)),
        (UNKNOWN_DAY, np.nan, 1, (False, False), (False, False)),
        (UNKNOWN_DAY, np.nan, 0, (True, True), (True, True)),
        (UNKNOWN_DAY, np.nan, MISSING, (False, False), (False, False)),
    ],
)
def test_an_exposure_is_known_where_nothing_unknown_could_change_it(
    date: int, time: float, indicator: int, by_date: tuple[bool, bool], by_time: tuple[bool, bool]
) -> None:
    study, one = study_of(COX, 5), patients(date, time, indicator)
    found = [Exposure(name, {"sex": ["female"]}) for name in ("day", "dose")]

    assert [by_date, by_time] == [
        (bool(each.never(one, study)[0]), bool(each.known(one, study)[0])) for each in found
    ]


def test_without_conditions_only_an_unknown_day_is_unknown() -> None:
    study = study_of(COX, 5)
    known = [
        bool(Exposure("day").known(patients(date, np.nan, MISSING), study)[0])
        for date in (10, NO_DATE, UNKNOWN_DAY)
    ]

    assert [True, True, False] == known
    assert Exposure("dose").known(patients(10, np.nan, MISSING), study)[0]


def test_the_conditions_are_read_by_the_plan() -> None:
    assert {"time", "status", "dose", "arm"} == variables_read(study_of(COX, 5))
    assert {"time", "status", "dose", "arm"} == variables_read(study_of(LANDMARK, 5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"terms": [TERM | {"where": {"arms": ["A"]}}]}, "exposure dose: 'arms' is not in the codebook. Did you mean 'arm'?"),
        ({"terms": [TERM | {"where": {"arm": ["D"]}}]}, "exposure dose: where: 'D' is not a level of arm"),
        ({"terms": [TERM | {"where": {"age": ["old"]}}]}, "exposure dose: 'age' is a number, but a category is needed"),
    ],
)  # fmt: skip
def test_conditions_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        check_plan(study_of(COX | changes, 5))


def test_conditions_belong_to_an_exposure() -> None:
    with pytest.raises(ValueError, match="where says who was exposed, and goes with an exposure"):
        study_of(COX | {"terms": [{"factor": "arm", "where": {"sex": ["male"]}}]}, 5)


@pytest.mark.parametrize(
    "asked",
    [
        COX | {"terms": [{"exposure": "dose", "where": {"site": ["site-0"]}}]},
        LANDMARK | {"exposure_where": {"site": ["site-0"]}},
    ],
)
def test_conditions_may_not_single_out_a_site(asked: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="site would show one site's numbers alone"):
        check_plan(study_of(asked, 6, disclosure={"release": "rounded"}))


def test_an_exposure_without_conditions_says_what_it_said() -> None:
    [spec] = study_of(WITHOUT[0], 5).plan.analyses

    assert [{"factor": None, "number": None, "exposure": "dose", "reference": None}] == [
        dict(term) for term in spec.model_dump()["terms"]
    ]
    assert pool(study_of(COX, 5), random_cohort(43).patients(study_of(COX, 5))).result["n"]
