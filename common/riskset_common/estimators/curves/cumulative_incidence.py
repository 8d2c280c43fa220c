"""Cumulative incidence of competing events by group, and Gray's test, from counts on the agreed time grid.

The curves, and a test without strata or stratified by a variable of the codebook, follow from pooled counts by kind of event. A
test stratified by site is a sum of what each site computes alone: observed, expected and covariance within its own strata.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.estimators.cohort.causes import competing_times, n_kinds
from riskset_common.estimators.cohort.groups import group_codes, group_levels, group_name, n_groups
from riskset_common.estimators.curves.counts import (
    count_kinds_shapes,
    count_kinds_summary,
    pooled_kinds,
)
from riskset_common.estimators.curves.emptied import emptied_warnings
from riskset_common.estimators.curves.gray import (
    gray_result,
    gray_shapes,
    gray_summary,
    gray_sums_over,
    pooled_gray_sums,
    strata_of_counts,
)
from riskset_common.estimators.curves.incidence_curve import cause_incidence
from riskset_common.estimators.curves.rounded_test import (
    asked_gray,
    causes_known,
    compared_causes,
    gray_problems,
)
from riskset_common.estimators.curves.specs import CurvesSpec
from riskset_common.estimators.curves.two_rounds import TwoRounds
from riskset_common.estimators.disclosed import (
    ENTERED,
    GRID_LENGTH,
    LATE_ENTRY,
    LEFT_OUT,
    OWN_TEST,
    SITE_TEST,
    Disclosed,
    shows,
)
from riskset_common.estimators.estimator import Shape, Summary, Uses
from riskset_common.formats.strict_model import StrictModel
from riskset_common.release.budget import Compared
from riskset_common.release.cells import Counts, followed_counts
from riskset_common.release.counted import Counted
from riskset_common.release.curves.emptied import INCIDENCE_STAYS
from riskset_common.release.curves.incidence import (
    IncidencesAsked,
    implied_by_incidences,
    incidences_program,
)
from riskset_common.release.curves.plan_times import Wanted, wanted
from riskset_common.release.facts import Facts
from riskset_common.release.followed import cohort_of, leaving_times
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Program
from riskset_common.release.tests.gray_program import (
    AskedGray,
    gray_implied,
    gray_program,
    gray_warnings,
)
from riskset_common.release.tests.own_strata import own_strata_of_kinds
from riskset_common.results.incidence import (
    CauseIncidence,
    CumulativeIncidenceResult,
    GroupIncidence,
)
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.tests import GrayResult
from riskset_common.study.analysis import Names, twice
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.study.study import Study
from riskset_common.survival.curves.risk_table import KindCounts


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

    def causes_of(self, study: Study) -> tuple[str, ...]:
        """The kinds of event whose incidence is estimated."""
        return self.causes or study.endpoint(self.endpoint).events

    @property
    def rho(self) -> float:
        """Exponent of the test's weight."""
        return self.test.gray.rho if isinstance(self.test, WeightedGray) else 0.0

    def compared(self, study: Study) -> tuple[Compared, ...]:
        """Gray's tests, as the budget of what tests may tell counts them."""
        return () if self.test is None else compared_causes(self, self.causes_of(study), self.rho)


