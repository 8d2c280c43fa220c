"""The reciprocals of hidden positive numbers, by Goldschmidt's iteration and one correction by Newton's.

From a start w with 0 <= e = 1 - A w < 1, each opening makes w (1 + e) of w and e^2 of e, so that w tends to 1/A; then w (2 - A w) takes the
rounding of the iteration out again. The start is either public or the reciprocal at the last coefficients times a public factor, chosen
so small that A w <= 1 for whatever the hidden numbers are.

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
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening, Truncated

FACTOR_BITS = 20


@dataclass(frozen=True)
class FreshStart:
    """Start each reciprocal from the public w0 = 1/(d 2^k), 2^k the power of two above N e^B.

    `reciprocal` holds whole numbers of 2^-64, shape (n_terms,).
    """

    reciprocal: tuple[int, ...]
    squarings: int


@dataclass(frozen=True)
class NearStart:
    """Start each reciprocal from the last one times the public `factor` 2^-20, just below e^-b."""

    factor: int
    squarings: int


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
        w = from_integers(start.reciprocal)
        share = yield from arithmetic.product(A, w, F)
    else:
        share, w = yield from arithmetic.truncate(_near(A, start, last))
    e = subtract(constant(ONE), share)
    chain, n = [e], A.shape[1]
    for _ in range(start.squarings):
        both = np.concatenate([w, e], axis=1)
        products = yield from arithmetic.product(both, np.concatenate([e, e], axis=1), F)
        w, e = add(w, products[:, :n]), products[:, n:]
        chain.append(e)
    return Iteration(w, tuple(chain))


def correct(arithmetic: Arithmetic, A: Elements, w: Elements) -> Opening[Elements]:
    """w (2 - A w). Two openings."""
    missing = subtract(constant(ONE), (yield from arithmetic.product(A, w, F)))
    return add(w, (yield from arithmetic.product(w, missing, F)))


def _near(A: Elements, start: NearStart, last: Elements | None) -> list[Truncated]:
    if last is None:
        raise ValueError("A near start needs the reciprocals at the last coefficients.")
    scaled = multiply(last, constant(start.factor))
    return [Truncated(multiply(A, scaled), F + FACTOR_BITS), Truncated(scaled, FACTOR_BITS)]
