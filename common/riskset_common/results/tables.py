"""Tables of patients, as results have them; sequences run over the columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from riskset_common.results.shown import WHEN_ASKED, Measured, Shown, sized, written_fields
from riskset_common.results.tests import ExactTest, NamedTest


@dataclass(frozen=True)
class BaselineRow:
    """One level of one characteristic; percentages are of the patients in whom the characteristic is known."""

    variable: str
    level: str
    counts: tuple[Shown[int], ...]
    percent: tuple[Shown[float], ...]
    total: Shown[int]
    total_percent: Shown[float]


@dataclass(frozen=True)
class MissingValues:
    """Patients in whom a characteristic is not known."""

    counts: tuple[Shown[int], ...]
    total: Shown[int]


@dataclass(frozen=True)
class BaselineNumber:
    """One number; sequences have all patients at their end. NaN where there are too few values."""

    variable: str
    n: tuple[Shown[int], ...]
    mean: tuple[Shown[float], ...]
    std_dev: tuple[Shown[float], ...]
    median: tuple[Shown[float], ...] | None = field(metadata=WHEN_ASKED)
    lower_quartile: tuple[Shown[float], ...] | None = field(metadata=WHEN_ASKED)
    upper_quartile: tuple[Shown[float], ...] | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class BaselineResult(Measured):
    """A table of characteristics."""

    kind: str
    n: Shown[int]
    missing: Shown[int]
    by: str | None
    columns: tuple[str, ...]
    column_n: tuple[Shown[int], ...]
    rows: tuple[BaselineRow, ...]
    numbers: tuple[BaselineNumber, ...]
    missing_values: Mapping[str, MissingValues]
    tests: Mapping[str, Shown[NamedTest | ExactTest]]
    warnings: tuple[str, ...]

    def lengths(self) -> Iterator[tuple[str, int, int]]:
        """One entry a column; those of numbers have all patients at their end."""
        columns = len(self.columns)
        yield "column_n", len(self.column_n), columns
        for index, row in enumerate(self.rows):
            for name, length in sized(counts=row.counts, percent=row.percent):
                yield f"rows[{index}].{name}", length, columns
        for variable, missing in self.missing_values.items():
            yield f"missing_values.{variable}.counts", len(missing.counts), columns
        for index, number in enumerate(self.numbers):
            for field_name, value in written_fields(number):
                if isinstance(value, tuple):
                    yield f"numbers[{index}].{field_name}", len(value), columns + 1

    def names(self) -> Iterator[tuple[str, Collection[str], Iterable[str]]]:
        """Of each characteristic and number, those in whom it is not known."""
        yield "missing_values", self.missing_values, (row.variable for row in self.rows)
        yield "missing_values", self.missing_values, (each.variable for each in self.numbers)


@dataclass(frozen=True)
class EventRow:
    """Patients whose first event was of one kind; percentages are of all patients of the column."""

    event: str
    counts: tuple[Shown[int], ...]
    percent: tuple[Shown[float], ...]
    total: Shown[int]


@dataclass(frozen=True)
class EventTableResult(Measured):
    """First events."""

    kind: str
    endpoint: str
    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    by: str | None
    columns: tuple[str, ...]
    column_n: tuple[Shown[int], ...]
    rows: tuple[EventRow, ...]
    censored: EventRow
    warnings: tuple[str, ...]

    def lengths(self) -> Iterator[tuple[str, int, int]]:
        """One entry a column."""
        columns = len(self.columns)
        yield "column_n", len(self.column_n), columns
        for index, row in enumerate((*self.rows, self.censored)):
            where = "censored" if row is self.censored else f"rows[{index}]"
            for name, length in sized(counts=row.counts, percent=row.percent):
                yield f"{where}.{name}", length, columns
