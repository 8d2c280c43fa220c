"""Blind models as the estimator sees them: what is counted for them, what is asked of the computation, and what becomes of its fit.

The computation itself is that of `secure/`; here the fit is made in the open, of all sites' rows together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.common.estimators.cohorts import Cohort, random_cohort, study_of, uneven_cohort
from tests.common.estimators.pooling import assert_close, result_of, summary_of
from tests.examples import examples

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import Request
from riskset_common.estimators.on_shares import BlindFit, BlindQuestion
from riskset_common.estimators.regression.blind import blind_cohort, blind_questions, column_range
from riskset_common.estimators.regression.cox import Cox
from riskset_common.estimators.regression.questions.asked import AskCox
from riskset_common.estimators.regression.questions.deaths import AskDeaths, Waiting
from riskset_common.estimators.regression.questions.likelihood import AskLikelihood
from riskset_common.estimators.regression.terms import columns
from riskset_common.results.as_json import as_json
from riskset_common.rounds.blind_models import waits
from riskset_common.rounds.questions import questions_json
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start

N_SITES = 5
MODELS: dict[str, dict[str, Any]] = {
    "Efron": {
        "kind": "cox",
        "endpoint": "EFS",
        "terms": [{"factor": "arm"}, {"factor": "sex"}, {"number": "age"}],
    },
    "an interaction, strata, a cause and left truncation": {
        "kind": "cox",
        "endpoint": "LATE",
        "cause": "death",
        "terms": [{"factor": "arm", "reference": "B"}, {"number": "age"}],
        "interaction": ["arm", "age"],
        "interaction_test": "likelihood_ratio",
        "strata": ["sex"],
        "ties": "breslow",
    },
    "an exposure that begins during follow-up": {
        "kind": "cox",
        "endpoint": "EFS",
        "terms": [{"exposure": "dose"}, {"factor": "arm"}],
    },
}
COX: Any = Cox()
some_seed = st.integers(0, 2**32 - 1)


def counted(study: Study, sites: list[Patients]) -> Request[Any, Any]:
    """The request of a model that waits."""
    (spec,) = study.plan.analyses
    request: Any = COX.first(spec, study)
    while not waits(request):
        asked = questions_json({spec.id: request})
        summaries = [summary_of(each, study, asked) for each in sites]
        pooled = {name: np.asarray(sum(each[name] for each in summaries)) for name in summaries[0]}
        request = COX.next(request, pooled)
    waiting: Request[Any, Any] = request
    return waiting


def in_the_open(request: Request[Any, Any], sites: list[Patients]) -> Mapping[str, BlindFit]:
    """The fits of all sites' rows together."""
    found = [blind_cohort(each, request) for each in sites]
    questions = blind_questions(request, request.memory.pooled)
    return {
        name: BlindFit(_fit(question, found), (0,) * len(question.columns))
        for name, question in questions.items()
    }


def _fit(question: BlindQuestion, found: list[Any]) -> CoxFit:
    entries = [each.times.entry for each in found]
    design = prepare(
        time=np.concatenate([each.times.time for each in found]),
        event=np.concatenate([each.times.event > 0 for each in found]),
        entry=None if entries[0] is None else np.concatenate(entries),
        x=np.concatenate([each.x for each in found])[:, list(question.columns)],
        stratum=np.concatenate([each.stratum for each in found]),
        ties=question.ties,
    )
    state: NewtonState | CoxFit = start(
        len(question.columns), question.convergence, question.max_iterations
    )
    while isinstance(state, NewtonState):
        state = advance(state, cox_sums(design, np.array(state.beta)))
    return state


def without_strata(result: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in result.items() if name != "strata"}


@pytest.mark.parametrize("analysis", MODELS.values(), ids=list(MODELS))
@given(seed=some_seed, uneven=st.booleans())
@examples(8)
def test_a_model_over_any_split_is_that_of_one_pool(
    analysis: dict[str, Any], seed: int, uneven: bool
) -> None:
    cohort = uneven_cohort(seed) if uneven else random_cohort(seed, n_sites=N_SITES)
    study = study_of(analysis, N_SITES)
    sites = cohort.patients(study)
    request = counted(study, sites)
    found = as_json(COX.fitted(request, {"": in_the_open(request, sites)}))
    one = result_of(analysis | {"strata": [*analysis.get("strata", ()), "site"]}, cohort, 1)

    assert_close(without_strata(one), without_strata(found))


@given(seed=some_seed)
@examples(10)
def test_what_is_asked_of_the_computation_does_not_depend_on_the_split(seed: int) -> None:
    cohort = random_cohort(seed, n_sites=N_SITES)
    asked = []
    for n_sites in (1, N_SITES):
        # Where nothing is stratified by site the number of sites plays no part.
        study = study_of(MODELS["Efron"], n_sites)
        request = counted(study, cohort.patients(study))
        asked.append(blind_questions(request, request.memory.pooled)[""])

    assert asked[0] == asked[1]
    assert sum(asked[0].deaths) == asked[0].n_events


