"""Landmark analyses: outcome after a fixed time by what had happened until then, so that nobody has to survive to be exposed.

Anderson, Cain and Gelber (1983, J Clin Oncol 1:710): patients whose follow-up has not ended by the landmark are grouped by their
exposure at the landmark; what happens to the exposure later does not count. The analysis is then one of curves, or a Cox model.
Time still runs from the endpoint's origin, so that curves are of patients who reached the landmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from riskset_common.estimators.cohort.exposure import NOT_EXPOSED, exposure_problems
from riskset_common.estimators.composed.landmark_cohort import (
    LandmarkCohort,
    cohort_at,
    exposed_name,
    name_problems,
    with_exposure,
)
from riskset_common.estimators.composed.parts import (
    AskParts,
    PartRequest,
    PartsMemory,
    PartSpec,
    advance_parts,
    first_requests,
    fitted_parts,
    names_rested_on,
    part_shapes,
    part_summaries,
    requests_of,
)
from riskset_common.estimators.curves.contrasts import Contrasted
from riskset_common.estimators.curves.group_test import GroupTest
from riskset_common.estimators.curves.kaplan_meier import KaplanMeierSpec
from riskset_common.estimators.estimator import Request, Shape, Summary, counts, one
from riskset_common.estimators.regression.blind import Fits
from riskset_common.estimators.regression.spec import CoxSpec, pair_or_pairs
from riskset_common.estimators.regression.terms import Term
from riskset_common.results.composed import LandmarkResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.regression import CoxResult
from riskset_common.study.analysis import AnalysisSpec, Names
from riskset_common.study.patients import Patients
from riskset_common.study.study import Site, Study
from riskset_common.survival.curves.kaplan_meier import LimitKind

CURVES, MODEL = "curve.landmark", "model.landmark"

OF_CURVES = ("by", "horizons", "quantiles", "rmean", "contrast", "test", "pairwise", "ci")
OF_MODELS = ("interaction", "ties", "convergence", "max_iterations")


class LandmarkSpec(AnalysisSpec):
    """A landmark analysis as the plan writes it: with `terms` a Cox model, else curves. Times are in the plan's unit."""

    kind: Literal["landmark"]
    endpoint: str
    at: float = Field(ge=0)
    exposure: str
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

    def shown_categories(self) -> tuple[str, ...]:
        """Groups, factors and strata; not the exposure, which is made at the landmark."""
        return (*self.by, *self._named("factor"), *self.strata)

    def numbers(self) -> tuple[str, ...]:
        """Covariates of the model."""
        return self._named("number")

    def times(self) -> tuple[str, ...]:
        """When a patient was exposed; missing in whoever was not."""
        return (self.exposure,)

    def opened_by(self, study: Study) -> tuple[str, ...]:
        """What the curves or the model are opened by."""
        inner = inner_spec(self)
        return tuple(name for name in inner.opened_by(study) if name != exposed_name(self.exposure))

    def rests_on(self, study: Study) -> tuple[str, ...]:
        """What the model rests on, if there is one."""
        specs, at_landmark = _parts(self, study)
        return names_rested_on(specs, at_landmark)

    def also_asks(self) -> tuple[str, ...]:
        """Curves or a model, and the test."""
        if self.terms is not None:
            return ("cox",)
        return ("kaplan_meier",) if self.test is None else ("kaplan_meier", "log_rank")

    def is_blind(self, sites: Sequence[Site]) -> bool:
        """Whether it is a model, and its risk sets are not each within a site."""
        return inner_spec(self).is_blind(sites)

    def problems(self, study: Study) -> Sequence[str]:
        """Keys of the other kind, an exposure that has no time here, and what the curves or the model cannot be."""
        inner = inner_spec(self).problems(with_exposure(study, self.exposure, self.at))
        name = name_problems(self.exposure, study)
        exposure = exposure_problems(self.exposure, self.endpoint, study)
        return [*name, *exposure, *self._key_problems(), *inner]

    def _key_problems(self) -> Iterator[str]:
        foreign = OF_MODELS if self.terms is None else OF_CURVES
        for name in foreign:
            if getattr(self, name) != type(self).model_fields[name].get_default():
                other = "a model, but `terms` is missing" if self.terms is None else "curves"
                yield f"{name} belongs to {other}. With `terms` a landmark analysis is a Cox model, else it is of curves."

        for term in self.terms or ():
            if term.exposure is not None:
                yield (
                    f"term {term.exposure} changes in time, but at a landmark exposures are those until then. "
                    "Write an analysis of kind cox for it."
                )

    def _named(self, sort: Literal["factor", "number"]) -> tuple[str, ...]:
        names = (getattr(term, sort) for term in self.terms or ())
        return tuple(name for name in names if name is not None)


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


