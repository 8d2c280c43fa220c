"""Fine-Gray regression stratified by site: the subdistribution hazard of one kind of event, whose risk sets lie within sites.

Patients with a competing event stay at risk, by the probability of not being censored since. The distribution of the censoring is
estimated within each stratum by the site alone, or from the pooled counts of all patients, one round on the time grid: each site checks
its opening and works the distribution out from it. The rest is the fit of a Cox model, whose rounds it takes over, with the robust
variance of its score residuals by patient (Fine and Gray 1999).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.cohort.causes import OneCauseSpec, competing_times
from riskset_common.estimators.cohort.groups import group_codes
from riskset_common.estimators.curves.counts import (
    LENGTHS,
    grid_length,
    length_marks,
    length_shapes,
    pooled_steps,
    step_names,
    step_shapes,
    step_summary,
)
from riskset_common.estimators.disclosed import (
    BY_CELL,
    BY_CODE,
    BY_LEVEL,
    GRID_LENGTH,
    LEFT_OUT,
    LIKELIHOOD,
    SPREADS,
    Disclosed,
    shows,
)
from riskset_common.estimators.estimator import (
    Estimator,
    Request,
    Shape,
    Summary,
    Uses,
    counts,
    one,
)
from riskset_common.estimators.regression.cox import Cox
from riskset_common.estimators.regression.problems import model_problems
from riskset_common.estimators.regression.questions.asked import AskCox, CoxRequest
from riskset_common.estimators.regression.questions.at_coefficients import AskModel
from riskset_common.estimators.regression.questions.likelihood import AskLikelihood
from riskset_common.estimators.regression.questions.memory import CoxMemory
from riskset_common.estimators.regression.questions.reading import COX_QUESTION
from riskset_common.estimators.regression.questions.surveying import AskSurvey
from riskset_common.estimators.regression.spec import (
    CoxSpec,
    opened_by_model,
    pair_or_pairs,
    uses_of,
)
from riskset_common.estimators.regression.survey import (
    case_contradictions,
    everyone_surveyed,
    survey,
    survey_shapes,
)
from riskset_common.estimators.regression.terms import Term, columns, design
from riskset_common.results.regression import CoxResult, FineGrayResult
from riskset_common.study.analysis import EndpointSpec, Names
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.study.study import Study
from riskset_common.survival.incidence.fine_gray import (
    CensoringCurve,
    censoring_curve,
    own_censoring_curves,
    prepare_subdistribution,
)
from riskset_common.survival.regression.cox import CoxDesign

STEPS: Final = step_names(left_truncated=False)
"""The counts from which sites work out the distribution of the censoring."""

OF_MODEL = ("terms", "interaction", "strata", "ties", "convergence", "max_iterations", "level")


class FineGraySpec(EndpointSpec, OneCauseSpec):
    """A Fine-Gray model as the plan writes it."""

    kind: Literal["fine_gray"]
    terms: tuple[Term, ...] = Field(min_length=1)
    interaction: Annotated[tuple[tuple[str, str], ...], BeforeValidator(pair_or_pairs)] = ()
    strata: Names = ()
    censoring: Literal["pooled", "strata"] = "pooled"
    ties: Literal["efron", "breslow"] | None = None
    convergence: Literal["tight", "r"] = "tight"
    max_iterations: int | None = Field(default=None, ge=1, le=100)
    level: float = Field(default=0.95, gt=0, lt=1)

    @property
    def model(self) -> CoxSpec:
        """The Cox model of the same terms, whose survey and fit this one has."""
        keys = self.model_dump(include={"id", "endpoint", "cause", "population", "where"})
        fitted = self.model_dump(include=set(OF_MODEL))
        return CoxSpec(kind="cox", robust="patient", **keys, **fitted)


@dataclass(frozen=True)
class FineGrayMemory:
    """What the centre keeps between the rounds: that of the Cox model, and patients with a competing event."""

    of_model: CoxMemory
    competing: int


FineGrayRequest = Request[FineGraySpec, AskCox]
"""As of a Cox model; `count_steps` asks for counts on the grid alone."""


class FineGray(Estimator[FineGraySpec, AskCox, FineGrayResult]):
    """Fine-Gray regression with site strata."""

    kind = "fine_gray"
    spec = FineGraySpec
    state = AskCox
    result = FineGrayResult
    discloses = Disclosed(
        counts=(
            shows(
                "patients, events of the cause and competing events in total",
                "n",
                "events",
                "competing",
            ),
            shows(BY_LEVEL, "by_level"),
            shows(BY_CODE, "by_level"),
            shows(LEFT_OUT, "missing"),
            shows(SPREADS, "exponents"),
        ),
        reals=(
            shows(
                LIKELIHOOD,
                "log_likelihood",
                "score",
                "information",
            ),
            shows(
                "the products of each patient's share in the score with itself at the end",
                "score_products",
            ),
        ),
        when={
            "terms interact": (shows(BY_CELL, "by_level"),),
            "the censoring distribution is pooled": (
                shows(GRID_LENGTH, "lengths"),
                shows(
                    "patients with an event of any kind, and patients censored, at each step of the time grid",
                    "events_by_step",
                    "censored_by_step",
                ),
            ),
        },
    )

    def not_rounded(self, spec: FineGraySpec, study: Study) -> Iterator[str]:
        """All of it, whatever it asks for."""
        del spec, study
        yield (
            "a Fine-Gray model is not computed on shares: its standard errors need the products of each patient's score, and its weights "
            "the censoring at each time, which no result shows. Ask a cause-specific Cox model (kind: cox, with cause), or release exact "
            "numbers of public data."
        )

    def problems(self, spec: FineGraySpec, study: Study) -> Iterator[str]:
        """Terms that do not fit, risk sets that would cross sites, a missing cause, and late entry."""
        yield from _own_problems(spec, study)
        if spec.model.crosses_sites(study.sites):
            # What a model across sites would need besides is of no use here.
            yield _across_sites(spec)
        else:
            yield from model_problems(spec.model, study)

    def uses(self, spec: FineGraySpec) -> Uses:
        """Factors, covariates and strata; exposures, which the terms may not hold."""
        return uses_of(spec.model)

    def opened_by(self, spec: FineGraySpec, study: Study) -> tuple[str, ...]:
        """Factors: patients and events are counted by their levels. Strata show in no sum."""
        return opened_by_model(spec.model, study)

    def rests_on(self, spec: FineGraySpec, study: Study) -> tuple[str, ...]:
        """Events, and all patients by step of the grid where sites work out the censoring distribution from them."""
        counted = (LENGTHS, *STEPS) if spec.censoring == "pooled" else ()
        return (*Cox().rests_on(spec.model, study), *counted)

    def require_grounds(self, request: FineGrayRequest) -> None:
        """As of a Cox model; the censoring distribution follows from checked counts."""
        spec, state = request.spec, request.state
        state.require_grounds(_of_model(request, None))
        counts_now = isinstance(state, AskLikelihood) and state.count_steps is not None
        if spec.censoring == "pooled" and isinstance(state, AskModel) and not counts_now:
            request.checked(*STEPS)

    def asked_at_most(self, spec: FineGraySpec, study: Study) -> Mapping[str, int]:
        """An evaluation once for all coefficients that Newton's method tries."""
        return Cox().asked_at_most(spec.model, study)

    def needs_events(self, request: FineGrayRequest) -> int | None:
        """The model's coefficients, in every question after the survey."""
        return Cox().needs_events(_of_model(request, None))

    def contradictions(self, request: FineGrayRequest, pooled: Summary) -> Iterator[str]:
        """Cells that do not add up to all patients and events."""
        return case_contradictions(request.spec.model, request.study, pooled)

    def everyone(self, request: FineGrayRequest, pooled: Summary) -> int | None:
        """The patients of the survey."""
        del request
        return everyone_surveyed(pooled)

    def first(self, spec: FineGraySpec, study: Study) -> FineGrayRequest:
        """Ask how many patients and events there are, and how wide each column is."""
        return Request(spec, study, AskSurvey())

    def question(self, travelled: object) -> AskCox:
        """As of a Cox model."""
        return COX_QUESTION.validate_python(travelled)

    def shapes(self, request: FineGrayRequest) -> Mapping[str, Shape]:
        """A survey of counts; counts on the grid; or log-likelihood, score and information."""
        spec, state = request.spec, request.state
        is_pooled = spec.censoring == "pooled"
        if isinstance(state, AskSurvey):
            lengths = length_shapes() if is_pooled else {}
            return {**survey_shapes(spec.model, request.study), "competing": counts(), **lengths}
        if isinstance(state, AskLikelihood) and state.count_steps is not None:
            if not is_pooled:
                raise ProtocolRefusal(
                    f"The round asks for the censorings of analysis {spec.id}, whose plan estimates their distribution within strata. "
                    "The centre must run this release."
                )
            return step_shapes(state.count_steps, left_truncated=False)
        return Cox().shapes(_of_model(request, None))

    def summarise(self, patients: Patients, request: FineGrayRequest) -> Summary:
        """This site's share."""
        spec, state = request.spec, request.state
        cohort = self.analysed(patients, request).patients
        times = _times(cohort, request)
        if isinstance(state, AskSurvey):
            competing = one(int(np.count_nonzero(times.event > 1)))
            lengths = length_marks(times) if spec.censoring == "pooled" else {}
            return {**survey(patients, _of_model(request, None)), "competing": competing, **lengths}
        if isinstance(state, AskLikelihood) and state.count_steps is not None:
            return step_summary(times, state.count_steps)
        if not isinstance(state, AskModel):
            raise ProtocolRefusal(f"Analysis {spec.id} is asked what only a Cox model is asked.")
        prepared = patients.keep(
            ("fine_gray", spec.id, state.exponent),
            lambda: _prepare(cohort, times, request, state.exponent),
        )
        return state.summary(prepared, times, _of_model(request, None))

    def next(self, request: FineGrayRequest, pooled: Summary) -> FineGrayRequest | FineGrayResult:
        """Ask for the censorings of all patients, then as a Cox model does."""
        spec, state, memory = request.spec, request.state, request.memory
        if isinstance(state, AskLikelihood) and state.count_steps is not None:
            return replace(request, state=state.model_copy(update={"count_steps": None}))
        of_model = _of_model(request, None if memory is None else memory.of_model)
        reached = Cox().next(of_model, pooled)
        if isinstance(reached, CoxResult):
            return _result(spec, reached, memory)
        if memory is None:
            memory = FineGrayMemory(reached.memory, int(pooled["competing"]))
            count_steps = grid_length(pooled, 1) if spec.censoring == "pooled" else None
            asked = reached.state.model_copy(update={"count_steps": count_steps})
            return Request(spec, request.study, asked, memory)
        kept = replace(memory, of_model=reached.memory)
        return Request(spec, request.study, reached.state, kept)


