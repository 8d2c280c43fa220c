"""Follow-up: its median by the reverse Kaplan-Meier method (Schemper and Smith 1996), its range, and how complete it is.

In the reverse method the censoring is the event. Completeness is that of Clark, Altman and De Stavola (2002).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.estimators.counting import (
    AskCounts,
    count_shapes,
    count_summary,
    counted_of,
    grid_length,
    length_marks,
    length_shapes,
    pooled_counts,
)
from riskset_common.estimators.curves import table_of
from riskset_common.estimators.estimator import (
    AnalysisSpec,
    Request,
    Shape,
    Summary,
    analysed,
    counts,
    one,
)
from riskset_common.estimators.exposure import exposure_times
from riskset_common.patients import Integers, Patients, day_number
from riskset_common.results import WHEN_ASKED
from riskset_common.study import Study
from riskset_common.survival.completeness import person_time
from riskset_common.survival.kaplan_meier import confidence_limits, kaplan_meier, quantile, reverse
from riskset_common.survival.risk_table import (
    RiskTable,
    number_at_risk_on_next_row,
    rows_until,
)

CUTOFF = "data_cutoff"


class FollowUpSpec(AnalysisSpec):
    """Follow-up of one endpoint. `completeness` is `data_cutoff`, or the number that holds the time from the origin to the closing date."""

    kind: Literal["follow_up"]
    endpoint: str
    method: Literal["reverse_kaplan_meier"] = "reverse_kaplan_meier"
    level: float = Field(default=0.95, gt=0, lt=1)
    range: bool = False
    completeness: str | None = None

    def numbers(self) -> tuple[str, ...]:
        """The time to the closing date, where it is a column."""
        return () if self.completeness in (None, CUTOFF) else (str(self.completeness),)

    def problems(self, study: Study) -> Sequence[str]:
        """A closing date that the plan or the endpoint does not give."""
        return list(self._completeness_problems(study))

    def _completeness_problems(self, study: Study) -> Iterator[str]:
        if self.completeness != CUTOFF:
            return
        if study.plan.data_cutoff is None:
            yield "completeness: data_cutoff is the closing date, but the plan has no data_cutoff. Add it to the plan."
        if study.endpoint(self.endpoint).origin is None:
            yield (
                f"completeness: endpoint {self.endpoint} counts time in ready-made columns, so that its origin has no date. "
                "Name a number variable that holds the time from the origin to the closing date."
            )


@dataclass(frozen=True)
class FollowUpPoint:
    """Patients still followed at a time, and those whose follow-up had ended without an event by then."""

    at_risk: int
    ended: int


@dataclass(frozen=True)
class FollowUpPoints:
    """What stands behind the median and each of its limits; None where it is not reached."""

    median: FollowUpPoint | None
    lower: FollowUpPoint | None
    upper: FollowUpPoint | None


@dataclass(frozen=True)
class FollowUpRange:
    """Shortest and longest follow-up of patients without an event, in the plan's unit; NaN without any."""

    shortest: float
    longest: float


@dataclass(frozen=True)
class Completeness:
    """Person-time observed and potential until the closing date, in the plan's unit, their ratio, and patients not followed to it."""

    observed: float
    potential: float
    ratio: float
    incomplete: int


@dataclass(frozen=True)
class FollowUpResult:
    """Median follow-up with its confidence limits, in the plan's unit of time; NaN where it is not reached."""

    kind: str
    endpoint: str
    method: str
    n: int
    events: int
    missing: int
    ci: str
    level: float
    median: float
    lower: float
    upper: float
    at: FollowUpPoints
    range: FollowUpRange | None = field(metadata=WHEN_ASKED)
    completeness: Completeness | None = field(metadata=WHEN_ASKED)
    warnings: list[str]


FollowUpRequest = Request[FollowUpSpec, AskCounts]


class FollowUp:
    """Reverse Kaplan-Meier in two rounds."""

    kind = "follow_up"
    spec = FollowUpSpec
    state = AskCounts
    discloses = (
        "patients with an event, censored and (under left truncation) coming under observation at each step of the time grid; "
        "patients left out because a value is missing; how many sites need each power of two of steps; for completeness the "
        "person-time observed and potential until the closing date, and patients not followed to it; all summed over the sites"
    )

    def first(self, spec: FollowUpSpec, study: Study) -> FollowUpRequest:
        """Ask how long a grid is needed."""
        return Request(spec, study, AskCounts())

    def shapes(self, request: FollowUpRequest) -> Mapping[str, Shape]:
        """Grid lengths, then counts by step."""
        if request.state.n_steps is None:
            return length_shapes()
        left_truncated = request.study.endpoint(request.spec.endpoint).entry is not None
        shapes = count_shapes(1, request.state.n_steps, left_truncated=left_truncated) | {
            "missing": counts()
        }
        if request.spec.completeness is not None:
            shapes |= {"person_time": counts(2), "incomplete": counts()}
        return request.state.unless_counted(shapes)

    def summarise(self, patients: Patients, request: FollowUpRequest) -> Summary:
        """Count this site's patients."""
        cohort = analysed(patients, request)
        times = cohort.patients.endpoints[request.spec.endpoint]
        if request.state.n_steps is None:
            return length_marks(times)
        summary: dict[str, NDArray[Any]] = {}
        if not request.state.counted:
            group = np.zeros(cohort.patients.n, dtype=np.int64)
            summary |= count_summary(times, group, 1, request.state.n_steps)
            summary["missing"] = one(cohort.missing)
        if request.spec.completeness is None:
            return summary
        closing = _closing(cohort.patients, request)
        found = person_time(times.time, times.event > 0, times.entry, closing)
        spans = np.array([found.observed, found.potential], dtype=np.int64)
        return summary | {"person_time": spans, "incomplete": one(found.incomplete)}

    def counted(self, request: FollowUpRequest) -> Hashable:
        """What the counts depend on: they are those of a Kaplan-Meier curve of everybody."""
        return counted_of(request, "events", None, ())

    def next(self, request: FollowUpRequest, pooled: Summary) -> FollowUpRequest | FollowUpResult:
        """Ask for the counts, then estimate."""
        spec, study = request.spec, request.study
        if request.state.n_steps is None:
            return replace(request, state=AskCounts(n_steps=grid_length(pooled, 1)))
        table = table_of(pooled_counts(pooled), 0, study.grid)
        curve = kaplan_meier(reverse(table))
        interval: Literal["log", "log-log"] = "log" if study.plan.conventions == "r" else "log-log"
        lower, upper = confidence_limits(curve, interval, spec.level)
        median = quantile(curve, lower, upper, 0.5)
        return FollowUpResult(
            kind=self.kind,
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
            completeness=_completeness(request, pooled),
            warnings=[],
        )


def _closing(patients: Patients, request: FollowUpRequest) -> Integers:
    """Steps of the time grid from each patient's origin to the closing date, shape (n,)."""
    spec, study = request.spec, request.study
    origin, cutoff = study.endpoint(spec.endpoint).origin, study.plan.data_cutoff
    if spec.completeness == CUTOFF and origin is not None and cutoff is not None:
        days = day_number(cutoff) - patients.dates[origin]
        return study.grid.steps_passed(days.astype(np.float64), Fraction(1))
    found = exposure_times(patients, study, spec.endpoint, str(spec.completeness))
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


def _completeness(request: FollowUpRequest, pooled: Summary) -> Completeness | None:
    if request.spec.completeness is None:
        return None
    observed, potential = request.study.grid.times(pooled["person_time"]).tolist()
    ratio = observed / potential if potential else np.nan
    return Completeness(observed, potential, ratio, int(pooled["incomplete"]))
