"""Lazy arrays of hidden numbers: what a formula writes down is a graph, and its nodes get their shares when something is opened.

A node knows its shape, its binary digits after the point (none for whole numbers, 64 for reals) and a public interval in which its numbers
lie. Sums, sums along an axis, rearrangements and products with public numbers are local to each member; everything else is a computation
by steps (`Stepped`) that shares its openings with the others of its depth. Once a node has its shares it keeps them as long as the object
lives, and forgets what it was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    Elements,
    combination,
    constant,
    from_int64,
    multiply,
    running_total,
    scale,
    subtract,
    total,
    zeros,
)
from riskset_common.secure.blind.arithmetic.fixed_point import ONE, F
from riskset_common.secure.blind.arithmetic.parts import Exact, Part, Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Steps
from riskset_common.secure.blind.expressions.bounds import Interval, require_room
from riskset_common.survival.arrays.calculator import Cut, Numbers
from riskset_common.survival.arrays.shapes import IntArray

_SMALL = 1 << 17
"""Public factors below it are gathered in one combination."""
_LARGEST_FACTOR = 1 << 30
_MOST_TERMS = 4


@dataclass(frozen=True, eq=False)
class Local:
    """Made of the shares of others by each member alone."""

    args: tuple[Hidden, ...]
    compute: Callable[[Sequence[Elements]], Elements]


@dataclass(frozen=True, eq=False)
class Gathered(Local):
    """Numbers of one array at some places, in the order of rows."""

    places: IntArray


@dataclass(frozen=True, eq=False)
class Combined(Local):
    """Sum of small whole numbers times arrays of one shape and as many digits."""

    factors: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Stepped:
    """Made in a public number of openings."""

    args: tuple[Hidden, ...]
    openings: int
    steps: Callable[[Arithmetic, Sequence[Elements]], Steps[Elements]]


Recipe: TypeAlias = Local | Stepped


class Hidden(Numbers):
    """An array of hidden numbers, or of public ones that meet them.

    Attributes
    ----------
    bits
        Binary digits after the point.
    interval
        Where the numbers lie.
    recipe, share
        What the array is made of, until it has its shares, shape (9, size).
    known
        The numbers, if they are whole and public.
    public
        Whether every member has the numbers themselves as its share.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        bits: int,
        interval: Interval,
        recipe: Recipe | None,
        share: Elements | None = None,
        *,
        known: IntArray | None = None,
        public: bool = False,
    ) -> None:
        self._shape, self.bits, self.interval = shape, bits, interval
        self.recipe, self.share = recipe, share
        self.known, self.public = known, public

    @property
    def shape(self) -> tuple[int, ...]:
        """As of a numpy array."""
        return self._shape

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int(np.prod(self._shape, dtype=np.int64))

    @property
    def real(self) -> bool:
        """Whether there are digits after the point."""
        return self.bits > 0

    def __add__(self, other: Numbers | int | IntArray) -> Hidden:
        a, b = aligned(self, as_hidden(other))
        if a.known is not None and b.known is not None:
            return whole(a.known + b.known)
        interval = a.interval + b.interval
        require_room(interval, a.bits, "a sum")
        return combined([(1, a), (1, b)], interval)

    def __mul__(self, other: Numbers | int | IntArray) -> Hidden:
        factor = as_hidden(other)
        if factor.known is not None:
            return self._times(factor)
        if self.known is not None:
            return factor._times(self)
        a, b = spread(self, factor)
        interval, bits = a.interval * b.interval, a.bits + b.bits
        require_room(interval, bits, "a product")
        if bits <= F and (a.public or b.public):
            return Hidden(a.shape, bits, interval, Local((a, b), lambda shares: multiply(*shares)))
        steps = product_steps(bits, lambda shares: multiply(*shares))
        return Hidden(a.shape, min(bits, F), interval, Stepped((a, b), 1, steps))

    def __getitem__(self, cut: Cut | tuple[Cut, ...]) -> Hidden:
        return self._at(self._places()[cut])

    def reshape(self, *shape: int) -> Hidden:
        """The same numbers in the order of rows, in another shape."""
        return self._at(self._places().reshape(shape))

    def transpose(self, *axes: int) -> Hidden:
        """The axes in another order."""
        return self._at(self._places().transpose(axes))

    def broadcast_to(self, *shape: int) -> Hidden:
        """Repeated along axes of length 1."""
        if shape == self._shape:
            return self
        return self._at(np.broadcast_to(self._places(), shape))

    def total(self, axis: int = -1) -> Hidden:
        """The sum along an axis, which is dropped."""
        if self.known is not None:
            return whole(np.asarray(self.known.sum(axis=axis)))
        axis %= len(self._shape)
        interval = self.interval.sums(self._shape[axis])
        require_room(interval, self.bits, f"a sum of {self._shape[axis]} numbers")
        kept, whole_shape = self._shape[:axis] + self._shape[axis + 1 :], (LIMBS, *self._shape)

        def compute(shares: Sequence[Elements]) -> Elements:
            return total(shares[0].reshape(whole_shape), axis + 1).reshape(LIMBS, -1)

        return self._local(kept, interval, compute)

    def running_total(self) -> Hidden:
        """Sums from the first to each number along the last axis."""
        if self.known is not None:
            return whole(np.cumsum(self.known, axis=-1))
        interval = self.interval.partial_sums(self._shape[-1])
        require_room(interval, self.bits, f"a sum of {self._shape[-1]} numbers")
        whole_shape = (LIMBS, *self._shape)

        def compute(shares: Sequence[Elements]) -> Elements:
            return running_total(shares[0].reshape(whole_shape)).reshape(LIMBS, -1)

        return self._local(self._shape, interval, compute)

    def lifted(self) -> Hidden:
        """The same numbers with 64 digits after the point."""
        if self.real:
            return self
        require_room(self.interval, F, "a whole number among reals")
        if self.known is not None:
            values = self.known.ravel()
            recipe = Local((), lambda _: from_int64(values, F))
            return Hidden(self._shape, F, self.interval, recipe, public=True)
        recipe = Local((self,), lambda shares: multiply(shares[0], constant(ONE)))
        return Hidden(self._shape, F, self.interval, recipe, public=self.public)

    def within(self, stated: Interval) -> Hidden:
        """The same numbers, which are known to lie in an interval."""
        if self.known is not None:
            return self
        found = self._at(self._places())
        found.interval = self.interval.within(stated)
        return found

    def _local(
        self,
        shape: tuple[int, ...],
        interval: Interval,
        compute: Callable[[Sequence[Elements]], Elements],
    ) -> Hidden:
        return Hidden(shape, self.bits, interval, Local((self,), compute), public=self.public)

    def _places(self) -> IntArray:
        return np.arange(self.size, dtype=np.int64).reshape(self._shape)

    def _at(self, places: IntArray) -> Hidden:
        """The numbers at some places; of a rearrangement that is not yet made, those of what it rearranges."""
        if self.known is not None:
            return whole(self.known.ravel()[places])
        source, flat = self, places.ravel()
        if isinstance(self.recipe, Gathered):
            source, flat = self.recipe.args[0], self.recipe.places[flat]
        every = len(flat) == source.size and bool(np.array_equal(flat, np.arange(source.size)))

        def compute(shares: Sequence[Elements]) -> Elements:
            return shares[0] if every else shares[0][:, flat]

        recipe = Gathered((source,), compute, flat)
        return Hidden(places.shape, self.bits, self.interval, recipe, public=self.public)

    def _times(self, factor: Hidden) -> Hidden:
        """Times public whole numbers."""
        if factor.known is None:
            raise TypeError("A factor of a local product is public.")
        if self.known is not None:
            return whole(self.known * factor.known)
        interval = self.interval * factor.interval
        require_room(interval, self.bits, "a product with public numbers")
        values = factor.known
        if values.ndim == 0 and abs(int(values)) < _SMALL:
            return combined([(int(values), self)], interval)
        shape = np.broadcast_shapes(self._shape, values.shape)
        flat = np.broadcast_to(values, shape).ravel()
        recipe = Local((self.broadcast_to(*shape),), lambda shares: _times_public(shares[0], flat))
        return Hidden(shape, self.bits, interval, recipe, public=self.public)


