"""Curves of survival by group, as results have them. Times are in the plan's unit; NaN is a value that does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from riskset_common.results.shown import WHEN_ASKED, Parallel, Shown
from riskset_common.results.tests import Contrast, FurtherTests, LogRankResult


@dataclass(frozen=True)
class Estimate:
    """An estimate with its confidence limits; NaN where it is not reached or not defined.

    Released rounded, the estimate is a multiple of `rounded_to`, or the middle of two multiples, to which the ends of a flat part of the
    curve were rounded; the limits are then the released times around it at which the limits of the curve have crossed.
    """

    estimate: Shown[float]
    lower: Shown[float]
    upper: Shown[float]
    rounded_to: float | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)


@dataclass(frozen=True)
class QuantileResult(Estimate):
    """The time at which the share `p` of the group has had the event."""

    p: float


@dataclass(frozen=True)
class CurvePoints(Parallel):
    """A curve at the times when somebody leaves; each of length n_times. `std_err` is Greenwood's, of the survival."""

    time: tuple[float, ...]
    at_risk: tuple[int, ...]
    events: tuple[int, ...]
    censored: tuple[int, ...]
    survival: tuple[float, ...]
    std_err: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True)
class KnownPoints(Parallel):
    """What is released, rounded, of a curve: its values at public times, which are no patient's; each of length n_times.

    Between two times, and from the last to the end, nothing is known but that the curve falls, and by how much.

    Attributes
    ----------
    time
        The times that were accepted, ascending, also where the numbers are withheld. They are times of the plan or of its release grid.
    at_risk
        Patients with T >= time, as multiples of 5, or all who have had no event so far if these are fewer.
    events_to
        Events up to and including each time.
    survival, std_err, lower, upper
        S(time), Greenwood's standard error, and the limits, to whole percents.
    end
        The last time of the axis at which enough patients are at risk; NaN where there is none.
    """

    time: tuple[float, ...]
    at_risk: tuple[Shown[int], ...]
    events_to: tuple[Shown[int], ...]
    survival: tuple[Shown[float], ...]
    std_err: tuple[Shown[float], ...]
    lower: tuple[Shown[float], ...]
    upper: tuple[Shown[float], ...]
    end: float


@dataclass(frozen=True)
class Landmark:
    """A curve at a time that the plan names; `at_risk` are the patients with T >= time.

    Under left truncation `at_risk` is R's number, which holds for the next time at which somebody leaves. `events_to` are the
    events until then.
    """

    time: float
    at_risk: Shown[int]
    events_to: Shown[int]
    survival: Shown[float]
    std_err: Shown[float]
    lower: Shown[float]
    upper: Shown[float]


@dataclass(frozen=True)
class RestrictedMean:
    """Area under the curve up to `tau`, in the plan's unit of time."""

    tau: float
    estimate: float
    std_err: float


@dataclass(frozen=True)
class NumbersAtRisk(Parallel):
    """Patients at risk at the round times of an axis, as multiples of 5; each of length n_times. A whole time is an int."""

    time: tuple[int | float, ...]
    at_risk: tuple[Shown[int], ...]


@dataclass(frozen=True)
class GroupCurve:
    """One group's curve; only one that is released rounded has `numbers_at_risk` and a `curve` of known points."""

    n: Shown[int]
    events: Shown[int]
    median: Shown[Estimate]
    quantiles: Shown[tuple[QuantileResult, ...]]
    at: Shown[tuple[Landmark, ...]]
    curve: Shown[CurvePoints | KnownPoints]
    rmean: Shown[RestrictedMean] | None = field(metadata=WHEN_ASKED)
    level: Mapping[str, str]
    numbers_at_risk: NumbersAtRisk | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class KaplanMeierResult:
    """Curves by group; only one that is released rounded tells the patients in whom the group is `unknown`."""

    kind: str
    endpoint: str
    cause: str | None = field(metadata=WHEN_ASKED)
    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    ci: str
    level: float
    groups: tuple[GroupCurve, ...]
    contrasts: tuple[Contrast, ...] | None = field(metadata=WHEN_ASKED)
    test: Shown[LogRankResult] | None = field(metadata=WHEN_ASKED)
    tests: Shown[FurtherTests] | None = field(metadata=WHEN_ASKED)
    warnings: tuple[str, ...]
    unknown: Shown[int] | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)
