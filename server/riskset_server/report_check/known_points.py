"""Do the points of a curve that was released rounded fit together, with its group, and with what else is shown at the same times."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from riskset_common.results.curves import KnownPoints
from riskset_common.results.incidence import KnownIncidence
from riskset_common.study.plan import Plan
from riskset_server.displays.parts.display import Part
from riskset_server.report_check.at_risk import analyses_of_curves, enters_late
from riskset_server.report_check.disagreement import Disagreement
from riskset_server.results.typed import (
    Curve,
    Known,
    curves_of,
    estimates,
    number,
    probabilities,
    probability,
)

CHECK: Final = "known points"
_ROUNDING: Final = 2
"""How far a number at risk may be from the true one."""
_LIMIT: Final = 0.005 + 1e-9
"""How far a limit in whole percents may be from the true one."""


@dataclass(frozen=True)
class _Point:
    """One point of a curve; NaN where a number is withheld."""

    time: float
    at_risk: float
    events: float
    height: float
    lower: float
    upper: float


def misfits(parts: Mapping[str, Part], plan: Plan) -> Iterator[Disagreement]:
    """What does not fit together in the curves of results that were released rounded."""
    for name, part in parts.items():
        late = enters_late(part, plan)
        for curve in itertools.chain.from_iterable(map(curves_of, analyses_of_curves(part.result))):
            known = curve.curve
            if isinstance(known, KnownPoints | KnownIncidence):
                where = f"{name}, {', '.join(curve.level.values()) or 'all'}"
                for each in _misfits(known, curve, late=late):
                    yield Disagreement(CHECK, where, each)


def _misfits(known: Known, curve: Curve, *, late: bool) -> Iterator[str]:
    columns = (known.time, known.at_risk, known.events_to, probabilities(known))
    rows = zip(*columns, known.lower, known.upper, strict=True)
    points = [_Point(*map(number, row)) for row in rows]
    yield from _of_points(points, rises=isinstance(known, KnownIncidence))
    yield from _of_group(points, number(curve.n), number(curve.events), late=late)
    yield from _of_landmarks(points, curve)
    yield from _of_axis(points, known.end, curve, late=late)


def _of_points(points: list[_Point], *, rises: bool) -> Iterator[str]:
    """Within the points themselves: times ascend, and the curve falls (or rises) only, and only where there are events."""
    for one, next_one in itertools.pairwise(points):
        if one.time >= next_one.time:
            yield f"{next_one.time:g} comes after {one.time:g}"
    known = [each for each in points if not math.isnan(each.events + each.height)]
    for one, next_one in itertools.pairwise(known):
        events, change = next_one.events - one.events, next_one.height - one.height
        if events < 0 or (change if not rises else -change) > 0 or (events == 0 and change != 0):
            yield (
                f"{one.height:g} at {one.time:g} and {next_one.height:g} at {next_one.time:g} do not fit {events:g} events between them"
            )
    for each in known:
        if each.height < each.lower - _LIMIT or each.height > each.upper + _LIMIT:
            yield f"{each.height:g} at {each.time:g} lies outside of {each.lower:g} to {each.upper:g}"


def _of_group(points: list[_Point], n: float, events: float, *, late: bool) -> Iterator[str]:
    """With the patients and events of the group."""
    before = 0.0
    for each in points:
        if each.events > events:
            yield f"{each.events:g} events to {each.time:g} are more than the {events:g} of the group"
        if each.at_risk + before > n + _ROUNDING and not late:
            yield (
                f"{each.at_risk:g} at risk at {each.time:g} and {before:g} events before it are more than the {n:g} of the group"
            )
        before = before if math.isnan(each.events) else each.events


def _of_landmarks(points: list[_Point], curve: Curve) -> Iterator[str]:
    """With the estimates at the times of the plan, which are the points there."""
    at = {each.time: each for each in points}
    for each in estimates(curve):
        point, value = at.get(each.time), number(probability(each))
        if point is None and not math.isnan(value):
            yield f"{value:g} is given at {each.time:g}, where the curve has no point"
        elif point is not None:
            for one, other in ((value, point.height), (number(each.events_to), point.events)):
                if abs(one - other) > 0:
                    yield f"{one:g} at {each.time:g} is {other:g} on the curve"


def _of_axis(points: list[_Point], end: float, curve: Curve, *, late: bool) -> Iterator[str]:
    """With the numbers at risk at the round times of the axis, of which the last with enough patients is the curve's end."""
    found = curve.numbers_at_risk
    if found is None:
        return
    at_risk = dict(zip(map(float, found.time), map(number, found.at_risk), strict=True))
    for each in points:
        if abs(at_risk.get(each.time, each.at_risk) - each.at_risk) > 0:
            yield f"{each.at_risk:g} at risk at {each.time:g} are {at_risk[each.time]:g} below the figure"
    seen = [time for time, n in at_risk.items() if n > 0]
    if not late and (seen[-1:] or [math.nan]) != [end] and (seen or not math.isnan(end)):
        yield f"the curve ends at {end:g}, and not where the last number at risk is shown"
