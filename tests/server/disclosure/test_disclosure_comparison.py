"""Comparisons under the disclosure rules: nothing of a group that is not shown, and differences only of what is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort
from tests.common.estimators.pooling import result_of
from tests.server.disclosure.as_released import is_withheld, release

from riskset_common.study.plan import Disclosure

ASKED = {
    "kind": "kaplan_meier",
    "endpoint": "EFS",
    "by": "arm",
    "at": [10, 20],
    "rmean": 25,
    "contrast": ["survival", "rmean"],
    "test": "gehan",
    "pairwise": True,
}


def released(in_c: int) -> dict[str, Any]:
    """The trial with so many patients in arm C, as it is released."""
    cohort = random_cohort(5, n=300, n_sites=2)
    c = np.flatnonzero(cohort.arm == 2)
    arm = cohort.arm.copy()
    arm[c[in_c:]] = 0
    return release(result_of(ASKED, cohort.with_values(arm=arm), 2), Disclosure())


def test_differences_are_those_of_the_rounded_numbers() -> None:
    result = released(90)
    first, second = result["groups"][:2]
    contrast = result["contrasts"][1]

    assert not is_withheld(contrast["estimate"])
    assert second["at"][1]["survival"] - first["at"][1]["survival"] == contrast["estimate"]
    assert 3 == len(result["tests"]["pairwise"])


def test_nothing_is_compared_with_a_group_that_is_not_shown() -> None:
    result = released(8)
    hidden = {
        tuple(group["level"].values()) for group in result["groups"] if is_withheld(group["n"])
    }
    about_hidden = [
        each
        for each in result["contrasts"]
        if {tuple(each[key].values()) for key in ("group", "reference")} & hidden
    ]
    pairs = [
        pair
        for pair in result["tests"]["pairwise"]
        if {tuple(level.values()) for level in pair["groups"]} & hidden
    ]

    assert ("C",) in hidden
    assert about_hidden
    assert all(is_withheld(each["estimate"]) for each in about_hidden)
    assert pairs
    assert all(is_withheld(pair[key]) for pair in pairs for key in ("statistic", "p_holm"))


@pytest.mark.parametrize("in_c", [1, 4])
def test_a_group_of_few_patients_withholds_all_tests(in_c: int) -> None:
    result = released(in_c)

    assert is_withheld(result["test"])
    assert is_withheld(result["tests"])
