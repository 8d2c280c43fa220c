"""Reciprocals of hidden whole numbers 1..N: Chebyshev's iteration from a public start.

The residual e = 1 - n w of the start w = 2/(1 + 1/N) / N lies within +-E. An opening makes w' = c w (1 + e) and e' = 1 - c + c e^2, for
which e' = 1 - n w' whatever c is; with c = 2/(2 - E^2) the new residual again lies within +-E', E' = c - 1 = E^2/(2 - E^2). So e runs
through Chebyshev's polynomials of degree 2, 4, 8, .. in n, scaled to 1 at n = 0, which are the smallest on 1..N that there are. At the end
Newton's w (2 - n w) takes out the rounding. For N = 1,024 that takes 11 openings; the error is below 2^-59.

At n = 0 the residual stays 1 and w grows to about 50: bounded, and no more than that. n must not be negative or above N.

References
----------
Flanders DA, Shortley G (1950), J Appl Phys 21:1326, for the polynomials. Goldschmidt RE (1964), Applications of division by convergence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    add,
    combination,
    constant,
    multiply,
    subtract,
)
from riskset_common.secure.blind.arithmetic.fixed_point import ONE, F
from riskset_common.secure.blind.arithmetic.parts import Exact, Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps

C_BITS = 23
"""Fractional bits of c, which must differ from 2 by more than 1/N."""
LARGEST = 1 << 21
"""Reciprocals of larger numbers are not taken."""
_ENOUGH = 2.0**-33


@dataclass(frozen=True)
class Path:
    """The public numbers of the iteration for whole numbers up to N.

    Attributes
    ----------
    start
        w before the first opening, a whole number of 2^-64.
    factors
        c of each opening, whole numbers of 2^-23.
    at_zero
        A bound of the reciprocal that it gives for 0.
    """

    start: int
    factors: tuple[int, ...]
    at_zero: float

    @property
    def openings(self) -> int:
        """How many openings the reciprocals take."""
        return len(self.factors) + 2

    @property
    def before_truncation(self) -> float:
        """A bound of every value before it is truncated, in units of 2^-128."""
        return 2.0 ** (C_BITS + 1) * max(self.at_zero, 1.0)


def path(largest: int) -> Path:
    """The iteration for 1..largest; raises `ValueError` above 2^21."""
    if not 1 <= largest <= LARGEST:
        raise ValueError(f"Reciprocals of 1 to {largest} are taken; {LARGEST} is the largest.")
    start = 2 * ONE // (largest + 1)
    e, factors, at_zero = 1 - start / ONE, [], start / ONE
    while e > _ENOUGH:
        c = int(2 / (2 - e * e) * (1 << C_BITS))
        factors.append(c)
        real = c / (1 << C_BITS)
        at_zero *= 2 * real
        e = max(real - 1, abs(1 - real + real * e * e))
    return Path(start, tuple(factors), 2.01 * at_zero)


def reciprocals(arithmetic: Arithmetic, n: Elements, along: Path) -> Steps[Elements]:
    """Shares of 1/n, units of 2^-64, of hidden whole numbers 1 <= n <= N, shape (9, k). Two products a number and opening."""
    del arithmetic
    k, one = n.shape[1], constant(ONE)
    w = np.broadcast_to(constant(along.start), n.shape)
    e = subtract(one, multiply(n, constant(along.start)))
    for c in along.factors:
        both = np.concatenate([w, e], axis=1)
        times = np.concatenate([add(e, one), e], axis=1)
        product = multiply(combination([(c, both)]), times)
        (next_,) = yield [Truncated(product, F + C_BITS)]
        w, e = next_[:, :k], add(next_[:, k:], constant(ONE - (c << (F - C_BITS))))
    (nearly,) = yield [Exact(multiply(n, w))]
    (last,) = yield [Truncated(multiply(w, subtract(one, nearly)), F)]
    return add(w, last)
