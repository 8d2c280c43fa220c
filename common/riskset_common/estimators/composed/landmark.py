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
    OF_MODEL_PART,
    OF_MODEL_PART_WHEN,
    AskParts,
    Composed,
    PartsMemory,
    PartSpec,
    advance_parts,
    estimator_of_part,
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
from riskset_common.estimators.disclosed import (
    BY_CELL,
    BY_CODE,
    ENTERED,
    GRID_LENGTH,
    LEFT_OUT,
    OWN_TEST,
    SITE_TEST,
    Disclosed,
    shows,
)
from riskset_common.estimators.estimator import (
    AnyRequest,
    Request,
    Shape,
    Summary,
    Uses,
    counts,
    one,
)
from riskset_common.estimators.on_shares import Fits
from riskset_common.estimators.regression.spec import CoxSpec, pair_or_pairs
from riskset_common.estimators.regression.terms import Term
from riskset_common.estimators.withholding import passed_on
from riskset_common.formats.strict_model import is_default
from riskset_common.results.composed import LandmarkResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.study.analysis import EndpointSpec, Names
from riskset_common.study.codebook import Conditions
from riskset_common.study.exposure import Exposure
from riskset_common.study.patients import Patients
from riskset_common.study.study import Site, Study
from riskset_common.survival.curves.kaplan_meier import LimitKind

CURVES, MODEL = "curve.landmark", "model.landmark"

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


def _exposure(spec: LandmarkSpec) -> Exposure:
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


class AskLandmark(AskParts):
    """The question of the curves or the model; first also how many are no longer followed at the landmark."""

    ended: bool = True


@dataclass(frozen=True)
class LandmarkMemory:
    """What the centre keeps between the rounds."""

    ended: int
    parts: PartsMemory


LandmarkRequest = Request[LandmarkSpec, AskLandmark]


