"""Tables, first events and flows of patients, made of the verdicts of the plan's counts: nothing more is opened for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from riskset_common.release.cells import (
    NO_EVENT,
    UNKNOWN,
    Levels,
    Verdicts,
    events_cell,
    level_groups,
    missing_cell,
    patients_cell,
)
from riskset_common.release.floors import nothing_of
from riskset_common.release.tables.shown_counts import columns, known_groups
from riskset_common.release.times import Cohort
from riskset_common.results.flow import FlowBox, FlowResult
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis
from riskset_common.results.tables import (
    BaselineResult,
    BaselineRow,
    EventRow,
    EventTableResult,
    MissingValues,
)
from riskset_common.study.study import Study

Found = TypeVar("Found", BaselineResult, EventTableResult, FlowResult)


@dataclass(frozen=True)
class Table:
    """Counts of one variable by column: its levels, shape (n_levels, n_columns + 1), all patients in the last column.

    Attributes
    ----------
    levels
        Rows of the levels.
    unknown
        The row of those in whom it is not known.
    """

    levels: tuple[tuple[Shown[int], ...], ...]
    unknown: tuple[Shown[int], ...]

    @property
    def whole(self) -> NDArray[np.int64] | Withheld:
        """The counts by level and column, shape (n_levels, n_columns), or the mark of one that is not shown."""
        by_column = [row[:-1] for row in self.levels]
        held = [n for row in by_column for n in row if isinstance(n, Withheld)]
        small = [mark for mark in held if mark.reason == "small"]
        if held:
            return (small or held)[0]
        return np.array(by_column, dtype=np.int64).reshape(len(by_column), -1)

    def percent(self, row: int, column: int) -> Shown[float]:
        """The share of a level among those in whom the variable is known; not shown where this number cannot be worked out."""
        counts = [each[column] for each in self.levels]
        part = counts[row]
        held = [n for n in counts if isinstance(n, Withheld)]
        if isinstance(part, Withheld):
            return part
        return held[0] if held else share(part, sum(n for n in counts if isinstance(n, int)))


def share(part: Shown[int], whole: Shown[int]) -> Shown[float]:
    """A percentage; NaN of nobody."""
    if isinstance(part, Withheld):
        return part
    if isinstance(whole, Withheld):
        return whole
    return 100.0 * part / whole if whole else float("nan")


def unless_few(found: Found) -> Found | WithheldAnalysis:
    """A table, or nothing of it where its patients are too few, but for how many are missing."""
    if not isinstance(found.n, Withheld) or found.n.reason != "small":
        return found
    nothing = nothing_of(type(found), found.kind, found.n)
    if isinstance(found.missing, Withheld):
        return replace(nothing, fields={**nothing.fields, "missing": found.missing})
    return nothing


def table(study: Study, cells: Verdicts, cohort: Cohort, by: Sequence[str], variable: str) -> Table:
    """The table of a characteristic."""
    *levels, unknown = (
        tuple(
            cells[patients_cell(study, cohort, None, (*column, *level))]
            for column in columns(study, by)
        )
        for level in level_groups(study, variable)
    )
    return Table(tuple(levels), unknown)


def rows_of(study: Study, variable: str, found: Table) -> Iterator[BaselineRow]:
    """The rows of a characteristic."""
    for place, (level, row) in enumerate(zip(study.levels(variable), found.levels, strict=True)):
        percent = tuple(found.percent(place, column) for column in range(len(row)))
        yield BaselineRow(
            variable=variable,
            level=level,
            counts=row[:-1],
            percent=percent[:-1],
            total=row[-1],
            total_percent=percent[-1],
        )


def missing_of(row: Sequence[Shown[int]]) -> MissingValues:
    """The patients in whom something is not known, from their numbers by column and of all."""
    return MissingValues(tuple(row[:-1]), row[-1])


def column_sizes(
    study: Study, cells: Verdicts, cohort: Cohort, endpoint: str | None, by: Sequence[str]
) -> tuple[Shown[int], ...]:
    """The patients of each column, and last of all."""
    return tuple(
        cells[patients_cell(study, cohort, endpoint, column)] for column in columns(study, by)
    )


def event_table(
    study: Study,
    cells: Verdicts,
    cohort: Cohort,
    endpoint: str,
    by: Sequence[str],
    names: Sequence[str],
) -> EventTableResult:
    """First events by kind and column; `names` are those of the columns."""
    sizes = column_sizes(study, cells, cohort, endpoint, by)

    def row(kind: str, name: str) -> EventRow:
        counts = tuple(
            cells[events_cell(study, cohort, endpoint, (kind,), column)]
            for column in columns(study, by)
        )
        percent = tuple(map(share, counts, sizes))
        return EventRow(name, counts[:-1], percent[:-1], counts[-1])

    return EventTableResult(
        kind="event_table",
        endpoint=endpoint,
        n=sizes[-1],
        events=cells[events_cell(study, cohort, endpoint, (), known_groups(study, by))],
        missing=cells[missing_cell(study, cohort, endpoint, by)],
        by=" / ".join(by) or None,
        columns=tuple(names),
        column_n=sizes[:-1],
        rows=tuple(row(kind, kind) for kind in study.endpoint(endpoint).events),
        censored=row(NO_EVENT, "censored"),
        warnings=(),
    )


def flow(study: Study, cells: Verdicts, cohort: Cohort, steps: Sequence[str]) -> FlowResult:
    """The boxes of a flow. Below a box that is empty, or not shown, there are none."""
    n = cells[patients_cell(study, cohort)]
    percent = 100.0 if n else None
    top = FlowBox(
        depth=0,
        step=None,
        level=None,
        path={},
        n=n,
        percent=n if isinstance(n, Withheld) else percent,
    )
    boxes = _below(study, cells, cohort, steps, top, ())
    return FlowResult(
        kind="flow", n=n, missing=0, steps=tuple(steps), boxes=(top, *boxes), warnings=()
    )


def _below(
    study: Study,
    cells: Verdicts,
    cohort: Cohort,
    steps: Sequence[str],
    above: FlowBox,
    path: Levels,
) -> Iterator[FlowBox]:
    """Boxes into which the remaining steps split one. A step that is known of nobody in it is passed over."""
    if not steps or above.n == 0 or isinstance(above.n, Withheld):
        return
    step, *rest = steps
    paths = {level: (*path, (step, (level,))) for level in (*study.levels(step), UNKNOWN)}
    counts = {
        level: cells[patients_cell(study, cohort, None, found)] for level, found in paths.items()
    }
    if counts[UNKNOWN] == above.n:
        yield from _below(study, cells, cohort, rest, above, paths[UNKNOWN])
        return
    for level, n in counts.items():
        name = None if level == UNKNOWN else level
        box = FlowBox(
            depth=above.depth + 1,
            step=step,
            level=name,
            path={**above.path, step: name},
            n=n,
            percent=share(n, above.n),
        )
        yield box
        yield from _below(study, cells, cohort, rest, box, paths[level])
