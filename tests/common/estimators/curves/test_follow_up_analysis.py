"""Follow-up as an analysis: its closing date by the plan's cutoff, and what a plan cannot ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from tests.common.estimators.cohorts import CODEBOOK, censored, random_cohort, study_of
from tests.common.estimators.pooling import pool, result_of

from riskset_common.errors import PlanError
from riskset_common.planning.check import check_plan
from riskset_common.study.codebook import DateVariable
from riskset_common.study.plan import Endpoint

FOLLOW_UP = {"kind": "follow_up", "endpoint": "EFS", "completeness": "data_cutoff"}


def test_the_cutoff_of_the_plan_counts_from_each_patients_own_origin() -> None:
    cohort = random_cohort(41)
    cutoff = (date(2020, 1, 1) - date(1970, 1, 1)).days
    study = study_of(FOLLOW_UP, 5, data_cutoff=date(2020, 1, 1))
    dates = {"start": DateVariable(kind="date", label="Start")}
    endpoint = Endpoint.model_validate(
        {"label": "EFS", "origin": "start", "censor": "start", "first_of": {"d": {"date": "start"}}}
    )
    study = replace(
        study,
        plan=study.plan.model_copy(update={"endpoints": {"EFS": endpoint}}),
        codebook=CODEBOOK.model_copy(update={"variables": CODEBOOK.variables | dates}),
    )
    origin = cutoff - 40 + np.arange(cohort.n) % 30
    sites = cohort.patients(study)
    with_dates = [
        replace(site, dates={"start": origin[cohort.site == k]}) for k, site in enumerate(sites)
    ]
    check_plan(study)
    by_date = pool(study, with_dates).result
    by_number = result_of(
        FOLLOW_UP | {"completeness": "dose"}, cohort.with_values(dose=cutoff - origin), 5
    )

    assert by_number == by_date
    assert 0.5 < by_date["completeness"]["ratio"] < 1


def test_nobody_could_be_observed_beyond_the_horizon_of_the_endpoint() -> None:
    cohort = random_cohort(41)
    cut = cohort.with_values(
        time=np.minimum(cohort.time, 5), event=np.where(cohort.time > 5, 0, cohort.event)
    )
    endpoint = {
        "label": "EFS",
        "time": {"variable": "time"},
        "status": {"variable": "status", "events": {"relapse": "relapse", "death": "dead"}},
    }
    asked = {"kind": "follow_up", "endpoint": "EFS", "completeness": "dose"}
    followed = cut.with_values(dose=np.full(cut.n, 9.0))
    until_5 = cut.with_values(dose=np.full(cut.n, 5.0))
    study = study_of(asked, 5, endpoints={"EFS": endpoint | {"horizon": 5}})

    assert (
        result_of(asked, until_5, 5)["completeness"]
        == pool(study, followed.patients(study)).result["completeness"]
    )


def test_what_stands_behind_a_limit_is_null_where_it_is_not_reached() -> None:
    everybody_died = random_cohort(42)
    everybody_died = everybody_died.with_values(event=np.ones(everybody_died.n, dtype=np.int64))
    result = result_of({"kind": "follow_up", "endpoint": "EFS", "range": True}, everybody_died, 5)

    assert {"median": None, "lower": None, "upper": None} == result["at"]
    assert {"shortest": None, "longest": None} == result["range"]
    assert "completeness" not in result


def test_patients_behind_the_median_are_those_still_followed_and_those_who_left() -> None:
    cohort = censored(random_cohort(43))
    result = result_of({"kind": "follow_up", "endpoint": "EFS"}, cohort, 5)
    known = cohort.event >= 0
    median = result["median"]

    assert {
        "at_risk": int((known & (cohort.time >= median)).sum()),
        "ended": int((known & (cohort.time <= median)).sum()),
    } == result["at"]["median"]


def test_a_cutoff_that_is_not_there_is_refused() -> None:
    with pytest.raises(PlanError) as refused:
        check_plan(study_of(FOLLOW_UP, 5))

    assert "the plan has no data_cutoff" in str(refused.value)
    assert "endpoint EFS counts time in ready-made columns" in str(refused.value)
