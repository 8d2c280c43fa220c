"""Rows of a REDCap export, several a record where it has events or repeats, folded to one value for each field of a record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from riskset_common.errors import DataError, NodeConfigError

EVENT = "redcap_event_name"
INSTRUMENT = "redcap_repeat_instrument"
INSTANCE = "redcap_repeat_instance"
OF_ROWS = (EVENT, INSTRUMENT, INSTANCE)
"""Columns that say what a row is of."""

Instance = Literal["first", "last"]
_IDS_SHOWN = 5


@dataclass(frozen=True)
class Field:
    """One field as a variable needs it: its name in the export, and its event; None where the project has none."""

    name: str
    event: str | None

    @classmethod
    def of(cls, column: str, event: str | None) -> Field:
        """The field that a column names: `relapse_date@followup_arm_1`, or a name alone in the event that the source names."""
        name, at, own = column.partition("@")
        return cls(name, own if at else event)

    def __str__(self) -> str:
        return self.name if self.event is None else f"{self.name} of event {self.event}"


def one_a_record(
    rows: Iterable[Mapping[str, str]],
    record_id: str,
    fields: Mapping[str, Field],
    instance: Instance | None,
    place: str,
) -> dict[str, list[object]]:
    """The columns asked for (`fields` by column), one entry a record in the order of the rows.

    Raises `NodeConfigError` if a project with events has none named for a field, or the event is not there; and `DataError` if a record has
    several rows where there can be one, and `instance` does not say which counts.
    """
    by_record: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        if not row[record_id]:
            raise DataError(
                f"{place}: a row has no {record_id}. Export the project again as CSV, raw data."
            )
        by_record[row[record_id]].append(row)
    _check_events(by_record, record_id, fields, place)
    values = {column: field for column, field in fields.items() if field.name != record_id}
    repeating = _repeating(by_record, values, place)
    several: dict[tuple[str, str], list[str]] = defaultdict(list)
    columns: dict[str, list[object]] = {}
    for column, field in fields.items():
        if field.name == record_id:
            columns[column] = list(by_record)
            continue
        found = {each: _values(rows, field, repeating[column]) for each, rows in by_record.items()}
        several[field.event or "", repeating[column]] += [
            record for record, values in found.items() if not _is_clear(values, instance)
        ]
        columns[column] = [_chosen(values, instance) for values in found.values()]
    unclear = {what: records for what, records in several.items() if records}
    if unclear:
        raise _several(unclear, place)
    return columns


def _is_clear(found: Sequence[tuple[int, str]], instance: Instance | None) -> bool:
    """Whether one value counts. Two rows with one number are no repeats, and neither of them is the first or the last."""
    return len(found) < 2 or (instance is not None and len(dict(found)) == len(found))


def _check_events(
    by_record: Mapping[str, Sequence[Mapping[str, str]]],
    record_id: str,
    fields: Mapping[str, Field],
    place: str,
) -> None:
    if not by_record:
        return
    events = {row[EVENT]: None for rows in by_record.values() for row in rows if row.get(EVENT)}
    known = ", ".join(events)
    for field in fields.values():
        if field.name == record_id:
            continue
        if events and field.event is None:
            raise NodeConfigError(
                f"{place}: the project has events ({known}), so a record has several rows. Name the event in data.source.event, or for one "
                "column as {from: FIELD, event: EVENT}."
            )
        if field.event is not None and field.event not in events:
            more = f"Known: {known}." if known else "The project has no events: leave event out."
            raise NodeConfigError(f"{place}: no row is of the event {field.event!r}. {more}")


def _repeating(
    by_record: Mapping[str, Sequence[Mapping[str, str]]], fields: Mapping[str, Field], place: str
) -> dict[str, str]:
    """The repeating instrument that a field belongs to; empty for a field that is asked once, and for one of a repeating event.

    Raises `DataError` if rows of several have values of it, because then nobody can say which of them count.
    """
    found: dict[str, dict[str, None]] = {column: {} for column in fields}
    for rows in by_record.values():
        for row in rows:
            for column, field in fields.items():
                if row.get(EVENT, "") == (field.event or "") and row[field.name]:
                    found[column][row.get(INSTRUMENT, "")] = None
    for column, instruments in found.items():
        if len(instruments) > 1:
            of = " and of ".join(
                f"the repeating instrument {each!r}" if each else "no repeat"
                for each in sorted(instruments)
            )
            raise DataError(
                f"{place}: {fields[column]} has values in rows of {of}, so it is not clear which of them count. Take the field from an "
                "export or a report that holds its own instrument alone, or ask the project's owner."
            )
    return {column: next(iter(instruments), "") for column, instruments in found.items()}


def _values(
    rows: Sequence[Mapping[str, str]], field: Field, instrument: str
) -> list[tuple[int, str]]:
    """What the rows of one record say of a field, with the number of the repeat."""
    return [
        (_number(row.get(INSTANCE, "")), row[field.name])
        for row in rows
        if row.get(EVENT, "") == (field.event or "") and row.get(INSTRUMENT, "") == instrument
    ]


def _number(instance: str) -> int:
    """The number of a repeat; a row that is no repeat is the first."""
    whole = instance.removesuffix(".0") or "1"
    if not (whole.isascii() and whole.isdigit()):
        raise DataError(
            f"{INSTANCE}: {instance!r} is no number of a repeat. Export the project again as CSV, raw data."
        )
    return int(whole)


def _chosen(found: Sequence[tuple[int, str]], instance: Instance | None) -> str:
    if not found:
        return ""
    return min(found)[1] if instance == "first" else max(found)[1]


def _several(several: Mapping[tuple[str, str], Sequence[str]], place: str) -> DataError:
    lines = []
    for (event, instrument), records in several.items():
        what = f"instrument {instrument!r}" if instrument else "event" if event else "project"
        where = f" of event {event!r}" if event and instrument else f" {event!r}" if event else ""
        shown = ", ".join(dict.fromkeys(records[:_IDS_SHOWN]))
        lines.append(
            f"{place}: {len(set(records)):,} records have more than one row of {what}{where} (such as {shown})."
        )
    return DataError(
        "\n".join(
            [*lines, "Set data.source.instance to first or last, or keep one row for each record."]
        )
    )
