"""Cumulative incidence of competing events by group, and Gray's test, from counts on the agreed time grid.

The curves, and a test without strata or stratified by a variable of the codebook, follow from pooled counts by kind of event. A
test stratified by site is a sum of what each site computes alone: observed, expected and covariance within its own strata.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.codebook import StrictModel
from riskset_common.estimators.causes import competing_times, n_kinds
from riskset_common.estimators.comparing import CurvesSpec
from riskset_common.estimators.counting import (
    AskCounts,
    count_kinds_shapes,
    count_kinds_summary,
    counted_of,
    grid_length,
    length_marks,
    length_shapes,
    pooled_kinds,
)
from riskset_common.estimators.estimator import (
    Names,
    Request,
    Shape,
    Summary,
    analysed,
    counts,
    one,
    twice,
)
from riskset_common.estimators.gray import (
    GrayResult,
    gray_result,
    gray_shapes,
    gray_summary,
    gray_sums_over,
    pooled_gray_sums,
    strata_of_counts,
    strata_of_patients,
)
from riskset_common.estimators.grouping import group_codes, group_levels, group_name, n_groups
from riskset_common.estimators.incidence_curves import CauseIncidence, cause_incidence
from riskset_common.patients import Patients
from riskset_common.results import WHEN_ASKED
from riskset_common.study import Study
from riskset_common.survival.risk_table import KindCounts


class GrayWeight(StrictModel):
    """Gray's test with the weight (1 - F0(t-))^rho: early differences count more where rho is above 0."""

    rho: float = Field(default=0, ge=-10, le=10)


class WeightedGray(StrictModel):
    """`{gray: {rho: 1}}`."""

    gray: GrayWeight


class CumulativeIncidenceSpec(CurvesSpec):
    """Cumulative incidence of some kinds of event of an endpoint, by group; without `causes` of all of them."""

    kind: Literal["cumulative_incidence"]
    causes: Names = ()
    se: Literal["aalen"] = "aalen"
    test: Literal["gray"] | WeightedGray | None = None

    def cause_names(self) -> tuple[str, ...]:
        """The kinds of event that the plan names."""
        return self.causes

    def also_asks(self) -> tuple[str, ...]:
        """Gray's test, however it is weighted."""
        return () if self.test is None else ("gray",)

    def causes_of(self, study: Study) -> tuple[str, ...]:
        """The kinds of event whose incidence is estimated."""
        return self.causes or study.endpoint(self.endpoint).events

    @property
    def rho(self) -> float:
        """Exponent of the test's weight."""
        return self.test.gray.rho if isinstance(self.test, WeightedGray) else 0.0

    def problems(self, study: Study) -> Sequence[str]:
        """A test without groups or under left truncation, strata without a test, and what stands twice."""
        return list(self._problems(study))

    def _problems(self, study: Study) -> Iterator[str]:
        if self.test is not None and not self.by:
            yield "test compares groups, but `by` is missing."
        if self.strata and self.test is None:
            yield "strata act on the test only, but `test` is missing."
        yield from twice("by and strata", self.categories())
        yield from twice("causes", self.causes)
        if any(time < 0 for time in self.at):
            yield f"at holds a negative time: {list(self.at)}."
        if self.test is not None and study.endpoint(self.endpoint).entry is not None:
            yield (
                "test: gray is not defined for patients who come under observation late (the endpoint has an entry). "
                "Leave the test out, or compare cause-specific hazards by kind: kaplan_meier with a cause."
            )


@dataclass(frozen=True)
class GroupIncidence:
    """The curves of one group; `events` are of any kind."""

    level: Mapping[str, str]
    n: int
    events: int
    causes: Mapping[str, CauseIncidence]


@dataclass(frozen=True)
class CumulativeIncidenceResult:
    """Curves by group and cause; `events` are of any kind, `tests` by cause."""

    kind: str
    endpoint: str
    causes: list[str]
    n: int
    events: int
    missing: int
    ci: str
    level: float
    groups: list[GroupIncidence]
    tests: Mapping[str, GrayResult] | None = field(metadata=WHEN_ASKED)
    warnings: list[str]


CumulativeIncidenceRequest = Request[CumulativeIncidenceSpec, AskCounts]


