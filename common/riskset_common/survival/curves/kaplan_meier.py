"""Kaplan-Meier: the survival curve of a risk table, its limits, quantiles, values at given times and restricted mean.

References
----------
Kaplan EL, Meier P (1958), J Am Stat Assoc 53:457, equation 2b. Greenwood M (1926), Reports on Public Health 33.
Nelson W (1972), Technometrics 14:945. Aalen O (1978), Ann Stat 6:701. Borgan Ø, Liestøl K (1990), Scand J Stat 17:35
(transformed limits). Brookmeyer R, Crowley J (1982), Biometrics 38:29 (limits of the median). Schemper M, Smith TL (1996),
Control Clin Trials 17:343 (reverse Kaplan-Meier). Irwin JO (1949), J Hyg 47:188 (restricted mean).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.distributions import normal_quantile
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray
from riskset_common.survival.curves.risk_table import RiskTable, is_followed, rows_until

LimitKind = Literal["plain", "log", "log-log"]

SAME_PROBABILITY = math.sqrt(np.finfo(np.float64).eps)
"""S(t) this near to p equals p: S is a product of fractions and 10/20 may come out as 0.49999999999999994."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A survival curve, one row per row of its risk table; all arrays have shape (n_times,).

    Attributes
    ----------
    time
        In the unit of the analysis.
    survival
        Probability of no event up to and including `time`.
    std_err
        Greenwood's standard error of that probability itself; NaN where the probability is 0, as in R.
    cumulative_hazard, std_err_hazard
        Nelson-Aalen estimate and the root of Aalen's variance, sum of d / n².
    """

    time: FloatArray
    at_risk: IntArray
    events: IntArray
    censored: IntArray
    survival: FloatArray
    std_err: FloatArray
    cumulative_hazard: FloatArray
    std_err_hazard: FloatArray


@dataclass(frozen=True)
class Quantile:
    """The time at which a share of the patients has had the event, with limits; NaN where the curve does not get there."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class Horizons:
    """A curve at given times; all arrays have shape (n_horizons,). `events_to` counts up to and including.

    The others are NaN beyond follow-up.
    """

    time: FloatArray
    events_to: IntArray
    survival: FloatArray
    std_err: FloatArray
    lower: FloatArray
    upper: FloatArray
    cumulative_hazard: FloatArray
    std_err_hazard: FloatArray


class ReverseTies(Enum):
    """Who leaves first where deaths and censorings share a time, when follow-up is estimated in reverse."""

    COMPLEMENT = "complement"
    """Nothing but the flag is turned: a death at t is still at risk for the censorings at t (R: Surv(time, 1 - status))."""

    DEATHS_FIRST = "deaths_first"
    """As in the forward curve a death at t precedes a censoring at t, so it has left already (R: prodlim, reverse)."""


