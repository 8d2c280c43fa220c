"""How a result becomes results.json: floats that read back identically, null for what does not exist."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

import numpy as np

from riskset_common.survival.arrays.distributions import ChiSquareTest

SCHEMA = 1
"""Version of the contract of results.json."""

WHEN_ASKED: Final = {"when_asked": True}
"""Metadata of a result's field that is not written where the plan did not ask for it."""


def as_json(value: Any) -> Any:
    """A result as plain lists and mappings.

    A field that is only there `WHEN_ASKED` is left out where it is None. Otherwise None, and a number that does not exist (a
    median that is not reached, the coefficient of an aliased column: NaN in Python), is null.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {
            field.name: as_json(item)
            for field, item in fields
            if item is not None or field.metadata != WHEN_ASKED
        }
    if isinstance(value, Mapping):
        return {str(name): as_json(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "biu" or (value.dtype.kind == "f" and np.isfinite(value).all()):
            return value.tolist()
        return [as_json(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        return as_json(value.item())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Sequence):
        return [as_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in results.json")


def to_text(results: Mapping[str, Any]) -> str:
    """results.json as text: the same bytes for the same results, on every machine."""
    return json.dumps(as_json(results), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


@dataclasses.dataclass(frozen=True)
class PrintedTest:
    """A statistic that is chi-square distributed under the null hypothesis, and its P."""

    statistic: float
    df: int
    p_value: float


@dataclasses.dataclass(frozen=True)
class NamedTest(PrintedTest):
    """A test with the name under which it is printed."""

    name: str


def printed_test(test: ChiSquareTest) -> PrintedTest:
    """A test as it is printed."""
    return PrintedTest(test.statistic, test.df, test.p_value)


def named_test(name: str, test: ChiSquareTest) -> NamedTest:
    """A test as it is printed under a name."""
    return NamedTest(test.statistic, test.df, test.p_value, name)
