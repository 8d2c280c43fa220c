"""Cumulative incidence under competing risks: the probability of having had an event of one kind before any other kind.

The estimate is that of Aalen and Johansen (1978) for competing risks, F(t) = sum S(t-) d_1/n over the times up to t, with S the
Kaplan-Meier estimate of being free of every kind of event (Kalbfleisch and Prentice 1980, section 7.2).

References
----------
Aalen O (1978), Ann Stat 6:534 (variance). Aalen OO, Johansen S (1978), Scand J Stat 5:141. Marubini E, Valsecchi MG (1995),
Analysing Survival Data from Clinical Trials and Observational Studies, chapter 10. Gray RJ (1988), Ann Stat 16:1141.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.survival.arrays.shapes import FloatArray, IntArray, same_length
from riskset_common.survival.curves.kaplan_meier import LimitKind, kaplan_meier, probability_limits
from riskset_common.survival.curves.risk_table import RiskTable, is_followed, rows_until


@dataclass(frozen=True, eq=False)
class IncidenceCurve:
    """The cumulative incidence of one kind of event, one row per row of its risk table; all arrays have shape (n_times,).

    Attributes
    ----------
    time
        In the unit of the analysis.
    at_risk, events, competing, censored
        Patients: free of any event before `time`, with an event of this kind, of another kind, without any.
    incidence
        Probability of an event of this kind, and of no other before it, up to and including `time`.
    std_err
        Aalen's standard error of that probability itself.
    """

    time: FloatArray
    at_risk: IntArray
    events: IntArray
    competing: IntArray
    censored: IntArray
    incidence: FloatArray
    std_err: FloatArray


@dataclass(frozen=True, eq=False)
class IncidenceHorizons:
    """A curve at given times; all arrays have shape (n_horizons,). `events_to` counts up to and including the time."""

    time: FloatArray
    events_to: IntArray
    incidence: FloatArray
    std_err: FloatArray
    lower: FloatArray
    upper: FloatArray


def cumulative_incidence(table: RiskTable, events: IntArray) -> IncidenceCurve:
    """Estimate the cumulative incidence of one kind of event in one group.

    Parameters
    ----------
    table
        The risk table of the group, its events of any kind.
    events
        Events of the one kind on the rows of the table, shape (n_times,).
    """
    same_length(time=table.time, events=events)
    n = np.maximum(table.at_risk, 1).astype(np.float64)
    free = np.concatenate(([1.0], kaplan_meier(table).survival[:-1]))[: len(n)]
    step = free * events / n
    return IncidenceCurve(
        time=table.time,
        at_risk=table.at_risk,
        events=events,
        competing=table.events - events,
        censored=table.censored,
        incidence=np.cumsum(step),
        std_err=np.sqrt(_variance(step, free, n, events, table.events - events)),
    )


def _variance(
    step: FloatArray, free: FloatArray, n: FloatArray, events: IntArray, competing: IntArray
) -> FloatArray:
    """Aalen's variance of the cumulative incidence, shape (n_times,).

    At a time u with d_1 events of this kind, d_2 of the others and d in all, the hazards' increments d_i/n have the variance
    v_i = d_i/n² times their `tie_correction`, and no covariance. An error of the one raises F(t) by S(u-) - G, one of the other lowers
    it by G, where G = (F(t) - F(u)) / (1 - d/n) is what is still to come, had nobody left at u. So
    Var F(t) = sum over u <= t of (S(u-) - G)² v_1 + G² v_2.

    With w = (v_1 + v_2)/(1 - d/n)² and c = S(u-) v_1/(1 - d/n) this is sum w (F(t) - F(u))² - 2 sum c (F(t) - F(u)) + sum S(u-)² v_1,
    and each sum grows from row to row by the step of F alone, so that no nearly equal numbers are subtracted.
    """
    v_1, v_2 = (d / n**2 * tie_correction(d, n) for d in (events, competing))
    left = 1 - (events + competing) / n
    # Where all leave nothing is to come, and G is 0.
    inverse = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)
    weight = _sum_before((v_1 + v_2) * inverse**2)
    first = np.cumsum(step * weight)
    first_before = np.concatenate(([0.0], first[:-1]))[: len(first)]
    second = np.cumsum(step * (2 * first_before + step * weight))
    cross = np.cumsum(step * _sum_before(free * v_1 * inverse))
    variance: FloatArray = np.maximum(second - 2 * cross + np.cumsum(free**2 * v_1), 0.0)
    return variance


def tie_correction(m: FloatArray | IntArray, n: FloatArray) -> FloatArray:
    """(n - m)/(n - 1), and 1 for at most one event: a hypergeometric variance in units of the variance of m single events.

    m events at one time among n patients, any shape. A last patient's event, where n = 1, keeps its variance.
    """
    beyond = np.where(m > 1, m - 1, 0).astype(np.float64)
    correction: FloatArray = 1 - np.divide(
        beyond, n - 1, out=np.zeros_like(beyond), where=(m > 1) & (n > 1)
    )
    return correction


def _sum_before(values: FloatArray) -> FloatArray:
    """Sum of the values on earlier rows, shape (n_times,)."""
    return np.concatenate(([0.0], np.cumsum(values)[:-1]))[: len(values)]


def incidence_limits(
    incidence: FloatArray, std_err: FloatArray, kind: LimitKind, level: float
) -> tuple[FloatArray, FloatArray]:
    """Pointwise confidence limits, lower and upper, shape (n,) each: those of `kaplan_meier.confidence_limits` with F for S.

    Where F = 0, before the first event of the kind, both limits are 0 for every kind of limit (R leaves them undefined).
    """
    lower, upper = probability_limits(incidence, std_err, kind, level)
    none = incidence == 0
    return np.where(none, 0.0, lower), np.where(none, 0.0, upper)


def incidence_at(
    curve: IncidenceCurve, times: FloatArray, kind: LimitKind, level: float
) -> IncidenceHorizons:
    """Values of the curve at given times: a step function, 0 before its first row.

    After its last row, where nobody was followed, it does not exist (NaN), unless everybody has had an event: then it stays as it is.
    """
    times = np.asarray(times, dtype=np.float64)
    row = rows_until(curve.time, times)
    nobody_free = bool(np.any(curve.at_risk == curve.events + curve.competing))
    exists = is_followed(curve.time, times) | nobody_free
    incidence = np.where(exists, np.concatenate(([0.0], curve.incidence))[row], np.nan)
    std_err = np.where(exists, np.concatenate(([0.0], curve.std_err))[row], np.nan)
    lower, upper = incidence_limits(incidence, std_err, kind, level)
    return IncidenceHorizons(
        time=times,
        events_to=np.concatenate(([0], np.cumsum(curve.events)))[row],
        incidence=incidence,
        std_err=std_err,
        lower=lower,
        upper=upper,
    )