def _times_public(share: Elements, values: IntArray) -> Elements:
    size = np.abs(values)
    if len(size) and int(size.max()) >= _LARGEST_FACTOR:
        return multiply(share, from_int64(values))
    found = scale(share, size)
    if not bool(np.any(values < 0)):
        return found
    return np.where(values < 0, subtract(zeros(1), found), found)


def whole(values: IntArray) -> Hidden:
    """Public whole numbers."""
    known = np.asarray(values, dtype=np.int64)
    ends = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    recipe = Local((), lambda _: from_int64(known.ravel()))
    return Hidden(known.shape, 0, Interval(*ends), recipe, known=known, public=True)


def as_hidden(other: Numbers | int | IntArray) -> Hidden:
    """What meets hidden numbers: hidden or whole public ones; reals that are public are said to be so by the calculator.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if isinstance(other, Hidden):
        return other
    values = np.asarray(other) if not isinstance(other, Numbers) else None
    if values is None or values.dtype.kind not in "iu":
        raise TypeError("Hidden numbers meet hidden numbers and public whole numbers.")
    return whole(values.astype(np.int64))


def spread(a: Hidden, b: Hidden) -> tuple[Hidden, Hidden]:
    """Both in the shape that they spread over."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    return a.broadcast_to(*shape), b.broadcast_to(*shape)


def aligned(a: Hidden, b: Hidden) -> tuple[Hidden, Hidden]:
    """Both in one shape and with as many digits."""
    if a.bits != b.bits:
        a, b = a.lifted(), b.lifted()
    return spread(a, b)


def combined(terms: Sequence[tuple[int, Hidden]], interval: Interval) -> Hidden:
    """The sum of whole numbers times arrays of one shape and as many digits; of sums that are not yet made, their terms."""
    flat: list[tuple[int, Hidden]] = []
    for factor, x in terms:
        inside = x.recipe
        if isinstance(inside, Combined) and len(inside.args) + len(flat) < _MOST_TERMS:
            within = [(factor * f, y) for f, y in zip(inside.factors, inside.args, strict=True)]
            if all(abs(f) < _SMALL for f, _ in within):
                flat += within
                continue
        flat.append((factor, x))
    factors, args = tuple(f for f, _ in flat), tuple(x for _, x in flat)

    def compute(shares: Sequence[Elements]) -> Elements:
        return combination(list(zip(factors, shares, strict=True)))

    first = args[0]
    public = all(x.public for x in args)
    recipe = Combined(args, compute, factors)
    return Hidden(first.shape, first.bits, interval, recipe, public=public)


def product_steps(
    bits: int, multiplied: Callable[[Sequence[Elements]], Elements]
) -> Callable[[Arithmetic, Sequence[Elements]], Steps[Elements]]:
    """One opening of products with so many digits after the point: exact up to 64 of them, else truncated to 64."""

    def steps(_: Arithmetic, shares: Sequence[Elements]) -> Steps[Elements]:
        product = multiplied(shares)
        part: Part = Exact(product) if bits <= F else Truncated(product, bits - F)
        (found,) = yield [part]
        return found

    return steps
