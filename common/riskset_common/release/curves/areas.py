"""Restricted means as they are released: to four significant digits of the time up to which they go."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from riskset_common.release.curves.asks import Asks
from riskset_common.release.curves.frame import Frame, Spans
from riskset_common.release.curves.group_curves import group_of
from riskset_common.release.program import Opened, Opens
from riskset_common.results.curves import KaplanMeierResult, RestrictedMean
from riskset_common.results.shown import Shown, Withheld
from riskset_common.study.time_grid import exact
from riskset_common.survival.arrays.calculator import Numbers
from riskset_common.survival.curves.on_days import DayCurve, area

DIGITS = 4
"""Significant digits of tau to which a mean is given, and of tau/(2 sqrt(n)) to which its error is: an exact area would tell steps."""


@dataclass(frozen=True)
class Areas:
    """The restricted means that are told: of the curves that are known from the origin to tau.

    Attributes
    ----------
    tau
        Up to which time, in the plan's unit.
    curves
        Of which curves.
    unit, unit_of_error
        What the mean and its standard error are rounded to.
    """

    tau: float
    curves: tuple[int, ...]
    unit: Fraction
    unit_of_error: Fraction

    @classmethod
    def of(cls, frame: Frame, known: Spans, tau: float | None) -> Areas:
        """Those of an analysis; none if it asks for none."""
        if tau is None:
            return cls(0.0, (), Fraction(1), Fraction(1))
        curves = tuple(i for i in range(len(frame.curves)) if known.reaches(i, tau))
        n = sum(group.n for group in frame.curves if isinstance(group.n, int))
        return cls(tau, curves, _unit(tau), _unit(tau / (2 * math.sqrt(max(n, 1)))))

    def asked(
        self, frame: Frame, asks: Asks[KaplanMeierResult], curve: DayCurve
    ) -> dict[str, Opens | None]:
        """The means and their standard errors."""
        if not self.curves:
            return {}
        calculator, tau = frame.given.calculator, exact(self.tau)
        days = np.minimum(frame.given.study.grid.times(frame.counted.days), self.tau)
        widths = np.diff(np.concatenate(([0.0], days, [self.tau]))) / self.tau
        rows = np.array(self.curves)
        chosen = DayCurve(curve.survival[rows], curve.spread[rows])
        whole, spread = area(calculator, chosen, widths)
        error = calculator.root(spread, 1.0)

        def asked(
            name: str, x: Numbers, unit: Fraction, of: Callable[[RestrictedMean], float]
        ) -> Opens:
            return asks.opens(
                name,
                calculator.rounded(x, tau / unit),
                lambda result: [
                    round(Fraction(of(_mean(group_of(result, frame, i).rmean))) / unit)
                    for i in self.curves
                ],
            )

        return {
            "mean": asked("restricted means", whole, self.unit, lambda mean: mean.estimate),
            "error": asked(
                "their standard errors", error, self.unit_of_error, lambda mean: mean.std_err
            ),
        }

    def found(self, opened: Mapping[str, Opened]) -> dict[int, Shown[RestrictedMean]]:
        """By curve what was opened."""
        if not self.curves:
            return {}
        both = zip(self.curves, opened["mean"].tolist(), opened["error"].tolist(), strict=True)
        return {
            curve: RestrictedMean(
                self.tau, float(mean * self.unit), float(error * self.unit_of_error)
            )
            for curve, mean, error in both
        }


def _unit(largest: float) -> Fraction:
    return Fraction(10) ** (math.floor(math.log10(largest)) + 1 - DIGITS)


def _mean(mean: Shown[RestrictedMean] | None) -> RestrictedMean:
    if mean is None or isinstance(mean, Withheld):
        raise TypeError("A restricted mean that was opened is withheld.")
    return mean
