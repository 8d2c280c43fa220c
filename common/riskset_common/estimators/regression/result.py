"""A fitted Cox model as it is printed: coefficients in the covariates' own units, intervals, and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.regression.baseline_hazard import PrintedHazard
from riskset_common.estimators.regression.proportionality import ProportionalityTest
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.terms import Column
from riskset_common.results.as_json import WHEN_ASKED, PrintedTest, printed_test
from riskset_common.study.study import Study
from riskset_common.survival.arrays.distributions import (
    ChiSquareTest,
    normal_p_value,
    normal_quantile,
)
from riskset_common.survival.regression.newton import CoxFit
from riskset_common.survival.regression.sandwich import sandwich
from riskset_common.survival.tests.wald import wald_test


@dataclass(frozen=True)
class Survey:
    """What the first round of a Cox model shows: its columns, their scale, and how many patients and events stand behind them."""

    columns: tuple[Column, ...]
    exponent: tuple[int, ...]
    n: int
    events: int
    missing: int
    by_level: Mapping[tuple[str, str], tuple[int, int]]


@dataclass(frozen=True)
class CoxTerm:
    """One coefficient. NaN where the column is aliased (constant, or a combination of earlier ones, within every stratum)."""

    term: str
    level: str | None
    reference: str | None
    coef: float
    std_err: float
    hazard_ratio: float
    lower: float
    upper: float
    z: float
    p_value: float
    aliased: bool
    monotone: bool


@dataclass(frozen=True)
class FactorLevel:
    """Patients and events behind a level of a factor, of a number with two codes, or behind a cell `x:y` of an interaction `a:b`."""

    term: str
    level: str
    n: int
    events: int


@dataclass(frozen=True)
class LogLikelihood:
    """The log partial likelihood at coefficients of zero, and at the maximum."""

    null: float
    fitted: float


@dataclass(frozen=True)
class CoxTests:
    """Tests of the whole model, Wald tests of each term over all its levels, and the likelihood-ratio test of all interactions."""

    wald: PrintedTest
    score: PrintedTest
    likelihood_ratio: PrintedTest
    terms: Mapping[str, PrintedTest]
    interaction: PrintedTest | None = field(default=None, metadata=WHEN_ASKED)


@dataclass(frozen=True)
class RobustVariance:
    """By what the variances are clustered, and the standard errors that the information alone gives, in the order of the terms."""

    clustered_by: str
    naive_std_err: NDArray[np.float64]


@dataclass(frozen=True)
class CoxResult:
    """A fitted Cox model. `covariance` has shape (n_terms, n_terms), in the order of `terms`."""

    kind: str
    endpoint: str
    cause: str | None = field(metadata=WHEN_ASKED)
    n: int
    events: int
    missing: int
    ties: str
    strata: list[str]
    level: float
    iterations: int
    convergence: str
    converged: bool
    terms: list[CoxTerm]
    levels: list[FactorLevel]
    covariance: NDArray[np.float64]
    log_likelihood: LogLikelihood
    tests: CoxTests
    warnings: list[str]
    penalty: str | None = field(default=None, metadata=WHEN_ASKED)
    offset: str | None = field(default=None, metadata=WHEN_ASKED)
    robust: RobustVariance | None = field(default=None, metadata=WHEN_ASKED)
    ph_test: ProportionalityTest | None = field(default=None, metadata=WHEN_ASKED)
    baseline_hazard: PrintedHazard | None = field(default=None, metadata=WHEN_ASKED)


def result(
    spec: CoxSpec,
    study: Study,
    survey: Survey,
    fit: CoxFit,
    score_products: NDArray[np.float64] | None = None,
    mains: CoxFit | None = None,
    ph_test: ProportionalityTest | None = None,
) -> CoxResult:
    """Turn a fit of scaled columns into the printed model; with the products of the clusters' scores, under their variance.

    `mains` is the fit without interactions, where their test is asked.
    """
    # x was multiplied by 2^-exponent, so its coefficient is 2^exponent too large; both are exact.
    scale = np.ldexp(1.0, -np.asarray(survey.exponent, dtype=np.int64))
    coef = fit.coef * scale
    naive = fit.covariance * np.outer(scale, scale)
    robust = None
    if score_products is not None:
        clustered = sandwich(fit.covariance, score_products)
        fit = replace(fit, covariance=clustered)
        robust = RobustVariance(spec.robust or "", np.sqrt(np.diag(naive)))
    covariance = fit.covariance * np.outer(scale, scale)
    return CoxResult(
        kind="cox",
        endpoint=spec.endpoint,
        cause=spec.cause,
        n=survey.n,
        events=survey.events,
        missing=survey.missing,
        ties=spec.tie_method(study),
        strata=list(spec.strata),
        level=spec.level,
        iterations=fit.iterations,
        convergence=spec.convergence,
        converged=fit.converged,
        terms=_terms(spec, survey, fit, coef, np.sqrt(np.diag(covariance))),
        levels=[
            FactorLevel(term, level, n, events)
            for (term, level), (n, events) in survey.by_level.items()
        ],
        covariance=covariance,
        log_likelihood=LogLikelihood(fit.log_likelihood_null, fit.log_likelihood),
        tests=_tests(survey, fit, mains, is_robust=robust is not None),
        warnings=_warnings(survey, fit),
        penalty=spec.penalty,
        offset=spec.offset,
        robust=robust,
        ph_test=ph_test,
    )


def _terms(
    spec: CoxSpec,
    survey: Survey,
    fit: CoxFit,
    coef: NDArray[np.float64],
    std_err: NDArray[np.float64],
) -> list[CoxTerm]:
    width = normal_quantile(0.5 + spec.level / 2) * std_err
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        hazard_ratio, lower, upper = np.exp(coef), np.exp(coef - width), np.exp(coef + width)
        z = coef / std_err
    return [
        CoxTerm(
            term=column.term,
            level=column.level,
            reference=column.reference,
            coef=float(coef[index]),
            std_err=float(std_err[index]),
            hazard_ratio=float(hazard_ratio[index]),
            lower=float(lower[index]),
            upper=float(upper[index]),
            z=float(z[index]),
            p_value=normal_p_value(float(z[index])),
            aliased=bool(fit.aliased[index]),
            monotone=bool(fit.monotone[index]),
        )
        for index, column in enumerate(survey.columns)
    ]


def _tests(survey: Survey, fit: CoxFit, mains: CoxFit | None, *, is_robust: bool) -> CoxTests:
    """Tests of the model and of its terms. Robust variances change Wald's, whose rank is at most that of the clusters."""
    whole = {
        "wald": wald_test(fit.coef, fit.covariance)
        if is_robust
        else ChiSquareTest(fit.wald_statistic, fit.df),
        "score": ChiSquareTest(fit.score_statistic, fit.df),
        "likelihood_ratio": ChiSquareTest(fit.likelihood_ratio, fit.df),
    }
    tested = {name: printed_test(test) for name, test in whole.items()}
    by_term: dict[str, PrintedTest] = {}
    for term in dict.fromkeys(column.term for column in survey.columns):
        chosen = [index for index, column in enumerate(survey.columns) if column.term == term]
        # A Wald statistic does not change when coefficients and covariance are scaled together.
        by_term[term] = printed_test(wald_test(fit.coef, fit.covariance, chosen))
    if mains is None:
        return CoxTests(terms=by_term, **tested)
    statistic = 2 * (fit.log_likelihood - mains.log_likelihood)
    interaction = printed_test(ChiSquareTest(statistic, fit.df - mains.df))
    return CoxTests(terms=by_term, interaction=interaction, **tested)


def _warnings(survey: Survey, fit: CoxFit) -> list[str]:
    found: list[str] = []
    aliased, monotone = _names(survey, fit.aliased), _names(survey, fit.monotone)
    if survey.events == 0:
        found.append("There is no event, so that no coefficient can be estimated.")
    elif aliased:
        found.append(
            f"No coefficient for {aliased}: constant, or a combination of earlier terms, within every stratum."
        )
    if monotone:
        found.append(
            f"The likelihood is monotone in {monotone}: the estimate runs to infinity; its coefficient, standard "
            "error and interval mean nothing. The likelihood-ratio and score tests hold. "
            "With strata that hold site, Firth's penalty (`penalty: firth`) gives finite estimates."
        )
    if not fit.converged:
        found.append(
            f"The fit did not converge in {fit.iterations} iterations; do not use its estimates."
        )
    return found


def _names(survey: Survey, chosen: NDArray[np.bool_]) -> str:
    return ", ".join(
        column.term if column.level is None else f"{column.term} = {column.level}"
        for column, flag in zip(survey.columns, chosen, strict=True)
        if flag
    )
