"""Patients at risk at the round times of a figure's axis: released, rounded, beside a curve whose steps were joined.

An at-risk table at a few fixed times is what journals print below a curve. The times follow from the plan and from where the released
curve ends, never from a patient's: at most `MOST_TIMES` of them, each number rounded, and none where fewer than are needed are left.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskset_common.study.plan import Disclosure, Plan
from riskset_server.disclosure.curve import rounded
from riskset_server.disclosure.withheld import (
    Result,
    fewest_patients,
    is_withheld,
    too_few_patients,
)
from riskset_server.results.axis_ticks import nice_step, time_ticks

MOST_TIMES = 24
"""A finer axis than this many steps would trace the curve; numbers at risk then stand at its round times of a coarser one only."""


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
    exact: Mapping[str, Any], released: Result, times: RoundTimes, disclosure: Disclosure
) -> Result:
    """The released result of an analysis with its groups' numbers at risk; unchanged where it has no curves by group."""
    if "curves" in exact:
        curves = with_numbers_at_risk(exact["curves"], released["curves"], times, disclosure)
        return released | {"curves": curves}
    if is_withheld(released.get("groups", {"withheld": ""})):
        return released
    end = max((time for group in released["groups"] for time in _shown(group)), default=0.0)
    points = times.until(end) if end > 0 else []
    return released | {
        "groups": [
            shown if is_withheld(shown["n"]) else shown | _numbers(group, points, disclosure)
            for group, shown in zip(exact["groups"], released["groups"], strict=True)
        ]
    }


def _curves(group: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A group's curve, or those of its causes, each with the landmarks beside it; none of a group that is withheld."""
    parts = group["causes"].values() if "causes" in group else [group]
    for part in parts:
        if not is_withheld(part) and not is_withheld(part["curve"]):
            yield part


def _shown(group: Mapping[str, Any]) -> Iterator[float]:
    """Times that are shown of a group's curves: ends of blocks, and landmarks that are not withheld."""
    if "causes" in group and is_withheld(group["causes"]):
        return
    for part in _curves(group):
        yield from part["curve"]["time"]
        for landmark in part["at"]:
            if not any(is_withheld(value) for value in landmark.values()):
                yield landmark["time"]


def _numbers(
    group: Mapping[str, Any], times: Sequence[float], disclosure: Disclosure
) -> dict[str, Any]:
    """Of the exact curve, those at risk on the first row at or after each time, as at a landmark."""
    curve = next(_curves(group))["curve"]
    rows = [bisect_left(curve["time"], time - 1e-9 * time) for time in times]
    at_risk = [curve["at_risk"][row] if row < len(curve["time"]) else 0 for row in rows]
    shown = [
        rounded(n, group["n"]) if n >= fewest_patients(disclosure) else too_few_patients(disclosure)
        for n in at_risk
    ]
    return {"numbers_at_risk": {"time": list(times), "at_risk": shown}}
