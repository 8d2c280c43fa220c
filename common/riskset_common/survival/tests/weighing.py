"""The weights of the log-rank family by one formula for numbers that lie open and for numbers on shares.

With n patients at risk in a stratum, d of them with an event, S the Kaplan-Meier estimate of the stratum:

    log_rank            1                                   Mantel (1966)
    gehan               n / scale                           Gehan (1965)
    tarone_ware         sqrt(n) / scale                     Tarone and Ware (1977)
    peto                S~ = prod (1 - d/(n + 1))           Peto and Peto (1972) as SAS has it
    modified_peto       S~ n/(n + 1)                        Andersen's modification
    fleming_harrington  S(t-)^rho (1 - S(t-))^gamma         Harrington and Fleming (1982)

No weight is above 1: those that grow with n are divided by a public scale, which the test does not notice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import numpy as np

from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.tests.log_rank import (
    Weights,
    equal_weights,
    fleming_harrington,
    gehan,
    modified_peto,
    peto,
    tarone_ware,
)

WeightName = Literal[
    "log_rank", "gehan", "tarone_ware", "peto", "modified_peto", "fleming_harrington"
]

HIGHEST_POWER = 8


@dataclass(frozen=True)
class Weighing:
    """Which weights a test has; `rho` and `gamma` are those of Harrington and Fleming."""

    name: WeightName = "log_rank"
    rho: float = 0.0
    gamma: float = 0.0

    @property
    def is_computable(self) -> bool:
        """Whether products and square roots give the weights: powers are whole or half numbers, and not high."""
        return all(
            0 <= power <= HIGHEST_POWER and float(2 * power).is_integer()
            for power in (self.rho, self.gamma)
        )

    def largest(self, n: int) -> float:
        """The largest weight of an event among at most n patients, before it is divided by `scale`."""
        if self.name == "gehan":
            return float(max(n, 1))
        if self.name == "tarone_ware":
            return math.sqrt(max(n, 1))
        powers = self.rho + self.gamma
        if self.name != "fleming_harrington" or powers == 0:
            return 1.0
        # s^rho (1 - s)^gamma is largest at s = rho / (rho + gamma).
        return float((self.rho / powers) ** self.rho * (self.gamma / powers) ** self.gamma)

    def scale(self, patients: int) -> Fraction:
        """What weights are divided by, a power of two; `patients` is a public bound of their number."""
        bits = max(patients, 1).bit_length()
        if self.name == "gehan":
            return Fraction(1 << bits)
        return Fraction(1 << (bits + 1) // 2) if self.name == "tarone_ware" else Fraction(1)


@dataclass(frozen=True)
class Weighed:
    """Weights of each time of each stratum and their squares, shape (..., n_times); None where all are 1."""

    w: Numbers | None
    squared: Numbers | None


def open_weights(weighing: Weighing) -> Weights:
    """The same weights on numbers that lie open, not divided by the scale."""
    if weighing.name == "fleming_harrington":
        return fleming_harrington(weighing.rho, weighing.gamma)
    return _OPEN[weighing.name]


_OPEN: Final[Mapping[WeightName, Weights]] = {
    "log_rank": equal_weights,
    "gehan": gehan,
    "tarone_ware": tarone_ware,
    "peto": peto,
    "modified_peto": modified_peto,
}


def weights_of(
    calculator: Calculator, weighing: Weighing, n: Numbers, d: Numbers, patients: int
) -> Weighed:
    """The weights, divided by `Weighing.scale(patients)`.

    Parameters
    ----------
    n, d
        Whole numbers of patients at risk and with an event, shape (..., n_times); d is 0 wherever n is.
    """
    if weighing.name == "log_rank" or weighing == Weighing("fleming_harrington"):
        return Weighed(None, None)
    if weighing.name in ("gehan", "tarone_ware"):
        return _by_number(calculator, weighing, n, patients)
    if weighing.name == "fleming_harrington":
        return _by_survival(calculator, weighing, n, d, patients)
    one_more = calculator.reciprocal(n + 1, patients + 1)
    left = calculator.fraction(1 - d * one_more, "d <= n, so d/(n + 1) < 1")
    w = calculator.running_product(left)
    if weighing.name == "modified_peto":
        w = w * calculator.fraction(n * one_more, "n/(n + 1) < 1")
    w = calculator.fraction(w, "a product of numbers between 0 and 1")
    return Weighed(w, w * w)


def _by_number(calculator: Calculator, weighing: Weighing, n: Numbers, patients: int) -> Weighed:
    scale = float(weighing.scale(patients))
    if weighing.name == "gehan":
        w = calculator.fraction(
            n * calculator.real(np.array(1 / scale)), "n is at most the bound of patients"
        )
        return Weighed(w, w * w)
    squared = calculator.fraction(
        n * calculator.real(np.array(1 / scale**2)), "n is at most the bound of patients"
    )
    return Weighed(calculator.root(squared, 1.0), squared)


def _by_survival(
    calculator: Calculator, weighing: Weighing, n: Numbers, d: Numbers, patients: int
) -> Weighed:
    hazard = calculator.fraction(
        d * calculator.reciprocal(n, patients), "d <= n, and 0 where n is 0"
    )
    after = calculator.running_product(calculator.fraction(1 - hazard, "d/n lies between 0 and 1"))
    first = calculator.real(np.ones((*n.shape[:-1], 1)))
    before = calculator.joined([first, after[..., :-1]])
    lost = calculator.fraction(1 - before, "S lies between 0 and 1")
    w = _product(
        calculator,
        power(calculator, before, weighing.rho),
        power(calculator, lost, weighing.gamma),
    )
    squared = _product(
        calculator,
        power(calculator, before, 2 * weighing.rho),
        power(calculator, lost, 2 * weighing.gamma),
    )
    return Weighed(w, squared)


def _product(calculator: Calculator, a: Numbers | None, b: Numbers | None) -> Numbers | None:
    if a is None or b is None:
        return b if a is None else a
    return calculator.fraction(a * b, "a product of numbers between 0 and 1")


def power(calculator: Calculator, x: Numbers, exponent: float) -> Numbers | None:
    """x to a power that is a whole or half number, of 0 <= x <= 1; None for the power 0, which is 1 throughout."""
    whole, half = divmod(round(2 * exponent), 2)
    result: Numbers | None = calculator.root(x, 1.0) if half else None
    square = x
    while whole:
        if whole % 2:
            result = _product(calculator, result, square)
        whole //= 2
        if whole:
            square = calculator.fraction(square * square, "a square of a number between 0 and 1")
    return result
