"""Mean, standard deviation and quantiles of values that are known only in sums and in counts by value.

Quantiles of n values x_1 <= .. <= x_n by the definitions of the two programs (Hyndman and Fan 1996):

    r      type 7: (1 - g) x_j + g x_j+1,  j + g = 1 + (n - 1) p
    sas    type 2: x_j+1, and (x_j + x_j+1)/2 where g = 0,  j + g = n p          (PCTLDEF=5)

References
----------
Hyndman RJ, Fan Y (1996), Am Stat 50:361.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from riskset_common.survival.arrays.shapes import FloatArray, IntArray

Definition = Literal["r", "sas"]


@dataclass(frozen=True)
class Bins:
    """Bins of one number: the multiples first..last of the width, and one bin below and above them."""

    width: Fraction
    first: int
    last: int

    @property
    def n(self) -> int:
        """How many there are, those below and above the range among them."""
        return self.last - self.first + 3

    @property
    def values(self) -> FloatArray:
        """The value that each stands for, NaN outside the range, shape (n,)."""
        inside = [float(self.width * k) for k in range(self.first, self.last + 1)]
        return np.array([math.nan, *inside, math.nan])

    def places(self, values: FloatArray) -> IntArray:
        """The bin of each value, shape (n_values,)."""
        nearest = np.floor(values / float(self.width) + 0.5)
        clipped = np.clip(nearest, self.first - 1, self.last + 1).astype(np.int64)
        found: IntArray = clipped - (self.first - 1)
        return found


def bins_between(width: Fraction, low: Fraction, high: Fraction) -> Bins:
    """The bins of a range, both ends of which lie in one."""
    first, last = (math.floor(end / width + Fraction(1, 2)) for end in (low, high))
    return Bins(width, first, last)


def scale_of(low: float, high: float) -> tuple[float, int]:
    """The middle of a range, and the power of two that brings the distance from it below one."""
    return low + (high - low) / 2, math.frexp(high - low)[1]


def mean_and_deviation(n: int, total: float, squares: float) -> tuple[float, float]:
    """Mean and standard deviation (divisor n - 1) from the sums of values and of squares; NaN where there are too few values."""
    if n == 0:
        return math.nan, math.nan
    mean = total / n
    if n == 1:
        return mean, math.nan
    return mean, math.sqrt(max(squares - total * mean, 0.0) / (n - 1))


def ranks(n: int, p: Fraction, definition: Definition) -> tuple[int, int, Fraction]:
    """The quantile p of n > 0 values is (1 - g) x_j + g x_j+1: j, the rank after it, and g."""
    at = 1 + (n - 1) * p if definition == "r" else n * p
    j = math.floor(at)
    g = at - j
    if definition == "sas":
        g = Fraction(1, 2) if g == 0 else Fraction(1)
    return max(j, 1), min(j + 1, n), g


def quantile(counts: IntArray, values: FloatArray, p: Fraction, definition: Definition) -> float:
    """The quantile p, 0 < p < 1, of values that are counted.

    Parameters
    ----------
    counts
        How often each value is there, shape (n_values,).
    values
        The values ascending, NaN where a count is of values that are not known, shape (n_values,).
    """
    n = int(counts.sum())
    if n == 0:
        return math.nan
    cumulative = np.cumsum(counts)

    def ordered(j: int) -> float:
        return float(values[np.searchsorted(cumulative, j, side="left")])

    j, after, g = ranks(n, p, definition)
    low, high = ordered(j), ordered(after)
    if g == 0 or low == high:
        return low
    return high if g == 1 else float(1 - g) * low + float(g) * high
