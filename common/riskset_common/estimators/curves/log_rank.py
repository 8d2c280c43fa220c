"""The log-rank test of an analysis: from pooled counts, or, stratified by site, as a sum of what each site computes alone.

The strata of a test stratified by site lie within the sites. Their counts need not be opened: observed, expected and covariance of
a stratum follow from one site's patients, and add up over the sites (Mantel 1966). So do those of each pair of groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.curves.group_test import Comparison
from riskset_common.estimators.estimator import Shape, Summary, reals
from riskset_common.release.tests.own_strata import Stratum
from riskset_common.results.sequences import real_numbers, real_rows
from riskset_common.results.tests import FurtherTests, LogRankResult, PairTest
from riskset_common.survival.curves.risk_table import GridCounts
from riskset_common.survival.tests.group_sums import pairs_of
from riskset_common.survival.tests.holm import holm
from riskset_common.survival.tests.log_rank import (
    LogRankSums,
    log_rank_sums,
    log_rank_test,
    total,
    trend_test,
)

Reals = NDArray[np.float64]


def strata_of_counts(found: GridCounts, k: int) -> list[Stratum]:
    """The strata of pooled counts, whose rows are the k groups of one stratum after the other."""
    n_strata = len(found.events) // k
    parts = zip(np.split(found.at_risk, n_strata), np.split(found.events, n_strata), strict=True)
    return [Stratum(at_risk, events) for at_risk, events in parts]


def sums_over(strata: Iterable[Stratum], groups: Sequence[int], asked: Comparison) -> LogRankSums:
    """Observed, expected and covariance of some of the groups, over the strata; the weights are those of each stratum."""
    k, chosen = len(groups), list(groups)
    nothing = LogRankSums(np.zeros(k), np.zeros(k), np.zeros((k, k)))
    found = (
        log_rank_sums(each.at_risk[chosen], each.events[chosen], asked.weights) for each in strata
    )
    return total([nothing, *found])


def sums_shapes(k: int, *, pairwise: bool) -> dict[str, Shape]:
    """What a site adds to a test of k groups that is stratified by site."""
    shapes = {"observed": reals(k), "expected": reals(k), "covariance": reals(k, k)}
    if pairwise:
        n = len(pairs_of(k))
        shapes |= {"pair_observed": reals(n, 2), "pair_expected": reals(n, 2)}
        shapes |= {"pair_variance": reals(n)}
    return shapes


def sums_summary(
    strata: Sequence[Stratum], k: int, asked: Comparison, *, pairwise: bool
) -> dict[str, Reals]:
    """This site's observed, expected and covariance over its own strata."""
    sums = sums_over(strata, range(k), asked)
    summary = dict(vars(sums))
    if pairwise:
        pairs = [sums_over(strata, pair, asked) for pair in pairs_of(k)]
        # Two groups deviate by the same amount in opposite directions: one variance says all.
        summary |= {
            "pair_observed": np.array([pair.observed for pair in pairs]).reshape(-1, 2),
            "pair_expected": np.array([pair.expected for pair in pairs]).reshape(-1, 2),
            "pair_variance": np.array([pair.covariance[0, 0] for pair in pairs], dtype=np.float64),
        }
    return {name: _scaled(name, values, asked.exponent) for name, values in summary.items()}


def pooled_sums(pooled: Summary, asked: Comparison) -> LogRankSums:
    """The sums of all sites, as they were asked for by `sums_shapes`."""
    return LogRankSums(
        *(
            _scaled(name, pooled[name], -asked.exponent)
            for name in ("observed", "expected", "covariance")
        )
    )


def pooled_pair_sums(pooled: Summary, asked: Comparison) -> list[LogRankSums]:
    """The sums of all sites for each pair of groups, in the order of `pairs_of`."""
    names = ("pair_observed", "pair_expected", "pair_variance")
    parts = (_scaled(name, pooled[name], -asked.exponent) for name in names)
    opposite = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return [
        LogRankSums(observed, expected, variance * opposite)
        for observed, expected, variance in zip(*parts, strict=True)
    ]


def log_rank_result(
    sums: LogRankSums, kept: NDArray[np.int64], strata: Sequence[str], asked: Comparison
) -> LogRankResult:
    """The test over the groups that hold patients; `kept` has their numbers."""
    among = LogRankSums(
        sums.observed[kept], sums.expected[kept], sums.covariance[np.ix_(kept, kept)]
    )
    scores = tuple(range(1, len(kept) + 1)) if asked.is_trend else None
    test = (
        log_rank_test(among)
        if scores is None
        else trend_test(among, np.array(scores, dtype=np.float64))
    )
    return LogRankResult(
        test.statistic,
        test.df,
        test.p_value,
        asked.name,
        tuple(strata),
        observed=real_numbers(among.observed),
        expected=real_numbers(among.expected),
        covariance=real_rows(among.covariance),
        scores=scores,
    )


def pairwise_tests(
    sums: Sequence[LogRankSums], levels: Sequence[Mapping[str, str]], kept: Sequence[int]
) -> FurtherTests:
    """The tests of all pairs of groups that hold patients; `sums` are those of all pairs, in the order of `pairs_of`.

    A pair that is never at risk together at an event is not tested: it has 0 degrees of freedom and is no part of Holm's number.
    """
    pairs = [
        (pair, log_rank_test(of_pair))
        for pair, of_pair in zip(pairs_of(len(levels)), sums, strict=True)
        if set(pair) <= set(kept)
    ]
    adjusted = iter(holm([test.p_value for _, test in pairs if test.df > 0]))
    return FurtherTests(
        tuple(
            PairTest(
                groups=tuple(levels[index] for index in pair),
                statistic=test.statistic,
                df=test.df,
                p_value=test.p_value,
                p_holm=next(adjusted) if test.df > 0 else 1.0,
            )
            for pair, test in pairs
        )
    )


def _scaled(name: str, values: Reals, exponent: int) -> Reals:
    """Observed and expected are proportional to the weights, (co)variances to their squares."""
    squared = name in ("covariance", "pair_variance")
    scaled: Reals = np.ldexp(values, 2 * exponent if squared else exponent)
    return scaled