def _across_sites(spec: FineGraySpec) -> str:
    return (
        "strata must hold site (or study_group where each site is a group of its own), so that every risk set lies within "
        f"one site; found {', '.join(spec.strata) or 'none'}. No sum over a risk set of several sites is opened, "
        "because patients can be read back from it. Write strata: [site]."
    )


def _own_problems(spec: FineGraySpec, study: Study) -> Iterator[str]:
    endpoint = study.endpoint(spec.endpoint)
    if spec.cause is None:
        yield (
            "cause is missing: a subdistribution hazard is that of one kind of event. "
            f"Name one of {', '.join(endpoint.events)}."
        )
    for name in (each.variable for each in spec.model.exposures):
        yield (
            f"exposure {name} begins during follow-up, and nobody is exposed after a competing event, where patients stay in "
            "these risk sets. Compare cause-specific hazards: kind cox with a cause."
        )
    if endpoint.entry is not None:
        yield (
            "fine_gray is not defined here for patients who come under observation late (the endpoint has an entry). "
            "Compare cause-specific hazards: kind cox with a cause."
        )


def _of_model(request: FineGrayRequest, memory: CoxMemory | None) -> CoxRequest:
    """The same question about the Cox model of the same terms."""
    return Request(request.spec.model, request.study, request.state, memory, request.verified)


