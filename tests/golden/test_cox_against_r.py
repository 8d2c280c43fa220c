"""Cox fits equal R's coxph: at the maximum to rounding, and where R's own rule stops."""

from __future__ import annotations

import math

import numpy as np

from riskset_common.survival.arrays.distributions import chi_square_sf, normal_p_value
from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start
from riskset_common.survival.tests.wald import wald_test


def same(expected, actual, rel=1e-9, absolute=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rel, atol=absolute)


def patients_of(reference, design):
    """Time, event, entry and stratum of the patients of an analysis, and its columns with R's names."""
    spec = reference.spec
    used = [term["col"] for term in spec["terms"] if term["type"] != "interaction"]
    strata = spec["strata"] or []
    # R left out patients without the cluster variable even where it changes nothing else.
    cluster = [spec["cluster"]] if spec.get("cluster") else []
    patients = reference.patients(reference.response() + used + strata + cluster)
    columns = design(spec["terms"], patients)
    time, event, entry = reference.times(patients)
    stratum = np.unique(patients.labels(strata, "\t"), return_inverse=True)[1]

    assert reference.result["n_used"] == len(time)
    assert reference.result["n_event"] == event.sum()
    assert reference.result["coef_names"] == columns.names
    return (time, event, entry, stratum), columns


def prepared(reference, design):
    """The design of an analysis and its columns with R's names."""
    (time, event, entry, stratum), columns = patients_of(reference, design)
    return prepare(time, event, entry, columns.x, stratum, reference.spec["ties"]), columns


def fitted(prepared_design, n_columns, convergence, max_iterations):
    state: NewtonState | CoxFit = start(n_columns, convergence, max_iterations)
    while isinstance(state, NewtonState):
        state = advance(state, cox_sums(prepared_design, np.array(state.beta)))
    return state


def check_chi_square(expected, statistic, df):
    # The statistic is the difference of log-likelihoods of some thousands at most.
    assert expected["df"] == df
    same(expected["stat"], statistic, absolute=1e-10)
    same(expected["p"], chi_square_sf(statistic, df), rel=1e-7, absolute=1e-300)


def test_score_and_information_at_zero_are_rs(cox, design, as_numbers):
    ready, columns = prepared(cox, design)
    expected = cox.result["at_zero"]
    index = as_numbers(expected["index"]).astype(int) - 1
    sums = cox_sums(ready, np.zeros(len(columns.names)))
    information = as_numbers(expected["info"])
    scale = np.sqrt(np.diag(information))

    same(cox.result["loglik_null"], sums.log_likelihood, rel=1e-12)
    same(as_numbers(expected["score"]) / scale, sums.score[index] / scale, absolute=1e-10)
    same(
        information / np.outer(scale, scale),
        sums.information[np.ix_(index, index)] / np.outer(scale, scale),
        absolute=1e-9,
    )


def test_the_fit_is_rs_maximum(cox, design, as_numbers):
    ready, columns = prepared(cox, design)
    check_fit(cox.result, fitted(ready, len(columns.names), "tight", 60), columns, as_numbers)


def check_fit(expected, fit, columns, as_numbers):
    """All that R prints of a fit at the maximum."""
    assert fit.converged
    assert expected["aliased"] == fit.aliased.tolist()
    same(expected["loglik_null"], fit.log_likelihood_null, rel=1e-12)
    check_chi_square(expected["score"], fit.score_statistic, fit.df)
    if expected["monotone_likelihood"]:
        check_monotone(expected, fit, as_numbers)
        return
    assert not fit.monotone.any()
    kept = ~fit.aliased
    naive = as_numbers(expected["naive_var"] or expected["var"])[np.ix_(kept, kept)]
    std_err = np.sqrt(np.diag(naive))
    same(as_numbers(expected["coef"])[kept] / std_err, fit.coef[kept] / std_err, absolute=1e-9)
    same(std_err, fit.std_err[kept])
    scale = np.outer(std_err, std_err)
    same(naive / scale, fit.covariance[np.ix_(kept, kept)] / scale, absolute=1e-9)
    same(expected["loglik"], fit.log_likelihood, rel=1e-12)
    check_chi_square(expected["lr"], fit.likelihood_ratio, fit.df)
    if expected["naive_var"] is None:
        # With a cluster variable R's Wald tests rest on the robust variance.
        check_chi_square(expected["wald"], fit.wald_statistic, fit.df)
        same(
            as_numbers(expected["p"]),
            [normal_p_value(z) if math.isfinite(z) else z for z in fit.coef / fit.std_err],
            rel=1e-7,
        )
        for term in expected["term_wald"]:
            found = wald_test(fit.coef, fit.covariance, columns.terms[term["term"]])
            check_chi_square({"stat": 0, "p": 1, **term}, found.statistic, found.df)


def check_monotone(expected, fit, as_numbers):
    """The infinite coefficients are named; all that is finite is compared."""
    coef, std_err = as_numbers(expected["coef"]), as_numbers(expected["se"])

    assert fit.monotone.any()
    assert np.all(np.abs(coef[fit.monotone]) > 10)
    finite = ~fit.monotone
    same((coef / std_err)[finite], (fit.coef / std_err)[finite], absolute=1e-6)
    same(expected["loglik"], fit.log_likelihood, rel=1e-9)
    check_chi_square(expected["lr"], fit.likelihood_ratio, fit.df)


def test_rs_rule_of_convergence_gives_rs_default_fit(cox, design, as_numbers):
    ready, columns = prepared(cox, design)
    fit = fitted(ready, len(columns.names), "r", 20)
    expected = cox.result["default_control"]

    assert fit.converged
    assert expected["iter"] == fit.iterations
    assert cox.result["monotone_likelihood"] == fit.monotone.any()
    same(expected["loglik"], fit.log_likelihood, rel=1e-12)
    same(expected["score"], fit.score_statistic)
    finite = ~fit.monotone & ~fit.aliased
    same(
        (as_numbers(expected["coef"]) / fit.std_err)[finite],
        (fit.coef / fit.std_err)[finite],
        absolute=1e-10,
    )
    if cox.result["naive_var"] is None:
        same(as_numbers(expected["se"])[finite], fit.std_err[finite])
