"""Cox models under Firth's penalty as analyses, and the advice of a fit that needs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import Cohort, problems_of, random_cohort, study_of
from tests.common.estimators.pooling import assert_close, result_of

COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"factor": "arm"}, {"number": "age"}],
    "strata": ["site"],
}
FIRTH = COX | {"penalty": "firth"}


def without_events_in_an_arm(seed: int) -> Cohort:
    cohort = random_cohort(seed)
    return cohort.with_values(event=np.where(cohort.arm == 2, 0, cohort.event))


def test_a_monotone_fit_names_the_penalty_and_the_penalty_makes_it_finite() -> None:
    cohort = without_events_in_an_arm(1)
    plain, penalised = result_of(COX, cohort, 5), result_of(FIRTH, cohort, 5)

    assert any(
        "monotone in arm = C:" in said and "penalty: firth" in said for said in plain["warnings"]
    )
    assert [] == penalised["warnings"]
    assert "firth" == penalised["penalty"]
    assert not any(term["monotone"] for term in penalised["terms"])
    assert -10 < penalised["terms"][1]["coef"] < 0
    assert penalised["converged"]


def test_the_unit_of_a_number_changes_neither_likelihood_but_by_its_logarithm_nor_the_fit() -> None:
    cohort = random_cohort(2)
    plain = result_of(FIRTH, cohort, 5)
    scaled = result_of(FIRTH, cohort.with_values(age=cohort.age * 1024), 5)
    shift = np.log(1024.0)

    assert_close(plain["terms"][:2], scaled["terms"][:2], 1e-8)
    for key in ("null", "fitted"):
        assert plain["log_likelihood"][key] + shift == pytest.approx(scaled["log_likelihood"][key])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"robust": "patient"}, "robust is not defined under a penalty"),
        ({"ph_test": "log"}, "ph_test is not defined under a penalty"),
        ({"convergence": "r"}, "which has no penalty"),
        ({"strata": [], "terms": [{"factor": "arm"}]}, "penalty: firth needs"),
    ],
)
def test_what_does_not_go_with_the_penalty_is_said(changes: dict[str, Any], said: str) -> None:
    study = study_of(FIRTH | changes, 5)
    [spec] = study.plan.analyses

    assert any(said in problem for problem in problems_of(spec, study))
