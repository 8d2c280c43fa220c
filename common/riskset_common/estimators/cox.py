"""Cox proportional hazards regression stratified by site: score, information and log-likelihood are sums over the sites.

A risk set of such a model lies within one site, so a site can compute its share of the partial likelihood alone, and only one
number, one vector and one symmetric matrix leave it in a round. The pooled fit is exactly `coxph(... + strata(site))` on the
pooled patients (Cox 1972; stratified partial likelihood: Kalbfleisch and Prentice 2002, section 4.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.causes import OneCauseSpec, cause_specific_times
from riskset_common.estimators.cox_result import CoxResult, Survey, result
from riskset_common.estimators.estimator import (
    Names,
    Request,
    Shape,
    State,
    Summary,
    analysed,
    counts,
    one,
    reals,
    twice,
)
from riskset_common.estimators.grouping import group_codes
from riskset_common.estimators.terms import Term, columns, design, term_problems
from riskset_common.patients import Patients, Reals
from riskset_common.study import Study
from riskset_common.survival.cox import CoxDesign, CoxSums, cox_sums, prepare
from riskset_common.survival.newton import CoxFit, NewtonState, advance, start

SMALLEST_EXPONENT = -64
"""A column whose spread is below 2^-64 is scaled as if it were 2^-64."""
N_EXPONENTS = 128


Exponent = Annotated[int, Field(ge=SMALLEST_EXPONENT, lt=SMALLEST_EXPONENT + N_EXPONENTS)]


def _pair_or_pairs(value: Any) -> Any:
    return (
        [value]
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], str)
        else value
    )


class CoxSpec(OneCauseSpec):
    """A Cox model as the plan writes it."""

    kind: Literal["cox"]
    endpoint: str
    terms: tuple[Term, ...] = Field(min_length=1)
    interaction: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pair_or_pairs)] = ()
    strata: Names = ()
    ties: Literal["efron", "breslow"] | None = None
    convergence: Literal["tight", "r"] = "tight"
    max_iterations: int | None = Field(default=None, ge=1, le=100)
    missing: Literal["complete_case"] = "complete_case"
    test: Literal["wald", "score", "likelihood_ratio"] = "wald"
    level: float = Field(default=0.95, gt=0, lt=1)

    def categories(self) -> tuple[str, ...]:
        """Factors and strata."""
        return (*(term.factor for term in self.terms if term.factor is not None), *self.strata)

    def numbers(self) -> tuple[str, ...]:
        """Covariates."""
        return tuple(term.number for term in self.terms if term.number is not None)

    def opened_by(self, study: Study) -> tuple[str, ...]:
        """Factors: patients and events are counted by their levels. Strata show in no sum."""
        return tuple(term.factor for term in self.terms if term.factor is not None)

    def problems(self, study: Study) -> Sequence[str]:
        """Terms that do not fit, and a model whose risk sets would cross sites."""
        return [
            *twice("strata", self.strata),
            *term_problems(self.terms, self.interaction, study),
            *self._strata_problems(study),
        ]

    def _strata_problems(self, study: Study) -> Iterator[str]:
        if "site" in self.strata or (
            "study_group" in self.strata and (study.one_site_a_group or not study.sites)
        ):
            return
        yield (
            "strata must hold site (or study_group where each site is a group of its own), so that every risk set lies within "
            f"one site; found {', '.join(self.strata) or 'none'}. This release opens no sum over a risk set of several sites, "
            "because patients can be read back from it. Write strata: [site]."
        )

    def tie_method(self, study: Study) -> Literal["efron", "breslow"]:
        """Ties as the analysis says, else as the plan's conventions say (R: Efron, SAS: Breslow)."""
        return self.ties or ("efron" if study.plan.conventions == "r" else "breslow")

    def iterations_at_most(self) -> int:
        """Newton steps at most: R's 20 under its stopping rule, 40 for the tight one."""
        return self.max_iterations or (20 if self.convergence == "r" else 40)


class AskCox(State):
    """First a survey (how many, and the magnitude of each column), then the likelihood at scaled coefficients `beta`.

    `exponent` holds, for each column, the power of two that brings its spread within a site's stratum below one. Powers of two
    cost no digit, and keep score and information within the range of the secure sum whatever the covariates' units are.
    """

    exponent: Annotated[tuple[Exponent, ...], Field(strict=False)] | None = None
    beta: Annotated[tuple[float, ...], Field(strict=False)] = ()
    events: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _survey_or_likelihood(self) -> Self:
        if self.exponent is None and (self.beta or self.events is not None):
            raise ValueError("a survey is asked before there are coefficients.")
        return self


@dataclass(frozen=True)
class CoxMemory:
    """What the centre keeps between the rounds of one model."""

    survey: Survey
    newton: NewtonState


CoxRequest = Request[CoxSpec, AskCox]


