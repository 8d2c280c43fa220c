"""Follow-up, as results have it."""

from __future__ import annotations

from dataclasses import dataclass, field

from riskset_common.results.shown import WHEN_ASKED, Shown


@dataclass(frozen=True)
class FollowUpPoint:
    """Patients still followed at a time, and those whose follow-up had ended without an event by then."""

    at_risk: Shown[int]
    ended: Shown[int]


@dataclass(frozen=True)
class FollowUpPoints:
    """How many patients were still followed at the median and at each limit; None if it is not reached."""

    median: FollowUpPoint | None
    lower: FollowUpPoint | None
    upper: FollowUpPoint | None


@dataclass(frozen=True)
class FollowUpRange:
    """Shortest and longest follow-up of patients without an event, in the plan's unit; NaN without any."""

    shortest: Shown[float]
    longest: Shown[float]


@dataclass(frozen=True)
class Completeness:
    """Person-time observed and potential until the closing date, in the plan's unit, their ratio, and patients not followed to it."""

    observed: Shown[float]
    potential: Shown[float]
    ratio: Shown[float]
    incomplete: Shown[int]


@dataclass(frozen=True)
class FollowUpResult:
    """Median follow-up with its confidence limits, in the plan's unit of time; NaN where it is not reached."""

    kind: str
    endpoint: str
    method: str
    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    ci: str
    level: float
    median: Shown[float]
    lower: Shown[float]
    upper: Shown[float]
    at: FollowUpPoints
    range: FollowUpRange | None = field(metadata=WHEN_ASKED)
    completeness: Completeness | None = field(metadata=WHEN_ASKED)
    warnings: tuple[str, ...]