class AskLandmark(AskParts):
    """The question of the curves or the model; first also how many are no longer followed at the landmark."""

    ended: bool = True


@dataclass(frozen=True)
class LandmarkMemory:
    """What the centre keeps between the rounds."""

    ended: int
    parts: PartsMemory


LandmarkRequest = Request[LandmarkSpec, AskLandmark]


class Landmark:
    """Curves or a model of the patients who are followed beyond the landmark."""

    kind = "landmark"
    spec = LandmarkSpec
    state = AskLandmark
    discloses = (
        "patients whose follow-up does not span the landmark; of the others, by exposure and group: patients with an event, "
        "censored and (under left truncation) coming under observation at each step of the time grid, and how many sites need each "
        "power of two of steps; of a test stratified by site only observed, expected and covariance, of all groups and of each "
        "pair that is compared; or of a model patients and events in total and by level of each factor, how many sites need each "
        "power of two to hold a covariate, and log-likelihood, score and information at each iteration, or without site strata what "
        "a blind model opens: deaths at each step of the time grid by stratum, and log-likelihood, score and information at each "
        "iteration; patients left out because a value is missing; all summed over the sites"
    )

    def first(self, spec: LandmarkSpec, study: Study) -> LandmarkRequest:
        """Ask who is followed beyond the landmark, and the first question about them."""
        specs, at_landmark = _parts(spec, study)
        asked = AskLandmark.of(first_requests(specs, at_landmark))
        return Request(spec, study, asked)

    def parts(self, request: LandmarkRequest) -> dict[str, PartRequest]:
        """The request of the curves or the model. Run by both sides."""
        specs, at_landmark = _parts(request.spec, request.study)
        kept = None if request.memory is None else request.memory.parts
        return requests_of(specs, at_landmark, request.state, kept, request.verified)

    def shapes(self, request: LandmarkRequest) -> Mapping[str, Shape]:
        """One number, and the arrays of the curves or the model."""
        ended = {"ended": counts()} if request.state.ended else {}
        return ended | part_shapes(self.parts(request))

    def summarise(self, patients: Patients, request: LandmarkRequest) -> Summary:
        """Choose this site's patients, and answer for them."""
        spec, study = request.spec, request.study
        cohort = self._cohort(patients, request)
        summary = part_summaries(cohort.patients, self.parts(request))
        if not request.state.ended:
            return summary
        chosen = study.chosen(patients, spec.population, spec.where)
        return {"ended": one(int(np.count_nonzero(chosen & cohort.ended))), **summary}

    def next(self, request: LandmarkRequest, pooled: Summary) -> LandmarkRequest | LandmarkResult:
        """Go on with the curves or the model."""
        memory: LandmarkMemory | None = request.memory
        ended = int(pooled["ended"]) if memory is None else memory.ended
        following, kept = advance_parts(
            self.parts(request), pooled, None if memory is None else memory.parts
        )
        if following:
            asked = AskLandmark.of(following, ended=False)
            return Request(request.spec, request.study, asked, LandmarkMemory(ended, kept))
        return _result(request.spec, ended, kept)

    def fitted(self, request: LandmarkRequest, fits: Fits) -> LandmarkResult:
        """The whole, when the model that waited was computed on shares."""
        memory: LandmarkMemory = request.memory
        kept = fitted_parts(self.parts(request), fits, memory.parts)
        return _result(request.spec, memory.ended, kept)

    def followed(self, patients: Patients, request: LandmarkRequest) -> Patients:
        """This site's patients who are followed beyond the landmark. Run by a site."""
        return self._cohort(patients, request).patients

    def _cohort(self, patients: Patients, request: LandmarkRequest) -> LandmarkCohort:
        spec, study = request.spec, request.study
        return patients.keep(
            ("landmark", spec.id),
            lambda: cohort_at(patients, study, spec.endpoint, spec.exposure, spec.at),
        )


def _parts(spec: LandmarkSpec, study: Study) -> tuple[dict[str, PartSpec], Study]:
    name = CURVES if spec.terms is None else MODEL
    return {name: inner_spec(spec)}, with_exposure(study, spec.exposure, spec.at)


def _result(spec: LandmarkSpec, ended: int, kept: PartsMemory) -> LandmarkResult:
    found: KaplanMeierResult | CoxResult = kept.results[CURVES if spec.terms is None else MODEL]
    return LandmarkResult(
        kind="landmark",
        endpoint=spec.endpoint,
        at=spec.at,
        exposure=spec.exposure,
        n=found.n,
        events=found.events,
        missing=found.missing,
        ended=ended,
        curves=kept.results.get(CURVES),
        model=kept.results.get(MODEL),
        warnings=found.warnings,
    )
