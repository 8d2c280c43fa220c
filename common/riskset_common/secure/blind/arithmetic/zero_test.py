"""Is a hidden number 0, or one of a few numbers? One bit becomes public and nothing else.

x times a random element rho is 0 if x is 0, and else uniform on the elements that are not 0. rho is drawn anew for each test: two tests
with one rho would open the ratio of what they test. A small test is the zero test of the product of x - i over the small numbers i.
A test says "0" of another number if rho is 0, which happens once in 2^255.
"""

from __future__ import annotations

import numpy as np

from riskset_common.secure.blind.arithmetic.field import Elements, multiply, to_words
from riskset_common.secure.blind.arithmetic.parts import Exact, Revealed
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps
from riskset_common.survival.arrays.shapes import BoolArray


def openings_of_zero_test(n_factors: int) -> int:
    """How many openings `any_zero` takes with so many factors a row."""
    return n_factors.bit_length()


def any_zero(arithmetic: Arithmetic, factors: Elements) -> Steps[BoolArray]:
    """Whether some factor of each row is 0, which becomes public, shape (rows,).

    Parameters
    ----------
    factors
        Shares of degree t, shape (9, rows, n), n >= 1. Their product with rho is multiplied in pairs: n products a row.
    """
    _, rows, _ = factors.shape
    rho = arithmetic.random_elements(rows)[:, :, np.newaxis]
    waiting = np.concatenate([rho, factors], axis=2)
    while waiting.shape[2] > 2:
        half = waiting.shape[2] // 2
        flat = [
            each.reshape(len(each), -1)
            for each in (waiting[:, :, :half], waiting[:, :, half : 2 * half])
        ]
        (product,) = yield [Exact(multiply(*flat))]
        done = product.reshape(len(product), rows, half)
        waiting = np.concatenate([done, waiting[:, :, 2 * half :]], axis=2)
    (opened,) = yield [Revealed(multiply(waiting[:, :, 0], waiting[:, :, 1]))]
    return np.asarray((to_words(opened) == 0).all(axis=0))
