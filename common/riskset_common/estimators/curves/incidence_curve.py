"""The cumulative incidence of one kind of event in one group as it is printed, from its counts on the time grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.curves.survival_curve import table_of
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


@dataclass(frozen=True)
class IncidencePoints:
    """A curve at the times when somebody leaves; parallel arrays of shape (n_times,). `std_err` is Aalen's, of the incidence.

    `events` are of this cause, `competing` of any other kind.
    """

    time: Reals
    at_risk: Counts
    events: Counts
    competing: Counts
    censored: Counts
    incidence: Reals
    std_err: Reals
    lower: Reals
    upper: Reals


@dataclass(frozen=True)
class IncidenceLandmark:
    """A curve at a time that the plan names; `at_risk` as at a landmark of a Kaplan-Meier curve, `events_to` are of this cause."""

    time: float
    at_risk: int
    events_to: int
    incidence: float
    std_err: float
    lower: float
    upper: float


@dataclass(frozen=True)
class CauseIncidence:
    """One cause in one group."""

    events: int
    at: list[IncidenceLandmark]
    curve: IncidencePoints


def cause_incidence(
    found: KindCounts,
    kind: int,
    group: int,
    grid: TimeGrid,
    *,
    interval: LimitKind,
    level: float,
    horizons: Sequence[float],
) -> CauseIncidence:
    """Estimate the cumulative incidence of a kind of event in one of the groups that were counted."""
    any_kind = found.any_kind
    table = table_of(any_kind, group, grid)
    leaving = np.flatnonzero(any_kind.events[group] + any_kind.censored[group])
    curve = cumulative_incidence(table, found.events[kind, group, leaving])
    lower, upper = incidence_limits(curve.incidence, curve.std_err, interval, level)
    times = np.asarray(horizons, dtype=np.float64)
    values = incidence_at(curve, times, interval, level)
    at_risk = number_at_risk_on_next_row(table, times)
    return CauseIncidence(
        events=int(curve.events.sum()),
        at=[
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
        ],
        curve=IncidencePoints(**vars(curve), lower=lower, upper=upper),
    )
