"""Random bits on shares that nobody knows: the exclusive or of one bit of each subset's key.

Whoever lacks one key lacks one bit, and the exclusive or with it is uniform. An exclusive or of hidden bits is x + y - 2 x y (Damgård,
Fitzi, Kiltz, Nielsen and Toft 2006, section 3).

References
----------
Damgård I, Fitzi M, Kiltz E, Nielsen JB, Toft T (2006), Unconditionally secure constant-rounds multi-party computation, TCC, LNCS 3876:285.
"""

from __future__ import annotations

import numpy as np

from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import Elements, combination, multiply
from riskset_common.secure.blind.arithmetic.parts import Exact
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps


def openings_of_bits(committee: Committee) -> int:
    """How many openings random bits take: 2 for (3, 1), 3 for (5, 1), 4 for (5, 2)."""
    return (len(committee.subsets) - 1).bit_length()


def random_bits(arithmetic: Arithmetic, n: int) -> Steps[Elements]:
    """Shares of n bits, degree t. One exact product a bit for each subset but one."""
    waiting = arithmetic.bits_of_subsets(n)
    while len(waiting) > 1:
        half = len(waiting) // 2
        x = np.concatenate(waiting[:half], axis=1)
        y = np.concatenate(waiting[half : 2 * half], axis=1)
        (both,) = yield [Exact(multiply(x, y))]
        either = combination([(1, x), (1, y), (-2, both)])
        waiting = [*np.split(either, half, axis=1), *waiting[2 * half :]]
    return waiting[0]
