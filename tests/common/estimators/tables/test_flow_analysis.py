"""The flow of patients: every box is split into boxes that add up to it, and nobody is lost on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from tests.common.estimators.cohorts import (
    Cohort,
    cohorts,
    nobody,
    problems_of,
    random_cohort,
    study_of,
)
from tests.common.estimators.pooling import result_of

FLOW: dict[str, Any] = {"kind": "flow", "steps": ["enrolled", "sex", "arm", "hospital"]}


def path_of(box: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(box["path"].items())


@given(cohort=cohorts())
def test_the_boxes_below_a_box_add_up_to_it(cohort: Cohort) -> None:
    boxes = result_of(FLOW, cohort, 5)["boxes"]
    below: dict[tuple[Any, ...], list[int]] = {}
    for box in boxes[1:]:
        below.setdefault(path_of(box)[:-1], []).append(box["n"])
    n_of = {path_of(box): box["n"] for box in boxes}

    assert cohort.n == boxes[0]["n"]
    assert {path: n_of[path] for path in below} == {path: sum(ns) for path, ns in below.items()}
    # Whoever is in a box that is not split is in a last one: all of them together are everybody.
    assert cohort.n == sum(box["n"] for box in boxes if path_of(box) not in below)


def test_a_box_counts_who_has_the_levels_of_its_path() -> None:
    cohort = random_cohort(1)
    boxes = result_of(FLOW | {"steps": ["sex", "arm"]}, cohort, 5)["boxes"]
    n_of = {path_of(box): box["n"] for box in boxes}
    men = cohort.sex == 0

    assert int(men.sum()) == n_of[("sex", "male"),]
    assert int((men & (cohort.arm == 1)).sum()) == n_of[("sex", "male"), ("arm", "B")]
    assert int((men & (cohort.arm < 0)).sum()) == n_of[("sex", "male"), ("arm", None)]


def test_boxes_stand_below_the_one_they_are_split_from() -> None:
    boxes = result_of(FLOW | {"steps": ["sex", "arm"]}, random_cohort(1), 5)["boxes"]
    sexes = [box["path"]["sex"] for box in boxes[1:]]

    assert [None, *["male"] * 5, *["female"] * 5, None] == [None, *sexes]
    assert [0, 1, 2, 2, 2, 2] == [box["depth"] for box in boxes[:6]]
    assert (None, None) == (boxes[0]["step"], boxes[0]["level"])


def test_percentages_are_of_the_box_above() -> None:
    boxes = result_of(FLOW | {"steps": ["sex", "arm"]}, random_cohort(2), 5)["boxes"]
    n_of = {path_of(box): box["n"] for box in boxes}

    assert 100 == boxes[0]["percent"]
    assert [100 * box["n"] / n_of[path_of(box)[:-1]] for box in boxes[1:]] == pytest.approx(
        [box["percent"] for box in boxes[1:]]
    )


def test_a_step_that_is_known_of_nobody_in_a_box_is_passed_over() -> None:
    cohort = random_cohort(3)
    arm = np.where(cohort.sex == 0, -1, np.maximum(cohort.arm, 0))
    boxes = result_of(FLOW | {"steps": ["sex", "arm", "hospital"]}, cohort.with_values(arm=arm), 5)
    steps = {
        box["path"]["sex"]: {other["step"] for other in boxes["boxes"] if other["depth"] == 2}
        for box in boxes["boxes"][1:]
    }
    of_men = [box["step"] for box in boxes["boxes"] if box["path"].get("sex") == "male"]

    assert {"arm", "hospital"} == steps["male"]
    assert ["sex", *["hospital"] * 6] == of_men


def test_nobody_is_one_empty_box() -> None:
    result = result_of(FLOW, nobody(), 5)

    assert 0 == result["n"]
    assert [(0, 0, None)] == [(box["depth"], box["n"], box["percent"]) for box in result["boxes"]]


def test_a_population_is_the_first_box() -> None:
    cohort = random_cohort(4)
    result = result_of(FLOW | {"population": "women"}, cohort, 5)

    assert int((cohort.sex == 1).sum()) == result["n"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (["enrolled"], "steps: enrolled alone splits nobody."),
        (["sex", "sex"], "steps: sex stands there 2 times."),
        (
            ["hospital", "site", "study_group", "arm", "sex"],
            "steps: the levels of all steps have 31,752 combinations",
        ),
    ],
)
def test_a_chain_that_is_no_diagram_is_refused(steps: list[str], said: str) -> None:
    study = study_of({"kind": "flow", "steps": steps}, 20)
    [spec] = study.plan.analyses

    assert any(problem.startswith(said) for problem in problems_of(spec, study))


def test_a_variable_named_enrolled_must_have_another_name() -> None:
    study = study_of(FLOW, 5)
    variables = study.codebook.variables | {"enrolled": study.codebook.variables["sex"]}
    renamed = study.codebook.model_copy(update={"variables": variables})
    [spec] = study.plan.analyses

    [problem] = problems_of(spec, type(study)(study.plan, renamed, study.sites))

    assert "the codebook has a variable of this name" in problem
