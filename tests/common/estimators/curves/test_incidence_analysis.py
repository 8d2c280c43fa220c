"""Competing events in a plan: which kinds are told apart, what is refused, and that one cause censors the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.estimators.pooling import assert_close, pool, result_of

from riskset_common.errors import PlanError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.curves.counts import AskCounts
from riskset_common.estimators.estimator import Request
from riskset_common.planning.check import check_plan
from riskset_node.policy import asked_by

CIF = {"kind": "cumulative_incidence", "endpoint": "EFS"}


def refusal(analysis: dict[str, Any]) -> str:
    with pytest.raises(PlanError) as refused:
        check_plan(study_of(analysis, 5))
    return str(refused.value)


def summary_shapes(analysis: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    study = study_of(analysis, 3)
    [spec] = study.plan.analyses
    found = estimator_of(spec.kind).shapes(Request(spec, study, AskCounts(n_steps=8)))
    return {name: shape.shape for name, shape in found.items()}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"causes": ["relaps"]}, "cause 'relaps' is not an event of EFS. Did you mean 'relapse'?"),
        ({"test": "gray"}, "test compares groups, but `by` is missing."),
        ({"by": "arm", "strata": ["sex"]}, "strata act on the test only, but `test` is missing."),
        ({"causes": ["death", "death"]}, "causes: death stands there 2 times. Name it once."),
        ({"by": ["arm", "arm"]}, "by and strata: arm stands there 2 times. Name it once."),
        ({"at": [-1]}, "at holds a negative time: [-1.0]."),
        (
            {"endpoint": "LATE", "by": "arm", "test": "gray"},
            "test: gray is not defined for patients who come under observation late",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_told_why(keys: dict[str, Any], said: str) -> None:
    assert said in refusal(CIF | keys)


def test_a_cause_that_the_endpoint_lacks_is_refused_in_other_kinds_too() -> None:
    curves = {"kind": "kaplan_meier", "endpoint": "EFS", "cause": "progression"}

    assert "cause 'progression' is not an event of EFS." in refusal(curves)


def test_kinds_that_the_plan_does_not_name_are_counted_together() -> None:
    assert (2, 3, 8) == summary_shapes(CIF | {"by": "arm"})["events"]
    assert (2, 3, 8) == summary_shapes(CIF | {"by": "arm", "causes": "death"})["events"]
    status = {"variable": "status", "events": {"death": "dead"}}
    only = {"dead": {"label": "D", "time": {"variable": "time"}, "status": status}}
    study = study_of(CIF | {"endpoint": "dead"}, 3, endpoints=only)
    [spec] = study.plan.analyses
    shapes = estimator_of(spec.kind).shapes(Request(spec, study, AskCounts(n_steps=8)))

    assert (1, 1, 8) == shapes["events"].shape


def test_a_test_within_sites_opens_no_counts_by_site() -> None:
    shapes = summary_shapes(CIF | {"by": "arm", "test": "gray", "strata": ["site"]})

    assert (2, 3, 8) == shapes["events"]
    assert {(2, 3), (2, 3, 3)} == {shapes[name] for name in ("observed", "expected", "covariance")}


def test_grays_test_is_allowed_by_its_name_however_it_is_weighted() -> None:
    weighted = study_of(CIF | {"by": "arm", "test": {"gray": {"rho": 1}}}, 3)

    assert ("cumulative_incidence", "gray") == asked_by(weighted.plan)
    assert ("cumulative_incidence",) == asked_by(study_of(CIF, 3).plan)


def test_incidences_of_named_causes_do_not_depend_on_which_others_are_named() -> None:
    cohort = random_cohort(5)
    both = result_of(CIF | {"at": [9]}, cohort, 5)
    one = result_of(CIF | {"at": [9], "causes": ["death"]}, cohort, 5)

    assert ["relapse", "death"] == both["causes"]
    assert both["groups"][0]["causes"]["death"] == one["groups"][0]["causes"]["death"]
    assert both["events"] == one["events"]


@pytest.mark.parametrize("kind", ["kaplan_meier", "cox"])
def test_a_cause_takes_every_other_event_as_a_censoring(kind: str) -> None:
    cohort = random_cohort(6)
    relapses = cohort.with_values(event=np.where(cohort.event == 2, 0, cohort.event))
    more: dict[str, Any] = {"by": "arm", "test": "log_rank"}
    if kind == "cox":
        more = {"terms": [{"factor": "arm"}, {"number": "age"}], "strata": ["site"]}
    analysis = {"kind": kind, "endpoint": "EFS", **more}
    named = result_of(analysis | {"cause": "relapse"}, cohort, 5)

    assert "relapse" == named.pop("cause")
    assert_close(result_of(analysis, relapses, 5), named)


def test_with_the_weight_of_the_results_goes_its_exponent() -> None:
    study = study_of(CIF | {"by": "arm", "test": {"gray": {"rho": 1}}}, 5)
    weighted = pool(study, random_cohort(7).patients(study)).result
    plain = result_of(CIF | {"by": "arm", "test": "gray"}, random_cohort(7), 5)

    assert {1.0} == {test["rho"] for test in weighted["tests"].values()}
    assert not any("rho" in test for test in plain["tests"].values())
