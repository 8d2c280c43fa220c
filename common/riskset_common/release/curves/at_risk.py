"""Numbers at risk as they are released: multiples of 5, rounded where they are hidden, and never more than there are patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from riskset_common.release.curves.asks import Asks, Result
from riskset_common.release.curves.frame import Frame, Spans
from riskset_common.release.program import Opened, Opens
from riskset_common.results.curves import NumbersAtRisk
from riskset_common.results.shown import Shown

ROUND_TO = 5
"""Numbers at risk are rounded to multiples of it."""


@dataclass(frozen=True)
class AtRisk:
    """Which numbers at risk are told: at the times of the axis at which they are enough, and at accepted times.

    Attributes
    ----------
    told
        Curve and step of each number, in order.
    """

    frame: Frame
    known: Spans
    told: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, frame: Frame, known: Spans, told: Sequence[tuple[int, int]]) -> AtRisk:
        """The numbers of an axis, and those at curve and place of accepted times."""
        on_axis = {
            (curve, since)
            for curve, row in enumerate(known.few.tolist())
            for since, few in zip(frame.axis.since, row, strict=True)
            if not few
        }
        at_points = {(curve, frame.places.since[place]) for curve, place in told}
        return cls(frame, known, tuple(sorted(on_axis | at_points)))

    def asked(
        self, asks: Asks[Result], number_of: Callable[[Result, int, int], int]
    ) -> Opens | None:
        """Open them; `number_of` finds that of a curve at a step in a result."""
        if not self.told:
            return None
        curve, since = np.array(self.told, dtype=np.int64).reshape(-1, 2).T
        numbers = self.frame.at_risk.reshape(len(self.frame.curves) * len(self.frame.counted.marks))
        calculator = self.frame.given.calculator
        rounded = calculator.rounded(
            numbers[curve * len(self.frame.counted.marks) + self.frame.marks(since.tolist())],
            Fraction(1, ROUND_TO),
        )
        # A rounded number that is more than there can be is shown as these: the next multiple was opened.
        return asks.opens(
            "numbers at risk in fives",
            rounded,
            lambda result: [-(-number_of(result, *each) // ROUND_TO) for each in self.told],
        )

    def numbers(self, opened: Opened | None) -> dict[tuple[int, int], int]:
        """Each number that was opened, never above the patients of its group."""
        if opened is None:
            return {}
        most = [group.n for group in self.frame.curves]
        return {
            (curve, since): min(ROUND_TO * fives, n)
            for (curve, since), fives in zip(self.told, opened.tolist(), strict=True)
            if isinstance(n := most[curve], int)
        }


def numbers_on_axis(
    frame: Frame, known: Spans, curve: int, numbers: Mapping[tuple[int, int], int]
) -> NumbersAtRisk:
    """Those of one curve at the times of the axis."""
    found: list[Shown[int]] = [
        frame.floors.few if is_few else numbers[curve, since]
        for since, is_few in zip(frame.axis.since, known.few[curve].tolist(), strict=True)
    ]
    times = (int(time) if time.is_integer() else time for time in frame.axis.time)
    return NumbersAtRisk(tuple(times), tuple(found))


def at_most(number: int, n: Shown[int], events: Shown[int], *, is_event_day: bool) -> int:
    """A number at risk that leaves room for the events before it, so that those at risk, with an event and censored add up to n.

    Where events may fall on the day itself, how many came before is not known.
    """
    if is_event_day or not (isinstance(n, int) and isinstance(events, int)):
        return number
    return min(number, n - events)
