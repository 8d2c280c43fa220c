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

from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.axis import RoundTimes, with_numbers_at_risk
from riskset_server.disclosure.comparison import released_contrasts, released_pairs
from riskset_server.disclosure.curve import released_cause, released_curve, withheld_group
from riskset_server.disclosure.fields import INCIDENCE_FIELDS, RESULT_FIELDS, known
from riskset_server.disclosure.model import (
    released_model,
    shortened,
    whole,
)
from riskset_server.disclosure.numbers import released_number
from riskset_server.disclosure.table import Held, held_back, held_parts, is_small
from riskset_server.disclosure.withheld import (
    Result,
    fewest_patients,
    is_withheld,
    small_count,
    too_few_patients,
)
from riskset_server.results.reading import families

Rule = Callable[[Result, Disclosure], Result]
"""What may be shown of a result of one kind, for which there are patients enough."""


def released(
    result: Mapping[str, Any], rule: Rule, disclosure: Disclosure, axis: RoundTimes | None = None
) -> Result:
    """One analysis' result, as JSON, under the rule of its kind; with the numbers at risk at the round times of its axis."""
    if disclosure.release == "exact":
        return dict(result)
    if 0 < result["n"] < fewest_patients(disclosure):
        return whole(result, too_few_patients(disclosure)["withheld"])
    shown = rule(known(result, RESULT_FIELDS[result["kind"]]), disclosure)
    if is_small(result["missing"], disclosure.minimum_cell):
        shown["missing"] = small_count(disclosure)
    return shown if axis is None else with_numbers_at_risk(result, shown, axis, disclosure)


def released_kaplan_meier(result: Result, disclosure: Disclosure) -> Result:
    """Curves by group. Patients with an event and without one, by group, are a table like any other."""
    return _curves(result, _held_groups(result["groups"], disclosure), disclosure)


def _held_groups(
    groups: Sequence[Mapping[str, Any]], disclosure: Disclosure, *beside: Mapping[str, Any]
) -> Held:
    """What must be held of the groups' patients and events; `beside` are patients without a curve, in a known sum with them."""
    smallest = disclosure.minimum_cell
    few = {index for index, group in enumerate(groups) if group["n"] < fewest_patients(disclosure)}
    columns = (*groups, *beside)
    return _held_events(
        columns, held_parts([column["n"] for column in columns], smallest, few), smallest
    )


def _curves(result: Result, held: Held, disclosure: Disclosure) -> Result:
    """Curves by group, without what is held."""
    groups = result["groups"]
    counts = [group["n"] for group in groups]
    few = {index for index, n in enumerate(counts) if n < fewest_patients(disclosure)}
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
    if "contrasts" in result:
        result["contrasts"] = released_contrasts(result["contrasts"], released, result["level"])
    if "test" in result:
        result["test"] = _log_rank(result["test"], counts, held, disclosure)
    if "tests" in result:
        hidden = [group["level"] for index, group in enumerate(groups) if index in held.columns]
        pairs = released_pairs(shortened(result["tests"]["pairwise"]), hidden, disclosure)
        few_anywhere = is_withheld(result["test"])
        result["tests"] = result["test"] if few_anywhere else {"pairwise": pairs}
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
    shown: Result = shortened(test)
    return (
        shown | dict.fromkeys(("observed", "expected", "covariance"), rule)
        if held.rows or held.columns
        else shown
    )


def released_univariate(result: Result, disclosure: Disclosure) -> Result:
    """Every factor's curves and model. All patients are known, so that those in whom a factor is not are one more of its groups."""
    everyone, rule = result["all_patients"], small_count(disclosure)
    shown = released_kaplan_meier(known(everyone, RESULT_FIELDS["kaplan_meier"]), disclosure)
    factors = [_factor(factor, everyone, disclosure) for factor in result["factors"]]
    if is_small(everyone["missing"], disclosure.minimum_cell):
        shown["missing"] = rule
    return result | {"all_patients": shown, "events": shown["events"], "factors": factors}


