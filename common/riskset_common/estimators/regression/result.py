"""A fitted Cox model as it is printed: coefficients in the covariates' own units, intervals, and tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.terms import Column
from riskset_common.results.regression import (
    CoxResult,
    CoxTerm,
    CoxTests,
    FactorLevel,
    LogLikelihood,
    ProportionalityTest,
    RobustVariance,
)
from riskset_common.results.sequences import real_numbers, real_rows
from riskset_common.results.tests import PrintedTest, printed_test
from riskset_common.study.study import Study
from riskset_common.survival.arrays.distributions import (
    ChiSquareTest,
    normal_p_value,
    normal_quantile,
)
from riskset_common.survival.regression.newton import CoxFit
from riskset_common.survival.regression.sandwich import sandwich
from riskset_common.survival.tests.wald import wald_test

CLUSTERS_ENOUGH = 20
"""Clusters from which on a clustered variance is usually near the truth (Cameron, Gelbach and Miller 2008, Rev Econ Stat 90:414)."""


@dataclass(frozen=True)
class Survey:
    """What the first round of a Cox model shows: its columns, their scale, and how many patients and events it is based on.

    `clusters` are the sites that contribute, where variances are clustered by site.
    """

    columns: tuple[Column, ...]
    exponent: tuple[int, ...]
    n: int
    events: int
    missing: int
    by_level: Mapping[tuple[str, str], tuple[int, int]]
    clusters: int | None = None


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
        robust = RobustVariance(
            clustered_by=spec.robust or "",
            naive_std_err=real_numbers(np.sqrt(np.diag(naive))),
            clusters=survey.clusters,
        )
    covariance = fit.covariance * np.outer(scale, scale)
    return CoxResult(
        kind="cox",
        endpoint=spec.endpoint,
        cause=spec.cause,
        n=survey.n,
        events=survey.events,
        missing=survey.missing,
        ties=spec.tie_method(study),
        strata=spec.strata,
        level=spec.level,
        iterations=fit.iterations,
        convergence=spec.convergence,
        converged=fit.converged,
        terms=_terms(spec, survey, fit, coef, np.sqrt(np.diag(covariance))),
        levels=tuple(
            FactorLevel(term, level, n, events)
            for (term, level), (n, events) in survey.by_level.items()
        ),
        covariance=real_rows(covariance),
        log_likelihood=LogLikelihood(fit.log_likelihood_null, fit.log_likelihood),
        tests=_tests(survey, fit, mains, is_robust=robust is not None),
        warnings=_warnings(survey, fit),
        penalty=spec.penalty,
        offset=spec.offset,
        robust=robust,
        ph_test=ph_test,
        baseline_hazard=None,
    )


def _terms(
    spec: CoxSpec,
    survey: Survey,
    fit: CoxFit,
    coef: NDArray[np.float64],
    std_err: NDArray[np.float64],
) -> tuple[CoxTerm, ...]:
    width = normal_quantile(0.5 + spec.level / 2) * std_err
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        hazard_ratio, lower, upper = np.exp(coef), np.exp(coef - width), np.exp(coef + width)
        z = coef / std_err
    return tuple(
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
    )


def _tests(survey: Survey, fit: CoxFit, mains: CoxFit | None, *, is_robust: bool) -> CoxTests:
    """Tests of the model and of its terms. Robust variances change Wald's, which need more clusters than they test coefficients."""
    whole = {
        "wald": _wald(survey, fit, range(len(fit.coef)))
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
        by_term[term] = printed_test(_wald(survey, fit, chosen))
    if mains is None:
        return CoxTests(terms=by_term, interaction=None, **tested)
    statistic = 2 * (fit.log_likelihood - mains.log_likelihood)
    interaction = printed_test(ChiSquareTest(statistic, fit.df - mains.df))
    return CoxTests(terms=by_term, interaction=interaction, **tested)


def _wald(survey: Survey, fit: CoxFit, chosen: Sequence[int]) -> ChiSquareTest:
    """Wald's test of some coefficients; none where a clustered variance has no more clusters than these, which would span it."""
    estimated = int(np.count_nonzero(np.isfinite(fit.coef[list(chosen)])))
    if survey.clusters is not None and survey.clusters <= estimated:
        return ChiSquareTest(math.nan, estimated)
    return wald_test(fit.coef, fit.covariance, chosen)


def _warnings(survey: Survey, fit: CoxFit) -> tuple[str, ...]:
    warnings: list[str] = []
    aliased, monotone = _names(survey, fit.aliased), _names(survey, fit.monotone)
    if survey.events == 0:
        warnings.append("There is no event, so that no coefficient can be estimated.")
    elif aliased:
        warnings.append(
            f"No coefficient for {aliased}: constant, or a combination of earlier terms, within every stratum."
        )
    if monotone:
        warnings.append(
            f"The likelihood is monotone in {monotone}: the estimate runs to infinity, or risk sets that others have emptied "
            "hold nothing more to tell it by; its coefficient, standard error and interval mean nothing. The likelihood-ratio and score "
            "tests hold. "
            "With strata that hold site, Firth's penalty (`penalty: firth`) gives finite estimates."
        )
    if survey.clusters is not None and survey.clusters < CLUSTERS_ENOUGH:
        warnings.append(
            f"Standard errors are clustered by the {survey.clusters} sites that bear on the coefficients. With fewer than "
            f"{CLUSTERS_ENOUGH} they tend to be too small, and P values with them."
        )
    if not fit.converged:
        warnings.append(
            f"The fit did not converge in {fit.iterations} iterations; do not use its estimates."
        )
    return tuple(warnings)


def _names(survey: Survey, chosen: NDArray[np.bool_]) -> str:
    return ", ".join(
        column.term if column.level is None else f"{column.term} = {column.level}"
        for column, flag in zip(survey.columns, chosen, strict=True)
        if flag
    )
