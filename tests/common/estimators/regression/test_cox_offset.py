"""An offset of a Cox model: the same as moving a coefficient by 1, and what it cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import problems_of, random_cohort, study_of
from tests.common.estimators.pooling import assert_close, result_of

COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "LATE",
    "terms": [{"factor": "arm"}, {"number": "age"}],
    "strata": ["site"],
}


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_an_offset_equal_to_a_term_takes_one_from_its_coefficient(ties: str) -> None:
    cohort = random_cohort(1)
    cohort = cohort.with_values(age=cohort.age / 30, dose=cohort.age / 30)
    plain = result_of(COX | {"ties": ties}, cohort, 5)
    moved = result_of(COX | {"ties": ties, "offset": "dose"}, cohort, 5)

    assert plain["terms"][2]["coef"] - 1 == pytest.approx(moved["terms"][2]["coef"], rel=1e-8)
    assert_close(plain["terms"][:2], moved["terms"][:2], 1e-8)
    assert plain["log_likelihood"]["fitted"] == pytest.approx(moved["log_likelihood"]["fitted"])
    assert plain["log_likelihood"]["null"] != pytest.approx(moved["log_likelihood"]["null"])
    assert "dose" == moved["offset"]
    assert "offset" not in plain


def test_a_constant_offset_of_any_size_changes_nothing() -> None:
    cohort = random_cohort(2)
    plain = result_of(COX, cohort, 5)
    moved = result_of(COX | {"offset": "dose"}, cohort.with_values(dose=np.full(cohort.n, 1e5)), 5)

    assert_close(plain["terms"], moved["terms"], 1e-7)


def test_patients_without_the_offset_are_left_out() -> None:
    cohort = random_cohort(3)
    dose = np.where(np.arange(cohort.n) < 7, np.nan, 0.5)
    plain = result_of(COX, cohort, 5)
    moved = result_of(COX | {"offset": "dose"}, cohort.with_values(dose=dose), 5)

    assert plain["missing"] < moved["missing"]
    assert plain["n"] + plain["missing"] == moved["n"] + moved["missing"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"offset": "age"}, "offset age is a term as well"),
        ({"offset": "dose", "terms": [{"factor": "arm"}], "strata": []}, "offset: dose needs"),
    ],
)
def test_what_an_offset_cannot_be_is_said(changes: dict[str, Any], said: str) -> None:
    study = study_of(COX | changes, 5)
    [spec] = study.plan.analyses

    assert any(said in problem for problem in problems_of(spec, study))
