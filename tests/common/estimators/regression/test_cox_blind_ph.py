"""The test of proportional hazards of a blind model: what is asked of those who compute it, and what their answer becomes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import Cohort, censored, random_cohort, study_of
from tests.common.estimators.pooling import assert_close, pool, summary_of

from riskset_common.errors import EstimationError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import Request
from riskset_common.estimators.on_shares import BlindFit, BlindQuestion
from riskset_common.estimators.regression.blind import MAINS, WHOLE, blind_cohort, blind_questions
from riskset_common.results.as_json import to_text
from riskset_common.rounds.blind_models import waits, wanted_test
from riskset_common.rounds.questions import questions_json
from riskset_common.study.patients import Patients
from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start
from riskset_common.survival.regression.proportionality import TimeScores

COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"factor": "arm"}, {"number": "age"}],
}
TRANSFORMS = ["km", "rank", "identity", "log"]


def waiting(analysis: dict[str, Any], cohort: Cohort) -> tuple[Request[Any, Any], list[Patients]]:
    """A blind model of five sites whose deaths are counted, and the sites' patients."""
    study = study_of(analysis, 5)
    sites = cohort.patients(study)
    [spec] = study.plan.analyses
    estimator = estimator_of(spec.kind)
    request: Any = estimator.first(spec, study)
    while not waits(request):
        asked = questions_json({spec.id: request})
        found = [summary_of(patients, study, asked) for patients in sites]
        request = estimator.next(
            request, {name: np.asarray(sum(each[name] for each in found)) for name in found[0]}
        )
    return request, sites


def computed(request: Request[Any, Any], sites: list[Patients], which: str = WHOLE) -> BlindFit:
    """What a computation on shares would give, from all patients in the open."""
    question = blind_questions(request, request.memory.pooled)[which]
    parts = [blind_cohort(patients, request) for patients in sites]
    x = np.concatenate([part.x for part in parts])[:, list(question.columns)]
    time = np.concatenate([part.times.time for part in parts])
    event = np.concatenate([part.times.event > 0 for part in parts])
    stratum = np.concatenate([part.stratum for part in parts])
    design = prepare(time, event, None, x, stratum, question.ties)
    state: NewtonState | CoxFit = start(x.shape[1], "tight", question.max_iterations)
    while isinstance(state, NewtonState):
        state = advance(state, cox_sums(design, np.array(state.beta)))
    wanted, times = wanted_test(question), None
    if wanted is not None:
        by_time = dict(zip(question.slot_times, wanted.times, strict=True))
        g = np.array([by_time[step] for step in time[design.slot_rows].tolist()])
        beta = np.nan_to_num(state.coef)
        once, twice = cox_sums(design, beta, g), cox_sums(design, beta, g**2)
        times = TimeScores(once.score, once.information, twice.information)
    return BlindFit(state, (0,) * x.shape[1], times)


def printed(request: Request[Any, Any], fits: dict[str, BlindFit]) -> dict[str, Any]:
    found = estimator_of("cox").fitted(request, {"": fits})
    result: dict[str, Any] = json.loads(to_text({"asked": found}))["asked"]
    return result


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("strata", [[], ["sex"]])
def test_the_test_is_that_of_one_site_with_all_patients(transform, strata):
    cohort = random_cohort(1)
    request, sites = waiting(COX | {"ph_test": transform, "strata": strata}, cohort)
    study = study_of(COX | {"ph_test": transform, "strata": ["site", *strata]}, 1)
    expected = pool(study, cohort.patients(study)).result

    assert_close(
        expected["ph_test"], printed(request, {WHOLE: computed(request, sites)})["ph_test"]
    )


def test_the_model_of_main_effects_is_not_tested():
    analysis = COX | {
        "interaction": [["arm", "age"]],
        "interaction_test": "likelihood_ratio",
        "ph_test": "km",
    }
    request, sites = waiting(analysis, random_cohort(6))
    questions = blind_questions(request, request.memory.pooled)
    found = printed(request, {name: computed(request, sites, name) for name in questions})

    assert ("km", None) == (questions[WHOLE].ph_test, questions[MAINS].ph_test)
    assert {"arm", "age", "arm:age"} == set(found["ph_test"]["terms"])


@pytest.mark.parametrize("field", ["converged", "monotone"])
def test_a_model_of_which_nothing_was_opened_has_no_test(field):
    request, sites = waiting(COX | {"ph_test": "identity"}, random_cohort(2))
    found = computed(request, sites)
    changed: dict[str, Any] = {field: {"converged": False, "monotone": ~found.fit.monotone}[field]}
    unfinished = replace(found, fit=replace(found.fit, **changed), times=None)

    assert "ph_test" in printed(request, {WHOLE: found})
    assert "ph_test" not in printed(request, {WHOLE: unfinished})


def test_events_that_are_not_the_deaths_of_the_strata_are_an_error():
    request, _ = waiting(COX | {"ph_test": "rank"}, random_cohort(3))
    pooled = dict(request.memory.pooled)
    pooled["events_by_step"] = np.roll(pooled["events_by_step"], 1)
    with pytest.raises(EstimationError, match="are not the deaths of the strata"):
        blind_questions(request, pooled)


def test_without_events_nothing_is_tested():
    study = study_of(COX | {"ph_test": "km"}, 5)
    found = pool(study, censored(random_cohort(4)).patients(study)).result["ph_test"]

    assert (0, 1.0) == (found["global_test"]["df"], found["global_test"]["p_value"])


def question_of(times: tuple[int, ...], **fields: Any) -> BlindQuestion:
    request, _ = waiting(COX, random_cohort(5))
    question = blind_questions(request, request.memory.pooled)[WHOLE]
    return replace(question, slot_times=times, **fields)


def test_where_g_is_the_same_at_all_events_nothing_is_wanted():
    one_time = question_of((7, 7), ph_test="identity")
    flat = question_of((7, 8), ph_test="km", transformed=(0.5, 0.5))
    fit = computed(*waiting(COX | {"ph_test": "identity"}, random_cohort(2)))

    assert wanted_test(question_of((7, 8))) is None
    assert wanted_test(one_time) is None
    assert wanted_test(flat) is None
    request, _ = waiting(COX | {"ph_test": "identity"}, random_cohort(2))
    found = printed(request, {WHOLE: replace(fit, times=None)})["ph_test"]
    assert (0, 1.0) == (found["global_test"]["df"], found["global_test"]["p_value"])


def test_a_time_of_0_has_the_logarithm_of_half_a_step():
    wanted = wanted_test(question_of((0, 1, 2), ph_test="log"))

    assert wanted is not None
    np.testing.assert_allclose(wanted.times, np.log([0.5, 1.0, 2.0]), rtol=1e-15)
