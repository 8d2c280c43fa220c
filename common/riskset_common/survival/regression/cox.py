"""The Cox partial likelihood: a design prepared once, and its log-likelihood, score and information at any coefficients.

A site evaluates this for its own patients; summed over sites that are strata of the model it is the pooled model exactly.

With w_i = exp(x_i' β), risk-set sums S0, S1 of w and w x at an event time with d deaths, and D0, D1 the same over the deaths,
Efron's approximation takes the deaths l = 0..d-1 in turn out of the risk set by the fraction f = l/d (Breslow's: f = 0):

    log L = sum over deaths of x' β - sum over times and l of log(S0 - f D0)
    U     = sum over deaths of x    - sum over times and l of (S1 - f D1) / (S0 - f D0)
    I     = sum over times and l of (S2 - f D2) / (S0 - f D0) - m m',    m = (S1 - f D1) / (S0 - f D0)

The sums of second order need no matrix per event time. Let a = sum over l of 1/(S0 - f D0), b = sum over l of f/(S0 - f D0) and
A_i the sum of a over the event times at which i is at risk: then the S2 and D2 of all times add up to X' diag(r) X with
r_i = w_i (A_i - [i died] b), and U = X' ([i died] - r_i).

An offset is added to x' β of its patient. Where event times are weighted, all that an event time contributes is multiplied by its
weight: the terms of log L, U and I, and so [i died], a and b.

References
----------
Cox DR (1972), J R Stat Soc B 34:187, equations 12 to 14. Cox DR (1975), Biometrika 62:269. Breslow NE (1974), Biometrics 30:89.
Efron B (1977), J Am Stat Assoc 72:557, section 6. Andersen PK, Gill RD (1982), Ann Stat 10:1100 (entry and strata).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.shapes import (
    BoolArray,
    FloatArray,
    IntArray,
    run_starts,
    same_length,
)
from riskset_common.survival.regression.risk_sets import SumsOverRiskSets, risk_sets

Ties = Literal["efron", "breslow"]
TimeArray = IntArray | FloatArray

_TABLE_SIZE = 100_000
"""Whole times within a range of this size are ranked by a table."""


@dataclass(frozen=True, eq=False)
class CoxDesign:
    """Patients arranged for the partial likelihood; those who are at risk at no event are left out.

    Rows are sorted by stratum and by time, latest first, the deaths of a time before all others.

    Attributes
    ----------
    x
        Covariates less the mean of their stratum, shape (p, n_rows): the likelihood is the same for any constant.
    row_strata
        Where the rows of each stratum begin, shape (n_strata,).
    risk_sets
        Who is at risk at which event time.
    deaths
        Rows that die, in the order of their slots, shape (n_deaths,).
    slot_deaths
        Where the deaths of each event time begin in `deaths`, shape (n_slots,).
    fraction
        Efron's f of each death, shape (n_deaths,); None where no deaths are tied and for Breslow's approximation.
    rows
        Which of the patients that were given is in each row, shape (n_rows,).
    offset
        What is added to the linear predictor, shape (n_rows,); None without.
    """

    x: FloatArray
    row_strata: IntArray
    risk_sets: SumsOverRiskSets
    deaths: IntArray
    slot_deaths: IntArray
    fraction: FloatArray | None
    rows: IntArray
    offset: FloatArray | None = None

    @cached_property
    def deaths_per_slot(self) -> IntArray:
        """Deaths of each event time, shape (n_slots,)."""
        return _run_lengths(self.slot_deaths, len(self.deaths))

    @cached_property
    def stratum_rows(self) -> IntArray:
        """Rows of each stratum, shape (n_strata,)."""
        return _run_lengths(self.row_strata, self.x.shape[1])

    @property
    def slot_rows(self) -> IntArray:
        """Which of the patients that were given dies first at each event time, shape (n_slots,): a way to its time and stratum."""
        return self.rows[self.deaths[self.slot_deaths]]


@dataclass(frozen=True, eq=False)
class CoxSums:
    """Log-likelihood, score, shape (p,), and information, shape (p, p), at some coefficients; they add over strata."""

    log_likelihood: float
    score: FloatArray
    information: FloatArray

    def __add__(self, other: CoxSums) -> CoxSums:
        return CoxSums(
            self.log_likelihood + other.log_likelihood,
            self.score + other.score,
            self.information + other.information,
        )


def prepare(
    time: TimeArray,
    event: BoolArray,
    entry: TimeArray | None,
    x: FloatArray,
    stratum: IntArray,
    ties: Ties,
    offset: FloatArray | None = None,
) -> CoxDesign:
    """Arrange patients for `cox_sums`.

    Parameters
    ----------
    time
        Time of event or censoring, any unit, shape (n,); equal times are ties, so whole steps of a grid are best.
    event
        True where the time is that of the event, shape (n,).
    entry
        Time of coming under observation, entry < time, shape (n,); None without left truncation.
    x
        Covariates, shape (n, p).
    stratum
        Numbers of any kind, equal within a stratum, shape (n,).
    ties
        How tied deaths are treated: Efron's or Breslow's approximation.
    offset
        A covariate whose coefficient is 1, shape (n,); None without.
    """
    same_length(time=time, event=event, entry=entry, x=x, stratum=stratum, offset=offset)
    _refuse_unusable(time, entry, x, ties, offset)
    event = event.astype(np.bool_)
    first, last, strata = _slots(time, event, entry, stratum)
    kept = np.flatnonzero(first <= last)
    # Sorting small whole numbers is several times faster than sorting large ones.
    n_keys = 2 * int(strata[-1])
    key = (2 * first[kept] + ~event[kept]).astype(np.uint16 if n_keys < 2**16 else np.int64)
    rows = kept[np.argsort(key, kind="stable")]
    first, last = first[rows], last[rows]
    deaths = np.flatnonzero(event[rows]).astype(np.int64)
    row_strata = np.searchsorted(first, strata[:-1]).astype(np.int64)
    slot_deaths = run_starts(first[deaths])
    return CoxDesign(
        x=_centred(np.ascontiguousarray(x[rows].T, dtype=np.float64), row_strata),
        row_strata=row_strata,
        risk_sets=risk_sets(first, last, strata),
        deaths=deaths,
        slot_deaths=slot_deaths,
        fraction=_fractions(slot_deaths, len(deaths)) if ties == "efron" else None,
        rows=rows,
        offset=None if offset is None else offset[rows],
    )


def cox_sums(design: CoxDesign, beta: FloatArray, weight: FloatArray | None = None) -> CoxSums:
    """Log partial likelihood, score and information of a design at the coefficients β, shape (p,).

    Where β is so far off that a risk set's weight vanishes in double precision, the log-likelihood is not finite.

    Parameters
    ----------
    weight
        Of each event time, any sign, shape (n_slots,); None where each counts once.
    """
    p = len(design.x)
    beta = np.asarray(beta, dtype=np.float64)
    if beta.shape != (p,):
        raise EstimationError(f"The design has {p} columns, but β has the shape {beta.shape}.")
    if len(design.deaths) == 0:
        return CoxSums(0.0, np.zeros(p), np.zeros((p, p)))
    d = design.deaths_per_slot
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        predictor, weighted = weighted_rows(design, beta)
        sums = design.risk_sets.over_risk_sets(weighted)
        times = _event_times(design, weighted, sums, np.ones(len(d)) if weight is None else weight)
        died = np.repeat(times.weight, d)
        residual = design.risk_sets.over_time_at_risk(times.a)
        if times.b is not None:
            residual[design.deaths] -= np.repeat(times.b, d)
        second_order = np.multiply(weighted[1:], residual, out=weighted[1:]) @ design.x.T
        residual *= weighted[0]
        np.negative(residual, out=residual)
        residual[design.deaths] += died
        information = second_order - times.squared_means
        return CoxSums(
            log_likelihood=float(died @ predictor[design.deaths]) - times.log_weight,
            score=design.x @ residual,
            information=(information + information.T) / 2,
        )


def weighted_rows(design: CoxDesign, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The linear predictor of each row, less the largest of its stratum, shape (n_rows,), and w over w x, shape (p + 1, n_rows)."""
    predictor = beta @ design.x
    if design.offset is not None:
        predictor += design.offset
    predictor = _less_stratum_maximum(predictor, design)
    weighted = np.empty((len(design.x) + 1, design.x.shape[1]))
    np.exp(predictor, out=weighted[0])
    np.multiply(design.x, weighted[0], out=weighted[1:])
    return predictor, weighted


