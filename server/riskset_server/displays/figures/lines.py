"""The curves of a figure as numbers: steps to draw, where each ends, and how many patients are left at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskset_server.displays.parts.cells import EMPTY, Cell, cell, count, withheld_cell
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.parts.series import (
    Series,
    Style,
    series_of,
)
from riskset_server.results.reading import entries, number, numbers, rules_in, value, withheld_by

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes
    ----------
    label
        What a reader calls it.
    group
        Its entry in results.json; of a cause its own numbers with those of its group.
    time
        Times of its steps in the plan's unit, from 0 on, shape (n_steps + 1,).
    height, lower, upper
        The probability and its confidence limits from each time on, in percent, shape (n_steps + 1,); NaN where a limit is undefined.
    minimum_at_risk
        The curve has ended where fewer patients remain at risk; 0 shows it to its last step.
    smallest_number
        Fewer patients at risk were released as no number; 0 where every number was.
    is_complete
        Whether results hold every time at which somebody leaves, or steps that were joined before release.
    series
        Where it comes from.
    style
        How it is drawn.
    """

    label: str
    group: Mapping[str, Any]
    time: Reals
    height: Reals
    lower: Reals
    upper: Reals
    minimum_at_risk: int
    smallest_number: int
    is_complete: bool
    series: Series
    style: Style

    @property
    def end(self) -> float:
        """The last time that the curve is drawn to."""
        return float(self.time[-1])

    def until(self, time: float) -> Line:
        """The curve up to a time."""
        kept = self.time <= time
        shape = {name: getattr(self, name)[kept] for name in ("time", "height", "lower", "upper")}
        if self.end > time:
            shape = {name: np.append(found, found[-1]) for name, found in shape.items()}
            shape["time"][-1] = time
        return replace(self, **shape)

    def range_between(self, start: float, end: float) -> tuple[float, float]:
        """Lowest and highest point of curve and limits in a span of time, the last step reaching on to the right."""
        first = int(np.searchsorted(self.time, start, side="right")) - 1
        last = int(np.searchsorted(self.time, end, side="right"))
        inside = slice(max(first, 0), last)
        found = np.concatenate([self.height[inside], self.lower[inside], self.upper[inside]])
        return float(np.nanmin(found)), float(np.nanmax(found))


def lines(shown: Shown) -> tuple[Line, ...]:
    """Every curve of a display, in the order of its analyses, their causes and their groups."""
    disclosure = shown.words.plan.disclosure
    released = 0 if disclosure.release == "exact" else disclosure.minimum_at_risk
    found = [series for part in shown.parts for series in series_of(shown, part)]
    return tuple(
        _line(series, series.style or Style(rank, rank), released, shown.display.minimum_at_risk)
        for rank, series in enumerate(found)
    )


def _line(series: Series, style: Style, released: int, asked: int | None) -> Line:
    minimum = max(released, asked or 0)
    group, measure = series.group, series.measure
    curve = value(group, "curve")
    time = numbers(value(curve, "time"), 0)
    at_risk = numbers(value(curve, "at_risk"), time.size)
    height = numbers(value(curve, measure.name), time.size)
    drawn = np.flatnonzero(at_risk >= minimum) if minimum else np.arange(time.size)
    undefined = np.flatnonzero(np.isnan(height) | np.isnan(time))
    stop = int(drawn[-1]) + 1 if drawn.size else 0
    stop = min(stop, int(undefined[0])) if undefined.size else stop
    limits = (numbers(value(curve, name), time.size) for name in ("lower", "upper"))
    points = np.column_stack([time, height, *limits])[:stop]
    is_complete = released == 0 or _is_complete(group)
    if not is_complete:
        points = _with_horizons(points, series)
    first = [0.0, *[measure.at_start] * 3]
    drawn_time, *percents = (np.vstack([first, points]) * [1, 100, 100, 100]).T
    height, lower, upper = percents
    return Line(
        label=series.label,
        group=group,
        time=drawn_time,
        height=height,
        lower=lower,
        upper=upper,
        minimum_at_risk=minimum,
        smallest_number=released,
        is_complete=is_complete,
        series=series,
        style=style,
    )


def _with_horizons(points: Reals, series: Series) -> Reals:
    """Points (time, height, lower, upper) of a curve in joined steps, and those of the horizons that were released as well."""
    names = ("time", series.measure.name, "lower", "upper")
    found = np.array(
        [
            [number(value(landmark, name)) for name in names]
            for landmark in entries(value(series.group, "at"))
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
    at_risk = entries(value(curve, "at_risk"))
    leaving = [curve[name] for name in ("events", "competing", "censored") if value(curve, name)]
    left = [sum(gone) for gone in zip(*leaving, strict=True)]
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

    Of a curve that was released in joined steps the beginning and the plan's horizons are known, the latter with the events up to
    and including that time; and at the round times of the axis the patients at risk.
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
    if number(at_risk) < line.smallest_number:
        return Standing(Cell(f"<{line.smallest_number}"))
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
    at_risk = _at_round_times(line).get(time)
    return Standing() if at_risk is None else Standing(cell(at_risk, count))


def _at_round_times(line: Line) -> Mapping[float, Any]:
    """Patients at risk at the round times of the axis, where they were released."""
    found = value(line.group, "numbers_at_risk")
    times, at_risk = (entries(value(found, name)) for name in ("time", "at_risk"))
    return dict(zip(map(float, times), at_risk, strict=True))


def groups_of(found: Sequence[Line]) -> tuple[Line, ...]:
    """One line for each group whose patients are counted below a figure: of several causes the first, named as the group."""
    first: dict[str, Line] = {}
    for line in found:
        first.setdefault(line.series.of_group, replace(line, label=line.series.of_group))
    return tuple(first.values())


def number_times(
    found: Sequence[Line], ticks: Sequence[float], until: float
) -> tuple[list[float], list[float]]:
    """Times of the columns of numbers: those that must stand, and those that may where there is room.

    Where every curve is complete the axis' own must. Else it is those at which all numbers are known, and the axis' may at which
    those at risk are.
    """
    if all(line.is_complete for line in found):
        return list(ticks), []
    horizons = {
        value(landmark, "time")
        for line in found
        for landmark in entries(value(line.group, "at"))
        if isinstance(value(landmark, "time"), (int, float))
    }
    known = {time for line in found for time in _at_round_times(line)}
    at_horizons = sorted({0.0, *(float(time) for time in horizons if time <= until)})
    return at_horizons, [time for time in ticks if time in known]
