"""The optimiser between two rounds: the maximum, aliased and monotone columns, halved steps, and states that survive JSON."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.regression.cox import CoxSums, cox_sums, prepare
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start


def fit(sums_at, n_columns, convergence="tight", max_iterations=40, **tolerances):
    """The fit, and the states on the way to it."""
    states = [start(n_columns, convergence, max_iterations, **tolerances)]
    while True:
        state = advance(states[-1], sums_at(np.array(states[-1].beta)))
        if isinstance(state, CoxFit):
            return state, states
        states.append(state)


def likelihood(patients, x=None):
    """The sums of these patients as a function of the coefficients."""
    design = prepare(
        patients.time,
        patients.event,
        patients.entry,
        patients.x if x is None else x,
        patients.stratum,
        "efron",
    )
    return lambda beta: cox_sums(design, beta)


def dying_in_order(x):
    """Patients who die one after the other."""
    n = len(x)
    design = prepare(
        np.arange(n), np.ones(n, dtype=bool), None, x, np.zeros(n, dtype=np.int64), "efron"
    )
    return lambda beta: cox_sums(design, beta)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_the_fit_is_where_the_score_vanishes(cohort, seed, left_truncated):
    patients = cohort(seed, 120, 3, n_times=40, n_strata=2, left_truncated=left_truncated)
    sums_at = likelihood(patients)
    found, _ = fit(sums_at, 3)
    sums = sums_at(found.coef)

    assert found.converged
    np.testing.assert_allclose(sums.score * found.std_err, 0, atol=1e-9)
    np.testing.assert_allclose(found.covariance @ sums.information, np.eye(3), atol=1e-8)
    assert sums.log_likelihood == pytest.approx(found.log_likelihood, rel=1e-12)
    assert 2 * (found.log_likelihood - found.log_likelihood_null) == found.likelihood_ratio
    assert found.coef @ sums.information @ found.coef == pytest.approx(
        found.wald_statistic, rel=1e-7
    )


def test_the_units_of_the_columns_do_not_matter(cohort):
    patients = cohort(1, 150, 3)
    scale = np.array([1e-9, 1.0, 1e9])
    plain, _ = fit(likelihood(patients), 3)
    scaled, _ = fit(likelihood(patients, patients.x * scale), 3)

    np.testing.assert_allclose(scaled.coef * scale, plain.coef, rtol=1e-10)
    np.testing.assert_allclose(scaled.std_err * scale, plain.std_err, rtol=1e-10)
    assert plain.score_statistic == pytest.approx(scaled.score_statistic, rel=1e-11)
    assert plain.wald_statistic == pytest.approx(scaled.wald_statistic, rel=1e-10)


@pytest.mark.parametrize("convergence", ["tight", "r"])
def test_constant_and_spanned_columns_are_aliased(cohort, convergence):
    patients = cohort(2, 100, 2)
    a, b = patients.x.T
    x = np.column_stack((np.full(100, 0.1), a, 1e6 * a + 5, b, 2 * a - 3 * b))
    found, _ = fit(likelihood(patients, x), 5, convergence)
    plain, _ = fit(likelihood(patients), 2, convergence)
    kept = [1, 3]

    assert [True, False, True, False, True] == found.aliased.tolist()
    assert [True, False, True, False, True] == np.isnan(found.coef).tolist()
    assert [True, False, True, False, True] == np.isnan(found.std_err).tolist()
    np.testing.assert_allclose(found.coef[kept], plain.coef, rtol=1e-10)
    np.testing.assert_allclose(found.covariance[np.ix_(kept, kept)], plain.covariance, rtol=1e-10)
    assert (2, 0, plain.iterations) == (found.df, found.monotone.sum(), found.iterations)
    assert plain.score_statistic == pytest.approx(found.score_statistic, rel=1e-10)


@pytest.mark.parametrize("convergence", ["tight", "r"])
@pytest.mark.parametrize("p", [0, 2])
def test_without_any_informative_column_the_null_model_is_the_fit(cohort, convergence, p):
    patients = cohort(3, 30, p)
    patients.x[:] = 7.0
    found, states = fit(likelihood(patients), p, convergence)

    assert (0, 0, True, 1) == (found.df, found.iterations, found.converged, len(states))
    assert found.log_likelihood_null == found.log_likelihood
    assert (0.0, 0.0, 0.0) == (
        found.score_statistic,
        found.wald_statistic,
        found.likelihood_ratio,
    )


@pytest.mark.parametrize("convergence", ["tight", "r"])
def test_a_group_without_events_has_a_monotone_likelihood(cohort, convergence):
    patients = cohort(4, 100, 2)
    patients.x[:, 1] = np.arange(100) < 15
    spared = dataclasses.replace(patients, event=patients.event & (patients.x[:, 1] == 0))
    found, _ = fit(likelihood(spared), 2, convergence, 20)
    others = spared.rows(spared.x[:, 1] == 0)
    rest, _ = fit(likelihood(others, others.x[:, :1]), 1, convergence)

    assert [False, True] == found.monotone.tolist()
    assert found.converged
    assert found.coef[1] < -10
    # With the coefficient at minus infinity the group is not at risk at all.
    assert rest.coef[0] == pytest.approx(found.coef[0], rel=1e-6)
    assert rest.log_likelihood == pytest.approx(found.log_likelihood, rel=1e-8)


def test_a_likelihood_that_approaches_certainty_is_monotone():
    # Whoever has the larger x dies first, always: the log-likelihood goes to 0 from below.
    found, _ = fit(dying_in_order(np.arange(6.0, 0.0, -1.0)[:, None]), 1)

    assert [True] == found.monotone.tolist()
    assert found.converged


def test_rs_rule_runs_out_of_iterations_there_as_r_does():
    found, _ = fit(dying_in_order(np.arange(6.0, 0.0, -1.0)[:, None]), 1, "r", 20)

    assert ([True], False, 20) == (found.monotone.tolist(), found.converged, found.iterations)


def test_a_fit_that_needs_more_iterations_says_so(cohort):
    found, _ = fit(likelihood(cohort(5, 100, 2)), 2, "tight", 1)

    assert (False, 1) == (found.converged, found.iterations)
    assert not found.monotone.any()


def outlying():
    """Covariates of extreme size send the first step far over the maximum."""
    rng = np.random.default_rng(4)
    x = np.exp(2.5 * rng.normal(size=(30, 1)))
    time, event = rng.permutation(30), rng.random(30) < 0.7
    design = prepare(time, event, None, x, np.zeros(30, dtype=np.int64), "efron")
    return lambda beta: cox_sums(design, beta)


@pytest.mark.parametrize("convergence", ["tight", "r"])
def test_a_step_that_lowers_the_likelihood_is_halved(convergence):
    sums_at = outlying()
    found, states = fit(sums_at, 1, convergence)

    assert any(state.halving for state in states)
    assert found.converged
    assert 0 == pytest.approx(float(sums_at(found.coef).score[0] * found.std_err[0]), abs=1e-4)
    assert found.log_likelihood > found.log_likelihood_null


def test_a_step_that_leads_out_of_reach_is_halved():
    sums = CoxSums(-1.0, np.array([10.0, -10.0]), np.eye(2))
    far = advance(start(2, "tight", 20), sums)
    near = advance(start(2, "tight", 20, reach=6.0), sums)

    assert isinstance(far, NewtonState)
    assert isinstance(near, NewtonState)
    assert (10.0, -10.0) == far.beta
    assert (2.5, -2.5) == near.beta


def test_sums_that_are_not_finite_halve_the_step(cohort):
    sums_at = likelihood(cohort(6, 80, 1))
    first = advance(start(1, "tight", 20), sums_at(np.zeros(1)))

    assert isinstance(first, NewtonState)

    broken = CoxSums(np.nan, np.array([np.nan]), np.array([[np.inf]]))
    second = advance(first, broken)

    assert isinstance(second, NewtonState)
    assert second.halving
    assert first.beta[0] / 2 == second.beta[0]


def test_sums_that_are_never_finite_end_without_a_fit(cohort):
    sums_at = likelihood(cohort(6, 80, 1))
    broken = CoxSums(np.nan, np.array([np.nan]), np.array([[np.nan]]))
    found, _ = fit(lambda beta: sums_at(beta) if beta[0] == 0 else broken, 1, "tight", 3)

    assert (False, 3) == (found.converged, found.iterations)
    assert np.isnan(found.std_err[0])


def test_rounded_sums_converge_to_their_rounding(cohort):
    sums_at = likelihood(cohort(7, 150, 2))
    exact, _ = fit(sums_at, 2)

    def rounded(beta):
        # The rounding depends on the coefficients, as that of encoded sums does.
        sums = sums_at(beta)
        noise = 2.0**-26 * np.sin(1e9 * (1 + beta))
        return CoxSums(sums.log_likelihood, sums.score + noise, sums.information)

    found, _ = fit(rounded, 2)

    assert found.converged
    assert found.iterations <= exact.iterations + 3
    np.testing.assert_allclose(found.coef, exact.coef, atol=1e-8)


def test_a_floor_above_the_rounding_finds_columns_without_information(cohort):
    sums_at = likelihood(cohort(8, 80, 1))

    def with_empty_column(beta):
        sums = sums_at(beta[:1])
        information = np.array([[sums.information[0, 0], 0.0], [0.0, 2.0**-40]])
        return CoxSums(sums.log_likelihood, np.append(sums.score, 2.0**-42), information)

    found, _ = fit(with_empty_column, 2, floor=2.0**-36)

    assert [False, True] == found.aliased.tolist()


def test_a_column_that_loses_all_information_has_run_away():
    def sums_at(beta):
        # One column with its maximum at 1, one whose information is gone after the first step.
        gone = beta[1] != 0
        information = np.diag([1.0, 0.0 if gone else 1.0])
        score = np.array([1.0 - beta[0], 0.0 if gone else 50.0])
        return CoxSums(-100 - (1 - beta[0]) ** 2 / 2 + 50 * gone, score, information)

    found, _ = fit(sums_at, 2)

    assert [False, True] == found.monotone.tolist()
    assert np.isnan(found.std_err[1])
    assert 1.0 == found.coef[0]


def test_a_null_model_that_is_not_finite_has_no_fit():
    broken = CoxSums(np.nan, np.zeros(1), np.zeros((1, 1)))
    with pytest.raises(EstimationError, match="coefficients of 0"):
        advance(start(1, "tight", 20), broken)


def test_sums_of_another_shape_are_refused():
    with pytest.raises(EstimationError, match=r"Sums for 2 coefficients .* \(1,\)"):
        advance(start(2, "tight", 20), CoxSums(0.0, np.zeros(1), np.zeros((1, 1))))


def test_a_start_that_makes_no_sense_is_refused():
    with pytest.raises(EstimationError, match="'loose' was asked"):
        start(1, "loose", 20)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(EstimationError, match="found 0"):
        start(1, "r", 0)


def separated_beside_an_effect(seed, n=20):
    """An effect, and a score by which whoever dies first has most: it empties each risk set of what could tell the effect."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 2, n).astype(float)
    return np.column_stack([x, np.linspace(1, 0, n)])


