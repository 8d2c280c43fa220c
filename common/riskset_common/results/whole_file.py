"""The whole of results.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from riskset_common.results.shown import WHEN_ASKED, Shown, WithheldAnalysis

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
class BlindComputation:
    """Who computed the blind models, and how often the likelihood of each model was opened."""

    committee: tuple[str, ...]
    threshold: int
    evaluations: Mapping[str, int]


@dataclass(frozen=True)
class SecureComputation:
    """How the sums were opened; `blind` is None where no blind model was begun."""

    profile: str
    minimum_sites: int
    committee: tuple[str, ...]
    threshold: int
    blind: BlindComputation | None


@dataclass(frozen=True)
class Results:
    """results.json: what was run, by whom, and what is released of each analysis, by its id."""

    schema: int
    plan: PlanReference
    codebook: CodebookReference
    sites: tuple[str, ...]
    lost_sites: tuple[str, ...]
    secure: SecureComputation
    released_to: str | None = field(metadata=WHEN_ASKED)
    rounds: int
    analyses: Mapping[str, ReleasedResult]
