"""Cox models with an exposure that begins during follow-up: when it begins, who is counted where, and what a plan cannot ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import CODEBOOK, Cohort, random_cohort, study_of
from tests.common.estimators.pooling import assert_close, pool, result_of

from riskset_common.errors import PlanError
from riskset_common.planning.check import check_plan, variables_read
from riskset_common.study.codebook import DateVariable
from riskset_common.study.patients import NO_DATE, Patients
from riskset_common.study.plan import Endpoint
from riskset_common.study.study import Study

COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"exposure": "dose"}, {"factor": "sex"}],
    "strata": ["site"],
}


def levels_of(result: dict[str, Any], term: str) -> dict[str, tuple[int, int]]:
    return {
        each["level"]: (each["n"], each["events"])
        for each in result["levels"]
        if each["term"] == term
    }


def some_exposed(seed: int) -> Cohort:
    """Two in three exposed, some before the origin, on the day of the end, or after it."""
    cohort = random_cohort(seed)
    dose = np.where(np.arange(cohort.n) % 3 == 0, np.nan, np.floor(cohort.dose) - 3)
    dose[1::10] = cohort.time[1::10]
    return cohort.with_values(dose=dose)


def test_each_patient_is_counted_once_by_the_exposure_at_the_end_of_follow_up() -> None:
    cohort = some_exposed(31)
    result = result_of(COX, cohort, 5)
    exposed, event = cohort.dose < cohort.time, cohort.event > 0

    assert cohort.n == result["n"]
    assert {
        "not exposed": (int((~exposed).sum()), int((event & ~exposed).sum())),
        "exposed": (int(exposed.sum()), int((event & exposed).sum())),
    } == levels_of(result, "dose")


def test_an_exposure_on_the_day_on_which_follow_up_ends_is_none() -> None:
    cohort = some_exposed(32)
    at_the_end = np.where(np.isnan(cohort.dose), cohort.time, cohort.dose)

    assert result_of(COX, cohort, 5) == result_of(COX, cohort.with_values(dose=at_the_end), 5)


def test_an_exposure_that_is_there_from_the_origin_on_is_a_factor() -> None:
    cohort = random_cohort(33)
    from_the_origin = cohort.with_values(dose=np.where(cohort.arm == 1, -1.0, np.nan))
    as_factor = cohort.with_values(arm=np.where(cohort.arm == 1, 1, 0))
    factors = COX | {"terms": [{"factor": "arm"}, {"factor": "sex"}]}
    expected, found = result_of(factors, as_factor, 5), result_of(COX, from_the_origin, 5)

    for key in ("coef", "std_err", "p_value"):
        assert_close(expected["terms"][0][key], found["terms"][0][key])
    assert_close(expected["log_likelihood"], found["log_likelihood"])


def test_a_time_between_two_steps_changes_with_the_next_step() -> None:
    cohort = some_exposed(34)
    between = cohort.with_values(dose=cohort.dose + 0.4)

    assert result_of(COX, cohort, 5) == result_of(COX, between, 5)


def test_a_date_counts_from_the_origin_of_the_endpoint() -> None:
    cohort = some_exposed(35)
    by_number = study_of(COX, 5)
    study, dated = with_dates(by_number, cohort)

    assert {"start", "end", "death", "dose", "sex"} == variables_read(study)
    assert pool(by_number, cohort.patients(by_number)).result == pool(study, dated).result


def with_dates(study: Study, cohort: Cohort) -> tuple[Study, list[Patients]]:
    """The same exposure as a date, beside an endpoint made of dates."""
    names = ("start", "end", "death", "dose")
    dates = {name: DateVariable(kind="date", label=f"Date of {name}") for name in names}
    codebook = CODEBOOK.model_copy(update={"variables": CODEBOOK.variables | dates})
    endpoint = Endpoint.model_validate(
        {"label": "EFS", "origin": "start", "censor": "end", "first_of": {"d": {"date": "death"}}}
    )
    plan = study.plan.model_copy(update={"endpoints": {"EFS": endpoint}})
    found = []
    for each in cohort.patients(study):
        start = 10_000 + np.arange(each.n)
        dose = each.numbers["dose"]
        known = ~np.isnan(dose)
        date = np.where(known, start + np.where(known, dose, 0).astype(np.int64), NO_DATE)
        found.append(replace(each, dates={"start": start, "dose": date}))
    return replace(study, plan=plan, codebook=codebook), found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"terms": [{"exposure": "arm"}]}, "'arm' is a category, but a number is needed here."),
        (
            {"kind": "landmark", "at": 3, "exposure": "age"},
            "term dose changes in time, but at a landmark exposures are those until then.",
        ),
    ],
)
def test_a_plan_that_cannot_have_the_exposure_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(PlanError) as refused:
        check_plan(study_of(COX | changes, 5))

    assert message in str(refused.value)


def test_a_date_beside_ready_made_times_is_refused() -> None:
    study, _ = with_dates(study_of(COX, 5), random_cohort(1))
    ready_made = replace(study, plan=study_of(COX, 5).plan)
    with pytest.raises(PlanError) as refused:
        check_plan(ready_made)

    assert "exposure dose is a date, but endpoint EFS counts time in ready-made columns" in str(
        refused.value
    )
