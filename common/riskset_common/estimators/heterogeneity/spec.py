"""The heterogeneity of an effect as the plan writes it, and what it cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Literal

from pydantic import Field

from riskset_common.estimators.cohort.causes import OneCauseSpec
from riskset_common.estimators.estimator import EVENTS
from riskset_common.estimators.regression.spec import FEWEST_CLUSTERS, CoxSpec
from riskset_common.estimators.regression.terms import Term, columns, levels_of
from riskset_common.study.analysis import EndpointSpec, Names
from riskset_common.study.study import Study

FEWEST_SITES = FEWEST_CLUSTERS
"""Sites with an estimate below which no sum of estimates is opened."""

SITES_COUNTED: Final = ("with_estimate", EVENTS)
"""What the first round counts and a site must know before it adds its estimate to a sum."""

EFFECT_SUMS: Final = "effect_sums"
"""The sums from which the variance between sites follows."""


class HeterogeneitySpec(EndpointSpec, OneCauseSpec):
    """Heterogeneity of an effect as the plan writes it; the first of `terms` is the effect, the others are adjusted for."""

    kind: Literal["heterogeneity"]
    terms: tuple[Term, ...] = Field(min_length=1)
    by: str | None = None
    strata: Names = ()
    ties: Literal["efron", "breslow"] | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    interaction: ClassVar[tuple[tuple[str, str], ...]] = ()

    def grouped_by(self) -> tuple[str, ...]:
        """What the sites are grouped by, if they are."""
        return () if self.by is None else (self.by,)

    def own_model(self) -> CoxSpec:
        """The model that a site fits to its own patients."""
        keys = {"id", "endpoint", "cause", "population", "where", "ties", "terms"}
        model = CoxSpec(kind="cox", strata=("site", *self.strata), **self.model_dump(include=keys))
        # No analysis of a plan has a name like this: what a site keeps for it is its own.
        return model.model_copy(update={"id": f"{self.id}/own"})

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


def effect_problems(spec: HeterogeneitySpec, study: Study) -> Iterator[str]:
    """An effect that is not one coefficient, and groups that are not of sites."""
    effect = spec.terms[0]
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
    derived = None if spec.by is None else study.codebook.derived.get(spec.by)
    if spec.by not in (None, "study_group") and (
        derived is None or derived.source != "study_group"
    ):
        yield (
            f"by: {spec.by} may differ between patients of one site. Sites are grouped by what is derived from study_group; "
            "among patients, ask an interaction of a Cox model."
        )
