"""Follow-up: its median by the reverse Kaplan-Meier method (Schemper and Smith 1996), its range, and how complete it is.

In the reverse method the censoring is the event. Completeness is that of Clark, Altman and De Stavola (2002).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from pydantic import Field

from riskset_common.errors import EstimationError
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
from riskset_common.release.counted import Counted, CountedArray, OwnNumbers
from riskset_common.release.curves.median_follow_up import (
    FollowUpAsked,
    follow_up_program,
    implied_by_follow_up,
    whole_grid,
)
from riskset_common.release.facts import Facts, origin_of
from riskset_common.release.followed import cohort_of
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Program
from riskset_common.release.times import Cohort
from riskset_common.results.follow_up import (
    Completeness,
    FollowUpPoint,
    FollowUpPoints,
    FollowUpRange,
    FollowUpResult,
)
from riskset_common.results.shown import WithheldAnalysis
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
LONGEST_YEARS = 150
"""Nobody could have been observed for longer: a public bound of the person-time of a patient."""


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

    def not_rounded(self, spec: FollowUpSpec, study: Study) -> Iterator[str]:
        """Nothing: all of it can be computed on shares."""
        del spec, study
        return iter(())

    def uploads(self, spec: FollowUpSpec, study: Study, facts: Facts) -> tuple[Counted, ...]:
        """Events and leavers on the whole grid, and person-time if completeness is asked."""
        asked = _asked(spec, study, facts)
        return (asked.counted,) if asked.closing is None else (asked.counted, asked.closing)

    def program(
        self, spec: FollowUpSpec, given: Given
    ) -> Program[FollowUpResult | WithheldAnalysis]:
        """The median, and completeness."""
        return follow_up_program(_asked(spec, given.study, given.facts), given)

    def implied(
        self, spec: FollowUpSpec, given: Given, result: FollowUpResult
    ) -> Mapping[str, Opened]:
        """What they tell of what was opened."""
        return implied_by_follow_up(_asked(spec, given.study, given.facts), given, result)

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
        closing = _closing(patients, spec.endpoint, spec.completeness, study)
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


@dataclass(frozen=True)
class PersonTimeUntilClosing(Counted):
    """Person-time observed and potential until the closing date, in steps of the grid, and patients who are not followed to it.

    Attributes
    ----------
    completeness
        The closing date, as in `FollowUpSpec`.
    largest
        A bound of a site's person-time, in steps.
    """

    cohort: Cohort
    endpoint: str
    completeness: str
    largest: int

    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        """`person_time` (observed, potential) and `incomplete`."""
        del study
        return {
            "person_time": CountedArray((2,), largest=self.largest),
            "incomplete": CountedArray(()),
        }

    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        """This site's sums."""
        chosen = self.cohort.of(patients, study, self.endpoint)
        times = chosen.endpoints[self.endpoint]
        closing = _closing(chosen, self.endpoint, self.completeness, study)
        found = person_time(times.time, times.event > 0, times.entry, closing)
        if found.potential > self.largest:
            raise EstimationError(
                f"completeness of endpoint {self.endpoint}: the closing date lies more than {LONGEST_YEARS} years after patients' origins. "
                "Correct the dates, or the number that holds the time to the closing date."
            )
        return {
            "person_time": np.array([found.observed, found.potential], dtype=np.int64),
            "incomplete": one(found.incomplete),
        }


def _asked(spec: FollowUpSpec, study: Study, facts: Facts) -> FollowUpAsked:
    """Follow-up as its program takes it, and what the sites count for it."""
    numbers = () if spec.completeness in (None, CUTOFF) else (str(spec.completeness),)
    cohort = cohort_of(spec, complete=numbers)
    days = facts.days[origin_of(study, spec.endpoint)]
    longest = max(days.n_steps, math.ceil(LONGEST_YEARS * 366 / study.grid.days_per_step))
    closing = spec.completeness and PersonTimeUntilClosing(
        cohort, spec.endpoint, spec.completeness, longest * facts.patients
    )
    return FollowUpAsked(
        whole_grid(study, facts, cohort, spec.endpoint),
        closing or None,
        range=spec.range,
        method=spec.method,
        ci="log" if study.plan.conventions == "r" else "log-log",
        level=spec.level,
    )


def _closing(patients: Patients, endpoint_name: str, completeness: str, study: Study) -> Integers:
    """Steps of the time grid from each patient's origin to the closing date, or to the horizon if that is earlier, shape (n,)."""
    endpoint = study.endpoint(endpoint_name)
    steps = _until_closing(patients, endpoint_name, completeness, study)
    if endpoint.horizon is None:
        return steps
    return np.minimum(steps, study.grid.steps_around(endpoint.horizon)[1])


def _until_closing(patients: Patients, endpoint: str, completeness: str, study: Study) -> Integers:
    origin, cutoff = study.endpoint(endpoint).origin, study.plan.data_cutoff
    if completeness == CUTOFF and origin is not None and cutoff is not None:
        days = day_number(cutoff) - patients.dates[origin]
        return study.grid.steps_passed(days.astype(np.float64), Fraction(1))
    found = exposure_times(patients, study, endpoint, Exposure(completeness))
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
