"""The mark that stands where a disclosure rule holds a value back, and the thresholds behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskset_common.study.plan import Disclosure

Result = dict[str, Any]
"""A result, or a part of one, as JSON."""


def withheld(rule: str) -> dict[str, str]:
    """The mark of a value that a rule holds back."""
    return {"withheld": rule}


def is_withheld(value: object) -> bool:
    """Whether a value is such a mark."""
    return isinstance(value, Mapping) and set(value) == {"withheld"}


def too_few_patients(disclosure: Disclosure) -> dict[str, str]:
    """The mark where too few patients stand behind a value; it names the threshold that decided."""
    decided = "minimum_at_risk"
    if disclosure.minimum_cell > disclosure.minimum_at_risk:
        decided = "minimum_cell"
    return withheld(f"{decided} {fewest_patients(disclosure)}")


def small_count(disclosure: Disclosure) -> dict[str, str]:
    """The mark of a small count, and of what would give one away."""
    return withheld(f"minimum_cell {disclosure.minimum_cell}")


def fewest_patients(disclosure: Disclosure) -> int:
    """Patients that must stand behind anything that is shown; never fewer than a cell must hold."""
    return max(disclosure.minimum_at_risk, disclosure.minimum_cell)
