"""Counts that several analyses of a plan need: asked in one of them, and the results are as if each had been asked by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import Cohort, cohorts, random_cohort, study_of
from tests.common.estimators.pooling import result_of
from tests.examples import examples

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.curves.counts import AskCounts
from riskset_common.estimators.estimator import AnyRequest, Request
from riskset_common.results.as_json import to_text
from riskset_common.rounds.asked_once import AskedOnce, ask_once
from riskset_common.rounds.questions import questions_json, read_questions
from riskset_common.rounds.verified_sums import VerifiedSums, add_verified
from riskset_common.study.study import Study

EFS = {"kind": "kaplan_meier", "endpoint": "EFS"}
BY_ARM: dict[str, Any] = EFS | {"by": "arm"}
OF_SEVERAL: dict[str, dict[str, Any]] = {
    "all": EFS | {"at": [3]},
    "arm": BY_ARM | {"test": "log_rank"},
    "arm_again": BY_ARM | {"rmean": 5, "test": "gehan", "pairwise": True},
    "arm_within_sites": BY_ARM | {"test": "log_rank", "strata": ["site"]},
    "relapse": BY_ARM | {"cause": "relapse"},
    "women": BY_ARM | {"population": "women"},
    "women_too": BY_ARM | {"where": {"sex": ["female"]}},
    "late": EFS | {"endpoint": "LATE"},
    "follow_up": {"kind": "follow_up", "endpoint": "EFS"},
    "complete": {"kind": "follow_up", "endpoint": "EFS", "completeness": "dose"},
    "incidence": {"kind": "cumulative_incidence", "endpoint": "EFS", "by": "arm"},
    "gray": {"kind": "cumulative_incidence", "endpoint": "EFS", "by": "arm", "test": "gray", "strata": ["site"]},
    "univariate": {
        "kind": "univariate",
        "endpoint": "EFS",
        "factors": ["arm", "sex"],
        "test": "log_rank",
        "strata": ["site"],
    },
    "curves_again": {"kind": "univariate", "endpoint": "EFS", "factors": ["arm"]},
}  # fmt: skip


def several(analyses: Mapping[str, Mapping[str, Any]]) -> Study:
    """A study of five sites with these analyses."""
    written = [{"id": name, **each} for name, each in analyses.items()]
    return study_of({"kind": "flow", "steps": ["arm"]}, 5, analyses=written)


def first_round(study: Study) -> dict[str, AnyRequest]:
    return {spec.id: estimator_of(spec.kind).first(spec, study) for spec in study.plan.analyses}


def answers(
    study: Study, cohort: Cohort, asked: AskedOnce, verified: VerifiedSums
) -> dict[str, dict[str, Any]]:
    """The plain sums over the sites of all that is asked, as questions travel."""
    pooled: dict[str, dict[str, Any]] = {}
    for name, request in read_questions(study, questions_json(asked.requests), verified).items():
        of_sites = [
            estimator_of(request.spec.kind).summarise(patients, request)
            for patients in cohort.patients(study)
        ]
        assert estimator_of(request.spec.kind).shapes(request).keys() == of_sites[0].keys()
        pooled[name] = {
            array: np.asarray(sum(np.asarray(each[array]) for each in of_sites))
            for array in of_sites[0]
        }
    return pooled


def run_together(study: Study, cohort: Cohort) -> tuple[dict[str, Any], list[AskedOnce]]:
    """The results of all analyses, as results.json has them, and what each round asked."""
    unfinished, rounds = first_round(study), []
    finished: dict[str, Any] = {}
    verified: VerifiedSums = {}
    while unfinished:
        rounds.append(ask_once(unfinished))
        opened = answers(study, cohort, rounds[-1], verified)
        verified = add_verified(verified, study, opened)
        pooled = rounds[-1].completed(opened)
        reached = {
            name: estimator_of(request.spec.kind).next(request, pooled[name])
            for name, request in unfinished.items()
        }
        finished |= {name: each for name, each in reached.items() if not isinstance(each, Request)}
        unfinished = {name: each for name, each in reached.items() if isinstance(each, Request)}
    return json.loads(to_text(finished)), rounds


def asked_in(rounds: Sequence[AskedOnce], number: int) -> dict[str, set[str]]:
    """Names of the arrays that each analysis is asked for in a round."""
    return {
        name: set(estimator_of(request.spec.kind).shapes(request))
        for name, request in rounds[number - 1].requests.items()
    }


def test_each_count_is_asked_once_and_what_stands_beside_it_by_itself() -> None:
    _, rounds = run_together(several(OF_SEVERAL), random_cohort(1))
    asked = asked_in(rounds, 2)
    curve = {"events", "censored", "missing"}

    assert curve == asked["all"] == asked["arm"] == asked["relapse"] == asked["incidence"]
    assert {"arm_again", "follow_up", "curves_again"} == OF_SEVERAL.keys() - asked.keys()
    assert {"observed", "expected", "covariance"} == asked["arm_within_sites"] == asked["gray"]
    assert curve | {"person_time", "incomplete"} == asked["complete"]
    assert not {name for name in asked["univariate"] if name.startswith("curve._.")}
    assert {"curve.arm.observed", "curve.sex.events"} < asked["univariate"]
    assert "curve.arm.events" not in asked["univariate"]


@given(cohort=st.one_of(cohorts(), st.integers(0, 99).map(random_cohort)))
@examples(15)
def test_a_plan_of_several_gives_each_the_result_it_has_alone(cohort: Cohort) -> None:
    together, _ = run_together(several(OF_SEVERAL), cohort)

    assert {name: result_of(each, cohort, 5) for name, each in OF_SEVERAL.items()} == together


@pytest.mark.parametrize("name", ALL)
def test_an_analysis_that_stands_in_a_plan_twice_is_asked_as_one(name: str) -> None:
    cohort = random_cohort(3)
    together, rounds = run_together(several({"one": ALL[name], "two": ALL[name]}), cohort)

    assert result_of(ALL[name], cohort, 5) == together["one"] == together["two"]
    if ALL[name]["kind"] in ("kaplan_meier", "cumulative_incidence", "follow_up"):
        assert ["one"] == list(rounds[0].requests)


@pytest.mark.parametrize(
    "other",
    [
        {"population": "women"},
        {"where": {"sex": ["male"]}},
        {"endpoint": "LATE"},
        {"cause": "death"},
        {"by": "sex"},
        {"by": ["sex", "arm"]},
        {"by": ["arm", "sex"]},
        {"strata": ["sex"], "test": "log_rank"},
    ],
)
def test_counts_of_other_patients_or_groups_are_not_shared(other: dict[str, Any]) -> None:
    study = several({"one": BY_ARM, "two": BY_ARM | other})

    assert {} == ask_once(first_round(study)).borrowed


def test_counts_on_another_grid_are_not_shared() -> None:
    study = several({"one": BY_ARM, "two": BY_ARM})
    requests: dict[str, Any] = {
        name: Request(study.plan.analysis(name), study, AskCounts(n_steps=n_steps))
        for name, n_steps in (("one", 8), ("two", 16))
    }

    assert {} == ask_once(requests).borrowed


def test_curves_from_a_landmark_on_share_nothing_with_curves_from_the_origin() -> None:
    landmark = {"kind": "landmark", "endpoint": "EFS", "at": 2, "exposure": "dose"}
    study = several({"one": landmark, "two": landmark, "three": EFS})

    assert {} == ask_once(first_round(study)).borrowed


def test_no_site_is_asked_for_what_stands_beside_a_length() -> None:
    with pytest.raises(ValidationError, match="nothing stands beside"):
        AskCounts(counted=True)
