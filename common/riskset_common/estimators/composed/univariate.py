"""Univariate analyses of many factors in one: curves and a test for each, and the hazard ratio of a model of that factor alone.

Every factor is a Kaplan-Meier analysis of its own and, where hazard ratios are asked, a Cox model of its own; all advance side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field

from riskset_common.estimators.composed.parts import (
    OF_MODEL_PART,
    OF_MODEL_PART_WHEN,
    AskParts,
    Composed,
    PartsMemory,
    PartSpec,
    advance_parts,
    counted_by_parts,
    estimator_of_part,
    first_requests,
    fitted_parts,
    names_rested_on,
    own_part,
    part_shapes,
    part_summaries,
    requests_of,
)
from riskset_common.estimators.composed.rounded_parts import (
    parts_curves,
    parts_fitted,
    parts_implied,
    parts_not_rounded,
    parts_program,
    parts_uploads,
)
from riskset_common.estimators.curves.group_test import GroupTest
from riskset_common.estimators.curves.kaplan_meier import KaplanMeierSpec
from riskset_common.estimators.disclosed import (
    ENTERED,
    GRID_LENGTH,
    LATE_ENTRY,
    LEFT_OUT,
    OWN_TEST,
    SITE_TEST,
    Disclosed,
    shows,
)
from riskset_common.estimators.estimator import AnyRequest, Request, Shape, Summary, Uses
from riskset_common.estimators.on_shares import Fits
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.terms import Term
from riskset_common.estimators.withholding import passed_on
from riskset_common.release.budget import Compared
from riskset_common.release.cells import Counts
from riskset_common.release.counted import Counted
from riskset_common.release.curves.plan_times import Wanted
from riskset_common.release.facts import Facts
from riskset_common.release.floors import nothing_of
from riskset_common.release.given import Given
from riskset_common.release.models import ModelsWait
from riskset_common.release.program import Opened, Program
from riskset_common.results.composed import FactorResult, UnivariateResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.analysis import EndpointSpec, Names, twice
from riskset_common.study.patients import Patients
from riskset_common.study.study import Site, Study, within_sites
from riskset_common.survival.curves.kaplan_meier import LimitKind

ALL = "curve._"
"""The part that follows all patients, whatever their factors. No variable has this name: they begin with a letter."""


class UnivariateSpec(EndpointSpec):
    """Univariate analyses as the plan writes them. Times are in the plan's unit.

    There is a model for each factor where `hazard_ratios` are asked, and always where there are strata.
    """

    kind: Literal["univariate"]
    factors: Names = Field(min_length=1)
    at: tuple[float, ...] = ()
    test: GroupTest | None = None
    strata: Names = ()
    hazard_ratios: bool = False
    ties: Literal["efron", "breslow"] | None = None
    ci: LimitKind | None = None
    level: float = Field(default=0.95, gt=0, lt=1)

    @property
    def has_models(self) -> bool:
        """Whether each factor has a model."""
        return self.hazard_ratios or bool(self.strata)

    def compared(self, study: Study) -> tuple[Compared, ...]:
        """The tests of all factors, as the budget of what tests may tell counts them."""
        return tuple(
            test
            for part in parts(self, study).values()
            if isinstance(part, KaplanMeierSpec)
            for test in part.compared(study)
        )


def parts(
    spec: UnivariateSpec, study: Study, named: Collection[str] | None = None
) -> dict[str, PartSpec]:
    """All patients, and each factor's curves and model, by the names of the parts. If names are given, of these only."""
    shared = spec.model_dump(include={"id", "endpoint", "population", "where", "level"})
    curve = KaplanMeierSpec(kind="kaplan_meier", at=spec.at, ci=spec.ci, **shared)
    strata = spec.strata if spec.test is not None else ()
    specs: dict[str, PartSpec] = {ALL: own_part(curve, ALL)}
    for factor in spec.factors:
        name = f"curve.{factor}"
        if named is None or name in named:
            specs[name] = own_part(curve, name, by=(factor,), test=spec.test, strata=strata)
    first = (Term(factor=spec.factors[0]),)
    model = CoxSpec(kind="cox", terms=first, strata=spec.strata, ties=spec.ties, **shared)
    for factor in spec.factors if spec.has_models else ():
        name = f"model.{factor}"
        if named is None or name in named:
            levels = study.levels(factor)
            term = Term(factor=factor, reference=levels[0] if levels else None)
            specs[name] = own_part(model, name, terms=(term,))
    return specs


