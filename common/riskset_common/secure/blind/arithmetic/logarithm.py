"""The sum of the logarithms of hidden numbers, from what the reciprocals leave behind.

A reciprocal starts with A w0 = 1 - e and squares e again and again. Since (1 - e)(1 + e)(1 + e^2)(1 + e^4).. = 1,

    log(A w0) = - sum over j of log(1 + e^(2^j)),

and each log(1 + x), 0 <= x <= 1, is a polynomial of degree 19 without a constant: that of degree 18 through log(1 + x)/x at Chebyshev's
nodes, times x. Its largest error is 2.1e-16. The powers 2, 4, 8 and 16 of each element are elements further down the chain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    add,
    constant,
    dot,
    inner,
    scale,
    total,
    zeros,
)
from riskset_common.secure.blind.arithmetic.fixed_point import ONE, F
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.survival.arrays.shapes import IntArray

COEFFICIENTS = (
    0,
    18446744073709544447,
    -9223372036849593391,
    6148914690610577587,
    -4611685988277307591,
    3689348043177803422,
    -3074445225138134726,
    2635121747599905077,
    -2304894687730518676,
    2044438927103412994,
    -1823065191797228636,
    1607387695678427297,
    -1360482362092595514,
    1059231262259715436,
    -720848389856064374,
    405720252711529320,
    -177631213157894301,
    55942800205442497,
    -11171959501528485,
    1056206547166981,
)
"""Of x^0 .. x^19, whole numbers of 2^-64."""


def sum_of_logarithms(
    arithmetic: Arithmetic, chain: Sequence[Elements], weights: IntArray
) -> Opening[Elements]:
    """A share, shape (9, 1), degree 2t, of the sum of weights log(1 + e) over all elements of the chain, in units of 2^-128.

    The elements e, e^2, e^4, .. have shape (9, n_terms); the square of the last is below 2^-64. Three openings.
    """
    values = yield from _of_chain(arithmetic, chain)
    return _summed(values, np.tile(weights, len(chain)))


def logarithms(arithmetic: Arithmetic, chain: Sequence[Elements]) -> Opening[Elements]:
    """The same of each term by itself, shape (9, n_terms): the sum of log(1 + e) over its elements of the chain."""
    values = yield from _of_chain(arithmetic, chain)
    return total(values.reshape(len(values), len(chain), -1), axis=1)


def _of_chain(arithmetic: Arithmetic, chain: Sequence[Elements]) -> Opening[Elements]:
    """Shares of log(1 + e), degree 2t, in units of 2^-128, one element of the chain after another. Three openings."""
    n = chain[0].shape[1]
    powers = [
        np.concatenate([*chain[k:], *[zeros(n)] * min(k, len(chain))], axis=1) for k in range(5)
    ]
    x, x2, x4, x8, x16 = (each[:, : n * len(chain)] for each in powers)
    x3 = yield from arithmetic.product(x, x2, F)
    cubics = [_cubic(COEFFICIENTS[4 * block : 4 * block + 4], x, x2, x3) for block in range(5)]
    q1, q2, q3, q4 = yield from arithmetic.truncate([Truncated(each, F) for each in cubics[1:]])
    q23 = add(q2, (yield from arithmetic.product(x4, q3, F)))
    last = dot([(x4, q1), (x8, q23), (x16, q4)])
    return add(cubics[0], last)


def _cubic(c: Sequence[int], x: Elements, x2: Elements, x3: Elements) -> Elements:
    """c0 + c1 x + c2 x^2 + c3 x^3, in units of 2^-128."""
    terms = dot([(constant(each), power) for each, power in zip(c[1:], (x, x2, x3), strict=True)])
    return add(terms, constant(c[0] * ONE))


def _summed(values: Elements, weights: IntArray) -> Elements:
    return inner(values, scale(np.broadcast_to(constant(1), values.shape), weights))[:, np.newaxis]
