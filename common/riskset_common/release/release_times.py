"""Times that results may name: those that the plan names, round times of the release grid and of the axes of figures; never a patient's.

They follow from the plan and from public facts alone, so that everybody knows them before a patient is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from riskset_common.release.facts import DaySet, Facts, endpoints_of
from riskset_common.release.round_numbers import nice_step, time_ticks
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.study import Study
from riskset_common.study.time_grid import TimeGrid, exact
from riskset_common.survival.curves.risk_table import SAME_TIME

MONTH = {
    "days": Fraction(30),
    "weeks": Fraction(4),
    "months": Fraction(1),
    "years": Fraction(1, 12),
}
"""A month as people count it in a unit of time: the step of the release grid where the plan names none."""

MOST_TIMES = 24
"""An axis of more steps than these would trace a curve; numbers at risk are then known at the round times of a coarser one only."""

NAMED = ("at", "horizons", "rmean", "baseline_hazard")
"""The keys of an analysis that hold times."""


@dataclass(frozen=True)
class Times:
    """Times that may be released, ascending, each once.

    Attributes
    ----------
    time
        In the unit of the plan.
    until
        The last step of the time grid that is not after each time: events until then have happened by it.
    since
        The first step that is not before each: who leaves then or later is at risk.
    """

    time: tuple[float, ...]
    until: tuple[int, ...]
    since: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.time)

    def place(self, time: float) -> int:
        """Where a time stands."""
        return self.time.index(time)


def times_on(grid: TimeGrid, times: Iterable[float | Fraction]) -> Times:
    """Times of the plan's unit with the steps around them; a time that a change of unit moved off a step is on it."""
    found = {float(time): Fraction(time) for time in times}
    units_per_step = grid.units_per_step
    around = [_steps_around(found[time], units_per_step) for time in sorted(found)]
    until, since = zip(*around, strict=True) if around else ((), ())
    return Times(tuple(sorted(found)), until, since)


@lru_cache(maxsize=1 << 14)
def _steps_around(time: Fraction, units_per_step: Fraction) -> tuple[int, int]:
    """The last step that is not after a time, and the first that is not before it. Every analysis of a plan asks it of the same times."""
    step = time / units_per_step
    near = Fraction(float(step) * SAME_TIME)
    return math.floor(step + near), math.ceil(step - near)


def last_time(study: Study, days: DaySet) -> Fraction:
    """The last time of an origin of which anything can be told, in the plan's unit: the last day of the set, or the end of the grid."""
    last = days.steps[-1] if days.told and days.steps else days.n_steps
    return last * study.grid.units_per_step


def release_grid(study: Study, days: DaySet, at: Iterable[float] = ()) -> Times:
    """The round times of the release grid up to the first that is not before the last day of the set, without 0, and those of `at`."""
    written = study.plan.disclosure.release_step
    step = MONTH[study.plan.time.unit] if written is None else exact(written)
    n = math.ceil(last_time(study, days) / step)
    return times_on(study.grid, [*(index * step for index in range(1, n + 1)), *at])


def axis_times(study: Study, analysis: AnalysisSpec, days: DaySet) -> Times:
    """Where numbers at risk are known: round times of the axes of an analysis' figures, without 0, and the times that it names.

    The steps of an axis are those of its displays, and a round one for the whole follow-up.
    """
    unit, end = study.plan.time.unit, float(last_time(study, days))
    steps = [nice_step(end, unit)] if end > 0 else []
    for panel in (panel for display in study.plan.displays for panel in display.shows):
        if analysis.id in panel.of and panel.every is not None:
            steps.append(panel.every)
        elif analysis.id in panel.of and panel.until is not None:
            steps.append(nice_step(panel.until, unit))
    # One more step, so that the end of a curve that goes on after the last event is known as well.
    ticks = (time_ticks(end + step, step) for step in steps if end / step <= MOST_TIMES)
    found = {time for times in ticks for time in times if time > 0}
    return times_on(study.grid, found | set(map(float, named_times(analysis))))


def named_times(analysis: AnalysisSpec) -> tuple[float, ...]:
    """The times that an analysis names, in the order in which it does."""
    return tuple(dict.fromkeys(_times_in([getattr(analysis, name, None) for name in NAMED])))


def marks_of(study: Study, facts: Facts, origin: str) -> tuple[int, ...]:
    """Steps at which numbers at risk are known of every cohort that is followed from an origin: its days, and all released times."""
    return _marks(_OnePlan(study), origin, facts.days[origin])


class _OnePlan:
    """A study that is the same as another if both have one plan, not only an equal one: so it can be looked up at once."""

    def __init__(self, study: Study) -> None:
        self.study = study

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _OnePlan) and self.study.plan is other.study.plan

    def __hash__(self) -> int:
        return id(self.study.plan)


@lru_cache(maxsize=64)
def _marks(of: _OnePlan, origin: str, days: DaySet) -> tuple[int, ...]:
    study = of.study
    endpoints = endpoints_of(study, origin)
    followed = [
        analysis for analysis in study.plan.analyses if analysis.endpoint_name() in endpoints
    ]
    found = {*days.steps, *release_grid(study, days).since}
    for analysis in followed:
        found.update(axis_times(study, analysis, days).since)
    return tuple(sorted(found))


def _times_in(found: object) -> Iterator[float]:
    """The numbers of a key, whatever it looks like."""
    if isinstance(found, (int, float)):
        yield float(found)
    elif isinstance(found, Sequence) and not isinstance(found, str):
        for each in found:
            yield from _times_in(each)
    elif hasattr(found, "at"):
        yield from _times_in(found.at)
