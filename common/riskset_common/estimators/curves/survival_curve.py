"""One group's Kaplan-Meier curve as it is printed, from its counts on the time grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from riskset_common.results.curves import (
    CurvePoints,
    Estimate,
    GroupCurve,
    Landmark,
    QuantileResult,
    RestrictedMean,
)
from riskset_common.results.sequences import real_numbers, whole_numbers
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


def table_of(counts: GridCounts, group: int, grid: TimeGrid) -> RiskTable:
    """The risk table of one of the groups that were counted, in the plan's unit of time."""
    happened = counts.events[group] + counts.censored[group]
    if counts.entered is not None:
        happened = happened + counts.entered[group]
    active = np.flatnonzero(happened)
    return risk_table(
        grid.times(active),
        counts.events[group, active],
        counts.censored[group, active],
        None if counts.entered is None else counts.entered[group, active],
    )


def group_curve(
    table: RiskTable,
    group: Mapping[str, str],
    *,
    interval: LimitKind,
    level: float,
    horizons: Sequence[float],
    quantiles: Sequence[float],
    rmean: float | None,
) -> GroupCurve:
    """Estimate the curve of the group of these levels; `horizons` and `rmean` are times in the unit of the table."""
    curve = kaplan_meier(table)
    lower, upper = confidence_limits(curve, interval, level)
    middle = quantile(curve, lower, upper, 0.5)
    estimates = [(p, quantile(curve, lower, upper, p)) for p in quantiles]
    return GroupCurve(
        n=table.n,
        events=int(table.events.sum()),
        median=Estimate(middle.estimate, middle.lower, middle.upper),
        quantiles=tuple(
            QuantileResult(each.estimate, each.lower, each.upper, p) for p, each in estimates
        ),
        at=_landmarks(table, curve, horizons, interval, level),
        curve=CurvePoints(
            time=real_numbers(curve.time),
            at_risk=whole_numbers(curve.at_risk),
            events=whole_numbers(curve.events),
            censored=whole_numbers(curve.censored),
            survival=real_numbers(curve.survival),
            std_err=real_numbers(curve.std_err),
            lower=real_numbers(lower),
            upper=real_numbers(upper),
        ),
        rmean=None if rmean is None else RestrictedMean(rmean, *restricted_mean(curve, rmean)),
        level=group,
        numbers_at_risk=None,
    )


def _landmarks(
    table: RiskTable, curve: Curve, horizons: Sequence[float], interval: LimitKind, level: float
) -> tuple[Landmark, ...]:
    times = np.asarray(horizons, dtype=np.float64)
    values = at(curve, times, interval, level)
    at_risk = number_at_risk_on_next_row(table, times)
    return tuple(
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
    )
