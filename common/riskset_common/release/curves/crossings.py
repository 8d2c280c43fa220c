"""Where the curves of groups cross the probabilities of quantiles: what is asked, and the estimates that follow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from riskset_common.release.curves.asks import Asks
from riskset_common.release.curves.frame import Frame
from riskset_common.release.curves.group_curves import DECIMALS, Told, group_of
from riskset_common.release.curves.quantiles import (
    Search,
    gap_around,
    passed,
    search,
)
from riskset_common.release.program import Opened, Opens
from riskset_common.results.curves import Estimate, KaplanMeierResult
from riskset_common.results.shown import Withheld
from riskset_common.survival.arrays.calculator import Calculator, Numbers


@dataclass(frozen=True)
class Crossings:
    """The quantiles that are looked for, and those that lie where they can be seen but may not be told."""

    frame: Frame
    searches: tuple[Search, ...]
    held: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, frame: Frame, told: Told, quantiles: Sequence[float]) -> Crossings:
        """Those of all groups with a curve, from what is released of it."""
        searches, held = [], []
        grid, days = frame.given.study.grid, frame.counted.days
        for curve in range(len(frame.curves)):
            times, parts = told.steps(frame, curve)
            for p in dict.fromkeys((0.5, *quantiles)):
                gap = gap_around(times, parts, DECIMALS, p)
                if gap is None:
                    continue
                found = search(curve, p, gap, days, grid, frame.floors.smallest)
                if found is None:
                    held.append((curve, p))
                else:
                    searches.append(found)
        return cls(frame, tuple(searches), tuple(held))

    def asked(
        self, calculator: Calculator, asks: Asks[KaplanMeierResult], survival: Numbers
    ) -> Opens | None:
        """How many borders of rounded times lie before each end of each quantile; those without a border need not be asked."""
        wanted = self._with_borders()
        if not wanted:
            return None

        return asks.opens(
            "borders of rounded times before quantiles",
            passed(calculator, survival, wanted),
            lambda result: [each.passed(self._shown(result, each)) for each in wanted],
        )

    def found(self, opened: Opened | None) -> dict[tuple[int, float], Estimate]:
        """The estimates by curve and share, their limits still to come."""
        borders = [] if opened is None else opened.tolist()
        sums = dict(zip(self._with_borders(), borders, strict=True))
        estimates = {
            (each.curve, each.p): Estimate(
                each.value(sums.get(each, 0)), math.nan, math.nan, rounded_to=float(each.unit)
            )
            for each in self.searches
        }
        mark = self.frame.floors.protects
        return estimates | {each: Estimate(mark, mark, mark) for each in self.held}

    def _with_borders(self) -> list[Search]:
        return [each for each in self.searches if each.n_days]

    def _shown(self, result: KaplanMeierResult, wanted: Search) -> float:
        """A quantile in a released result, wherever it is shown there."""
        group = group_of(result, self.frame, wanted.curve)
        found = [] if isinstance(group.quantiles, Withheld) else list(group.quantiles)
        shown = [each.estimate for each in found if each.p == wanted.p]
        if wanted.p == 0.5 and not isinstance(group.median, Withheld):
            shown.append(group.median.estimate)
        return next(value for value in shown if not isinstance(value, Withheld))