@pytest.fixture
def waiting() -> Request[Any, Any]:
    study = study_of(MODELS["Efron"], N_SITES)
    return counted(study, random_cohort(5).patients(study))


def test_a_model_that_waits_is_asked_nothing_and_answers_nothing(
    waiting: Request[Any, Any],
) -> None:
    (patients, *_) = random_cohort(5).patients(waiting.study)

    assert {} == COX.shapes(waiting)
    assert {} == COX.summarise(patients, waiting)
    assert waiting is COX.next(waiting, {})
    assert {"": waiting} == COX.parts(waiting)


def test_deaths_that_do_not_add_up_are_told(waiting: Request[Any, Any]) -> None:
    wrong = {**waiting.memory.pooled, "events": np.array(1)}
    with pytest.raises(EstimationError) as told:
        blind_questions(waiting, wrong)

    assert "do not add up to the events" in str(told.value)


def test_other_patients_than_in_the_survey_are_told(waiting: Request[Any, Any]) -> None:
    before = Request(
        waiting.spec,
        waiting.study,
        AskDeaths(n_steps=waiting.state.n_steps),
        waiting.memory,
    )
    one_more = {**waiting.memory.pooled, "n": waiting.memory.pooled["n"] + 1}
    with pytest.raises(EstimationError) as told:
        COX.next(before, one_more)

    assert "than in the survey" in str(told.value)


def test_an_event_beyond_the_agreed_grid_is_refused_by_the_site() -> None:
    study = study_of(MODELS["Efron"], 1)
    (patients,) = random_cohort(6).patients(study)
    short: Any = Request(study.plan.analyses[0], study, AskDeaths(n_steps=1))
    with pytest.raises(EstimationError):
        COX.summarise(patients, short)


@pytest.mark.parametrize(
    ("strata", "asked"),
    [
        ([], AskLikelihood(exponent=(0,) * 4, beta=(0.0,) * 4)),
        (["site"], AskDeaths(n_steps=4)),
        ([], AskDeaths(n_steps=3)),
        ([], AskDeaths(n_steps=2**40)),
    ],
)
def test_a_model_is_asked_in_its_own_way_only(strata: list[str], asked: AskCox) -> None:
    study = study_of(MODELS["Efron"] | {"strata": strata}, N_SITES)
    with pytest.raises(ProtocolRefusal):
        COX.shapes(Request(study.plan.analyses[0], study, asked))


@pytest.mark.parametrize(
    "state",
    [
        {"waits": True},
        {"n_steps": 4, "beta": [0.0]},
        {"n_steps": 4, "exponent": [0]},
        {"beta": [0.0]},
        {"count_steps": 4},
        {"exponent": [0], "beta": [0.0], "clusters": True, "times": True},
        {"exponent": [0], "beta": [0.0], "clusters": True, "count_steps": 4},
        {"clusters": 0},
    ],
)
def test_a_question_of_two_ways_at_once_is_none(state: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        COX.question(state)


def test_the_range_of_a_column_is_the_product_of_its_parts() -> None:
    analysis = MODELS["Efron"] | {"interaction": [["arm", "age"], ["arm", "sex"]]}
    study = study_of(analysis, N_SITES)
    spec: Any = study.plan.analyses[0]
    found = columns(spec.terms, spec.interaction, study)
    ranges = {f"{each.term} {each.level}": column_range(each, study) for each in found}

    assert ranges["age None"] == (0.0, 100.0)
    assert ranges["arm B"] == (0.0, 1.0)
    assert ranges["arm:age B"] == (0.0, 100.0)
    assert ranges["arm:sex C:female"] == (0.0, 1.0)


def test_only_models_wait_to_be_computed() -> None:
    study = study_of({"kind": "event_table", "endpoint": "EFS"}, 2)
    request = Request(study.plan.analyses[0], study, Waiting(n_steps=2))
    with pytest.raises(ProtocolRefusal):
        estimator_of("event_table").fitted(request, {})


def test_a_cohort_without_events_needs_no_computation() -> None:
    cohort: Cohort = random_cohort(8)
    study = study_of(MODELS["an interaction, strata, a cause and left truncation"], N_SITES)
    nobody = cohort.with_values(event=np.zeros_like(cohort.event))
    request: Any = COX.first(study.plan.analyses[0], study)
    asked = questions_json({"asked": request})
    summaries = [summary_of(each, study, asked) for each in nobody.patients(study)]
    pooled = {name: np.asarray(sum(each[name] for each in summaries)) for name in summaries[0]}
    result = COX.next(request, pooled)

    assert result.events == 0
    assert any("There is no event" in said for said in result.warnings)
