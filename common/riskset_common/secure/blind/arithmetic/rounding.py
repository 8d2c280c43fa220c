"""Exact rounding of hidden numbers to whole ones: floor(x / 2^b + 1/2 + nudge), halves up.

The lowest b bits of x, found as for a comparison, are taken off exactly (Catrina and de Hoogh 2010, protocol 3.3, Div2mP). For a whole
number n times a fraction p/q, n p c is rounded, where c is 2^b/q rounded up: n p/q + 1/2 is a multiple of 1/(2 q), so that an error
below 1/(4 q) and as much added beforehand change no result.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from riskset_common.primitives.prime_field import P
from riskset_common.secure.blind.arithmetic.comparison import low_bits
from riskset_common.secure.blind.arithmetic.field import Elements, add, constant, multiply, subtract
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps


def rounded(
    arithmetic: Arithmetic, x: Elements, b: int, size: int, nudge: Fraction, bits: Elements
) -> Steps[Elements]:
    """Shares of floor(x / 2^b + 1/2 + nudge), of hidden |x| < 2^size, b <= size, nudge < 1/2.

    Parameters
    ----------
    x
        Shares of degree t, shape (9, n).
    bits
        Shares of random bits that serve this once, shape (9, b n). About 1.5 b products a number, besides the bits.
    """
    half = (1 << (b - 1)) + int(nudge * (1 << b))
    lifted = add(x, constant((1 << size) + half))
    low = yield from low_bits(arithmetic, lifted, b, size + 2 - b, (0,), bits)
    whole = multiply(subtract(lifted, low[:, 0]), constant(pow(1 << b, -1, P)))
    return subtract(whole, constant(1 << (size - b)))


@dataclass(frozen=True)
class Scaling:
    """How a whole number is multiplied by p/q before it is rounded: n `factor` / 2^b + 1/2 + `nudge`."""

    factor: int
    b: int
    nudge: Fraction


def scaling(units: Fraction, largest: int) -> Scaling:
    """The scaling of |n| <= largest by a fraction, exact after rounding with halves up; few bits for small numbers."""
    p, q = units.numerator, units.denominator
    b = max((4 * q * abs(p) * max(largest, 1)).bit_length(), 1)
    return Scaling(p * -(-(1 << b) // q), b, Fraction(1, 4 * q))
