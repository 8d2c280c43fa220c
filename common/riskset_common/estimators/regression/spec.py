"""A Cox model as the plan writes it, and what it cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from riskset_common.estimators.cohort.causes import OneCauseSpec
from riskset_common.estimators.cohort.exposure import exposure_problems
from riskset_common.estimators.curves.counts import step_names
from riskset_common.estimators.regression.baseline_hazard import BaselineHazardSpec
from riskset_common.estimators.regression.proportionality import COUNTED, Transform
from riskset_common.estimators.regression.terms import Term, term_problems
from riskset_common.study.analysis import Names, twice
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.study import Site, Study, within_sites

EVENTS: Final = "events"
"""The array of a survey that says how many events there are."""

FEWEST_CLUSTERS = 5
"""Sites below which a variance clustered by site is neither of use nor safe to open."""

NEEDS_SITES = {
    "robust": "each site's own score",
    "penalty": "each site's own sums over risk sets",
    "offset": "each site's own sums over risk sets",
}
"""Keys that go only with risk sets that lie within sites, and what they need."""


def pair_or_pairs(value: Any) -> Any:
    """One pair of names stands for a list of one."""
    return (
        [value]
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], str)
        else value
    )


class CoxSpec(OneCauseSpec):
    """A Cox model as the plan writes it."""

    kind: Literal["cox"]
    endpoint: str
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

    def categories(self) -> tuple[str, ...]:
        """Factors and strata."""
        return (*(term.factor for term in self.terms if term.factor is not None), *self.strata)

    def numbers(self) -> tuple[str, ...]:
        """Covariates, and the offset."""
        names = (*(term.number for term in self.terms), self.offset)
        return tuple(name for name in names if name is not None)

    def times(self) -> tuple[str, ...]:
        """When an exposure began; missing in whoever was never exposed."""
        return tuple(term.exposure for term in self.terms if term.exposure is not None)

    def opened_by(self, study: Study) -> tuple[str, ...]:
        """Factors: patients and events are counted by their levels. Strata show in no sum, but in those of a blind model."""
        factors = tuple(term.factor for term in self.terms if term.factor is not None)
        return (*factors, *self.strata) if self.is_blind(study.sites) else factors

    def is_blind(self, sites: Sequence[Site]) -> bool:
        """Whether a risk set may hold patients of several sites: neither `site` nor what is the same is among the strata."""
        return not within_sites(self.strata, sites)

    def rests_on(self, study: Study) -> tuple[str, ...]:
        """Events, of which a site wants enough; and all patients by step of the grid, where sites work out a function of time from them.

        A blind model takes the latter from its begin.
        """
        if self.is_blind(study.sites) or not self.counts_times:
            return (EVENTS,)
        entry = study.endpoint(self.endpoint).entry
        return (EVENTS, *step_names(left_truncated=entry is not None))

    def also_asks(self) -> tuple[str, ...]:
        """Curves where the test of proportional hazards counts all patients on the grid, for these are the counts of a curve."""
        return ("kaplan_meier",) if self.counts_times else ()

    @property
    def counts_times(self) -> bool:
        """Whether the test of proportional hazards needs the pooled times."""
        return self.ph_test in COUNTED

    def problems(self, study: Study) -> Sequence[str]:
        """Terms that do not fit, and what a model whose risk sets cross sites cannot be."""
        return [
            *twice("strata", self.strata),
            *term_problems(self.terms, self.interaction, study),
            *self._offset_problems(),
            *self._penalty_problems(),
            *(self._blind_problems(study) if self.is_blind(study.sites) else ()),
            *(
                each
                for name in self.times()
                for each in exposure_problems(name, self.endpoint, study)
            ),
            *self._robust_problems(study),
            *self._interaction_problems(),
            *self._hazard_problems(study),
        ]

    def _penalty_problems(self) -> Iterator[str]:
        if self.penalty is None:
            return
        for key in ("robust", "interaction_test", "ph_test"):
            if getattr(self, key) is not None:
                yield f"{key} is not defined under a penalty. Leave {key} or penalty: firth out."
        if self.convergence == "r":
            yield "convergence: r is the rule of R's coxph, which has no penalty. Leave it or penalty: firth out."

    def _offset_problems(self) -> Iterator[str]:
        if self.offset is not None and self.offset in (term.number for term in self.terms):
            yield f"offset {self.offset} is a term as well. Its coefficient is either 1 or estimated: leave one of them out."

    def _interaction_problems(self) -> Iterator[str]:
        if self.interaction_test is not None and not self.interaction:
            yield "interaction_test compares the model with one without interactions, but `interaction` is missing."

    def _hazard_problems(self, study: Study) -> Iterator[str]:
        if self.baseline_hazard is None:
            return
        if not self.is_blind(study.sites):
            yield (
                "baseline_hazard is one hazard over all sites, but the strata hold site: each site has a hazard of its own. Leave "
                "baseline_hazard out, or site out of the strata."
            )
        yield from self.baseline_hazard.problems(self.numbers(), study)

    def _robust_problems(self, study: Study) -> Iterator[str]:
        n = len(study.sites)
        if self.robust == "site" and 0 < n < FEWEST_CLUSTERS:
            yield (
                f"robust: site takes each site for one observation, and {n} are too few: at least {FEWEST_CLUSTERS} must take part. "
                "From fewer, a site's score could nearly be read back. Leave robust out."
            )

    def _blind_problems(self, study: Study) -> Iterator[str]:
        for name in self.numbers():
            variable = study.codebook.variables[name]
            if isinstance(variable, NumberVariable) and variable.range is None:
                yield (
                    f"number {name} has no range in the codebook. A model whose strata do not hold site is computed on hidden "
                    "numbers, whose size must be bounded in public. State its lowest and highest believable value there "
                    "(range: [0, 110]), or write strata: [site]."
                )
        for key, needs in NEEDS_SITES.items():
            if getattr(self, key) is not None:
                yield (
                    f"{key}: {getattr(self, key)} needs {needs}, which a model whose strata do not hold site has nowhere. "
                    f"Leave {key} out, or write strata: [site]."
                )

    def tie_method(self, study: Study) -> Literal["efron", "breslow"]:
        """Ties as the analysis says, else as the plan's conventions say (R: Efron, SAS: Breslow)."""
        return self.ties or ("efron" if study.plan.conventions == "r" else "breslow")

    def iterations_at_most(self) -> int:
        """Newton steps at most: R's 20 under its stopping rule, 40 for the tight one."""
        return self.max_iterations or (20 if self.convergence == "r" else 40)
