"""The log-rank test and its weighted relatives: observed and expected events of k groups, by stratum, and the test of their sums.

A stratum is reduced to observed, expected and covariance; strata are added; the test is made once from the total. Everything is
a function of integers (at risk and events by group and time), so the test of pooled counts is the test of the pooled patients.

References
----------
Mantel N (1966), Cancer Chemother Rep 50:163. Peto R, Peto J (1972), J R Stat Soc A 135:185. Gehan EA (1965), Biometrika
52:203. Tarone RE, Ware J (1977), Biometrika 64:156. Harrington DP, Fleming TR (1982), Biometrika 69:553. Klein JP,
Moeschberger ML (2003), Survival Analysis, 2nd ed, section 7.3 (formulas 7.3.3 to 7.3.6) and 7.4 (trend).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.distributions import ChiSquareTest
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

Weights = Callable[[FloatArray, FloatArray], FloatArray]
"""Weight at each event time of a stratum, from its patients at risk and its events, all of shape (n_event_times,)."""


@dataclass(frozen=True, eq=False)
class LogRankSums:
    """Weighted events of k groups, observed and expected, and their covariance; sums over times, and over strata.

    Attributes
    ----------
    observed, expected
        Shape (k,).
    covariance
        Hypergeometric covariance of observed - expected, shape (k, k); its rows add up to 0.
    """

    observed: FloatArray
    expected: FloatArray
    covariance: FloatArray

    def __add__(self, other: LogRankSums) -> LogRankSums:
        return LogRankSums(
            self.observed + other.observed,
            self.expected + other.expected,
            self.covariance + other.covariance,
        )


def equal_weights(at_risk: FloatArray, _events: FloatArray) -> FloatArray:
    """The log-rank test of Mantel (1966): every event counts 1."""
    return np.ones_like(at_risk)


def gehan(at_risk: FloatArray, _events: FloatArray) -> FloatArray:
    """Gehan (1965), WILCOXON of SAS: an event counts the number at risk."""
    return at_risk


def tarone_ware(at_risk: FloatArray, _events: FloatArray) -> FloatArray:
    """Tarone and Ware (1977): an event counts the root of the number at risk."""
    return np.sqrt(at_risk)


def peto(at_risk: FloatArray, events: FloatArray) -> FloatArray:
    """Peto and Peto (1972) as SAS has it: S~(t) = prod (1 - d/(n + 1)), the event time itself included."""
    return np.cumprod(1 - events / (at_risk + 1), dtype=np.float64)


def modified_peto(at_risk: FloatArray, events: FloatArray) -> FloatArray:
    """Andersen's modification of `peto`: S~(t) n/(n + 1)."""
    return peto(at_risk, events) * at_risk / (at_risk + 1)


def fleming_harrington(rho: float, gamma: float) -> Weights:
    """Harrington and Fleming (1982): S(t-)^rho (1 - S(t-))^gamma, S the Kaplan-Meier estimate of the whole stratum.

    rho = 1, gamma = 0 is survdiff(rho = 1) of R; rho = gamma = 0 the log-rank test.
    """

    def weights(at_risk: FloatArray, events: FloatArray) -> FloatArray:
        after = np.cumprod((at_risk - events) / at_risk, dtype=np.float64)
        before = np.concatenate(([1.0], after[:-1]))[: len(at_risk)]
        return before**rho * (1 - before) ** gamma

    return weights


def log_rank_sums(
    at_risk: IntArray, events: IntArray, weights: Weights = equal_weights
) -> LogRankSums:
    """Reduce one stratum to its observed and expected events and their covariance.

    At an event time with n_g at risk in group g, n in all, d events and weight w, the group expects w d n_g / n events, and
    the covariance of groups g and h is w² d (n - d)/(n - 1) (n_g/n) (δ_gh - n_h/n) (Klein and Moeschberger 7.3.5).
    The diagonal is taken as minus the rest of its row, so that a group without a rival at risk has variance 0 exactly.

    Parameters
    ----------
    at_risk, events
        Patients of each group at each time, in the order of time, shape (k, n_times).
    """
    if at_risk.shape != events.shape or at_risk.ndim != 2:
        raise EstimationError(
            f"At risk and events need one shape (groups, times); found {at_risk.shape} and {events.shape}."
        )
    happened = events.sum(axis=0) > 0
    n_g, d_g = (counts[:, happened].astype(np.float64) for counts in (at_risk, events))
    n, d = n_g.sum(axis=0), d_g.sum(axis=0)
    w = weights(n, d)
    spread = w**2 * d * (n - d) / np.maximum(n - 1, 1) / n**2
    covariance = -(n_g * spread) @ n_g.T
    np.fill_diagonal(covariance, 0.0)
    np.fill_diagonal(covariance, -covariance.sum(axis=1))
    return LogRankSums(
        observed=(d_g * w).sum(axis=1),
        expected=(n_g * (w * d / n)).sum(axis=1),
        covariance=covariance,
    )


def total(strata: Iterable[LogRankSums]) -> LogRankSums:
    """Add the sums of all strata."""
    first, *others = strata
    for other in others:
        first = first + other
    return first


def log_rank_test(sums: LogRankSums) -> ChiSquareTest:
    """Test whether all groups have one hazard in every stratum: U' V^- U with U = observed - expected.

    The degrees of freedom are the rank of V. Two groups are compared if they are at risk together at an event; V has one
    rank less than groups in each set of groups that are compared, directly or through others. In the usual case this is one
    set, and one less than the groups that expect events, as R counts; where a group is constant within every stratum it
    leaves 0 degrees of freedom and the statistic 0, where R stops.
    """
    statistic, df = 0.0, 0
    deviation = sums.observed - sums.expected
    for members in compared(sums.covariance):
        kept = members[1:]  # the first is what the others leave
        if kept:
            block = sums.covariance[np.ix_(kept, kept)]
            statistic += float(deviation[kept] @ np.linalg.solve(block, deviation[kept]))
            df += len(kept)
    return ChiSquareTest(statistic, df)


def trend_test(sums: LogRankSums, scores: FloatArray) -> ChiSquareTest:
    """Test for a trend of the hazards over ordered groups: (s'U)² / s'V s (Klein and Moeschberger 7.4.2).

    Parameters
    ----------
    scores
        The position of each group on the ordered scale, shape (k,).
    """
    variance = float(scores @ sums.covariance @ scores)
    if variance <= 0:
        return ChiSquareTest(0.0, 0)
    deviation = float(scores @ (sums.observed - sums.expected))
    return ChiSquareTest(deviation**2 / variance, 1)


def compared(covariance: FloatArray) -> list[list[int]]:
    """Sets of groups that are compared with each other: the connected parts of the graph of non-zero covariances."""
    unseen = list(range(len(covariance)))
    parts: list[list[int]] = []
    while unseen:
        part, border = [], [unseen.pop(0)]
        while border:
            group = border.pop()
            part.append(group)
            border += [other for other in unseen if covariance[group, other] != 0]
            unseen = [other for other in unseen if other not in border]
        parts.append(sorted(part))
    return parts
