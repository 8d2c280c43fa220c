"""One group's released Kaplan-Meier curve, made of what was opened; and where a released one says what was opened."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from riskset_common.release.curves.at_risk import at_most, numbers_on_axis
from riskset_common.release.curves.frame import Frame, Spans
from riskset_common.release.curves.limits import limits, quantile_limits
from riskset_common.release.curves.people import Group
from riskset_common.release.times import LeavingTimes
from riskset_common.results.curves import (
    Estimate,
    GroupCurve,
    KaplanMeierResult,
    KnownPoints,
    Landmark,
    QuantileResult,
    RestrictedMean,
)
from riskset_common.results.shown import Shown, Withheld
from riskset_common.results.tests import ContrastOf
from riskset_common.survival.curves.kaplan_meier import LimitKind

DECIMALS = 1000
"""Probabilities and their standard errors are released in so many parts."""

At = tuple[int, int]
"""A curve and a place of the frame."""


@dataclass(frozen=True)
class CurvesAsked:
    """What an analysis asks of its curves; times in the plan's unit.

    Attributes
    ----------
    counted
        The patients, by groups.
    cause
        The one kind of event that counts; None where every kind does.
    at, quantiles, rmean, contrast, interval, level
        As in the plan.
    """

    counted: LeavingTimes
    cause: str | None
    at: tuple[float, ...]
    quantiles: tuple[float, ...]
    rmean: float | None
    contrast: tuple[ContrastOf, ...]
    interval: LimitKind
    level: float


@dataclass(frozen=True)
class Told:
    """What was opened of the curves.

    Attributes
    ----------
    known, places
        Where curves are known, and which places of the frame were accepted.
    numbers
        Numbers at risk, by curve and step.
    parts, events, std_err
        Survival in parts of `DECIMALS`, events up to the time, and standard errors.
    quantiles
        By curve and share; those that are not shown have their mark.
    means
        By curve.
    """

    known: Spans
    places: tuple[int, ...]
    numbers: Mapping[At, int] = field(default_factory=dict)
    parts: Mapping[At, int] = field(default_factory=dict)
    events: Mapping[At, int] = field(default_factory=dict)
    std_err: Mapping[At, float] = field(default_factory=dict)
    quantiles: Mapping[tuple[int, float], Estimate] = field(default_factory=dict)
    means: Mapping[int, Shown[RestrictedMean]] = field(default_factory=dict)

    def with_more(
        self,
        std_err: Mapping[At, float],
        quantiles: Mapping[tuple[int, float], Estimate],
        means: Mapping[int, Shown[RestrictedMean]],
    ) -> Told:
        """The same with what was opened last."""
        return replace(self, std_err=std_err, quantiles=quantiles, means=means)

    def steps(self, frame: Frame, curve: int) -> tuple[list[float], list[int]]:
        """The released times of a curve and its parts there, from the origin on unless patients come late."""
        at = [place for place in self.places if (curve, place) in self.parts]
        times = [frame.places.time[place] for place in at]
        parts = [self.parts[curve, place] for place in at]
        return (
            (times, parts) if frame.counted.left_truncated else ([0.0, *times], [DECIMALS, *parts])
        )

    def beyond(self, frame: Frame, curve: int, p: float) -> float | Withheld:
        """What stands for a quantile that is not seen: NaN if the curve is known to stay above 1 - p, as no event is left."""
        at = [place for place in self.places if (curve, place) in self.parts]
        last = 2 * self.parts[curve, at[-1]] - 1 if at else 0
        is_flat = bool(at) and self.events[curve, at[-1]] == frame.curves[curve].events
        if is_flat and last > 2 * DECIMALS * (1 - p):
            return math.nan
        later = frame.places.time[at[-1] + 1 :] if at else frame.places.time
        # Where no later time could have been accepted, few are at risk there; else the times that were not protect somebody.
        ended = bool(at) and not any(time <= self.known.end[curve] for time in later)
        return frame.floors.few if ended else frame.floors.protects


def group_curve(frame: Frame, told: Told, i: int, asked: CurvesAsked) -> GroupCurve:
    """The released curve of the i-th group that has one."""
    group, few = frame.curves[i], frame.floors.few
    curve = _points(frame, told, i, asked)
    quantiles = {
        p: told.quantiles.get((i, p)) or _unseen(frame, told, i, p) for p in (0.5, *asked.quantiles)
    }
    complete = {p: _with_limits(frame, told, i, p, curve, each) for p, each in quantiles.items()}
    middle = complete[0.5]
    return GroupCurve(
        n=group.n,
        events=group.events,
        median=middle,
        quantiles=tuple(_quantiles(frame, i, asked.quantiles, complete)),
        at=tuple(_landmark(frame, told, i, time, curve) for time in asked.at),
        curve=curve,
        rmean=None if asked.rmean is None else told.means.get(i, few),
        level=group.level,
        numbers_at_risk=numbers_on_axis(frame, told.known, i, told.numbers),
    )


def withheld_curve(group: Group, mark: Withheld, rmean: float | None) -> GroupCurve:
    """A group without a curve: its level, and the numbers of its patients and events as far as they are shown."""
    return GroupCurve(
        n=group.n,
        events=group.events,
        median=mark,
        quantiles=mark,
        at=mark,
        curve=mark,
        rmean=None if rmean is None else mark,
        level=group.level,
        numbers_at_risk=None,
    )


def _points(frame: Frame, told: Told, i: int, asked: CurvesAsked) -> KnownPoints:
    """The values at all accepted times; those at which few are at risk are withheld."""
    few, end = frame.floors.few, told.known.end[i]
    shown = [place for place in told.places if (i, place) in told.parts]
    survival = [told.parts[i, place] / DECIMALS for place in shown]
    std_err = [told.std_err.get((i, place), math.nan) for place in shown]
    lower, upper = limits(survival, std_err, asked.interval, asked.level)
    by_place = dict(zip(shown, zip(survival, std_err, lower, upper, strict=True), strict=True))
    rows = [by_place.get(place, (few, few, few, few)) for place in told.places]
    return KnownPoints(
        time=tuple(frame.places.time[place] for place in told.places),
        at_risk=tuple(_at_risk(frame, told, i, place) for place in told.places),
        events_to=tuple(told.events.get((i, place), few) for place in told.places),
        survival=tuple(row[0] for row in rows),
        std_err=tuple(row[1] for row in rows),
        lower=tuple(row[2] for row in rows),
        upper=tuple(row[3] for row in rows),
        end=end,
    )


def _at_risk(frame: Frame, told: Told, i: int, place: int) -> Shown[int]:
    """The number at risk at an accepted time, which leaves room for the events before it."""
    if (i, place) not in told.parts:
        return frame.floors.few
    until, since = frame.places.until[place], frame.places.since[place]
    on_day = until == since and until in frame.day_set
    number = told.numbers[i, since]
    return at_most(number, frame.curves[i].n, told.events[i, place], is_event_day=on_day)


def _landmark(frame: Frame, told: Told, i: int, time: float, curve: KnownPoints) -> Landmark:
    """The curve at a time that the plan names; where it was not accepted only the number at risk."""
    place = frame.places.place(time)
    if place in told.places:
        j = told.places.index(place)
        return Landmark(
            time, *(getattr(curve, name)[j] for name in ("at_risk", "events_to", "survival", "std_err", "lower", "upper"))
        )  # fmt: skip
    number: Shown[int] = told.numbers.get((i, frame.places.since[place]), frame.floors.few)
    mark = number if isinstance(number, Withheld) else frame.floors.protects
    return Landmark(time, number, mark, mark, mark, mark, mark)


def _unseen(frame: Frame, told: Told, i: int, p: float) -> Estimate:
    beyond = told.beyond(frame, i, p)
    return Estimate(beyond, beyond, beyond)


def _with_limits(
    frame: Frame, told: Told, i: int, p: float, curve: KnownPoints, estimate: Estimate
) -> Estimate:
    """A quantile with the limits that follow from the released limits of the curve."""
    known = [
        (time, low, high)
        for time, low, high in zip(curve.time, curve.lower, curve.upper, strict=True)
        if not isinstance(low, Withheld) and not isinstance(high, Withheld)
    ]
    start = [] if frame.counted.left_truncated else [(0.0, 1.0, 1.0)]
    times, lower, upper = ([row[column] for row in (*start, *known)] for column in range(3))
    found = quantile_limits(times, lower, upper, p, told.beyond(frame, i, p), frame.floors.small)
    return replace(estimate, lower=found[0], upper=found[1])


def _quantiles(
    frame: Frame, i: int, asked: Sequence[float], found: Mapping[float, Estimate]
) -> Iterator[QuantileResult]:
    """Quantiles; of two with too few patients between them the second is withheld, or many would draw the exact curve."""
    kept, rule, n = [0.5], frame.floors.small, frame.curves[i].n
    for p in asked:
        each = found[p]
        # To nine decimals: 0.5 and 0.4 are 5 patients of 50 apart, and not a little less.
        apart = [round(abs(p - other) * n, 9) if isinstance(n, int) else 0.0 for other in kept]
        if not all(between == 0 or between >= frame.floors.smallest for between in apart):
            yield QuantileResult(rule, rule, rule, p)
            continue
        kept.append(p)
        yield QuantileResult(each.estimate, each.lower, each.upper, p, rounded_to=each.rounded_to)


def group_of(result: KaplanMeierResult, frame: Frame, i: int) -> GroupCurve:
    """The i-th group that has a curve, in a released result."""
    return next(group for group in result.groups if group.level == frame.curves[i].level)


def known_points(group: GroupCurve) -> KnownPoints:
    """The points of a released curve."""
    if not isinstance(group.curve, KnownPoints):
        raise TypeError("A group that has a curve is released with known points.")
    return group.curve


def number_at_risk(
    result: KaplanMeierResult, frame: Frame, places: tuple[int, ...], i: int, since: int
) -> int:
    """The number at risk of the i-th curve at a step: at a time of the axis, or at an accepted time."""
    group = group_of(result, frame, i)
    on_axis = () if group.numbers_at_risk is None else group.numbers_at_risk.at_risk
    for step, number in zip(frame.axis.since, on_axis, strict=True):
        if step == since and isinstance(number, int):
            return number
    there = zip(places, known_points(group).at_risk, strict=True)
    return next(
        n for place, n in there if frame.places.since[place] == since and isinstance(n, int)
    )
