"""The whole of results.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from riskset_common.results.shown import WHEN_ASKED, Reason, Shown, WithheldAnalysis

SCHEMA: Final = 1
"""Version of the contract of results.json."""


class AnalysisResult(Protocol):
    """The result of an analysis of any kind, exact, or released with some of its values withheld: a dataclass of this folder.

    The estimator of a kind says which one. What all have is named here.
    """

    @property
    def kind(self) -> str:
        """The kind of analysis, as in a plan."""

    @property
    def n(self) -> Shown[int]:
        """Patients that the analysis used."""

    @property
    def missing(self) -> Shown[int]:
        """Patients who were left out because a value is missing."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know of the numbers."""


ReleasedResult: TypeAlias = AnalysisResult | WithheldAnalysis
"""What results.json holds of an analysis."""


@dataclass(frozen=True)
class PlanReference:
    """The plan that was run."""

    id: str
    version: str
    sha256: str


@dataclass(frozen=True)
class CodebookReference:
    """The codebook of the plan, such as `infants@1`."""

    id: str
    sha256: str


@dataclass(frozen=True)
class EventSteps:
    """What everybody knows of the times after an origin.

    Attributes
    ----------
    steps
        So many steps of the time grid have an event of some endpoint of the origin. Which, and how many events, is not said here.
    n_steps
        The length of the grid.
    told
        Whether it was opened which they are; if not, because the origin has few events, `steps` is `n_steps`.
    """

    steps: int
    n_steps: int
    told: bool


@dataclass(frozen=True)
class BlindComputation:
    """Who computed on shares, and what of it is public beside the results.

    Attributes
    ----------
    committee
        The sites that served, in their order.
    threshold
        So many of them together learn nothing.
    evaluations
        How often the likelihood of each model was opened.
    lost
        Members without whom the others went on, because more than half of all sites signed that they are lost; None under exact release.
    openings
        How often the members opened what may be opened; None under exact release.
    unchecked_from
        The first opening in which a wrong share would not have been noticed, because a member was lost; None if there was none.
    days
        By origin, the steps of the grid on which there is any event; None under exact release.
    """

    committee: tuple[str, ...]
    threshold: int
    evaluations: Mapping[str, int]
    lost: tuple[str, ...] | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)
    openings: int | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)
    unchecked_from: int | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)
    days: Mapping[str, EventSteps] | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)


@dataclass(frozen=True)
class SecureComputation:
    """How the sums were opened; `blind` is None where nothing was computed on shares."""

    profile: str
    minimum_sites: int
    committee: tuple[str, ...]
    threshold: int
    blind: BlindComputation | None


@dataclass(frozen=True)
class HeldCount:
    """A count of patients that no analysis shows, and why. One count has one verdict in the whole plan.

    Attributes
    ----------
    conditions
        Variables and the levels of which a patient has one.
    without
        Conditions of which the patients do not meet all.
    followed
        The endpoint that they are followed for; empty if they need not be.
    events
        Kinds of event that are counted; empty where patients are.
    landmark
        The landmark after which they are followed, and the exposure by it; None without.
    reason
        `small`, or `protects`: a small count could be worked out from it.
    step
        In which round it was found too small to protect others, and was held besides; None of all others.
    """

    conditions: Mapping[str, tuple[str, ...]]
    without: Mapping[str, tuple[str, ...]]
    followed: str
    events: tuple[str, ...]
    landmark: str | None = field(metadata=WHEN_ASKED)
    reason: Reason
    step: int | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class Results:
    """results.json: what was run, by whom, and what is released of each analysis, by its id.

    `held_counts` are those of all analyses; None under exact release.
    """

    schema: int
    plan: PlanReference
    codebook: CodebookReference
    sites: tuple[str, ...]
    lost_sites: tuple[str, ...]
    secure: SecureComputation
    released_to: str | None = field(metadata=WHEN_ASKED)
    rounds: int
    analyses: Mapping[str, ReleasedResult]
    held_counts: tuple[HeldCount, ...] | None = field(
        default=None, kw_only=True, metadata=WHEN_ASKED
    )
