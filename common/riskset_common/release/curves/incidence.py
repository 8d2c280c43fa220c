"""Cumulative incidences as they are released: one program for numbers that lie open and for numbers that are hidden on shares.

What it opens, at the times that were accepted before for each cause (`plan_times`): incidences, their standard errors, events and numbers
at risk. At a time of a cause no group has few events of it on either side, and no few of others: the curve of any event would tell these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from riskset_common.release.curves.asks import Asks, opened_by_name
from riskset_common.release.curves.at_risk import AtRisk, numbers_on_axis
from riskset_common.release.curves.emptied import INCIDENCE_STAYS, emptied_warnings, empty_warnings
from riskset_common.release.curves.frame import Frame, Spans
from riskset_common.release.curves.group_curves import DECIMALS, At
from riskset_common.release.curves.limits import incidence_limits_of
from riskset_common.release.curves.people import Group
from riskset_common.release.curves.plan_times import frame_and_spans, places_of
from riskset_common.release.floors import nothing_of
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Opens, Program
from riskset_common.release.times import LeavingTimes
from riskset_common.results.incidence import (
    CauseIncidence,
    CumulativeIncidenceResult,
    GroupIncidence,
    IncidenceLandmark,
    KnownIncidence,
)
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis
from riskset_common.survival.curves.kaplan_meier import LimitKind
from riskset_common.survival.curves.on_days import after
from riskset_common.survival.incidence.on_days import DayIncidence, day_incidences

Incidences = CumulativeIncidenceResult | WithheldAnalysis
IncidenceAsks = Asks[CumulativeIncidenceResult]


@dataclass(frozen=True)
class IncidencesAsked:
    """What an analysis asks of its curves; times in the plan's unit.

    Attributes
    ----------
    counted
        The patients, by groups; the first kinds of event that are told apart are the causes.
    causes, at, interval, level
        As in the plan.
    has_test
        Whether the plan asks for a test beside the curves.
    """

    counted: LeavingTimes
    causes: tuple[str, ...]
    at: tuple[float, ...]
    interval: LimitKind
    level: float
    has_test: bool


@dataclass(frozen=True)
class _Told:
    """What was opened: numbers at risk by curve and step; by cause the accepted places, and by curve and place the rest."""

    known: Spans
    places: Mapping[str, tuple[int, ...]]
    numbers: Mapping[At, int] = field(default_factory=dict)
    parts: Mapping[str, Mapping[At, int]] = field(default_factory=dict)
    errors: Mapping[str, Mapping[At, int]] = field(default_factory=dict)
    events: Mapping[str, Mapping[At, int]] = field(default_factory=dict)


def incidences_program(
    asked: IncidencesAsked, given: Given, asks: IncidenceAsks | None = None
) -> Program[Incidences]:
    """The curves of an analysis, without its tests."""
    asks = IncidenceAsks() if asks is None else asks
    frame, known = frame_and_spans(given, asked.counted)
    if isinstance(frame.people.n, Withheld) or not frame.people.groups:
        mark = frame.people.n if isinstance(frame.people.n, Withheld) else frame.floors.few
        also = ["tests"] if asked.has_test else []
        return nothing_of(CumulativeIncidenceResult, "cumulative_incidence", mark, also)
    told = yield from _told(asked, frame, known, asks)
    warnings = yield from emptied_warnings(
        frame, asks, INCIDENCE_STAYS, lambda result: result.warnings
    )
    return _result(asked, frame, told, (*empty_warnings(frame), *warnings))


def implied_by_incidences(
    asked: IncidencesAsked, given: Given, result: Incidences
) -> Mapping[str, Opened]:
    """What every ask of `incidences_program` must have been, from its released result."""
    asks = IncidenceAsks()
    program = incidences_program(asked, given, asks)
    return {} if isinstance(result, WithheldAnalysis) else asks.told_by(program, result)


def _told(
    asked: IncidencesAsked, frame: Frame, known: Spans, asks: IncidenceAsks
) -> Program[_Told]:
    """Ask for what may be known of the curves at the times that were accepted."""
    if not frame.curves:
        return _Told(known, {})
    accepted = frame.given.accepted[asked.counted]
    places = {cause: places_of(frame, accepted, cause) for cause in asked.causes}
    at = {cause: frame.told_at(known, found) for cause, found in places.items()}
    at_risk = AtRisk.of(frame, known, [each for found in at.values() for each in found])
    curves = _day_incidences(asked, frame)
    opened = yield from opened_by_name(
        {
            "at_risk": at_risk.asked(
                asks, lambda result, i, since: _number_at_risk(result, frame, i, since)
            ),
            **{
                f"{name} of {cause}": ask
                for kind, cause in enumerate(asked.causes)
                if at[cause]
                for name, ask in _asks_of(
                    frame, asks, kind, cause, curves[kind], places[cause], at[cause]
                ).items()
            },
        }
    )
    numbers = at_risk.numbers(opened.get("at_risk"))
    values = (_by_place(opened, name, at) for name in ("incidence", "error", "events"))
    return _Told(known, places, numbers, *values)


def _by_place(
    opened: Mapping[str, Opened], name: str, at: Mapping[str, list[At]]
) -> dict[str, dict[At, int]]:
    """What was opened under a name, by cause, curve and place."""
    return {
        cause: dict(zip(found, opened[f"{name} of {cause}"].tolist(), strict=True))
        for cause, found in at.items()
        if found
    }


def _day_incidences(asked: IncidencesAsked, frame: Frame) -> list[DayIncidence]:
    given, days = frame.given, frame.marks(frame.counted.days)
    events = given.data[frame.counted]["events"][:, frame.rows]
    return day_incidences(
        given.calculator,
        events,
        frame.at_risk[:, days],
        len(asked.causes),
        given.facts.patients,
    )


def _asks_of(
    frame: Frame,
    asks: IncidenceAsks,
    kind: int,
    cause: str,
    curve: DayIncidence,
    places: tuple[int, ...],
    at: list[At],
) -> dict[str, Opens]:
    """Incidences of a cause, their standard errors, and its events, where they may be told: curve and place of each."""
    calculator = frame.given.calculator
    row, n_days = frame.rows_and_days(at)
    incidence = calculator.fraction(
        after(calculator, curve.incidence, 0.0, row, n_days), "a probability"
    )
    spread = calculator.fraction(
        after(calculator, curve.variance, 0.0, row, n_days), "the variance of a probability"
    )
    where = [(i, places.index(place)) for i, place in at]

    def in_parts(name: str, scale: int) -> Callable[[CumulativeIncidenceResult], list[int]]:
        return lambda result: _parts(result, frame, cause, name, scale, where)

    return {
        "incidence": asks.opens(
            f"incidence of {cause} in parts of {DECIMALS}",
            calculator.rounded(incidence, DECIMALS),
            in_parts("incidence", DECIMALS),
        ),
        "error": asks.opens(
            f"its standard error in parts of {DECIMALS}, {cause}",
            calculator.rounded(calculator.root(spread, 1.0), DECIMALS),
            in_parts("std_err", DECIMALS),
        ),
        "events": asks.opens(
            f"events of {cause} up to accepted times",
            frame.events_to(frame.given.data[frame.counted]["events"][kind], row, n_days),
            in_parts("events_to", 1),
        ),
    }


def _parts(
    result: CumulativeIncidenceResult,
    frame: Frame,
    cause: str,
    name: str,
    scale: int,
    where: list[At],
) -> list[int]:
    """Values of a released result in parts: of each curve and time the field `name`."""
    curves = {i: known_incidence(_group_of(result, frame, i), cause) for i, _ in where}
    return [round(getattr(curves[i], name)[j] * scale) for i, j in where]


def _result(
    asked: IncidencesAsked, frame: Frame, told: _Told, warnings: tuple[str, ...]
) -> CumulativeIncidenceResult:
    people, curve = frame.people, {group.row: i for i, group in enumerate(frame.curves)}
    return CumulativeIncidenceResult(
        kind="cumulative_incidence",
        endpoint=asked.counted.endpoint,
        causes=asked.causes,
        n=people.n,
        events=people.events,
        missing=people.missing,
        ci=asked.interval,
        level=asked.level,
        groups=tuple(
            _group(asked, frame, told, curve[group.row], group)
            if group.row in curve
            else GroupIncidence(
                level=group.level,
                n=group.n,
                events=group.events,
                causes=people.mark(group, frame.floors),
                numbers_at_risk=None,
            )
            for group in people.groups
        ),
        tests=None,
        warnings=warnings,
    )


def _group(
    asked: IncidencesAsked, frame: Frame, told: _Told, i: int, group: Group
) -> GroupIncidence:
    curves = {cause: _known(asked, frame, told, i, cause) for cause in asked.causes}
    return GroupIncidence(
        level=group.level,
        n=group.n,
        events=group.events,
        causes={
            cause: CauseIncidence(
                events=group.of_kind[kind],
                at=tuple(
                    _landmark(frame, told, i, cause, time, curves[cause]) for time in asked.at
                ),
                curve=curves[cause],
            )
            for kind, cause in enumerate(asked.causes)
        },
        numbers_at_risk=numbers_on_axis(frame, told.known, i, told.numbers),
    )


def _known(asked: IncidencesAsked, frame: Frame, told: _Told, i: int, cause: str) -> KnownIncidence:
    """The values at all accepted times; those at which few are at risk are withheld."""
    few, places, parts = frame.floors.few, told.places[cause], told.parts.get(cause, {})
    shown = [place for place in places if (i, place) in parts]
    incidence = [parts[i, place] / DECIMALS for place in shown]
    errors = [told.errors[cause][i, place] / DECIMALS for place in shown]
    lower, upper = incidence_limits_of(incidence, errors, asked.interval, asked.level)
    rows = zip(
        (told.numbers[i, frame.places.since[place]] for place in shown),
        (told.events[cause][i, place] for place in shown),
        incidence,
        errors,
        lower,
        upper,
        strict=True,
    )
    by_place: dict[
        int, tuple[Shown[int], Shown[int], Shown[float], Shown[float], Shown[float], Shown[float]]
    ]
    by_place = dict.fromkeys(places, (few, few, few, few, few, few))
    by_place.update(zip(shown, rows, strict=True))
    return KnownIncidence(
        time=tuple(frame.places.time[place] for place in places),
        at_risk=tuple(by_place[place][0] for place in places),
        events_to=tuple(by_place[place][1] for place in places),
        incidence=tuple(by_place[place][2] for place in places),
        std_err=tuple(by_place[place][3] for place in places),
        lower=tuple(by_place[place][4] for place in places),
        upper=tuple(by_place[place][5] for place in places),
        end=told.known.end[i],
    )


def _landmark(
    frame: Frame, told: _Told, i: int, cause: str, time: float, curve: KnownIncidence
) -> IncidenceLandmark:
    """The curve at a time that the plan names; where it was not accepted only the number at risk."""
    place = frame.places.place(time)
    if place in told.places[cause]:
        j = told.places[cause].index(place)
        return IncidenceLandmark(
            time=time,
            at_risk=curve.at_risk[j],
            events_to=curve.events_to[j],
            incidence=curve.incidence[j],
            std_err=curve.std_err[j],
            lower=curve.lower[j],
            upper=curve.upper[j],
        )
    number: Shown[int] = told.numbers.get((i, frame.places.since[place]), frame.floors.few)
    mark = number if isinstance(number, Withheld) else frame.floors.protects
    return IncidenceLandmark(time, number, mark, mark, mark, mark, mark)


def _group_of(result: CumulativeIncidenceResult, frame: Frame, i: int) -> GroupIncidence:
    return next(group for group in result.groups if group.level == frame.curves[i].level)


def known_incidence(group: GroupIncidence, cause: str) -> KnownIncidence:
    """The points of a released curve."""
    curve = None if isinstance(group.causes, Withheld) else group.causes[cause].curve
    if not isinstance(curve, KnownIncidence):
        raise TypeError("A group that has a curve is released with known points.")
    return curve


def _number_at_risk(result: CumulativeIncidenceResult, frame: Frame, i: int, since: int) -> int:
    """The number at risk of the i-th curve at a step: at a time of the axis, or at an accepted time of a cause."""
    group = _group_of(result, frame, i)
    on_axis = () if group.numbers_at_risk is None else group.numbers_at_risk.at_risk
    steps = dict(zip(frame.places.time, frame.places.since, strict=True))
    found = list(zip(frame.axis.since, on_axis, strict=True))
    for cause in () if isinstance(group.causes, Withheld) else group.causes:
        curve = known_incidence(group, cause)
        found += [(steps[time], n) for time, n in zip(curve.time, curve.at_risk, strict=True)]
    return next(n for step, n in found if step == since and isinstance(n, int))
