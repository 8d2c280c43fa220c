"""Follow-up: its median by the reverse Kaplan-Meier method (Schemper and Smith 1996), its range, and how complete it is.

In the reverse method the censoring is the event. Completeness is that of Clark, Altman and De Stavola (2002).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from pydantic import Field

from riskset_common.estimators.cohort.exposure import exposure_times
from riskset_common.estimators.curves.counts import (
    count_shapes,
    count_summary,
    pooled_counts,
)
from riskset_common.estimators.curves.survival_curve import table_of
from riskset_common.estimators.curves.two_rounds import TwoRounds
from riskset_common.estimators.disclosed import (
    ENTERED,
    GRID_LENGTH,
    LATE_ENTRY,
    LEFT_OUT,
    Disclosed,
    shows,
)
from riskset_common.estimators.estimator import Shape, Summary, Uses, counts, one
from riskset_common.release.cells import Counts, followed_counts
from riskset_common.release.followed import cohort_of
from riskset_common.results.follow_up import (
    Completeness,
    FollowUpPoint,
    FollowUpPoints,
    FollowUpRange,
    FollowUpResult,
)
from riskset_common.study.analysis import EndpointSpec
from riskset_common.study.exposure import Exposure
from riskset_common.study.patients import EndpointTimes, Integers, Patients, day_number
from riskset_common.study.study import Study
from riskset_common.survival.curves.completeness import person_time
from riskset_common.survival.curves.kaplan_meier import (
    confidence_limits,
    kaplan_meier,
    quantile,
    reverse,
)
from riskset_common.survival.curves.risk_table import (
    RiskTable,
    number_at_risk_on_next_row,
    rows_until,
)

CUTOFF = "data_cutoff"


class FollowUpSpec(EndpointSpec):
    """Follow-up of one endpoint. `completeness` is `data_cutoff`, or the number that holds the time from the origin to the closing date."""

    kind: Literal["follow_up"]
    method: Literal["reverse_kaplan_meier"] = "reverse_kaplan_meier"
    level: float = Field(default=0.95, gt=0, lt=1)
    range: bool = False
    completeness: str | None = None


class FollowUp(TwoRounds[FollowUpSpec, FollowUpResult]):
    """Reverse Kaplan-Meier in two rounds."""

    kind = "follow_up"
    spec = FollowUpSpec
    result = FollowUpResult
    discloses = Disclosed(
        counts=(
            shows(
                "patients with an event, and patients censored, at each step of the time grid",
                "events",
                "censored",
            ),
            shows(LEFT_OUT, "missing"),
            shows(GRID_LENGTH, "lengths"),
        ),
        when={
            LATE_ENTRY: (shows(ENTERED, "entered"),),
            "completeness is asked": (
                shows("person-time observed, and potential until the closing date", "person_time"),
                shows("patients not followed to the closing date", "incomplete"),
            ),
        },
    )

    def problems(self, spec: FollowUpSpec, study: Study) -> Iterator[str]:
        """A closing date that the plan or the endpoint does not give."""
        if spec.completeness != CUTOFF:
            return
        if study.plan.data_cutoff is None:
            yield "completeness: data_cutoff is the closing date, but the plan has no data_cutoff. Add it to the plan."
        if study.endpoint(spec.endpoint).origin is None:
            yield (
                f"completeness: endpoint {spec.endpoint} counts time in ready-made columns, so that its origin has no date. "
                "Name a number variable that holds the time from the origin to the closing date."
            )

    def uses(self, spec: FollowUpSpec) -> Uses:
        """The time to the closing date, where it is a column."""
        is_column = spec.completeness not in (None, CUTOFF)
        return Uses(numbers=(str(spec.completeness),) if is_column else ())

    def cells(self, spec: FollowUpSpec, study: Study) -> Iterator[Counts]:
        """Patients and events."""
        cohort = cohort_of(spec, complete=self.uses(spec).numbers)
        return followed_counts(study, cohort, spec.endpoint, ())

    def _what(self, spec: FollowUpSpec, study: Study) -> Hashable:
        """The counts of a Kaplan-Meier curve of everybody."""
        del spec, study
        return ("events", None, ())

    def _rows(self, spec: FollowUpSpec, study: Study) -> int:
        del spec, study
        return 1

    def _times(self, patients: Patients, spec: FollowUpSpec, study: Study) -> EndpointTimes:
        del study
        return patients.endpoints[spec.endpoint]

    def _count_shapes(self, spec: FollowUpSpec, study: Study, n_steps: int) -> Mapping[str, Shape]:
        left_truncated = study.endpoint(spec.endpoint).entry is not None
        return count_shapes(1, n_steps, left_truncated=left_truncated)

    def _count(
        self,
        patients: Patients,
        times: EndpointTimes,
        spec: FollowUpSpec,
        study: Study,
        n_steps: int,
    ) -> Summary:
        del spec, study
        return count_summary(times, np.zeros(patients.n, dtype=np.int64), 1, n_steps)

    def _shapes_beside(self, spec: FollowUpSpec, study: Study) -> Mapping[str, Shape]:
        """Person-time, and patients not followed to the closing date, where completeness is asked."""
        del study
        if spec.completeness is None:
            return {}
        return {"person_time": counts(2), "incomplete": counts()}

    def _beside(
        self, patients: Patients, times: EndpointTimes, spec: FollowUpSpec, study: Study
    ) -> dict[str, Any]:
        if spec.completeness is None:
            return {}
        closing = _closing(patients, spec, study)
        found = person_time(times.time, times.event > 0, times.entry, closing)
        spans = np.array([found.observed, found.potential], dtype=np.int64)
        return {"person_time": spans, "incomplete": one(found.incomplete)}

    def _result(self, spec: FollowUpSpec, study: Study, pooled: Summary) -> FollowUpResult:
        table = table_of(pooled_counts(pooled), 0, study.grid)
        curve = kaplan_meier(reverse(table))
        interval: Literal["log", "log-log"] = "log" if study.plan.conventions == "r" else "log-log"
        lower, upper = confidence_limits(curve, interval, spec.level)
        median = quantile(curve, lower, upper, 0.5)
        return FollowUpResult(
            kind="follow_up",
            endpoint=spec.endpoint,
            method=spec.method,
            n=table.n,
            events=int(table.events.sum()),
            missing=int(pooled["missing"]),
            ci=interval,
            level=spec.level,
            median=median.estimate,
            lower=median.lower,
            upper=median.upper,
            at=FollowUpPoints(
                *(_point(table, time) for time in (median.estimate, median.lower, median.upper))
            ),
            range=_range(table) if spec.range else None,
            completeness=_completeness(spec, study, pooled),
            warnings=(),
        )


def _closing(patients: Patients, spec: FollowUpSpec, study: Study) -> Integers:
    """Steps of the time grid from each patient's origin to the closing date, or to the horizon if that is earlier, shape (n,)."""
    endpoint = study.endpoint(spec.endpoint)
    steps = _until_closing(patients, spec, study)
    if endpoint.horizon is None:
        return steps
    return np.minimum(steps, study.grid.steps_around(endpoint.horizon)[1])


