"""Which times of a curve may be released: those around which each group has no event or enough of them.

A time is accepted if on both sides of it, up to the accepted times beside it, each group has at least k events, or 0 where the day set
has no event either: 0 elsewhere would give every day of the set between the two times to the other groups. The times that the plan
names come first, in its order; then, from the top down, the places in the middle of each gap between accepted times. A try opens one
bit, which the list of the accepted times tells.

Where the days are not told, 0 gives no day away, and a time that the plan names may have it on a side. The others may not: they would
run close up to the events.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from riskset_common.release.curves.asks import Asks, Result
from riskset_common.release.program import Program
from riskset_common.release.release_times import Times
from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.arrays.shapes import BoolArray, IntArray

TRIES = 3
"""Places in the middle of a gap that are tried, the nearest first."""

Try = tuple[int, int, int]
"""An accepted time or -1, a time that is tried, and an accepted time or the number of times."""


@dataclass(frozen=True)
class Places:
    """Where a curve may be released.

    Attributes
    ----------
    times
        The times that can be accepted.
    n_days
        Days of the set up to and including each, shape (n_times,).
    days
        Days of the set in all.
    told
        Whether everybody knows the days; if not, they are all steps of the grid.
    named
        Places of the times that the plan names, in its order.
    usable
        Whether the value of some group would be shown at a time, shape (n_times,).
    """

    times: Times
    n_days: IntArray
    days: int
    told: bool
    named: tuple[int, ...]
    usable: BoolArray

    def days_between(self, a: int, b: int) -> int:
        """Days of the set after one place and not after another."""
        return self._days_to(b) - self._days_to(a)

    def middle(self, a: int, b: int) -> list[int]:
        """Places near the middle of a gap, by days of the set, with days on both sides and days between them."""
        half = (self._days_to(a) + self._days_to(b)) / 2
        inside = [
            place
            for place in range(a + 1, b)
            if self.usable[place] and self.days_between(a, place) and self.days_between(place, b)
        ]
        near = sorted(inside, key=lambda place: abs(self._days_to(place) - half))
        first = {self._days_to(place): place for place in reversed(near)}
        return [place for place in near if first[self._days_to(place)] == place][:TRIES]

    def _days_to(self, place: int) -> int:
        if place < 0:
            return 0
        return int(self.n_days[place]) if place < len(self.times) else self.days


@dataclass(frozen=True, eq=False)
class Watched:
    """Of whom no few events may be told.

    Attributes
    ----------
    events
        Events up to the origin (0), to each of the times, and in all, shape (n_rows, n_times + 2); None where nobody need be watched.
    held
        Whether the number of all events is not shown, so that it must not follow from a last time either, shape (n_rows,).
    may_be_0
        Whether there may be none where the set has days, shape (n_rows,).
    at_risk, shown
        Patients at risk at each time, and whether the value would be shown: fewer than enough then reject a time, shape (n_curves,
        n_times). None where their number only falls, so that the end of a curve says as much.
    """

    events: Numbers | None
    held: BoolArray
    may_be_0: BoolArray
    at_risk: Numbers | None = None
    shown: BoolArray | None = None


def accepted(
    calculator: Calculator,
    asks: Asks[Result],
    name: str,
    places: Places,
    watched: Watched,
    smallest: int,
    fewest: int,
    times_of: Callable[[Result], Collection[float]],
) -> Program[tuple[int, ...]]:
    """The places that are accepted, ascending. `times_of` finds their times in a result; k and m are `smallest` and `fewest`."""
    end, found = len(places.times), list[int]()
    asked = _Tries(calculator, asks, name, places, watched, smallest, fewest, times_of)
    for place in dict.fromkeys(places.named):
        here = bisect_right(found, place)
        bounded = [-1, *found, end]
        trying = (bounded[here], place, bounded[here + 1])
        if (
            places.usable[place]
            and asked.may_be(trying)
            and (yield from asked.bits([trying], are_named=True))[0]
        ):
            insort(found, place)
    waiting = {gap: places.middle(*gap) for gap in pairwise([-1, *found, end])}
    while True:
        waiting = {
            (a, b): tries
            for (a, b), rest in waiting.items()
            if (tries := [place for place in rest if asked.may_be((a, place, b))])
        }
        if not waiting:
            return tuple(found)
        now = [(a, tries[0], b) for (a, b), tries in waiting.items()]
        for (a, place, b), fits in zip(now, (yield from asked.bits(now)), strict=True):
            rest = waiting.pop((a, b))[1:]
            if fits:
                insort(found, place)
                waiting |= {gap: places.middle(*gap) for gap in ((a, place), (place, b))}
            else:
                waiting[a, b] = rest


class _Tries:
    """Asks whether times may be accepted."""

    def __init__(
        self,
        calculator: Calculator,
        asks: Asks[Result],
        name: str,
        places: Places,
        watched: Watched,
        smallest: int,
        fewest: int,
        times_of: Callable[[Result], Collection[float]],
    ) -> None:
        self._calculator, self._asks, self._name = calculator, asks, name
        self._places, self._watched = places, watched
        self._smallest, self._fewest, self._times_of = smallest, fewest, times_of
        self._wave = 0

    def may_be(self, trying: Try) -> bool:
        """Whether a time need be tried: behind it are days of the set, or no number of events that is held."""
        _, place, after = trying
        behind = self._places.days_between(place, after)
        return behind > 0 or after < len(self._places.times) or not self._watched.held.any()

    def bits(self, now: Sequence[Try], *, are_named: bool = False) -> Program[list[bool]]:
        """Whether each of the times is accepted."""
        self._wave += 1
        before, here, after = (np.array(each) + 1 for each in zip(*now, strict=True))
        events = self._watched.events
        parts, lowest, highest = list[Numbers](), list[IntArray](), list[IntArray]()
        if events is not None:
            parts += [events[:, here] - events[:, before], events[:, after] - events[:, here]]
            sides = ((a, place) for a, place, _ in now), ((place, b) for _, place, b in now)
            for gaps in map(list, sides):
                lowest.append(self._lowest(gaps, are_named=are_named))
                highest.append(self._highest(gaps))
        if self._watched.at_risk is not None and self._watched.shown is not None:
            parts.append(self._watched.at_risk[:, here - 1])
            lowest.append(np.zeros((len(self._watched.shown), len(now)), dtype=np.int64))
            highest.append(np.where(self._watched.shown[:, here - 1], self._fewest - 1, -1))
        if not parts:
            return [True for _ in now]
        times = [self._places.times.time[place] for _, place, _ in now]
        [few] = yield [
            self._asks.among(
                f"{self._name}, try {self._wave}",
                self._calculator.joined(parts, axis=0).transpose(1, 0),
                np.concatenate(lowest).T,
                np.concatenate(highest).T.astype(np.int64),
                lambda result: [int(time not in self._times_of(result)) for time in times],
            )
        ]
        return [not bit for bit in few.tolist()]

    def _highest(self, gaps: Sequence[tuple[int, int]]) -> IntArray:
        """How many events are too few in each gap: where the set has no day there is none, and nothing lies from 0 to -1."""
        few = [self._smallest - 1 if self._places.days_between(*gap) else -1 for gap in gaps]
        return np.broadcast_to(np.array(few, dtype=np.int64), (self._watched.held.size, len(gaps)))

    def _lowest(self, gaps: Sequence[tuple[int, int]], *, are_named: bool) -> IntArray:
        """1 where none is not too few either; but none behind a last time would tell a number of all events that is held."""
        may_be_0 = self._watched.may_be_0 | (are_named and not self._places.told)
        last = np.array([after == len(self._places.times) for _, after in gaps])
        return np.where(may_be_0[:, None] & ~(self._watched.held[:, None] & last), 1, 0)
