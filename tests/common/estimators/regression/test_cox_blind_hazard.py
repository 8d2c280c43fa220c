"""The baseline hazard of a blind model: how a plan asks for it, what those who compute it are asked, and how it is printed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import problems_of, random_cohort, study_of
from tests.common.estimators.regression.test_cox_blind_ph import COX, computed, printed, waiting

from riskset_common.estimators.on_shares import HazardEntries
from riskset_common.estimators.regression.blind import MAINS, WHOLE, blind_questions
from riskset_common.rounds.blind_models import wanted_hazard
from riskset_common.secure.blind.cox.wanted import EXACT_BITS, WantedHazard

HAZARD: dict[str, Any] = {"at": [30, 45.5], "numbers": {"age": 60}}


def problems(**analysis: Any) -> str:
    study = study_of(COX | {"baseline_hazard": HAZARD} | analysis, 5)
    [spec] = study.plan.analyses
    return " ".join(problems_of(spec, study))


def test_a_hazard_of_a_number_within_its_range_may_be_asked():
    assert problems() == ""


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        ({"strata": ["site"]}, "each site has a hazard of its own"),
        ({"baseline_hazard": HAZARD | {"at": [40, 30]}}, "times in order"),
        ({"baseline_hazard": HAZARD | {"at": [-1]}}, "times in order"),
        ({"baseline_hazard": {"at": [30]}}, "no value of age"),
        ({"baseline_hazard": HAZARD | {"numbers": {"age": 101}}}, "not within its range 0"),
        ({"baseline_hazard": HAZARD | {"numbers": {"age": 50, "dose": 1}}}, "holds dose"),
    ],
)
def test_a_hazard_that_cannot_be_given_is_a_problem_of_the_plan(analysis, said):
    assert said in problems(**analysis)


def test_the_question_has_steps_of_the_grid_and_a_value_for_each_column():
    analysis = COX | {
        "interaction": [["arm", "age"]],
        "interaction_test": "likelihood_ratio",
        "baseline_hazard": HAZARD,
    }
    request, _ = waiting(analysis, random_cohort(1))
    questions = blind_questions(request, request.memory.pooled)
    # Days are the steps: 45.5 days hold 45 of them. Arm B, arm C, age, and the products of age with them.
    expected = WantedHazard((30.0, 45.0), (0.0, 0.0, 60.0, 0.0, 0.0), EXACT_BITS)

    assert expected == wanted_hazard(questions[WHOLE])
    assert wanted_hazard(questions[MAINS]) is None


def test_the_hazard_is_printed_by_stratum_and_time():
    analysis = COX | {"strata": ["sex"], "baseline_hazard": HAZARD}
    request, sites = waiting(analysis, random_cohort(2))
    fit = computed(request, sites)
    entries = HazardEntries(
        np.array([1, 0, 0, 1]), np.array([0, 0, 1, 1]), np.arange(4) / 8, np.arange(4) / 16
    )
    found = printed(request, {WHOLE: replace(fit, hazard=entries)})["baseline_hazard"]

    assert {"age": 60} == found["numbers"]
    assert [
        ({"sex": "male"}, 30, 1 / 8),
        ({"sex": "male"}, 45.5, 2 / 8),
        ({"sex": "female"}, 30, 0),
        ({"sex": "female"}, 45.5, 3 / 8),
    ] == [(row["stratum"], row["time"], row["cumulative_hazard"]) for row in found["rows"]]
    assert [1 / 16, 2 / 16, 0, 3 / 16] == [row["std_err"] for row in found["rows"]]
    assert "baseline_hazard" not in printed(request, {WHOLE: fit})
    plain, _ = waiting(COX | {"strata": ["sex"]}, random_cohort(2))
    assert "baseline_hazard" not in printed(plain, {WHOLE: fit})
