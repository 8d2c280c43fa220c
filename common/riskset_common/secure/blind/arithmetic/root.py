"""The square root of hidden reals v >= 0, by Newton's iteration for 1/sqrt(v) from a start that comparisons choose.

v is compared with the thresholds 2^-56, 2^-48, .. at once; the hidden bits choose the start y of the window in which v lies, so that
s = v y^2 is at least 2^-8. Below 2^-56 the start is 0 and with it the root. An iteration multiplies y and g = v y by a - b s; a and b
are public and such that the interval in which s may lie shrinks towards 1 as fast as it can: with x = s/m, s becomes x (3 - x)^2/4, and m
is chosen so that both ends of the interval come out alike. At the end g + (v - g^2) y/2 takes out the rounding.

The error is below 1e-10, and for v below 2^-48 below 1e-9, beside what v itself errs by, divided by twice the root. No value passes
2^157 before it is truncated.

References
----------
Chen J, Chow E (2014), A stable scaling of Newton-Schulz for improving the sign function computation, for the scaling.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from riskset_common.secure.blind.arithmetic.comparison import at_least, openings_of_low_bits
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    add,
    constant,
    from_integers,
    inner,
    multiply,
    subtract,
)
from riskset_common.secure.blind.arithmetic.fixed_point import F, to_fixed
from riskset_common.secure.blind.arithmetic.parts import Part, Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps

LEAST = -56
"""Reals below 2^-56 have the root 0."""
LARGEST = 2.0**24
"""Roots of larger reals are not taken."""
_WIDTH = 8
_B_BITS = 16
_ENOUGH = 2.0**-31


@dataclass(frozen=True)
class RootPath:
    """The public numbers of the roots of reals up to `largest`.

    Attributes
    ----------
    size
        |v - T| is below 2^size, in units of 2^-64.
    thresholds, starts
        Of each window: where it begins, units of 2^-64, and what the start gains there, units of 2^-64.
    steps
        a, units of 2^-64, and b, units of 2^-16, of each iteration.
    """

    size: int
    thresholds: tuple[int, ...]
    starts: tuple[int, ...]
    steps: tuple[tuple[int, int], ...]

    @property
    def openings(self) -> int:
        """How many openings a root takes, once there are random bits."""
        return openings_of_low_bits(self.size) + 1 + 2 * len(self.steps) + 2


def root_path(largest: float) -> RootPath:
    """The path of the roots of 0 <= v <= largest; raises `ValueError` above 2^24."""
    if largest > LARGEST:
        raise ValueError(f"A root of up to {largest:g} is taken; {LARGEST:g} is the largest.")
    top = max(math.ceil(math.log2(largest)) + 1, LEAST + _WIDTH) if largest > 0 else LEAST + _WIDTH
    windows = list(range(LEAST, top, _WIDTH))
    # s = v y^2 stays below 1 up to the end of the window.
    y = [to_fixed(2.0 ** (-(begins + _WIDTH) / 2)) for begins in windows]
    gains = [y[0], *(later - earlier for earlier, later in itertools.pairwise(y))]
    thresholds = tuple(1 << (F + begins) for begins in windows)
    return RootPath(windows[-1] + _WIDTH + F, thresholds, tuple(gains), _steps())


def roots(arithmetic: Arithmetic, v: Elements, along: RootPath, bits: Elements) -> Steps[Elements]:
    """Shares of sqrt(v), units of 2^-64, of hidden v in the same units, shape (9, n).

    Parameters
    ----------
    bits
        Shares of random bits that serve this once, shape (9, size n).
    """
    reached = yield from at_least(arithmetic, v, along.size, along.thresholds, bits)
    starts = from_integers(along.starts)[:, np.newaxis]
    y = inner(reached.transpose(0, 2, 1), starts)
    (g,) = yield [Truncated(multiply(v, y), F)]
    n = v.shape[1]
    for a, b in along.steps:
        s = multiply(multiply(g, y), constant(b))
        (bs,) = yield [Truncated(s, F + _B_BITS)]
        t = subtract(constant(a), bs)
        parts: list[Part] = [Truncated(multiply(np.concatenate([g, y], axis=1), np.tile(t, 2)), F)]
        (both,) = yield parts
        g, y = both[:, :n], both[:, n:]
    (square,) = yield [Truncated(multiply(g, g), F)]
    (missing,) = yield [Truncated(multiply(subtract(v, square), y), F + 1)]
    return add(g, missing)


def _steps() -> tuple[tuple[int, int], ...]:
    """a = 3/(2 sqrt m) and b = 1/(2 m sqrt m) of each iteration, for s from 2^-8 to 1."""
    least, found = 2.0**-_WIDTH, []
    while 1 - least > _ENOUGH:
        m = _middle(least)
        b = round(0.5 / m**1.5 * (1 << _B_BITS))
        # With b as it is, a is such that the largest s becomes 1.
        a = _factor(b / (1 << _B_BITS))
        found.append((to_fixed(a), b))
        least = min(s * (a - b / (1 << _B_BITS) * s) ** 2 for s in (least, 1.0))
    return tuple(found)


def _middle(least: float) -> float:
    """m with f(least/m) = f(1/m), f(x) = x (3 - x)^2/4, by halving."""
    low, high = max(least, 1 / 3), 1.0
    for _ in range(60):
        m = (low + high) / 2
        smaller = least * (3 - least / m) ** 2 < (3 - 1 / m) ** 2
        low, high = (low, m) if smaller else (m, high)
    return (low + high) / 2


def _factor(b: float) -> float:
    """a for which s (a - b s)^2 has the maximum 1, at s = a/(3 b): 4 a^3/(27 b) = 1."""
    return float(np.cbrt(27 * b / 4))
