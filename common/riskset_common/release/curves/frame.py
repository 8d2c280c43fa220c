"""The steps that all released curves share: where each group's curve ends, which times are accepted, and the numbers at risk."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskset_common.release.curves.asks import Asks, Result
from riskset_common.release.curves.people import Group, People, Pick, people_of, protected
from riskset_common.release.curves.points import Places, Watched, accepted
from riskset_common.release.facts import origin_of
from riskset_common.release.floors import Floors
from riskset_common.release.given import Given
from riskset_common.release.program import Program
from riskset_common.release.release_times import Times, release_grid, times_on
from riskset_common.release.times import LeavingTimes, at_risk
from riskset_common.survival.arrays.calculator import Numbers
from riskset_common.survival.arrays.shapes import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Frame:
    """What is public of the curves of an analysis, and the hidden numbers at risk.

    Attributes
    ----------
    given, counted, people, floors
        What it is made of.
    axis
        Times at which numbers at risk are told.
    places
        Times at which a curve may be told.
    named
        Those of them that the plan names, in its order.
    """

    given: Given
    counted: LeavingTimes
    people: People
    floors: Floors
    axis: Times
    places: Times
    named: tuple[float, ...]

    @classmethod
    def of(
        cls, given: Given, counted: LeavingTimes, axis: Sequence[float], at: Sequence[float]
    ) -> Frame:
        """The frame of curves whose axis has some times, and whose plan names some."""
        floors = Floors.of(given.study.plan.disclosure)
        days = given.facts.days[origin_of(given.study, counted.endpoint)]
        return cls(
            given,
            counted,
            people_of(given, counted, floors),
            floors,
            times_on(given.study.grid, axis),
            release_grid(given.study, days, at),
            tuple(dict.fromkeys(map(float, at))),
        )

    @property
    def curves(self) -> tuple[Group, ...]:
        """The groups that have a curve."""
        return self.people.curves

    @cached_property
    def rows(self) -> IntArray:
        """Their rows, shape (n_curves,)."""
        return np.array([group.row for group in self.curves], dtype=np.int64)

    @cached_property
    def at_risk(self) -> Numbers:
        """Patients at risk at each mark of the groups with a curve, shape (n_curves, n_marks)."""
        data = self.given.data[self.counted]
        return at_risk(self.given.calculator, data, self.counted)[self.rows]

    @property
    def days_are_told(self) -> bool:
        """Whether everybody knows on which days there are events."""
        return self.given.facts.days[origin_of(self.given.study, self.counted.endpoint)].told

    @cached_property
    def day_set(self) -> frozenset[int]:
        """The days on which there may be events."""
        return frozenset(self.counted.days)

    def told_at(self, known: Spans, places: Sequence[int]) -> list[tuple[int, int]]:
        """Curve and place of each value that is told at accepted places."""
        return [
            (curve, place)
            for curve in range(len(self.curves))
            for place in places
            if known.holds(curve, self.places.time[place])
        ]

    def rows_and_days(self, at: Sequence[tuple[int, int]]) -> tuple[IntArray, IntArray]:
        """Curve of each, and how many days of the set there are up to its place."""
        curve, place = np.array(at, dtype=np.int64).reshape(-1, 2).T
        return curve, self.n_days(self.places.until)[place]

    def events_to(self, events: Numbers, curve: IntArray, n_days: IntArray) -> Numbers:
        """Events on the first days of groups with a curve, shape (n,); `events` by row of the counts and day."""
        summed = up_to(self, events[self.rows], np.arange(len(self.counted.days) + 1))
        return summed.reshape(len(self.curves) * (len(self.counted.days) + 1))[
            curve * (len(self.counted.days) + 1) + n_days
        ]

    def marks(self, since: Sequence[int]) -> IntArray:
        """The places of steps among the marks."""
        return np.searchsorted(np.asarray(self.counted.marks), since)

    def n_days(self, until: Sequence[int]) -> IntArray:
        """How many days of the set there are up to and including each step."""
        return np.searchsorted(np.asarray(self.counted.days), until, side="right")


@dataclass(frozen=True, eq=False)
class Spans:
    """Where the curves of groups are known.

    Attributes
    ----------
    few
        Whether fewer than enough are at risk at a time of the axis, shape (n_curves, n_axis).
    begin, end
        The first and the last time of a run of the axis with enough; NaN where there is none. A curve to which patients come late
        begins with the first such run.
    """

    axis: Times
    few: BoolArray
    begin: tuple[float, ...]
    end: tuple[float, ...]

    @classmethod
    def of(cls, axis: Times, few: BoolArray, *, late: bool) -> Spans:
        """The first run of each group; without late entry it begins at 0."""
        runs = [_first_run(axis.time, row.tolist(), late=late) for row in few]
        return cls(axis, few, tuple(run[0] for run in runs), tuple(run[1] for run in runs))

    def holds(self, curve: int, time: float) -> bool:
        """Whether a time lies where the curve is known."""
        return self.begin[curve] <= time <= self.end[curve]

    def reaches(self, curve: int, time: float) -> bool:
        """Whether the curve is known from the origin to a time of the axis."""
        upto = [few for few, at in zip(self.few[curve], self.axis.time, strict=True) if at <= time]
        return not any(upto)


def _first_run(times: Sequence[float], few: Sequence[bool], *, late: bool) -> tuple[float, float]:
    begin = 0.0
    if late:
        begin = next(
            (time for time, is_few in zip(times, few, strict=True) if not is_few), math.nan
        )
    end = math.nan
    for time, is_few in zip(times, few, strict=True):
        if time >= begin:
            if is_few:
                break
            end = time
    return begin, end


def spans(
    frame: Frame,
    asks: Asks[Result],
    name: str,
    few_of: Callable[[Result], Sequence[Sequence[bool]]],
) -> Program[Spans]:
    """Ask at which times of the axis fewer than enough are at risk; `few_of` finds that by group with a curve in a result."""
    n_axis, n_curves = len(frame.axis), len(frame.curves)
    if not n_curves:
        return Spans.of(frame.axis, np.zeros((0, n_axis), dtype=np.bool_), late=False)
    numbers = frame.at_risk[:, frame.marks(frame.axis.since)]
    [few] = yield [
        asks.among(
            f"fewer at risk than may be shown, {name}",
            numbers.reshape(n_curves * n_axis, 1),
            0,
            frame.floors.fewest - 1,
            lambda result: [int(each) for row in few_of(result) for each in row],
        )
    ]
    found = few.reshape(n_curves, n_axis).astype(np.bool_)
    return Spans.of(frame.axis, found, late=frame.counted.left_truncated)


def points(
    frame: Frame,
    known: Spans,
    asks: Asks[Result],
    name: str,
    picks: Sequence[Pick],
    allowed: Collection[float],
    times_of: Callable[[Result], Collection[float]],
) -> Program[tuple[int, ...]]:
    """The places among the frame's times at which the curves of all groups are told.

    Parameters
    ----------
    picks
        They choose the events that are protected.
    allowed
        Times of which one may be accepted.
    """
    shown = np.array(
        [[known.holds(i, time) for time in frame.places.time] for i in range(len(frame.curves))],
        dtype=np.bool_,
    ).reshape(len(frame.curves), len(frame.places))
    if not shown.any():
        return ()
    usable = shown.any(axis=0) & np.array([time in allowed for time in frame.places.time])
    calculator, floors = frame.given.calculator, frame.floors
    places, watched = _places(frame, usable), _watched(frame, picks, shown)
    return (
        yield from accepted(
            calculator, asks, name, places, watched, floors.smallest, floors.fewest, times_of
        )
    )


def _places(frame: Frame, usable: BoolArray) -> Places:
    """What is public of the frame's times."""
    return Places(
        frame.places,
        frame.n_days(frame.places.until),
        len(frame.counted.days),
        frame.days_are_told,
        tuple(frame.places.place(time) for time in frame.named),
        usable,
    )


