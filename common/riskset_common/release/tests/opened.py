"""Sums of a test as they are opened: whole multiples of a unit, and the test that follows from them and from nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from riskset_common.release.budget import GroupCounts, unit
from riskset_common.release.program import Opened, Opens
from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.arrays.distributions import ChiSquareTest
from riskset_common.survival.arrays.shapes import FloatArray, IntArray
from riskset_common.survival.tests.group_sums import GroupSums, pairs_of, sums_of_opened
from riskset_common.survival.tests.log_rank import (
    LogRankSums,
    compared,
    log_rank_test,
    trend_test,
)
from riskset_common.survival.tests.weighing import Weighing

SIGNIFICANT_DIGITS = 4
"""Digits of a chi-square and of a P: what differences and variances of two or three decimals give, and one more."""

LEAST_UNITS = 10
"""A variance of fewer units is known to no better than a twentieth: no chi-square is made of it."""


@dataclass(frozen=True)
class Units:
    """Of what opened numbers are whole multiples: differences of observed and expected events, and their covariances."""

    difference: Fraction
    covariance: Fraction

    @classmethod
    def of(cls, weighing: Weighing, counts: GroupCounts) -> Units:
        """Those of a test of these groups."""
        n, places = sum(counts.patients), counts.decimals
        return cls(unit(weighing, n, places), unit(weighing, n, places, squared=True))


def asked(
    name: str,
    calculator: Calculator,
    sums: GroupSums,
    units: Units,
    scales: tuple[Fraction, Fraction],
) -> list[Opens]:
    """What is opened of the sums of a test, of which differences and covariances were divided by `scales`."""
    return [
        Opens(
            f"{name}: observed less expected events",
            calculator.rounded(sums.difference, scales[0] / units.difference),
        ),
        Opens(
            f"{name}: covariances",
            calculator.rounded(sums.covariance, scales[1] / units.covariance),
        ),
    ]


def differs_little(
    calculator: Calculator, sums: GroupSums, most: float, patients: int, ratio: float = 1.0
) -> Numbers:
    """1 if no group's (O - E)²/V is above `most` by the number of differences, else 0; shape (1,).

    Chi-square of all groups is at least the largest of these.

    Parameters
    ----------
    patients
        A bound of the differences in size.
    ratio
        By how much the scale of differences is smaller than the root of that of covariances.
    """
    k = sums.difference.shape[-1] + 1
    # Both sides are divided by the same power of two, so that squares of large sums can be hidden.
    part = ratio / (1 << patients.bit_length() // 2)
    others = calculator.bounded(sums.difference, patients, "weights are at most 1")
    first = -others.total().reshape(1)
    difference = calculator.joined([first, others]) * calculator.real(np.full(k, part))
    pairs = pairs_of(k)
    of_group = np.array([[group in pair for pair in pairs] for group in range(k)], dtype=np.int64)
    variance = -(sums.covariance.reshape(1, -1) * of_group).total()
    allowed = most / (k - 1) * (part / ratio) ** 2
    within = calculator.at_most(
        difference * difference, variance * calculator.real(np.full(k, allowed))
    )
    return calculator.at_most((k - within.total()).reshape(1), 0)


def opened_sums(difference: Opened, covariance: Opened, units: Units) -> LogRankSums:
    """The sums of k groups of what was opened, shape (k - 1,) and (k (k - 1)/2,)."""
    whole = sums_of_opened(difference.astype(np.float64), covariance.astype(np.float64))
    return LogRankSums(
        _times(whole.observed, units.difference),
        whole.expected,
        _times(whole.covariance, units.covariance),
    )


def in_units(values: FloatArray, of: Fraction) -> IntArray:
    """Released numbers as the whole multiples that were opened."""
    return np.rint(values / float(of)).astype(np.int64)


def _times(values: FloatArray, of: Fraction) -> FloatArray:
    """Whole numbers times a unit, each the double nearest to the exact product."""
    exactly = [float(int(value) * of) for value in values.ravel().tolist()]
    return np.array(exactly, dtype=np.float64).reshape(values.shape)


def chi_square(sums: LogRankSums, units: Units, scores: FloatArray | None) -> ChiSquareTest:
    """The test that the opened sums give; NaN where their digits do not determine it. With scores, that for a trend.

    Groups are compared where the covariance as it was opened is not 0.
    """
    least = LEAST_UNITS * float(units.covariance)
    if scores is not None:
        variance = float(scores @ sums.covariance @ scores)
        found = trend_test(sums, scores)
        return found if found.df == 0 or variance >= least else ChiSquareTest(math.nan, found.df)
    parts = [members[1:] for members in compared(sums.covariance) if len(members) > 1]
    blocks = [sums.covariance[np.ix_(kept, kept)] for kept in parts]
    if any(float(np.linalg.eigvalsh(block)[0]) < least for block in blocks):
        return ChiSquareTest(math.nan, sum(map(len, parts)))
    return log_rank_test(sums)


def shortened(value: float) -> float:
    """A chi-square or a P to the digits that are released; NaN stays."""
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")
