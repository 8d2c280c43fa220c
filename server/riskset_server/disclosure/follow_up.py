"""What of a follow-up may be released: times behind which enough patients stand, and never the day of whoever was seen last or first."""

from __future__ import annotations

from collections.abc import Mapping

from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.curve import rounded, significant
from riskset_server.disclosure.table import is_small
from riskset_server.disclosure.withheld import (
    Result,
    fewest_patients,
    small_count,
    too_few_patients,
)

FOLLOW_UP_DIGITS = 2
"""Digits of a released median follow-up, which is the very day on which one patient was seen last."""


def released_follow_up(result: Result, disclosure: Disclosure) -> Result:
    """Its median and limits where enough patients stand before and behind them; never the day of whoever was seen last or first."""
    events = result["events"]
    if any(is_small(each, disclosure.minimum_cell) for each in (events, result["n"] - events)):
        result["events"] = small_count(disclosure)
    points = dict(result["at"])
    for name, point in points.items():
        if point is None:
            continue
        rule = _few_around(point, disclosure)
        result[name] = rule or float(f"{result[name]:.{FOLLOW_UP_DIGITS}g}")
        points[name] = {key: rule or rounded(count, result["n"]) for key, count in point.items()}
    result["at"] = points
    if "range" in result:
        result["range"] = dict.fromkeys(result["range"], small_count(disclosure))
    if "completeness" in result:
        result["completeness"] = _completeness(result, events, disclosure)
    return result


def _few_around(point: Mapping[str, int], disclosure: Disclosure) -> dict[str, str] | None:
    """Why a time of follow-up is not shown: too few are still followed, or too few had left by then."""
    if point["at_risk"] < fewest_patients(disclosure):
        return too_few_patients(disclosure)
    return small_count(disclosure) if point["ended"] < disclosure.minimum_cell else None


def _completeness(result: Result, events: int, disclosure: Disclosure) -> Result:
    """Potential less observed person-time is a sum over those who were not followed to the closing date, and these a part of all."""
    found: Result = result["completeness"]
    rest = result["n"] - found["incomplete"]
    parts = (found["incomplete"], rest, max(rest - events, 0))
    if any(
        is_small(part, disclosure.minimum_cell) for part in (*parts, events, result["n"] - events)
    ):
        return dict.fromkeys(found, small_count(disclosure))
    return {
        name: value if name == "incomplete" else significant(value) for name, value in found.items()
    }
