"""The table of first events: patients by kind of event and group, and those without an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from riskset_server.displays.parts.cells import Cell, patients
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words, lower_first, sentence_case
from riskset_server.displays.tables.baseline import NO, column_heads, number_and_percent
from riskset_server.results.reading import entries, number, rules_in, value, withheld_by


def make(shown: Shown) -> Table:
    """One row a kind of event, and one for patients who were censored."""
    part, words = shown.only, shown.words
    kinds = entries(value(part.result, "rows"))
    rows = [
        _row(part, sentence_case(found["event"]), found, indent=int(len(kinds) > 1))
        for found in kinds
    ]
    if len(kinds) > 1:
        rows.insert(0, _any_event(part, kinds))
    rows.append(_row(part, "No event", part.result["censored"], indent=0))
    return Table(
        title=shown.title,
        heads=("First event", *column_heads(part, words)),
        rows=tuple(rows),
        notes=tuple(_notes(part, words)),
        abbreviations=(NO,),
    )


def _columns(part: Part) -> int:
    return len(entries(value(part.result, "columns"))) if part.by else 0


def _row(part: Part, label: str, found: Any, *, indent: int) -> Row:
    cells = [
        number_and_percent(value(found, "counts"), value(found, "percent"), index)
        for index in range(_columns(part))
    ]
    total = value(found, "total")
    share = _share(total, value(part.result, "n"))
    return Row(Cell(label), (*cells, number_and_percent([total], [share], 0)), indent)


def _any_event(part: Part, kinds: Any) -> Row:
    """The sum over all kinds, which is withheld as soon as one of its parts is."""
    n_of = value(part.result, "column_n")
    cells = []
    for index in range(_columns(part)):
        events = _sum([value(found, "counts", index) for found in kinds])
        cells.append(number_and_percent([events], [_share(events, value(n_of, index))], 0))
    events = value(part.result, "events")
    total = number_and_percent([events], [_share(events, value(part.result, "n"))], 0)
    return Row(Cell("Any event"), (*cells, total))


def _sum(counts: list[Any]) -> Any:
    rule = next(rules_in(counts), None)
    return {"withheld": rule} if rule is not None else sum(counts)


def _share(events: Any, n: Any) -> Any:
    """Percentage of a column's patients; withheld or undefined as its parts are."""
    for found in (events, n):
        if withheld_by(found) is not None:
            return found
    return 100 * number(events) / number(n) if number(n) > 0 else None


def _notes(part: Part, words: Words) -> Iterator[str]:
    endpoint = part.spec.endpoint_name() or ""
    yield (
        f"Values are No. (%) of patients by the first event of {lower_first(words.endpoint(endpoint))}; "
        "percentages are of all patients of the column."
    )
    missing = value(part.result, "missing")
    if missing:
        yield f"{patients(missing)} with missing values left out."
