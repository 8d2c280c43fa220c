"""First events by kind and group: how many patients relapsed first, died first, or had no event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from riskset_common.estimators.cohort.groups import group_codes, group_levels, group_name, n_groups
from riskset_common.estimators.disclosed import LEFT_OUT, Disclosed, shows
from riskset_common.estimators.estimator import (
    Estimator,
    Request,
    Shape,
    State,
    Summary,
    Uses,
    counts,
    one,
)
from riskset_common.estimators.tables.baseline import percent
from riskset_common.release.cells import Counts
from riskset_common.release.followed import cohort_of
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Program
from riskset_common.release.tables.shown_counts import event_counts
from riskset_common.release.tables.tabulated import event_table, unless_few
from riskset_common.results.sequences import real_numbers, whole_numbers
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.tables import EventRow, EventTableResult
from riskset_common.study.analysis import EndpointSpec, Names, twice
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study


class EventTableSpec(EndpointSpec):
    """A table of the first events of one endpoint."""

    kind: Literal["event_table"]
    by: Names = ()

    def grouped_by(self) -> tuple[str, ...]:
        """The variables whose levels are the groups."""
        return self.by


class CountEvents(State):
    """Count the patients by kind of event."""


class EventTable(Estimator[EventTableSpec, CountEvents, EventTableResult]):
    """Events by kind and group in one round."""

    kind = "event_table"
    spec = EventTableSpec
    state = CountEvents
    result = EventTableResult
    discloses = Disclosed(
        counts=(
            shows(
                "patients with each kind of first event, and without one, in every group", "cells"
            ),
            shows(LEFT_OUT, "missing"),
        )
    )

    def problems(self, spec: EventTableSpec, study: Study) -> Iterator[str]:
        """A group that is given twice."""
        del study
        return twice("by", spec.by)

    def uses(self, spec: EventTableSpec) -> Uses:
        """The grouping must be known."""
        return Uses(categories=spec.by)

    def cells(self, spec: EventTableSpec, study: Study) -> Iterator[Counts]:
        """All counts of the table."""
        return event_counts(study, cohort_of(spec), spec.endpoint, spec.by)

    def not_rounded(self, spec: EventTableSpec, study: Study) -> Iterator[str]:
        """Everything can be released rounded."""
        del spec, study
        return iter(())

    def program(
        self, spec: EventTableSpec, given: Given
    ) -> Program[EventTableResult | WithheldAnalysis]:
        """The table of what is shown; nothing is opened for it."""
        yield from ()
        study, names = given.study, map(group_name, group_levels(given.study, spec.by))
        found = event_table(
            study, given.cells, cohort_of(spec), spec.endpoint, spec.by, tuple(names)
        )
        return unless_few(found)

    def implied(
        self, spec: EventTableSpec, given: Given, result: EventTableResult
    ) -> Mapping[str, Opened]:
        """Nothing is opened for it."""
        del spec, given, result
        return {}

    def first(self, spec: EventTableSpec, study: Study) -> Request[EventTableSpec, CountEvents]:
        """Ask for every cell at once."""
        return Request(spec, study, CountEvents())

    def shapes(self, request: Request[EventTableSpec, CountEvents]) -> Mapping[str, Shape]:
        """Patients by event (censored first) and group."""
        n_events = len(request.study.endpoint(request.spec.endpoint).events)
        return {
            "missing": counts(),
            "cells": counts(n_events + 1, n_groups(request.study, request.spec.by)),
        }

    def summarise(
        self, patients: Patients, request: Request[EventTableSpec, CountEvents]
    ) -> Summary:
        """Count this site's patients."""
        study, spec = request.study, request.spec
        cohort = self.analysed(patients, request)
        n_rows, n_columns = self.shapes(request)["cells"].shape
        event = cohort.patients.endpoints[spec.endpoint].event
        cell = event * n_columns + group_codes(study, cohort.patients, spec.by)
        cells = np.bincount(cell, minlength=n_rows * n_columns).reshape(n_rows, n_columns)
        return {"missing": one(cohort.missing), "cells": cells}

    def next(
        self, request: Request[EventTableSpec, CountEvents], pooled: Summary
    ) -> EventTableResult:
        """Percentages from the pooled counts."""
        study, spec = request.study, request.spec
        cells = pooled["cells"]
        column_n = cells.sum(axis=0)
        names = ("censored", *study.endpoint(spec.endpoint).events)
        rows = [
            EventRow(
                event=name,
                counts=whole_numbers(row),
                percent=real_numbers(percent(row, column_n)),
                total=int(row.sum()),
            )
            for name, row in zip(names, cells, strict=True)
        ]
        return EventTableResult(
            kind="event_table",
            endpoint=spec.endpoint,
            n=int(cells.sum()),
            events=int(cells[1:].sum()),
            missing=int(pooled["missing"]),
            by=" / ".join(spec.by) or None,
            columns=tuple(group_name(levels) for levels in group_levels(study, spec.by)),
            column_n=whole_numbers(column_n),
            rows=tuple(rows[1:]),
            censored=rows[0],
            warnings=(),
        )

    def everyone(self, request: Request[EventTableSpec, CountEvents], pooled: Summary) -> int:
        """The patients of all cells, and those left out."""
        del request
        return int(pooled["missing"]) + int(pooled["cells"].sum())
