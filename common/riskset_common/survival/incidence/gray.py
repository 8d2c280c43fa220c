"""Gray's test: do k groups have the same cumulative incidence of one kind of event, other kinds competing?

A stratum is reduced to observed and expected events and their covariance, as for a log-rank test; strata are added, and the test is
`log_rank_test` of the sum. Everything is a function of integers (at risk and events by kind, group and time).

References
----------
Gray RJ (1988), A class of K-sample tests for comparing the cumulative incidence of a competing risk, Ann Stat 16:1141, section 2
(scores) and section 3 (covariance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.shapes import FloatArray, IntArray
from riskset_common.survival.incidence.cumulative_incidence import tie_correction
from riskset_common.survival.tests.log_rank import LogRankSums


@dataclass(frozen=True, eq=False)
class _Groups:
    """What the sums of one stratum need at each time with an event of any kind; arrays (k, n_times) unless said.

    Attributes
    ----------
    at_risk, events, competing
        Y, patients at risk, with an event of the kind that is compared, and of another kind.
    free_before, free
        S(t-) and S(t), Kaplan-Meier estimates of being free of any event.
    effective
        h = Y / S(t-): how many patients the group would have had at 0 to have Y at risk without censoring.
    common_before, common
        1 - F0(t-) and 1 - F0(t), F0 the cumulative incidence under the hypothesis, dF0 = events / sum of h; shape (n_times,).
    """

    at_risk: FloatArray
    events: FloatArray
    competing: FloatArray
    free_before: FloatArray
    free: FloatArray
    effective: FloatArray
    common_before: FloatArray
    common: FloatArray

    @property
    def step(self) -> FloatArray:
        """dF0, shape (n_times,)."""
        return _ratio(self.events.sum(axis=0), self.effective.sum(axis=0))


def gray_sums(
    at_risk: IntArray, events: IntArray, competing: IntArray, rho: float = 0.0
) -> LogRankSums:
    """Reduce one stratum to its weighted events, observed and expected, and their covariance.

    With F_k the cumulative incidence of group k, its risk set is R_k = Y_k (1 - F_k(t-)) / S_k(t-): patients at risk, and of those with
    an event of another kind as many as would still be under observation. At a time with d events of the kind in all the group expects
    w d R_k / sum of R, with the weight w = (1 - F0(t-))^rho.

    Parameters
    ----------
    at_risk, events, competing
        Patients of each group at each time, in the order of time: at risk, with an event of the kind that is compared, with one of
        another kind, shape (k, n_times).
    rho
        Weight of early differences; 0 weighs all alike.
    """
    if not (at_risk.shape == events.shape == competing.shape and at_risk.ndim == 2):
        raise EstimationError(
            "At risk, events and competing events need one shape (groups, times); "
            f"found {at_risk.shape}, {events.shape} and {competing.shape}."
        )
    happened = (events + competing).sum(axis=0) > 0
    groups = _groups(*(counts[:, happened] for counts in (at_risk, events, competing)))
    incidence = np.cumsum(_ratio(groups.free_before * groups.events, groups.at_risk), axis=1)
    risk_set = groups.effective * (1 - _before(incidence, 0.0))
    weight = groups.common_before**rho
    share = _ratio(risk_set, risk_set.sum(axis=0))
    return LogRankSums(
        observed=(weight * groups.events).sum(axis=1),
        expected=(weight * share * groups.events.sum(axis=0)).sum(axis=1),
        covariance=_covariance(groups, weight),
    )


def _groups(at_risk: IntArray, events: IntArray, competing: IntArray) -> _Groups:
    y, d, other = (counts.astype(np.float64) for counts in (at_risk, events, competing))
    free: FloatArray = np.cumprod(1 - _ratio(d + other, y), axis=1, dtype=np.float64)
    free_before = _before(free, 1.0)
    effective = np.where(y > 0, _ratio(y, free_before), 0.0)
    common = 1 - np.cumsum(_ratio(d.sum(axis=0), effective.sum(axis=0)))
    return _Groups(y, d, other, free_before, free, effective, _before(common, 1.0), common)


def _covariance(groups: _Groups, weight: FloatArray) -> FloatArray:
    """Covariance of observed - expected under the hypothesis, shape (k, k).

    The score of group k is a sum over groups r of integrals over their cumulative incidences, with (Gray 1988, section 3)
    d_kr(t) = w h_k (δ_kr - h_r / sum of h) and C_kr(t) = the integral of d_kr dF0 / (1 - F0(t-)) over the times after t.
    An event of the kind in group r at t moves it by d_kr + (1 - q) C_kr, one of another kind by -q C_kr, q = (1 - F0(t)) / S_r(t);
    their variances are dF0 / h_r and S_r(t-) d_2r / (Y_r h_r), both for single events.

    Several events at one time have their `tie_correction` among Y_r patients, those of the kind that is compared among
    S_r(t-) times the sum of h: the patients at risk if all groups were like r.
    """
    k = len(groups.effective)
    total = groups.effective.sum(axis=0)
    share = _ratio(groups.effective, total)
    hazard = _ratio(groups.step, groups.common_before)
    m = groups.events.sum(axis=0)
    covariance = np.zeros((k, k))
    for r in range(k):
        own = (np.arange(k) == r).astype(np.float64)[:, np.newaxis]
        now = weight * groups.effective * (own - share[r])
        sums = np.cumsum(now * hazard, axis=1)
        later = sums[:, -1:] - sums
        q = _ratio(groups.common, groups.free[r])
        ties = tie_correction(m, groups.free_before[r] * total)
        ties_of_others = tie_correction(groups.competing[r], groups.at_risk[r])
        others = _ratio(groups.free_before[r] * groups.competing[r], groups.at_risk[r])
        moved, moved_by_others = now + (1 - q) * later, q * later
        spread = ties * _ratio(groups.step, groups.effective[r])
        spread_of_others = ties_of_others * _ratio(others, groups.effective[r])
        covariance += (moved * spread) @ moved.T
        covariance += (moved_by_others * spread_of_others) @ moved_by_others.T
    return covariance


def _before(values: FloatArray, start: float) -> FloatArray:
    """Values before each time, the first being `start`; the same shape, time along the last axis."""
    first = np.full((*values.shape[:-1], 1), start)
    return np.concatenate((first, values), axis=-1)[..., :-1]


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """numerator / denominator, 0 where the denominator is 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    result: FloatArray = np.divide(
        numerator, denominator, out=np.zeros(shape), where=denominator != 0
    )
    return result