UnivariateRequest = Request[UnivariateSpec, AskParts]


class Univariate(Composed[UnivariateSpec, AskParts, UnivariateResult]):
    """Curves, tests and models of single factors, side by side."""

    kind = "univariate"
    spec = UnivariateSpec
    state = AskParts
    result = UnivariateResult
    discloses = Disclosed(
        counts=(
            shows(
                "patients with an event, and patients censored, at each step of the time grid, of all and by level of each factor",
                "curve.events",
                "curve.censored",
            ),
            shows(LEFT_OUT, "curve.missing"),
            shows(GRID_LENGTH, "curve.lengths"),
        ),
        when={
            LATE_ENTRY: (shows(ENTERED, "curve.entered"),),
            SITE_TEST: (shows(OWN_TEST, "curve.observed", "curve.expected", "curve.covariance"),),
            "each factor has a model": OF_MODEL_PART,
        }
        | OF_MODEL_PART_WHEN,
    )

    def problems(self, spec: UnivariateSpec, study: Study) -> Iterator[str]:
        """Names that are given twice, and what a factor's own curves or model cannot be, each said once."""
        found = list(twice("factors and strata", self.uses(spec).all_categories))
        yield from found or dict.fromkeys(_part_problems(spec, study))

    def cells(self, spec: UnivariateSpec, study: Study) -> Iterator[Counts]:
        """Those of its curves and models."""
        for part in parts(spec, study).values():
            yield from estimator_of_part(part).cells(part, study)

    def not_rounded(self, spec: UnivariateSpec, study: Study) -> Iterator[str]:
        """What no curves or model of a factor can be on shares."""
        return parts_not_rounded(parts(spec, study), study)

    def uploads(self, spec: UnivariateSpec, study: Study, facts: Facts) -> tuple[Counted, ...]:
        """What its curves and models are made of."""
        return parts_uploads(parts(spec, study), study, facts)

    def curves(self, spec: UnivariateSpec, study: Study, facts: Facts) -> tuple[Wanted, ...]:
        """Those of all patients and of each factor."""
        return parts_curves(parts(spec, study), study, facts)

    def program(
        self, spec: UnivariateSpec, given: Given
    ) -> Program[UnivariateResult | WithheldAnalysis | ModelsWait]:
        """All curves and models side by side."""
        found = yield from parts_program(parts(spec, given.study), given)
        return found if found.models else _released(spec, found.parts)

    def implied(
        self, spec: UnivariateSpec, given: Given, result: UnivariateResult
    ) -> Mapping[str, Opened]:
        """What was opened for the curves, tests and models."""
        found: dict[str, ReleasedResult] = {ALL: result.all_patients}
        for each in result.factors:
            found[f"curve.{each.factor}"] = each.curves
            if each.model is not None:
                found[f"model.{each.factor}"] = each.model
        return parts_implied(parts(spec, given.study), given, found)

    def fitted_rounded(
        self, spec: UnivariateSpec, study: Study, waits: ModelsWait, fits: Fits
    ) -> UnivariateResult | WithheldAnalysis:
        """The whole, when its models were computed."""
        return _released(spec, parts_fitted(parts(spec, study), study, waits, fits))

    def uses(self, spec: UnivariateSpec) -> Uses:
        """Factors and strata; each factor has complete cases of its own."""
        return Uses(partial_categories=(*spec.factors, *spec.strata))

    def opened_by(self, spec: UnivariateSpec, study: Study) -> tuple[str, ...]:
        """Factors; strata within sites show in no sum."""
        shown = spec.strata if self.is_blind(spec, study.sites) else ()
        return (*spec.factors, *shown)

    def is_blind(self, spec: UnivariateSpec, sites: Sequence[Site]) -> bool:
        """Whether there are models, and their risk sets are not each within a site."""
        return spec.has_models and not within_sites(spec.strata, sites)

    def rests_on(self, spec: UnivariateSpec, study: Study) -> tuple[str, ...]:
        """What the models rest on."""
        return names_rested_on(parts(spec, study), study)

    def also_asks(self, spec: UnivariateSpec) -> tuple[str, ...]:
        """The test, and the model."""
        test = () if spec.test is None else ("log_rank",)
        return (*test, "cox") if spec.has_models else test

    def counted(self, request: UnivariateRequest) -> Mapping[str, Hashable]:
        """What the curves count."""
        return counted_by_parts(self.parts(request))

    def first(self, spec: UnivariateSpec, study: Study) -> UnivariateRequest:
        """Ask the first question of every part."""
        requests = first_requests(parts(spec, study), study)
        return Request(spec, study, AskParts.of(requests), PartsMemory())

    def parts(self, request: UnivariateRequest) -> dict[str, AnyRequest]:
        """The requests of the unfinished parts. Run by both sides."""
        specs = parts(request.spec, request.study, request.state.by_part())
        return requests_of(specs, request.study, request.state, request.memory, request.verified)

    def shapes(self, request: UnivariateRequest) -> Mapping[str, Shape]:
        """The arrays of every unfinished part."""
        return part_shapes(self.parts(request))

    def summarise(self, patients: Patients, request: UnivariateRequest) -> Summary:
        """Answer every unfinished part."""
        return part_summaries(patients, self.parts(request))

    def next(
        self, request: UnivariateRequest, pooled: Summary
    ) -> UnivariateRequest | UnivariateResult | WithheldAnalysis:
        """Advance every part, until all are done."""
        following, memory = advance_parts(self.parts(request), pooled, request.memory)
        if following:
            return Request(request.spec, request.study, AskParts.of(following), memory)
        return self._concluded(request.spec, memory)

    def fitted(self, request: UnivariateRequest, fits: Fits) -> UnivariateResult | WithheldAnalysis:
        """The whole, when all models that waited were computed on shares."""
        memory = fitted_parts(self.parts(request), fits, request.memory)
        return self._concluded(request.spec, memory)

    def _concluded(
        self, spec: UnivariateSpec, memory: PartsMemory
    ) -> UnivariateResult | WithheldAnalysis:
        """The whole. A factor may be without its model, none without its curves, on which all else rests."""
        for part, found in memory.results.items():
            if part.startswith("curve.") and isinstance(found, WithheldAnalysis):
                return passed_on(self, found)
        return _result(spec, memory)


