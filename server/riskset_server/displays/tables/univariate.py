"""The table of univariate analyses: by factor and level patients, events, survival at the horizons, hazard ratio and P."""

from __future__ import annotations

from collections.abc import Iterator

from riskset_common.estimators.composed.univariate import UnivariateSpec
from riskset_common.results.composed import FactorResult, UnivariateResult
from riskset_common.results.curves import GroupCurve, KaplanMeierResult
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.results.tests import LogRankResult
from riskset_server.displays.parts.cells import (
    ALIASED,
    CI,
    DASH,
    EMPTY,
    HR,
    MONOTONE,
    NOT_ESTIMABLE,
    SE,
    Cell,
    cell,
    cell_of_withheld,
    count,
    hazard_ratio,
    joined,
    p_digits,
    patients,
)
from riskset_server.displays.parts.curve_words import (
    endpoint_noun,
    horizons_of,
    probability_and_error,
    test_noun,
)
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.results.typed import missing_of, of_kind


def make(shown: Shown) -> Table:
    """One row for all patients, one for each factor with its P, and one below it for each of its levels."""
    words, result = shown.words, of_kind(UnivariateResult, shown.only.result)
    times = horizons_of(result.all_patients.groups, shown)
    noun = endpoint_noun(shown)
    models = any(factor.model is not None for factor in result.factors)
    heads = ["Factor", "No.", "Events"]
    heads += [f"{words.horizon(time)} {noun}, % (SE)" for time in times]
    heads += [f"HR ({shown.confidence} CI)"] if models else []
    rows = [
        Row(Cell("All patients"), _cells(group, times, EMPTY, models=models))
        for group in result.all_patients.groups
    ]
    for factor in result.factors:
        rows += _rows(factor, words, times, models=models)
    return Table(
        title=shown.title,
        heads=(*heads, "P"),
        rows=tuple(rows),
        notes=tuple(_notes(shown.only, result, words)),
        abbreviations=tuple(_abbreviations(shown, models=models)),
    )


def _cells(
    group: GroupCurve, times: tuple[float, ...], ratio: Cell, *, models: bool
) -> tuple[Cell, ...]:
    """The cells of a group, the last one (P) empty."""
    found = [cell(group.n, count), cell(group.events, count)]
    found += [probability_and_error(group, time) for time in times]
    return (*found, ratio, EMPTY) if models else (*found, EMPTY)


def _rows(
    factor: FactorResult, words: Words, times: tuple[float, ...], *, models: bool
) -> Iterator[Row]:
    name, curves = factor.factor, factor.curves
    blank = (EMPTY,) * (2 + len(times) + models)
    yield Row(Cell(words.variable(name)), (*blank, _p(curves)))
    for group in () if isinstance(curves, WithheldAnalysis) else curves.groups:
        level = group.level[name]
        ratio = EMPTY if factor.model is None else _ratio(factor.model, level)
        yield Row(
            Cell(words.level(name, level)), _cells(group, times, ratio, models=models), indent=1
        )


def _p(curves: KaplanMeierResult | WithheldAnalysis) -> Cell:
    """The P of a factor; empty where the plan asks for no test."""
    test = curves.test
    if test is None:
        return EMPTY
    return cell(test if isinstance(test, Withheld) else test.p_value, p_digits)


def _ratio(model: CoxResult | WithheldAnalysis, level: str) -> Cell:
    """The hazard ratio of a level with its limits; 1 for the reference."""
    if isinstance(model, WithheldAnalysis):
        return cell_of_withheld(model)
    row = next((row for row in model.terms if row.level == level), None)
    if row is None:
        return Cell("1") if model.terms else NOT_ESTIMABLE
    if row.aliased or row.monotone:
        return Cell(DASH, notes=(ALIASED if row.aliased else MONOTONE,))
    numbers = (row.hazard_ratio, row.lower, row.upper)
    return joined(tuple(cell(value, hazard_ratio) for value in numbers), "{} ({} to {})")


def _notes(part: Part, result: UnivariateResult, words: Words) -> Iterator[str]:
    tests = [test_noun(name) for name in _test_names(result)]
    strata = [lower_first(words.variable(name)) for name in result.strata]
    stratified = f", stratified by {listed(strata)}" if strata else ""
    if tests:
        yield f"P values are of the {listed(tests)}{stratified}, two-sided ({words.planned(part.spec)}), not adjusted for their number."
    if strata:
        yield f"Hazard ratios are of Cox models of one factor each{stratified}; the first level is the reference."
    for factor in result.factors:
        missing = missing_of(factor.curves)
        if missing != 0:
            yield f"{words.variable(factor.factor)}: {patients(missing)} with missing values left out."


def _test_names(result: UnivariateResult) -> list[str]:
    """The tests that are shown, each once."""
    tests = [factor.curves.test for factor in result.factors]
    return list(dict.fromkeys(test.name for test in tests if isinstance(test, LogRankResult)))


def _abbreviations(shown: Shown, *, models: bool) -> Iterator[tuple[str, str]]:
    yield ("No.", "number of patients")
    if models:
        yield from (CI, HR)
    spec = shown.only.spec
    if isinstance(spec, UnivariateSpec) and spec.at:
        yield SE
        yield from shown.words.endpoint_abbreviation(spec.endpoint)
