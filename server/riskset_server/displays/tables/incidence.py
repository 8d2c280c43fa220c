"""The table of cumulative incidence: patients, events, and the probability of each cause at the plan's horizons by group."""

from __future__ import annotations

from collections.abc import Iterator

from riskset_common.results.shown import Withheld
from riskset_common.results.tests import GrayResult
from riskset_server.displays.parts.cells import (
    CI,
    SE,
    Cell,
    cell,
    count,
    patients,
)
from riskset_server.displays.parts.curve_words import (
    horizons,
    interval_at,
    interval_kinds,
    probability_and_error,
)
from riskset_server.displays.parts.display import Part, Shown, Tested, tests_of
from riskset_server.displays.parts.effects import chi_square_in_words
from riskset_server.displays.parts.series import Series, series_of
from riskset_server.displays.parts.table import Row, Table, heading_row
from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.results.typed import missing_of


def make(shown: Shown) -> Table:
    """One row a group below each cause, those below the title of their analysis where there are several."""
    times = horizons(shown)
    heads = ["Event and group", "No.", "Events"]
    for time in times:
        heads += [f"{shown.words.horizon(time)} incidence, % (SE)", f"{shown.confidence} CI"]
    rows: list[Row] = []
    for part in shown.parts:
        indent = int(len(shown.parts) > 1)
        if indent:
            rows.append(heading_row(shown.words.title(part.spec), len(heads) - 1))
        rows += _rows(shown, part, times, indent, len(heads) - 1)
    return Table(
        title=shown.title,
        heads=tuple(heads),
        rows=tuple(rows),
        notes=tuple(_notes(shown)),
        abbreviations=tuple(_abbreviations(shown)),
    )


def _rows(
    shown: Shown, part: Part, times: tuple[float, ...], indent: int, columns: int
) -> Iterator[Row]:
    headed: list[str | None] = []
    for series in series_of(shown, part):
        cells = _cells(shown, series, times)
        if not series.curve.level:
            yield Row(Cell(sentence_case(series.cause or "")), cells, indent)
            continue
        if series.cause not in headed:
            headed.append(series.cause)
            yield heading_row(sentence_case(series.cause or ""), columns, indent=indent)
        yield Row(Cell(shown.words.group(series.curve.level)), cells, indent + 1)


def _cells(shown: Shown, series: Series, times: tuple[float, ...]) -> tuple[Cell, ...]:
    cells = [cell(series.curve.n, count), cell(series.curve.events, count)]
    for time in times:
        cells += [probability_and_error(series.curve, time), interval_at(series.curve, time, shown)]
    return tuple(cells)


def gray_in_words(part: Part, tested: Tested, words: Words) -> str:
    """Gray's test of one cause: name, strata, statistic, degrees of freedom, P, whether planned."""
    test = tested.test
    named = () if isinstance(test, Withheld) else test.strata
    strata = [lower_first(words.variable(name)) for name in named]
    stratified = f" stratified by {listed(strata)}" if strata else ""
    rho = test.rho if isinstance(test, GrayResult) else None
    weighted = f" (rho = {rho:g})" if rho is not None else ""
    of = lower_first(sentence_case(tested.cause or ""))
    tested_in_words = chi_square_in_words(test)
    return f"Gray's test{weighted} of {of}{stratified}: {tested_in_words} ({words.planned(part.spec)})."


def _notes(shown: Shown) -> Iterator[str]:
    yield "Events of other kinds compete; incidences of all kinds and the probability of no event add up to 100%."
    named = interval_kinds(shown.parts)
    if named:
        yield f"Confidence intervals are {named}."
    for part in shown.parts:
        said = [gray_in_words(part, tested, shown.words) for tested in tests_of(part)]
        missing = missing_of(part.result)
        if missing != 0:
            said.append(f"{patients(missing)} with missing values left out.")
        if said and len(shown.parts) > 1:
            said[0] = f"{shown.words.title(part.spec)}: {said[0]}"
        yield from said


def _abbreviations(shown: Shown) -> Iterator[tuple[str, str]]:
    yield ("No.", "number of patients")
    if horizons(shown):
        yield from (CI, SE)
    if any(tests_of(part) for part in shown.parts):
        yield ("df", "degrees of freedom")
