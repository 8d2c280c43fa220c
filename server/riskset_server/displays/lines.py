"""The curves of a survival figure as numbers: steps to draw, where each ends, and how many patients are left at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskset_server.displays.cells import EMPTY, Cell, cell, count, withheld_cell
from riskset_server.displays.display import Part, Shown
from riskset_server.displays.reading import entries, number, numbers, rules_in, value, withheld_by

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes
    ----------
    label
        What a reader calls it.
    group
        Its entry in results.json.
    time
        Times of its steps in the plan's unit, from 0 on, shape (n_steps + 1,).
    survival, lower, upper
        Survival and its confidence limits from each time on, in percent, shape (n_steps + 1,); NaN where a limit is undefined.
    minimum_at_risk
        The curve has ended where fewer patients remain at risk; 0 shows it to its last step.
    is_complete
        Whether results hold every time at which somebody leaves, or steps that were joined before release.
    """

    label: str
    group: Mapping[str, Any]
    time: Reals
    survival: Reals
    lower: Reals
    upper: Reals
    minimum_at_risk: int
    is_complete: bool = True

    @property
    def end(self) -> float:
        """The last time that the curve is drawn to."""
        return float(self.time[-1])

    def until(self, time: float) -> Line:
        """The curve up to a time."""
        kept = self.time <= time
        shape = {name: getattr(self, name)[kept] for name in ("time", "survival", "lower", "upper")}
        if self.end > time:
            shape = {name: np.append(found, found[-1]) for name, found in shape.items()}
            shape["time"][-1] = time
        return replace(self, **shape)

    def range_between(self, start: float, end: float) -> tuple[float, float]:
        """Lowest and highest point of curve and limits in a span of time, the last step reaching on to the right."""
        first = int(np.searchsorted(self.time, start, side="right")) - 1
        last = int(np.searchsorted(self.time, end, side="right"))
        inside = slice(max(first, 0), last)
        found = np.concatenate([self.survival[inside], self.lower[inside], self.upper[inside]])
        return float(np.nanmin(found)), float(np.nanmax(found))


def lines(shown: Shown) -> tuple[Line, ...]:
    """Every curve of a display, in the order of its analyses and their groups."""
    disclosure = shown.words.plan.disclosure
    minimum = 0 if disclosure.release == "exact" else disclosure.minimum_at_risk
    return tuple(
        _line(label, group, minimum)
        for part in shown.parts
        for label, group in _labelled(shown, part)
    )


def _labelled(shown: Shown, part: Part) -> Iterator[tuple[str, Mapping[str, Any]]]:
    words = shown.words
    endpoint = part.spec.endpoint_name() or ""
    endpoints = {other.spec.endpoint_name() for other in shown.parts}
    own = words.short_endpoint(endpoint)
    several = len(shown.parts) > 1
    if several and len(endpoints) < len(shown.parts):
        own = words.title(part.spec)
    for group in entries(value(part.result, "groups")):
        if not group["level"]:
            yield own if several else words.short_endpoint(endpoint), group
        else:
            name = words.group(group["level"])
            yield (f"{own}, {name}" if several else name), group


def _line(label: str, group: Mapping[str, Any], minimum: int) -> Line:
    curve = value(group, "curve")
    time = numbers(value(curve, "time"), 0)
    at_risk = numbers(value(curve, "at_risk"), time.size)
    survival = numbers(value(curve, "survival"), time.size)
    drawn = np.flatnonzero(at_risk >= minimum) if minimum else np.arange(time.size)
    undefined = np.flatnonzero(np.isnan(survival) | np.isnan(time))
    stop = int(drawn[-1]) + 1 if drawn.size else 0
    stop = min(stop, int(undefined[0])) if undefined.size else stop
    limits = (numbers(value(curve, name), time.size) for name in ("lower", "upper"))
    points = np.column_stack([time, survival, *limits])[:stop]
    is_complete = minimum == 0 or _is_complete(group)
    if not is_complete:
        points = _with_horizons(points, group)
    drawn_time, *percents = (np.vstack([[0.0, 1.0, 1.0, 1.0], points]) * [1, 100, 100, 100]).T
    survival, lower, upper = percents
    return Line(label, group, drawn_time, survival, lower, upper, minimum, is_complete)


