"""The table of first events: patients by kind of event and group, and those without an event."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from riskset_common.results.shown import Shown as Value
from riskset_common.results.shown import Withheld
from riskset_common.results.tables import EventRow, EventTableResult
from riskset_server.displays.parts.cells import Cell, patients
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words, lower_first, sentence_case
from riskset_server.displays.tables.baseline import NO, column_heads, n_groups, number_and_percent
from riskset_server.results.typed import of_kind


def make(shown: Shown) -> Table:
    """One row a kind of event, and one for patients who were censored."""
    part, words = shown.only, shown.words
    result = of_kind(EventTableResult, part.result)
    several = len(result.rows) > 1
    rows = [_any_event(result)] if several else []
    rows += [
        _row(result, sentence_case(row.event), row, indent=int(several)) for row in result.rows
    ]
    rows.append(_row(result, "No event", result.censored, indent=0))
    return Table(
        title=shown.title,
        heads=("First event", *column_heads(part.by, result, words)),
        rows=tuple(rows),
        notes=tuple(_notes(part, result, words)),
        abbreviations=(NO,),
    )


def _row(result: EventTableResult, label: str, row: EventRow, *, indent: int) -> Row:
    cells = [
        number_and_percent(row.counts[index], row.percent[index])
        for index in range(n_groups(result))
    ]
    total = number_and_percent(row.total, _share(row.total, result.n))
    return Row(Cell(label), (*cells, total), indent)


def _any_event(result: EventTableResult) -> Row:
    """The sum over all kinds, which is withheld as soon as one of its parts is."""
    cells = []
    for index in range(n_groups(result)):
        events = _sum([row.counts[index] for row in result.rows])
        cells.append(number_and_percent(events, _share(events, result.column_n[index])))
    total = number_and_percent(result.events, _share(result.events, result.n))
    return Row(Cell("Any event"), (*cells, total))


def _sum(counts: Sequence[Value[int]]) -> Value[int]:
    total = 0
    for events in counts:
        if isinstance(events, Withheld):
            return events
        total += events
    return total


def _share(events: Value[int], n: Value[int]) -> Value[float]:
    """Percentage of a column's patients; withheld as its parts are, NaN of nobody."""
    if isinstance(events, Withheld):
        return events
    if isinstance(n, Withheld):
        return n
    return 100 * events / n if n > 0 else math.nan


def _notes(part: Part, result: EventTableResult, words: Words) -> Iterator[str]:
    endpoint = part.spec.endpoint_name() or ""
    yield (
        f"Values are No. (%) of patients by the first event of {lower_first(words.endpoint(endpoint))}; "
        "percentages are of all patients of the column."
    )
    if result.missing != 0:
        yield f"{patients(result.missing)} with missing values left out."
