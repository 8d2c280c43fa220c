"""What a site keeps of openings that it checked, and how often it answers one question."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import study_of

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.rounds.questions import read_questions, sections_of
from riskset_common.rounds.verified_sums import (
    add_verified,
    check_repeated,
    must_be_shown,
)

MODEL: dict[str, Any] = {"endpoint": "EFS", "terms": [{"factor": "arm"}], "strata": ["site"]}
COX = MODEL | {"kind": "cox", "ph_test": "km"}
FINE_GRAY = MODEL | {"kind": "fine_gray", "cause": "relapse"}
SITES_COMPARED = {"kind": "heterogeneity", "endpoint": "EFS", "terms": [{"factor": "sex"}]}
FACTORS = {
    "kind": "univariate",
    "endpoint": "EFS",
    "factors": ["arm", "sex"],
    "strata": ["site"],
}
LANDMARK = {"kind": "landmark", "endpoint": "EFS", "at": 2, "exposure": "dose"}
AT_0 = {"exponent": [0, 0], "beta": [0.0, 0.0]}


def asked(analysis: dict[str, Any], **question: Any):
    return read_questions(study_of(analysis, 5), canonical_json({"asked": question}))


def counted(*events: int) -> dict[str, Any]:
    return {"events_by_step": np.array([events]), "censored_by_step": np.zeros((1, 2), np.int64)}


@pytest.mark.parametrize(
    ("analysis", "question", "expected"),
    [
        (COX, {}, True),
        (COX, AT_0 | {"count_steps": 4}, True),
        (COX, AT_0, False),
        (COX | {"strata": []}, {"n_steps": 4}, True),
        (FACTORS, {"models": {"arm": {}}}, True),
        (FACTORS, {"curves": {"arm": {}}}, True),
        (FACTORS, {"curves": {"arm": {"n_steps": 4}}}, False),
        (FINE_GRAY, {"exponent": [0, 0], "beta": [0.0, 0.0], "count_steps": 4}, True),
        (SITES_COMPARED, {}, True),
        (SITES_COMPARED, {"asks": "sums"}, True),
        (SITES_COMPARED, {"asks": "random"}, False),
    ],
)
def test_sites_are_shown_sums_on_which_later_questions_rest(analysis, question, expected):
    (request,) = asked(analysis, **question).values()

    assert expected is must_be_shown(request)


def test_a_site_keeps_what_questions_rest_on_and_nothing_else():
    study = study_of(COX, 5)
    verified = add_verified({}, study, {"asked": {**counted(1, 0), "score": np.zeros(2)}})

    assert {"asked": ["events_by_step", "censored_by_step"]} == {
        name: list(kept) for name, kept in verified.items()
    }
    assert verified is add_verified(verified, study, {"asked": {"score": np.ones(2)}})
    assert verified is add_verified(verified, study, {"asked": counted(1, 0)})


@pytest.mark.parametrize("again", [counted(2, 0), {"events_by_step": np.zeros((1, 4), np.int64)}])
def test_a_second_count_that_differs_is_refused(again):
    study = study_of(COX, 5)
    verified = add_verified({}, study, {"asked": counted(1, 0)})

    with pytest.raises(ProtocolRefusal, match="shows other events_by_step of analysis asked"):
        add_verified(verified, study, {"asked": again})


def test_sums_of_several_openings_add_up():
    study = study_of(SITES_COMPARED, 5)
    verified = add_verified({}, study, {"asked": {"with_estimate": np.array([9])}})
    verified = add_verified(verified, study, {"asked": {"effect_sums": np.zeros((1, 4))}})

    assert ["with_estimate", "effect_sums"] == list(verified["asked"])


@pytest.mark.parametrize(
    ("analysis", "question", "most"),
    [
        (COX, AT_0, 41),
        (COX | {"convergence": "r"}, AT_0, 21),
        (COX | {"max_iterations": 3}, AT_0, 4),
        (COX, AT_0 | {"times": True}, 1),
        (FINE_GRAY | {"censoring": "strata", "max_iterations": 2}, AT_0, 3),
        (FINE_GRAY, AT_0 | {"clusters": True}, 1),
        (SITES_COMPARED, {"asks": "random"}, 1),
    ],
)
def test_a_site_answers_as_often_as_the_plan_has_it(analysis, question, most):
    requests = asked(analysis, **question)
    sections = sections_of(requests)
    check_repeated(requests, sections, [sections] * (most - 1))

    with pytest.raises(
        ProtocolRefusal,
        match=f"of analysis asked more than {'once' if most == 1 else f'{most} times'}, which",
    ):
        check_repeated(requests, sections, [sections] * most)


def test_a_part_is_told_its_own_sums():
    study = study_of(FACTORS, 5)
    pooled = {"model.arm.events": np.array(7), "model.sex.events": np.array(8)}
    verified = add_verified({}, study, {"asked": {**pooled, "curve.arm.events": np.zeros((3, 4))}})
    questions = canonical_json({"asked": {"models": {"arm": AT_0}}})
    (request,) = read_questions(study, questions, verified).values()

    assert list(pooled) == list(verified["asked"])
    assert (
        7 == estimator_of(request.spec.kind).parts(request)["model.arm"].checked("events")["events"]
    )


def test_each_model_of_an_analysis_has_a_limit_of_its_own():
    models = {"arm": AT_0, "sex": {"exponent": [0], "beta": [0.0]}}
    both, one = asked(FACTORS, models=models), asked(FACTORS, models={"arm": AT_0})
    earlier = [sections_of(one)] * 41

    with pytest.raises(ProtocolRefusal, match=r"model\.arm\.log_likelihood"):
        check_repeated(both, sections_of(both), earlier)
    check_repeated(both, [each for each in sections_of(both) if "sex" in each.name], earlier)


def test_main_effects_by_themselves_have_a_limit_of_their_own():
    interaction = {
        "terms": [{"factor": "arm"}, {"factor": "sex"}],
        "interaction": ["arm", "sex"],
        "interaction_test": "likelihood_ratio",
    }
    model = MODEL | {"kind": "cox"} | interaction
    alone = asked(model, exponent=[0] * 5, mains=[0.0] * 3)
    sections = sections_of(alone)
    check_repeated(alone, sections, [sections] * 40)

    with pytest.raises(ProtocolRefusal, match="mains_log_likelihood"):
        check_repeated(alone, sections, [sections] * 41)


@pytest.mark.parametrize(
    ("analysis", "question", "first"),
    [
        ({"kind": "kaplan_meier", "endpoint": "EFS"}, {"n_steps": 4}, "events"),
        (LANDMARK, {"curves": {"landmark": {}}}, "ended"),
        ({"kind": "flow", "steps": ["arm"]}, {}, "cells"),
        (COX, {}, "missing"),
    ],
)
def test_an_array_of_which_a_kind_says_nothing_is_asked_once(analysis, question, first):
    requests = asked(analysis, **question)
    sections = sections_of(requests)
    check_repeated(requests, sections, [])

    with pytest.raises(ProtocolRefusal, match=f"{first} of analysis asked more than once, which"):
        check_repeated(requests, sections, [sections])


def test_the_cases_of_a_blind_model_are_counted_with_its_deaths_again():
    blind = COX | {"strata": []}
    survey, deaths = (sections_of(asked(blind, **each)) for each in ({}, {"n_steps": 4}))
    requests = asked(blind, n_steps=4)
    check_repeated(requests, deaths, [survey])

    with pytest.raises(ProtocolRefusal, match="n of analysis asked more than 2 times, which"):
        check_repeated(requests, deaths, [survey, deaths])