class Cox:
    """Cox regression with site strata, by Newton's method over rounds."""

    kind = "cox"
    spec = CoxSpec
    state = AskCox
    discloses = (
        "patients and events in total and by level of each factor; patients left out because a value is missing; how many sites "
        "need each power of two to hold a covariate; log-likelihood, score and information of the whole model at each iteration; "
        "all summed over the sites"
    )

    def first(self, spec: CoxSpec, study: Study) -> CoxRequest:
        """Ask how many patients and events there are, and how wide each column is."""
        return Request(spec, study, AskCox())

    def shapes(self, request: CoxRequest) -> Mapping[str, Shape]:
        """A survey of counts, or log-likelihood, score (p,) and the upper triangle of the information."""
        found = columns(request.spec.terms, request.spec.interaction, request.study)
        if request.state.exponent is None:
            factors = [term.factor for term in request.spec.terms if term.factor is not None]
            levels = sum(len(request.study.levels(name)) for name in factors)
            return {
                "missing": counts(),
                "n": counts(),
                "events": counts(),
                "by_level": counts(2, levels),
                "exponents": counts(len(found), N_EXPONENTS),
            }
        p = len(found)
        _refuse_unless_columns(p, request.state)
        return {
            "log_likelihood": reals(),
            "score": reals(p),
            "information": reals(p * (p + 1) // 2),
        }

    def summarise(self, patients: Patients, request: CoxRequest) -> Summary:
        """This site's share of the survey, or of the likelihood."""
        if request.state.exponent is None:
            return _survey(patients, request)
        prepared = patients.keep(
            ("cox", request.spec.id, request.state.exponent),
            lambda: _prepare(patients, request, request.state.exponent or ()),
        )
        sums = cox_sums(prepared, np.asarray(request.state.beta, dtype=np.float64))
        upper = np.triu_indices(len(request.state.beta))
        return {
            "log_likelihood": one(sums.log_likelihood),
            "score": sums.score,
            "information": sums.information[upper],
        }

    def next(self, request: CoxRequest, pooled: Summary) -> CoxRequest | CoxResult:
        """The next coefficients to ask about, or the fitted model."""
        if request.state.exponent is None:
            survey = _read_survey(request, pooled)
            newton = start(
                len(survey.columns), request.spec.convergence, request.spec.iterations_at_most()
            )
            memory = CoxMemory(survey, newton)
        else:
            memory = request.memory
            reached = advance(memory.newton, _sums(pooled, len(request.state.beta)))
            if isinstance(reached, CoxFit):
                return result(request.spec, request.study, memory.survey, reached)
            memory = CoxMemory(memory.survey, reached)
        asked = AskCox(
            exponent=memory.survey.exponent,
            beta=memory.newton.beta,
            events=memory.survey.events,
        )
        return Request(request.spec, request.study, asked, memory)


def _refuse_unless_columns(p: int, asked: AskCox) -> None:
    if not p == len(asked.exponent or ()) == len(asked.beta):
        raise ProtocolRefusal(
            f"The round asks a model of {p} columns at {len(asked.beta)} coefficients with {len(asked.exponent or ())} scales. "
            "The centre must run this release."
        )


def _survey(patients: Patients, request: CoxRequest) -> Summary:
    study, spec = request.study, request.spec
    cohort = analysed(patients, request)
    event = cause_specific_times(cohort.patients, study, spec).event > 0
    by_level: list[NDArray[np.int64]] = []
    for term in spec.terms:
        if term.factor is not None:
            level = cohort.patients.categories[term.factor]
            n_levels = len(study.levels(term.factor))
            by_level.append(
                np.stack(
                    [
                        np.bincount(level, minlength=n_levels),
                        np.bincount(level[event], minlength=n_levels),
                    ]
                )
            )
    found = columns(spec.terms, spec.interaction, study)
    return {
        "missing": one(cohort.missing),
        "n": one(cohort.patients.n),
        "events": one(int(np.count_nonzero(event))),
        "by_level": np.concatenate(by_level, axis=1)
        if by_level
        else np.zeros((2, 0), dtype=np.int64),
        "exponents": _exponents(design(found, cohort.patients, study)),
    }


def _exponents(x: Reals) -> NDArray[np.int64]:
    """One in the place of the power of two that exceeds each column's spread at this site; nothing for a constant column."""
    marks = np.zeros((x.shape[1], N_EXPONENTS), dtype=np.int64)
    if x.shape[0] == 0:
        return marks
    spread = x.max(axis=0) - x.min(axis=0)
    place = np.clip(np.frexp(spread)[1] - SMALLEST_EXPONENT, 0, N_EXPONENTS - 1)
    varying = np.flatnonzero(spread > 0)
    marks[varying, place[varying]] = 1
    return marks


def _read_survey(request: CoxRequest, pooled: Summary) -> Survey:
    marks = pooled["exponents"] > 0
    highest = N_EXPONENTS - 1 - np.argmax(marks[:, ::-1], axis=1)
    exponent = np.where(marks.any(axis=1), highest + SMALLEST_EXPONENT, 0)
    levels = [
        (term.factor, level)
        for term in request.spec.terms
        if term.factor is not None
        for level in request.study.levels(term.factor)
    ]
    return Survey(
        columns=tuple(columns(request.spec.terms, request.spec.interaction, request.study)),
        exponent=tuple(int(value) for value in exponent),
        n=int(pooled["n"]),
        events=int(pooled["events"]),
        missing=int(pooled["missing"]),
        by_level={
            key: (int(n), int(d)) for key, n, d in zip(levels, *pooled["by_level"], strict=True)
        },
    )


def _prepare(patients: Patients, request: CoxRequest, exponent: tuple[int, ...]) -> CoxDesign:
    study, spec = request.study, request.spec
    cohort = analysed(patients, request).patients
    found = columns(spec.terms, spec.interaction, study)
    x = design(found, cohort, study)
    # The site's own strata: `site` and `study_group` are constant here, so their codes split nothing.
    times = cause_specific_times(cohort, study, spec)
    return prepare(
        time=times.time,
        event=times.event > 0,
        entry=times.entry,
        x=np.ldexp(x, -np.asarray(exponent, dtype=np.int64)),
        stratum=group_codes(study, cohort, spec.strata),
        ties=spec.tie_method(study),
    )


def _sums(pooled: Summary, p: int) -> CoxSums:
    information = np.zeros((p, p), dtype=np.float64)
    upper = np.triu_indices(p)
    information[upper] = pooled["information"]
    information.T[upper] = pooled["information"]
    return CoxSums(
        log_likelihood=float(pooled["log_likelihood"]),
        score=pooled["score"],
        information=information,
    )
