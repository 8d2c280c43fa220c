"""The release of tables of characteristics and of first events, without the cells that would reveal a small count."""

from __future__ import annotations

from collections.abc import Sequence

from riskset_common.results.shown import Shown, Withheld, exact
from riskset_common.results.tables import (
    BaselineNumber,
    BaselineResult,
    BaselineRow,
    EventRow,
    EventTableResult,
    MissingValues,
)
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.numbers import released_number
from riskset_server.disclosure.table import Held, held_back, held_parts, without
from riskset_server.disclosure.withheld import small_count, unless_small


def released_baseline(result: BaselineResult, disclosure: Disclosure) -> BaselineResult:
    """Counts by characteristic and column, and numbers by column."""
    rule = small_count(disclosure)
    columns = held_parts(_exact(result.column_n), disclosure.minimum_cell)
    by_variable: dict[str, list[BaselineRow]] = {}
    for row in result.rows:
        by_variable.setdefault(row.variable, []).append(row)
    rows: list[BaselineRow] = []
    missing_values, tests = dict(result.missing_values), dict(result.tests)
    for variable, levels in by_variable.items():
        unknown = result.missing_values[variable]
        table = [*(_exact(row.counts) for row in levels), _exact(unknown.counts)]
        held = held_back(table, columns, disclosure.minimum_cell)
        rows += [_row(row, index, len(levels), held, rule) for index, row in enumerate(levels)]
        missing_values[variable] = _missing(unknown, len(levels), held, rule)
        if held.anything and variable in tests:
            tests[variable] = rule
    numbers: list[BaselineNumber] = []
    for number in result.numbers:
        shown, missing_values[number.variable] = released_number(
            number, result.missing_values[number.variable], columns, disclosure
        )
        numbers.append(shown)
    return BaselineResult(
        kind=result.kind,
        n=result.n,
        missing=unless_small(result.missing, disclosure),
        by=result.by,
        columns=result.columns,
        column_n=without(result.column_n, columns, rule),
        rows=tuple(rows),
        numbers=tuple(numbers),
        missing_values=missing_values,
        tests=tests,
        warnings=result.warnings,
    )


def _row(row: BaselineRow, index: int, unknown: int, held: Held, rule: Withheld) -> BaselineRow:
    """A row, without its percentages of the known where the number of the unknown (that row of the table) is held back.

    A count and its percentage give the number in whom the characteristic is known, and so the number in whom it is not.
    """
    hidden = _hidden(held, index, len(row.counts))
    unknown_total = index in held.rows or unknown in held.rows
    return BaselineRow(
        variable=row.variable,
        level=row.level,
        counts=without(row.counts, hidden, rule),
        percent=without(row.percent, hidden | _hidden(held, unknown, len(row.counts)), rule),
        total=rule if index in held.rows else row.total,
        total_percent=rule if unknown_total else row.total_percent,
    )


def _missing(unknown: MissingValues, index: int, held: Held, rule: Withheld) -> MissingValues:
    return MissingValues(
        counts=without(unknown.counts, _hidden(held, index, len(unknown.counts)), rule),
        total=rule if index in held.rows else unknown.total,
    )


def released_event_table(result: EventTableResult, disclosure: Disclosure) -> EventTableResult:
    """First events by kind and column."""
    rule = small_count(disclosure)
    columns = held_parts(_exact(result.column_n), disclosure.minimum_cell)
    table = [_exact(row.counts) for row in (*result.rows, result.censored)]
    held = held_back(table, columns, disclosure.minimum_cell)
    censored = len(result.rows)
    return EventTableResult(
        kind=result.kind,
        endpoint=result.endpoint,
        n=result.n,
        # All patients, less those with an event, are the censored ones.
        events=rule if censored in held.rows else result.events,
        missing=unless_small(result.missing, disclosure),
        by=result.by,
        columns=result.columns,
        column_n=without(result.column_n, columns, rule),
        rows=tuple(_events(row, index, held, rule) for index, row in enumerate(result.rows)),
        censored=_events(result.censored, censored, held, rule),
        warnings=result.warnings,
    )


def _events(row: EventRow, index: int, held: Held, rule: Withheld) -> EventRow:
    hidden = _hidden(held, index, len(row.counts))
    return EventRow(
        event=row.event,
        counts=without(row.counts, hidden, rule),
        percent=without(row.percent, hidden, rule),
        total=rule if index in held.rows else row.total,
    )


def _hidden(held: Held, row: int, columns: int) -> set[int]:
    """The columns in which a row is held."""
    return {column for column in range(columns) if held.holds(row, column)}


def _exact(counts: Sequence[Shown[int]]) -> list[int]:
    return [exact(count) for count in counts]