def _released(
    spec: UnivariateSpec, found: Mapping[str, ReleasedResult]
) -> UnivariateResult | WithheldAnalysis:
    """The released whole. A factor may be without its curves or its model; without the curve of all patients nothing is shown."""
    everyone = found[ALL]
    if isinstance(everyone, WithheldAnalysis):
        return nothing_of(UnivariateResult, "univariate", next(iter(everyone.fields.values())))
    return _result(spec, PartsMemory(results=found))


def _part_problems(spec: UnivariateSpec, study: Study) -> Iterator[str]:
    for part in parts(spec, study).values():
        yield from estimator_of_part(part).problems(part, study)


def _result(spec: UnivariateSpec, memory: PartsMemory) -> UnivariateResult:
    everyone: KaplanMeierResult = memory.results[ALL]
    return UnivariateResult(
        kind="univariate",
        endpoint=spec.endpoint,
        n=everyone.n,
        events=everyone.events,
        missing=everyone.missing,
        ci=everyone.ci,
        level=spec.level,
        strata=spec.strata,
        all_patients=everyone,
        factors=tuple(
            FactorResult(
                factor,
                memory.results[f"curve.{factor}"],
                memory.results.get(f"model.{factor}"),
            )
            for factor in spec.factors
        ),
        warnings=tuple(
            f"{factor}: {warning}"
            for factor in spec.factors
            for sort in ("curve", "model")
            if f"{sort}.{factor}" in memory.results
            for warning in memory.results[f"{sort}.{factor}"].warnings
        ),
    )
