"""Median follow-up as it is released: by the reverse Kaplan-Meier method on the whole grid, whose days stay hidden.

The censoring is the event, and a patient with the event is censored (Schemper and Smith 1996, Control Clin Trials 17:343). The median is
rounded to two significant digits. What is opened of it is twice its place in the smallest unit, which the printed value says; and first
whether enough patients are still followed there and enough had left. Its limits have no rule, so that they are not computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np

from riskset_common.release.cells import events_cell, missing_cell, patients_cell
from riskset_common.release.counted import Counted
from riskset_common.release.curves.asks import Asks
from riskset_common.release.curves.at_risk import ROUND_TO
from riskset_common.release.facts import Facts, origin_of
from riskset_common.release.floors import Floors, nothing_of
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Program
from riskset_common.release.times import Cohort, LeavingTimes, at_risk
from riskset_common.results.follow_up import (
    Completeness,
    FollowUpPoint,
    FollowUpPoints,
    FollowUpRange,
    FollowUpResult,
)
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis
from riskset_common.study.study import Study
from riskset_common.study.time_grid import TimeGrid
from riskset_common.survival.arrays.calculator import NUDGE, Numbers
from riskset_common.survival.curves.on_days import day_curve

NOT_COMPUTED: Final = Withheld("not computed on shares")
"""The mark of the limits of a median follow-up under a release of rounded numbers."""
DIGITS = 4
"""Significant digits of completeness and of the largest person-time that there could be."""

FollowUps = FollowUpResult | WithheldAnalysis
FollowUpAsks = Asks[FollowUpResult]


@dataclass(frozen=True)
class FollowUpAsked:
    """What an analysis asks of follow-up.

    Attributes
    ----------
    counted
        The patients, with every step of the grid as a mark.
    closing
        What is counted of the person-time until a closing date, with arrays `person_time` and `incomplete`; None if it is not asked.
    range
        Whether the range is asked, which is always withheld.
    method, ci, level
        As in the plan.
    """

    counted: LeavingTimes
    closing: Counted | None
    range: bool
    method: str
    ci: str
    level: float


def whole_grid(study: Study, facts: Facts, cohort: Cohort, endpoint: str) -> LeavingTimes:
    """The patients of a cohort, followed for an endpoint, on every step of its grid."""
    days = facts.days[origin_of(study, endpoint)]
    return LeavingTimes(
        endpoint,
        (),
        censors=False,
        cohort=cohort,
        by=(),
        days=days.steps,
        marks=tuple(range(days.n_steps)),
        left_truncated=study.endpoint(endpoint).entry is not None,
    )


def follow_up_program(
    asked: FollowUpAsked, given: Given, asks: FollowUpAsks | None = None
) -> Program[FollowUps]:
    """Follow-up of an endpoint."""
    asks = FollowUpAsks() if asks is None else asks
    floors, where = Floors.of(given.study.plan.disclosure), _where(given, asked)
    n = given.cells[patients_cell(*where)]
    if isinstance(n, Withheld) or n < floors.fewest:
        mark = n if isinstance(n, Withheld) else floors.few
        also = ["range"] * asked.range + ["completeness"] * (asked.closing is not None)
        return nothing_of(FollowUpResult, "follow_up", mark, also)
    result = FollowUpResult(
        kind="follow_up",
        endpoint=asked.counted.endpoint,
        method=asked.method,
        n=n,
        events=given.cells[events_cell(*where)],
        missing=given.cells[missing_cell(*where)],
        ci=asked.ci,
        level=asked.level,
        median=floors.few,
        lower=NOT_COMPUTED,
        upper=NOT_COMPUTED,
        at=_points(FollowUpPoint(floors.few, floors.few)),
        range=FollowUpRange(floors.small, floors.small) if asked.range else None,
        completeness=None,
        warnings=(),
    )
    result = yield from _with_median(asked, given, asks, floors, result)
    if asked.closing is None:
        return result
    found = yield from _completeness(asked.closing, given, asks, floors, result)
    return replace(result, completeness=found)


def implied_by_follow_up(
    asked: FollowUpAsked, given: Given, result: FollowUps
) -> Mapping[str, Opened]:
    """What every ask of `follow_up_program` must have been, from its released result."""
    asks = FollowUpAsks()
    program = follow_up_program(asked, given, asks)
    return {} if isinstance(result, WithheldAnalysis) else asks.told_by(program, result)


def _where(given: Given, asked: FollowUpAsked) -> tuple[Study, Cohort, str]:
    return given.study, asked.counted.cohort, asked.counted.endpoint


@dataclass(frozen=True)
class RoundTimes:
    """The times that a median may be rounded to, of two significant digits, up to the end of a grid.

    Attributes
    ----------
    unit
        The smallest: a power of ten that is not below a step.
    values
        In units, ascending from 0.
    ends
        The first step at which the next value is the nearest; the length of the grid for the last.
    """

    unit: Fraction
    values: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, grid: TimeGrid, n_steps: int) -> RoundTimes:
        """Those of a grid of so many steps."""
        step, unit = grid.units_per_step, Fraction(1)
        while unit < step:
            unit *= 10
        while unit / 10 >= step:
            unit /= 10
        values, ends, width = [0], list[int](), 1
        while True:
            if values[-1] == 100 * width:
                width *= 10
            ends.append(math.ceil((values[-1] + Fraction(width, 2)) * unit / step))
            if ends[-1] >= n_steps:
                return cls(unit, tuple(values), (*ends[:-1], n_steps))
            values.append(values[-1] + width)

    def steps(self, grid: TimeGrid, n_steps: int) -> tuple[list[int], list[int]]:
        """The first step not before each value, and the last not after it, both within the grid."""
        found = [Fraction(value) * self.unit / grid.units_per_step for value in self.values]
        since = [min(math.ceil(step), n_steps) for step in found]
        return since, [min(math.floor(step), n_steps - 1) for step in found]

    def time(self, twice: int) -> float:
        """A time in the plan's unit, from twice its number of units."""
        return float(Fraction(twice, 2) * self.unit)


