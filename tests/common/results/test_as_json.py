"""results.json: numbers that read back as they were, null for what does not exist, and nothing that has no place there."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.results.as_json import (
    as_json,
    to_text,
)
from riskset_common.results.shown import WHEN_ASKED
from riskset_common.results.tests import NamedTest, PrintedTest, named_test, printed_test
from riskset_common.survival.arrays.distributions import ChiSquareTest


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    always: float | None
    asked: float | None = field(metadata=WHEN_ASKED)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_number_reads_back_as_it_was(number: float) -> None:
    back = json.loads(to_text({"x": number}))["x"]

    assert number == back
    assert type(number) is type(back)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_a_number_that_does_not_exist_is_null(number: float) -> None:
    assert [None, [None]] == as_json([number, np.array([number])])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.int64(3), 3),
        (np.float64(0.1), 0.1),
        (np.bool_(True), True),
        ((1, "a", None), [1, "a", None]),
        ({1: (2,)}, {"1": [2]}),
        (Colour.RED, "red"),
        (Part(None, None), {"always": None}),
        (Part(1.0, 2.0), {"always": 1.0, "asked": 2.0}),
        (NamedTest(1.0, 2, 0.5, "x"), {"statistic": 1.0, "df": 2, "p_value": 0.5, "name": "x"}),
    ],
)
def test_values_become_plain_lists_and_mappings(value: Any, expected: Any) -> None:
    assert expected == as_json(value)


@pytest.mark.parametrize("value", [{1, 2}, object(), 1j])
def test_what_has_no_place_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"has no place in results\.json"):
        as_json(value)


def test_the_text_is_the_same_for_the_same_results() -> None:
    results = {"é": 0.1, "a": [1.0, 2.5e-300]}

    assert to_text(results) == to_text(dict(results))
    assert to_text(results).endswith("}\n")
    assert '"é"' in to_text(results)


def test_a_test_is_printed_with_its_p() -> None:
    test = ChiSquareTest(3.841458820694124, 1)

    assert PrintedTest(test.statistic, 1, test.p_value) == printed_test(test)
    assert 0.05 == pytest.approx(named_test("x", test).p_value)