@dataclass(frozen=True, eq=False)
class _EventTimes:
    """What the event times contribute: weight, a and b of each, shape (n_slots,), and the sums of log(S0 - f D0) and of m m'."""

    weight: FloatArray
    a: FloatArray
    b: FloatArray | None
    log_weight: float
    squared_means: FloatArray


def _event_times(
    design: CoxDesign, weighted: FloatArray, sums: FloatArray, weight: FloatArray
) -> _EventTimes:
    """Reduce the event times, given w and w x of the rows and S0 and S1 of the slots, each stacked as (p + 1, ..)."""
    S0, d = sums[0], design.deaths_per_slot
    means = sums[1:] / S0
    log_weight = float((weight * d) @ np.log(S0))
    if design.fraction is None:
        return _EventTimes(
            weight, weight * d / S0, None, log_weight, (means * (weight * d)) @ means.T
        )
    D = np.add.reduceat(weighted[:, design.deaths], design.slot_deaths, axis=1) / S0
    f = design.fraction
    # 1 - f D0/S0: the share of the risk set that is left at each death.
    left = 1 - f * np.repeat(D[0], d)
    log_weight += float(np.repeat(weight, d) @ np.log(left))
    inverse = 1 / left
    terms = np.stack((inverse, f * inverse, inverse**2, f * inverse**2, (f * inverse) ** 2))
    a, b, c, e, g = np.add.reduceat(terms, design.slot_deaths, axis=1) * weight
    mixed = (means * e) @ D[1:].T
    squared_means = (means * c) @ means.T - mixed - mixed.T + (D[1:] * g) @ D[1:].T
    return _EventTimes(weight, a / S0, b / S0, log_weight, squared_means)


