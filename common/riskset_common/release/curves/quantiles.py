"""Quantiles as they are released: rounded to a public unit, and only where the released values of the curve say that they lie.

A quantile lies between the last released time at which the curve is above 1 - p for certain and the first at which it is below. Between
the two it is rounded: what is opened is how many borders of rounded values the curve passes before it falls to 1 - p, which the printed
value says. A unit has three significant digits of the later time, or two, or is 2, 5 or 10 times as coarse: the finest that leaves no
cell with a single day of the set, which would be the day of a patient of this group; three digits need k days in a cell.

Where the curve lies at 1 - p over an interval both of its ends are looked for, each is rounded, and the quantile is their midpoint. Only
the sum of both numbers of borders is opened.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from riskset_common.study.time_grid import TimeGrid, exact
from riskset_common.survival.arrays.calculator import NUDGE, Calculator, Numbers
from riskset_common.survival.curves.on_days import after

COARSER = (1, 2, 5, 10)
"""Units of two significant digits, and coarser ones."""


@dataclass(frozen=True)
class Gap:
    """Released times between which a curve falls to a probability: above it for certain at `after`, below it at `until`."""

    after: float
    until: float


def gap_around(times: Sequence[float], parts: Sequence[int], scale: int, p: float) -> Gap | None:
    """Between which released times a curve falls to 1 - p; None if it is not seen to fall below.

    Parameters
    ----------
    times, parts
        Released times, ascending, and the curve there in parts of `scale`, to the nearest.
    """
    level = 2 * scale * (1 - exact(p))
    above = [time for time, part in zip(times, parts, strict=True) if 2 * part - 1 > level]
    below = [time for time, part in zip(times, parts, strict=True) if 2 * part + 1 < level]
    return Gap(above[-1], below[0]) if above and below else None


@dataclass(frozen=True)
class Search:
    """Where a quantile of one curve is looked for.

    Attributes
    ----------
    curve, p
        Which.
    unit
        What it is rounded to.
    first
        The rounded value, in units, of a quantile before the first border.
    n_days
        How many days of the set lie before each border between two rounded values.
    """

    curve: int
    p: float
    unit: Fraction
    first: int
    n_days: tuple[int, ...]

    @property
    def level(self) -> float:
        """The probability to which the curve falls."""
        return float(1 - exact(self.p))

    def value(self, passed: int) -> float:
        """The rounded time of a quantile whose two ends have passed so many borders together: the middle of both."""
        return float((2 * self.first + passed) * self.unit / 2)

    def passed(self, value: float) -> int:
        """How many borders the two ends have passed together if the quantile is printed as `value`."""
        return round(2 * Fraction(value) / self.unit) - 2 * self.first


def search(
    curve: int, p: float, gap: Gap, days: Sequence[int], grid: TimeGrid, smallest: int
) -> Search | None:
    """A search within a gap; None if no unit is coarse enough for the days of the set and yet tells a time."""
    exponent = math.floor(math.log10(gap.until))
    two = Fraction(10) ** (exponent - 1)
    units = [(two / 10, max(smallest, 2)), *((two * times, 2) for times in COARSER)]
    for unit, least in units:
        found = _borders(gap, unit)
        until = [_days_until(days, grid, gap.after), _days_until(days, grid, gap.until)]
        before = [bisect_left(days, math.ceil(border / grid.units_per_step)) for border in found]
        in_cells = [b - a for a, b in pairwise([until[0], *before, until[1]])]
        first = math.floor(Fraction(gap.after) / unit - Fraction(1, 2)) + 1
        if (first > 0 or not in_cells[0]) and all(n == 0 or n >= least for n in in_cells):
            return Search(curve, p, unit, first, tuple(before))
    return None


def _borders(gap: Gap, unit: Fraction) -> list[Fraction]:
    """The times within a gap, its end with it, from which on another multiple of the unit is the nearest."""
    first = math.floor(Fraction(gap.after) / unit - Fraction(1, 2)) + 1
    found: list[Fraction] = []
    while (border := (first + len(found) + Fraction(1, 2)) * unit) <= Fraction(gap.until):
        found.append(border)
    return found


def _days_until(days: Sequence[int], grid: TimeGrid, time: float) -> int:
    return bisect_right(days, grid.steps_around(time)[0])


def passed(calculator: Calculator, survival: Numbers, searches: Sequence[Search]) -> Numbers:
    """How many borders lie before the ends of each quantile, added: the first S <= 1 - p, and the first S < 1 - p; shape (n_searches,)."""
    row = np.array([each.curve for each in searches for _ in each.n_days] * 2)
    n_days = np.array([n for each in searches for n in each.n_days] * 2)
    levels = np.array([each.level for each in searches for _ in each.n_days])
    levels = np.concatenate([levels, levels - 2 * NUDGE])
    heights = after(calculator, survival, 1.0, row, n_days)
    still = 1 - calculator.at_most(heights, calculator.real(levels))
    both = still[: len(row) // 2] + still[len(row) // 2 :]
    none = calculator.whole(np.zeros(1, dtype=np.int64))
    summed = calculator.joined([none, both.running_total()])
    ends = np.cumsum([0, *(len(each.n_days) for each in searches)])
    return summed[ends[1:]] - summed[ends[:-1]]
