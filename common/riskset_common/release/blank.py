"""Numbers of which nothing is known but their shape: with them a program runs where it is only told what was opened, as at the centre."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from riskset_common.survival.arrays.calculator import Calculator, Cut, Numbers
from riskset_common.survival.arrays.shapes import FloatArray, IntArray


class Blank(Numbers):
    """An array without numbers."""

    def __init__(self, *shape: int) -> None:
        # A view of one byte: it has the shape, follows numpy's rules of indexing, and takes no memory.
        self._form = np.broadcast_to(np.zeros((), np.int8), shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of a numpy array."""
        return self._form.shape

    def __add__(self, other: Numbers | int | IntArray) -> Blank:
        return Blank(*np.broadcast_shapes(self.shape, _shape(other)))

    def __mul__(self, other: Numbers | int | IntArray) -> Blank:
        return self + other

    def __getitem__(self, cut: Cut | tuple[Cut, ...]) -> Blank:
        return Blank(*np.shape(self._form[cut]))

    def reshape(self, *shape: int) -> Blank:
        """Another shape of as many numbers."""
        return Blank(*np.empty(self.shape, np.int8).reshape(shape).shape)

    def transpose(self, *axes: int) -> Blank:
        """The axes in another order."""
        return Blank(*self._form.transpose(axes).shape)

    def broadcast_to(self, *shape: int) -> Blank:
        """Repeated along axes of length 1."""
        return Blank(*np.broadcast_to(self._form, shape).shape)

    def total(self, axis: int = -1) -> Blank:
        """Without the axis."""
        kept = list(self.shape)
        del kept[axis]
        return Blank(*kept)

    def running_total(self) -> Blank:
        """The same shape."""
        return self


class Unseen(Calculator):
    """The calculator of numbers that are not here."""

    def whole(self, values: IntArray) -> Blank:
        """The shape of public whole numbers."""
        return Blank(*np.shape(values))

    def real(self, values: FloatArray) -> Blank:
        """The shape of public reals."""
        return Blank(*np.shape(values))

    def joined(self, parts: Sequence[Numbers], axis: int = -1) -> Blank:
        """Arrays one after another along an axis."""
        forms = [np.empty(part.shape, np.int8) for part in parts]
        return Blank(*np.concatenate(forms, axis=axis).shape)

    def bounded(self, x: Numbers, largest: float, reason: str) -> Blank:
        """The same shape."""
        del largest, reason
        return Blank(*x.shape)

    def inner(self, a: Numbers, b: Numbers) -> Blank:
        """Without the last axis."""
        return Blank(*np.broadcast_shapes(a.shape, b.shape)[:-1])

    def reciprocal(self, n: Numbers, largest: int) -> Blank:
        """The same shape."""
        del largest
        return Blank(*n.shape)

    def running_product(self, q: Numbers) -> Blank:
        """The same shape."""
        return Blank(*q.shape)

    def root(self, v: Numbers, largest: float) -> Blank:
        """The same shape."""
        del largest
        return Blank(*v.shape)

    def at_most(self, a: Numbers, b: Numbers | int) -> Blank:
        """The shape that both spread over."""
        return Blank(*np.broadcast_shapes(a.shape, _shape(b)))

    def rounded(self, x: Numbers, units: int | Fraction = 1) -> Blank:
        """The same shape."""
        del units
        return Blank(*x.shape)


def _shape(other: Numbers | int | IntArray) -> tuple[int, ...]:
    return other.shape if isinstance(other, Numbers) else np.shape(other)
