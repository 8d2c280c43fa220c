"""The flow of patients under rounded release: no small box, nor anything that would give one away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.disclosure.as_released import is_withheld, release

from riskset_common.estimators.estimator import Request
from riskset_common.estimators.tables.flow import CountFlow, Flow, FlowSpec
from riskset_common.planning.read import ReleasePlan
from riskset_common.results.as_json import as_json
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Disclosure
from riskset_common.study.study import Site, Study

CELL = {"withheld": "minimum_cell 5"}
SIZES = (3, 3, 4)
"""Levels of three steps, `not known` the last of each."""


def flow_of(cells: np.ndarray) -> dict[str, Any]:
    """A flow over three steps as the estimator gives it."""
    variables = {
        name: {
            "kind": "category",
            "label": name,
            "levels": {str(level): str(level) for level in range(size - 1)},
        }
        for name, size in zip("abc", SIZES, strict=True)
    }
    codebook = Codebook.model_validate({"codebook": "c", "version": 1, "variables": variables})
    spec = {"id": "f", "kind": "flow", "steps": list("abc")}
    plan = ReleasePlan.model_validate(
        {
            "plan": "p",
            "version": "1.0.0",
            "codebook": "c@1",
            "time": {"unit": "days"},
            "conventions": "r",
            "analyses": [spec],
        }
    )
    study = Study(plan, codebook, (Site("x", "x"),))
    request = Request(FlowSpec.model_validate(spec), study, CountFlow())
    found: dict[str, Any] = as_json(Flow().next(request, {"cells": cells}))
    return found


def families(boxes: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    by_path = {tuple(box["path"].items()): box for box in boxes}
    for path, box in by_path.items():
        below = [other for key, other in by_path.items() if len(key) and key[:-1] == path]
        if below:
            yield box, below


cells = st.lists(
    st.one_of(st.integers(0, 4), st.integers(0, 60)),
    min_size=math.prod(SIZES),
    max_size=math.prod(SIZES),
).map(lambda found: np.array(found, dtype=np.int64).reshape(SIZES))


@given(cells=cells, smallest=st.sampled_from([3, 5, 10]))
def test_no_small_box_is_shown_or_can_be_worked_out(cells: np.ndarray, smallest: int) -> None:
    exact = flow_of(cells)
    released = release(exact, Disclosure(minimum_cell=smallest))
    if is_withheld(released["n"]):
        return
    n_of = {tuple(box["path"].items()): box["n"] for box in exact["boxes"]}
    for above, below in families(released["boxes"]):
        held = [n_of[tuple(box["path"].items())] for box in below if is_withheld(box["n"])]
        shown = [box["n"] for box in below if not is_withheld(box["n"])]
        positive = [n for n in held if n > 0]
        small = [n for n in held if 0 < n < smallest]

        assert not is_withheld(above["n"]), "nothing stands below a box that is held"
        assert not any(0 < n < smallest for n in shown)
        # Every small one could as well be `smallest`, the others at least 1; or all of the family are held, zeros too.
        assert not small or not shown or sum(held) >= smallest + len(positive) - 1 > smallest - 1
        assert not small or len(positive) > 1 or not shown
        assert [is_withheld(box["n"]) for box in below] == [
            is_withheld(box["percent"]) for box in below
        ]


def test_a_flow_without_small_boxes_is_released_as_it_is() -> None:
    exact = flow_of(np.full(SIZES, 7, dtype=np.int64))

    assert exact == release(exact, Disclosure())


def test_below_a_small_box_nothing_is_shown() -> None:
    cells = np.full(SIZES, 10, dtype=np.int64)
    cells[0], cells[0, 0, 0] = 0, 2
    released = release(flow_of(cells), Disclosure())
    first = [box for box in released["boxes"] if box["path"].get("a") == "0"]

    assert [CELL] == [box["n"] for box in first]
    assert [CELL] == [box["percent"] for box in first]


def test_the_smallest_neighbour_of_a_small_box_is_held_with_it() -> None:
    cells = np.full(SIZES, 10, dtype=np.int64)
    cells[1, 1] = [3, 20, 9, 30]
    boxes = release(flow_of(cells), Disclosure())["boxes"]
    family = [box["n"] for box in boxes if list(box["path"].values())[:2] == ["1", "1"]][1:]

    assert [CELL, 20, CELL, 30] == family


@pytest.mark.parametrize("n", [1, 9])
def test_a_flow_of_few_patients_is_withheld(n: int) -> None:
    cells = np.zeros(SIZES, dtype=np.int64)
    cells[0, 0, 0] = n

    assert {"withheld": "minimum_at_risk 10"} == release(flow_of(cells), Disclosure())["boxes"]
