"""Helpers of pages for typed results: plain numbers, the rules that withheld something, and every curve in one form."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

from riskset_common.results.curves import (
    CurvePoints,
    GroupCurve,
    KaplanMeierResult,
    KnownPoints,
    Landmark,
    NumbersAtRisk,
)
from riskset_common.results.incidence import (
    CauseIncidence,
    CumulativeIncidenceResult,
    GroupIncidence,
    IncidenceLandmark,
    IncidencePoints,
    KnownIncidence,
)
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis
from riskset_common.results.whole_file import ReleasedResult

T = TypeVar("T")


def number(value: Shown[float] | None) -> float:
    """A value as a real; NaN where it does not exist, is not finite, or is withheld."""
    if value is None or isinstance(value, Withheld) or not math.isfinite(value):
        return math.nan
    return float(value)


def distinct(values: Iterable[T | Withheld | None]) -> list[T]:
    """Values that exist and are not withheld, each once, in their order."""
    return list(
        dict.fromkeys(
            value for value in values if value is not None and not isinstance(value, Withheld)
        )
    )


def marks_in(value: object) -> Iterator[Withheld]:
    """Every mark of something withheld within a result, in the order of its fields; a mark may come more than once.

    Of a part without a result nothing was withheld.
    """
    if isinstance(value, Withheld):
        yield value
    elif isinstance(value, WithheldAnalysis) and value.warnings:
        return
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from marks_in(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from marks_in(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from marks_in(item)


def of_kind(kind: type[T], result: ReleasedResult) -> T:
    """A result of which anything is shown, as the dataclass of its kind.

    Raises
    ------
    TypeError
        Where it is of another kind, or withheld as a whole.
    """
    if not isinstance(result, kind):
        raise TypeError(f"A {result.kind} is no {kind.__name__}, or all of it is withheld.")
    return result


def withheld_as_a_whole(analysis: WithheldAnalysis) -> Withheld:
    """The mark of the rule by which an analysis is withheld."""
    return next(iter(analysis.fields.values()))


@runtime_checkable
class WithIntervals(Protocol):
    """A result of any kind whose estimates have confidence intervals."""

    @property
    def level(self) -> float:
        """Their confidence level, such as 0.95."""


def level_of(result: ReleasedResult) -> float | None:
    """The confidence level of an analysis; None where it has no intervals, or is withheld as a whole."""
    return result.level if isinstance(result, WithIntervals) else None


@runtime_checkable
class WithEvents(Protocol):
    """A result of any kind that counts events."""

    @property
    def events(self) -> Shown[int] | None:
        """Patients with an event."""


def events_of(result: ReleasedResult) -> Shown[int] | None:
    """Patients with an event in an analysis; None where it counts none."""
    return result.events if isinstance(result, WithEvents) else None


def missing_of(result: ReleasedResult) -> Shown[int]:
    """Patients left out of an analysis because a value is missing."""
    return withheld_as_a_whole(result) if isinstance(result, WithheldAnalysis) else result.missing


@dataclass(frozen=True)
class CauseCurve:
    """The curve of one cause in a group, with the fields of a group's survival curve; `events` are of this cause.

    `cause` is withheld where the group is.
    """

    group: GroupIncidence
    cause: Shown[CauseIncidence]

    @property
    def level(self) -> Mapping[str, str]:
        """The levels of the group."""
        return self.group.level

    @property
    def n(self) -> Shown[int]:
        """Patients of the group."""
        return self.group.n

    @property
    def events(self) -> Shown[int]:
        """Events of this cause."""
        return self.cause if isinstance(self.cause, Withheld) else self.cause.events

    @property
    def at(self) -> Shown[tuple[IncidenceLandmark, ...]]:
        """The estimates at the times that the plan names."""
        return self.cause if isinstance(self.cause, Withheld) else self.cause.at

    @property
    def curve(self) -> Shown[IncidencePoints | KnownIncidence]:
        """The curve."""
        return self.cause if isinstance(self.cause, Withheld) else self.cause.curve

    @property
    def numbers_at_risk(self) -> NumbersAtRisk | None:
        """Patients of the group at risk at round times."""
        return self.group.numbers_at_risk


Curve: TypeAlias = GroupCurve | CauseCurve
"""A curve of survival, or of the incidence of a cause, with the numbers of its group."""
Points: TypeAlias = CurvePoints | IncidencePoints
"""A curve at the times when somebody leaves, as it is released exactly."""
Known: TypeAlias = KnownPoints | KnownIncidence
"""A curve at public times, as it is released rounded."""
Estimated: TypeAlias = Landmark | IncidenceLandmark
"""A curve at a time that the plan names."""


def curve_of_cause(group: GroupIncidence, cause: str) -> CauseCurve:
    """The curve of one cause in a group."""
    causes = group.causes
    return CauseCurve(group, causes if isinstance(causes, Withheld) else causes[cause])


def estimates(curve: Curve) -> Sequence[Estimated]:
    """The estimates of a curve at the times that the plan names; none where they are withheld."""
    return () if isinstance(curve.at, Withheld) else curve.at


def estimated_at(curve: Curve, time: float) -> Shown[Estimated] | None:
    """The estimate of a curve at a time that the plan names; withheld where all are, None where there is none."""
    if isinstance(curve.at, Withheld):
        return curve.at
    return next((found for found in estimates(curve) if found.time == time), None)


def probability(estimated: Estimated) -> Shown[float]:
    """Survival or incidence at a time."""
    return estimated.survival if isinstance(estimated, Landmark) else estimated.incidence


def probabilities(points: Points | Known) -> tuple[Shown[float], ...]:
    """Survival or incidence at each time, shape (n_times,)."""
    return points.survival if isinstance(points, CurvePoints | KnownPoints) else points.incidence


def curves_of(result: ReleasedResult) -> Iterator[Curve]:
    """The curves of an analysis by group, then by cause; none of an analysis that has none, or is withheld as a whole."""
    match result:
        case KaplanMeierResult(groups=groups):
            yield from groups
        case CumulativeIncidenceResult(groups=groups, causes=causes):
            for group in groups:
                yield from (curve_of_cause(group, cause) for cause in causes)