@dataclass(frozen=True, eq=False)
class _Hidden:
    """Numbers on the whole grid, shape (n_steps,) unless said.

    Attributes
    ----------
    survival
        The reverse curve after each step.
    at_risk
        Patients still followed at each step.
    ended
        Patients who had left without an event before each step, and in all, shape (n_steps + 1,).
    """

    survival: Numbers
    at_risk: Numbers
    ended: Numbers


def _hidden(asked: FollowUpAsked, given: Given) -> _Hidden:
    data, n_steps = given.data[asked.counted], len(asked.counted.marks)
    n, left = at_risk(given.calculator, data, asked.counted), data["left"]
    curve = day_curve(given.calculator, left[:, 1:], n, given.facts.patients)
    return _Hidden(
        curve.survival.reshape(n_steps),
        n.reshape(n_steps),
        left.running_total().reshape(n_steps + 1),
    )


def _ends(given: Given, hidden: _Hidden, times: RoundTimes) -> tuple[Numbers, list[Numbers]]:
    """Twice the median in units, shape (1,); and how many were followed to both its ends and had left by them."""
    calculator, (n_steps,) = given.calculator, hidden.survival.shape
    none = calculator.whole(np.zeros(1, dtype=np.int64))
    last = calculator.whole(np.ones(1, dtype=np.int64))
    # Behind all values is the place of a median that is not reached.
    values = calculator.whole(np.array([*times.values, 0], dtype=np.int64))
    since, until = times.steps(given.study.grid, n_steps)
    followed = calculator.joined([hidden.at_risk, none, none])[np.array([*since, n_steps])]
    had_left = calculator.joined([none, hidden.ended])[np.array([*until, -2]) + 2]
    checked, places = list[Numbers](), list[Numbers]()
    for shift in (0.0, 2 * NUDGE):
        level = calculator.real(np.full(len(times.values), 0.5 - shift))
        fallen = calculator.at_most(hidden.survival[np.array(times.ends) - 1], level)
        here = calculator.joined([fallen, last]) - calculator.joined([none, fallen])
        places.append(calculator.inner(here, values))
        checked += [calculator.inner(here, followed), calculator.inner(here, had_left)]
    return (places[0] + places[1]).reshape(1), checked


