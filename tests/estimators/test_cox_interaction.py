"""The likelihood-ratio test of interactions: the model against the one without them, from sums of one shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.estimators.cohorts import censored, nobody, random_cohort, study_of
from tests.estimators.contract import keeps_contract
from tests.estimators.pooling import pool, result_of

MAINS: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"factor": "arm"}, {"factor": "sex"}, {"number": "age"}],
    "strata": ["site"],
}
BOTH = MAINS | {"interaction": [["arm", "sex"], ["sex", "age"]]}
ASKED = BOTH | {"interaction_test": "likelihood_ratio"}


@given(seed=st.integers(0, 2**32 - 1), ties=st.sampled_from(["efron", "breslow"]))
@settings(max_examples=10)
def test_it_is_twice_the_difference_of_two_fits(seed: int, ties: str) -> None:
    cohort = random_cohort(seed, n=300)
    mains, both, asked = (
        result_of(each | {"ties": ties}, cohort, 5) for each in (MAINS, BOTH, ASKED)
    )
    test = asked["tests"].pop("interaction")
    fitted = [each["log_likelihood"]["fitted"] for each in (both, mains)]

    assert 2 * (fitted[0] - fitted[1]) == pytest.approx(test["statistic"], abs=1e-9)
    assert 3 == test["df"]
    assert both == asked


def test_columns_without_an_estimate_take_no_degree_of_freedom() -> None:
    cohort = random_cohort(1, n=300)
    two_arms = cohort.with_values(arm=np.minimum(cohort.arm, 1))

    assert 2 == result_of(ASKED, two_arms, 5)["tests"]["interaction"]["df"]


def test_the_rounds_of_the_model_come_first_and_zero_is_asked_once() -> None:
    study = study_of(ASKED | {"robust": "site"}, 5)
    questions = pool(study, random_cohort(2, n=300).patients(study)).questions
    betas = [each["beta"] for each in questions[1:]]
    of_mains = [beta for beta in betas if beta[4:] == [0, 0, 0]]

    assert 1 == betas.count([0.0] * 7)
    assert len(of_mains) > 2
    assert of_mains[1:] == betas[-len(of_mains) : -1]
    assert [False, True] == sorted({each["clusters"] for each in questions})


@pytest.mark.parametrize("cohort", [nobody(), censored(random_cohort(3))])
def test_without_events_the_test_says_nothing(cohort: Any) -> None:
    result = result_of(ASKED, cohort, 5)
    keeps_contract(result)

    assert {"statistic": 0.0, "df": 0, "p_value": 1.0} == result["tests"]["interaction"]


def test_a_test_without_interactions_is_refused() -> None:
    [spec] = study_of(MAINS | {"interaction_test": "likelihood_ratio"}, 5).plan.analyses

    assert any("`interaction` is missing" in said for said in spec.problems(study_of(MAINS, 5)))
