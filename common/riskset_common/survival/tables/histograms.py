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
from fractions import Fraction
from typing import Literal

import numpy as np

from riskset_common.survival.arrays.shapes import FloatArray, IntArray

Definition = Literal["r", "sas"]


def mean_and_deviation(n: int, total: float, squares: float) -> tuple[float, float]:
    """Mean and standard deviation (divisor n - 1) from the sums of values and of squares; NaN where there are too few values."""
    if n == 0:
        return math.nan, math.nan
    mean = total / n
    if n == 1:
        return mean, math.nan
    return mean, math.sqrt(max(squares - total * mean, 0.0) / (n - 1))


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
        return float(values[np.searchsorted(cumulative, min(j, n), side="left")])

    at = 1 + (n - 1) * p if definition == "r" else n * p
    j = math.floor(at)
    g = at - j
    if definition == "sas":
        g = Fraction(1, 2) if g == 0 else Fraction(1)
    low, high = ordered(max(j, 1)), ordered(j + 1)
    if g == 0 or low == high:
        return low
    return high if g == 1 else float(1 - g) * low + float(g) * high
