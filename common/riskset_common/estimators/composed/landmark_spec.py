"""What a plan says of a landmark analysis, and the analysis of the patients at the landmark that follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from riskset_common.estimators.cohort.exposure import NOT_EXPOSED
from riskset_common.estimators.composed.landmark_cohort import exposed_name
from riskset_common.estimators.composed.parts import PartSpec
from riskset_common.estimators.composed.rounded_landmark import inner_rounded
from riskset_common.estimators.curves.contrasts import Contrasted
from riskset_common.estimators.curves.group_test import GroupTest
from riskset_common.estimators.curves.kaplan_meier import KaplanMeierSpec
from riskset_common.estimators.curves.rounded_test import compared_groups
from riskset_common.estimators.regression.spec import CoxSpec, pair_or_pairs
from riskset_common.estimators.regression.terms import Term
from riskset_common.formats.strict_model import is_default
from riskset_common.release.budget import Compared
from riskset_common.study.analysis import EndpointSpec, Names
from riskset_common.study.codebook import Conditions
from riskset_common.study.exposure import Exposure
from riskset_common.study.study import Study
from riskset_common.survival.curves.kaplan_meier import LimitKind

OF_CURVES = ("by", "horizons", "quantiles", "rmean", "contrast", "test", "pairwise", "ci")
OF_MODELS = ("interaction", "ties", "convergence", "max_iterations")


class LandmarkSpec(EndpointSpec):
    """A landmark analysis as the plan writes it: with `terms` a Cox model, else curves. Times are in the plan's unit."""

    kind: Literal["landmark"]
    at: float = Field(ge=0)
    exposure: str
    exposure_where: Conditions = Field(default={}, exclude_if=is_default)
    strata: Names = ()
    level: float = Field(default=0.95, gt=0, lt=1)
    by: Names = ()
    horizons: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = (0.5,)
    rmean: float | None = Field(default=None, gt=0)
    contrast: Contrasted = ()
    test: GroupTest | None = None
    pairwise: bool = False
    ci: LimitKind | None = None
    terms: tuple[Term, ...] | None = None
    interaction: Annotated[tuple[tuple[str, str], ...], BeforeValidator(pair_or_pairs)] = ()
    ties: Literal["efron", "breslow"] | None = None
    convergence: Literal["tight", "r"] = "tight"
    max_iterations: int | None = Field(default=None, ge=1, le=100)

    def grouped_by(self) -> tuple[str, ...]:
        """The variables whose levels are the groups."""
        return self.by

    def compared(self, study: Study) -> tuple[Compared, ...]:
        """The test between the exposed and the others, as the budget of what tests may tell counts it."""
        del study
        inner = inner_rounded(self, inner_spec(self), self.exposure)
        if not isinstance(inner, KaplanMeierSpec) or inner.test is None:
            return ()
        test = compared_groups(inner, inner.test, None, pairwise=inner.pairwise)
        return (replace(test, made_of=(self.exposure,)),)


def exposure_in(spec: LandmarkSpec) -> Exposure:
    """The exposure and its conditions."""
    return Exposure(spec.exposure, spec.exposure_where)


def inner_spec(spec: LandmarkSpec) -> PartSpec:
    """The analysis of the patients at the landmark: curves by exposure, or a model whose first term it is."""
    exposed = exposed_name(spec.exposure)
    shared = {"id", "endpoint", "population", "where", "title", "planned", "primary"}
    keys = spec.model_dump(include=shared | {"level", "strata"})
    if spec.terms is None:
        return KaplanMeierSpec(
            kind="kaplan_meier",
            by=(exposed, *spec.by),
            at=spec.horizons,
            test=spec.test,
            **spec.model_dump(include=set(OF_CURVES) - {"by", "horizons", "test"}),
            **keys,
        )
    term = Term(factor=exposed, reference=NOT_EXPOSED)
    return CoxSpec(
        kind="cox",
        terms=(term, *spec.terms),
        **spec.model_dump(include=set(OF_MODELS)),
        **keys,
    )


def key_problems(spec: LandmarkSpec) -> Iterator[str]:
    """Keys that belong to the other sort of landmark analysis, in words."""
    foreign = OF_MODELS if spec.terms is None else OF_CURVES
    for name in foreign:
        if getattr(spec, name) != LandmarkSpec.model_fields[name].get_default():
            other = "a model, but `terms` is missing" if spec.terms is None else "curves"
            yield f"{name} belongs to {other}. With `terms` a landmark analysis is a Cox model, else it is of curves."
    for term in spec.terms or ():
        if term.exposure is not None:
            yield (
                f"term {term.exposure} changes in time, but at a landmark exposures are those until then. "
                "Write an analysis of kind cox for it."
            )
