"""One formula, two arithmetics: what a formula may do with arrays of numbers, whether they lie open or are hidden on shares.

A formula of this package that is written for `Numbers` and a `Calculator` runs in numpy (`Clear`, `InTheOpen`) and on the shares of a
committee alike. It never asks what a number is, so that nothing but its public shape steers it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from types import EllipsisType

import numpy as np
from numpy.typing import NDArray

from riskset_common.survival.arrays.shapes import FloatArray, IntArray

Cut = int | slice | EllipsisType | None | IntArray
"""One axis of an index: as of numpy, with an array of places at most once."""

NUDGE = 1e-9
"""Added before a number is rounded or compared, in both arithmetics: a half that an arithmetic misses by its last digits is a half."""


class Numbers(ABC):
    """An array of whole or real numbers. Operations follow numpy's, broadcasting among them."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """As of a numpy array."""

    @abstractmethod
    def __add__(self, other: Numbers | int | IntArray) -> Numbers: ...

    @abstractmethod
    def __mul__(self, other: Numbers | int | IntArray) -> Numbers: ...

    @abstractmethod
    def __getitem__(self, cut: Cut | tuple[Cut, ...]) -> Numbers: ...

    @abstractmethod
    def reshape(self, *shape: int) -> Numbers:
        """The same numbers in the order of rows, in another shape."""

    @abstractmethod
    def transpose(self, *axes: int) -> Numbers:
        """The axes in another order."""

    @abstractmethod
    def broadcast_to(self, *shape: int) -> Numbers:
        """Repeated along axes of length 1."""

    @abstractmethod
    def total(self, axis: int = -1) -> Numbers:
        """The sum along an axis, which is dropped."""

    @abstractmethod
    def running_total(self) -> Numbers:
        """Sums from the first to each number along the last axis."""

    def __neg__(self) -> Numbers:
        return self * -1

    def __radd__(self, other: int | IntArray) -> Numbers:
        return self + other

    def __rmul__(self, other: int | IntArray) -> Numbers:
        return self * other

    def __sub__(self, other: Numbers | int | IntArray) -> Numbers:
        return self + -other

    def __rsub__(self, other: int | IntArray) -> Numbers:
        return -self + other


class Calculator(ABC):
    """What a formula does besides sums and products. Every bound that it states, it states with a reason."""

    @abstractmethod
    def whole(self, values: IntArray) -> Numbers:
        """Public whole numbers."""

    @abstractmethod
    def real(self, values: FloatArray) -> Numbers:
        """Public reals."""

    @abstractmethod
    def joined(self, parts: Sequence[Numbers], axis: int = -1) -> Numbers:
        """Arrays one after another along an axis; one of reals makes all real."""

    @abstractmethod
    def bounded(self, x: Numbers, largest: float, reason: str) -> Numbers:
        """Say that no |x| is above `largest`, where the formula knows it and the arithmetic cannot."""

    def fraction(self, x: Numbers, reason: str) -> Numbers:
        """Say that 0 <= x <= 1."""
        return self.bounded(x, 1.0, reason)

    @abstractmethod
    def inner(self, a: Numbers, b: Numbers) -> Numbers:
        """The sum of products along the last axis, which is dropped."""

    @abstractmethod
    def reciprocal(self, n: Numbers, largest: int) -> Numbers:
        """1/n of whole numbers 1 <= n <= largest.

        What it gives for n = 0 is bounded and no more than that: multiply it by a number that is 0 wherever n is.
        """

    @abstractmethod
    def running_product(self, q: Numbers) -> Numbers:
        """Products from the first to each number along the last axis, of numbers 0 <= q <= 1."""

    @abstractmethod
    def root(self, v: Numbers, largest: float) -> Numbers:
        """The square root of reals 0 <= v <= largest, to 1e-10; 0 of 0."""

    @abstractmethod
    def at_most(self, a: Numbers, b: Numbers | int) -> Numbers:
        """1 where a <= b + `NUDGE`, else 0: whole numbers."""

    @abstractmethod
    def rounded(self, x: Numbers, units: int | Fraction = 1) -> Numbers:
        """The whole number nearest to x * units, halves up, after `NUDGE` was added to x * units; x may be negative."""


