"""Cells behind the coefficients of a Cox model: interactions, and numbers that are factors in disguise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.cohorts import Cohort, random_cohort
from tests.common.estimators.pooling import result_of
from tests.examples import examples

COX: dict[str, Any] = {"kind": "cox", "endpoint": "EFS", "strata": ["site"]}
BY_SEX = COX | {"terms": [{"factor": "arm"}, {"factor": "sex"}], "interaction": ["arm", "sex"]}
BY_DOSE = COX | {"terms": [{"factor": "arm"}, {"number": "dose"}], "interaction": ["arm", "dose"]}


def counted(result: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (level["term"], level["level"]): (level["n"], level["events"]) for level in result["levels"]
    }


def in_cell(cohort: Cohort, chosen: np.ndarray) -> tuple[int, int]:
    used = (cohort.arm >= 0) & chosen
    return int(used.sum()), int((used & (cohort.event > 0)).sum())


@given(seed=st.integers(0, 2**32 - 1))
@examples(10)
def test_every_cell_of_an_interaction_is_counted(seed: int) -> None:
    cohort = random_cohort(seed)
    found = counted(result_of(BY_SEX, cohort, 5))
    cells = {
        ("arm:sex", f"{arm}:{sex}"): in_cell(cohort, (cohort.arm == i) & (cohort.sex == k))
        for i, arm in enumerate("ABC")
        for k, sex in enumerate(("male", "female"))
    }

    assert cells == {key: item for key, item in found.items() if key[0] == "arm:sex"}
    assert 3 + 2 + 6 == len(found)


@pytest.mark.parametrize("codes", [(0, 1), (1, 2), (-1, 1)])
def test_a_number_with_two_codes_is_counted_as_a_factor(codes: tuple[int, int]) -> None:
    cohort = random_cohort(1)
    low, high = codes
    coded = cohort.with_values(dose=np.where(cohort.sex == 0, float(low), float(high)))
    found = counted(result_of(BY_DOSE, coded, 5))

    assert in_cell(coded, coded.dose == low) == found["dose", str(low)]
    assert in_cell(coded, (coded.dose == high) & (coded.arm == 2)) == found["arm:dose", f"C:{high}"]
    assert 3 + 2 + 6 == len(found)


@pytest.mark.parametrize("values", [(0, 1, 2), (0, 1, 7), (0, 0.5), (3, 4)])
def test_a_number_with_other_values_has_no_levels(values: tuple[float, ...]) -> None:
    cohort = random_cohort(2)
    other = cohort.with_values(dose=np.resize(np.array(values, dtype=float), cohort.n))
    found = counted(result_of(BY_DOSE, other, 5))

    assert {"arm"} == {term for term, _ in found}