class CumulativeIncidence(TwoRounds[CumulativeIncidenceSpec, CumulativeIncidenceResult]):
    """Cumulative incidence and Gray's test in two rounds."""

    kind = "cumulative_incidence"
    spec = CumulativeIncidenceSpec
    result = CumulativeIncidenceResult
    discloses = Disclosed(
        counts=(
            shows(
                "patients with an event of each named cause, and of any other kind, at each step of the time grid "
                "in every group and stratum of the test",
                "events",
            ),
            shows("patients censored at each step, in the same groups and strata", "censored"),
            shows(LEFT_OUT, "missing"),
            shows(GRID_LENGTH, "lengths"),
        ),
        when={
            LATE_ENTRY: (shows(ENTERED, "entered"),),
            SITE_TEST: (shows(OWN_TEST, "observed", "expected", "covariance"),),
        },
    )

    def problems(self, spec: CumulativeIncidenceSpec, study: Study) -> Iterator[str]:
        """A test without groups or under left truncation, strata without a test, and what is given twice."""
        if spec.test is not None and not spec.by:
            yield "test compares groups, but `by` is missing."
        if spec.strata and spec.test is None:
            yield "strata act on the test only, but `test` is missing."
        yield from twice("by and strata", self.uses(spec).categories)
        yield from twice("causes", spec.causes)
        if any(time < 0 for time in spec.at):
            yield f"at holds a negative time: {list(spec.at)}."
        if spec.test is not None and study.endpoint(spec.endpoint).entry is not None:
            yield (
                "test: gray is not defined for patients who come under observation late (the endpoint has an entry). "
                "Leave the test out, or compare cause-specific hazards by kind: kaplan_meier with a cause."
            )

    def uses(self, spec: CumulativeIncidenceSpec) -> Uses:
        """Groups and strata, and the kinds of event that the plan names."""
        return Uses(categories=(*spec.by, *spec.strata), causes=spec.causes)

    def cells(self, spec: CumulativeIncidenceSpec, study: Study) -> Iterator[Counts]:
        """Patients and events by group, and by each cause."""
        cohort, causes = cohort_of(spec, complete=spec.strata), spec.causes_of(study)
        every = study.endpoint(spec.endpoint).events
        others = tuple(kind for kind in every if kind not in causes)
        for kinds in dict.fromkeys(((), *((cause,) for cause in causes), others)):
            yield from followed_counts(study, cohort, spec.endpoint, spec.by, kinds)

    def not_rounded(self, spec: CumulativeIncidenceSpec, study: Study) -> Iterator[str]:
        """Tests that no arithmetic on shares has."""
        return iter(()) if spec.test is None else gray_problems(spec, spec.rho, study)

    def uploads(
        self, spec: CumulativeIncidenceSpec, study: Study, facts: Facts
    ) -> tuple[Counted, ...]:
        """Events by kind, and leavers, by group; and by stratum for the test."""
        curves = _asked_curves(spec, study, facts).counted
        if spec.test is None:
            return (curves,)
        return tuple(dict.fromkeys((curves, _asked_test(spec, study, facts).counted)))

    def curves(
        self, spec: CumulativeIncidenceSpec, study: Study, facts: Facts
    ) -> tuple[Wanted, ...]:
        """The curves by group."""
        asked = _asked_curves(spec, study, facts)
        return (wanted(study, facts, spec, asked.counted, spec.at, asked.causes),)

    def program(
        self, spec: CumulativeIncidenceSpec, given: Given
    ) -> Program[CumulativeIncidenceResult | WithheldAnalysis]:
        """The curves of all causes, and then the tests, which are held back where they tell too much beside them."""
        study, facts = given.study, given.facts
        curves = yield from incidences_program(_asked_curves(spec, study, facts), given)
        if spec.test is None or isinstance(curves, WithheldAnalysis):
            return curves
        known = causes_known(study, spec.by, spec.causes_of(study), curves.groups)
        tests = yield from gray_program(given, _asked_test(spec, study, facts), known)
        return replace(curves, tests=tests, warnings=(*curves.warnings, *gray_warnings(tests)))

    def implied(
        self, spec: CumulativeIncidenceSpec, given: Given, result: CumulativeIncidenceResult
    ) -> Mapping[str, Opened]:
        """What the curves and the tests tell of what was opened."""
        study, facts = given.study, given.facts
        found = dict(implied_by_incidences(_asked_curves(spec, study, facts), given, result))
        if result.tests is not None:
            found |= gray_implied(given, _asked_test(spec, study, facts), result.tests)
        return found

    def opened_by(self, spec: CumulativeIncidenceSpec, study: Study) -> tuple[str, ...]:
        """What the counts are split by; strata within sites show in no count."""
        return spec.counted_by(study)

    def also_asks(self, spec: CumulativeIncidenceSpec) -> tuple[str, ...]:
        """Gray's test, however it is weighted."""
        return () if spec.test is None else ("gray",)

    def _what(self, spec: CumulativeIncidenceSpec, study: Study) -> Hashable:
        return ("kinds", spec.causes_of(study), spec.counted_by(study))

    def _rows(self, spec: CumulativeIncidenceSpec, study: Study) -> int:
        return n_groups(study, spec.counted_by(study)) * self._kinds(spec, study)

    def _kinds(self, spec: CumulativeIncidenceSpec, study: Study) -> int:
        return n_kinds(study, spec.endpoint, spec.causes_of(study))

    def _times(
        self, patients: Patients, spec: CumulativeIncidenceSpec, study: Study
    ) -> EndpointTimes:
        return competing_times(patients, study, spec.endpoint, spec.causes_of(study))

    def _count_shapes(
        self, spec: CumulativeIncidenceSpec, study: Study, n_steps: int
    ) -> Mapping[str, Shape]:
        """Counts by kind, stratum x group and step."""
        return count_kinds_shapes(
            self._kinds(spec, study),
            n_groups(study, spec.counted_by(study)),
            n_steps,
            left_truncated=study.endpoint(spec.endpoint).entry is not None,
        )

    def _count(
        self,
        patients: Patients,
        times: EndpointTimes,
        spec: CumulativeIncidenceSpec,
        study: Study,
        n_steps: int,
    ) -> Summary:
        names = spec.counted_by(study)
        group, rows = group_codes(study, patients, names), n_groups(study, names)
        return count_kinds_summary(times, group, self._kinds(spec, study), rows, n_steps)

    def _shapes_beside(self, spec: CumulativeIncidenceSpec, study: Study) -> Mapping[str, Shape]:
        """A site's own sums of Gray's tests where they are stratified by site."""
        if spec.test is None or not spec.within_sites(study):
            return {}
        return gray_shapes(len(spec.causes_of(study)), n_groups(study, spec.by))

    def _beside(
        self, patients: Patients, times: EndpointTimes, spec: CumulativeIncidenceSpec, study: Study
    ) -> dict[str, Any]:
        if spec.test is None or not spec.within_sites(study):
            return {}
        group, stratum = (group_codes(study, patients, names) for names in (spec.by, spec.strata))
        kinds, k = self._kinds(spec, study), n_groups(study, spec.by)
        strata = own_strata_of_kinds(times, group, stratum, n_kinds=kinds, k=k)
        return dict(gray_summary(strata, len(spec.causes_of(study)), k, spec.rho))

    def _result(
        self, spec: CumulativeIncidenceSpec, study: Study, pooled: Summary
    ) -> CumulativeIncidenceResult:
        return _result(spec, study, pooled)


