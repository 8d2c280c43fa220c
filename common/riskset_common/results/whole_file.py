"""The whole of results.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from riskset_common.results.composed import LandmarkResult, UnivariateResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.flow import FlowResult
from riskset_common.results.follow_up import FollowUpResult
from riskset_common.results.heterogeneity import HeterogeneityResult
from riskset_common.results.incidence import CumulativeIncidenceResult
from riskset_common.results.regression import CoxResult, FineGrayResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.tables import BaselineResult, EventTableResult

SCHEMA: Final = 1
"""Version of the contract of results.json."""

AnalysisResult: TypeAlias = (
    KaplanMeierResult
    | CumulativeIncidenceResult
    | FollowUpResult
    | BaselineResult
    | EventTableResult
    | FlowResult
    | CoxResult
    | FineGrayResult
    | UnivariateResult
    | LandmarkResult
    | HeterogeneityResult
)
"""The result of an analysis of any kind, exact, or released with some of its values withheld."""

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
    """How the sums were opened; `blind` is None where the plan has no blind model."""

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
    released_to: str
    rounds: int
    analyses: Mapping[str, ReleasedResult]