def kaplan_meier(table: RiskTable) -> Curve:
    """Estimate the survival curve of one group.

    With d events among n at risk at each time up to t,
    S(t) = prod (1 - d/n), Var S(t) = S(t)² sum d / (n (n - d)), H(t) = sum d/n, Var H(t) = sum d/n².
    """
    n = np.maximum(table.at_risk, 1).astype(np.float64)
    d = table.events.astype(np.float64)
    survival = np.cumprod((n - d) / n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        std_err = survival * np.sqrt(np.cumsum(np.where(d > 0, d / (n * (n - d)), 0.0)))
    return Curve(
        time=table.time,
        at_risk=table.at_risk,
        events=table.events,
        censored=table.censored,
        survival=survival,
        std_err=std_err,
        cumulative_hazard=np.cumsum(d / n),
        std_err_hazard=np.sqrt(np.cumsum(d / n**2)),
    )


def confidence_limits(curve: Curve, kind: LimitKind, level: float) -> tuple[FloatArray, FloatArray]:
    """Pointwise confidence limits, lower and upper, shape (n_times,) each.

    With S, its standard error se, z the normal quantile and s = se/S:
    plain S ± z se; log S exp(± z s); log-log S^exp(± z s / |log S|); each cut to [0, 1].
    Before the first event, where S = 1, both limits are 1 for every kind (R from 3.8 on; 3.5 leaves log-log undefined).
    Where S = 0 the standard error does not exist and both limits are NaN.
    """
    return probability_limits(curve.survival, curve.std_err, kind, level)


def at(curve: Curve, times: FloatArray, kind: LimitKind, level: float) -> Horizons:
    """Values of the curve at given times: a step function, 1 before its first row.

    After its last row, where nobody was followed, it does not exist (NaN), unless it has fallen to 0: then it stays there.
    """
    times = np.asarray(times, dtype=np.float64)
    row = rows_until(curve.time, times)
    ends_at_0 = bool(np.any(curve.survival == 0))
    exists = is_followed(curve.time, times) | ends_at_0

    def upto(values: FloatArray, before_first: float) -> FloatArray:
        return np.where(exists, np.concatenate(([before_first], values))[row], math.nan)

    survival, std_err = upto(curve.survival, 1.0), upto(curve.std_err, 0.0)
    lower, upper = probability_limits(survival, std_err, kind, level)
    return Horizons(
        time=times,
        events_to=np.concatenate(([0], np.cumsum(curve.events)))[row],
        survival=survival,
        std_err=std_err,
        lower=lower,
        upper=upper,
        cumulative_hazard=upto(curve.cumulative_hazard, 0.0),
        std_err_hazard=upto(curve.std_err_hazard, 0.0),
    )


def quantile(curve: Curve, lower: FloatArray, upper: FloatArray, p: float) -> Quantile:
    """The time by which a share p of the patients has had the event; p = 0.5 is the median.

    It is the first time at which S(t) <= 1 - p. Where S(t) equals 1 - p (to `SAME_PROBABILITY`) over an interval, it is the
    midpoint of that interval, which ends with the next fall of the curve or, if there is none, with its last time.
    The limits are where the limits of the curve reach 1 - p by the same rule (Brookmeyer and Crowley 1982). While few patients
    are at risk, log-log limits may rise before they fall; the row taken is then the one that comes nearest to 1 - p from
    below, as in quantile.survfit of R.
    """
    if not 0 < p < 1:
        raise EstimationError(f"A quantile is asked for a share between 0 and 1, but p is {p!r}.")
    return Quantile(
        estimate=_crossing(curve.time, curve.survival, 1 - p),
        lower=_crossing(curve.time, lower, 1 - p),
        upper=_crossing(curve.time, upper, 1 - p),
    )


def restricted_mean(curve: Curve, tau: float) -> tuple[float, float]:
    """Mean survival time up to tau and its standard error: the area under the curve from 0 to tau.

    With A(t) the area from t to tau, Var = sum over event times t <= tau of A(t)² d / (n (n - d)) (Irwin 1949). If nobody was followed
    to tau, both are NaN, unless the curve has fallen to 0: survRM2 of R refuses such a tau (Uno et al. 2014, J Clin Oncol 32:2380).
    """
    if not tau > 0:
        raise EstimationError(f"A restricted mean needs tau > 0, but tau is {tau!r}.")
    if not is_followed(curve.time, np.array([tau]))[0] and not np.any(curve.survival == 0):
        return math.nan, math.nan
    inside = curve.time < tau
    steps = np.concatenate(([0.0], curve.time[inside], [tau]))
    areas = np.diff(steps) * np.concatenate(([1.0], curve.survival[inside]))
    after = np.cumsum(areas[::-1])[::-1][1:]
    d, n = curve.events[inside], curve.at_risk[inside]
    counted = (d > 0) & (d < n)  # where all die the curve is 0, and so is the area after it
    d, n = d[counted].astype(np.float64), n[counted].astype(np.float64)
    variance = float(np.sum(after[counted] ** 2 * d / (n * (n - d))))
    return float(areas.sum()), math.sqrt(variance)


def reverse(table: RiskTable, ties: ReverseTies = ReverseTies.COMPLEMENT) -> RiskTable:
    """The risk table of follow-up: censoring becomes the event, the event censors (Schemper and Smith 1996)."""
    first_out = table.events if ties is ReverseTies.DEATHS_FIRST else np.zeros_like(table.events)
    return RiskTable(
        time=table.time,
        at_risk=table.at_risk - first_out,
        events=table.censored,
        censored=table.events,
        n=table.n,
    )


def probability_limits(
    survival: FloatArray, std_err: FloatArray, kind: LimitKind, level: float
) -> tuple[FloatArray, FloatArray]:
    """The limits of `confidence_limits` for probabilities and their standard errors, shape (n,) each."""
    if not 0 < level < 1:
        raise EstimationError(f"A confidence level lies between 0 and 1, but it is {level!r}.")
    z = normal_quantile((1 + level) / 2)
    sure = survival == 1
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "plain":
            lower, upper = survival - z * std_err, survival + z * std_err
        elif kind == "log":
            factor = np.exp(z * std_err / survival)
            lower, upper = survival / factor, survival * factor
        elif kind == "log-log":
            power = np.exp(z * std_err / (survival * np.abs(np.log(survival))))
            lower, upper = survival**power, survival ** (1 / power)
        else:
            raise EstimationError(
                f"Limits are 'plain', 'log' or 'log-log', but {kind!r} was asked."
            )
    lower, upper = (np.where(sure, 1.0, np.clip(limit, 0.0, 1.0)) for limit in (lower, upper))
    return lower, upper


def _crossing(time: FloatArray, height: FloatArray, level: float) -> float:
    """Where a falling step function reaches a level; the midpoint of a step that lies at the level."""
    reached = height <= level + SAME_PROBABILITY
    if not reached.any():
        return math.nan
    row = _highest(height, reached)
    if abs(height[row] - level) > SAME_PROBABILITY:
        return float(time[row])
    below = height < level - SAME_PROBABILITY
    ends_at_level = abs(height[~np.isnan(height)][-1] - level) <= SAME_PROBABILITY
    following = -1 if ends_at_level or not below.any() else _highest(height, below)
    return float((time[row] + time[following]) / 2)


def _highest(height: FloatArray, among: BoolArray) -> int:
    """The first of the rows of greatest height among some; where the heights fall, the first of all."""
    return int(np.argmax(np.where(among, height, -1.0)))
