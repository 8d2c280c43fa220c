"""The survival curve from counts on given days, in formulas that both arithmetics take: where the counts are hidden, and in the open.

They are those of `kaplan_meier`, in another order of operations: on shares a reciprocal and a product are cheap, a division is not. The
exact path keeps its own order, because its numbers are printed to the last digit and must not change; a test holds the two together.

References
----------
Kaplan EL, Meier P (1958), J Am Stat Assoc 53:457, equation 2b. Greenwood M (1926), Reports on Public Health 33.
Irwin JO (1949), J Hyg 47:188 (restricted mean).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

PROBABILITY = "the curve is a probability"


@dataclass(frozen=True, eq=False)
class DayCurve:
    """Survival curves of several groups; all arrays have shape (n_groups, n_days).

    Attributes
    ----------
    survival
        S after each day.
    spread
        d/(n(n - d)), by which Greenwood's sum grows on each day.
    """

    survival: Numbers
    spread: Numbers


def day_curve(calculator: Calculator, events: Numbers, at_risk: Numbers, largest: int) -> DayCurve:
    """Estimate S, and what Greenwood's sum is made of.

    Parameters
    ----------
    events, at_risk
        d of n patients at risk on each day, shape (n_groups, n_days); 0 of 0 where nobody is left.
    largest
        No group has more patients.

    Where all who are at risk have the event, S is 0 from then on, and what the sum grows by has no meaning: it counts only times S.
    d/n 1/(n - d) is 0 on every day without an event, also where nobody is at risk; 1/(n - d) - 1/n is not, where 1/0 is any number.
    """
    hazard = calculator.fraction(
        events * calculator.reciprocal(at_risk, largest),
        "no more have the event than are at risk",
    )
    survival = calculator.running_product(calculator.fraction(1 - hazard, PROBABILITY))
    return DayCurve(survival, hazard * calculator.reciprocal(at_risk - events, largest))


def variance(calculator: Calculator, curve: DayCurve, row: IntArray, n_days: IntArray) -> Numbers:
    """Greenwood's variance of S after the first `n_days` days of the groups `row`, shape (n,) each; 0 before the first day."""
    s = calculator.fraction(after(calculator, curve.survival, 1.0, row, n_days), PROBABILITY)
    summed = after(calculator, curve.spread.running_total(), 0.0, row, n_days)
    return calculator.fraction(s * (s * summed), "the variance of a probability")


def after(
    calculator: Calculator, values: Numbers, before: float, row: IntArray, n_days: IntArray
) -> Numbers:
    """The values after the first `n_days` days of the groups `row`, shape (n,) each; `before` where there was no day yet."""
    n_rows, n_columns = values.shape
    first = calculator.real(np.full((n_rows, 1), before))
    flat = calculator.joined([first, values]).reshape(n_rows * (n_columns + 1))
    return flat[np.asarray(row, dtype=np.int64) * (n_columns + 1) + n_days]


def area(calculator: Calculator, curve: DayCurve, widths: FloatArray) -> tuple[Numbers, Numbers]:
    """The area under each curve, and its variance (Irwin 1949), shape (n_groups,) each, in units of the whole length.

    Var = sum of A² d/(n(n - d)) over the days, A the area from the day to the end.

    Parameters
    ----------
    widths
        From 0 to the first day, from each day to the next, and from the last that counts to the end, as shares of the whole length,
        shape (n_days + 1,); 0 behind the end.
    """
    n_rows, n_days = curve.survival.shape
    first = calculator.real(np.ones((n_rows, 1)))
    heights = calculator.joined([first, curve.survival])
    parts = heights * calculator.real(np.broadcast_to(widths, (n_rows, n_days + 1)).copy())
    whole = calculator.fraction(parts.total(), "a mean of probabilities")
    behind = whole.reshape(n_rows, 1) - parts.running_total()[:, :-1]
    later = calculator.bounded(behind, 1.0, "a part of a mean of probabilities")
    spread = later * (later * curve.spread)
    return whole, calculator.fraction(spread.total(), "the variance of a number within 0 and 1")
