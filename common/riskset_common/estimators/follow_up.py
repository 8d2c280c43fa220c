"""Median follow-up by the reverse Kaplan-Meier method (Schemper and Smith 1996): the censoring is the event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field

from riskset_common.estimators.counting import (
    AskCounts,
    count_shapes,
    count_summary,
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
from riskset_common.patients import Patients
from riskset_common.study import Study
from riskset_common.survival.kaplan_meier import confidence_limits, kaplan_meier, quantile, reverse


class FollowUpSpec(AnalysisSpec):
    """Median follow-up of one endpoint."""

    kind: Literal["follow_up"]
    endpoint: str
    method: Literal["reverse_kaplan_meier"] = "reverse_kaplan_meier"
    level: float = Field(default=0.95, gt=0, lt=1)


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
    warnings: list[str]


FollowUpRequest = Request[FollowUpSpec, AskCounts]


class FollowUp:
    """Reverse Kaplan-Meier in two rounds."""

    kind = "follow_up"
    spec = FollowUpSpec
    state = AskCounts
    discloses = (
        "patients with an event, censored and (under left truncation) coming under observation at each step of the time grid; "
        "patients left out because a value is missing; how many sites need each power of two of steps; all summed over the sites"
    )

    def first(self, spec: FollowUpSpec, study: Study) -> FollowUpRequest:
        """Ask how long a grid is needed."""
        return Request(spec, study, AskCounts())

    def shapes(self, request: FollowUpRequest) -> Mapping[str, Shape]:
        """Grid lengths, then counts by step."""
        if request.state.n_steps is None:
            return length_shapes()
        left_truncated = request.study.endpoint(request.spec.endpoint).entry is not None
        return count_shapes(1, request.state.n_steps, left_truncated=left_truncated) | {
            "missing": counts()
        }

    def summarise(self, patients: Patients, request: FollowUpRequest) -> Summary:
        """Count this site's patients."""
        cohort = analysed(patients, request)
        times = cohort.patients.endpoints[request.spec.endpoint]
        if request.state.n_steps is None:
            return length_marks(times)
        group = np.zeros(cohort.patients.n, dtype=np.int64)
        return {
            **count_summary(times, group, 1, request.state.n_steps),
            "missing": one(cohort.missing),
        }

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
            warnings=[],
        )
