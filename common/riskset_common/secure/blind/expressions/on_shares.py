"""The calculator on shares: the twin of `InTheOpen` for hidden numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from riskset_common.secure.blind.arithmetic.comparison import at_least, openings_of_low_bits
from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    Elements,
    add,
    constant,
    inner,
    multiply,
)
from riskset_common.secure.blind.arithmetic.fixed_point import F, encode
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.random_bits import openings_of_bits, random_bits
from riskset_common.secure.blind.arithmetic.root import root_path, roots
from riskset_common.secure.blind.arithmetic.rounding import rounded, scaling
from riskset_common.secure.blind.arithmetic.running_products import (
    openings_of_products,
    running_products,
)
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps
from riskset_common.secure.blind.arithmetic.whole_reciprocal import path, reciprocals
from riskset_common.secure.blind.expressions.bounds import Interval, refuse, require_room
from riskset_common.secure.blind.expressions.hidden import (
    Hidden,
    Local,
    Stepped,
    as_hidden,
    product_steps,
    spread,
    whole,
)
from riskset_common.survival.arrays.calculator import NUDGE, Calculator, Numbers
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

SHORT = 36
"""Reals are compared and rounded with so many digits after the point: what is cut off is a seventh of the nudge at most."""

_UNIT = Interval(0.0, 1.0)


class OnShares(Calculator):
    """What a formula does with hidden numbers. Nothing is computed before something is opened (`wave.answered_on_shares`).

    Parameters
    ----------
    arithmetic
        The member's; its committee says how many openings random bits take.
    """

    def __init__(self, arithmetic: Arithmetic) -> None:
        self._openings_of_bits = openings_of_bits(arithmetic.committee)

    def hidden(
        self, share: Elements, shape: tuple[int, ...], largest: int, fraction_bits: int = 0
    ) -> Hidden:
        """Numbers of which this member holds a share, shape (9, n) in the order of rows.

        Counts lie in 0..largest; numbers of 2^-fraction_bits, at most 64, in -largest..largest, the largest as a real.
        """
        interval = Interval(-float(largest) if fraction_bits else 0.0, float(largest))
        if not fraction_bits:
            return Hidden(shape, 0, interval, None, share)
        require_room(interval, F, "a number that is counted")
        lifted = multiply(share, constant(1 << (F - fraction_bits)))
        return Hidden(shape, F, interval, None, lifted)

    def whole(self, values: IntArray) -> Hidden:
        """Public whole numbers."""
        return whole(values)

    def real(self, values: FloatArray) -> Hidden:
        """Public reals, to 2^-64."""
        given = np.asarray(values, dtype=np.float64)
        ends = (float(given.min()), float(given.max())) if given.size else (0.0, 0.0)
        interval = Interval(*ends)
        require_room(interval, F, "a public real")
        recipe = Local((), lambda _: encode(given.ravel()))
        return Hidden(given.shape, F, interval, recipe, public=True)

    def joined(self, parts: Sequence[Numbers], axis: int = -1) -> Hidden:
        """Arrays one after another along an axis; one of reals makes all real."""
        given = [as_hidden(part) for part in parts]
        if all(part.known is not None for part in given):
            return whole(np.concatenate([p.known for p in given if p.known is not None], axis=axis))
        if any(part.real for part in given):
            given = [part.lifted() for part in given]
        axis %= len(given[0].shape)
        shapes = [part.shape for part in given]
        form = np.concatenate([np.empty(shape, np.int8) for shape in shapes], axis=axis)
        interval = Interval(
            min(part.interval.lowest for part in given),
            max(part.interval.highest for part in given),
        )

        def compute(shares: Sequence[Elements]) -> Elements:
            blocks = [
                share.reshape(LIMBS, *shape) for share, shape in zip(shares, shapes, strict=True)
            ]
            return np.concatenate(blocks, axis=axis + 1).reshape(LIMBS, -1)

        public = all(part.public for part in given)
        return Hidden(
            form.shape, given[0].bits, interval, Local(tuple(given), compute), public=public
        )

    def bounded(self, x: Numbers, largest: float, reason: str) -> Hidden:
        """Say that no |x| is above `largest`; the reason is the formula's, and tests hold it."""
        return self._stated(x, Interval(-largest, largest), reason)

    def fraction(self, x: Numbers, reason: str) -> Hidden:
        """Say that 0 <= x <= 1."""
        return self._stated(x, _UNIT, reason)

    def inner(self, a: Numbers, b: Numbers) -> Hidden:
        """The sum of products along the last axis, which is dropped."""
        first, second = spread(as_hidden(a), as_hidden(b))
        if first.known is not None or second.known is not None:
            return (first * second).total()
        n, bits = first.shape[-1], first.bits + second.bits
        interval = (first.interval * second.interval).sums(n)
        require_room(interval, bits, f"a sum of {n} products")
        if n == 0 or (bits <= F and (first.public or second.public)):
            return (first * second).total()

        def multiplied(shares: Sequence[Elements]) -> Elements:
            rows = [share.reshape(LIMBS, -1, n) for share in shares]
            return inner(rows[0], rows[1])

        steps = product_steps(bits, multiplied)
        recipe = Stepped((first, second), 1, steps)
        return Hidden(first.shape[:-1], min(bits, F), interval, recipe)

    def reciprocal(self, n: Numbers, largest: int) -> Hidden:
        """1/n of whole numbers 1 <= n <= largest; for n = 0 something bounded."""
        given = as_hidden(n)
        if given.real:
            raise refuse("a reciprocal is taken of whole numbers, and these are reals.")
        along = path(max(largest, 1))
        smallest = given.interval.lowest
        highest = 1.0 if smallest >= 1 else along.at_zero
        require_room(Interval(0.0, along.before_truncation), 2 * F, "a reciprocal")
        recipe = Stepped(
            (given,),
            along.openings,
            lambda arithmetic, shares: reciprocals(arithmetic, shares[0], along),
        )
        return Hidden(given.shape, F, Interval(0.0, highest), recipe)

    def running_product(self, q: Numbers) -> Hidden:
        """Products from the first to each number along the last axis, of numbers 0 <= q <= 1."""
        given = as_hidden(q).lifted()
        if given.interval.lowest < -NUDGE or given.interval.highest > 1 + NUDGE:
            raise refuse(
                f"a running product is taken of fractions, and these lie in {given.interval.lowest:g} to "
                f"{given.interval.highest:g}. Say with `fraction` that they are."
            )
        shape = given.shape

        def steps(arithmetic: Arithmetic, shares: Sequence[Elements]) -> Steps[Elements]:
            rows = shares[0].reshape(LIMBS, -1, shape[-1])
            return (yield from running_products(arithmetic, rows)).reshape(LIMBS, -1)

        openings = openings_of_products(shape[-1])
        if not openings or not given.size:
            return given
        return Hidden(shape, F, _UNIT, Stepped((given,), openings, steps))

    def root(self, v: Numbers, largest: float) -> Hidden:
        """The square root of reals 0 <= v <= largest, to 1e-10; 0 of 0, and of what lies below 2^-56."""
        given = as_hidden(v).lifted()
        along = root_path(largest)
        interval = Interval(0.0, math.sqrt(largest))
        return self._with_bits(
            given,
            (F, interval),
            along.size,
            along.openings,
            lambda arithmetic, x, bits: roots(arithmetic, x, along, bits),
        )

    def at_most(self, a: Numbers, b: Numbers | int) -> Hidden:
        """1 where a <= b + `NUDGE`, else 0: whole numbers."""
        apart = as_hidden(b) + as_hidden(a) * -1
        if apart.known is not None:
            return whole((apart.known >= 0).astype(np.int64))
        k = _bits_of(apart.interval, SHORT if apart.real else 0)
        nudge = int(NUDGE * (1 << SHORT))
        real = apart.real

        def steps(arithmetic: Arithmetic, x: Elements, bits: Elements) -> Steps[Elements]:
            if real:
                (cut,) = yield [Truncated(x, F - SHORT)]
                x = add(cut, constant(nudge))
            found = yield from at_least(arithmetic, x, k, [0], bits)
            return found[:, 0]

        openings = openings_of_low_bits(k) + real
        return self._with_bits(apart, (0, _UNIT), k, openings, steps)

    def rounded(self, x: Numbers, units: int | Fraction = 1) -> Hidden:
        """The whole number nearest to x * units, halves up, after `NUDGE` was added to x * units; x may be negative."""
        given, exactly = as_hidden(x), Fraction(units)
        by = float(exactly)
        ends = (given.interval.lowest * by, given.interval.highest * by)
        interval = Interval(math.floor(min(ends)) - 1.0, math.ceil(max(ends)) + 1.0)
        if not given.real and exactly.denominator == 1:
            return given * exactly.numerator
        if not given.real:
            return self._rounded_whole(given, exactly, interval)
        return self._rounded_real(given, exactly, interval)

    def _rounded_whole(self, x: Hidden, units: Fraction, interval: Interval) -> Hidden:
        by = scaling(units, math.ceil(x.interval.size))
        size = max(_bits_of(Interval(0.0, x.interval.size * abs(by.factor)), 0), by.b)

        def steps(arithmetic: Arithmetic, share: Elements, bits: Elements) -> Steps[Elements]:
            scaled = multiply(share, constant(by.factor))
            return rounded(arithmetic, scaled, by.b, size, by.nudge, bits)

        return self._with_bits(x, (0, interval), by.b, openings_of_low_bits(by.b), steps)

    def _rounded_real(self, x: Hidden, units: Fraction, interval: Interval) -> Hidden:
        digits = 0 if units.denominator == 1 else SHORT + _bits_of(x.interval, 0)
        factor = round(units * (1 << digits))
        require_room(
            Interval(0.0, x.interval.size * abs(factor)), F, "a number in units to be rounded to"
        )
        size = max(_bits_of(interval, SHORT), SHORT)
        nudge = Fraction(NUDGE)

        def steps(arithmetic: Arithmetic, share: Elements, bits: Elements) -> Steps[Elements]:
            scaled = multiply(share, constant(factor))
            (cut,) = yield [Truncated(scaled, F + digits - SHORT)]
            return (yield from rounded(arithmetic, cut, SHORT, size, nudge, bits))

        return self._with_bits(x, (0, interval), SHORT, 1 + openings_of_low_bits(SHORT), steps)

    def _stated(self, x: Numbers, interval: Interval, reason: str) -> Hidden:
        if not reason:
            raise refuse("a bound is stated without its reason.")
        return as_hidden(x).within(interval)

    def _with_bits(
        self,
        x: Hidden,
        result: tuple[int, Interval],
        bits_each: int,
        openings: int,
        steps: Callable[[Arithmetic, Elements, Elements], Steps[Elements]],
    ) -> Hidden:
        """Steps that take random bits of their own, which are made just before they are needed."""
        n = bits_each * x.size
        recipe = Stepped(
            (), self._openings_of_bits, lambda arithmetic, _: random_bits(arithmetic, n)
        )
        bits = Hidden((n,), 0, _UNIT, recipe)
        stepped = Stepped(
            (x, bits), openings, lambda arithmetic, shares: steps(arithmetic, shares[0], shares[1])
        )
        return Hidden(x.shape, *result, stepped)


def _bits_of(interval: Interval, digits: int) -> int:
    """k with |x| 2^digits + 2^11 < 2^k: room for what a truncation and the nudge add."""
    return (math.ceil(interval.size * 2.0**digits) + (1 << 11 if digits else 0)).bit_length()
