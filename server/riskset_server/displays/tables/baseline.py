"""The table of patient characteristics: counts and percentages by group, missing values, and the test of each characteristic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from riskset_server.displays.parts.cells import (
    EMPTY,
    NOT_ESTIMABLE,
    Cell,
    cell,
    count,
    joined,
    p_digits,
    patients,
    percent,
    signed,
)
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.table import Row, Table, heading_row
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.results.reading import distinct, entries, number, rules_in, value, withheld_by

NO = ("No.", "number of patients")
SD = ("SD", "standard deviation")
IQR = ("IQR", "interquartile range, from the lower to the upper quartile")


def make(shown: Shown) -> Table:
    """One block of rows a characteristic: its levels, then `Missing` where a value is missing, and P on its first row."""
    part, words = shown.only, shown.words
    tested = bool(value(part.result, "tests"))
    found = entries(value(part.result, "rows"))
    levels_of = {name: list(rows) for name, rows in groupby(found, key=lambda row: row["variable"])}
    numbers = {row["variable"]: row for row in entries(value(part.result, "numbers"))}
    return Table(
        title=shown.title,
        heads=("Characteristic", *column_heads(part, words), *(["P"] if tested else [])),
        rows=tuple(
            row
            for variable in _variables(part)
            for row in (
                _block(part, words, variable, levels_of[variable], tested=tested)
                if variable in levels_of
                else _number_block(part, words, numbers[variable], tested=tested)
            )
        ),
        notes=tuple(_notes(part, words)),
        abbreviations=(NO,),
    )


def column_heads(part: Part, words: Words) -> Iterator[str]:
    """Heads of the columns of counts: each group with its patients, then all of them where there are groups."""
    if part.by:
        n_of = entries(value(part.result, "column_n"))
        for index, name in enumerate(entries(value(part.result, "columns"))):
            yield _head(words.column(part.by, name), value(n_of, index))
    yield _head("All" if part.by else "All patients", value(part.result, "n"))


def _head(label: str, n: Any) -> str:
    return f"{label} (n = {cell(n, count).text})"


def number_and_percent(counts: Any, percents: Any, index: int) -> Cell:
    """The cell `74 (44.3)` of one column; without its percentage where there is nobody to be a part of."""
    n, share = value(counts, index), value(percents, index)
    if share is None and withheld_by(n) is None:
        return cell(n, count)
    return joined((cell(n, count), cell(share, percent)), "{} ({})")


def _block(
    part: Part, words: Words, variable: str, levels: Sequence[Mapping[str, Any]], *, tested: bool
) -> Iterator[Row]:
    columns = len(entries(value(part.result, "columns"))) if part.by else 0
    test = value(part.result, "tests", variable) if tested else None
    p = [_p(test)] if tested else []
    heading = heading_row(words.variable(variable), columns + 1)
    yield Row(heading.label, (*heading.cells, *p))
    empty = [EMPTY] if tested else []
    for found in levels:
        cells = [number_and_percent(found["counts"], found["percent"], i) for i in range(columns)]
        total = number_and_percent([value(found, "total")], [value(found, "total_percent")], 0)
        yield Row(Cell(words.level(variable, found["level"])), (*cells, total, *empty), indent=1)
    yield from _missing(part, variable, columns, empty)


def _variables(part: Part) -> list[str]:
    """The rows' variables in the order of the plan."""
    return [row if isinstance(row, str) else row.number for row in part.spec.rows]  # type: ignore[attr-defined]  # of a baseline


def _missing(part: Part, variable: str, columns: int, empty: list[Cell]) -> Iterator[Row]:
    """The row of patients in whom a characteristic is not known, where there are any."""
    missing = value(part.result, "missing_values", variable)
    if value(missing, "total") != 0 and missing is not None:
        cells = [cell(value(missing, "counts", index), count) for index in range(columns)]
        total = cell(value(missing, "total"), count)
        yield Row(Cell("Missing"), (*cells, total, *empty), indent=1)


def _number_block(
    part: Part, words: Words, number: Mapping[str, Any], *, tested: bool
) -> Iterator[Row]:
    """A number: mean with standard deviation, and median with quartiles where the plan asks for them."""
    columns = len(entries(value(part.result, "columns"))) if part.by else 0
    # The last entry of each list is of all patients; without groups it is the only one that is shown.
    places = [*range(columns), -1]
    empty = [EMPTY] if tested else []
    yield heading_row(words.term(number["variable"]), columns + 1 + len(empty))
    spread = (_statistics(number, ("mean", "std_dev"), "{} ({})", place) for place in places)
    yield Row(Cell("Mean (SD)", abbreviations=(SD,)), (*spread, *empty), indent=1)
    if "median" in number:
        names = ("median", "lower_quartile", "upper_quartile")
        middle = (_statistics(number, names, "{} ({} to {})", place) for place in places)
        yield Row(Cell("Median (IQR)", abbreviations=(IQR,)), (*middle, *empty), indent=1)
    yield from _missing(part, number["variable"], columns, empty)


def _statistics(number: Mapping[str, Any], names: Sequence[str], pattern: str, place: int) -> Cell:
    digits = _digits(number)
    parts = (cell(value(number, name, place), lambda x: signed(x, digits)) for name in names)
    return joined(tuple(parts), pattern)


def _digits(found: Mapping[str, Any]) -> int:
    """Decimals of a number's statistics: one, none where means reach a hundred, two where all are below one."""
    means = [abs(number(mean)) for mean in entries(value(found, "mean"))]
    largest = max((mean for mean in means if not math.isnan(mean)), default=1.0)
    return 0 if largest >= 100 else 1 if largest >= 1 else 2


def _p(test: Any) -> Cell:
    return EMPTY if test is None else cell(value(test, "p_value"), p_digits, NOT_ESTIMABLE)


def test_names(part: Part) -> list[str]:
    """The tests that compare characteristics between groups, each once."""
    tests = value(part.result, "tests")
    if tests is None or withheld_by(tests) is not None:
        return []
    names = distinct(value(test, "name") for test in tests.values())
    return [name if name.startswith("Fisher") else lower_first(name) for name in names]


def _notes(part: Part, words: Words) -> Iterator[str]:
    yield "Values are No. (%); percentages are of the patients in whom the characteristic is known."
    named = listed(test_names(part))
    if named:
        yield f"P values are of the {named} test, two-sided ({words.planned(part.spec)})."
    missing = value(part.result, "missing")
    if missing is not None and missing != 0:
        yield f"{patients(missing)} without a known group left out."
    if part.by and list(rules_in(value(part.result, "column_n"))):
        yield "The number of patients of a column was withheld."
