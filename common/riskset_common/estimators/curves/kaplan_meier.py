"""Kaplan-Meier curves by group, their differences, and tests of the log-rank family, from counts on the agreed time grid.

The curves, and a test without strata or stratified by a variable of the codebook, follow from pooled counts. A test
stratified by site is a sum of what each site computes alone: observed, expected and covariance within its own strata.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from pydantic import Field

from riskset_common.estimators.cohort.causes import OneCauseSpec, cause_specific_times
from riskset_common.estimators.cohort.groups import group_codes, group_levels, group_name, n_groups
from riskset_common.estimators.curves.contrasts import Contrasted, contrasts
from riskset_common.estimators.curves.counts import (
    count_shapes,
    count_summary,
    over_strata,
    pooled_counts,
)
from riskset_common.estimators.curves.emptied import emptied_warnings
from riskset_common.estimators.curves.group_test import Comparison, GroupTest, comparison
from riskset_common.estimators.curves.log_rank import (
    log_rank_result,
    pairwise_tests,
    pooled_pair_sums,
    pooled_sums,
    strata_of_counts,
    sums_over,
    sums_shapes,
    sums_summary,
)
from riskset_common.estimators.curves.rounded_test import (
    asked_test,
    compared_groups,
    events_known,
    problems_on_shares,
)
from riskset_common.estimators.curves.specs import CurvesSpec
from riskset_common.estimators.curves.survival_curve import group_curve, table_of
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
from riskset_common.release.budget import Compared
from riskset_common.release.cells import Counts, followed_counts
from riskset_common.release.counted import Counted
from riskset_common.release.curves.emptied import STAYS_0
from riskset_common.release.curves.group_curves import CurvesAsked
from riskset_common.release.curves.plan_times import Wanted, wanted
from riskset_common.release.curves.survival import curves_program, implied_by_curves
from riskset_common.release.facts import Facts
from riskset_common.release.followed import cohort_of, leaving_times
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Program
from riskset_common.release.tests.log_rank_program import (
    AskedTest,
    log_rank_implied,
    log_rank_program,
)
from riskset_common.release.tests.own_strata import own_strata
from riskset_common.results.curves import GroupCurve, KaplanMeierResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.study.analysis import twice
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.study.study import Study
from riskset_common.survival.curves.kaplan_meier import LimitKind
from riskset_common.survival.curves.risk_table import GridCounts, RiskTable
from riskset_common.survival.tests.group_sums import pairs_of
from riskset_common.survival.tests.log_rank import LogRankSums


class KaplanMeierSpec(CurvesSpec, OneCauseSpec):
    """Curves by group, as the plan writes them. Times are in the plan's unit."""

    kind: Literal["kaplan_meier"]
    se: Literal["greenwood"] = "greenwood"
    quantiles: tuple[float, ...] = (0.5,)
    rmean: float | None = Field(default=None, gt=0)
    contrast: Contrasted = ()
    test: GroupTest | None = None
    pairwise: bool = False

    def compared(self, study: Study) -> tuple[Compared, ...]:
        """The test between the groups, as the budget of what tests may tell counts it."""
        del study
        if self.test is None:
            return ()
        return (compared_groups(self, self.test, self.cause, pairwise=self.pairwise),)


