"""Univariate and landmark analyses under the disclosure rules: what one part holds back, no other says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort
from tests.common.estimators.pooling import result_of
from tests.server.disclosure.as_released import is_withheld, release

from riskset_common.study.plan import Disclosure

UNIVARIATE = {
    "kind": "univariate",
    "endpoint": "EFS",
    "factors": ["sex"],
    "at": [10],
    "test": "log_rank",
    "strata": ["site"],
}


def with_unknown(unknown: int, **changes: Any) -> dict[str, Any]:
    """The released analysis of 300 patients, of whom so many have an unknown sex."""
    cohort = random_cohort(31, n=300)
    sex = np.where(np.arange(300) < unknown, -1, cohort.sex)
    cohort = cohort.with_values(sex=sex, **changes)
    return release(result_of(UNIVARIATE, cohort, 5), Disclosure())


@pytest.mark.parametrize("unknown", [0, 60])
def test_factors_known_in_all_or_unknown_in_many_are_shown(unknown: int) -> None:
    [factor] = with_unknown(unknown)["factors"]

    assert 300 - unknown == factor["curves"]["n"] == factor["model"]["n"]
    assert not is_withheld(factor["model"]["terms"][0]["coef"])
    assert not is_withheld(factor["curves"]["test"])


@pytest.mark.parametrize("unknown", [1, 4])
def test_few_unknown_cannot_be_worked_out(unknown: int) -> None:
    released = with_unknown(unknown)
    [factor] = released["factors"]
    sizes = [group["n"] for group in factor["curves"]["groups"]]

    assert 300 == released["n"]
    assert any(map(is_withheld, sizes))
    for part in (factor["curves"], factor["model"]):
        assert all(is_withheld(part[name]) for name in ("n", "events", "missing"))
    assert is_withheld(factor["model"]["levels"])
    assert not is_withheld(factor["curves"]["test"]["p_value"])


def test_few_events_of_a_level_are_not_what_the_other_levels_leave_of_all() -> None:
    """The events of all patients are shown, so those of every level of this factor are not; of other factors they are."""
    cohort = random_cohort(34, n=300)
    rare = np.cumsum(cohort.arm == 2) <= 24
    arm = np.where((cohort.arm == 2) & ~rare, 1, cohort.arm)
    event = np.where((arm == 2) & (np.cumsum(arm == 2) > 4), 0, cohort.event)
    cohort = cohort.with_values(arm=np.maximum(arm, 0), event=np.maximum(event, 0))
    asked = UNIVARIATE | {"factors": ["arm", "sex"]}
    released = release(result_of(asked, cohort, 5), Disclosure())
    arms, sexes = (factor["curves"] for factor in released["factors"])

    assert not is_withheld(released["events"])
    assert all(is_withheld(group["events"]) for group in (arms, *arms["groups"]))
    assert all(is_withheld(at["events_to"]) for group in arms["groups"] for at in group["at"])
    assert not any(is_withheld(group["n"]) for group in arms["groups"])
    assert not any(is_withheld(at["survival"]) for at in arms["groups"][0]["at"])
    assert not any(is_withheld(group["events"]) for group in (sexes, *sexes["groups"]))


def test_curves_of_factors_are_withheld_beside_that_of_all_patients() -> None:
    released = with_unknown(0)
    groups = released["factors"][0]["curves"]["groups"]

    assert all(is_withheld(group["curve"]) for group in groups)
    assert released["all_patients"]["groups"][0]["curve"]["time"]


def test_a_factor_known_in_few_is_withheld_as_a_whole() -> None:
    [factor] = with_unknown(292)["factors"]

    assert is_withheld(factor["curves"]["groups"])
    assert is_withheld(factor["model"]["terms"])


def test_few_events_overall_are_withheld_everywhere() -> None:
    event = np.zeros(300, dtype=np.int64)
    event[:3] = 1
    released = with_unknown(0, event=event)
    [factor] = released["factors"]

    assert is_withheld(released["events"])
    assert is_withheld(released["all_patients"]["events"])
    assert is_withheld(factor["model"]["terms"])


@pytest.mark.parametrize("terms", [None, []])
def test_few_whose_follow_up_has_ended_are_withheld(terms: Any) -> None:
    cohort = random_cohort(32, n=300)
    cohort = cohort.with_values(time=np.where(np.arange(300) < 3, 2, np.maximum(cohort.time, 4)))
    asked: dict[str, Any] = {"kind": "landmark", "endpoint": "EFS", "at": 3, "exposure": "dose"}
    asked |= {} if terms is None else {"terms": terms, "strata": ["site"]}
    cohort = cohort.with_values(dose=cohort.sex * 10.0)
    released = release(result_of(asked, cohort, 5), Disclosure())
    inner = released["curves" if terms is None else "model"]

    assert is_withheld(released["ended"])
    assert 297 == released["n"] == inner["n"]
    assert released["events"] == inner["events"]


def test_a_level_with_few_patients_withholds_the_landmark_model() -> None:
    cohort = random_cohort(33, n=300)
    cohort = cohort.with_values(dose=np.where(np.arange(300) < 6, 1.0, 99.0))
    asked = {"kind": "landmark", "endpoint": "EFS", "at": 3, "exposure": "dose"}
    released = release(
        result_of(asked | {"terms": [], "strata": ["site"]}, cohort, 5), Disclosure()
    )

    assert is_withheld(released["model"]["terms"])
    assert is_withheld(released["n"])
