"""Where the curves of groups cross the probabilities of quantiles: what is asked, and the estimates that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from riskset_common.release.curves.asks import Asks
from riskset_common.release.curves.frame import Frame
from riskset_common.release.curves.group_curves import DECIMALS, Told, group_of
from riskset_common.release.curves.quantiles import (
    Search,
    ends_of,
    estimate_of,
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

        def implied(result: KaplanMeierResult) -> list[int]:
            ends = [self._ends(result, each) for each in wanted]
            return [
                each.passed(end[side])
                for side in (0, 1)
                for each, end in zip(wanted, ends, strict=True)
            ]

        return asks.opens(
            "borders of rounded times before quantiles",
            passed(calculator, survival, wanted),
            implied,
        )

    def found(self, opened: Opened | None) -> dict[tuple[int, float], Estimate]:
        """The estimates by curve and share, their limits still to come."""
        none = float("nan")
        wanted = self._with_borders()
        borders = [] if opened is None else opened.tolist()
        ends = dict(zip(wanted, pairs(borders), strict=True))
        estimates = {}
        for each in self.searches:
            estimate, apart = estimate_of(each, *ends.get(each, (0, 0)))
            estimates[each.curve, each.p] = Estimate(
                estimate, none, none, rounded_to=float(each.unit), ends=apart
            )
        mark = self.frame.floors.protects
        return estimates | {each: Estimate(mark, mark, mark) for each in self.held}

    def _with_borders(self) -> list[Search]:
        return [each for each in self.searches if each.n_days]

    def _ends(self, result: KaplanMeierResult, wanted: Search) -> tuple[float, float]:
        """The ends of a quantile in a released result, wherever it is shown there."""
        group = group_of(result, self.frame, wanted.curve)
        found: list[Estimate] = []
        if wanted.p == 0.5 and isinstance(group.median, Estimate):
            found.append(group.median)
        if not isinstance(group.quantiles, Withheld):
            found += [each for each in group.quantiles if each.p == wanted.p]
        shown = next(each for each in found if not isinstance(each.estimate, Withheld))
        if isinstance(shown.estimate, Withheld):
            raise TypeError("A quantile that was opened is withheld.")
        return ends_of(shown, shown.estimate)


def pairs(values: Sequence[int]) -> list[tuple[int, int]]:
    """The first half of some numbers, each with its partner in the second."""
    half = len(values) // 2
    return list(zip(values[:half], values[half:], strict=True))
