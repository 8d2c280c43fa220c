"""What leaves a site: named in the sentence that people approve, of a shape that says nothing, and never more than was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import (
    CODEBOOK,
    Cohort,
    cohorts,
    nobody,
    random_cohort,
    study_of,
)
from tests.common.estimators.pooling import pool, summary_of
from tests.examples import examples

from riskset_common.estimators.catalogue import ESTIMATORS, estimator_of
from riskset_common.formats.canonical_json import canonical_json

SAID_AS = {
    "lengths": "power of two of steps",
    "events": "event",
    "censored": "censored",
    "entered": "coming under observation",
    "missing": "missing",
    "observed": "observed",
    "expected": "expected",
    "covariance": "covariance",
    "pair_observed": "of each pair",
    "pair_expected": "of each pair",
    "pair_variance": "of each pair",
    "n": "patients",
    "by_level": "by level of each factor",
    "exponents": "power of two to hold a covariate",
    "log_likelihood": "log-likelihood",
    "score": "score",
    "information": "information",
    "mains_log_likelihood": "of its main effects alone",
    "mains_score": "of its main effects alone",
    "mains_information": "of its main effects alone",
    "score_products": "products of each",
    "events_by_step": "patients with an event",
    "censored_by_step": "censored",
    "entered_by_step": "coming under observation",
    "third_moments": "third moments of the covariates",
    "time_score": "score and information weighted by the transformed time",
    "time_information": "score and information weighted by the transformed time",
    "squared_time_information": "information weighted by its square",
    "competing": "competing events in total",
    "cells": "every",
    "with_estimate": "have an estimate of their own",
    "effect_sums": "sums of the weight of each site's estimate",
    "random_sums": "again with the variance between sites in the weights",
    "person_time": "person-time",
    "incomplete": "not followed to",
    "ended": "does not span the landmark",
}
"""The words that `discloses` has for each array of a summary."""


def arrays_of(analysis: dict[str, Any], cohort: Cohort) -> list[dict[str, Any]]:
    """The first site's answers to the questions that these patients lead to, round by round."""
    study = study_of(analysis, 5)
    pooled = pool(study, cohort.patients(study))
    site = cohort.patients(study)[0]
    return [
        dict(summary_of(site, study, canonical_json({"asked": each}), pooled.verified))
        for each in pooled.questions
    ]


@pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
def test_all_that_leaves_is_named_in_the_sentence_that_is_approved(
    analysis: dict[str, Any],
) -> None:
    discloses = estimator_of(analysis["kind"]).discloses
    leaving = {
        name.rpartition(".")[2]
        for arrays in arrays_of(analysis, random_cohort(1))
        for name in arrays
    }

    assert set() == {name for name in leaving if SAID_AS[name] not in discloses}
    assert "over the sites" in discloses


@pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
@given(cohort=cohorts())
@examples(10)
def test_the_shape_of_an_answer_depends_on_the_question_alone(
    analysis: dict[str, Any], cohort: Cohort
) -> None:
    study = study_of(analysis, 5)
    # The longest follow-up there is, so that the grid holds every cohort.
    usual = random_cohort(1).patients(study)
    pooled = pool(study, usual)
    for asked in pooled.questions:
        question = canonical_json({"asked": asked})
        shapes = {
            tuple((name, each.shape, each.dtype) for name, each in found.items())
            for patients in (usual[0], nobody().patients(study)[0], *cohort.patients(study))
            for found in [summary_of(patients, study, question, pooled.verified)]
        }

        assert 1 == len(shapes)


def test_a_variable_may_have_the_name_of_a_number_in_the_summary() -> None:
    renamed = CODEBOOK.model_dump(by_alias=True)
    renamed["variables"]["n"] = renamed["variables"]["sex"]
    codebook = type(CODEBOOK).model_validate(renamed)
    study = study_of({"kind": "baseline", "rows": ["n", "sex"]}, 1)
    study = type(study)(study.plan, codebook, study.sites)
    [patients] = random_cohort(1).patients(study)
    categories = {**patients.categories, "n": patients.categories["sex"]}
    rows = pool(study, [replace(patients, categories=categories)]).result["rows"]

    assert rows[0]["counts"] == rows[2]["counts"]


def test_kinds_are_unique_and_every_estimator_has_its_words() -> None:
    kinds = [estimator.kind for estimator in ESTIMATORS]

    assert len(set(kinds)) == len(kinds)
    for estimator in ESTIMATORS:
        assert [estimator.kind] == list(estimator.spec.model_fields["kind"].annotation.__args__)
        assert estimator is estimator_of(estimator.kind)
