"""The reciprocals of hidden positive numbers, by Goldschmidt's iteration and one correction by Newton's.

From a start w with 0 <= e = 1 - A w < 1, each opening makes w (1 + e) of w and e^2 of e, so that w tends to 1/A; then w (2 - A w) takes the
rounding of the iteration out again. The start is either public or the reciprocal at the last coefficients times a public factor, chosen
so small that A w <= 1 for whatever the hidden numbers are.

Where A w of the start is small, e is close to 1, and its rounding is a large share of A w; it would stay in log A (see `logarithm.py`).
So e is squared with 78 fractional bits, e^2 < 2^156 before it is truncated, as long as 1 - e may be below 2^-10. A copy with 64 bits is
made beside it for the products with w; from there on 64 bits are enough.

References
----------
Goldschmidt RE (1964), Applications of division by convergence, MIT. Catrina O, Saxena A (2010), FC, LNCS 6052:35, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    add,
    constant,
    from_integers,
    multiply,
    subtract,
)
from riskset_common.secure.blind.arithmetic.fixed_point import ONE, F
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening

FACTOR_BITS = 31
"""Fractional bits of the public factor: A w_last factor <= 1 is a whole number up to 2^159 before it is truncated."""
FINE_BITS = 78
"""Fractional bits of e where 1 - e may be small."""


@dataclass(frozen=True)
class FreshStart:
    """Start each reciprocal from the public w0 = 1/(d 2^k), 2^k the power of two above N e^B.

    `reciprocal` holds whole numbers of 2^-64, shape (n_terms,); of the `squarings` of e the first `fine` have 78 bits.
    """

    reciprocal: tuple[int, ...]
    squarings: int
    fine: int


@dataclass(frozen=True)
class NearStart:
    """Start each reciprocal from the last one times the public `factor` 2^-31, just below e^-b; squarings as of `FreshStart`."""

    factor: int
    squarings: int
    fine: int


@dataclass(frozen=True, eq=False)
class Iteration:
    """Where the iteration ends before Newton's correction.

    Attributes
    ----------
    w
        Shares of nearly 1/A, shape (9, n_terms).
    chain
        Shares of e, e^2, e^4, .. as used, each of shape (9, n_terms).
    """

    w: Elements
    chain: tuple[Elements, ...]


def iterate(
    arithmetic: Arithmetic, A: Elements, start: FreshStart | NearStart, last: Elements | None
) -> Opening[Iteration]:
    """Shares of nearly 1/A. One opening, and one for each squaring of the start."""
    if isinstance(start, FreshStart):
        w, unit = from_integers(start.reciprocal), 2 * F
        share = multiply(A, w)
        fine, coarse = yield from arithmetic.truncate(_finely(share, unit))
    else:
        if last is None:
            raise ValueError("A near start needs the reciprocals at the last coefficients.")
        scaled, unit = multiply(last, constant(start.factor)), 2 * F + FACTOR_BITS
        share = multiply(A, scaled)
        fine, coarse, w = yield from arithmetic.truncate(
            [*_finely(share, unit), Truncated(scaled, FACTOR_BITS)]
        )
    e, finer = subtract(constant(ONE), coarse), subtract(constant(1 << FINE_BITS), fine)
    chain, n = [e], A.shape[1]
    for _ in range(start.fine):
        squares = _finely(multiply(finer, finer), 2 * FINE_BITS)
        step, finer, below = yield from arithmetic.truncate(
            [Truncated(multiply(w, e), F), *squares]
        )
        w, e = add(w, step), below
        chain.append(e)
    for _ in range(start.squarings - start.fine):
        both = np.concatenate([w, e], axis=1)
        products = yield from arithmetic.product(both, np.concatenate([e, e], axis=1), F)
        w, e = add(w, products[:, :n]), products[:, n:]
        chain.append(e)
    return Iteration(w, tuple(chain))


def _finely(share: Elements, unit: int) -> list[Truncated]:
    """Numbers of 2^-unit with 78 bits, and with 64."""
    return [Truncated(share, unit - FINE_BITS), Truncated(share, unit - F)]


def correct(arithmetic: Arithmetic, A: Elements, w: Elements) -> Opening[Elements]:
    """w (2 - A w). Two openings."""
    missing = subtract(constant(ONE), (yield from arithmetic.product(A, w, F)))
    return add(w, (yield from arithmetic.product(w, missing, F)))
