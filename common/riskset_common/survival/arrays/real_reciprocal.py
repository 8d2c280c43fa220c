"""Reciprocals of real numbers 1..N, made of sums and products alone, so that they are taken on shares as well.

With w = 1/N and e = 1 - x w the pair (w (1 + e), e²) keeps e = 1 - x w, and e goes to 0 (Goldschmidt RE 1964, Applications of division by
convergence). Newton's step w (2 - x w) at the end takes out what rounding left.
"""

from __future__ import annotations

import math

import numpy as np

from riskset_common.survival.arrays.calculator import Calculator, Numbers

_ENOUGH = 23.0
"""e is squared until it is below e^-23, of which Newton's step leaves e^-46."""


def real_reciprocal(calculator: Calculator, x: Numbers, largest: int) -> Numbers:
    """1/x of reals 1 <= x <= largest, a power of two; of 0 <= x < 1 a number that is bounded and no more than that.

    Raises
    ------
    ValueError
        If the largest is no power of two.
    """
    if largest.bit_count() != 1:
        raise ValueError(f"Reciprocals are taken up to a power of two, and {largest} is none.")
    rounds = math.ceil(math.log2(largest * _ENOUGH))
    start = calculator.real(np.full(x.shape, 1 / largest))
    w, e = start, calculator.fraction(1 - x * start, "0 <= x <= largest")
    most = 1 / largest
    for _ in range(rounds):
        most *= 2
        w = calculator.bounded(w + w * e, most, "1 + e is at most 2")
        e = calculator.fraction(e * e, "a square of a number between 0 and 1")
    missing = calculator.bounded(1 - x * w, 1.0, "it is e as it stands, between 0 and 1")
    return calculator.bounded(w + w * missing, 2 * most, "1 + e is at most 2")
