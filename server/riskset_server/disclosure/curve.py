"""How a curve of survival or cumulative incidence is released: in blocks of at least k events, to three decimals, and not to its end.

An exact curve is a list of the days on which patients died. Its steps are merged until a block holds at least `minimum_cell`
events; the exact survival at the block's end is published, rounded, rather than recomputed from delayed events, which would bias
it. The times that the plan names are points of the curve like any other: between two points that are shown, and between the last
of them and the end, lie no event or at least `minimum_cell`. The curve ends where fewer than `minimum_at_risk` remain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any

from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.fields import CAUSE_FIELDS, CURVE_FIELDS, LANDMARK_FIELDS, known
from riskset_server.disclosure.withheld import (
    Result,
    fewest_patients,
    small_count,
    too_few_patients,
)

DECIMALS = 3
"""Decimals of a released survival probability and its standard error and limits."""
ROUND_TO = 5
"""Released numbers at risk and censored are rounded to this."""
MEAN_DIGITS = 4
"""Significant digits of a released restricted mean: an area under the exact curve would give its steps away."""

_REALS = ("survival", "incidence", "std_err", "lower", "upper")
_LEFT = ("censored", "competing")
"""Patients who leave between two points that are shown, and whose number is rounded."""


@dataclass(frozen=True)
class _Steps:
    """The exact steps of one group's curve, and how much of it may be seen.

    Attributes
    ----------
    time
        Times of the steps at which enough patients are at risk, from the first on.
    events
        Events up to and including each of these steps.
    n, total
        Patients and events of the whole group.
    smallest
        Fewest events between two things that are shown.
    """

    time: list[float]
    events: list[int]
    n: int
    total: int
    smallest: int

    @classmethod
    def of(cls, group: Mapping[str, Any], n: int, disclosure: Disclosure) -> _Steps:
        curve, fewest = group["curve"], fewest_patients(disclosure)
        shown = len(list(takewhile(lambda at_risk: at_risk >= fewest, curve["at_risk"])))
        return cls(
            time=curve["time"][:shown],
            events=list(accumulate(curve["events"][:shown])),
            n=n,
            total=group["events"],
            smallest=disclosure.minimum_cell,
        )

    def apart(self, count: int, *others: int) -> bool:
        """Whether none of the others differs from a number of events by a small count."""
        return all(count == other or abs(count - other) >= self.smallest for other in others)

    @property
    def window(self) -> tuple[float, float] | None:
        """The first time at which there were enough events, and the last at which enough patients are at risk."""
        begun = [
            time
            for time, events in zip(self.time, self.events, strict=True)
            if events >= self.smallest
        ]
        return (begun[0], self.time[-1]) if begun else None


def released_curve(group: Mapping[str, Any], disclosure: Disclosure) -> Result:
    """One group's curve under the rules; a group that is itself too small is withheld but for its level."""
    if group["n"] < fewest_patients(disclosure):
        return withheld_group(group, too_few_patients(disclosure))
    steps = _Steps.of(group, group["n"], disclosure)
    landmarks, points = _landmarks(group["at"], steps, disclosure)
    shown = known(group, CURVE_FIELDS) | {
        "at": landmarks,
        "curve": _blocks(group["curve"], steps, points),
        "median": _quantile(group["median"], steps.window, disclosure),
        "quantiles": list(_quantiles(group, steps, disclosure)),
    }
    if "rmean" in group:
        shown["rmean"] = _restricted_mean(group["rmean"], steps, disclosure)
    return shown


def released_cause(cause: Mapping[str, Any], n: int, disclosure: Disclosure) -> Result:
    """The cumulative incidence of one cause in a group of n, which is large enough: its curve and landmarks in blocks of its events."""
    steps = _Steps.of(cause, n, disclosure)
    landmarks, points = _landmarks(cause["at"], steps, disclosure)
    curve = _blocks(cause["curve"], steps, points)
    return known(cause, CAUSE_FIELDS) | {"at": landmarks, "curve": curve}


def withheld_group(group: Mapping[str, Any], rule: Mapping[str, str]) -> Result:
    """A group of which nothing but its level is shown."""
    return {name: value if name == "level" else dict(rule) for name, value in group.items()}


