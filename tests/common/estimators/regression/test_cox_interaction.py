"""The likelihood-ratio test of interactions: the model against the one without them, from sums of one shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.cohorts import censored, nobody, problems_of, random_cohort, study_of
from tests.common.estimators.pooling import pool, result_of
from tests.common.results.kept_types import keeps_types
from tests.examples import examples

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.estimator import Request
from riskset_common.estimators.regression.cox import Cox
from riskset_common.estimators.regression.questions.likelihood import AskLikelihood

MAINS: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"factor": "arm"}, {"factor": "sex"}, {"number": "age"}],
    "strata": ["site"],
}
BOTH = MAINS | {"interaction": [["arm", "sex"], ["sex", "age"]]}
ASKED = BOTH | {"interaction_test": "likelihood_ratio"}


@given(seed=st.integers(0, 2**32 - 1), ties=st.sampled_from(["efron", "breslow"]))
@examples(10)
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


def questions_of(asked: dict[str, Any], cohort: Any) -> list[dict[str, Any]]:
    study = study_of(asked, 5)
    return pool(study, cohort.patients(study)).questions


def test_both_models_are_asked_in_the_rounds_of_the_longer_and_zero_once() -> None:
    cohort = random_cohort(2, n=300)
    robust = {"robust": "site"}
    mains, both, asked = (questions_of(each | robust, cohort) for each in (MAINS, BOTH, ASKED))

    assert max(len(mains), len(both)) == len(asked)
    assert [each["beta"] for each in both] == [each["beta"] for each in asked[: len(both)]]
    assert [each["beta"] for each in mains[2:-1]] == [
        each["mains"] for each in asked if each["mains"]
    ]


def test_main_effects_that_take_longer_are_asked_by_themselves() -> None:
    cohort = random_cohort(43, n=60)  # found by search: most main effects are fitted first
    questions = questions_of(ASKED, cohort)
    alone = [each for each in questions if each["mains"] and not each["beta"]]

    assert alone
    assert result_of(ASKED, cohort, 5)["tests"]["interaction"]["df"] > 0


@pytest.mark.parametrize(
    ("asked", "mains"), [(BOTH, (0.0,) * 4), (ASKED, (0.0,) * 3), (ASKED, (0.0,) * 7)]
)
def test_main_effects_that_the_plan_does_not_ask_are_refused(
    asked: dict[str, Any], mains: tuple[float, ...]
) -> None:
    study = study_of(asked, 5)
    state = AskLikelihood(exponent=(0,) * 7, beta=(0.0,) * 7, mains=mains)
    request: Any = Request(study.plan.analyses[0], study, state)

    with pytest.raises(ProtocolRefusal, match="main effects"):
        Cox().shapes(request)


@pytest.mark.parametrize("cohort", [nobody(), censored(random_cohort(3))])
def test_without_events_the_test_says_nothing(cohort: Any) -> None:
    result = result_of(ASKED, cohort, 5)
    keeps_types(result)

    assert {"statistic": 0.0, "df": 0, "p_value": 1.0} == result["tests"]["interaction"]


def test_a_test_without_interactions_is_refused() -> None:
    [spec] = study_of(MAINS | {"interaction_test": "likelihood_ratio"}, 5).plan.analyses

    assert any("`interaction` is missing" in said for said in problems_of(spec, study_of(MAINS, 5)))