def _asked_test(spec: CumulativeIncidenceSpec, study: Study, facts: Facts) -> AskedGray:
    """The tests of all causes as their program takes them."""
    return asked_gray(spec, spec.causes_of(study), spec.rho, study, facts)


def _asked_curves(spec: CumulativeIncidenceSpec, study: Study, facts: Facts) -> IncidencesAsked:
    """The curves as their program takes them, and what the sites count for them."""
    cohort, causes = cohort_of(spec, complete=spec.strata), spec.causes_of(study)
    return IncidencesAsked(
        leaving_times(study, facts, cohort, spec.endpoint, spec.by, causes=causes),
        causes,
        at=spec.at,
        interval=spec.interval_kind(study),
        level=spec.level,
        has_test=spec.test is not None,
    )


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
        causes=spec.causes_of(study),
        n=int(n_by_group.sum()),
        events=int(any_kind.events.sum()),
        missing=int(pooled["missing"]),
        ci=spec.interval_kind(study),
        level=spec.level,
        groups=tuple(
            GroupIncidence(
                level=levels[index],
                n=int(n_by_group[index]),
                events=int(any_kind.events[index].sum()),
                causes=_incidences(spec, study, by_group, index),
                numbers_at_risk=None,
            )
            for index in kept.tolist()
        ),
        tests=_tests(spec, study, pooled, by_row, kept) if spec.test is not None else None,
        warnings=(
            *((f"No patients in {', '.join(empty)}.",) if empty else ()),
            *emptied_warnings(any_kind, study, spec.by, INCIDENCE_STAYS),
        ),
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
