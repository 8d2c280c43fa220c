"""Cumulative incidence of competing events by group, as results have it. Times are in the plan's unit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from riskset_common.results.curves import NumbersAtRisk
from riskset_common.results.shown import WHEN_ASKED, Measured, Parallel, Shown, Withheld
from riskset_common.results.tests import GrayResult


@dataclass(frozen=True)
class IncidencePoints(Parallel):
    """A curve at the times when somebody leaves; each of length n_times. `std_err` is Aalen's, of the incidence.

    `events` are of this cause, `competing` of any other kind.
    """

    time: tuple[float, ...]
    at_risk: tuple[int, ...]
    events: tuple[int, ...]
    competing: tuple[int, ...]
    censored: tuple[int, ...]
    incidence: tuple[float, ...]
    std_err: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True)
class KnownIncidence(Parallel):
    """What is released, rounded, of the incidence of a cause: as `KnownPoints` of a survival curve; `events_to` are of this cause."""

    time: tuple[float, ...]
    at_risk: tuple[Shown[int], ...]
    events_to: tuple[Shown[int], ...]
    incidence: tuple[Shown[float], ...]
    std_err: tuple[Shown[float], ...]
    lower: tuple[Shown[float], ...]
    upper: tuple[Shown[float], ...]
    end: float


@dataclass(frozen=True)
class IncidenceLandmark:
    """A curve at a time that the plan names; `at_risk` as at a landmark of a Kaplan-Meier curve, `events_to` are of this cause."""

    time: float
    at_risk: Shown[int]
    events_to: Shown[int]
    incidence: Shown[float]
    std_err: Shown[float]
    lower: Shown[float]
    upper: Shown[float]


@dataclass(frozen=True)
class CauseIncidence:
    """One cause in one group."""

    events: Shown[int]
    at: tuple[IncidenceLandmark, ...]
    curve: Shown[IncidencePoints | KnownIncidence]


@dataclass(frozen=True)
class GroupIncidence:
    """The curves of one group; `events` are of any kind. Only a released one has `numbers_at_risk`."""

    level: Mapping[str, str]
    n: Shown[int]
    events: Shown[int]
    causes: Shown[Mapping[str, CauseIncidence]]
    numbers_at_risk: NumbersAtRisk | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class CumulativeIncidenceResult(Measured):
    """Curves by group and cause; `events` are of any kind, `tests` by cause, `unknown` as of survival curves."""

    kind: str
    endpoint: str
    causes: tuple[str, ...]
    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    ci: str
    level: float
    groups: tuple[GroupIncidence, ...]
    tests: Mapping[str, Shown[GrayResult]] | None = field(metadata=WHEN_ASKED)
    warnings: tuple[str, ...]
    unknown: Shown[int] | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)

    def names(self) -> Iterator[tuple[str, Collection[str], Iterable[str]]]:
        """Every cause in each group, and in the tests."""
        for index, group in enumerate(self.groups):
            if not isinstance(group.causes, Withheld):
                yield f"groups[{index}].causes", group.causes, self.causes
        if self.tests is not None:
            yield "tests", self.tests, self.causes
