"""Kaplan-Meier curves by group, and the log-rank test, from counts on the agreed time grid.

The curves, and a log-rank test without strata or stratified by a variable of the codebook, follow from pooled counts. A test
stratified by site is a sum of what each site computes alone: observed, expected and covariance within its own strata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.estimators.counting import (
    AskCounts,
    count_shapes,
    count_summary,
    grid_length,
    length_marks,
    length_shapes,
)
from riskset_common.estimators.curves import CurveResult, curve_result, table_of
from riskset_common.estimators.estimator import (
    AnalysisSpec,
    Names,
    Request,
    Shape,
    Summary,
    analysed,
    counts,
    one,
    reals,
)
from riskset_common.estimators.grouping import group_codes, group_levels, group_name, n_groups
from riskset_common.patients import EndpointTimes, Patients
from riskset_common.results import WHEN_ASKED, NamedTest
from riskset_common.study import Study
from riskset_common.survival.kaplan_meier import LimitKind
from riskset_common.survival.log_rank import LogRankSums, log_rank_sums, log_rank_test, total


class KaplanMeierSpec(AnalysisSpec):
    """Curves by group, as the plan writes them. Times are in the plan's unit."""

    kind: Literal["kaplan_meier"]
    endpoint: str
    by: Names = ()
    at: tuple[float, ...] = ()
    se: Literal["greenwood"] = "greenwood"
    ci: LimitKind | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    quantiles: tuple[float, ...] = (0.5,)
    rmean: float | None = Field(default=None, gt=0)
    test: Literal["log_rank"] | None = None
    strata: Names = ()

    def categories(self) -> tuple[str, ...]:
        """Groups and strata."""
        return (*self.by, *self.strata)

    def problems(self, study: Study) -> Sequence[str]:
        """A test without groups, strata without a test, and times that cannot be."""
        return list(self._problems(study))

    def _problems(self, study: Study) -> Iterator[str]:
        if self.test is not None and not self.by:
            yield "test compares groups, but `by` is missing."
        if self.strata and self.test is None:
            yield "strata act on the test only, but `test` is missing."
        for name in sorted(set(self.by) & set(self.strata)):
            yield f"{name} cannot be both in `by` and in `strata`."
        if any(time < 0 for time in self.at):
            yield f"at holds a negative time: {list(self.at)}."
        if any(not 0 < p < 1 for p in self.quantiles):
            yield f"quantiles lie between 0 and 1; found {list(self.quantiles)}."
        yield from one_site_problems(self.by, study)
        if "study_group" in self.strata and study.sites and not study.one_site_a_group:
            yield from one_site_problems(self.strata, study)

    def interval_kind(self, study: Study) -> LimitKind:
        """The interval that the analysis names, else the one of the plan's conventions (R: log, SAS: log-log)."""
        return self.ci or ("log" if study.plan.conventions == "r" else "log-log")

    def within_sites(self, study: Study) -> bool:
        """Whether every stratum of the test lies within one site, which then computes its share alone."""
        return "site" in self.strata or ("study_group" in self.strata and study.one_site_a_group)


def one_site_problems(names: Sequence[str], study: Study) -> Iterator[str]:
    """A table or curve by site shows one site's numbers, which secure aggregation forbids unless the release is exact."""
    shown = sorted({"site", "study_group"} & set(names))
    if shown and study.plan.disclosure.release != "exact":
        yield (
            f"by {shown[0]} would show one site's numbers alone, which `aggregation: secure` forbids. Group the sites in the "
            "codebook (derived, from: study_group), or leave it out."
        )


@dataclass(frozen=True)
class GroupCurve(CurveResult):
    """The curve of one group."""

    level: Mapping[str, str]


@dataclass(frozen=True)
class LogRankResult(NamedTest):
    """The log-rank test; arrays run over the groups that hold patients, covariance is of observed minus expected."""

    strata: list[str]
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True)
class KaplanMeierResult:
    """Curves by group."""

    kind: str
    endpoint: str
    n: int
    events: int
    missing: int
    ci: str
    level: float
    groups: list[GroupCurve]
    test: LogRankResult | None = field(metadata=WHEN_ASKED)
    warnings: list[str]


