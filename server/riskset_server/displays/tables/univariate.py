"""The table of univariate analyses: by factor and level patients, events, survival at the horizons, hazard ratio and P."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from riskset_server.displays.parts.cells import (
    ALIASED,
    CI,
    DASH,
    EMPTY,
    HR,
    MONOTONE,
    SE,
    Cell,
    cell,
    count,
    hazard_ratio,
    joined,
    p_digits,
    patients,
)
from riskset_server.displays.parts.curve_words import (
    endpoint_noun,
    horizons,
    survival_and_error,
    test_noun,
)
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.results.reading import distinct, entries, value


def make(shown: Shown) -> Table:
    """One row for all patients, one for each factor with its P, and one below it for each of its levels."""
    part, words = shown.only, shown.words
    times = horizons(_of(shown, value(part.result, "all_patients")))
    noun = endpoint_noun(shown)
    models = any("model" in factor for factor in entries(value(part.result, "factors")))
    heads = ["Factor", "No.", "Events"]
    heads += [f"{words.horizon(time)} {noun}, % (SE)" for time in times]
    heads += [f"HR ({shown.confidence} CI)"] if models else []
    rows = [
        Row(Cell("All patients"), _cells(group, times, EMPTY, models=models))
        for group in entries(value(part.result, "all_patients", "groups"))
    ]
    for factor in entries(value(part.result, "factors")):
        rows += _rows(factor, words, times, models=models)
    return Table(
        title=shown.title,
        heads=(*heads, "P"),
        rows=tuple(rows),
        notes=tuple(_notes(shown)),
        abbreviations=tuple(_abbreviations(shown, models=models)),
    )


def _of(shown: Shown, curves: Any) -> Shown:
    """A display of the curves within."""
    return replace(shown, parts=(replace(shown.only, result={"groups": value(curves, "groups")}),))


def _cells(
    group: Mapping[str, Any], times: tuple[float, ...], ratio: Cell, *, models: bool
) -> tuple[Cell, ...]:
    """The cells of a group, the last one (P) empty."""
    found = [cell(value(group, name), count) for name in ("n", "events")]
    found += [survival_and_error(group, time) for time in times]
    return (*found, ratio, EMPTY) if models else (*found, EMPTY)


def _rows(
    factor: Mapping[str, Any], words: Words, times: tuple[float, ...], *, models: bool
) -> Iterator[Row]:
    name, curves = factor["factor"], factor["curves"]
    tested = value(curves, "test")
    p = EMPTY if tested is None else cell(value(tested, "p_value"), p_digits)
    blank = (EMPTY,) * (2 + len(times) + models)
    yield Row(Cell(words.variable(name)), (*blank, p))
    for group in entries(value(curves, "groups")):
        level = group["level"][name]
        ratio = _ratio(factor["model"], level) if "model" in factor else EMPTY
        yield Row(
            Cell(words.level(name, level)), _cells(group, times, ratio, models=models), indent=1
        )


def _ratio(model: Mapping[str, Any], level: str) -> Cell:
    """The hazard ratio of a level with its limits; 1 for the reference."""
    terms = value(model, "terms")
    for row in entries(terms):
        if row["level"] != level:
            continue
        if row["aliased"] or row["monotone"]:
            return Cell(DASH, notes=(ALIASED if row["aliased"] else MONOTONE,))
        numbers = (value(row, key) for key in ("hazard_ratio", "lower", "upper"))
        return joined(tuple(cell(found, hazard_ratio) for found in numbers), "{} ({} to {})")
    return Cell("1") if entries(terms) else cell(terms, hazard_ratio)


def _notes(shown: Shown) -> Iterator[str]:
    part, words = shown.only, shown.words
    factors = entries(value(part.result, "factors"))
    tests = [test_noun(name) for name in _test_names(part)]
    strata = [lower_first(words.variable(name)) for name in entries(value(part.result, "strata"))]
    stratified = f", stratified by {listed(strata)}" if strata else ""
    if tests:
        yield f"P values are of the {listed(tests)}{stratified}, two-sided ({words.planned(part.spec)}), not adjusted for their number."
    if strata:
        yield f"Hazard ratios are of Cox models of one factor each{stratified}; the first level is the reference."
    for factor in factors:
        missing = value(factor["curves"], "missing")
        if missing:
            yield f"{words.variable(factor['factor'])}: {patients(missing)} with missing values left out."


def _test_names(part: Part) -> list[str]:
    return distinct(
        value(factor["curves"], "test", "name") for factor in entries(value(part.result, "factors"))
    )


def _abbreviations(shown: Shown, *, models: bool) -> Iterator[tuple[str, str]]:
    yield ("No.", "number of patients")
    if models:
        yield from (CI, HR)
    if getattr(shown.only.spec, "at", ()):
        yield SE
        yield from shown.words.endpoint_abbreviation(shown.only.spec.endpoint_name() or "")
