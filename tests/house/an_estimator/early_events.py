"""Events until a time, by kind and group: an estimator that `test_an_estimator_is_added.py` adds to a copy of the checkout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

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
from riskset_common.results.sequences import real_numbers, whole_numbers
from riskset_common.results.tables import EventRow, EventTableResult
from riskset_common.study.analysis import EndpointSpec, Names
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study


class EarlyEventsSpec(EndpointSpec):
    """A table of the first events until a time, in the plan's unit."""

    kind: Literal["early_events"]
    until: float = Field(gt=0)
    by: Names = ()

    def grouped_by(self) -> tuple[str, ...]:
        """The variables whose levels are the groups."""
        return self.by


class CountEarly(State):
    """Count the patients by kind of event until the time."""


EarlyRequest = Request[EarlyEventsSpec, CountEarly]


class EarlyEvents(Estimator[EarlyEventsSpec, CountEarly, EventTableResult]):
    """Events until a time, by kind and group, in one round."""

    kind = "early_events"
    spec = EarlyEventsSpec
    state = CountEarly
    result = EventTableResult
    discloses = Disclosed(
        counts=(
            shows("patients with each kind of event until the time, and all others", "cells"),
            shows(LEFT_OUT, "missing"),
        )
    )

    def uses(self, spec: EarlyEventsSpec) -> Uses:
        """The grouping must be known."""
        return Uses(categories=spec.by)

    def first(self, spec: EarlyEventsSpec, study: Study) -> EarlyRequest:
        """Ask for every cell at once."""
        return Request(spec, study, CountEarly())

    def shapes(self, request: EarlyRequest) -> Mapping[str, Shape]:
        """Patients by event (none first) and group."""
        n_events = len(request.study.endpoint(request.spec.endpoint).events)
        groups = n_groups(request.study, request.spec.by)
        return {"missing": counts(), "cells": counts(n_events + 1, groups)}

    def summarise(self, patients: Patients, request: EarlyRequest) -> Summary:
        """Count this site's patients."""
        study, spec = request.study, request.spec
        cohort = self.analysed(patients, request)
        n_rows, n_columns = self.shapes(request)["cells"].shape
        times = cohort.patients.endpoints[spec.endpoint]
        event = np.where(study.grid.times(times.time) <= spec.until, times.event, 0)
        cell = event * n_columns + group_codes(study, cohort.patients, spec.by)
        cells = np.bincount(cell, minlength=n_rows * n_columns).reshape(n_rows, n_columns)
        return {"missing": one(cohort.missing), "cells": cells}

    def next(self, request: EarlyRequest, pooled: Summary) -> EventTableResult:
        """Percentages from the pooled counts."""
        study, spec, cells = request.study, request.spec, pooled["cells"]
        column_n = cells.sum(axis=0)
        none, *rows = (
            EventRow(
                event=name,
                counts=whole_numbers(row),
                percent=real_numbers(percent(row, column_n)),
                total=int(row.sum()),
            )
            for name, row in zip(
                ("censored", *study.endpoint(spec.endpoint).events), cells, strict=True
            )
        )
        return EventTableResult(
            kind=self.kind,
            endpoint=spec.endpoint,
            n=int(cells.sum()),
            events=int(cells[1:].sum()),
            missing=int(pooled["missing"]),
            by=" / ".join(spec.by) or None,
            columns=tuple(group_name(levels) for levels in group_levels(study, spec.by)),
            column_n=whole_numbers(column_n),
            rows=tuple(rows),
            censored=none,
            warnings=(),
        )

    def everyone(self, request: EarlyRequest, pooled: Summary) -> int:
        """The patients of all cells, and those left out."""
        del request
        return int(pooled["missing"]) + int(pooled["cells"].sum())
