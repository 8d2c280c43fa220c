"""Numbers in a released table of characteristics: nothing of a few patients, and nothing that gives it away."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.disclosure.as_released import release

from riskset_common.study.plan import Disclosure

CELL = {"withheld": "minimum_cell 5"}
FEW = {"withheld": "minimum_at_risk 10"}


def table(known: list[int], unknown: list[int]) -> dict[str, Any]:
    """A table of one number as the estimator gives it."""
    columns = len(known)
    column_n = [a + b for a, b in zip(known, unknown, strict=True)]
    values = [12.3456 + index for index in range(columns + 1)]
    names = ("mean", "std_dev", "median", "lower_quartile", "upper_quartile")
    return {
        "kind": "baseline",
        "n": sum(column_n),
        "missing": 0,
        "by": "g",
        "columns": [str(index) for index in range(columns)],
        "column_n": column_n,
        "rows": [],
        "numbers": [{"variable": "age", "n": [*known, sum(known)]} | dict.fromkeys(names, values)],
        "missing_values": {"age": {"counts": unknown, "total": sum(unknown)}},
        "tests": {},
        "warnings": [],
    }


def released(known: list[int], unknown: list[int]) -> tuple[dict[str, Any], dict[str, Any]]:
    found = release(table(known, unknown), Disclosure())
    return found["numbers"][0], found["missing_values"]["age"]


def test_numbers_of_many_patients_are_rounded_to_three_digits() -> None:
    number, missing = released([40, 60], [0, 7])

    assert [12.3, 13.3, 14.3] == number["mean"] == number["median"] == number["upper_quartile"]
    assert [40, 60, 100] == number["n"]
    assert {"counts": [0, 7], "total": 7} == missing


def test_a_group_of_few_has_no_mean_and_neither_have_all_together() -> None:
    number, _ = released([7, 60], [10, 0])

    assert [FEW, 13.3, FEW] == number["mean"] == number["std_dev"]
    assert [7, 60, 67] == number["n"]


def test_a_group_that_is_held_back_is_so_in_every_number() -> None:
    number, missing = released([3, 60, 70], [0, 0, 0])

    assert [CELL, CELL, 70] == number["n"][:3]
    assert [FEW, FEW, 14.3, FEW] == number["mean"]
    assert [CELL, CELL, 0] == missing["counts"]


@pytest.mark.parametrize(
    ("n", "median", "quartile"), [(10, True, False), (19, True, False), (20, True, True)]
)
def test_each_part_that_a_quantile_cuts_holds_enough_patients(
    n: int, median: bool, quartile: bool
) -> None:
    number, _ = released([n, 60], [0, 0])

    assert median == (number["median"][0] != FEW)
    assert quartile == (number["lower_quartile"][0] != FEW)
    assert quartile == (number["lower_quartile"][2] != FEW)


def test_a_small_number_of_unknown_is_held_with_the_known() -> None:
    number, missing = released([40, 60], [2, 0])

    assert [CELL, 60, CELL] == number["n"]
    assert {"counts": [CELL, 0], "total": CELL} == missing
    assert [12.3, 13.3, 14.3] == number["mean"]


def test_a_mean_that_is_not_known_is_null() -> None:
    found = table([0, 60], [0, 0])
    found["numbers"][0]["mean"] = [None, 1.0, 1.0]

    assert [None, 1.0, 1.0] == release(found, Disclosure())["numbers"][0]["mean"]