def _watched(frame: Frame, picks: Sequence[Pick], shown: BoolArray) -> Watched:
    """Of whom no few events may be told, and where late entry leaves few at risk between times of the axis."""
    rows = [
        each for pick in picks for each in protected(frame.given, frame.counted, frame.people, pick)
    ]
    late = frame.counted.left_truncated
    return Watched(
        _events_at(frame, [row.events for row in rows], frame.n_days(frame.places.until)),
        np.array([row.is_held for row in rows], dtype=np.bool_),
        np.array([row.may_be_0 for row in rows], dtype=np.bool_),
        frame.at_risk[:, frame.marks(frame.places.since)] if late else None,
        shown if late else None,
    )


def _events_at(frame: Frame, rows: Sequence[Numbers], n_days: IntArray) -> Numbers | None:
    """Events up to the origin, to each of some times, and in all; None of nobody."""
    if not rows:
        return None
    events = frame.given.calculator.joined([row.reshape(1, -1) for row in rows], axis=0)
    return up_to(frame, events, np.array([0, *n_days, len(frame.counted.days)]))


def up_to(frame: Frame, events: Numbers, n_days: IntArray) -> Numbers:
    """Events of each row on the first so many days, shape (n_rows, n)."""
    none = frame.given.calculator.whole(np.zeros((events.shape[0], 1), dtype=np.int64))
    return frame.given.calculator.joined([none, events.running_total()])[:, n_days]