class Clear(Numbers):
    """Numbers that lie open; whole ones are int64, reals float64."""

    def __init__(self, values: NDArray[np.int64 | np.float64]) -> None:
        self.values: NDArray[np.int64 | np.float64] = values

    @property
    def shape(self) -> tuple[int, ...]:
        """As of a numpy array."""
        return self.values.shape

    def __add__(self, other: Numbers | int | IntArray) -> Clear:
        return Clear(np.add(self.values, _values(other)))

    def __mul__(self, other: Numbers | int | IntArray) -> Clear:
        return Clear(np.multiply(self.values, _values(other)))

    def __getitem__(self, cut: Cut | tuple[Cut, ...]) -> Clear:
        return Clear(np.asarray(self.values[cut]))

    def reshape(self, *shape: int) -> Clear:
        """The same numbers in the order of rows, in another shape."""
        return Clear(self.values.reshape(shape))

    def transpose(self, *axes: int) -> Clear:
        """The axes in another order."""
        return Clear(self.values.transpose(axes))

    def broadcast_to(self, *shape: int) -> Clear:
        """Repeated along axes of length 1."""
        return Clear(np.broadcast_to(self.values, shape))

    def total(self, axis: int = -1) -> Clear:
        """The sum along an axis, which is dropped."""
        return Clear(np.asarray(self.values.sum(axis=axis)))

    def running_total(self) -> Clear:
        """Sums from the first to each number along the last axis."""
        return Clear(np.cumsum(self.values, axis=-1))


class InTheOpen(Calculator):
    """The calculator of numbers that lie open, which is numpy. A stated bound that does not hold raises."""

    def whole(self, values: IntArray) -> Clear:
        """Public whole numbers."""
        return Clear(np.asarray(values, dtype=np.int64))

    def real(self, values: FloatArray) -> Clear:
        """Public reals."""
        return Clear(np.asarray(values, dtype=np.float64))

    def joined(self, parts: Sequence[Numbers], axis: int = -1) -> Clear:
        """Arrays one after another along an axis."""
        return Clear(np.concatenate([_values(part) for part in parts], axis=axis))

    def bounded(self, x: Numbers, largest: float, reason: str) -> Clear:
        """The same numbers; raises `AssertionError` with the reason where one is larger."""
        values = _values(x)
        if not bool(np.all(np.abs(values) <= largest * (1 + NUDGE) + NUDGE)):
            raise AssertionError(f"{reason}: a number is larger than {largest}.")
        return Clear(values)

    def inner(self, a: Numbers, b: Numbers) -> Clear:
        """The sum of products along the last axis, which is dropped."""
        return Clear(np.asarray(np.multiply(_values(a), _values(b)).sum(axis=-1)))

    def reciprocal(self, n: Numbers, largest: int) -> Clear:
        """1/n; 0 for 0."""
        values = _values(self.bounded(n, largest, "a reciprocal of at most so much is taken"))
        return Clear(np.where(values > 0, 1 / np.maximum(values, 1), 0.0))

    def running_product(self, q: Numbers) -> Clear:
        """Products from the first to each number along the last axis."""
        return Clear(np.cumprod(_values(q), axis=-1, dtype=np.float64))

    def root(self, v: Numbers, largest: float) -> Clear:
        """The square root; 0 of what rounding made negative."""
        values = _values(self.bounded(v, largest, "a root of at most so much is taken"))
        return Clear(np.sqrt(np.maximum(values, 0.0)))

    def at_most(self, a: Numbers, b: Numbers | int) -> Clear:
        """1 where a <= b + `NUDGE`, else 0."""
        return Clear((_values(a) <= _values(b) + NUDGE).astype(np.int64))

    def rounded(self, x: Numbers, units: int | Fraction = 1) -> Clear:
        """The nearest whole number of x * units, halves up."""
        exactly = Fraction(units)
        scaled = _values(x) * exactly.numerator / exactly.denominator
        return Clear(np.floor(scaled + 0.5 + NUDGE).astype(np.int64))


def clear(numbers: Numbers) -> NDArray[np.int64 | np.float64]:
    """The values of numbers that lie open.

    Raises
    ------
    TypeError
        If they are hidden: a program opens what it may open, and nothing else.
    """
    if not isinstance(numbers, Clear):
        raise TypeError("Hidden numbers have no values to look at.")
    return numbers.values


def _values(other: Numbers | int | IntArray) -> NDArray[np.int64 | np.float64]:
    return clear(other) if isinstance(other, Numbers) else np.asarray(other)