class CumulativeIncidence:
    """Cumulative incidence and Gray's test in two rounds."""

    kind = "cumulative_incidence"
    spec = CumulativeIncidenceSpec
    state = AskCounts
    discloses = (
        "patients with an event of each named cause, with an event of any other kind, censored and (under left truncation) coming "
        "under observation at each step of the time grid in every group and stratum of the test; patients left out because a value "
        "is missing; how many sites need each power of two of steps; of a test stratified by site only observed, expected and "
        "covariance; all summed over the sites"
    )

    def first(self, spec: CumulativeIncidenceSpec, study: Study) -> CumulativeIncidenceRequest:
        """Ask how long a grid is needed."""
        return Request(spec, study, AskCounts())

    def shapes(self, request: CumulativeIncidenceRequest) -> Mapping[str, Shape]:
        """Grid lengths, then counts by kind, stratum x group and step, and a site's own sums of Gray's tests."""
        spec, study = request.spec, request.study
        if request.state.n_steps is None:
            return length_shapes()
        causes = spec.causes_of(study)
        shapes = count_kinds_shapes(
            n_kinds(study, spec.endpoint, causes),
            n_groups(study, spec.opened_by(study)),
            request.state.n_steps,
            left_truncated=study.endpoint(spec.endpoint).entry is not None,
        )
        if spec.test is not None and spec.within_sites(study):
            shapes |= gray_shapes(len(causes), n_groups(study, spec.by))
        return request.state.unless_counted(shapes | {"missing": counts()})

    def summarise(self, patients: Patients, request: CumulativeIncidenceRequest) -> Summary:
        """Count this site's patients, and compute its own sums where the test is stratified by site."""
        spec, study = request.spec, request.study
        cohort = analysed(patients, request)
        causes = spec.causes_of(study)
        times = competing_times(cohort.patients, study, spec.endpoint, causes)
        if request.state.n_steps is None:
            return length_marks(times)
        names, kinds = spec.opened_by(study), n_kinds(study, spec.endpoint, causes)
        group = group_codes(study, cohort.patients, names)
        summary: dict[str, NDArray[Any]] = {}
        if not request.state.counted:
            rows, n_steps = n_groups(study, names), request.state.n_steps
            summary |= count_kinds_summary(times, group, kinds, rows, n_steps)
            summary["missing"] = one(cohort.missing)
        if spec.test is not None and spec.within_sites(study):
            k = n_groups(study, spec.by)
            stratum = group_codes(study, cohort.patients, spec.strata)
            strata = strata_of_patients(times, group, stratum, n_kinds=kinds, k=k)
            summary |= gray_summary(strata, len(causes), k, spec.rho)
        return summary

    def counted(self, request: CumulativeIncidenceRequest) -> Hashable:
        """What the counts depend on."""
        spec, study = request.spec, request.study
        return counted_of(request, "kinds", spec.causes_of(study), spec.opened_by(study))

    def next(
        self, request: CumulativeIncidenceRequest, pooled: Summary
    ) -> CumulativeIncidenceRequest | CumulativeIncidenceResult:
        """Ask for the counts on a grid that is long enough, then estimate."""
        spec, study = request.spec, request.study
        if request.state.n_steps is None:
            rows = n_groups(study, spec.opened_by(study))
            cells = rows * n_kinds(study, spec.endpoint, spec.causes_of(study))
            return replace(request, state=AskCounts(n_steps=grid_length(pooled, cells)))
        return _result(spec, study, pooled)


def _result(
    spec: CumulativeIncidenceSpec, study: Study, pooled: Summary
) -> CumulativeIncidenceResult:
    levels = list(group_levels(study, spec.by))
    by_row, by_group = pooled_kinds(pooled, len(levels))
    any_kind = by_group.any_kind
    n_by_group = (any_kind.events + any_kind.censored).sum(axis=1)
    kept = np.flatnonzero(n_by_group > 0)
    empty = [group_name(levels[index]) for index in np.flatnonzero(n_by_group == 0)]
    return CumulativeIncidenceResult(
        kind="cumulative_incidence",
        endpoint=spec.endpoint,
        causes=list(spec.causes_of(study)),
        n=int(n_by_group.sum()),
        events=int(any_kind.events.sum()),
        missing=int(pooled["missing"]),
        ci=spec.interval_kind(study),
        level=spec.level,
        groups=[
            GroupIncidence(
                level=levels[index],
                n=int(n_by_group[index]),
                events=int(any_kind.events[index].sum()),
                causes=_incidences(spec, study, by_group, index),
            )
            for index in kept.tolist()
        ],
        tests=_tests(spec, study, pooled, by_row, kept) if spec.test is not None else None,
        warnings=[f"No patients in {', '.join(empty)}."] if empty else [],
    )


def _incidences(
    spec: CumulativeIncidenceSpec, study: Study, by_group: KindCounts, group: int
) -> dict[str, CauseIncidence]:
    return {
        cause: cause_incidence(
            by_group,
            kind,
            group,
            study.grid,
            interval=spec.interval_kind(study),
            level=spec.level,
            horizons=spec.at,
        )
        for kind, cause in enumerate(spec.causes_of(study))
    }


def _tests(
    spec: CumulativeIncidenceSpec,
    study: Study,
    pooled: Summary,
    by_row: KindCounts,
    kept: NDArray[np.int64],
) -> dict[str, GrayResult]:
    """Gray's test of each cause over the groups that hold patients."""
    k = n_groups(study, spec.by)
    within_sites = spec.within_sites(study)
    strata = [] if within_sites else strata_of_counts(by_row, k)
    return {
        cause: gray_result(
            pooled_gray_sums(pooled, kind)
            if within_sites
            else gray_sums_over(strata, kind, k, spec.rho),
            kept,
            spec.strata,
            spec.rho,
        )
        for kind, cause in enumerate(spec.causes_of(study))
    }
