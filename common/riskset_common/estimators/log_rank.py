"""The log-rank test of an analysis: from pooled counts, or, stratified by site, as a sum of what each site computes alone.

The strata of a test stratified by site lie within the sites. Their counts need not be opened: observed, expected and covariance of
a stratum follow from one site's patients, and add up over the sites (Mantel 1966).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.estimator import Shape, Summary, reals
from riskset_common.patients import EndpointTimes, Integers
from riskset_common.results import NamedTest
from riskset_common.survival.log_rank import LogRankSums, log_rank_sums, log_rank_test, total
from riskset_common.survival.risk_table import GridCounts, count_on_grid


@dataclass(frozen=True)
class LogRankResult(NamedTest):
    """The log-rank test; arrays run over the groups that hold patients, covariance is of observed minus expected."""

    strata: list[str]
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    covariance: NDArray[np.float64]


def sums_shapes(k: int) -> dict[str, Shape]:
    """What a site adds to a test of k groups that is stratified by site."""
    return {"observed": reals(k), "expected": reals(k), "covariance": reals(k, k)}


def sums_summary(
    times: EndpointTimes, group: Integers, stratum: Integers, k: int
) -> Mapping[str, NDArray[np.float64]]:
    """This site's observed, expected and covariance over its own strata; `group` and `stratum` have shape (n,)."""
    strata = [stratum == code for code in np.unique(stratum)]
    sums = total(
        [
            LogRankSums(np.zeros(k), np.zeros(k), np.zeros((k, k))),
            *(_sums_of_patients(times.rows(inside), group[inside], k) for inside in strata),
        ]
    )
    return vars(sums)


def pooled_sums(pooled: Summary) -> LogRankSums:
    """The sums of all sites, as they were asked for by `sums_shapes`."""
    return LogRankSums(pooled["observed"], pooled["expected"], pooled["covariance"])


def sums_of_counts(found: GridCounts, k: int) -> LogRankSums:
    """The sums over the strata of pooled counts, whose rows are the groups of one stratum after the other."""
    n_strata = len(found.events) // k
    strata = zip(np.split(found.at_risk, n_strata), np.split(found.events, n_strata), strict=True)
    return total([log_rank_sums(at_risk, events) for at_risk, events in strata])


def log_rank_result(
    sums: LogRankSums, kept: NDArray[np.int64], strata: Sequence[str]
) -> LogRankResult:
    """The test over the groups that hold patients; `kept` has their numbers."""
    among = LogRankSums(
        sums.observed[kept], sums.expected[kept], sums.covariance[np.ix_(kept, kept)]
    )
    test = log_rank_test(among)
    return LogRankResult(
        test.statistic, test.df, test.p_value, "log-rank", list(strata), **vars(among)
    )


def _sums_of_patients(times: EndpointTimes, group: Integers, k: int) -> LogRankSums:
    """The sums of one stratum from its patients, counted on the grid of their own times, which is as long as they are many."""
    steps, row = np.unique(times.time, return_inverse=True)
    entry = None if times.entry is None else np.searchsorted(steps, times.entry, side="right")
    # Row 0 is before the first time: there belong those who have come by then.
    found = count_on_grid(row + 1, times.event > 0, entry, group, k, len(steps) + 1)
    return log_rank_sums(found.at_risk, found.events)
