"""The curves of a figure as numbers: steps to draw, where each ends, and how many patients are left at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskset_common.results.incidence import IncidencePoints
from riskset_common.results.shown import Withheld
from riskset_server.displays.parts.cells import EMPTY, Cell, cell, count, withheld_cell
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.parts.series import (
    Series,
    Style,
    series_of,
)
from riskset_server.results.typed import (
    Curve,
    Points,
    estimates,
    number,
    probabilities,
    probability,
    rules_in,
)

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes
    ----------
    label
        What a reader calls it.
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
    def curve(self) -> Curve:
        """Its numbers in the results; of a cause with those of its group."""
        return self.series.curve

    @property
    def end(self) -> float:
        """The last time that the curve is drawn to."""
        return float(self.time[-1])

    def until(self, time: float) -> Line:
        """The curve up to a time."""
        kept = np.flatnonzero(self.time <= time)
        steps = np.append(kept, kept[-1]) if self.end > time else kept
        times = np.append(self.time[kept], time) if self.end > time else self.time[kept]
        return replace(
            self,
            time=times,
            height=self.height[steps],
            lower=self.lower[steps],
            upper=self.upper[steps],
        )

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
    points = _drawn(series.curve.curve, minimum)
    is_complete = released == 0 or _is_complete(series.curve)
    if not is_complete:
        points = _with_horizons(points, series.curve)
    first = [0.0, *[series.measure.value] * 3]
    drawn_time, *percents = (np.vstack([first, points]) * [1, 100, 100, 100]).T
    height, lower, upper = percents
    return Line(
        label=series.label,
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


def _drawn(curve: Points | Withheld, minimum: int) -> Reals:
    """Points (time, height, lower, upper) of a curve up to where too few are at risk or a value does not exist, shape (n_steps, 4)."""
    if isinstance(curve, Withheld):
        return np.empty((0, 4))
    points = np.array(
        [curve.time, probabilities(curve), curve.lower, curve.upper], dtype=np.float64
    ).T
    drawn = np.flatnonzero(np.array(curve.at_risk) >= minimum)
    undefined = np.flatnonzero(np.isnan(points[:, :2]).any(axis=1))
    stop = int(drawn[-1]) + 1 if drawn.size else 0
    return points[: min(stop, int(undefined[0])) if undefined.size else stop]


def _with_horizons(points: Reals, curve: Curve) -> Reals:
    """Points (time, height, lower, upper) of a curve in joined steps, and those of the horizons that were released as well."""
    horizons = np.array(
        [
            [each.time, number(probability(each)), number(each.lower), number(each.upper)]
            for each in estimates(curve)
        ],
        dtype=np.float64,
    ).reshape(-1, 4)
    both = np.vstack([points, horizons[~np.isnan(horizons[:, :2]).any(axis=1)]])
    return both[np.argsort(both[:, 0], kind="stable")]


def _is_complete(curve: Curve) -> bool:
    """Whether the numbers of a curve follow from one another: who is at risk at a step was at risk at the one before, and stayed."""
    points = curve.curve
    if isinstance(points, Withheld):
        return True
    leaving = [points.events, points.censored]
    if isinstance(points, IncidencePoints):
        leaving.append(points.competing)
    left = [sum(gone) for gone in zip(*leaving, strict=True)]
    expected = [curve.n, *(n - gone for n, gone in zip(points.at_risk, left, strict=True))]
    return expected == [*points.at_risk, 0]


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
    points = line.curve.curve
    if isinstance(points, Withheld):
        cell_of_rule = withheld_cell(points.rule)
        return Standing(cell_of_rule, cell_of_rule, cell_of_rule)
    return _from_curve(line, points, time) if line.is_complete else _from_landmarks(line, time)


def _from_curve(line: Line, points: Points, time: float) -> Standing:
    left = bisect_left(points.time, time)
    at_risk = points.at_risk[left] if left < len(points.time) else 0
    if at_risk < line.smallest_number:
        return Standing(Cell(f"<{line.smallest_number}"))
    censored, events = sum(points.censored[:left]), sum(points.events[:left])
    return Standing(cell(at_risk, count), cell(censored, count), cell(events, count))


def _from_landmarks(line: Line, time: float) -> Standing:
    n = line.curve.n
    if time == 0:
        return Standing(cell(n, count), cell(0, count), cell(0, count))
    for estimate in estimates(line.curve):
        if estimate.time == time:
            left = _left(n, estimate.at_risk, estimate.events_to)
            return Standing(
                cell(estimate.at_risk, count), cell(left, count), cell(estimate.events_to, count)
            )
    at_risk = _at_round_times(line).get(time)
    return Standing() if at_risk is None else Standing(cell(at_risk, count))


def _left(n: int | Withheld, at_risk: int | Withheld, events: int | Withheld) -> float | Withheld:
    """Patients censored until a time: those of the group that are neither at risk nor had an event; withheld where a number is."""
    rule = next(rules_in((n, at_risk, events)), None)
    if rule is not None:
        return Withheld(rule)
    return max(number(n) - number(at_risk) - number(events), 0)


def _at_round_times(line: Line) -> Mapping[float, int | Withheld]:
    """Patients at risk at the round times of the axis, where they were released."""
    found = line.curve.numbers_at_risk
    if found is None:
        return {}
    return dict(zip(map(float, found.time), found.at_risk, strict=True))


def groups_of(found: Sequence[Line]) -> tuple[Line, ...]:
    """One line for each group whose patients are counted below a figure: of several causes the first, named as the group."""
    first: dict[str, Line] = {}
    for line in found:
        first.setdefault(line.series.of_group, replace(line, label=line.series.of_group))
    return tuple(first.values())


def number_times(
    curves: Sequence[Line], ticks: Sequence[float], until: float
) -> tuple[list[float], list[float]]:
    """Times of the columns of numbers: those that must be there, and those that may if there is room.

    If every curve is complete, the axis' own times must be there. Otherwise those must at which all numbers are known, and those of
    the axis may at which the numbers at risk are known.
    """
    if all(line.is_complete for line in curves):
        return list(ticks), []
    horizons = {each.time for line in curves for each in estimates(line.curve)}
    known = {time for line in curves for time in _at_round_times(line)}
    at_horizons = sorted({0.0, *(time for time in horizons if time <= until)})
    return at_horizons, [time for time in ticks if time in known]