KaplanMeierRequest = Request[KaplanMeierSpec, AskCounts]


class KaplanMeier:
    """Kaplan-Meier curves and the log-rank test in two rounds."""

    kind = "kaplan_meier"
    spec = KaplanMeierSpec
    state = AskCounts
    discloses = (
        "patients with an event and censored at each step of the time grid in every group (and stratum of the test), summed over "
        "the sites; how many sites need each power of two of steps; for a test stratified by site its observed, expected and "
        "covariance, summed over the sites"
    )

    def first(self, spec: KaplanMeierSpec, study: Study) -> KaplanMeierRequest:
        """Ask how long a grid is needed."""
        return Request(spec, study, AskCounts())

    def shapes(self, request: KaplanMeierRequest) -> Mapping[str, Shape]:
        """Grid lengths, then counts by stratum x group and step, and a site's own log-rank sums."""
        spec, study = request.spec, request.study
        if request.state.n_steps is None:
            return length_shapes()
        left_truncated = study.endpoint(spec.endpoint).entry is not None
        shapes = count_shapes(
            n_groups(study, _pooled_names(spec, study)),
            request.state.n_steps,
            left_truncated=left_truncated,
        )
        if spec.test is not None and spec.within_sites(study):
            k = n_groups(study, spec.by)
            shapes |= {"observed": reals(k), "expected": reals(k), "covariance": reals(k, k)}
        return shapes | {"missing": counts()}

    def summarise(self, patients: Patients, request: KaplanMeierRequest) -> Summary:
        """Count this site's patients, and compute its own log-rank sums where the test is stratified by site."""
        spec, study = request.spec, request.study
        cohort = analysed(patients, request)
        times = cohort.patients.endpoints[spec.endpoint]
        if request.state.n_steps is None:
            return length_marks(times)
        names = _pooled_names(spec, study)
        group = group_codes(study, cohort.patients, names)
        summary: dict[str, NDArray[Any]] = dict(
            count_summary(times, group, n_groups(study, names), request.state.n_steps)
        )
        if spec.test is not None and spec.within_sites(study):
            sums = _own_log_rank(spec, study, cohort.patients)
            summary |= {
                "observed": sums.observed,
                "expected": sums.expected,
                "covariance": sums.covariance,
            }
        return summary | {"missing": one(cohort.missing)}

    def next(
        self, request: KaplanMeierRequest, pooled: Summary
    ) -> KaplanMeierRequest | KaplanMeierResult:
        """Ask for the counts on a grid that is long enough, then estimate."""
        spec, study = request.spec, request.study
        if request.state.n_steps is None:
            rows = n_groups(study, _pooled_names(spec, study))
            return replace(request, state=AskCounts(n_steps=grid_length(pooled, rows)))
        return _result(spec, study, pooled)


def _pooled_names(spec: KaplanMeierSpec, study: Study) -> tuple[str, ...]:
    """Variables whose combinations are counted: strata (unless they lie within sites) before groups."""
    return spec.by if spec.within_sites(study) else (*spec.strata, *spec.by)


def _own_log_rank(spec: KaplanMeierSpec, study: Study, patients: Patients) -> LogRankSums:
    """Observed, expected and covariance over this site's strata, on the distinct times of its own patients."""
    k = n_groups(study, spec.by)
    named = [name for name in spec.strata if name not in ("site", "study_group")]
    stratum = group_codes(study, patients, named)
    group = group_codes(study, patients, spec.by)
    times = patients.endpoints[spec.endpoint]
    strata = [stratum == code for code in np.unique(stratum)]
    return total(
        [
            no_sums(k),
            *(_sums_of_patients(times.rows(inside), group[inside], k) for inside in strata),
        ]
    )


def no_sums(k: int) -> LogRankSums:
    """The sums of no stratum."""
    return LogRankSums(np.zeros(k), np.zeros(k), np.zeros((k, k)))