class KaplanMeier(TwoRounds[KaplanMeierSpec, KaplanMeierResult]):
    """Kaplan-Meier curves and tests of the log-rank family in two rounds."""

    kind = "kaplan_meier"
    spec = KaplanMeierSpec
    result = KaplanMeierResult
    discloses = Disclosed(
        counts=(
            shows(
                "patients with an event, and patients censored, at each step of the time grid in every group and stratum of the test",
                "events",
                "censored",
            ),
            shows(LEFT_OUT, "missing"),
            shows(GRID_LENGTH, "lengths"),
        ),
        when={
            LATE_ENTRY: (shows(ENTERED, "entered"),),
            SITE_TEST: (shows(OWN_TEST, "observed", "expected", "covariance"),),
            "the test is stratified by site, and pairwise": (
                shows(
                    "the same of each pair of groups",
                    "pair_observed",
                    "pair_expected",
                    "pair_variance",
                ),
            ),
        },
    )

    def problems(self, spec: KaplanMeierSpec, study: Study) -> Iterator[str]:
        """A comparison without groups, what acts on a test without one, and times that cannot be."""
        del study
        yield from _comparison_problems(spec)
        yield from twice("by and strata", self.uses(spec).categories)
        yield from twice("contrast", spec.contrast)
        if any(time < 0 for time in spec.at):
            yield f"at holds a negative time: {list(spec.at)}."
        if any(not 0 < p < 1 for p in spec.quantiles):
            yield f"quantiles lie between 0 and 1; found {list(spec.quantiles)}."

    def uses(self, spec: KaplanMeierSpec) -> Uses:
        """Groups and strata."""
        return Uses(categories=(*spec.by, *spec.strata), causes=spec.causes)

    def cells(self, spec: KaplanMeierSpec, study: Study) -> Iterator[Counts]:
        """Patients and events by group."""
        cohort = cohort_of(spec, complete=spec.strata)
        return followed_counts(study, cohort, spec.endpoint, spec.by, spec.causes)

    def not_rounded(self, spec: KaplanMeierSpec, study: Study) -> Iterator[str]:
        """Weights of the test that no arithmetic on shares has."""
        del study
        return problems_on_shares(spec.test) if spec.test is not None else iter(())

    def uploads(self, spec: KaplanMeierSpec, study: Study, facts: Facts) -> tuple[Counted, ...]:
        """Events and leavers by group, and what the test is made of."""
        test = _asked_test(spec, study, facts)
        curves = _asked_curves(spec, study, facts).counted
        return (curves,) if test is None else tuple(dict.fromkeys((curves, test.counted)))

    def curves(self, spec: KaplanMeierSpec, study: Study, facts: Facts) -> tuple[Wanted, ...]:
        """The curves by group."""
        asked = _asked_curves(spec, study, facts)
        return (wanted(study, facts, spec, asked.counted, spec.at),)

    def program(
        self, spec: KaplanMeierSpec, given: Given
    ) -> Program[KaplanMeierResult | WithheldAnalysis]:
        """The curves, and then the test, which is held back where it tells too much beside them."""
        curves = yield from curves_program(_asked_curves(spec, given.study, given.facts), given)
        test = _asked_test(spec, given.study, given.facts)
        if test is None or isinstance(curves, WithheldAnalysis):
            return curves
        known = events_known(given.study, spec.by, curves.groups)
        found = yield from log_rank_program(given, test, known)
        return replace(curves, test=found.test, tests=found.pairs)

    def implied(
        self, spec: KaplanMeierSpec, given: Given, result: KaplanMeierResult
    ) -> Mapping[str, Opened]:
        """What the curves and the test tell of what was opened."""
        asked = _asked_curves(spec, given.study, given.facts)
        found = dict(implied_by_curves(asked, given, result))
        test = _asked_test(spec, given.study, given.facts)
        if test is not None and result.test is not None:
            found |= log_rank_implied(given, test, result.test, result.tests)
        return found

    def opened_by(self, spec: KaplanMeierSpec, study: Study) -> tuple[str, ...]:
        """What the counts are split by; strata within sites show in no count."""
        return spec.counted_by(study)

    def also_asks(self, spec: KaplanMeierSpec) -> tuple[str, ...]:
        """Every test of the family sums what the log-rank test sums, and is allowed with it."""
        return () if spec.test is None else ("log_rank",)

    def _what(self, spec: KaplanMeierSpec, study: Study) -> Hashable:
        return ("events", spec.cause, spec.counted_by(study))

    def _rows(self, spec: KaplanMeierSpec, study: Study) -> int:
        return n_groups(study, spec.counted_by(study))

    def _times(self, patients: Patients, spec: KaplanMeierSpec, study: Study) -> EndpointTimes:
        return cause_specific_times(patients, study, spec)

    def _count_shapes(
        self, spec: KaplanMeierSpec, study: Study, n_steps: int
    ) -> Mapping[str, Shape]:
        """Counts by stratum x group and step."""
        left_truncated = study.endpoint(spec.endpoint).entry is not None
        return count_shapes(self._rows(spec, study), n_steps, left_truncated=left_truncated)

    def _count(
        self,
        patients: Patients,
        times: EndpointTimes,
        spec: KaplanMeierSpec,
        study: Study,
        n_steps: int,
    ) -> Summary:
        group = group_codes(study, patients, spec.counted_by(study))
        return count_summary(times, group, self._rows(spec, study), n_steps)

    def _shapes_beside(self, spec: KaplanMeierSpec, study: Study) -> Mapping[str, Shape]:
        """A site's own log-rank sums where the test is stratified by site."""
        if spec.test is None or not spec.within_sites(study):
            return {}
        return sums_shapes(n_groups(study, spec.by), pairwise=spec.pairwise)

    def _beside(
        self, patients: Patients, times: EndpointTimes, spec: KaplanMeierSpec, study: Study
    ) -> dict[str, Any]:
        if spec.test is None or not spec.within_sites(study):
            return {}
        group, stratum = (group_codes(study, patients, names) for names in (spec.by, spec.strata))
        k = n_groups(study, spec.by)
        strata = own_strata(times, group, stratum, k)
        return dict(sums_summary(strata, k, comparison(spec.test), pairwise=spec.pairwise))

    def _result(self, spec: KaplanMeierSpec, study: Study, pooled: Summary) -> KaplanMeierResult:
        return _result(spec, study, pooled)


