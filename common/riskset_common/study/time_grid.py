"""The agreed time grid: every time of a run is a whole number of its steps.

Floating-point times tie or miss by rounding (R merges times closer than 1.5e-8 for that reason); whole steps do not.
Steps become times of the plan's unit only when they are shown, by exact fractions, so that step 6 of 0.1 years reads 0.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

DAYS_PER_UNIT = {
    "days": Fraction(1),
    "weeks": Fraction(7),
    "months": Fraction("30.4375"),
    "years": Fraction("365.25"),
}
"""Days in a unit of time; a month is a twelfth of a year of 365.25 days."""

OFF_GRID = 1e-6
"""A time further than this share of a step from every whole step is not on the grid."""


def exact(number: float) -> Fraction:
    """The decimal number that a person wrote, not its nearest double: 0.1 is one tenth."""
    return Fraction(repr(float(number)))


@dataclass(frozen=True)
class TimeGrid:
    """A grid of equal steps from the origin.

    Attributes
    ----------
    days_per_step
        Days in one step of the grid.
    days_per_unit
        Days in one unit of the plan, the unit in which results are shown.
    """

    days_per_step: Fraction
    days_per_unit: Fraction

    @property
    def units_per_step(self) -> Fraction:
        """The step in the plan's unit."""
        return self.days_per_step / self.days_per_unit

    def steps(
        self, time: NDArray[np.float64], days_per_unit: Fraction
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Whole steps of times that are given in a unit of `days_per_unit` days, and which of them lie off the grid.

        Missing times (NaN) become -1 and are not off the grid. Both results have the shape of `time`.
        """
        step = self.days_per_step / days_per_unit
        exact_steps = time * float(step.denominator) / float(step.numerator)
        missing = np.isnan(exact_steps)
        nearest = np.rint(np.where(missing, -1.0, exact_steps))
        off = ~missing & (np.abs(exact_steps - nearest) > OFF_GRID)
        return nearest.astype(np.int64), off

    def steps_passed(self, time: NDArray[np.float64], days_per_unit: Fraction) -> NDArray[np.int64]:
        """The last whole step that is not after each time, which need not lie on the grid nor after the origin; -1 where missing."""
        nearest, off = self.steps(time, days_per_unit)
        step = self.days_per_step / days_per_unit
        below = np.floor(np.where(off, time, 0.0) * float(step.denominator) / float(step.numerator))
        return np.where(off, below.astype(np.int64), nearest)

    def steps_around(self, time: float) -> tuple[int, int]:
        """The last whole step that is not after a time in the plan's unit, and the first that is not before it."""
        steps = exact(time) / self.units_per_step
        return math.floor(steps), math.ceil(steps)

    def times(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Times in the plan's unit of whole steps, each the double nearest to the exact fraction."""
        whole = np.asarray(steps, dtype=np.int64)
        step = self.units_per_step
        if (
            step.numerator < 2**20
            and step.denominator < 2**40
            and (whole.size == 0 or int(np.abs(whole).max()) < 2**32)
        ):
            # Both factors are exact doubles here, so the one division rounds correctly.
            return whole.astype(np.float64) * float(step.numerator) / float(step.denominator)
        return np.array(
            [float(step * int(value)) for value in whole.ravel()], dtype=np.float64
        ).reshape(whole.shape)
