"""Landmark analyses: outcome after a fixed time by what had happened until then, so that nobody has to survive to be exposed.

Anderson, Cain and Gelber (1983, J Clin Oncol 1:710): patients whose follow-up has not ended by the landmark are grouped by their
exposure at the landmark; what happens to the exposure later does not count. The analysis is then one of curves, or a Cox model.
Time still runs from the endpoint's origin, so that curves are of patients who reached the landmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from riskset_common.estimators.cohort.exposure import exposure_problems
from riskset_common.estimators.composed.landmark_cohort import (
    LandmarkCohort,
    cohort_at,
    exposed_name,
    name_problems,
    with_exposure,
)
from riskset_common.estimators.composed.landmark_spec import (
    LandmarkSpec,
    exposure_in,
    inner_spec,
    key_problems,
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
from riskset_common.estimators.composed.rounded_landmark import (
    ended_cell,
    exposure_of,
    inner_rounded,
    renamed,
    with_columns,
    with_values,
)
from riskset_common.estimators.composed.rounded_parts import (
    parts_curves,
    parts_fitted,
    parts_implied,
    parts_not_rounded,
    parts_program,
    parts_uploads,
)
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
from riskset_common.estimators.withholding import passed_on
from riskset_common.release.cells import Counts
from riskset_common.release.counted import Counted
from riskset_common.release.curves.plan_times import Wanted
from riskset_common.release.facts import Facts
from riskset_common.release.floors import nothing_of
from riskset_common.release.given import Given
from riskset_common.release.models import ModelsWait
from riskset_common.release.program import Opened, Program
from riskset_common.results.composed import LandmarkResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import Shown, WithheldAnalysis
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.patients import Patients
from riskset_common.study.study import Site, Study

CURVES, MODEL = "curve.landmark", "model.landmark"


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
        yield from key_problems(spec)
        at_landmark = with_exposure(study, spec.exposure, spec.at)
        yield from estimator_of_part(inner).problems(inner, at_landmark)

    def not_rounded(self, spec: LandmarkSpec, study: Study) -> Iterator[str]:
        """What the curves or the model cannot be on shares."""
        return parts_not_rounded(*_parts(spec, study))

    def words(self, spec: LandmarkSpec, study: Study) -> Study:
        """Who is followed beyond the landmark, and who was exposed by then, are categories of the analysis."""
        return with_columns(study, spec, spec.exposure, spec.at)

    def values(self, spec: LandmarkSpec, patients: Patients, study: Study) -> Patients:
        """These categories of this site's patients."""
        return with_values(patients, study, spec, exposure_in(spec), spec.at)

    def cells(self, spec: LandmarkSpec, study: Study) -> Iterator[Counts]:
        """Those of the curves or the model, and who is not followed beyond the landmark."""
        specs, at_landmark = _rounded_parts(spec, study)
        yield Counts(ended_cell(at_landmark, spec))
        for part in specs.values():
            yield from estimator_of_part(part).cells(part, at_landmark)

    def uploads(self, spec: LandmarkSpec, study: Study, facts: Facts) -> tuple[Counted, ...]:
        """What the curves or the model are made of."""
        specs, at_landmark = _rounded_parts(spec, study)
        return parts_uploads(specs, at_landmark, facts)

    def curves(self, spec: LandmarkSpec, study: Study, facts: Facts) -> tuple[Wanted, ...]:
        """Those of the patients who are followed beyond the landmark."""
        specs, at_landmark = _rounded_parts(spec, study)
        return parts_curves(specs, at_landmark, facts)

    def program(
        self, spec: LandmarkSpec, given: Given
    ) -> Program[LandmarkResult | WithheldAnalysis | ModelsWait]:
        """The curves, or the model up to its fit; how many are not followed is kept beside it."""
        specs, at_landmark = _rounded_parts(spec, given.study)
        found = yield from parts_program(specs, replace(given, study=at_landmark))
        ended = given.cells[ended_cell(at_landmark, spec)]
        if found.models:
            return replace(found, counts={"ended": ended})
        return _released(spec, found.parts, ended)

    def implied(
        self, spec: LandmarkSpec, given: Given, result: LandmarkResult
    ) -> Mapping[str, Opened]:
        """What was opened for the curves and the test, or of the counts of the model."""
        specs, at_landmark = _rounded_parts(spec, given.study)
        own, shown = exposure_of(spec, spec.exposure), exposed_name(spec.exposure)
        (name,) = specs
        part = result.curves if result.model is None else result.model
        found = {} if part is None else {name: renamed(part, shown, own)}
        return parts_implied(specs, replace(given, study=at_landmark), found)

    def fitted_rounded(
        self, spec: LandmarkSpec, study: Study, waits: ModelsWait, fits: Fits
    ) -> LandmarkResult | WithheldAnalysis:
        """The whole, when its model was computed."""
        specs, at_landmark = _rounded_parts(spec, study)
        found = parts_fitted(specs, at_landmark, waits, fits)
        return _released(spec, found, waits.counts["ended"])

    def uses(self, spec: LandmarkSpec) -> Uses:
        """Groups, factors and strata, covariates, and when a patient was exposed; the exposure is made a category at the landmark."""
        terms = spec.terms or ()
        factors = (term.factor for term in terms if term.factor is not None)
        return Uses(
            numbers=tuple(term.number for term in terms if term.number is not None),
            partial_categories=(*spec.by, *factors, *spec.strata),
            times=(exposure_in(spec),),
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
        spec, study = request.spec, request.study
        if study.plan.disclosure.release == "rounded":
            return self.values(spec, patients, study)
        return self._cohort(patients, request).patients

    def _cohort(self, patients: Patients, request: LandmarkRequest) -> LandmarkCohort:
        spec, study = request.spec, request.study
        return patients.keep(
            ("landmark", spec.id),
            lambda: cohort_at(patients, study, spec.endpoint, exposure_in(spec), spec.at),
        )


def _parts(spec: LandmarkSpec, study: Study) -> tuple[dict[str, PartSpec], Study]:
    """The part by its name, and the study with the exposure by the landmark."""
    if study.plan.disclosure.release == "rounded":
        return _rounded_parts(spec, study)
    name = CURVES if spec.terms is None else MODEL
    return {name: inner_spec(spec)}, with_exposure(study, spec.exposure, spec.at)


def _rounded_parts(spec: LandmarkSpec, study: Study) -> tuple[dict[str, PartSpec], Study]:
    """The same on shares, where the patients at the landmark are chosen by a category of their own."""
    name = CURVES if spec.terms is None else MODEL
    inner = inner_rounded(spec, inner_spec(spec), spec.exposure)
    return {name: inner}, with_columns(study, spec, spec.exposure, spec.at)


def _released(
    spec: LandmarkSpec, parts: Mapping[str, ReleasedResult], ended: Shown[int]
) -> LandmarkResult | WithheldAnalysis:
    """The whole of a released part."""
    ((name, part),) = parts.items()
    if isinstance(part, WithheldAnalysis):
        asked = "curves" if name == CURVES else "model"
        whole = nothing_of(LandmarkResult, "landmark", next(iter(part.fields.values())), (asked,))
        return replace(whole, warnings=part.warnings)
    shown = renamed(part, exposure_of(spec, spec.exposure), exposed_name(spec.exposure))
    return _result(spec, ended, PartsMemory(results={name: shown}))


def _result(spec: LandmarkSpec, ended: Shown[int], kept: PartsMemory) -> LandmarkResult:
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