def _with_horizons(points: Reals, group: Mapping[str, Any]) -> Reals:
    """Points (time, survival, lower, upper) of a curve in joined steps, and those of the horizons that were released as well."""
    found = np.array(
        [
            [number(value(landmark, name)) for name in ("time", "survival", "lower", "upper")]
            for landmark in entries(value(group, "at"))
        ],
        dtype=np.float64,
    ).reshape(-1, 4)
    both = np.vstack([points, found[~np.isnan(found[:, :2]).any(axis=1)]])
    return both[np.argsort(both[:, 0], kind="stable")]


def _is_complete(group: Mapping[str, Any]) -> bool:
    """Whether the numbers of a curve follow from one another: who is at risk at a step was at risk at the one before, and stayed."""
    curve = value(group, "curve")
    if any(rules_in(curve)):
        return withheld_by(curve) is not None
    at_risk, events, censored = (
        entries(value(curve, name)) for name in ("at_risk", "events", "censored")
    )
    left = [gone + lost for gone, lost in zip(events, censored, strict=True)]
    expected = [value(group, "n"), *(n - gone for n, gone in zip(at_risk, left, strict=True))]
    return expected == [*at_risk, 0]


@dataclass(frozen=True)
class Standing:
    """What has become of the patients of a group at a time; at risk are those with T >= time."""

    at_risk: Cell = EMPTY
    censored: Cell = EMPTY
    events: Cell = EMPTY


def standing(line: Line, time: float) -> Standing:
    """Patients at risk at a time, and those censored or with an event before it: the three add up to the group.

    Of a curve that was released in joined steps only the beginning and the plan's horizons are known, the latter with the events
    up to and including that time.
    """
    if withheld_by(line.group.get("curve")) is not None:
        cell_of_rule = withheld_cell(str(withheld_by(line.group["curve"])))
        return Standing(cell_of_rule, cell_of_rule, cell_of_rule)
    return _from_curve(line, time) if line.is_complete else _from_landmarks(line, time)


def _from_curve(line: Line, time: float) -> Standing:
    curve = line.group["curve"]
    times = numbers(curve["time"], 0)
    left = int(np.searchsorted(times, time, side="left"))
    at_risk = curve["at_risk"][left] if left < times.size else 0
    if number(at_risk) < line.minimum_at_risk:
        return Standing(Cell(f"<{line.minimum_at_risk}"))
    censored, events = (sum(curve[name][:left]) for name in ("censored", "events"))
    return Standing(cell(at_risk, count), cell(censored, count), cell(events, count))


def _from_landmarks(line: Line, time: float) -> Standing:
    n = value(line.group, "n")
    if time == 0:
        return Standing(cell(n, count), cell(0, count), cell(0, count))
    for found in entries(value(line.group, "at")):
        if value(found, "time") == time:
            at_risk, events = value(found, "at_risk"), value(found, "events_to")
            rule = next(rules_in([n, at_risk, events]), None)
            left = (
                {"withheld": rule} if rule else max(number(n) - number(at_risk) - number(events), 0)
            )
            return Standing(cell(at_risk, count), cell(left, count), cell(events, count))
    return Standing()


def number_times(found: Sequence[Line], ticks: Sequence[float], until: float) -> list[float]:
    """Times of the columns of numbers: the axis' own where every curve is complete, else those at which numbers are known."""
    if all(line.is_complete for line in found):
        return list(ticks)
    horizons = {
        value(landmark, "time")
        for line in found
        for landmark in entries(value(line.group, "at"))
        if isinstance(value(landmark, "time"), (int, float))
    }
    return sorted({0.0, *(float(time) for time in horizons if time <= until)})