def _asked_curves(spec: KaplanMeierSpec, study: Study, facts: Facts) -> CurvesAsked:
    """The curves as their program takes them, and what the sites count for them."""
    cohort = cohort_of(spec, complete=spec.strata)
    return CurvesAsked(
        leaving_times(study, facts, cohort, spec.endpoint, spec.by, cause=spec.cause),
        spec.cause,
        at=spec.at,
        quantiles=spec.quantiles,
        rmean=spec.rmean,
        contrast=spec.contrast,
        interval=spec.interval_kind(study),
        level=spec.level,
    )


def _asked_test(spec: KaplanMeierSpec, study: Study, facts: Facts) -> AskedTest | None:
    """The test between the groups, if the plan asks for one."""
    if spec.test is None:
        return None
    [compared] = spec.compared(study)
    return asked_test(spec, compared, spec.test, study, facts)


def _comparison_problems(spec: KaplanMeierSpec) -> Iterator[str]:
    if not spec.by:
        for name in ("test", "contrast"):
            if getattr(spec, name):
                yield f"{name} compares groups, but `by` is missing."
    if spec.strata and spec.test is None:
        yield "strata act on the test only, but `test` is missing."
    if spec.pairwise and spec.test is None:
        yield "pairwise repeats the test for each pair of groups, but `test` is missing."
    if spec.pairwise and spec.test is not None and comparison(spec.test).is_trend:
        yield "pairwise: a trend runs over all groups, and cannot be tested by pairs."
    for name, needed, of in (("survival", "at", spec.at), ("rmean", "rmean", spec.rmean)):
        if name in spec.contrast and not of:
            yield f"contrast: {name} needs a time, but `{needed}` is missing."


def _result(spec: KaplanMeierSpec, study: Study, pooled: Summary) -> KaplanMeierResult:
    by_row = pooled_counts(pooled)
    by_group = _over_strata(by_row, n_groups(study, spec.by))
    n_by_group = (by_group.events + by_group.censored).sum(axis=1)
    kept = np.flatnonzero(n_by_group > 0)
    levels = list(group_levels(study, spec.by))
    interval = spec.interval_kind(study)
    groups = [
        _curve(spec, table_of(by_group, index, study.grid), interval, levels[index])
        for index in kept.tolist()
    ]
    test, tests = None, None
    if spec.test is not None:
        asked = comparison(spec.test)
        sums = _Sums(spec, study, pooled, by_row, len(levels), asked)
        test = log_rank_result(sums.of_all(), kept, spec.strata, asked)
        if spec.pairwise:
            tests = pairwise_tests(sums.of_pairs(), levels, kept.tolist())
    empty = [group_name(levels[index]) for index in np.flatnonzero(n_by_group == 0)]
    return KaplanMeierResult(
        kind="kaplan_meier",
        endpoint=spec.endpoint,
        cause=spec.cause,
        n=int(n_by_group.sum()),
        events=int(by_group.events.sum()),
        missing=int(pooled["missing"]),
        ci=interval,
        level=spec.level,
        groups=tuple(groups),
        contrasts=contrasts(groups, spec.contrast, spec.level) if spec.contrast else None,
        test=test,
        tests=tests,
        warnings=(
            *((f"No patients in {', '.join(empty)}.",) if empty else ()),
            *emptied_warnings(by_group, study, spec.by, STAYS_0),
        ),
    )


@dataclass(frozen=True)
class _Sums:
    """Where the sums of a test come from: the sites' own, or the pooled counts of k groups by stratum."""

    spec: KaplanMeierSpec
    study: Study
    pooled: Summary
    by_row: GridCounts
    k: int
    asked: Comparison

    def of_all(self) -> LogRankSums:
        if self.spec.within_sites(self.study):
            return pooled_sums(self.pooled, self.asked)
        return sums_over(strata_of_counts(self.by_row, self.k), range(self.k), self.asked)

    def of_pairs(self) -> list[LogRankSums]:
        if self.spec.within_sites(self.study):
            return pooled_pair_sums(self.pooled, self.asked)
        strata = strata_of_counts(self.by_row, self.k)
        return [sums_over(strata, pair, self.asked) for pair in pairs_of(self.k)]


def _over_strata(found: GridCounts, k: int) -> GridCounts:
    """Counts of k groups, shape (k, n_steps), from those of one stratum after the other."""
    entered = None if found.entered is None else over_strata(found.entered, k)
    return GridCounts(over_strata(found.events, k), over_strata(found.censored, k), entered)


def _curve(
    spec: KaplanMeierSpec, table: RiskTable, interval: LimitKind, level: Mapping[str, str]
) -> GroupCurve:
    return group_curve(
        table,
        level,
        interval=interval,
        level=spec.level,
        horizons=spec.at,
        quantiles=spec.quantiles,
        rmean=spec.rmean,
    )
