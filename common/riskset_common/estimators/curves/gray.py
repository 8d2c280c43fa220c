"""Gray's test of an analysis, for each of its causes: from pooled counts, or, stratified by site, as a sum of what sites compute.

The strata of a test stratified by site lie within the sites. Observed, expected and covariance of a stratum follow from one site's
patients, and add up over the sites.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.estimator import Shape, Summary, reals
from riskset_common.results.sequences import real_numbers, real_rows
from riskset_common.results.tests import GrayResult
from riskset_common.study.patients import Integers
from riskset_common.survival.curves.risk_table import KindCounts
from riskset_common.survival.incidence.gray import gray_sums
from riskset_common.survival.tests.log_rank import LogRankSums, log_rank_test, total

Reals = NDArray[np.float64]


def gray_shapes(n_causes: int, k: int) -> dict[str, Shape]:
    """What a site adds to the tests of k groups that are stratified by site: a row for each cause."""
    return {
        "observed": reals(n_causes, k),
        "expected": reals(n_causes, k),
        "covariance": reals(n_causes, k, k),
    }


def gray_summary(strata: Sequence[KindCounts], n_causes: int, k: int, rho: float) -> Summary:
    """This site's observed, expected and covariance over its own strata, by cause."""
    by_cause = [vars(gray_sums_over(strata, cause, k, rho)) for cause in range(n_causes)]
    return {name: np.stack([sums[name] for sums in by_cause]) for name in by_cause[0]}


def pooled_gray_sums(pooled: Summary, cause: int) -> LogRankSums:
    """The sums of all sites for one cause, as they were asked for by `gray_shapes`."""
    return LogRankSums(
        pooled["observed"][cause], pooled["expected"][cause], pooled["covariance"][cause]
    )


def strata_of_counts(found: KindCounts, k: int) -> list[KindCounts]:
    """The strata of pooled counts, whose rows are the k groups of one stratum after the other."""
    n_strata = found.events.shape[1] // k
    parts = zip(
        np.split(found.events, n_strata, axis=1), np.split(found.censored, n_strata), strict=True
    )
    return [KindCounts(events, censored, None) for events, censored in parts]


def gray_sums_over(strata: Sequence[KindCounts], cause: int, k: int, rho: float) -> LogRankSums:
    """Observed, expected and covariance of k groups for one cause, over the strata."""
    sums = [LogRankSums(np.zeros(k), np.zeros(k), np.zeros((k, k)))]
    for found in strata:
        any_kind, events = found.any_kind, found.events[cause]
        sums.append(gray_sums(any_kind.at_risk, events, any_kind.events - events, rho))
    return total(sums)


def gray_result(sums: LogRankSums, kept: Integers, strata: Sequence[str], rho: float) -> GrayResult:
    """The test over the groups that hold patients; `kept` has their numbers."""
    among = LogRankSums(
        sums.observed[kept], sums.expected[kept], sums.covariance[np.ix_(kept, kept)]
    )
    test = log_rank_test(among)
    return GrayResult(
        test.statistic,
        test.df,
        test.p_value,
        "Gray",
        tuple(strata),
        observed=real_numbers(among.observed),
        expected=real_numbers(among.expected),
        covariance=real_rows(among.covariance),
        rho=rho or None,
    )