class Landmark(Composed[LandmarkSpec, AskLandmark, LandmarkResult]):
    """Curves or a model of the patients who are followed beyond the landmark."""

    kind = "landmark"
    spec = LandmarkSpec
    state = AskLandmark
    result = LandmarkResult
    discloses = Disclosed(
        counts=(shows("patients whose follow-up does not span the landmark", "ended"),),
        when={
            "it is of curves": (
                shows(
                    "patients with an event, and patients censored, at each step of the time grid, by exposure, group "
                    "and stratum of the test",
                    "curve.events",
                    "curve.censored",
                ),
                shows(LEFT_OUT, "curve.missing"),
                shows(GRID_LENGTH, "curve.lengths"),
            ),
            "it is of curves, and the endpoint has an entry": (shows(ENTERED, "curve.entered"),),
            SITE_TEST: (shows(OWN_TEST, "curve.observed", "curve.expected", "curve.covariance"),),
            "the test is stratified by site, and pairwise": (
                shows(
                    "the same of each pair of groups",
                    "curve.pair_observed",
                    "curve.pair_expected",
                    "curve.pair_variance",
                ),
            ),
            "it is a model": OF_MODEL_PART,
            "it is a model with numbers": (shows(BY_CODE, "model.by_level"),),
            "it is a model whose terms interact": (shows(BY_CELL, "model.by_level"),),
        }
        | OF_MODEL_PART_WHEN,
    )

    def problems(self, spec: LandmarkSpec, study: Study) -> Iterator[str]:
        """Keys of the other kind, an exposure that has no time here, and what the curves or the model cannot be."""
        inner = inner_spec(spec)
        yield from name_problems(spec.exposure, study)
        yield from exposure_problems(spec.exposure, spec.endpoint, study)
        yield from _key_problems(spec)
        at_landmark = with_exposure(study, spec.exposure, spec.at)
        yield from estimator_of_part(inner).problems(inner, at_landmark)

    def uses(self, spec: LandmarkSpec) -> Uses:
        """Groups, factors and strata, covariates, and when a patient was exposed; the exposure is made a category at the landmark."""
        terms = spec.terms or ()
        factors = (term.factor for term in terms if term.factor is not None)
        return Uses(
            numbers=tuple(term.number for term in terms if term.number is not None),
            partial_categories=(*spec.by, *factors, *spec.strata),
            times=(_exposure(spec),),
        )

    def opened_by(self, spec: LandmarkSpec, study: Study) -> tuple[str, ...]:
        """What the curves or the model are opened by."""
        inner, exposed = inner_spec(spec), exposed_name(spec.exposure)
        opened = estimator_of_part(inner).opened_by(inner, study)
        return tuple(name for name in opened if name != exposed)

    def is_blind(self, spec: LandmarkSpec, sites: Sequence[Site]) -> bool:
        """Whether it is a model, and its risk sets are not each within a site."""
        inner = inner_spec(spec)
        return estimator_of_part(inner).is_blind(inner, sites)

    def rests_on(self, spec: LandmarkSpec, study: Study) -> tuple[str, ...]:
        """What the model rests on, if there is one."""
        specs, at_landmark = _parts(spec, study)
        return names_rested_on(specs, at_landmark)

    def also_asks(self, spec: LandmarkSpec) -> tuple[str, ...]:
        """The test, and curves; or a model."""
        if spec.terms is not None:
            return ("cox",)
        return ("kaplan_meier",) if spec.test is None else ("log_rank", "kaplan_meier")

    def first(self, spec: LandmarkSpec, study: Study) -> LandmarkRequest:
        """Ask who is followed beyond the landmark, and the first question about them."""
        specs, at_landmark = _parts(spec, study)
        asked = AskLandmark.of(first_requests(specs, at_landmark))
        return Request(spec, study, asked)

    def parts(self, request: LandmarkRequest) -> dict[str, AnyRequest]:
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

    def next(
        self, request: LandmarkRequest, pooled: Summary
    ) -> LandmarkRequest | LandmarkResult | WithheldAnalysis:
        """Go on with the curves or the model."""
        memory: LandmarkMemory | None = request.memory
        ended = int(pooled["ended"]) if memory is None else memory.ended
        following, kept = advance_parts(
            self.parts(request), pooled, None if memory is None else memory.parts
        )
        if following:
            asked = AskLandmark.of(following, ended=False)
            return Request(request.spec, request.study, asked, LandmarkMemory(ended, kept))
        return self._concluded(request.spec, ended, kept)

    def fitted(self, request: LandmarkRequest, fits: Fits) -> LandmarkResult | WithheldAnalysis:
        """The whole, when the model that waited was computed on shares."""
        memory: LandmarkMemory = request.memory
        kept = fitted_parts(self.parts(request), fits, memory.parts)
        return self._concluded(request.spec, memory.ended, kept)

    def _concluded(
        self, spec: LandmarkSpec, ended: int, kept: PartsMemory
    ) -> LandmarkResult | WithheldAnalysis:
        """The whole, which has no result where its one part has none."""
        (part,) = kept.results.values()
        if isinstance(part, WithheldAnalysis):
            return passed_on(self, part)
        return _result(spec, ended, kept)

    def followed(self, patients: Patients, request: LandmarkRequest) -> Patients:
        """This site's patients who are followed beyond the landmark. Run by a site."""
        return self._cohort(patients, request).patients

    def _cohort(self, patients: Patients, request: LandmarkRequest) -> LandmarkCohort:
        spec, study = request.spec, request.study
        return patients.keep(
            ("landmark", spec.id),
            lambda: cohort_at(patients, study, spec.endpoint, _exposure(spec), spec.at),
        )


def _key_problems(spec: LandmarkSpec) -> Iterator[str]:
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


def _parts(spec: LandmarkSpec, study: Study) -> tuple[dict[str, PartSpec], Study]:
    name = CURVES if spec.terms is None else MODEL
    return {name: inner_spec(spec)}, with_exposure(study, spec.exposure, spec.at)


def _result(spec: LandmarkSpec, ended: int, kept: PartsMemory) -> LandmarkResult:
    part: KaplanMeierResult | CoxResult = kept.results[CURVES if spec.terms is None else MODEL]
    return LandmarkResult(
        kind="landmark",
        endpoint=spec.endpoint,
        at=spec.at,
        exposure=spec.exposure,
        n=part.n,
        events=part.events,
        missing=part.missing,
        ended=ended,
        curves=kept.results.get(CURVES),
        model=kept.results.get(MODEL),
        warnings=part.warnings,
    )
