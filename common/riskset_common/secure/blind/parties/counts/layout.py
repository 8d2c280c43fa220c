"""How an upload is laid out: every number as bits of public width, array by array, lowest bits first.

An array of n numbers of w bits is w rows of n bits: all lowest bits, then all next ones. A count is the sum of 2^k b_k. A real is a whole
number of 2^-f between -2^(w-1) and 2^(w-1), to which 2^(w-1) is added before it is written. So no number of an upload can be larger than
its width says, and that every bit is 0 or 1 is all that is to be checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import EstimationError
from riskset_common.release.counted import CountedArray
from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    Elements,
    constant,
    settled,
    subtract,
    zeros,
)
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

Bits = NDArray[np.uint8]

_WORD_BITS = 62
"""Counts of a site are below 2^62."""
_BATCH, _AT_ONCE = 1 << 15, 30


@dataclass(frozen=True)
class Part:
    """One array of an upload.

    Attributes
    ----------
    shape
        Of the numbers.
    width
        Bits of each; 0 where every site has only zeros.
    fraction_bits
        Binary digits after the point; 0 for counts.
    signed
        Whether numbers may be negative: reals are.
    last_width
        Bits of the numbers in the last place of the last axis, where those are others; their bits come after all others.
    """

    shape: tuple[int, ...]
    width: int
    fraction_bits: int = 0
    signed: bool = False
    last_width: int | None = None

    @classmethod
    def of(cls, array: CountedArray, width: int, widest: int) -> Part:
        """The part of an array; `width` is that of its ceiling, and `widest` that of all counts of people."""
        if array.fraction_bits:
            bound = (array.largest or 0) << array.fraction_bits
            return cls(array.shape, bound.bit_length() + 1, array.fraction_bits, signed=True)
        if array.largest is not None:
            return cls(array.shape, array.largest.bit_length())
        return cls(array.shape, width, last_width=widest if array.but_for_the_last else None)

    @property
    def n_numbers(self) -> int:
        """Numbers in the array."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def n_bits(self) -> int:
        """Bits of all its numbers."""
        return sum(width * len(places) for width, places in self.blocks)

    @property
    def largest(self) -> int:
        """The largest size of one site's number, in units of 2^-fraction_bits."""
        widest = max(width for width, _ in self.blocks)
        return 1 << (widest - 1) if self.signed else (1 << widest) - 1

    @property
    def blocks(self) -> list[tuple[int, IntArray]]:
        """Widths, and which numbers have them."""
        places = np.arange(self.n_numbers, dtype=np.int64)
        if self.last_width is None:
            return [(self.width, places)]
        is_last = places % self.shape[-1] == self.shape[-1] - 1
        return [(self.width, places[~is_last]), (self.last_width, places[is_last])]

    def bits_of(self, numbers: IntArray | FloatArray) -> Bits:
        """A site's numbers, of this shape, as bits, shape (n_bits,).

        Raises
        ------
        EstimationError
            If one has no place in the width; the text names no number.
        """
        whole = _whole(np.asarray(numbers), self)
        return np.concatenate([_bits(whole[places], width) for width, places in self.blocks])


def _bits(whole: NDArray[np.object_], width: int) -> Bits:
    """The bits of numbers that are not negative, all lowest ones first."""
    if any(value >> width for value in whole):
        raise EstimationError(
            "A site's own number is beyond the width that was agreed for it. This is an error of riskset: report it."
        )
    values = whole.astype(np.int64) if width <= _WORD_BITS else whole
    bits = np.empty((width, len(whole)), np.uint8)
    for k in range(width):
        bits[k] = (values >> k) & 1
    return bits.ravel()


def _whole(numbers: NDArray[np.int64 | np.float64], part: Part) -> NDArray[np.object_]:
    """The numbers as they are written, not negative, shape (n_numbers,)."""
    if numbers.size != part.n_numbers:
        raise EstimationError(
            f"An array of {numbers.size} numbers was counted where {part.n_numbers} are uploaded. This is an error of riskset: report it."
        )
    if part.signed:
        if not bool(np.all(np.isfinite(numbers))):
            raise EstimationError(
                "A site's own sum is not a number. This is an error of riskset: report it."
            )
        whole = [_scaled(float(value), part) + part.largest for value in numbers.ravel()]
    else:
        whole = [int(value) for value in numbers.ravel()]
    if any(value < 0 for value in whole):
        raise EstimationError(
            "A site's own number is below 0, or below the width that was agreed for it. This is an error of riskset: report it."
        )
    return np.array(whole, dtype=np.object_)


def _scaled(value: float, part: Part) -> int:
    """The whole number nearest to value * 2^fraction_bits, halves up."""
    numerator, denominator = value.as_integer_ratio()
    return ((numerator << (part.fraction_bits + 1)) + denominator) // (2 * denominator)