def _until_closing(patients: Patients, spec: FollowUpSpec, study: Study) -> Integers:
    origin, cutoff = study.endpoint(spec.endpoint).origin, study.plan.data_cutoff
    if spec.completeness == CUTOFF and origin is not None and cutoff is not None:
        days = day_number(cutoff) - patients.dates[origin]
        return study.grid.steps_passed(days.astype(np.float64), Fraction(1))
    found = exposure_times(patients, study, spec.endpoint, Exposure(str(spec.completeness)))
    return study.grid.steps_passed(found.time, found.days_per_unit)


def _point(table: RiskTable, time: float) -> FollowUpPoint | None:
    if np.isnan(time):
        return None
    [at_risk] = number_at_risk_on_next_row(table, np.array([time]))
    [rows] = rows_until(table.time, np.array([time]))
    return FollowUpPoint(int(at_risk), int(table.censored[:rows].sum()))


def _range(table: RiskTable) -> FollowUpRange:
    ended = table.time[table.censored > 0]
    return FollowUpRange(*((ended[0], ended[-1]) if ended.size else (np.nan, np.nan)))


def _completeness(spec: FollowUpSpec, study: Study, pooled: Summary) -> Completeness | None:
    if spec.completeness is None:
        return None
    observed, potential = study.grid.times(pooled["person_time"]).tolist()
    ratio = observed / potential if potential else np.nan
    return Completeness(observed, potential, ratio, int(pooled["incomplete"]))
