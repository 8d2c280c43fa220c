"""One group's Kaplan-Meier curve as it is printed, from its counts on the time grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from riskset_common.results.as_json import WHEN_ASKED
from riskset_common.study.time_grid import TimeGrid
from riskset_common.survival.curves.kaplan_meier import (
    Curve,
    LimitKind,
    at,
    confidence_limits,
    kaplan_meier,
    quantile,
    restricted_mean,
)
from riskset_common.survival.curves.risk_table import (
    GridCounts,
    RiskTable,
    number_at_risk_on_next_row,
    risk_table,
)

Counts = NDArray[np.int64]
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """An estimate with its confidence limits; NaN where it is not reached or not defined."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class QuantileResult(Estimate):
    """The time at which the share `p` of the group has had the event."""

    p: float


@dataclass(frozen=True)
class CurvePoints:
    """A curve at the times when somebody leaves; parallel arrays of shape (n_times,). `std_err` is Greenwood's, of the survival."""

    time: Reals
    at_risk: Counts
    events: Counts
    censored: Counts
    survival: Reals
    std_err: Reals
    lower: Reals
    upper: Reals


@dataclass(frozen=True)
class Landmark:
    """A curve at a time that the plan names; `at_risk` are the patients with T >= time.

    Under left truncation `at_risk` is R's number, which holds for the next time at which somebody leaves. `events_to` are the
    events until then.
    """

    time: float
    at_risk: int
    events_to: int
    survival: float
    std_err: float
    lower: float
    upper: float


@dataclass(frozen=True)
class RestrictedMean:
    """Area under the curve up to `tau`, in the plan's unit of time."""

    tau: float
    estimate: float
    std_err: float


@dataclass(frozen=True)
class CurveResult:
    """One group's curve."""

    n: int
    events: int
    median: Estimate
    quantiles: list[QuantileResult]
    at: list[Landmark]
    curve: CurvePoints
    rmean: RestrictedMean | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class GroupCurve(CurveResult):
    """The curve of one group of several."""

    level: Mapping[str, str]


def table_of(found: GridCounts, group: int, grid: TimeGrid) -> RiskTable:
    """The risk table of one of the groups that were counted, in the plan's unit of time."""
    happened = found.events[group] + found.censored[group]
    if found.entered is not None:
        happened = happened + found.entered[group]
    active = np.flatnonzero(happened)
    return risk_table(
        grid.times(active),
        found.events[group, active],
        found.censored[group, active],
        None if found.entered is None else found.entered[group, active],
    )


def curve_result(
    table: RiskTable,
    *,
    interval: LimitKind,
    level: float,
    horizons: Sequence[float],
    quantiles: Sequence[float],
    rmean: float | None,
) -> CurveResult:
    """Estimate the curve of one group; `horizons` and `rmean` are times in the unit of the table."""
    curve = kaplan_meier(table)
    lower, upper = confidence_limits(curve, interval, level)
    middle = quantile(curve, lower, upper, 0.5)
    found = [(p, quantile(curve, lower, upper, p)) for p in quantiles]
    return CurveResult(
        n=table.n,
        events=int(table.events.sum()),
        median=Estimate(middle.estimate, middle.lower, middle.upper),
        quantiles=[QuantileResult(each.estimate, each.lower, each.upper, p) for p, each in found],
        at=_landmarks(table, curve, horizons, interval, level),
        curve=CurvePoints(
            curve.time,
            curve.at_risk,
            curve.events,
            curve.censored,
            curve.survival,
            curve.std_err,
            lower,
            upper,
        ),
        rmean=None if rmean is None else RestrictedMean(rmean, *restricted_mean(curve, rmean)),
    )


def _landmarks(
    table: RiskTable, curve: Curve, horizons: Sequence[float], interval: LimitKind, level: float
) -> list[Landmark]:
    times = np.asarray(horizons, dtype=np.float64)
    values = at(curve, times, interval, level)
    at_risk = number_at_risk_on_next_row(table, times)
    return [
        Landmark(
            time=time,
            at_risk=int(at_risk[index]),
            events_to=int(values.events_to[index]),
            survival=float(values.survival[index]),
            std_err=float(values.std_err[index]),
            lower=float(values.lower[index]),
            upper=float(values.upper[index]),
        )
        for index, time in enumerate(horizons)
    ]