def _sums_of_patients(times: EndpointTimes, group: NDArray[np.int64], k: int) -> LogRankSums:
    """Log-rank sums of one stratum straight from its patients, without a dense grid."""
    steps, at = np.unique(times.time, return_inverse=True)
    shape = (k, steps.size)
    event = times.event > 0
    events = np.bincount(group[event] * steps.size + at[event], minlength=k * steps.size).reshape(
        shape
    )
    leaving = np.bincount(group * steps.size + at, minlength=k * steps.size).reshape(shape)
    at_risk = leaving[:, ::-1].cumsum(axis=1)[:, ::-1]
    if times.entry is not None:
        # Not yet under observation at a step: entry is that step or later.
        entered_before = np.searchsorted(steps, times.entry, side="right")
        late = np.bincount(
            group * (steps.size + 1) + entered_before, minlength=k * (steps.size + 1)
        )
        late = late.reshape(k, steps.size + 1)
        at_risk = at_risk - late[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return log_rank_sums(at_risk, events)


def _result(spec: KaplanMeierSpec, study: Study, pooled: Summary) -> KaplanMeierResult:
    k = n_groups(study, spec.by)
    by_stratum = {
        name: pooled[name].reshape(-1, k, pooled[name].shape[-1])
        for name in ("events", "censored", "entered")
        if name in pooled
    }
    by_group = {name: found.sum(axis=0) for name, found in by_stratum.items()}
    n_by_group = by_group["events"].sum(axis=1) + by_group["censored"].sum(axis=1)
    kept = np.flatnonzero(n_by_group > 0)
    levels = list(group_levels(study, spec.by))
    interval = spec.interval_kind(study)
    curves = [
        curve_result(
            table_of({name: found[index] for name, found in by_group.items()}, study.grid),
            interval=interval,
            level=spec.level,
            horizons=spec.at,
            quantiles=spec.quantiles,
            rmean=spec.rmean,
        )
        for index in kept
    ]
    empty = [group_name(levels[index]) for index in range(k) if index not in kept]
    warnings = [f"No patients in {', '.join(empty)}."] if empty else []
    test = None if spec.test is None else _test(spec, study, pooled, by_stratum, kept)
    return KaplanMeierResult(
        kind="kaplan_meier",
        endpoint=spec.endpoint,
        n=int(n_by_group.sum()),
        events=int(by_group["events"].sum()),
        missing=int(pooled["missing"]),
        ci=interval,
        level=spec.level,
        groups=[
            GroupCurve(**{**vars(curve), "level": levels[index]})
            for index, curve in zip(kept, curves, strict=True)
        ],
        test=test,
        warnings=warnings,
    )


def _test(
    spec: KaplanMeierSpec,
    study: Study,
    pooled: Summary,
    by_stratum: Mapping[str, NDArray[np.int64]],
    kept: NDArray[np.int64],
) -> LogRankResult:
    if spec.within_sites(study):
        sums = LogRankSums(pooled["observed"], pooled["expected"], pooled["covariance"])
    else:
        strata = range(by_stratum["events"].shape[0])
        sums = total(
            [
                _sums_of_counts({name: found[stratum] for name, found in by_stratum.items()})
                for stratum in strata
            ]
        )
    sums = LogRankSums(
        sums.observed[kept], sums.expected[kept], sums.covariance[np.ix_(kept, kept)]
    )
    tested = log_rank_test(sums)
    return LogRankResult(
        name="log-rank",
        strata=list(spec.strata),
        statistic=tested.statistic,
        df=tested.df,
        p_value=tested.p_value,
        observed=sums.observed,
        expected=sums.expected,
        covariance=sums.covariance,
    )


def _sums_of_counts(found: Mapping[str, NDArray[np.int64]]) -> LogRankSums:
    """Log-rank sums of one stratum from its counts on the grid."""
    leaving = found["events"] + found["censored"]
    at_risk = leaving[:, ::-1].cumsum(axis=1)[:, ::-1]
    if "entered" in found:
        at_risk = at_risk - found["entered"][:, ::-1].cumsum(axis=1)[:, ::-1]
    active = found["events"].any(axis=0)
    return log_rank_sums(at_risk[:, active], found["events"][:, active])