def _times(cohort: Patients, request: FineGrayRequest) -> EndpointTimes:
    """Times whose events are 1 for the cause and 2 for any competing event."""
    spec = request.spec
    return competing_times(cohort, request.study, spec.endpoint, spec.causes)


def _prepare(
    cohort: Patients, times: EndpointTimes, request: FineGrayRequest, exponent: tuple[int, ...]
) -> CoxDesign:
    study, spec = request.study, request.spec
    stratum = group_codes(study, cohort, spec.strata)
    model_columns = columns(spec.terms, spec.interaction, study)
    x = design(model_columns, cohort, study)
    censoring: CensoringCurve | Mapping[int, CensoringCurve]
    if spec.censoring == "strata":
        censoring = own_censoring_curves(times.time, times.event, stratum)
    else:
        censoring = _pooled_censoring(request.checked(*STEPS))
    return prepare_subdistribution(
        time=times.time,
        kind=times.event,
        x=np.ldexp(x, -np.asarray(exponent, dtype=np.int64)),
        stratum=stratum,
        ties=spec.model.tie_method(study),
        censoring=censoring,
    )


def _pooled_censoring(pooled: Summary) -> CensoringCurve:
    """The censoring distribution of all patients."""
    found = pooled_steps(pooled)
    steps = np.arange(found.events.shape[1])
    return censoring_curve(steps, found.events[0], found.censored[0])


def _result(spec: FineGraySpec, model: CoxResult, memory: FineGrayMemory) -> FineGrayResult:
    return FineGrayResult(
        kind="fine_gray",
        endpoint=model.endpoint,
        cause=model.cause,
        n=model.n,
        events=model.events,
        missing=model.missing,
        ties=model.ties,
        strata=model.strata,
        level=model.level,
        iterations=model.iterations,
        convergence=model.convergence,
        converged=model.converged,
        terms=model.terms,
        levels=model.levels,
        covariance=model.covariance,
        log_likelihood=model.log_likelihood,
        tests=model.tests,
        warnings=model.warnings,
        penalty=model.penalty,
        offset=model.offset,
        robust=model.robust,
        ph_test=model.ph_test,
        baseline_hazard=model.baseline_hazard,
        competing=memory.competing,
        censoring=spec.censoring,
    )
