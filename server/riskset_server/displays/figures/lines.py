"""The curves of a figure as numbers: steps or points to draw, where each ends, and how many patients are left at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskset_common.release.floors import Floors
from riskset_common.results.curves import CurvePoints, KnownPoints
from riskset_common.results.incidence import IncidencePoints, KnownIncidence
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
    Known,
    Points,
    estimates,
    number,
    probabilities,
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
        Times of its steps, or of its known points, in the plan's unit, from 0 on, shape (n_times + 1,).
    height, lower, upper
        The probability and its confidence limits from each time on, or at each, in percent, shape (n_times + 1,); NaN where a limit is
        undefined.
    minimum_at_risk
        The curve has ended where fewer patients remain at risk; 0 shows it to its last step.
    smallest_number
        Fewer patients at risk are shown as no number; 0 where every number is.
    in_steps
        Whether results hold every time at which somebody leaves, so that it is drawn in steps; if not, known points are joined by
        straight lines.
    n_known
        How many of the times, from the second on, are known points; 0 where it is drawn in steps.
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
    in_steps: bool
    n_known: int
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
        if self.end <= time:
            return self
        kept = self.time <= time
        cut = (
            np.append(values[kept], self._at(values, time))
            for values in (self.height, self.lower, self.upper)
        )
        height, lower, upper = cut
        times = np.append(self.time[kept], time)
        n_known = min(self.n_known, int(kept.sum()) - 1)
        return replace(self, time=times, height=height, lower=lower, upper=upper, n_known=n_known)

    def _at(self, values: Reals, time: float) -> float:
        """Height or limit at a time within the curve."""
        if self.in_steps:
            return float(values[np.searchsorted(self.time, time, side="right") - 1])
        return float(np.interp(time, self.time, values))

    def range_between(self, start: float, end: float) -> tuple[float, float]:
        """Lowest and highest point of curve and limits in a span of time."""
        inside = (self.time > start) & (self.time < end)
        ends = (min(start, self.end), min(end, self.end))
        found = [
            np.append(values[inside], [self._at(values, time) for time in ends])
            for values in (self.height, self.lower, self.upper)
        ]
        return float(np.nanmin(found)), float(np.nanmax(found))


def lines(shown: Shown) -> tuple[Line, ...]:
    """Every curve of a display, in the order of its analyses, their causes and their groups."""
    disclosure = shown.words.plan.disclosure
    released = 0 if disclosure.release == "exact" else Floors.of(disclosure).fewest
    found = [series for part in shown.parts for series in series_of(shown, part)]
    return tuple(
        _line(series, series.style or Style(rank, rank), released, shown.display.minimum_at_risk)
        for rank, series in enumerate(found)
    )


def _line(series: Series, style: Style, released: int, asked: int | None) -> Line:
    minimum, curve = max(released, asked or 0), series.curve.curve
    points, n_known = np.array([[0.0, *[series.measure.value] * 3]]), 0
    match curve:
        case CurvePoints() | IncidencePoints():
            points = np.vstack([points, _steps(curve, minimum)])
        case KnownPoints() | KnownIncidence():
            points = np.vstack([points, _known(curve, minimum)])
            n_known = len(points) - 1
            points = np.vstack([points, _flat(curve, series.curve, points, minimum)])
    drawn_time, height, lower, upper = (points * [1, 100, 100, 100]).T
    return Line(
        label=series.label,
        time=drawn_time,
        height=height,
        lower=lower,
        upper=upper,
        minimum_at_risk=minimum,
        smallest_number=released,
        in_steps=not isinstance(curve, KnownPoints | KnownIncidence),
        n_known=n_known,
        series=series,
        style=style,
    )


def _steps(curve: Points, minimum: int) -> Reals:
    """Points (time, height, lower, upper) of a curve up to where too few are at risk or a value does not exist, shape (n_steps, 4)."""
    points = _points(curve)
    drawn = np.flatnonzero(np.array(curve.at_risk) >= minimum)
    undefined = np.flatnonzero(np.isnan(points[:, :2]).any(axis=1))
    stop = int(drawn[-1]) + 1 if drawn.size else 0
    return points[: min(stop, int(undefined[0])) if undefined.size else stop]


def _points(curve: Points | Known) -> Reals:
    """Time, height, lower and upper limit, NaN where one does not exist or is withheld, shape (n_times, 4)."""
    columns = (curve.time, probabilities(curve), curve.lower, curve.upper)
    return np.array([[number(value) for value in column] for column in columns]).T


def _known(known: Known, minimum: int) -> Reals:
    """The points at which a curve is shown and enough patients are at risk, shape (n_points, 4)."""
    points, at_risk = _points(known), np.array([number(n) for n in known.at_risk])
    return points[~np.isnan(points[:, 1]) & (at_risk >= minimum)]


def _flat(known: Known, curve: Curve, points: Reals, minimum: int) -> Reals:
    """The end of a curve, shape (1, 4), if no event of the group comes after its last point; else nothing, shape (0, 4).

    It lies at the last time of the axis with enough patients at risk.
    """
    last = points[-1]
    events = dict(zip(known.time, map(number, known.events_to), strict=True)).get(last[0], 0)
    times = [time for time, n in _at_round_times(curve).items() if number(n) >= minimum]
    end = max((time for time in times if last[0] < time <= known.end), default=None)
    if end is None or number(curve.events) != events:
        return np.empty((0, 4))
    return np.array([[end, *last[1:]]])


@dataclass(frozen=True)
class Standing:
    """What has become of the patients of a group at a time; at risk are those with T >= time."""

    at_risk: Cell = EMPTY
    censored: Cell = EMPTY
    events: Cell = EMPTY


def standing(line: Line, time: float) -> Standing:
    """Patients at risk at a time, and those censored or with an event before it: the three add up to the group.

    Of a curve that was released rounded nothing is given but patients at risk, at the beginning, at the round times of the axis and at
    the plan's horizons: rounded to multiples of 5, they would not add up with the others.
    """
    points = line.curve.curve
    if isinstance(points, Withheld):
        held = withheld_cell(points)
        return Standing(held, held, held)
    if isinstance(points, KnownPoints | KnownIncidence):
        return Standing(_rounded_at_risk(line, time))
    return _from_curve(line, points, time)


def _from_curve(line: Line, points: Points, time: float) -> Standing:
    left = bisect_left(points.time, time)
    at_risk = points.at_risk[left] if left < len(points.time) else 0
    if at_risk < line.smallest_number:
        return Standing(Cell(f"<{line.smallest_number}"))
    censored, events = sum(points.censored[:left]), sum(points.events[:left])
    return Standing(cell(at_risk, count), cell(censored, count), cell(events, count))


def _rounded_at_risk(line: Line, time: float) -> Cell:
    if time == 0:
        return cell(line.curve.n, count)
    at_horizons = {each.time: each.at_risk for each in estimates(line.curve)}
    found = {**at_horizons, **_at_round_times(line.curve)}.get(time)
    is_few = isinstance(found, Withheld) and found.reason == "small"
    if is_few or (found is not None and 0 <= number(found) < line.smallest_number):
        return Cell(f"<{line.smallest_number}")
    return cell(found, count, EMPTY)


def _at_round_times(curve: Curve) -> Mapping[float, int | Withheld]:
    """Patients at risk at the round times of the axis, where they were released."""
    found = curve.numbers_at_risk
    if found is None:
        return {}
    return dict(zip(map(float, found.time), found.at_risk, strict=True))


def ends_of(found: Sequence[Line]) -> float:
    """Where the last of the curves ends; of curves without a point, the last number at risk that was released. 0 without any."""
    last = max((line.end for line in found), default=0.0)
    numbered = (
        time
        for line in found
        for time, n in _at_round_times(line.curve).items()
        if not isinstance(n, Withheld)
    )
    return last or max(numbered, default=0.0)


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

    The marks of the axis must be there; of curves that were released rounded those at which the numbers at risk are known, and their
    horizons may.
    """
    if all(line.in_steps for line in curves):
        return list(ticks), []
    horizons = {each.time for line in curves for each in estimates(line.curve)}
    known = {0.0, *(time for line in curves for time in _at_round_times(line.curve))}
    wanted = [time for time in ticks if time in known]
    return wanted, sorted(time for time in horizons if time <= until and time not in wanted)
