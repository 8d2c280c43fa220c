"""What of the numbers in a table of characteristics may be released: means and quartiles with enough patients behind them.

A mean is a sum of patients' values, and a quartile is one patient's value; both are shown rounded, and only where enough patients stand
behind them. The mean of all gives the mean of a group that is held back, so it is held with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.table import held_back
from riskset_server.disclosure.withheld import (
    Result,
    fewest_patients,
    small_count,
    too_few_patients,
)

NUMBER_DIGITS = 3
"""Digits of a released mean, standard deviation, median or quartile."""

SHARES = {"mean": 1, "std_dev": 1, "median": 2, "lower_quartile": 4, "upper_quartile": 4}
"""Into how many parts a statistic cuts the patients; each must hold `minimum_cell` of them."""


def released_number(
    number: Mapping[str, Any],
    unknown: Mapping[str, Any],
    columns: frozenset[int],
    disclosure: Disclosure,
) -> tuple[Result, Result]:
    """A number and the patients in whom it is not known, under the disclosure rules; `columns` are held back as a whole."""
    rule, smallest = small_count(disclosure), disclosure.minimum_cell
    *known, total = number["n"]
    held = held_back([known, unknown["counts"]], columns, smallest)
    shown = dict(number)
    shown["n"] = [
        *(rule if held.holds(0, index) else n for index, n in enumerate(known)),
        rule if 0 in held.rows else total,
    ]
    hidden = columns | {
        index for index, n in enumerate(known) if 0 < n < fewest_patients(disclosure)
    }
    for name, parts in SHARES.items():
        if name in number:
            shown[name] = _released(number, name, parts, hidden, disclosure)
    missing: Result = {
        "counts": [
            rule if held.holds(1, index) else n for index, n in enumerate(unknown["counts"])
        ],
        "total": rule if 1 in held.rows else unknown["total"],
    }
    return shown, missing


def _released(
    number: Mapping[str, Any],
    name: str,
    parts: int,
    hidden: Collection[int],
    disclosure: Disclosure,
) -> list[Any]:
    """One statistic by column, that of all patients last."""
    few, smallest = too_few_patients(disclosure), disclosure.minimum_cell
    last = len(number["n"]) - 1
    held = set(hidden)
    held |= {index for index, n in enumerate(number["n"][:-1]) if 0 < n < parts * smallest}
    total = number["n"][last]
    if held or 0 < total < max(parts * smallest, fewest_patients(disclosure)):
        held.add(last)
    return [few if index in held else _rounded(value) for index, value in enumerate(number[name])]


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{NUMBER_DIGITS}g}")
