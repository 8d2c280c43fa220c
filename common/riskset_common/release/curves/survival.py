"""Kaplan-Meier curves as they are released: one program for numbers that lie open and for numbers that are hidden on shares.

What it opens, in order, at the times that were accepted before (`plan_times`): survival, events and numbers at risk; then standard errors,
where quantiles lie, and areas. The released result says each of these.
"""

from __future__ import annotations

from collections.abc import Mapping

from riskset_common.release.curves.areas import Areas
from riskset_common.release.curves.asks import Asks, opened_by_name
from riskset_common.release.curves.at_risk import AtRisk
from riskset_common.release.curves.contrasts import released_contrasts
from riskset_common.release.curves.crossings import Crossings
from riskset_common.release.curves.emptied import STAYS_0, emptied_warnings, empty_warnings
from riskset_common.release.curves.frame import Frame, Spans
from riskset_common.release.curves.group_curves import (
    DECIMALS,
    CurvesAsked,
    Told,
    group_curve,
    group_of,
    known_points,
    number_at_risk,
    withheld_curve,
)
from riskset_common.release.curves.people import any_event
from riskset_common.release.curves.plan_times import frame_and_spans, places_of
from riskset_common.release.floors import nothing_of
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Opens, Program
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.survival.curves.on_days import DayCurve, after, day_curve, variance

Curves = KaplanMeierResult | WithheldAnalysis
KaplanMeierAsks = Asks[KaplanMeierResult]


def curves_program(
    asked: CurvesAsked, given: Given, asks: KaplanMeierAsks | None = None
) -> Program[Curves]:
    """The curves of an analysis, without its tests."""
    asks = KaplanMeierAsks() if asks is None else asks
    frame, known = frame_and_spans(given, asked.counted)
    if isinstance(frame.people.n, Withheld) or not frame.people.groups:
        mark = frame.people.n if isinstance(frame.people.n, Withheld) else frame.floors.few
        also = [
            *(["cause"] if asked.cause is not None else []),
            *(["contrasts"] if asked.contrast else []),
        ]
        return nothing_of(KaplanMeierResult, "kaplan_meier", mark, also)
    told = yield from _told(asked, frame, known, asks)
    warnings = yield from emptied_warnings(frame, asks, STAYS_0, lambda result: result.warnings)
    return _result(asked, frame, told, (*empty_warnings(frame), *warnings))


def implied_by_curves(asked: CurvesAsked, given: Given, result: Curves) -> Mapping[str, Opened]:
    """What every ask of `curves_program` must have been, from its released result."""
    asks = KaplanMeierAsks()
    program = curves_program(asked, given, asks)
    return {} if isinstance(result, WithheldAnalysis) else asks.told_by(program, result)


def _told(asked: CurvesAsked, frame: Frame, known: Spans, asks: KaplanMeierAsks) -> Program[Told]:
    """Ask for what may be known of the curves at the times that were accepted."""
    places = places_of(frame, frame.given.accepted[asked.counted])
    at = frame.told_at(known, places)
    at_risk = AtRisk.of(frame, known, at)
    if not frame.curves:
        return Told(known, places)
    curve = _day_curve(frame)
    first = yield from opened_by_name(
        {
            **_first(frame, asks, curve, places, at),
            "at_risk": at_risk.asked(
                asks, lambda result, i, since: number_at_risk(result, frame, places, i, since)
            ),
        }
    )
    told = Told(
        known,
        places,
        numbers=at_risk.numbers(first.get("at_risk")),
        parts=dict(zip(at, first["survival"].tolist() if at else [], strict=True)),
        events=dict(zip(at, first["events"].tolist() if at else [], strict=True)),
    )
    crossings = Crossings.of(frame, told, asked.quantiles)
    areas = Areas.of(frame, known, asked.rmean)
    positive = [each for each in at if told.parts[each] > 0]
    second = yield from opened_by_name(
        {
            "std_err": _std_err(frame, asks, curve, places, positive),
            "crossings": crossings.asked(frame.given.calculator, asks, curve.survival),
            **areas.asked(frame, asks, curve),
        }
    )
    errors = second["std_err"].tolist() if positive else []
    return told.with_more(
        std_err={each: error / DECIMALS for each, error in zip(positive, errors, strict=True)},
        quantiles=crossings.found(second.get("crossings")),
        means=areas.found(second),
    )


def _day_curve(frame: Frame) -> DayCurve:
    """S and what its variance is made of, of the groups with a curve."""
    given = frame.given
    events = any_event(given.data[frame.counted]["events"])[frame.rows]
    days = frame.marks(frame.counted.days)
    return day_curve(given.calculator, events, frame.at_risk[:, days], given.facts.patients)


def _first(
    frame: Frame,
    asks: KaplanMeierAsks,
    curve: DayCurve,
    places: tuple[int, ...],
    at: list[tuple[int, int]],
) -> dict[str, Opens | None]:
    """Survival, and events up to it, where they may be told: curve and place of each."""
    if not at:
        return {}
    calculator = frame.given.calculator
    row, n_days = frame.rows_and_days(at)
    survival = after(calculator, curve.survival, 1.0, row, n_days)
    where = [(i, places.index(place)) for i, place in at]
    return {
        "survival": asks.opens(
            f"survival in parts of {DECIMALS}",
            calculator.rounded(survival, DECIMALS),
            lambda result: [
                round(_shown(known_points(group_of(result, frame, i)).survival[j]) * DECIMALS)
                for i, j in where
            ],
        ),
        "events": asks.opens(
            "events up to accepted times",
            frame.events_to(any_event(frame.given.data[frame.counted]["events"]), row, n_days),
            lambda result: [
                round(_shown(known_points(group_of(result, frame, i)).events_to[j]))
                for i, j in where
            ],
        ),
    }


def _std_err(
    frame: Frame,
    asks: KaplanMeierAsks,
    curve: DayCurve,
    places: tuple[int, ...],
    positive: list[tuple[int, int]],
) -> Opens | None:
    """Greenwood's standard error where survival is not 0."""
    if not positive:
        return None
    calculator = frame.given.calculator
    spread = variance(calculator, curve, *frame.rows_and_days(positive))
    where = [(i, places.index(place)) for i, place in positive]
    return asks.opens(
        f"standard errors in parts of {DECIMALS}",
        calculator.rounded(calculator.root(spread, 1.0), DECIMALS),
        lambda result: [
            round(_shown(known_points(group_of(result, frame, i)).std_err[j]) * DECIMALS)
            for i, j in where
        ],
    )


def _shown(value: float | Withheld) -> float:
    """A value that is shown wherever it was opened."""
    if isinstance(value, Withheld):
        raise TypeError(f"A value that was opened is withheld: {value}.")
    return value


def _result(
    asked: CurvesAsked, frame: Frame, told: Told, warnings: tuple[str, ...]
) -> KaplanMeierResult:
    people, curve = frame.people, {group.row: i for i, group in enumerate(frame.curves)}
    groups = tuple(
        group_curve(frame, told, curve[group.row], asked)
        if group.row in curve
        else withheld_curve(group, people.mark(group, frame.floors), asked.rmean)
        for group in people.groups
    )
    return KaplanMeierResult(
        kind="kaplan_meier",
        endpoint=asked.counted.endpoint,
        cause=asked.cause,
        n=people.n,
        events=people.events,
        missing=people.missing,
        ci=asked.interval,
        level=asked.level,
        groups=groups,
        contrasts=released_contrasts(groups, asked.contrast, asked.at, asked.rmean, asked.level)
        if asked.contrast
        else None,
        test=None,
        tests=None,
        warnings=warnings,
    )
