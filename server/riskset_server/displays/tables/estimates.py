"""The table of Kaplan-Meier estimates: patients, events, quantiles of the time, and survival at the plan's horizons by group."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskset_common.survival.tests.difference import Difference, difference
from riskset_server.displays.parts.cells import (
    CI,
    EMPTY,
    MINUS,
    NOT_ESTIMABLE,
    NOT_REACHED,
    SE,
    Cell,
    cell,
    count,
    joined,
    p_phrase,
    patients,
    plain,
    probability,
    withheld_cell,
)
from riskset_server.displays.parts.curve_words import (
    endpoint_noun,
    horizons,
    interval_kinds,
    landmark,
    survival_and_error,
    test_noun,
)
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.effects import chi_square_in_words
from riskset_server.displays.parts.table import Row, Table, heading_row
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.displays.tables.follow_up import time_interval
from riskset_server.results.reading import distinct, entries, number, rules_in, value


@dataclass(frozen=True)
class Column:
    """One column: its head, the cell of a group, the cell of the difference between two groups, and what that is a contrast of."""

    head: str
    of_group: Callable[[Mapping[str, Any]], Cell]
    of_difference: Callable[[Sequence[Mapping[str, Any]]], Cell] = lambda _: EMPTY
    contrast: str = ""


def make(shown: Shown) -> Table:
    """One row a group, below the title of its analysis where there are several."""
    columns = tuple(_columns(shown))
    rows: list[Row] = []
    for part in shown.parts:
        indent = int(len(shown.parts) > 1)
        if indent:
            rows.append(heading_row(shown.words.title(part.spec), len(columns)))
        groups = entries(value(part.result, "groups"))
        for group in groups:
            label = Cell(shown.words.group(group["level"]))
            rows.append(Row(label, tuple(column.of_group(group) for column in columns), indent))
        for named, pair, asked in _compared(part, shown):
            cells = tuple(
                column.of_difference(pair) if column.contrast in asked else EMPTY
                for column in columns
            )
            rows.append(Row(Cell(f"Difference, {named}"), cells, indent))
    return Table(
        title=shown.title,
        heads=("Group", *(column.head for column in columns)),
        rows=tuple(rows),
        notes=tuple(_notes(shown)),
        abbreviations=tuple(_abbreviations(shown)),
    )


def _compared(
    part: Part, shown: Shown
) -> Iterator[tuple[str, Sequence[Mapping[str, Any]], tuple[str, ...]]]:
    """Differences that have a row: their name, the two groups, and what of them is compared.

    Those that the plan asks for are of each group against the first; without a word in the plan, two groups are compared in
    survival.
    """
    groups = entries(value(part.result, "groups"))
    asked = tuple(getattr(part.spec, "contrast", ()))
    if asked:
        for group in groups[1:]:
            names = [shown.words.group(each["level"]) for each in (group, groups[0])]
            yield " − ".join(names), (group, groups[0]), asked
    elif len(groups) == 2 and horizons(shown):
        yield "first − second", groups, ("survival",)


def _columns(shown: Shown) -> Iterator[Column]:
    words, level = shown.words, shown.confidence
    yield Column("No.", lambda group: cell(value(group, "n"), count))
    yield Column("Events", lambda group: cell(value(group, "events"), count))
    yield _quantile_column(f"Median ({level} CI), {words.unit}", 0.5, words)
    for p in sorted(
        {p for part in shown.parts for p in getattr(part.spec, "quantiles", ())} - {0.5}
    ):
        yield _quantile_column(f"{plain(100 * p)}% quantile ({level} CI), {words.unit}", p, words)
    for time in horizons(shown):
        yield from _horizon_columns(shown, time, level)
    taus = {tau for part in shown.parts if (tau := getattr(part.spec, "rmean", None)) is not None}
    if taus:
        named = listed([plain(tau) for tau in sorted(taus)])
        head = f"Restricted mean to {named} {words.unit} (SE)"
        yield Column(
            head,
            lambda group: _restricted_mean(group, words),
            lambda pair: _mean_difference(pair, shown),
            "rmean",
        )


def _quantile_column(head: str, p: float, words: Words) -> Column:
    def of_group(group: Mapping[str, Any]) -> Cell:
        quantiles = value(group, "quantiles")
        found = value(group, "median") if p == 0.5 else quantiles
        for candidate in entries(quantiles):
            if value(candidate, "p") == p:
                found = candidate
        interval = time_interval(value(found, "lower"), value(found, "upper"), words)
        estimate = cell(value(found, "estimate"), words.duration, NOT_REACHED)
        return joined((estimate, interval), "{} ({})")

    return Column(head, of_group)


def _horizon_columns(shown: Shown, time: float, level: str) -> Iterator[Column]:
    head = f"{shown.words.horizon(time)} {endpoint_noun(shown)}, % (SE)"

    def interval(group: Mapping[str, Any]) -> Cell:
        at = landmark(group, time)
        if at is None:
            return EMPTY
        limits = (cell(value(at, "lower"), probability), cell(value(at, "upper"), probability))
        return joined(limits, "{} to {}")

    def at_the_time(pair: Sequence[Mapping[str, Any]]) -> Difference | Cell:
        return _difference([landmark(group, time) for group in pair], "survival", shown)

    def difference_interval(pair: Sequence[Mapping[str, Any]]) -> Cell:
        found = at_the_time(pair)
        if isinstance(found, Cell):
            return found
        limits = (cell(found.lower, probability), cell(found.upper, probability))
        return joined(limits, "{} to {}")

    yield Column(
        head,
        lambda group: survival_and_error(group, time),
        lambda pair: _with_error(at_the_time(pair), probability),
        "survival",
    )
    yield Column(f"{level} CI", interval, difference_interval, "survival")


def _difference(found: Sequence[Any], name: str, shown: Shown) -> Difference | Cell:
    """The difference of two printed estimates; a cell that says why where there is none."""
    rule = next(rules_in(found), None)
    if rule is not None:
        return withheld_cell(rule)
    (one, one_error), (other, other_error) = (
        (number(value(each, name)), number(value(each, "std_err"))) for each in found
    )
    if math.isnan(one - other) or math.isnan(one_error + other_error):
        return NOT_ESTIMABLE
    return difference(one, one_error, other, other_error, _confidence(shown))


def _with_error(found: Difference | Cell, read: Callable[[float], str]) -> Cell:
    if isinstance(found, Cell):
        return found
    return joined((cell(found.estimate, read), cell(found.std_err, read)), "{} ({})")


def _mean_difference(pair: Sequence[Mapping[str, Any]], shown: Shown) -> Cell:
    """`16.1 (8.9), −1.4 to 33.6`: the difference of two restricted means, its standard error and limits."""

    def read(time: float) -> str:
        return shown.words.duration(time).replace("-", MINUS)

    found = _difference([group.get("rmean") for group in pair], "estimate", shown)
    shortly = _with_error(found, read)
    if isinstance(found, Cell):
        return shortly
    limits = (cell(found.lower, read), cell(found.upper, read))
    return joined((shortly, *limits), "{}, {} to {}")


def _confidence(shown: Shown) -> float:
    return float((distinct(value(part.result, "level") for part in shown.parts) or [0.95])[0])


def _restricted_mean(group: Mapping[str, Any], words: Words) -> Cell:
    mean = group.get("rmean")
    if mean is None:
        return EMPTY
    parts = (
        cell(value(mean, "estimate"), words.duration),
        cell(value(mean, "std_err"), words.duration),
    )
    return joined(parts, "{} ({})")


def _pairs_in_words(part: Part, words: Words) -> str | None:
    """The tests of all pairs of groups: `Pairs of groups, P adjusted by Holm's method: A v B, P = .03; ...`."""
    pairs = value(part.result, "tests", "pairwise")
    if not entries(pairs):
        return None
    found = []
    for pair in entries(pairs):
        names = " v ".join(words.group(level) for level in pair["groups"])
        p = cell(value(pair, "p_holm"), p_phrase)
        found.append(f"{names}, {p.text}")
    return f"Pairs of groups, P adjusted by Holm's method: {'; '.join(found)}."


def test_in_words(part: Part, words: Words) -> str | None:
    """The test between the groups of an analysis: name, strata, statistic, degrees of freedom, P, whether planned."""
    test = value(part.result, "test")
    if test is None:
        return None
    (name,) = distinct([value(test, "name")]) or ["test of groups"]
    named = test_noun(name)
    strata = [lower_first(words.variable(found)) for found in entries(value(test, "strata"))]
    stratified = f" stratified by {listed(strata)}" if strata else ""
    return f"{named[:1].upper()}{named[1:]}{stratified}: {chi_square_in_words(test)} ({words.planned(part.spec)})."


def _notes(shown: Shown) -> Iterator[str]:
    named = interval_kinds(shown.parts)
    if named:
        yield f"Confidence intervals are {named}."
    for part in shown.parts:
        said = " ".join(_notes_of_analysis(part, shown.words))
        if said and len(shown.parts) > 1:
            yield f"{shown.words.title(part.spec)}: {lower_first(said)}"
        elif said:
            yield said
    asked = {
        of for part in shown.parts for *_, compared in _compared(part, shown) for of in compared
    }
    if asked:
        unit = "in percentage points, " if "survival" in asked and horizons(shown) else ""
        yield f"Differences are {unit}with Wald intervals."


def _notes_of_analysis(part: Part, words: Words) -> Iterator[str]:
    tested = test_in_words(part, words)
    if tested is not None:
        yield tested
    pairs = _pairs_in_words(part, words)
    if pairs is not None:
        yield pairs
    missing = value(part.result, "missing")
    if missing:
        yield f"{patients(missing)} with missing values left out."


def _abbreviations(shown: Shown) -> Iterator[tuple[str, str]]:
    yield from (CI, ("No.", "number of patients"))
    if horizons(shown):
        yield SE
        for part in shown.parts:
            yield from shown.words.endpoint_abbreviation(part.spec.endpoint_name() or "")
    if any(value(part.result, "test") is not None for part in shown.parts):
        yield ("df", "degrees of freedom")
