"""How a regression model is released: whole, with seven digits, or not at all.

The coefficient of a level with few patients, or few events, reads those patients back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.table import held_back, is_small
from riskset_server.disclosure.withheld import (
    Result,
    fewest_patients,
    is_withheld,
    small_count,
    too_few_patients,
    withheld,
)

SIGNIFICANT_DIGITS = 7
"""Digits of a released coefficient or test: what a journal prints and more, and fewer than read a single patient back."""


def whole(result: Mapping[str, Any], rule: str) -> Result:
    """A result of which nothing but its kind may be shown."""
    return {"kind": result["kind"], "warnings": []} | {
        name: withheld(rule) for name in result if name not in ("kind", "warnings")
    }


def released_model(result: Result, disclosure: Disclosure) -> Result:
    """A model is released whole or not at all: coefficients of a level with few patients read those patients back."""
    return _where_enough(result, len(result["terms"]), disclosure)


def released_heterogeneity(result: Result, disclosure: Disclosure) -> Result:
    """As a model that has the coefficients of the sites' own ones."""
    return _where_enough(result, result["coefficients"], disclosure)


def _where_enough(result: Result, coefficients: int, disclosure: Disclosure) -> Result:
    """A model with seven digits, where patients and events enough stand behind its levels and coefficients."""
    few = _few_behind(result, coefficients, disclosure)
    if few:
        return whole(result, few)
    shown: Result = {
        name: value if name == "level" else shortened(value) for name, value in result.items()
    }
    return shown | _without_few_survivors(result, disclosure)


def _few_behind(result: Result, coefficients: int, disclosure: Disclosure) -> str:
    """The rule by which too few patients or events stand behind a model; empty where enough do."""
    fewest, smallest = fewest_patients(disclosure), disclosure.minimum_cell
    for level in result["levels"]:
        if 0 < level["n"] < fewest:
            return f"{too_few_patients(disclosure)['withheld']}: {level['term']}"
        if level["n"] > 0 and level["events"] < smallest:
            return f"minimum_cell {smallest} events: {level['term']}"
    if result["events"] < smallest * coefficients:
        return f"minimum_cell {smallest} events for each of {coefficients} coefficients"
    return ""


def _without_few_survivors(result: Result, disclosure: Disclosure) -> Result:
    """`events` and `levels` of a model, without events where hardly any patient of all, or of a level of a factor, had none."""
    rule, smallest = small_count(disclosure), disclosure.minimum_cell
    few = {
        level["term"]
        for level in result["levels"]
        if is_small(level["n"] - level["events"], smallest)
    }
    levels = [
        level | {"events": rule} if level["term"] in few else level for level in result["levels"]
    ]
    few_in_all = is_small(result["n"] - result["events"], smallest)
    return {"events": rule if few_in_all else result["events"], "levels": levels}


def released_fine_gray(result: Result, disclosure: Disclosure) -> Result:
    """A model; patients with the cause, with a competing event, and without one are a table like any other."""
    shown = released_model(result, disclosure)
    if is_withheld(shown["n"]):
        return shown
    of_cause, competing = result["events"], result["competing"]
    parts = [[of_cause], [competing], [result["n"] - of_cause - competing]]
    held = held_back(parts, frozenset(), disclosure.minimum_cell)
    if held.anything:
        # The events of all levels add up to those of the cause.
        rule = small_count(disclosure)
        shown |= {"events": rule, "competing": rule}
        shown["levels"] = [level | {"events": rule} for level in shown["levels"]]
    return shown


def shortened(value: Any) -> Any:
    """Every real to seven significant digits; counts, names and flags as they are."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return value
