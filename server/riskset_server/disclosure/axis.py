"""Patients at risk at the round times of a figure's axis: released, rounded, beside a curve whose steps were joined.

An at-risk table at a few fixed times is what journals print below a curve. The times follow from the plan and from where the released
curve ends, never from a patient's: at most `MOST_TIMES` of them, each number rounded, and none where fewer than are needed are left.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from riskset_common.release.round_numbers import nice_step, time_ticks
from riskset_common.results.composed import LandmarkResult
from riskset_common.results.curves import (
    CurvePoints,
    GroupCurve,
    KaplanMeierResult,
    Landmark,
    NumbersAtRisk,
)
from riskset_common.results.incidence import (
    CumulativeIncidenceResult,
    GroupIncidence,
    IncidenceLandmark,
    IncidencePoints,
)
from riskset_common.results.shown import Withheld, exact
from riskset_common.results.whole_file import AnalysisResult, ReleasedResult
from riskset_common.study.plan import Disclosure, Plan
from riskset_server.disclosure.curve import every_step, rounded
from riskset_server.disclosure.withheld import fewest_patients, too_few_patients

Group = GroupCurve | GroupIncidence
Points = CurvePoints | IncidencePoints
Curves = TypeVar("Curves", KaplanMeierResult, CumulativeIncidenceResult)
"""A result with curves by group."""

MOST_TIMES = 24
"""A finer axis than this many steps would trace the curve; numbers at risk are then shown at its round times of a coarser one only."""


@dataclass(frozen=True)
class RoundTimes:
    """Where the axes of an analysis' figures have their marks: the plan's unit, and the steps that its displays name."""

    unit: str
    steps: tuple[float, ...] = ()

    @classmethod
    def of(cls, plan: Plan, analysis: str) -> RoundTimes:
        """The steps of every display, or panel of one, that shows the analysis."""
        unit = plan.time.unit
        steps: list[float] = []
        for panel in (panel for display in plan.displays for panel in display.shows):
            if analysis in panel.of and panel.every is not None:
                steps.append(panel.every)
            elif analysis in panel.of and panel.until is not None:
                steps.append(nice_step(panel.until, unit))
        return cls(unit, tuple(dict.fromkeys(steps)))

    def until(self, end: float) -> list[float]:
        """The times up to and including an end, ascending, without 0."""
        steps = (nice_step(end, self.unit), *self.steps)
        found = (time_ticks(end, step) for step in steps if end / step <= MOST_TIMES)
        return sorted({time for times in found for time in times if time > 0})


def with_numbers_at_risk(
    result: AnalysisResult, released: ReleasedResult, times: RoundTimes, disclosure: Disclosure
) -> ReleasedResult:
    """The released result of an analysis with its groups' numbers at risk; unchanged where it has no curves by group.

    What is added to a released result is rounded here; the rest has passed its rule.
    """
    match result, released:
        case (KaplanMeierResult() as found, KaplanMeierResult() as shown):
            return _by_group(found, shown, times, disclosure)
        case (CumulativeIncidenceResult() as found, CumulativeIncidenceResult() as shown):
            return _by_group(found, shown, times, disclosure)
        case (
            LandmarkResult(curves=KaplanMeierResult() as found),
            LandmarkResult(curves=KaplanMeierResult() as shown) as landmark,
        ):
            return replace(landmark, curves=_by_group(found, shown, times, disclosure))
    return released


def _by_group(computed: Curves, shown: Curves, times: RoundTimes, disclosure: Disclosure) -> Curves:
    points = _points(shown.groups, times)
    groups = (
        group
        if isinstance(group.n, Withheld)
        else replace(group, numbers_at_risk=_numbers(before, points, disclosure))
        for before, group in zip(computed.groups, shown.groups, strict=True)
    )
    return replace(shown, groups=tuple(groups))


def _points(groups: Sequence[Group], times: RoundTimes) -> list[float]:
    """The round times up to the end of what is shown of the groups' curves."""
    end = max((time for group in groups for time in _shown(group)), default=0.0)
    return times.until(end) if end > 0 else []


def _curves(group: Group) -> Iterator[tuple[Points, Sequence[Landmark | IncidenceLandmark]]]:
    """A group's curve, or those of its causes, each with the landmarks beside it; none of a group that is withheld."""
    if isinstance(group, GroupIncidence):
        if not isinstance(group.causes, Withheld):
            yield from (
                (every_step(cause.curve, IncidencePoints), cause.at)
                for cause in group.causes.values()
            )
    elif not isinstance(group.curve, Withheld):
        yield every_step(group.curve, CurvePoints), exact(group.at)


def _shown(group: Group) -> Iterator[float]:
    """Times that are shown of a group's curves: ends of blocks, and landmarks of which nothing is withheld."""
    for curve, landmarks in _curves(group):
        yield from curve.time
        for at in landmarks:
            values = (at.at_risk, at.events_to, at.std_err, at.lower, at.upper)
            if not any(isinstance(value, Withheld) for value in values):
                yield at.time


def _numbers(group: Group, times: Sequence[float], disclosure: Disclosure) -> NumbersAtRisk:
    """Of the exact curve, those at risk on the first row at or after each time, as at a landmark."""
    curve, _ = next(_curves(group))
    rows = [bisect_left(curve.time, time - 1e-9 * time) for time in times]
    at_risk = [curve.at_risk[row] if row < len(curve.time) else 0 for row in rows]
    return NumbersAtRisk(
        time=tuple(times),
        at_risk=tuple(
            rounded(n, exact(group.n))
            if n >= fewest_patients(disclosure)
            else too_few_patients(disclosure)
            for n in at_risk
        ),
    )
