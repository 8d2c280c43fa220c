"""Products of hidden numbers from the first to each, by halves: T numbers take log2 T openings and T/2 products in each.

In opening j each block of 2^(j + 1) numbers has its second half multiplied by the last number of its first half (Sklansky 1960).

References
----------
Sklansky J (1960), Conditional-sum addition logic, IRE Trans Electronic Computers 9:226.
"""

from __future__ import annotations

import numpy as np

from riskset_common.secure.blind.arithmetic.field import LIMBS, Elements, multiply
from riskset_common.secure.blind.arithmetic.fixed_point import F
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps


def openings_of_products(length: int) -> int:
    """How many openings a row of so many numbers takes."""
    return max(length - 1, 0).bit_length()


def running_products(arithmetic: Arithmetic, q: Elements) -> Steps[Elements]:
    """Shares of q_1 .. q_i for each i, of hidden numbers 0 <= q <= 1 in units of 2^-64, shape (9, rows, T)."""
    del arithmetic
    found, (_, rows, length) = q.copy(), q.shape
    for level in range(openings_of_products(length)):
        place = np.arange(length)
        second = place[place >> level & 1 == 1]
        first = (second >> level << level) - 1
        a, b = found[:, :, second].reshape(LIMBS, -1), found[:, :, first].reshape(LIMBS, -1)
        (product,) = yield [Truncated(multiply(a, b), F)]
        found[:, :, second] = product.reshape(LIMBS, rows, len(second))
    return found
