"""Reals as whole numbers of 2^-64, in and out of the field."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import EstimationError
from riskset_common.secure.blind.arithmetic.field import Elements, from_words, subtract, zeros

F = 64
ONE = 1 << F
_LARGEST = 2.0**62


def encode(values: NDArray[np.float64]) -> Elements:
    """Each real times 2^64, rounded to the nearest, shape (9, n); exact where its lowest bit is 2^-64 or more.

    Raises where one is not a number or not below 2^62 in size.
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    if not bool(np.all(size < _LARGEST)):
        raise EstimationError(
            "A sum over a risk set is not a number or too large for the blind computation. Look for a covariate far from its range."
        )
    whole = np.floor(size)
    # The fraction has no more digits than the number, so that neither line rounds but rint.
    fraction = np.rint(np.ldexp(size - whole, F))
    words = np.stack([fraction.astype(np.uint64), whole.astype(np.uint64)])
    elements = from_words(words)
    negative = subtract(zeros(len(size)), elements)
    return np.where(values < 0, negative, elements)


def to_fixed(value: float) -> int:
    """The whole number nearest to value * 2^64."""
    numerator, denominator = value.as_integer_ratio()
    return (2 * numerator * ONE + denominator) // (2 * denominator)


def to_real(values: Iterable[int], bits: int) -> NDArray[np.float64]:
    """Whole numbers of 2^-bits as the nearest doubles."""
    return np.array([value / (1 << bits) for value in values], dtype=np.float64)
