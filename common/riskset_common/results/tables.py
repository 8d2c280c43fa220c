"""Tables of patients, as results have them; sequences run over the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from riskset_common.results.shown import WHEN_ASKED, Shown
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
class BaselineResult:
    """A table of characteristics."""

    kind: str
    n: int
    missing: Shown[int]
    by: str | None
    columns: tuple[str, ...]
    column_n: tuple[Shown[int], ...]
    rows: tuple[BaselineRow, ...]
    numbers: tuple[BaselineNumber, ...]
    missing_values: Mapping[str, MissingValues]
    tests: Mapping[str, Shown[NamedTest | ExactTest]]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class EventRow:
    """Patients whose first event was of one kind; percentages are of all patients of the column."""

    event: str
    counts: tuple[Shown[int], ...]
    percent: tuple[Shown[float], ...]
    total: Shown[int]


@dataclass(frozen=True)
class EventTableResult:
    """First events."""

    kind: str
    endpoint: str
    n: int
    events: Shown[int]
    missing: Shown[int]
    by: str | None
    columns: tuple[str, ...]
    column_n: tuple[Shown[int], ...]
    rows: tuple[EventRow, ...]
    censored: EventRow
    warnings: tuple[str, ...]