def _less_stratum_maximum(predictor: FloatArray, design: CoxDesign) -> FloatArray:
    """Shift the linear predictor of every stratum so that its largest is 0 and no exponential overflows."""
    highest: FloatArray = np.maximum.reduceat(predictor, design.row_strata)
    return predictor - np.repeat(highest, design.stratum_rows)


def _centred(x: FloatArray, row_strata: IntArray) -> FloatArray:
    """Subtract from each covariate, shape (p, n_rows), its mean in the stratum.

    The first row of the stratum is subtracted before: then a constant column is 0 exactly, and a large offset common to
    all rows takes no digits from the mean.
    """
    sizes = _run_lengths(row_strata, x.shape[1])
    x -= np.repeat(x[:, row_strata], sizes, axis=1)
    if len(sizes):
        means = np.add.reduceat(x, row_strata, axis=1) / sizes
        x -= np.repeat(means, sizes, axis=1)
    return x


def _slots(
    time: TimeArray, event: BoolArray, entry: TimeArray | None, stratum: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Number the event times of all strata, latest first within a stratum.

    Returns
    -------
    first, last
        The slots in which each patient is at risk, shape (n,); first > last where there is none.
    strata
        Where the slots of each stratum with an event begin, and the number of slots at the end.
    """
    times = np.unique(time[event])
    rank, entry_rank = _rank(times, time), 0 if entry is None else _rank(times, entry)
    if len(stratum) == 0 or bool(np.all(stratum == stratum[0])):
        n_slots, until, after = len(times), rank, entry_rank
        starts = np.zeros(min(n_slots, 1), dtype=np.int64)
    else:
        width = len(times) + 1
        offset = np.unique(stratum, return_inverse=True)[1] * width
        slots = np.unique((offset + rank)[event])
        n_slots = len(slots)
        until = np.searchsorted(slots, offset + rank, side="right")
        after = np.searchsorted(slots, offset + entry_rank, side="right")
        starts = run_starts(slots // width)
    # Ascending, a patient is at risk in the slots after..until - 1; here they are turned round.
    strata = n_slots - np.append(starts, n_slots)[::-1]
    return n_slots - until, np.broadcast_to(n_slots - 1 - after, rank.shape), strata


def _rank(times: NDArray[np.generic], points: TimeArray) -> IntArray:
    """How many of some ascending times are not after each point, shape (n,)."""
    if len(times) and points.dtype.kind == times.dtype.kind == "i":
        low, high = int(times[0]), int(times[-1])
        if high - low <= _TABLE_SIZE:
            # Whole days: a table of all days is quicker than a search for each patient.
            known = np.zeros(high - low + 2, dtype=np.int64)
            known[times - low + 1] = 1
            return np.cumsum(known)[np.clip(points - low + 1, 0, high - low + 1)]
    return np.searchsorted(times, points, side="right").astype(np.int64)


def _fractions(slot_deaths: IntArray, n_deaths: int) -> FloatArray | None:
    """Efron's l/d of every death, or None where all event times have one death."""
    if len(slot_deaths) == n_deaths:
        return None
    d = _run_lengths(slot_deaths, n_deaths)
    fraction: FloatArray = (np.arange(n_deaths) - np.repeat(slot_deaths, d)) / np.repeat(d, d)
    return fraction


def _run_lengths(starts: IntArray, n: int) -> IntArray:
    """How many of n rows each run has, given where the runs begin."""
    return np.diff(starts, append=n)


def _refuse_unusable(
    time: TimeArray, entry: TimeArray | None, x: FloatArray, ties: Ties, offset: FloatArray | None
) -> None:
    if ties not in ("efron", "breslow"):
        raise EstimationError(f"Ties are treated by 'efron' or 'breslow', but {ties!r} was asked.")
    if x.ndim != 2:
        raise EstimationError(f"Covariates need the shape (patients, columns), found {x.shape}.")
    if not all(each is None or bool(np.all(np.isfinite(each))) for each in (time, x, offset)):
        raise EstimationError(
            "Times and covariates must be finite numbers; leave incomplete patients out before."
        )
    if entry is not None and not np.all(entry < time):
        raise EstimationError(
            f"Entry must lie before the time of event or censoring, but does not for "
            f"{int(np.sum(~(entry < time)))} patients. Correct their dates or leave them out."
        )
