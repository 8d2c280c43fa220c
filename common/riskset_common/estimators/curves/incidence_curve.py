"""The cumulative incidence of one kind of event in one group as it is printed, from its counts on the time grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.curves.survival_curve import table_of
from riskset_common.results.incidence import CauseIncidence, IncidenceLandmark, IncidencePoints
from riskset_common.results.sequences import real_numbers, whole_numbers
from riskset_common.study.time_grid import TimeGrid
from riskset_common.survival.curves.kaplan_meier import LimitKind
from riskset_common.survival.curves.risk_table import KindCounts, number_at_risk_on_next_row
from riskset_common.survival.incidence.cumulative_incidence import (
    cumulative_incidence,
    incidence_at,
    incidence_limits,
)

Counts = NDArray[np.int64]
Reals = NDArray[np.float64]


def cause_incidence(
    counts: KindCounts,
    kind: int,
    group: int,
    grid: TimeGrid,
    *,
    interval: LimitKind,
    level: float,
    horizons: Sequence[float],
) -> CauseIncidence:
    """Estimate the cumulative incidence of a kind of event in one of the groups that were counted."""
    any_kind = counts.any_kind
    table = table_of(any_kind, group, grid)
    leaving = np.flatnonzero(any_kind.events[group] + any_kind.censored[group])
    curve = cumulative_incidence(table, counts.events[kind, group, leaving])
    lower, upper = incidence_limits(curve.incidence, curve.std_err, interval, level)
    times = np.asarray(horizons, dtype=np.float64)
    values = incidence_at(curve, times, interval, level)
    at_risk = number_at_risk_on_next_row(table, times)
    return CauseIncidence(
        events=int(curve.events.sum()),
        at=tuple(
            IncidenceLandmark(
                time=time,
                at_risk=int(at_risk[index]),
                events_to=int(values.events_to[index]),
                incidence=float(values.incidence[index]),
                std_err=float(values.std_err[index]),
                lower=float(values.lower[index]),
                upper=float(values.upper[index]),
            )
            for index, time in enumerate(horizons)
        ),
        curve=IncidencePoints(
            time=real_numbers(curve.time),
            at_risk=whole_numbers(curve.at_risk),
            events=whole_numbers(curve.events),
            competing=whole_numbers(curve.competing),
            censored=whole_numbers(curve.censored),
            incidence=real_numbers(curve.incidence),
            std_err=real_numbers(curve.std_err),
            lower=real_numbers(lower),
            upper=real_numbers(upper),
        ),
    )
