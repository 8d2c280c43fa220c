"""The field of 2^255 - 19 elements, in whole numbers: its prime, and Lagrange's coefficients in it.

Secrets of the secure sum and of blind models are shared in this field. Vectors have their own arithmetic in `blind/arithmetic/field`.
"""

from __future__ import annotations

from collections.abc import Sequence

P = 2**255 - 19


def lagrange(points: Sequence[int], at: int) -> tuple[int, ...]:
    """The coefficients by which the values at some points give the value at another, on the polynomial through them.

    ``w_i = prod_{j != i} (at - x_j) / (x_i - x_j) mod P``. The points are public, so that the time taken tells nothing.
    """
    coefficients = []
    for x in points:
        above = below = 1
        for other in points:
            if other != x:
                above = above * (at - other) % P
                below = below * (x - other) % P
        coefficients.append(above * pow(below, -1, P) % P)
    return tuple(coefficients)
