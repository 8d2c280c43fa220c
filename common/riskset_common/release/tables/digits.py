"""Hidden numbers to a few significant digits: what is opened is the digits and where the point stands, which is what is printed.

A number is rounded to every unit that it may be printed with, from the finest up. It is printed with the first unit of which it holds fewer
than 10^n, with n digits; below the finest unit's, with fewer digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from riskset_common.release.program import Opened, Opens
from riskset_common.survival.arrays.calculator import Calculator, Numbers


@dataclass(frozen=True)
class Digits:
    """How numbers are printed.

    Attributes
    ----------
    n
        How many significant digits.
    lowest, highest
        The places, as powers of ten, from which on the digits of the smallest and of the largest number are printed.
    has_negative
        Whether a number may be below 0.
    """

    n: int
    lowest: int
    highest: int
    has_negative: bool

    @classmethod
    def within(
        cls, low: Fraction, high: Fraction, n: int = 3, finest: Fraction | None = None
    ) -> Digits:
        """Those of numbers between two bounds; `finest` is a size below which digits are not of interest, a 10,000th of them if None."""
        largest = max(abs(low), abs(high))
        if not largest:
            return cls(n, 0, 0, has_negative=False)
        smallest = largest / 10_000 if finest is None else finest
        return cls(n, _place(smallest), _place(largest) + 1, has_negative=low < 0)

    def asks(
        self, calculator: Calculator, name: str, x: Numbers, scale: Fraction = Fraction(1)
    ) -> tuple[Opens, Opens]:
        """Ask for the digits of x * scale and for their place, above the lowest.

        Parameters
        ----------
        x
            Whole numbers or reals, of any shape.
        scale
            What x is multiplied by.
        """
        digits = before = calculator.rounded(x, scale / self._unit(self.lowest))
        above = calculator.whole(np.zeros(x.shape, dtype=np.int64))
        for place in range(self.lowest + 1, self.highest + 1):
            is_longer = self._is_longer(calculator, before)
            here = calculator.rounded(x, scale / self._unit(place))
            digits, above, before = digits + is_longer * (here - before), above + is_longer, here
        return Opens(f"{name}: digits", digits), Opens(f"{name}: places", above)

    def _is_longer(self, calculator: Calculator, digits: Numbers) -> Numbers:
        """1 where a whole number has more than n digits, else 0."""
        found = 1 - calculator.at_most(digits, 10**self.n - 1)
        return found + calculator.at_most(digits, -(10**self.n)) if self.has_negative else found

    def _unit(self, place: int) -> Fraction:
        """The last digit of a number that is printed from this place on."""
        return Fraction(10) ** (place - self.n + 1)

    def values(self, digits: Opened, places: Opened) -> list[float]:
        """The numbers as they are printed."""
        return [
            float(f"{digit}e{self.lowest + place - self.n + 1}")
            for digit, place in zip(digits.ravel().tolist(), places.ravel().tolist(), strict=True)
        ]

    def implied(self, values: Iterable[float]) -> tuple[Opened, Opened]:
        """The digits and places that were opened of printed numbers."""
        digits, places = [], []
        for value in values:
            exact = Fraction(repr(value))
            place = self.lowest
            while place < self.highest and abs(exact) >= Fraction(10) ** (place + 1):
                place += 1
            digits.append(round(exact / self._unit(place)))
            places.append(place - self.lowest)
        return np.array(digits, dtype=np.int64), np.array(places, dtype=np.int64)


def _place(size: Fraction) -> int:
    """The largest power of ten that is no more than a size."""
    place = math.floor(math.log10(size))
    while Fraction(10) ** place > size:
        place -= 1
    while Fraction(10) ** (place + 1) <= size:
        place += 1
    return place
