"""The test of proportional hazards over sites: its rounds, what a site refuses, and that it finds what is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import censored, random_cohort, study_of
from tests.common.estimators.pooling import pool, result_of, summary_of

from riskset_common.errors import DataError, ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import canonical_json

COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"factor": "arm"}, {"number": "age"}],
    "strata": ["site"],
}
TRANSFORMS = ["km", "rank", "identity", "log"]


@pytest.mark.parametrize(
    ("transform", "counted"),
    [("km", True), ("rank", True), ("identity", False), ("log", False)],
)
def test_the_test_takes_one_round_more_and_changes_nothing_else(transform, counted):
    plain_study, study = study_of(COX, 5), study_of(COX | {"ph_test": transform}, 5)
    cohort = random_cohort(1)
    plain = pool(plain_study, cohort.patients(plain_study))
    tested = pool(study, cohort.patients(study))
    found = tested.result.pop("ph_test")

    assert plain.result == tested.result
    assert len(plain.questions) + 1 == len(tested.questions)
    assert [counted] + [False] * (len(plain.questions) - 1) == [
        asked["count_steps"] is not None for asked in tested.questions[1:]
    ]
    assert {"arm": 2, "age": 1} == {term: test["df"] for term, test in found["terms"].items()}
    assert (transform, 3) == (found["transform"], found["global_test"]["df"])


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_hazards_that_cross_are_found(transform):
    cohort, rng = random_cohort(2, n=400), np.random.default_rng(2)
    # One half of the patients has the events around day 30, the other at any time up to day 60.
    half = rng.integers(0, 2, cohort.n)
    time = np.where(half, rng.integers(25, 36, cohort.n), rng.integers(1, 61, cohort.n))
    turned = cohort.with_values(age=half, time=time, event=np.ones(cohort.n, dtype=np.int64))
    found = result_of(COX | {"ph_test": transform}, turned, 5)["ph_test"]

    assert found["terms"]["age"]["p_value"] < 1e-6
    assert found["global_test"]["p_value"] < 1e-6


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_events_at_time_0_have_a_test_by_the_logarithm_too(transform):
    cohort = random_cohort(3)
    shifted = cohort.with_values(time=cohort.time - 1)
    found = result_of(COX | {"ph_test": transform}, shifted, 5)["ph_test"]

    assert 3 == found["global_test"]["df"]


def test_without_events_nothing_is_tested():
    found = result_of(COX | {"ph_test": "km"}, censored(random_cohort(4)), 5)["ph_test"]

    assert (0, 1.0) == (found["global_test"]["df"], found["global_test"]["p_value"])


def test_robust_variances_do_not_change_the_test():
    plain = result_of(COX | {"ph_test": "rank"}, random_cohort(5), 5)
    robust = result_of(COX | {"ph_test": "rank", "robust": "site"}, random_cohort(5), 5)

    assert plain["ph_test"] == robust["ph_test"]
    assert plain["terms"] != robust["terms"]


def test_counting_all_patients_must_be_allowed_like_a_curve():
    for transform, asked in zip(TRANSFORMS, [("kaplan_meier",)] * 2 + [()] * 2, strict=True):
        [spec] = study_of(COX | {"ph_test": transform}, 5).plan.analyses

        assert asked == estimator_of(spec.kind).also_asks(spec)


def question(**more: Any) -> bytes:
    asked = {"exponent": [0, 0, 0], "beta": [0.0, 0.0, 0.0], **more}
    return canonical_json({"asked": asked})


@pytest.mark.parametrize("more", [{"count_steps": 64}, {"times": True}])
def test_a_site_does_not_answer_for_a_test_that_its_plan_does_not_ask(more):
    study = study_of(COX, 5)
    site = random_cohort(6).patients(study)[0]

    with pytest.raises(ProtocolRefusal, match="whose `ph_test` has no need of it"):
        summary_of(site, study, question(**more))


def test_an_event_at_a_time_that_was_not_counted_is_refused_without_naming_it():
    study = study_of(COX | {"ph_test": "km"}, 5)
    site = random_cohort(7).patients(study)[0]
    counted = np.array([[0, 1, 1, 0]])
    verified = {"asked": {"events_by_step": counted, "censored_by_step": counted}}

    with pytest.raises(DataError, match="at which no event was counted") as refused:
        summary_of(site, study, question(times=True), verified)
    assert not any(character.isdigit() for character in str(refused.value))


def test_a_function_of_time_is_taken_from_no_question():
    study = study_of(COX | {"ph_test": "km"}, 5)
    site = random_cohort(7).patients(study)[0]

    with pytest.raises(ProtocolRefusal, match="not one that cox asks"):
        summary_of(site, study, question(times={"steps": [1, 2], "values": [0.0, 1.0]}))


@pytest.mark.parametrize("transform", ["km", "rank"])
def test_what_follows_from_all_patients_is_not_computed_before_they_were_shown(transform):
    study = study_of(COX | {"ph_test": transform}, 5)
    site = random_cohort(7).patients(study)[0]

    with pytest.raises(ProtocolRefusal, match="shown no opening") as refused:
        summary_of(site, study, question(times=True))
    assert "rests on events_by_step and censored_by_step of analysis asked" in str(refused.value)
