"""What of an exact result may be released: cells, curves and models under the plan's disclosure rules.

Secure sums keep one site's numbers from the centre; they do not make the sum itself safe to show. With `release: rounded`, the
default, every result passes these rules before it is written anywhere. A value that a rule holds back becomes
`{"withheld": rule}`, never null or zero, so that a reader sees that it exists. With `release: exact` (public or synthetic data, and
only where every site's own policy agrees) results pass unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from riskset_common.plan import Disclosure
from riskset_server.release_curve import released_curve

Result = dict[str, Any]

SIGNIFICANT_DIGITS = 7
"""Digits of a released coefficient: what a journal prints and more, and fewer than read a single patient back."""


def withheld(rule: str) -> dict[str, str]:
    """The mark of a value that a rule holds back."""
    return {"withheld": rule}


def is_withheld(value: object) -> bool:
    """Whether a value is such a mark."""
    return isinstance(value, Mapping) and set(value) == {"withheld"}


def release(result: Mapping[str, Any], disclosure: Disclosure) -> Result:
    """One analysis' result, as JSON, under the plan's disclosure rules."""
    if disclosure.release == "exact":
        return dict(result)
    if 0 < result["n"] < disclosure.minimum_at_risk:
        return _whole(result, f"minimum_at_risk {disclosure.minimum_at_risk}")
    return RULES[result["kind"]](dict(result), disclosure)


def _whole(result: Mapping[str, Any], rule: str) -> Result:
    """A result of which nothing but its kind may be shown."""
    return {"kind": result["kind"], "warnings": []} | {
        name: withheld(rule) for name in result if name not in ("kind", "warnings")
    }


def _kaplan_meier(result: Result, disclosure: Disclosure) -> Result:
    result["groups"] = [released_curve(group, disclosure, withheld) for group in result["groups"]]
    test = result.get("test")
    events = [group["events"] for group in result["groups"]]
    if test is not None and any(
        is_withheld(count) or 0 < count < disclosure.minimum_cell for count in events
    ):
        rule = f"minimum_cell {disclosure.minimum_cell}"
        result["test"] = test | {
            name: withheld(rule) for name in ("observed", "expected", "covariance")
        }
    return result


def _unchanged(result: Result, disclosure: Disclosure) -> Result:
    del disclosure
    return result


def _baseline(result: Result, disclosure: Disclosure) -> Result:
    by_variable: dict[str, list[Result]] = {}
    for row in result["rows"]:
        by_variable.setdefault(row["variable"], []).append(dict(row))
    hidden: set[str] = set()
    for variable, rows in by_variable.items():
        unknown = dict(result["missing_values"][variable])
        if suppress([*rows, unknown], disclosure):
            hidden.add(variable)
        result["missing_values"] = result["missing_values"] | {variable: unknown}
    result["rows"] = [row for rows in by_variable.values() for row in rows]
    result["tests"] = {
        name: withheld(f"minimum_cell {disclosure.minimum_cell}") if name in hidden else test
        for name, test in result["tests"].items()
    }
    return result


def _event_table(result: Result, disclosure: Disclosure) -> Result:
    rows = [dict(row) for row in result["rows"]]
    censored = dict(result["censored"])
    suppress([*rows, censored], disclosure)
    return result | {"rows": rows, "censored": censored}


def suppress(rows: list[Result], disclosure: Disclosure) -> bool:
    """Hold back the small cells of a table whose rows partition its columns, and enough others that margins do not give them away.

    A cell is released when it is zero or at least `minimum_cell`. Where one cell of a column is held back, its smallest released
    neighbour goes too, because the column's total is known; where one column is touched, the row totals go as well. Changes `rows`
    in place, and says whether anything was held back.
    """
    smallest, rule = disclosure.minimum_cell, withheld(f"minimum_cell {disclosure.minimum_cell}")
    touched: set[int] = set()
    for column in range(len(rows[0]["counts"])):
        cells = [row["counts"][column] for row in rows]
        held = {index for index, count in enumerate(cells) if 0 < count < smallest}
        if len(held) == 1 and len(cells) > 1:
            others = [
                index for index in range(len(cells)) if index not in held and cells[index] > 0
            ]
            held |= set(sorted(others, key=lambda index: cells[index])[:1])
        for index in held:
            _hold(rows[index], column, rule)
            touched.add(index)
    for index in touched:
        for name in ("total", "total_percent"):
            if name in rows[index]:
                rows[index][name] = rule
        # With its total withheld, one hidden cell of a row cannot be found from the others.
    return bool(touched)


def _hold(row: Result, column: int, rule: Mapping[str, str]) -> None:
    for name in ("counts", "percent"):
        if name in row:
            row[name] = [
                dict(rule) if index == column else value for index, value in enumerate(row[name])
            ]


def _cox(result: Result, disclosure: Disclosure) -> Result:
    """A model is released whole or not at all: coefficients of a level with few patients read those patients back."""
    for level in result["levels"]:
        if 0 < level["n"] < disclosure.minimum_at_risk:
            return _whole(result, f"minimum_at_risk {disclosure.minimum_at_risk}: {level['term']}")
        if level["n"] > 0 and level["events"] < disclosure.minimum_cell:
            return _whole(result, f"minimum_cell {disclosure.minimum_cell} events: {level['term']}")
    if result["events"] < disclosure.minimum_cell * len(result["terms"]):
        return _whole(
            result,
            f"minimum_cell {disclosure.minimum_cell} events for each of {len(result['terms'])} coefficients",
        )
    return {name: value if name == "level" else _shortened(value) for name, value in result.items()}


def _shortened(value: Any) -> Any:
    """Every real to seven significant digits; counts, names and flags as they are."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value


RULES: Mapping[str, Callable[[Result, Disclosure], Result]] = {
    "kaplan_meier": _kaplan_meier,
    "follow_up": _unchanged,
    "baseline": _baseline,
    "event_table": _event_table,
    "cox": _cox,
}
