"""What of an exact result may be released: cells, curves and models under the plan's disclosure rules.

Secure sums keep one site's numbers from the centre; they do not make the sum itself safe to show. With `release: rounded`, the
default, every result passes these rules before it is written anywhere. A value that a rule holds back becomes
`{"withheld": rule}`, never null or zero, so that a reader sees that it exists. With `release: exact` (public or synthetic data, and
only where every site's own policy agrees) results pass unchanged.

The rules look at one analysis at a time. What two analyses of one plan show together, or two plans, they do not see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from riskset_common.plan import Disclosure
from riskset_server.release_curve import released_cause, released_curve, withheld_group
from riskset_server.release_table import Held, held_back, held_parts, is_small
from riskset_server.withheld import (
    Result,
    fewest_patients,
    small_count,
    too_few_patients,
    withheld,
)

SIGNIFICANT_DIGITS = 7
"""Digits of a released coefficient or test: what a journal prints and more, and fewer than read a single patient back."""
FOLLOW_UP_DIGITS = 2
"""Digits of a released median follow-up, which is the very day on which one patient was seen last."""


def release(result: Mapping[str, Any], disclosure: Disclosure) -> Result:
    """One analysis' result, as JSON, under the plan's disclosure rules."""
    if disclosure.release == "exact":
        return dict(result)
    if 0 < result["n"] < fewest_patients(disclosure):
        return _whole(result, too_few_patients(disclosure)["withheld"])
    released = RULES[result["kind"]](dict(result), disclosure)
    if is_small(result["missing"], disclosure.minimum_cell):
        released["missing"] = small_count(disclosure)
    return released


def _whole(result: Mapping[str, Any], rule: str) -> Result:
    """A result of which nothing but its kind may be shown."""
    return {"kind": result["kind"], "warnings": []} | {
        name: withheld(rule) for name in result if name not in ("kind", "warnings")
    }


def _kaplan_meier(result: Result, disclosure: Disclosure) -> Result:
    """Curves by group. Patients with an event and without one, by group, are a table like any other."""
    groups, smallest = result["groups"], disclosure.minimum_cell
    counts = [group["n"] for group in groups]
    few = {index for index, n in enumerate(counts) if n < fewest_patients(disclosure)}
    held = _held_events(groups, held_parts(counts, smallest, few), smallest)
    rule = small_count(disclosure)
    released = [released_curve(group, disclosure) for group in groups]
    for index, group in enumerate(groups):
        if index in held.columns - few:
            released[index] = withheld_group(group, rule)
        elif held.holds(0, index):
            released[index]["events"] = rule
    result["groups"] = released
    if held.rows:
        result["events"] = rule
    if "test" in result:
        result["test"] = _log_rank(result["test"], counts, held, disclosure)
    return result


def _held_events(
    groups: Sequence[Mapping[str, Any]], columns: frozenset[int], smallest: int
) -> Held:
    """What must be held of a table with the rows `with an event` and `without`, and a column a group."""
    events = [group["events"] for group in groups]
    without = [group["n"] - group["events"] for group in groups]
    return held_back([events, without], columns, smallest)


def _log_rank(
    test: Result, counts: Sequence[int], held: Held, disclosure: Disclosure
) -> Result | dict[str, str]:
    """A test without its observed events where those are small; not at all where a group has few patients to read back from it."""
    rule = small_count(disclosure)
    if any(is_small(n, disclosure.minimum_cell) for n in counts):
        return rule
    shown: Result = _shortened(test)
    return (
        shown | dict.fromkeys(("observed", "expected", "covariance"), rule)
        if held.rows or held.columns
        else shown
    )


def _cumulative_incidence(result: Result, disclosure: Disclosure) -> Result:
    """Curves by group and cause. Patients by kind of event, others together, and without one, by group, are a table like any other."""
    groups, causes, smallest = result["groups"], result["causes"], disclosure.minimum_cell
    counts = [group["n"] for group in groups]
    few = {index for index, n in enumerate(counts) if n < fewest_patients(disclosure)}
    held = held_back(_kinds_of_event(groups, causes), held_parts(counts, smallest, few), smallest)
    rule, few_patients = small_count(disclosure), too_few_patients(disclosure)
    released: list[Result] = []
    for index, group in enumerate(groups):
        if index in held.columns:
            released.append(withheld_group(group, few_patients if index in few else rule))
            continue
        shown = {name: released_cause(group["causes"][name], disclosure) for name in causes}
        for row, name in enumerate(causes):
            if held.holds(row, index):
                shown[name]["events"] = rule
        # Events of any kind are the sum of a column but for one cell, so they would fill in what is held of it.
        whole = not any(column == index for _, column in held.cells)
        released.append(
            dict(group) | {"causes": shown} | ({} if whole else {"events": rule}),
        )
    result["groups"] = released
    if held.anything:
        result["events"] = rule
    if "tests" in result:
        result["tests"] = {
            name: _log_rank(test, counts, held, disclosure)
            for name, test in result["tests"].items()
        }
    return result


def _kinds_of_event(groups: Sequence[Mapping[str, Any]], causes: Sequence[str]) -> list[list[int]]:
    """Patients with each cause, with an event of another kind, and without one (rows), by group (columns)."""
    named = [[group["causes"][name]["events"] for group in groups] for name in causes]
    events = [group["events"] for group in groups]
    of_named = [sum(column) for column in zip(*named, strict=True)]
    others = [all_kinds - known for all_kinds, known in zip(events, of_named, strict=True)]
    without = [group["n"] - group["events"] for group in groups]
    return [*named, others, without]


def _follow_up(result: Result, disclosure: Disclosure) -> Result:
    """Its limits may lie where hardly anybody is left, which the result does not say; so they are not shown."""
    if _held_events([result], frozenset(), disclosure.minimum_cell).anything:
        result["events"] = small_count(disclosure)
    for name in ("lower", "upper"):
        if result[name] is not None:
            result[name] = too_few_patients(disclosure)
    if result["median"] is not None:
        result["median"] = float(f"{result['median']:.{FOLLOW_UP_DIGITS}g}")
    return result


def _baseline(result: Result, disclosure: Disclosure) -> Result:
    rule, smallest = small_count(disclosure), disclosure.minimum_cell
    columns = held_parts(result["column_n"], smallest)
    by_variable: dict[str, list[Result]] = {}
    for row in result["rows"]:
        by_variable.setdefault(row["variable"], []).append(row)
    rows: list[Result] = []
    for variable, levels in by_variable.items():
        unknown = result["missing_values"][variable]
        table = [row["counts"] for row in (*levels, unknown)]
        held = held_back(table, columns, smallest)
        *shown, missing = _released_rows([*levels, unknown], held, rule)
        rows += [_without_shares(row, held, len(levels), rule) for row in shown]
        result["missing_values"] = result["missing_values"] | {variable: missing}
        if held.anything and variable in result["tests"]:
            result["tests"] = result["tests"] | {variable: rule}
    return result | {"rows": rows, "column_n": _held_list(result["column_n"], columns, rule)}


def _without_shares(row: Result, held: Held, unknown: int, rule: Mapping[str, str]) -> Result:
    """A row without its percentages of the known where the number of the unknown (that row of the table) is held back.

    A count and its percentage give the number in whom the characteristic is known, and so the number in whom it is not.
    """
    hidden = {index for index in range(len(row["percent"])) if held.holds(unknown, index)}
    shown = row | {"percent": _held_list(row["percent"], hidden, rule)}
    return shown | {"total_percent": dict(rule)} if unknown in held.rows else shown


def _event_table(result: Result, disclosure: Disclosure) -> Result:
    rule, smallest = small_count(disclosure), disclosure.minimum_cell
    rows = [*result["rows"], result["censored"]]
    columns = held_parts(result["column_n"], smallest)
    held = held_back([row["counts"] for row in rows], columns, smallest)
    *events, censored = _released_rows(rows, held, rule)
    if len(events) in held.rows:
        # All patients, less those with an event, are the censored ones.
        result["events"] = rule
    column_n = _held_list(result["column_n"], columns, rule)
    return result | {"rows": events, "censored": censored, "column_n": column_n}


def _released_rows(
    rows: Sequence[Mapping[str, Any]], held: Held, rule: Mapping[str, str]
) -> list[Result]:
    """The rows of a table without what is held back of them: counts, their percentages, totals."""
    released = []
    for index, row in enumerate(rows):
        shown = dict(row)
        for name in ("counts", "percent"):
            if name in row:
                hidden = {column for column in range(len(row[name])) if held.holds(index, column)}
                shown[name] = _held_list(row[name], hidden, rule)
        for name in ("total", "total_percent"):
            if name in row and index in held.rows:
                shown[name] = dict(rule)
        released.append(shown)
    return released


def _held_list(
    values: Sequence[Any], hidden: set[int] | frozenset[int], rule: Mapping[str, str]
) -> list[Any]:
    return [dict(rule) if index in hidden else value for index, value in enumerate(values)]


def _cox(result: Result, disclosure: Disclosure) -> Result:
    """A model is released whole or not at all: coefficients of a level with few patients read those patients back."""
    fewest, smallest = fewest_patients(disclosure), disclosure.minimum_cell
    for level in result["levels"]:
        if 0 < level["n"] < fewest:
            rule = too_few_patients(disclosure)["withheld"]
            return _whole(result, f"{rule}: {level['term']}")
        if level["n"] > 0 and level["events"] < smallest:
            return _whole(result, f"minimum_cell {smallest} events: {level['term']}")
    if result["events"] < smallest * len(result["terms"]):
        return _whole(
            result,
            f"minimum_cell {smallest} events for each of {len(result['terms'])} coefficients",
        )
    shown: Result = {
        name: value if name == "level" else _shortened(value) for name, value in result.items()
    }
    return shown | _without_few_survivors(result, disclosure)


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
    "cumulative_incidence": _cumulative_incidence,
    "follow_up": _follow_up,
    "baseline": _baseline,
    "event_table": _event_table,
    "cox": _cox,
}
