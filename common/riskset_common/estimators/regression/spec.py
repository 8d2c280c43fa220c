"""A Cox model as the plan writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from riskset_common.estimators.cohort.causes import OneCauseSpec
from riskset_common.estimators.curves.counts import step_names
from riskset_common.estimators.estimator import Uses
from riskset_common.estimators.regression.baseline_hazard import BaselineHazardSpec
from riskset_common.estimators.regression.proportionality import COUNTED
from riskset_common.estimators.regression.terms import Term
from riskset_common.study.analysis import EndpointSpec, Names
from riskset_common.study.exposure import Exposure
from riskset_common.study.study import Site, Study, within_sites
from riskset_common.survival.regression.proportionality import Transform

FEWEST_CLUSTERS = 5
"""Sites below which a variance clustered by site is neither of use nor safe to open."""

CONTRIBUTING: Final = "contributing"
"""The array that counts the sites whose patients bear on the coefficients, where variances are clustered by site."""


def pair_or_pairs(value: Any) -> Any:
    """One pair of names stands for a list of one."""
    return (
        [value]
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], str)
        else value
    )


class CoxSpec(EndpointSpec, OneCauseSpec):
    """A Cox model as the plan writes it."""

    kind: Literal["cox"]
    terms: tuple[Term, ...] = Field(min_length=1)
    interaction: Annotated[tuple[tuple[str, str], ...], BeforeValidator(pair_or_pairs)] = ()
    offset: str | None = None
    strata: Names = ()
    ties: Literal["efron", "breslow"] | None = None
    convergence: Literal["tight", "r"] = "tight"
    max_iterations: int | None = Field(default=None, ge=1, le=100)
    missing: Literal["complete_case"] = "complete_case"
    test: Literal["wald", "score", "likelihood_ratio"] = "wald"
    robust: Literal["site", "patient"] | None = None
    interaction_test: Literal["likelihood_ratio"] | None = None
    ph_test: Transform | None = None
    penalty: Literal["firth"] | None = None
    baseline_hazard: BaselineHazardSpec | None = None
    level: float = Field(default=0.95, gt=0, lt=1)

    @property
    def factors(self) -> tuple[str, ...]:
        """Terms that are categories."""
        return tuple(term.factor for term in self.terms if term.factor is not None)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Terms that are numbers, and the offset."""
        names = (*(term.number for term in self.terms), self.offset)
        return tuple(name for name in names if name is not None)

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """Terms that begin during follow-up."""
        return tuple(
            Exposure(term.exposure, term.where) for term in self.terms if term.exposure is not None
        )

    def crosses_sites(self, sites: Sequence[Site]) -> bool:
        """Whether a risk set may hold patients of several sites: neither `site` nor what is the same is among the strata."""
        return not within_sites(self.strata, sites)

    @property
    def counts_times(self) -> bool:
        """Whether the test of proportional hazards needs the pooled times."""
        return self.ph_test in COUNTED

    @property
    def counts_sites(self) -> bool:
        """Whether the sites that contribute are the clusters of its variances."""
        return self.robust == "site"

    def tie_method(self, study: Study) -> Literal["efron", "breslow"]:
        """Ties as the analysis says, else as the plan's conventions say (R: Efron, SAS: Breslow)."""
        return self.ties or ("efron" if study.plan.conventions == "r" else "breslow")

    def iterations_at_most(self) -> int:
        """Newton steps at most: R's 20 under its stopping rule, 40 for the tight one."""
        return self.max_iterations or (20 if self.convergence == "r" else 40)


def uses_of(spec: CoxSpec) -> Uses:
    """Factors and strata, covariates and the offset, and when exposures began."""
    return Uses(
        categories=(*spec.factors, *spec.strata),
        numbers=spec.numbers,
        times=spec.exposures,
        causes=spec.causes,
    )


def opened_by_model(spec: CoxSpec, study: Study) -> tuple[str, ...]:
    """Factors: patients and events are counted by their levels. Strata show in no sum, but in those of a blind model."""
    return (*spec.factors, *spec.strata) if spec.crosses_sites(study.sites) else spec.factors


def steps_rested_on(spec: CoxSpec, study: Study) -> tuple[str, ...]:
    """Counts by step of the grid from which sites work out a function of time; a blind model takes them from its begin."""
    if spec.crosses_sites(study.sites) or not spec.counts_times:
        return ()
    return step_names(left_truncated=study.endpoint(spec.endpoint).entry is not None)


def evaluated_at_most(spec: CoxSpec) -> int:
    """How often the likelihood is asked at most: at 0 and after each iteration."""
    return 1 + spec.iterations_at_most()