def _factor(factor: Result, everyone: Mapping[str, Any], disclosure: Disclosure) -> Result:
    curves, rule = factor["curves"], small_count(disclosure)
    unknown = {key: everyone[key] - curves[key] for key in ("n", "events")}
    held = _held_groups(curves["groups"], disclosure, unknown)
    totals = dict.fromkeys(("n", "events", "missing"), rule)
    few = [unknown["n"], curves["missing"], unknown["events"], unknown["n"] - unknown["events"]]
    few_unknown = any(is_small(count, disclosure.minimum_cell) for count in few)
    released = {
        "factor": factor["factor"],
        "curves": _part("kaplan_meier", curves, released_kaplan_meier, disclosure),
    }
    if curves["n"] >= fewest_patients(disclosure):
        known_curves = known(curves, RESULT_FIELDS["kaplan_meier"])
        released["curves"] = _curves(known_curves, held, disclosure)
        released["curves"] |= totals if few_unknown else {}
    if "model" in factor:
        released["model"] = _part("cox", factor["model"], released_model, disclosure)
        if held.anything or few_unknown:
            # The same patients by the same levels, so that the model would tell what the curves do not.
            released["model"] |= totals | {"levels": rule}
    return released


def released_landmark(result: Result, disclosure: Disclosure) -> Result:
    """The curves or the model of those who are followed beyond the landmark; of the others their number."""
    for name, kind, rule in (
        ("curves", "kaplan_meier", released_kaplan_meier),
        ("model", "cox", released_model),
    ):
        if name in result:
            result[name] = _part(kind, result[name], rule, disclosure)
            result |= {key: result[name][key] for key in ("n", "events")}
    if is_small(result["ended"], disclosure.minimum_cell):
        result["ended"] = small_count(disclosure)
    return result


def _part(kind: str, result: Mapping[str, Any], rule: Rule, disclosure: Disclosure) -> Result:
    """A part that is an analysis of its own, under the rule of its kind."""
    return released({**result, "kind": kind}, rule, disclosure)


def released_cumulative_incidence(result: Result, disclosure: Disclosure) -> Result:
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
        shown = {
            name: released_cause(group["causes"][name], group["n"], disclosure) for name in causes
        }
        for row, name in enumerate(causes):
            if held.holds(row, index):
                shown[name]["events"] = rule
        # Events of any kind are the sum of a column but for one cell, so they would fill in what is held of it.
        is_complete = not any(column == index for _, column in held.cells)
        released.append(
            known(group, INCIDENCE_FIELDS)
            | {"causes": shown}
            | ({} if is_complete else {"events": rule}),
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


def released_baseline(result: Result, disclosure: Disclosure) -> Result:
    """A table of characteristics: each with those in whom it is not known, by column, is a table like any other."""
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
    numbers: list[Result] = []
    for number in result["numbers"]:
        unknown = result["missing_values"][number["variable"]]
        shown_number, missing = released_number(number, unknown, columns, disclosure)
        numbers.append(shown_number)
        result["missing_values"] = result["missing_values"] | {number["variable"]: missing}
    column_n = _held_list(result["column_n"], columns, rule)
    return result | {"rows": rows, "numbers": numbers, "column_n": column_n}


def _without_shares(row: Result, held: Held, unknown: int, rule: Mapping[str, str]) -> Result:
    """A row without its percentages of the known where the number of the unknown (that row of the table) is held back.

    A count and its percentage give the number in whom the characteristic is known, and so the number in whom it is not.
    """
    hidden = {index for index in range(len(row["percent"])) if held.holds(unknown, index)}
    shown = row | {"percent": _held_list(row["percent"], hidden, rule)}
    return shown | {"total_percent": dict(rule)} if unknown in held.rows else shown


def released_event_table(result: Result, disclosure: Disclosure) -> Result:
    """First events: with the censored patients, by column, a table like any other."""
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


def released_flow(result: Result, disclosure: Disclosure) -> Result:
    """Boxes partition the box above them. Below a box that is held nothing is shown, for its sum would be the box."""
    rule, smallest = small_count(disclosure), disclosure.minimum_cell
    boxes = result["boxes"]
    shown: list[Result] = [dict(boxes[0])]
    open_boxes = [boxes[0]["path"]]
    for above, below in families(boxes):
        if above["path"] not in open_boxes:
            continue
        held = held_parts([box["n"] for box in below], smallest)
        for index, box in enumerate(below):
            if index not in held:
                open_boxes.append(box["path"])
            marks = {"n": rule, "percent": rule} if index in held else {}
            shown.append({**box, **marks})
    order = [box["path"] for box in boxes]
    return result | {"boxes": sorted(shown, key=lambda box: order.index(box["path"]))}
