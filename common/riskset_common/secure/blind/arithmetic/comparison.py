"""Comparison of hidden numbers: the result is a hidden bit.

Of a hidden y >= 0 the lowest k bits are found so: open c = y + r + 2^k R with random bits r on shares and a large random number R; then
y mod 2^k = (c mod 2^k) - r + 2^k [c mod 2^k < r], and the public bits of c are compared with the hidden bits of r. Whether x >= T,
|x - T| < 2^k, is the bit k of x - T + 2^k (Catrina and de Hoogh 2010, protocols 3.1, 3.2 and 3.6).

The bits are compared in pairs, of which each is a linear function of its two bits and their product; pairs are merged by
(less, equal) = (less_high + equal_high less_low, equal_high equal_low).

The mask hides y to a statistical distance of 2^-(SIGMA + 1): r is uniform, and R has SIGMA + 2 bits more than what it hides.

References
----------
Catrina O, de Hoogh S (2010), Improved primitives for secure multiparty integer computation, SCN, LNCS 6280:182.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from riskset_common.primitives.prime_field import P
from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    Elements,
    add,
    combination,
    constant,
    from_integers,
    from_words,
    multiply,
    settled,
    subtract,
    to_words,
)
from riskset_common.secure.blind.arithmetic.parts import SIGMA, Exact, Part, Revealed, below
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps

LARGEST_BITS = 160
"""A number that is compared is below 2^160: with the mask of SIGMA + 2 bits above it, ten subsets and one carry, all is below p."""

PublicBits = NDArray[np.uint64]
"""Bits of opened numbers, least first, shape (k, n)."""


def openings_of_low_bits(k: int) -> int:
    """How many openings the lowest k bits take, once there are random bits."""
    return 1 + ((k + 1) // 2 - 1).bit_length()


def at_least(
    arithmetic: Arithmetic, x: Elements, k: int, thresholds: Sequence[int], bits: Elements
) -> Steps[Elements]:
    """Shares of 1 where x >= T and of 0 elsewhere, for each public T, of hidden x with -2^k <= x - T < 2^k.

    Parameters
    ----------
    x
        Shares of degree t, shape (9, n).
    bits
        Shares of random bits that serve this once, shape (9, k n): all thresholds are compared with one opened number. Besides the
        bits about k/2 products a number, and k for each threshold.

    Returns
    -------
    Shares of degree t, shape (9, thresholds, n).
    """
    lifted = add(x, constant(1 << k))
    low = yield from low_bits(arithmetic, lifted, k, 1, thresholds, bits)
    above = subtract(lifted[:, np.newaxis], from_integers(thresholds)[:, :, np.newaxis])
    n, unit = x.shape[1], constant(pow(1 << k, -1, P))
    top = multiply(subtract(above, low).reshape(LIMBS, -1), unit)
    return top.reshape(LIMBS, len(thresholds), n)


def low_bits(
    arithmetic: Arithmetic,
    y: Elements,
    k: int,
    above: int,
    offsets: Sequence[int],
    bits: Elements,
) -> Steps[Elements]:
    """Shares of (y - o) mod 2^k for each public o <= y, of hidden 0 <= y < 2^(k + above), shape (9, offsets, n)."""
    if k + above > LARGEST_BITS + 1:
        raise ValueError(
            f"A number of {k + above} bits is compared; {LARGEST_BITS + 1} are hidden."
        )
    n = y.shape[1]
    r = bits.reshape(LIMBS, k, n)
    low = _number(r)
    high = arithmetic.random_numbers(n, SIGMA + above + 1)
    masked = combination([(1, y), (1, low), (1, multiply(high, constant(1 << k)))])
    parts: list[Part] = [Revealed(masked)]
    pairs = k // 2
    if pairs:
        flat = [r[:, start : 2 * pairs : 2].reshape(LIMBS, -1) for start in (0, 1)]
        parts.append(Exact(multiply(*flat)))
    opened, *products = yield parts
    both = products[0].reshape(LIMBS, pairs, n) if pairs else r[:, :0]
    words = [to_words(subtract(opened, constant(offset))) for offset in offsets]
    compared = [_pairs(_public_bits(each, k), r, both) for each in words]
    less, equal = (np.concatenate(each, axis=2) for each in zip(*compared, strict=True))
    wraps = multiply((yield from _below((less, equal))), constant(1 << k))
    known = np.stack([from_words(below(each, k)) for each in words], axis=1)
    return combination(
        [(1, known), (-1, low[:, np.newaxis]), (1, wraps.reshape(LIMBS, len(offsets), n))]
    )


def _number(r: Elements) -> Elements:
    """Sum of 2^i r_i over the bits, shape (9, n)."""
    found = r[:, -1]
    for i in range(r.shape[1] - 2, -1, -1):
        found = combination([(2, found), (1, r[:, i])])
    return found


def _public_bits(words: NDArray[np.uint64], k: int) -> PublicBits:
    places = [divmod(i, 64) for i in range(k)]
    return np.stack([words[word] >> np.uint64(shift) & np.uint64(1) for word, shift in places])


Compared = tuple[Elements, Elements]
"""Of each block of bits, least first: shares of whether c is below r there, and whether they are equal, shape (9, blocks, n)."""


def _pairs(c: PublicBits, r: Elements, both: Elements) -> Compared:
    """Blocks of two bits, and a last one of one bit where k is odd; `both` is the product of each pair's bits.

    Of the high and the low bit, less = (1 - c_h) r_h + [c_h = r_h] (1 - c_l) r_l; [c_h = r_h] r_l is r_h r_l or r_l - r_h r_l.
    """
    one, pairs = np.uint64(1), both.shape[1]
    cl, ch = c[0 : 2 * pairs : 2], c[1 : 2 * pairs : 2]
    rl, rh = r[:, 0 : 2 * pairs : 2], r[:, 1 : 2 * pairs : 2]
    less = _difference(
        rh * (one - ch) + rl * ((one - ch) * (one - cl)) + both * (ch * (one - cl)),
        both * ((one - ch) * (one - cl)),
    )
    unit = constant(1)[:, :, np.newaxis]
    same_up = both * (cl * ch + (one - cl) * (one - ch)) + rh * (ch * (one - cl))
    same_up = same_up + rl * (cl * (one - ch)) + unit * ((one - cl) * (one - ch))
    same_down = both * (ch ^ cl) + (rh + rl) * ((one - cl) * (one - ch))
    equal = _difference(same_up, same_down)
    if c.shape[0] > 2 * pairs:
        last, bit = c[-1:], r[:, -1:]
        less = np.concatenate([less, bit * (one - last)], axis=1)
        equal_last = _difference(bit * last + unit * (one - last), bit * (one - last))
        equal = np.concatenate([equal, equal_last], axis=1)
    return less, equal


def _difference(up: Elements, down: Elements) -> Elements:
    return subtract(settled(up), settled(down))


def _below(compared: Compared) -> Steps[Elements]:
    """Whether all blocks together are below, shape (9, n)."""
    less, equal = compared
    n = less.shape[2]
    while less.shape[1] > 1:
        pairs = less.shape[1] // 2
        high = equal[:, 1 : 2 * pairs : 2]
        # Whether the lowest block is equal is never asked.
        a = np.concatenate([high, high[:, 1:]], axis=1)
        b = np.concatenate([less[:, 0 : 2 * pairs : 2], equal[:, 2 : 2 * pairs : 2]], axis=1)
        (product,) = yield [Exact(multiply(a.reshape(LIMBS, -1), b.reshape(LIMBS, -1)))]
        merged = product.reshape(LIMBS, 2 * pairs - 1, n)
        upper = add(less[:, 1 : 2 * pairs : 2], merged[:, :pairs])
        less = np.concatenate([upper, less[:, 2 * pairs :]], axis=1)
        equal = np.concatenate([equal[:, :1], merged[:, pairs:], equal[:, 2 * pairs :]], axis=1)
    return less[:, 0]