def _with_median(
    asked: FollowUpAsked, given: Given, asks: FollowUpAsks, floors: Floors, result: FollowUpResult
) -> Program[FollowUpResult]:
    """The median, and how many were followed to it and had left by it."""
    hidden = _hidden(asked, given)
    times = RoundTimes.of(given.study.grid, len(asked.counted.marks))
    place, checked = _ends(given, hidden, times)
    [few] = yield [
        asks.among(
            "few around the median",
            given.calculator.joined([each.reshape(1, 1) for each in checked]),
            0,
            np.array([floors.fewest - 1, floors.smallest - 1] * 2),
            lambda found: [int(isinstance(found.median, Withheld))],
        )
    ]
    if few[0]:
        return result
    [twice] = yield [
        asks.opens(
            "twice the median in its unit",
            place,
            lambda found: [round(2 * Fraction(_real(found.median)) / times.unit)],
        )
    ]
    median = times.time(int(twice[0]))
    steps = Fraction(int(twice[0]), 2) * times.unit / given.study.grid.units_per_step
    if isinstance(result.events, Withheld):
        point = FollowUpPoint(result.events, result.events)
    else:
        point = yield from _around(given, asks, hidden, steps, result.n)
    return replace(result, median=median, at=_points(point))


def _around(
    given: Given, asks: FollowUpAsks, hidden: _Hidden, steps: Fraction, n: Shown[int]
) -> Program[FollowUpPoint]:
    """How many of n are still followed at a time, and how many had left without an event by then."""
    since, until = math.ceil(steps), math.floor(steps) + 1
    both = [hidden.at_risk[since : since + 1], hidden.ended[until : until + 1]]
    [fives] = yield [
        asks.opens(
            "followed to the median and left by it, in fives",
            given.calculator.rounded(given.calculator.joined(both), Fraction(1, ROUND_TO)),
            lambda found: _fives(found.at.median),
        )
    ]
    followed, left = (ROUND_TO * each for each in fives.tolist())
    most = n if isinstance(n, int) else 0
    return FollowUpPoint(min(followed, most), min(left, most))


def _points(median: FollowUpPoint) -> FollowUpPoints:
    """Those at the median; those at its limits are not computed either."""
    limit = FollowUpPoint(NOT_COMPUTED, NOT_COMPUTED)
    return FollowUpPoints(median, limit, limit)


def _fives(point: FollowUpPoint | None) -> list[int]:
    """The fives that were opened, of numbers that are not above all patients."""
    if point is None:
        raise TypeError("A point of follow-up that was opened is withheld.")
    return [-(-round(_real(number)) // ROUND_TO) for number in (point.at_risk, point.ended)]


def _completeness(
    closing: Counted, given: Given, asks: FollowUpAsks, floors: Floors, result: FollowUpResult
) -> Program[Completeness]:
    """Observed and potential person-time: potential less observed is of those who were not followed to the closing date."""
    rule = floors.small
    withheld = Completeness(rule, rule, rule, rule)
    if isinstance(result.n, Withheld) or isinstance(result.events, Withheld):
        return withheld
    calculator, data = given.calculator, given.data[closing]
    incomplete = data["incomplete"].reshape(1, 1)
    rest = result.n - incomplete
    [few] = yield [
        asks.among(
            "few who are not followed to the closing date, or few others",
            calculator.joined([incomplete, rest, rest - result.events]),
            1,
            floors.smallest - 1,
            lambda found: [int(_is_withheld(found.completeness))],
        )
    ]
    if few[0]:
        return withheld
    grid = given.study.grid
    n_steps = given.facts.days[origin_of(given.study, result.endpoint)].n_steps
    unit = _unit(result.n * n_steps * grid.units_per_step)
    spans, missing = yield [
        asks.opens(
            "person-time observed and potential",
            calculator.rounded(data["person_time"].reshape(2), grid.units_per_step / unit),
            lambda found: [round(Fraction(each) / unit) for each in _spans(found.completeness)[:2]],
        ),
        asks.opens(
            "patients not followed to the closing date",
            incomplete.reshape(1),
            lambda found: [round(_spans(found.completeness)[2])],
        ),
    ]
    observed, potential = (float(int(each) * unit) for each in spans)
    ratio = float(f"{observed / potential:.{DIGITS}g}") if potential else math.nan
    return Completeness(observed, potential, ratio, int(missing[0]))


def _unit(largest: Fraction) -> Fraction:
    return Fraction(10) ** (math.floor(math.log10(largest)) + 1 - DIGITS)


def _is_withheld(found: Completeness | None) -> bool:
    return found is None or isinstance(found.incomplete, Withheld)


def _spans(found: Completeness | None) -> Sequence[float]:
    if found is None:
        raise TypeError("Completeness that was opened is withheld.")
    return [_real(each) for each in (found.observed, found.potential, found.incomplete)]


def _real(value: Shown[float]) -> float:
    """A value that is shown wherever it was opened."""
    if isinstance(value, Withheld):
        raise TypeError(f"A value that was opened is withheld: {value}.")
    return value
