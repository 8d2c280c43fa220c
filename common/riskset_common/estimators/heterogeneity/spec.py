"""The heterogeneity of an effect as the plan writes it, and what it cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Literal

from pydantic import Field

from riskset_common.estimators.cohort.causes import OneCauseSpec
from riskset_common.estimators.regression.spec import EVENTS, FEWEST_CLUSTERS, CoxSpec
from riskset_common.estimators.regression.terms import Term, columns, levels_of
from riskset_common.study.analysis import Names
from riskset_common.study.study import Study

FEWEST_SITES = FEWEST_CLUSTERS
"""Sites with an estimate below which no sum of estimates is opened."""

SITES_COUNTED: Final = ("with_estimate", EVENTS)
"""What the first round counts and a site must know before it adds its estimate to a sum."""

EFFECT_SUMS: Final = "effect_sums"
"""The sums from which the variance between sites follows."""


class HeterogeneitySpec(OneCauseSpec):
    """Heterogeneity of an effect as the plan writes it; the first of `terms` is the effect, the others are adjusted for."""

    kind: Literal["heterogeneity"]
    endpoint: str
    terms: tuple[Term, ...] = Field(min_length=1)
    by: str | None = None
    strata: Names = ()
    ties: Literal["efron", "breslow"] | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    interaction: ClassVar[tuple[tuple[str, str], ...]] = ()

    def categories(self) -> tuple[str, ...]:
        """Factors, strata, and what the sites are grouped by."""
        return (*self.own_model().categories(), *(() if self.by is None else (self.by,)))

    def numbers(self) -> tuple[str, ...]:
        """Covariates."""
        return self.own_model().numbers()

    def times(self) -> tuple[str, ...]:
        """When an exposure began."""
        return self.own_model().times()

    def opened_by(self, study: Study) -> tuple[str, ...]:
        """Factors, and groups of sites."""
        factors = self.own_model().opened_by(study)
        return factors if self.by is None else (*factors, self.by)

    def rests_on(self, study: Study) -> tuple[str, ...]:
        """How many sites have an estimate, the events, and the first sums of estimates."""
        del study
        return (*SITES_COUNTED, EFFECT_SUMS)

    def also_asks(self) -> tuple[str, ...]:
        """The model that each site fits."""
        return ("cox",)

    def own_model(self) -> CoxSpec:
        """The model that a site fits to its own patients."""
        keys = {"id", "endpoint", "cause", "population", "where", "ties", "terms"}
        model = CoxSpec(kind="cox", strata=("site", *self.strata), **self.model_dump(include=keys))
        # No analysis of a plan has a name like this: what a site keeps for it is its own.
        return model.model_copy(update={"id": f"{self.id}/own"})

    def problems(self, study: Study) -> Sequence[str]:
        """What the sites' model cannot be, an effect that is not one coefficient, and groups that are not of sites."""
        return [*self.own_model().problems(study), *self._problems(study)]

    def _problems(self, study: Study) -> Iterator[str]:
        effect = self.terms[0]
        if effect.number is not None:
            yield (
                f"terms: the first is the effect whose heterogeneity is asked; {effect.number} is a number. "
                "Write a factor with two levels, or an exposure."
            )
        elif len(levels_of(effect, study)) != 2:
            yield (
                f"terms: {effect.name}, the effect, has {len(levels_of(effect, study))} levels; it must have two. "
                "Join levels in the codebook (derived), and choose patients with `where`."
            )
        derived = None if self.by is None else study.codebook.derived.get(self.by)
        if self.by not in (None, "study_group") and (
            derived is None or derived.source != "study_group"
        ):
            yield (
                f"by: {self.by} may differ between patients of one site. Sites are grouped by what is derived from study_group; "
                "among patients, ask an interaction of a Cox model."
            )

    def groups(self, study: Study) -> tuple[str, ...]:
        """The groups of sites; none without `by`."""
        return () if self.by is None else study.levels(self.by)

    def coefficients(self, study: Study) -> int:
        """Coefficients of a site's own model."""
        return len(columns(self.terms, (), study))


def groups_are_shown(sites: Sequence[int]) -> bool:
    """Whether every group that has an estimate has enough; else what is shown of all, less what is shown of some, would show few.

    `sites` are those with an estimate, in all and in each group.
    """
    return all(k == 0 or k >= FEWEST_SITES for k in sites[1:])
