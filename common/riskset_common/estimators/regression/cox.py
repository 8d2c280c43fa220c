"""Cox proportional hazards regression: stratified by site, score, information and log-likelihood are sums over the sites.

Without site among its strata a model is blind: here its deaths are counted (`questions/deaths.py`), elsewhere it is computed on shares.

A risk set of a model stratified by site lies within one site, so a site can compute its share of the partial likelihood alone, and only one
number, one vector and one symmetric matrix leave it in a round. The pooled fit is exactly `coxph(... + strata(site))` on the
pooled patients (Cox 1972; stratified partial likelihood: Kalbfleisch and Prentice 2002, section 4.4). What is asked, answered and
concluded is in `questions/`, one module a question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from riskset_common.estimators.curves.counts import LENGTHS
from riskset_common.estimators.disclosed import (
    BY_CELL,
    BY_CODE,
    BY_LEVEL,
    ENTERED,
    GRID_LENGTH,
    LEFT_OUT,
    LIKELIHOOD,
    ON_SHARES,
    SPREADS,
    Disclosed,
    shows,
)
from riskset_common.estimators.estimator import (
    EVENTS,
    BlindHalf,
    Estimator,
    Request,
    Shape,
    Summary,
    Uses,
)
from riskset_common.estimators.on_shares import (
    BlindCohort,
    BlindQuestion,
    Fits,
    RoundedQuestion,
    fits_of_model,
)
from riskset_common.estimators.regression import rounded
from riskset_common.estimators.regression.blind import blind_cohort, blind_questions, blind_result
from riskset_common.estimators.regression.fitting import (
    MAINS,
    THIRD_MOMENTS,
    likelihood_shapes,
    main_effects,
)
from riskset_common.estimators.regression.problems import model_problems
from riskset_common.estimators.regression.questions.asked import AskCox, CoxRequest
from riskset_common.estimators.regression.questions.deaths import AskDeaths, Waiting
from riskset_common.estimators.regression.questions.reading import COX_QUESTION
from riskset_common.estimators.regression.questions.surveying import AskSurvey
from riskset_common.estimators.regression.spec import (
    CONTRIBUTING,
    CoxSpec,
    evaluated_at_most,
    opened_by_model,
    steps_rested_on,
    uses_of,
)
from riskset_common.estimators.regression.survey import (
    EXPONENTS,
    case_contradictions,
    case_shapes,
    everyone_surveyed,
)
from riskset_common.estimators.regression.terms import columns
from riskset_common.release.cells import Counts
from riskset_common.release.counted import Counted
from riskset_common.release.facts import Facts
from riskset_common.release.followed import cohort_of
from riskset_common.release.given import Given
from riskset_common.release.models import ModelCounts, ModelsWait
from riskset_common.release.program import Opened, Program
from riskset_common.release.tables.shown_counts import model_counts
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.study.patients import Patients
from riskset_common.study.study import Site, Study


class Cox(Estimator[CoxSpec, AskCox, CoxResult]):
    """Cox regression with site strata, by Newton's method over rounds."""

    kind = "cox"
    spec = CoxSpec
    state = AskCox
    result = CoxResult
    discloses = Disclosed(
        counts=(
            shows("patients and events in total", "n", "events"),
            shows(BY_LEVEL, "by_level"),
            shows(BY_CODE, "by_level"),
            shows(LEFT_OUT, "missing"),
        ),
        when={
            "terms interact": (shows(BY_CELL, "by_level"),),
            "the strata hold site": (
                shows(SPREADS, "exponents"),
                shows(
                    LIKELIHOOD,
                    "log_likelihood",
                    "score",
                    "information",
                ),
            ),
            "the strata do not hold site": (
                shows("deaths at each step of the time grid by stratum", "deaths"),
                shows(GRID_LENGTH, "lengths"),
                shows(ON_SHARES),
            ),
            "interactions are tested": (
                shows(
                    "log-likelihood, score and information of the main effects alone, at each iteration",
                    "mains_log_likelihood",
                    "mains_score",
                    "mains_information",
                ),
            ),
            "variances are robust": (
                shows(
                    "the products of each site's score, or of each patient's share in it, with itself at the end",
                    "score_products",
                ),
            ),
            "variances are clustered by site": (
                shows("how many sites bear on the coefficients", CONTRIBUTING),
            ),
            "Firth's penalty is asked": (
                shows(
                    "the third moments of the covariates, over all event times, at each iteration",
                    "third_moments",
                ),
            ),
            "proportional hazards are tested": (
                shows(
                    "score and information weighted by the transformed time, and information weighted by its square",
                    "time_score",
                    "time_information",
                    "squared_time_information",
                ),
            ),
            "that test is by km or rank": (
                shows(GRID_LENGTH, "lengths"),
                shows(
                    "patients with an event, and patients censored, at each step of the time grid",
                    "events_by_step",
                    "censored_by_step",
                ),
            ),
            "that test is by km or rank, and the endpoint has an entry": (
                shows(ENTERED, "entered_by_step"),
            ),
            "baseline_hazard is asked": (
                shows("the cumulative baseline hazard and its variance at each of its times"),
            ),
        },
    )

    def problems(self, spec: CoxSpec, study: Study) -> Iterator[str]:
        """Terms that do not fit, and what a model whose risk sets cross sites cannot be."""
        return model_problems(spec, study)

    def uses(self, spec: CoxSpec) -> Uses:
        """Factors, covariates, strata and exposures."""
        return uses_of(spec)

    def cells(self, spec: CoxSpec, study: Study) -> Iterator[Counts]:
        """Patients and events by level, and in each cell of two factors that interact."""
        uses, factors = uses_of(spec), set(spec.factors)
        cohort = cohort_of(spec, complete=(*uses.categories, *uses.numbers))
        pairs = [pair for pair in spec.interaction if factors >= set(pair)]
        return model_counts(study, cohort, spec.endpoint, spec.factors, pairs, spec.causes)

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
        return Request(spec, study, AskSurvey())

    def question(self, travelled: object) -> AskCox:
        """The question, by the keys that it uses."""
        return COX_QUESTION.validate_python(travelled)

    def shapes(self, request: CoxRequest) -> Mapping[str, Shape]:
        """Those of the question."""
        return request.state.shapes(request.spec, request.study)

    def summarise(self, patients: Patients, request: CoxRequest) -> Summary:
        """Answer the question."""
        return request.state.summarise(patients, request)

    def next(self, request: CoxRequest, pooled: Summary) -> CoxRequest | CoxResult:
        """What follows from the question."""
        return request.state.after(request, pooled)

    def not_rounded(self, spec: CoxSpec, study: Study) -> Iterator[str]:
        """Keys whose numbers no result shows, and numbers without a public range."""
        return rounded.not_rounded(spec, study)

    def uploads(self, spec: CoxSpec, study: Study, facts: Facts) -> tuple[Counted, ...]:
        """The values of its numbers, and its deaths if risk sets cross sites."""
        return rounded.uploads(spec, study, facts)

    def program(self, spec: CoxSpec, given: Given) -> Program[WithheldAnalysis | ModelsWait]:
        """The model up to its fit."""
        return rounded.program(spec, given)

    def implied(
        self, spec: CoxSpec, given: Given, result: CoxResult | WithheldAnalysis
    ) -> Mapping[str, Opened]:
        """What was opened of its counts."""
        return rounded.implied(spec, given, result)

    def fitted_rounded(
        self, spec: CoxSpec, study: Study, waits: ModelsWait, fits: Fits
    ) -> CoxResult:
        """The fitted model as it is released."""
        return rounded.fitted(spec, study, waits.models[""], fits)

    def fitted(self, request: CoxRequest, fits: Fits) -> CoxResult:
        """The fitted model of one that waits, from its fits on shares. Run by the centre."""
        return blind_result(request, fits_of_model(fits))

    def blind(self) -> BlindCox:
        """Deaths are counted, and the model is computed from them."""
        return BlindCox()

    def rests_on(self, spec: CoxSpec, study: Study) -> tuple[str, ...]:
        """Sums that a site must have checked before it answers: total events, spreads, lengths, counts per step, contributing sites."""
        crosses = spec.crosses_sites(study.sites)
        return (
            EVENTS,
            *(() if crosses else (EXPONENTS,)),
            *((LENGTHS,) if crosses or spec.counts_times else ()),
            *steps_rested_on(spec, study),
            *((CONTRIBUTING,) if spec.counts_sites else ()),
        )

    def require_grounds(self, request: CoxRequest) -> None:
        """Those of the question."""
        request.state.require_grounds(request)

    def asked_at_most(self, spec: CoxSpec, study: Study) -> Mapping[str, int]:
        """An evaluation once for all coefficients that Newton's method tries; cases of a blind model again with its deaths."""
        found = columns(spec.terms, spec.interaction, study)
        p, q = len(found), len(main_effects(found))
        evaluated = [*likelihood_shapes(p), *likelihood_shapes(q, MAINS), THIRD_MOMENTS]
        cases = case_shapes(spec, study) if spec.crosses_sites(study.sites) else {}
        return dict.fromkeys(evaluated, evaluated_at_most(spec)) | dict.fromkeys(cases, 2)

    def needs_events(self, request: CoxRequest) -> int | None:
        """The model's coefficients, in every question after the survey."""
        if not request.state.needs_events:
            return None
        spec = request.spec
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
        return isinstance(request.state, AskDeaths)

    def waits(self, request: CoxRequest) -> bool:
        """Whether the deaths were counted."""
        return isinstance(request.state, Waiting)

    def questions(self, request: CoxRequest, pooled: Summary) -> Mapping[str, BlindQuestion]:
        """The model, and its main effects alone where the plan compares them."""
        return blind_questions(request, pooled)

    def rounded_questions(
        self, request: CoxRequest, facts: Facts, counts: ModelCounts
    ) -> Mapping[str, RoundedQuestion]:
        """The same where few digits are opened and deaths are hidden."""
        return rounded.questions(request.spec, request.study, facts, counts)

    def cohort(self, patients: Patients, request: CoxRequest) -> BlindCohort:
        """The patients with all columns of the design."""
        return blind_cohort(patients, request)