@pytest.mark.parametrize("convergence", ["tight", "r"])
@pytest.mark.parametrize("seed", range(5))
def test_an_effect_that_nothing_is_left_to_tell_has_no_finite_estimate(seed, convergence):
    x = separated_beside_an_effect(seed)
    found, _ = fit(dying_in_order(x), 2, convergence)

    assert [True, True] == found.monotone.tolist()
    assert not found.aliased.any()


def test_sums_that_overflow_end_without_a_word_of_numpy():
    found, _ = fit(dying_in_order(separated_beside_an_effect(1, n=60)), 2)

    assert not found.converged
    assert found.monotone.all()


def test_an_effect_that_the_other_risk_sets_tell_keeps_its_estimate():
    x = separated_beside_an_effect(3, n=12)
    # Half of the patients have no score, and die afterwards.
    more = np.column_stack([np.resize([0.0, 1.0, 1.0, 0.0, 1.0], 40), np.zeros(40)])
    # The last of the others has a score of 0, too.
    alone, _ = fit(dying_in_order(np.vstack([x[-1:], more])[:, :1]), 1)
    found, _ = fit(dying_in_order(np.vstack([x, more])), 2)

    assert [False, True] == found.monotone.tolist()
    assert alone.coef[0] == pytest.approx(found.coef[0], abs=1e-6)
    assert alone.std_err[0] == pytest.approx(found.std_err[0], rel=1e-6)


def test_one_event_among_very_many_is_information_enough():
    n = 100_000
    x = np.resize([0.0, 1.0], n)
    event = x == 0
    event[1] = True
    design = prepare(np.full(n, 1), event, None, x[:, None], np.zeros(n, np.int64), "breslow")
    found, states = fit(lambda beta: cox_sums(design, beta), 1)

    assert found.std_err[0] ** 2 > 1e4 * states[-1].variance_null[0]
    assert not found.monotone.any()
    assert found.coef[0] == pytest.approx(-np.log(n / 2), rel=1e-9)
