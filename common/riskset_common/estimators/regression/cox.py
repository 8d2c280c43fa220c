"""Cox proportional hazards regression: stratified by site, score, information and log-likelihood are sums over the sites.

Without site among its strata a model is blind: here its deaths are counted (`cox_blind.py`), elsewhere it is computed on shares.

A risk set of a model stratified by site lies within one site, so a site can compute its share of the partial likelihood alone, and only one
number, one vector and one symmetric matrix leave it in a round. The pooled fit is exactly `coxph(... + strata(site))` on the
pooled patients (Cox 1972; stratified partial likelihood: Kalbfleisch and Prentice 2002, section 4.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.cohort.causes import cause_specific_times
from riskset_common.estimators.cohort.groups import n_groups
from riskset_common.estimators.curves.counts import (
    grid_length,
    length_marks,
    length_shapes,
    step_shapes,
)
from riskset_common.estimators.estimator import (
    EVENTS,
    BlindHalf,
    Estimator,
    Request,
    Shape,
    State,
    Summary,
    Uses,
    reals,
)
from riskset_common.estimators.on_shares import BlindCohort, BlindQuestion, Fits
from riskset_common.estimators.regression.blind import (
    BlindMemory,
    blind_cohort,
    blind_questions,
    blind_result,
    count_deaths,
    death_shapes,
    without_events,
)
from riskset_common.estimators.regression.fitting import (
    MAINS,
    THIRD_MOMENTS,
    Fitting,
    likelihood_shapes,
    main_effects,
)
from riskset_common.estimators.regression.problems import model_problems
from riskset_common.estimators.regression.proportionality import (
    proportionality,
    time_shapes,
)
from riskset_common.estimators.regression.result import Survey, result
from riskset_common.estimators.regression.site import (
    arrange_model,
    likelihood_summary,
    prepare_model,
)
from riskset_common.estimators.regression.spec import (
    CoxSpec,
    evaluated_at_most,
    opened_by_model,
    steps_rested_on,
    uses_of,
)
from riskset_common.estimators.regression.sums import pooled_sums, symmetric
from riskset_common.estimators.regression.survey import (
    Exponent,
    case_contradictions,
    case_shapes,
    everyone_surveyed,
    read_survey,
    survey,
    survey_shapes,
)
from riskset_common.estimators.regression.terms import Column, columns
from riskset_common.results.regression import CoxResult, ProportionalityTest
from riskset_common.study.patients import Patients, Reals
from riskset_common.study.study import Site, Study
from riskset_common.survival.regression.firth import Learnt, learn, n_third, penalised
from riskset_common.survival.regression.proportionality import TimeScores


class AskCox(State):
    """First a survey (how many, and the magnitude of each column), then the likelihood at scaled coefficients `beta`.

    `clusters` asks, at the fitted coefficients, for the products of the site's score instead of its likelihood; `times` for the sums
    of the test of proportional hazards. `count_steps` asks, beside the likelihood, for counts on a time grid of that length, from which
    sites work out the function of time of that test.

    `mains` are coefficients of the main effects alone, where the test of the interactions wants the likelihood of a model of these.
    It is asked beside that of the whole model, or, where there is no `beta`, by itself.

    `exponent` holds, for each column, the power of two that brings its spread within a site's stratum below one. Powers of two
    cost no digit, and keep score and information within the range of the secure sum whatever the covariates' units are.

    A blind model is asked for its deaths on a grid of `n_steps` in place of the likelihood; then it `waits` to be computed on shares.
    """

    exponent: Annotated[tuple[Exponent, ...], Field(strict=False)] | None = None
    beta: Annotated[tuple[float, ...], Field(strict=False)] = ()
    mains: Annotated[tuple[float, ...], Field(strict=False)] = ()
    clusters: bool = False
    n_steps: int | None = Field(default=None, ge=1)
    count_steps: int | None = Field(default=None, ge=1)
    times: bool = False
    waits: bool = False

    @model_validator(mode="after")
    def _survey_or_likelihood(self) -> Self:
        asked = self.model_dump(exclude_defaults=True)
        if self.exponent is None and self.n_steps is None and asked:
            raise ValueError("a survey is asked before there are coefficients.")
        if self.n_steps is not None and (self.exponent is not None or self.beta or self.clusters):
            raise ValueError("the deaths of a blind model are counted at no coefficients.")
        return self


@dataclass(frozen=True)
class CoxMemory:
    """What the centre keeps between the rounds of one model.

    Attributes
    ----------
    survey
        The first round.
    fitting
        Where the fit stands and, where the test of the interactions is asked, that of the main effects alone.
    learnt
        What the steps of a penalised fit have shown of its curvature.
    ph_test
        The test of proportional hazards.
    """

    survey: Survey
    fitting: Fitting
    learnt: Learnt = field(default_factory=Learnt)
    ph_test: ProportionalityTest | None = None


CoxRequest = Request[CoxSpec, AskCox]


class Cox(Estimator[CoxSpec, AskCox, CoxResult]):
    """Cox regression with site strata, by Newton's method over rounds."""

    kind = "cox"
    spec = CoxSpec
    state = AskCox
    discloses = (
        "patients and events in total, by level of each factor, by exposure at the end of follow-up, at the values -1, 0, 1, 2 and at "
        "all others of each number, and in every cell of two such terms that interact; patients left out because a value is missing; "
        "how many sites need each power of two to hold a covariate; log-likelihood, score and information of the whole model and, to "
        "test interactions, of its main effects alone, at each iteration; with robust variances the products of each site's score, or "
        "of each patient's share in it, with itself at the end; with Firth's penalty the third moments of the covariates, over all "
        "event times, at each iteration; with a test of proportional hazards score and information weighted by the transformed time, "
        "and information weighted by its square, and where the transformation is km or rank how many sites need each power of two of "
        "steps, and patients with an event, censored and (under left truncation) coming under observation at each step of the time "
        "grid; of a model without site strata deaths at each step of the time grid by stratum, how many sites need each power of two of"
        " steps, and to the committee that computes it too log-likelihood, score and information of the whole model at each iteration, "
        "but no sum over a risk set, and where the plan asks for it the cumulative baseline hazard and its variance at each of its "
        "times; all summed over the sites"
    )

    def problems(self, spec: CoxSpec, study: Study) -> Iterator[str]:
        """Terms that do not fit, and what a model whose risk sets cross sites cannot be."""
        return model_problems(spec, study)

    def uses(self, spec: CoxSpec) -> Uses:
        """Factors, covariates, strata and exposures."""
        return uses_of(spec)

    def opened_by(self, spec: CoxSpec, study: Study) -> tuple[str, ...]:
        """Factors, and strata of a blind model."""
        return opened_by_model(spec, study)

    def also_asks(self, spec: CoxSpec) -> tuple[str, ...]:
        """Curves where the test of proportional hazards counts all patients on the grid, for these are the counts of a curve."""
        return ("kaplan_meier",) if spec.counts_times else ()

    def is_blind(self, spec: CoxSpec, sites: Sequence[Site]) -> bool:
        """Whether risk sets cross sites."""
        return spec.crosses_sites(sites)

    def first(self, spec: CoxSpec, study: Study) -> CoxRequest:
        """Ask how many patients and events there are, and how wide each column is."""
        return Request(spec, study, AskCox())

    def shapes(self, request: CoxRequest) -> Mapping[str, Shape]:
        """A survey of counts, deaths of a blind model, or log-likelihood, score (p,) and the upper triangle of the information."""
        asked = request.state
        blind = request.spec.crosses_sites(request.study.sites)
        if asked.n_steps is not None or (asked.exponent is not None and blind):
            _refuse_unless_blind(request.spec, asked, blind=blind)
        if asked.n_steps is not None:
            return {} if asked.waits else death_shapes(request)
        if asked.exponent is None:
            lengths = length_shapes() if request.spec.counts_times else {}
            return {**survey_shapes(request.spec, request.study), **lengths}
        found = columns(request.spec.terms, request.spec.interaction, request.study)
        p = len(found)
        _refuse_unless_columns(p, request.state)
        if request.state.clusters:
            _refuse_unless_robust(request.spec)
            return {"score_products": reals(p * (p + 1) // 2)}
        if request.state.times:
            _refuse_unless_tested(request.spec, is_asked=request.spec.ph_test is not None)
            return time_shapes(p)
        return {
            **_likelihood_shapes(request, found),
            **({} if request.spec.penalty is None else {THIRD_MOMENTS: reals(n_third(p))}),
            **_step_shapes(request),
        }

    def summarise(self, patients: Patients, request: CoxRequest) -> Summary:
        """This site's share of the survey, of the counts, or of the likelihood."""
        if request.state.n_steps is not None:
            return {} if request.state.waits else count_deaths(patients, request)
        spec, study = request.spec, request.study
        times = cause_specific_times(self.analysed(patients, request).patients, study, spec)
        if request.state.exponent is None:
            if not spec.crosses_sites(study.sites):
                arrange_model(patients, request)
            lengths = length_marks(times) if spec.counts_times else {}
            return {**survey(patients, request), **lengths}
        prepared = patients.keep(
            ("cox", request.spec.id, request.state.exponent),
            lambda: prepare_model(patients, request, request.state.exponent or ()),
        )
        return likelihood_summary(prepared, times, request)

    def next(self, request: CoxRequest, pooled: Summary) -> CoxRequest | CoxResult:
        """The next coefficients to ask about, or the fitted model."""
        spec = request.spec
        if request.state.n_steps is not None:
            return request if request.state.waits else _wait(request, pooled)
        if request.state.exponent is None:
            surveyed = read_survey(request, pooled)
            if spec.crosses_sites(request.study.sites):
                return _ask_deaths(request, surveyed, pooled)
            fitting = Fitting.of(spec, surveyed.columns)
            count_steps = grid_length(pooled, 1) if spec.counts_times else None
            memory = CoxMemory(surveyed, fitting)
            return _ask(request, memory, fitting.beta, count_steps=count_steps)
        p, memory = len(request.state.exponent), request.memory
        if request.state.clusters:
            return _fitted(request, symmetric(pooled["score_products"], p))
        if request.state.times:
            return _after_times(request, memory, pooled)
        if spec.penalty is not None:
            return _after_penalised(request, memory, pooled)
        return _after_likelihood(request, memory, pooled)

    def fitted(self, request: CoxRequest, fits: Fits) -> CoxResult:
        """The fitted model of one that waits, from its fits on shares. Run by the centre."""
        return blind_result(request, fits[""])

    def blind(self) -> BlindCox:
        """Deaths are counted, and the model is computed from them."""
        return BlindCox()

    def rests_on(self, spec: CoxSpec, study: Study) -> tuple[str, ...]:
        """Events, of which a site wants enough; and all patients by step of the grid, where sites work out a function of time."""
        return (EVENTS, *steps_rested_on(spec, study))

    def asked_at_most(self, spec: CoxSpec, study: Study) -> Mapping[str, int]:
        """An evaluation once for all coefficients that Newton's method tries; cases of a blind model again with its deaths."""
        found = columns(spec.terms, spec.interaction, study)
        p, q = len(found), len(main_effects(found))
        evaluated = [*likelihood_shapes(p), *likelihood_shapes(q, MAINS), THIRD_MOMENTS]
        cases = case_shapes(spec, study) if spec.crosses_sites(study.sites) else {}
        return dict.fromkeys(evaluated, evaluated_at_most(spec)) | dict.fromkeys(cases, 2)

    def needs_events(self, request: CoxRequest) -> int | None:
        """The model's coefficients, in every question after the survey."""
        spec, asked = request.spec, request.state
        if asked.exponent is None and asked.n_steps is None:
            return None
        return len(columns(spec.terms, spec.interaction, request.study))

    def contradictions(self, request: CoxRequest, pooled: Summary) -> Iterator[str]:
        """Cells that do not add up to all patients and events."""
        return case_contradictions(request.spec, request.study, pooled)

    def everyone(self, request: CoxRequest, pooled: Summary) -> int | None:
        """The patients of the survey."""
        del request
        return everyone_surveyed(pooled)


class BlindCox(BlindHalf[CoxSpec, AskCox]):
    """A model whose risk sets cross sites, as those who compute it on shares need it."""

    def is_counted(self, request: CoxRequest) -> bool:
        """Whether deaths are counted."""
        return request.state.n_steps is not None and not request.state.waits

    def waits(self, request: CoxRequest) -> bool:
        """Whether the deaths were counted."""
        return request.state.waits

    def questions(self, request: CoxRequest, pooled: Summary) -> Mapping[str, BlindQuestion]:
        """The model, and its main effects alone where the plan compares them."""
        return blind_questions(request, pooled)

    def cohort(self, patients: Patients, request: CoxRequest) -> BlindCohort:
        """The patients with all columns of the design."""
        return blind_cohort(patients, request)


def _likelihood_shapes(request: CoxRequest, found: Sequence[Column]) -> Mapping[str, Shape]:
    """The sums of the whole model, of its main effects alone, or of both."""
    spec, asked = request.spec, request.state
    if not asked.mains:
        return likelihood_shapes(len(found))
    q = len(main_effects(found))
    if spec.interaction_test is None or len(asked.mains) != q:
        raise ProtocolRefusal(
            f"The round asks {len(asked.mains)} main effects of analysis {spec.id} by themselves, which its plan does not. "
            "The centre must run this release."
        )
    whole = likelihood_shapes(len(found)) if asked.beta else {}
    return {**whole, **likelihood_shapes(q, MAINS)}


def _step_shapes(request: CoxRequest) -> Mapping[str, Shape]:
    """Counts on the grid, beside the likelihood, where they are asked."""
    spec, n_steps = request.spec, request.state.count_steps
    if n_steps is None:
        return {}
    _refuse_unless_tested(spec, is_asked=spec.counts_times)
    entry = request.study.endpoint(spec.endpoint).entry
    return step_shapes(n_steps, left_truncated=entry is not None)


def _after_times(request: CoxRequest, memory: CoxMemory, pooled: Summary) -> CoxRequest | CoxResult:
    """Keep the test of proportional hazards and go on."""
    p = len(request.state.beta)
    sums = TimeScores(
        score=pooled["time_score"],
        information=symmetric(pooled["time_information"], p),
        squared=symmetric(pooled["squared_time_information"], p),
    )
    if request.spec.ph_test is None:
        raise EstimationError("Proportional hazards are tested where the plan asks it.")
    tested = proportionality(
        request.spec.ph_test, memory.survey.columns, sums, memory.fitting.fit.covariance
    )
    return _finish(request, replace(memory, ph_test=tested))


def _ask_deaths(request: CoxRequest, surveyed: Survey, pooled: Summary) -> CoxRequest | CoxResult:
    """Count the deaths of a blind model on a grid that holds all times."""
    if surveyed.events == 0:
        return without_events(request, surveyed)
    n_steps = grid_length(pooled, n_groups(request.study, request.spec.strata))
    return Request(request.spec, request.study, AskCox(n_steps=n_steps), BlindMemory(surveyed))


def _wait(request: CoxRequest, pooled: Summary) -> CoxRequest:
    """Keep the deaths, and wait for the model to be computed on shares."""
    memory: BlindMemory = request.memory
    (whole, *_) = blind_questions(request, pooled).values()
    if (whole.n_patients, whole.n_events) != (memory.survey.n, memory.survey.events):
        raise EstimationError(
            f"analysis {request.spec.id}: other patients or events were counted at the event times than in the survey. Records have "
            "changed since; start a new run."
        )
    waiting = request.state.model_copy(update={"waits": True})
    return replace(request, state=waiting, memory=replace(memory, pooled=pooled))


def _after_likelihood(
    request: CoxRequest, memory: CoxMemory, pooled: Summary
) -> CoxRequest | CoxResult:
    """Go on with the model and, where the test of the interactions is asked, with its main effects alone beside it."""
    fitting = memory.fitting.advanced(pooled, memory.survey.columns)
    memory = replace(memory, fitting=fitting)
    if fitting.is_done:
        return _finish(request, memory)
    return _ask(request, memory, fitting.beta, mains=fitting.mains_beta)


def _after_penalised(
    request: CoxRequest, memory: CoxMemory, pooled: Summary
) -> CoxRequest | CoxResult:
    """Go on with a model under Firth's penalty."""
    beta = request.state.beta
    scale = np.log(2.0) * np.asarray(memory.survey.exponent, dtype=np.float64)
    sums = penalised(pooled_sums(pooled, len(beta)), pooled[THIRD_MOMENTS], scale)
    learnt, curvature = learn(memory.learnt, beta, sums)
    fitting = memory.fitting.penalised(sums, curvature)
    memory = replace(memory, fitting=fitting, learnt=learnt)
    return _finish(request, memory) if fitting.is_done else _ask(request, memory, fitting.beta)


def _finish(request: CoxRequest, memory: CoxMemory) -> CoxRequest | CoxResult:
    """The result, after a round for a test of proportional hazards and one for robust variances, where they are asked."""
    # Coefficients of aliased columns are 0.
    beta = tuple(np.nan_to_num(memory.fitting.fit.coef, nan=0.0).tolist())
    if request.spec.ph_test is not None and memory.ph_test is None:
        return _ask(request, memory, beta, times=True)
    if request.spec.robust is not None:
        return _ask(request, memory, beta, clusters=True)
    return _fitted(replace(request, memory=memory), None)


def _ask(
    request: CoxRequest, memory: CoxMemory, beta: tuple[float, ...], **more: Any
) -> CoxRequest:
    asked = AskCox(exponent=memory.survey.exponent, beta=beta, **more)
    return Request(request.spec, request.study, asked, memory)


def _fitted(request: CoxRequest, products: Reals | None) -> CoxResult:
    memory: CoxMemory = request.memory
    return result(
        request.spec,
        request.study,
        memory.survey,
        memory.fitting.fit,
        products,
        memory.fitting.mains_fit,
        memory.ph_test,
    )


def _refuse_unless_blind(spec: CoxSpec, asked: AskCox, *, blind: bool) -> None:
    if not (blind and asked.exponent is None):
        raise ProtocolRefusal(
            f"Analysis {spec.id} {'has no site among its strata and is computed' if blind else 'is stratified by site and not computed'} "
            "on shares; the round asks for it otherwise. The centre must run this release."
        )


def _refuse_unless_robust(spec: CoxSpec) -> None:
    if spec.robust is None:
        raise ProtocolRefusal(
            f"The round asks the products of the sites' scores for analysis {spec.id}, whose plan has no `robust`. "
            "The centre must run this release."
        )


def _refuse_unless_tested(spec: CoxSpec, *, is_asked: bool) -> None:
    if not is_asked:
        raise ProtocolRefusal(
            f"The round asks a test of proportional hazards of analysis {spec.id}, whose `ph_test` has no need of it. "
            "The centre must run this release."
        )


def _refuse_unless_columns(p: int, asked: AskCox) -> None:
    alone = bool(asked.mains) and not asked.beta
    if p != len(asked.exponent or ()) or (len(asked.beta) != p and not alone):
        raise ProtocolRefusal(
            f"The round asks a model of {p} columns at {len(asked.beta)} coefficients with {len(asked.exponent or ())} scales. "
            "The centre must run this release."
        )