Name = tuple[int, str]
"""Which thing counted (its place), and which of its arrays."""


@dataclass(frozen=True)
class Batch:
    """Some parts of an upload that stand beside one another, and where their bits and numbers are."""

    layout: Layout
    bits: slice
    numbers: slice


@dataclass(frozen=True)
class Layout:
    """All parts of one upload in order."""

    parts: Mapping[Name, Part]

    @cached_property
    def length(self) -> int:
        """Bits of the upload."""
        return sum(part.n_bits for part in self.parts.values())

    @cached_property
    def places(self) -> Mapping[Name, slice]:
        """Where the bits of each part are."""
        return _places({name: part.n_bits for name, part in self.parts.items()})

    @cached_property
    def number_places(self) -> Mapping[Name, slice]:
        """Where the numbers of each part are among those of all parts."""
        return _places({name: part.n_numbers for name, part in self.parts.items()})

    @property
    def n_numbers(self) -> int:
        """Numbers of all parts."""
        return sum(part.n_numbers for part in self.parts.values())

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """The upload in pieces of whole parts, each of some 2^15 bits or one part."""
        pieces: list[dict[Name, Part]] = [{}]
        filled = 0
        for name, part in self.parts.items():
            if filled and filled + part.n_bits > _BATCH:
                pieces.append({})
                filled = 0
            pieces[-1][name] = part
            filled += part.n_bits
        batches, bit, number = [], 0, 0
        for piece in map(Layout, pieces):
            ends = bit + piece.length, number + piece.n_numbers
            batches.append(Batch(piece, slice(bit, ends[0]), slice(number, ends[1])))
            bit, number = ends
        return tuple(batches)

    def bits_of(self, numbers: Mapping[Name, IntArray | FloatArray]) -> Bits:
        """A site's numbers as bits, shape (length,)."""
        bits = np.zeros(self.length, np.uint8)
        for name, part in self.parts.items():
            bits[self.places[name]] = part.bits_of(numbers[name])
        return bits

    def numbers_of(self, bits: Elements, unit: int = 1) -> Elements:
        """Shares of all numbers, shape (9, n_numbers), from those of the bits, shape (9, length).

        Numbers are whole ones of 2^-fraction_bits. A bit that is set is `unit`, and so is 1 in the numbers.
        """
        found = zeros(self.n_numbers)
        for run in self.runs:
            rows = bits[:, run.bits].reshape(LIMBS, run.repeats, run.width, -1)
            numbers = _from_rows(rows).reshape(LIMBS, -1)
            lifted = subtract(numbers, constant(unit * run.lift)) if run.lift else numbers
            found[:, run.numbers] = lifted
        return found

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The bits in runs of equal blocks: a plan has many small arrays."""
        runs: list[Run] = []
        bit = number = 0
        for part in self.parts.values():
            for width, places in part.blocks:
                if width and len(places):
                    end, lift = bit + width * len(places), part.largest if part.signed else 0
                    block = Run(slice(bit, end), 1, width, number + places, lift)
                    runs[-1:] = runs[-1].joined(block) if runs else [block]
                    bit = end
            number += part.n_numbers
        return tuple(runs)


@dataclass(frozen=True)
class Run:
    """Blocks of numbers of one width that stand behind one another, each of as many numbers.

    Attributes
    ----------
    bits
        Where they are among all bits.
    repeats, width
        How many blocks, and bits of each number.
    numbers
        Where the numbers are among all, in the order of the blocks.
    lift
        What was added to each number before it was written.
    """

    bits: slice
    repeats: int
    width: int
    numbers: IntArray
    lift: int

    def joined(self, block: Run) -> list[Run]:
        """This run and the next block: one run if the block is like those of this one, else two."""
        size = len(self.numbers) // self.repeats
        if (self.width, size, self.lift) != (block.width, len(block.numbers), block.lift):
            return [self, block]
        bits = slice(self.bits.start, block.bits.stop)
        numbers = np.concatenate([self.numbers, block.numbers])
        return [Run(bits, self.repeats + 1, self.width, numbers, self.lift)]


def _from_rows(rows: Elements) -> Elements:
    """The numbers whose bits are rows, lowest first, shape (9, repeats, width, n) to (9, repeats, n)."""
    width = rows.shape[2]
    found = zeros(rows.shape[1], rows.shape[3])
    # Limbs below 2^30 leave room for 30 bits before they are carried.
    for start in reversed(range(0, width, _AT_ONCE)):
        part = range(start, min(start + _AT_ONCE, width))
        raw = found * np.uint64(1 << len(part))
        for k in part:
            raw = raw + (rows[:, :, k] << np.uint64(k - start))
        found = settled(raw)
    return found


def _places(lengths: Mapping[Name, int]) -> dict[Name, slice]:
    places, start = {}, 0
    for name, length in lengths.items():
        places[name] = slice(start, start + length)
        start += length
    return places
