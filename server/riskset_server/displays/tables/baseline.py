"""The table of patient characteristics: counts and percentages by group, missing values, and the test of each characteristic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from riskset_common.estimators.tables.baseline import BaselineSpec
from riskset_common.results.shown import Shown as Value
from riskset_common.results.shown import Withheld
from riskset_common.results.tables import (
    BaselineNumber,
    BaselineResult,
    BaselineRow,
    EventTableResult,
    MissingValues,
)
from riskset_server.displays.parts.cells import (
    EMPTY,
    Cell,
    cell,
    count,
    joined,
    p_digits,
    patients,
    percent,
    signed,
)
from riskset_server.displays.parts.display import Part, Shown, spec_of
from riskset_server.displays.parts.table import Row, Table, heading_row
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.results.typed import marks_in, number, of_kind

NO = ("No.", "number of patients")
SD = ("SD", "standard deviation")
IQR = ("IQR", "interquartile range, from the lower to the upper quartile")


def make(shown: Shown) -> Table:
    """One block of rows a characteristic: its levels, then `Missing` where a value is missing, and P on its first row."""
    part, words = shown.only, shown.words
    result = of_kind(BaselineResult, part.result)
    levels_of = {name: tuple(rows) for name, rows in groupby(result.rows, lambda row: row.variable)}
    numbers = {row.variable: row for row in result.numbers}
    return Table(
        title=shown.title,
        heads=(
            "Characteristic",
            *column_heads(part.by, result, words),
            *(["P"] if result.tests else []),
        ),
        rows=tuple(
            row
            for variable in _variables(part)
            for row in (
                _block(result, words, levels_of[variable])
                if variable in levels_of
                else _number_block(result, words, numbers[variable])
            )
        ),
        notes=tuple(_notes(part, result, words)),
        abbreviations=(NO,),
    )


def column_heads(
    by: Sequence[str], result: BaselineResult | EventTableResult, words: Words
) -> Iterator[str]:
    """Heads of the columns of counts: each group with its patients, then all of them where there are groups."""
    if by:
        for name, n in zip(result.columns, result.column_n, strict=True):
            yield _head(words.column(by, name), n)
    yield _head("All" if by else "All patients", result.n)


def _head(label: str, n: Value[int]) -> str:
    return f"{label} (n = {cell(n, count).text})"


def number_and_percent(n: Value[int], share: Value[float]) -> Cell:
    """The cell `74 (44.3)`; without its percentage where there is nobody to be a part of."""
    has_share = isinstance(share, Withheld) or not math.isnan(share)
    if not has_share and not isinstance(n, Withheld):
        return cell(n, count)
    return joined((cell(n, count), cell(share, percent)), "{} ({})")


def n_groups(result: BaselineResult | EventTableResult) -> int:
    """Columns beside that of all patients; without groups it is the only one."""
    return len(result.columns) if result.by is not None else 0


def _blank(result: BaselineResult) -> tuple[Cell, ...]:
    """The cells below P: one where there are tests."""
    return (EMPTY,) if result.tests else ()


def _block(result: BaselineResult, words: Words, levels: Sequence[BaselineRow]) -> Iterator[Row]:
    """A category: its name with P, and its levels."""
    variable, columns = levels[0].variable, range(n_groups(result))
    heading = heading_row(words.variable(variable), len(columns) + 1)
    yield Row(heading.label, (*heading.cells, *([_p(result, variable)] if result.tests else [])))
    for row in levels:
        cells = [number_and_percent(row.counts[index], row.percent[index]) for index in columns]
        total = number_and_percent(row.total, row.total_percent)
        label = Cell(words.level(variable, row.level))
        yield Row(label, (*cells, total, *_blank(result)), indent=1)
    yield from _missing(result, result.missing_values[variable])


def _variables(part: Part) -> Iterator[str]:
    """The rows' variables in the order of the plan."""
    for row in spec_of(BaselineSpec, part).rows:
        yield row if isinstance(row, str) else row.number


def _missing(result: BaselineResult, missing: MissingValues) -> Iterator[Row]:
    """The row of patients in whom a characteristic is not known, where there are any."""
    if missing.total != 0:
        cells = [cell(missing.counts[index], count) for index in range(n_groups(result))]
        yield Row(Cell("Missing"), (*cells, cell(missing.total, count), *_blank(result)), indent=1)


def _number_block(result: BaselineResult, words: Words, row: BaselineNumber) -> Iterator[Row]:
    """A number: mean with standard deviation, and median with quartiles where the plan asks for them."""
    # The last entry of each sequence is of all patients; without groups it is the only one that is shown.
    places, blank = (*range(n_groups(result)), -1), _blank(result)
    digits = _digits(row)

    def statistics(pattern: str, *of: Sequence[Value[float]]) -> Iterator[Cell]:
        for place in places:
            parts = (cell(values[place], lambda x: signed(x, digits)) for values in of)
            yield joined(tuple(parts), pattern)

    yield heading_row(words.term(row.variable), len(places) + len(blank))
    spread = statistics("{} ({})", row.mean, row.std_dev)
    yield Row(Cell("Mean (SD)", abbreviations=(SD,)), (*spread, *blank), indent=1)
    quartiles = (row.median, row.lower_quartile, row.upper_quartile)
    asked = [values for values in quartiles if values is not None]
    if asked:
        middle = statistics("{} ({} to {})", *asked)
        yield Row(Cell("Median (IQR)", abbreviations=(IQR,)), (*middle, *blank), indent=1)
    yield from _missing(result, result.missing_values[row.variable])


def _digits(row: BaselineNumber) -> int:
    """Decimals of a number's statistics: one, none where means reach a hundred, two where all are below one."""
    means = [abs(number(mean)) for mean in row.mean]
    largest = max((mean for mean in means if not math.isnan(mean)), default=1.0)
    return 0 if largest >= 100 else 1 if largest >= 1 else 2


def _p(result: BaselineResult, variable: str) -> Cell:
    """The P of a characteristic; empty where it has no test."""
    test = result.tests.get(variable)
    if test is None:
        return EMPTY
    return cell(test if isinstance(test, Withheld) else test.p_value, p_digits)


def test_names(part: Part) -> list[str]:
    """The tests that compare characteristics between groups, each once; none where the analysis is withheld."""
    tests = part.result.tests.values() if isinstance(part.result, BaselineResult) else ()
    names = dict.fromkeys(test.name for test in tests if not isinstance(test, Withheld))
    return [name if name.startswith("Fisher") else lower_first(name) for name in names]


def _notes(part: Part, result: BaselineResult, words: Words) -> Iterator[str]:
    yield "Values are No. (%); percentages are of the patients in whom the characteristic is known."
    named = listed(test_names(part))
    if named:
        yield f"P values are of the {named} test, two-sided ({words.planned(part.spec)})."
    if result.missing != 0:
        yield f"{patients(result.missing)} without a known group left out."
    if part.by and any(marks_in(result.column_n)):
        yield "The number of patients of a column was withheld."