def _landmarks(
    landmarks: list[Result], steps: _Steps, disclosure: Disclosure
) -> tuple[list[Result], set[int]]:
    """The times that the plan names, those named first served first; and the numbers of events at which the curve is now known."""
    points: set[int] = {0}
    shown: list[Result] = []
    for landmark in landmarks:
        is_seen = bool(steps.time) and landmark["time"] <= steps.time[-1]
        if landmark["at_risk"] < fewest_patients(disclosure) or not is_seen:
            rule = too_few_patients(disclosure)
            shown.append(
                {name: value if name == "time" else rule for name, value in landmark.items()}
            )
            continue
        shown.append(_landmark(landmark, steps, points, disclosure))
        if steps.apart(landmark["events_to"], *points):
            points.add(landmark["events_to"])
    return shown, points


def _landmark(landmark: Result, steps: _Steps, points: set[int], disclosure: Disclosure) -> Result:
    """One time at which enough patients are at risk."""
    rule, events = small_count(disclosure), landmark["events_to"]
    shown = known(landmark, LANDMARK_FIELDS) | {"at_risk": rounded(landmark["at_risk"], steps.n)}
    if not steps.apart(events, *points):
        return shown | {name: rule for name in ("events_to", *_REALS) if name in landmark}
    shown |= {name: _decimals(landmark[name]) for name in _REALS if name in landmark}
    return shown if steps.apart(events, steps.total) else shown | {"events_to": rule}


def _blocks(curve: Mapping[str, Any], steps: _Steps, points: set[int]) -> Result:
    """Merge steps into blocks; a last block that is too small, or leaves too little behind it, is not shown."""
    released: Result = {name: [] for name in curve}
    begun = last = 0
    for index, events in enumerate(steps.events):
        if events - last < steps.smallest or not steps.apart(events, *points, steps.total):
            continue
        released["time"].append(curve["time"][index])
        released["at_risk"].append(rounded(curve["at_risk"][index], steps.n))
        released["events"].append(events - last)
        for name in (name for name in _LEFT if name in curve):
            released[name].append(rounded(sum(curve[name][begun : index + 1]), steps.n))
        for name in (name for name in _REALS if name in curve):
            released[name].append(_decimals(curve[name][index]))
        begun, last = index + 1, events
    return released


def _quantiles(group: Mapping[str, Any], steps: _Steps, disclosure: Disclosure) -> Iterator[Result]:
    """Quantiles; of two with too few patients between them the second is withheld, or many would draw the exact curve."""
    kept = [0.5]
    for quantile in group["quantiles"]:
        p = quantile["p"]
        # To nine decimals: 0.5 and 0.4 are 5 patients of 50 apart, and not a little less.
        patients = [round(abs(p - other) * group["n"], 9) for other in kept]
        if all(between == 0 or between >= steps.smallest for between in patients):
            kept.append(p)
            yield _quantile(quantile, steps.window, disclosure)
        else:
            rule = small_count(disclosure)
            yield {name: value if name == "p" else rule for name, value in quantile.items()}


def _quantile(
    quantile: Mapping[str, Any], window: tuple[float, float] | None, disclosure: Disclosure
) -> Result:
    """A quantile or limit outside of what is shown of the curve is withheld; one that is not reached stays null."""

    def shown(name: str, value: float | None) -> Any:
        if name == "p" or value is None or (window and window[0] <= value <= window[1]):
            return value
        if window and value < window[0]:
            return small_count(disclosure)
        return too_few_patients(disclosure)

    return {name: shown(name, value) for name, value in quantile.items()}


def _restricted_mean(mean: Mapping[str, Any], steps: _Steps, disclosure: Disclosure) -> Any:
    if not steps.time or mean["tau"] > steps.time[-1]:
        return too_few_patients(disclosure)
    return {name: value if name == "tau" else significant(value) for name, value in mean.items()}


def significant(value: float | None) -> float | None:
    """A mean time, or a sum of times, to the digits in which no single patient's is seen."""
    return None if value is None else float(f"{value:.{MEAN_DIGITS}g}")


def rounded(count: int, n: int) -> int:
    """A number of the n patients of a group, to the nearest multiple, and not above n, which is shown as it is."""
    return min(n, ROUND_TO * round(count / ROUND_TO))


def _decimals(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
