"""The release of follow-up: only times with enough patients behind them, and never the day of the first or last patient seen."""

from __future__ import annotations

from riskset_common.results.follow_up import (
    Completeness,
    FollowUpPoint,
    FollowUpPoints,
    FollowUpRange,
    FollowUpResult,
)
from riskset_common.results.shown import Shown, Withheld, exact
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.curve import rounded, significant
from riskset_server.disclosure.table import is_small
from riskset_server.disclosure.withheld import (
    fewest_patients,
    small_count,
    too_few_patients,
    unless_small,
)

FOLLOW_UP_DIGITS = 2
"""Digits of a released median follow-up, which is the very day on which one patient was seen last."""


def released_follow_up(result: FollowUpResult, disclosure: Disclosure) -> FollowUpResult:
    """Its median and limits, if enough were followed longer and enough shorter; never the day of whoever was seen last or first."""
    rule, events, at = small_count(disclosure), exact(result.events), result.at
    n = exact(result.n)
    few_events = any(is_small(each, disclosure.minimum_cell) for each in (events, n - events))
    hidden = rule if few_events else None
    return FollowUpResult(
        kind=result.kind,
        endpoint=result.endpoint,
        method=result.method,
        n=n,
        events=hidden or events,
        missing=unless_small(result.missing, disclosure),
        ci=result.ci,
        level=result.level,
        median=_time(result.median, at.median, disclosure),
        lower=_time(result.lower, at.lower, disclosure),
        upper=_time(result.upper, at.upper, disclosure),
        at=FollowUpPoints(
            median=_point(at.median, n, hidden, disclosure),
            lower=_point(at.lower, n, hidden, disclosure),
            upper=_point(at.upper, n, hidden, disclosure),
        ),
        range=None if result.range is None else FollowUpRange(shortest=rule, longest=rule),
        completeness=_completeness(result, events, disclosure),
        warnings=result.warnings,
    )


def _time(time: Shown[float], point: FollowUpPoint | None, disclosure: Disclosure) -> Shown[float]:
    """A time of follow-up; NaN where it is not reached."""
    if point is None:
        return time
    return _few_around(point, disclosure) or float(f"{exact(time):.{FOLLOW_UP_DIGITS}g}")


def _point(
    point: FollowUpPoint | None, n: int, hidden: Withheld | None, disclosure: Disclosure
) -> FollowUpPoint | None:
    """How many patients were followed to a time, and had left by then; if the number of events is hidden, these are: the rest had one."""
    if point is None:
        return None
    rule = _few_around(point, disclosure) or hidden
    return FollowUpPoint(
        at_risk=rule or rounded(exact(point.at_risk), n),
        ended=rule or rounded(exact(point.ended), n),
    )


def _few_around(point: FollowUpPoint, disclosure: Disclosure) -> Withheld | None:
    """Why a time of follow-up is not shown: too few are still followed, or too few had left by then."""
    if exact(point.at_risk) < fewest_patients(disclosure):
        return too_few_patients(disclosure)
    return small_count(disclosure) if exact(point.ended) < disclosure.minimum_cell else None


def _completeness(
    result: FollowUpResult, events: int, disclosure: Disclosure
) -> Completeness | None:
    """Potential less observed person-time is a sum over those who were not followed to the closing date, and these a part of all."""
    completeness = result.completeness
    if completeness is None:
        return None
    incomplete, n = exact(completeness.incomplete), exact(result.n)
    rest = n - incomplete
    parts = (incomplete, rest, max(rest - events, 0))
    if any(is_small(part, disclosure.minimum_cell) for part in (*parts, events, n - events)):
        rule = small_count(disclosure)
        return Completeness(observed=rule, potential=rule, ratio=rule, incomplete=rule)
    return Completeness(
        observed=significant(exact(completeness.observed)),
        potential=significant(exact(completeness.potential)),
        ratio=significant(exact(completeness.ratio)),
        incomplete=incomplete,
    )
