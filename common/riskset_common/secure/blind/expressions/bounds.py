"""Public bounds of hidden numbers: what could become too large to be hidden cannot be written down."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from riskset_common.secure.blind.arithmetic.parts import K

_ROOM = 1 / 64
"""Bits that are left for what truncations add to a number that is as large as its bound."""


class BoundError(ValueError):
    """A formula could make a number that is too large to be hidden, or asks for what its bounds do not allow."""


@dataclass(frozen=True)
class Interval:
    """lowest <= x <= highest, in the unit of the formula."""

    lowest: float
    highest: float

    @property
    def size(self) -> float:
        """The largest |x|."""
        return max(abs(self.lowest), abs(self.highest))

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.lowest + other.lowest, self.highest + other.highest)

    def __mul__(self, other: Interval) -> Interval:
        ends = [a * b for a in (self.lowest, self.highest) for b in (other.lowest, other.highest)]
        return Interval(min(ends), max(ends))

    def within(self, other: Interval) -> Interval:
        """What lies in both; the nearer end of the other if nothing does."""
        lowest = min(max(self.lowest, other.lowest), other.highest)
        return Interval(lowest, max(min(self.highest, other.highest), lowest))

    def sums(self, n: int) -> Interval:
        """Sums of n such numbers."""
        return Interval(n * self.lowest, n * self.highest)

    def partial_sums(self, n: int) -> Interval:
        """Sums of 1 to n such numbers."""
        return Interval(min(n * self.lowest, self.lowest), max(n * self.highest, self.highest))


def require_room(interval: Interval, bits: int, what: str) -> None:
    """Refuse numbers that could have more bits than are hidden before they are truncated.

    Parameters
    ----------
    bits
        Binary digits after the point before truncation.
    what
        The operation, in words.

    Raises
    ------
    BoundError
        With the formula, the operation and the bits.
    """
    needed = math.log2(max(interval.size, 2.0**-bits)) + bits
    if needed > K - _ROOM:
        raise BoundError(
            f"{_formula()}: {what} could have {math.ceil(needed)} bits, and {K} are hidden. State a bound that the formula knows "
            "(`bounded`, `fraction`), or divide by a public number first."
        )


def refuse(what: str) -> BoundError:
    """The error of a formula that asks for what its bounds do not allow."""
    return BoundError(f"{_formula()}: {what}")


def _formula() -> str:
    """The function outside of this package that is being evaluated, by its name."""
    frame, own = sys._getframe(1), __name__.rpartition(".")[0]  # noqa: SLF001 - the caller's name, for the error alone
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(own):
        frame = frame.f_back
    module = str(frame.f_globals.get("__name__", "")).rpartition(".")[2]
    return f"{module}.{frame.f_code.co_name}"
