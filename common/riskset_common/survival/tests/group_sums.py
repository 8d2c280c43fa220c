"""Observed less expected events of groups and their covariance, by one formula for numbers that lie open and for numbers on shares.

At a time with n_g of n patients of a stratum at risk in group g, d_g of d events there, and weight w (Klein and Moeschberger 2003,
7.3.3 and 7.3.5, with a_g = n_g/n):

    O - E of g             sum of w (d_g - d a_g)
    covariance of g and h  - sum of w² f a_g a_h,  f = d (n - d)/(n - 1) = d - d (d - 1)/(n - 1)

summed over times and strata. Times without an event add 0, so that nobody needs to know which they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.tests.log_rank import LogRankSums
from riskset_common.survival.tests.weighing import Weighing, weights_of

_SERIES = 6
"""1/(n - 1) = w (1 + w)(1 + w²)(1 + w⁴) ... with w = 1/n <= 1/2: after so many factors 2^-64 of it is missing."""


def pairs_of(k: int) -> list[tuple[int, int]]:
    """All pairs of k groups, in their order."""
    return list(combinations(range(k), 2))


@dataclass(frozen=True)
class GroupSums:
    """What says all of the sums of k groups, since differences add up to 0, and so do rows of the covariance.

    Attributes
    ----------
    difference
        Observed less expected events of each group but the first, shape (..., k - 1).
    covariance
        Of each pair of groups, in the order of `pairs_of`, shape (..., k (k - 1)/2).
    """

    difference: Numbers
    covariance: Numbers


def group_sums(
    calculator: Calculator, n: Numbers, d: Numbers, weighing: Weighing, patients: int
) -> GroupSums:
    """The sums over times and strata. Weights are those of each stratum, divided by `Weighing.scale(patients)`.

    Parameters
    ----------
    n, d
        Patients at risk and with an event, shape (..., n_strata, k, n_times).
    patients
        A public bound of the patients of a stratum.
    """
    n_all, d_all = n.total(axis=-2), d.total(axis=-2)
    one_over = calculator.reciprocal(n_all, patients)
    a = calculator.fraction(n * _over_groups(one_over), "n_g <= n, and 0 where n is 0")
    weights = weights_of(calculator, weighing, n_all, d_all, patients)
    w_d = d_all if weights.w is None else weights.w * d_all
    expected = calculator.inner(a, _over_groups(w_d))
    observed = d.total() if weights.w is None else calculator.inner(d, _over_groups(weights.w))
    f = _spread(calculator, n_all, d_all, one_over, patients)
    if weights.squared is not None:
        f = weights.squared * f
    spread = a * _over_groups(f)
    first, second = (
        np.array(each, dtype=np.int64) for each in zip(*pairs_of(n.shape[-2]), strict=True)
    )
    covariance = -calculator.inner(spread[..., first, :], a[..., second, :])
    difference = (observed - expected)[..., 1:]
    return GroupSums(difference.total(axis=-2), covariance.total(axis=-2))


def _over_groups(x: Numbers) -> Numbers:
    """One row for all groups, shape (..., 1, n_times)."""
    return x[..., None, :]


def _spread(
    calculator: Calculator, n: Numbers, d: Numbers, one_over: Numbers, patients: int
) -> Numbers:
    """d (n - d)/(n - 1); 0 where all have the event, a last patient among them, and where nobody is at risk."""
    more = ties_among(calculator, n, one_over, d * (d - 1), patients)
    return calculator.bounded(d - more, patients, "0 <= d (n - d)/(n - 1) <= d")


def ties_among(
    calculator: Calculator, n: Numbers, one_over: Numbers, pairs: Numbers, patients: int
) -> Numbers:
    """pairs/(n - 1), where `pairs` = d (d - 1) is 0 unless two or more of the n patients have an event.

    Parameters
    ----------
    one_over
        1/n, whatever it is where n is 0.
    """
    there = calculator.fraction(n * one_over, "1, and 0 where n is 0")
    w = calculator.fraction(one_over * there, "1/n of n >= 1, else 0")
    found, square = w, w
    for _ in range(_SERIES):
        found = calculator.bounded(
            found + found * square, 2.0**_SERIES, "at n = 1 each factor is 2"
        )
        square = calculator.fraction(square * square, "a power of 1/n")
    return calculator.bounded(pairs * found, patients, "d <= n, so d (d - 1)/(n - 1) <= d")


def sums_of_opened(difference: FloatArray, covariance: FloatArray) -> LogRankSums:
    """The sums of k groups from what says all of them: their observed events stand for observed less expected ones.

    Parameters
    ----------
    difference, covariance
        As in `GroupSums`, shape (k - 1,) and (k (k - 1)/2,).
    """
    k = len(difference) + 1
    between = np.zeros((k, k))
    for (g, h), value in zip(pairs_of(k), covariance.tolist(), strict=True):
        between[g, h] = between[h, g] = value
    np.fill_diagonal(between, -between.sum(axis=1))
    # Adding 0 keeps a difference of nothing from being -0.
    observed = np.concatenate(([-difference.sum()], difference)) + 0.0
    return LogRankSums(observed, np.zeros(k), between + 0.0)


def said_of(sums: LogRankSums, groups: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """What says all of open sums of some groups: difference (k - 1,) and covariance (k (k - 1)/2,), as in `GroupSums`."""
    deviation = (sums.observed - sums.expected)[list(groups)]
    between = sums.covariance[np.ix_(groups, groups)]
    return deviation[1:], np.array([between[pair] for pair in pairs_of(len(groups))])
