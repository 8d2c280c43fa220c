"""Firth's penalty: its derivatives numerically, and a fit where the likelihood has no maximum."""

from __future__ import annotations

import dataclasses
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.firth import Learnt, learn, n_third, penalised, third_sums
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start

TIES = ["efron", "breslow"]


def prepared(patients, ties):
    return prepare(
        patients.time, patients.event, patients.entry, patients.x, patients.stratum, ties
    )


def fitted(ready, p, most=40):
    state: NewtonState | CoxFit = start(p, "tight", most)
    known = Learnt()
    while isinstance(state, NewtonState):
        beta = np.array(state.beta)
        sums = penalised(cox_sums(ready, beta), third_sums(ready, beta))
        known, curvature = learn(known, state.beta, sums)
        state = advance(state, sums, curvature)
    return state


@given(seed=st.integers(0, 2**32 - 1), left_truncated=st.booleans(), ties=st.sampled_from(TIES))
def test_sums_of_third_order_are_the_derivative_of_the_information(
    cohort, seed, left_truncated, ties
):
    ready = prepared(cohort(seed, 25, 3, n_strata=2, left_truncated=left_truncated), ties)
    beta = np.array([0.2, -0.3, 0.1])
    found: dict[tuple[int, ...], float] = dict(
        zip(combinations_with_replacement(range(3), 3), third_sums(ready, beta), strict=True)
    )
    for t in range(3):
        step = 1e-5 * np.eye(3)[t]
        derivative = (
            cox_sums(ready, beta + step).information - cox_sums(ready, beta - step).information
        ) / 2e-5
        expected = [[found[tuple(sorted((r, s, t)))] for s in range(3)] for r in range(3)]

        np.testing.assert_allclose(derivative, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ties", TIES)
def test_the_penalised_score_is_the_derivative_of_the_penalised_likelihood(cohort, ties):
    ready = prepared(cohort(1, 40, 2, n_strata=2), ties)

    def at(beta):
        return penalised(cox_sums(ready, beta), third_sums(ready, beta))

    beta = np.array([0.4, -0.2])
    for t in range(2):
        step = 1e-5 * np.eye(2)[t]
        slope = (at(beta + step).log_likelihood - at(beta - step).log_likelihood) / 2e-5

        assert slope == pytest.approx(at(beta).score[t], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("ties", TIES)
def test_a_monotone_likelihood_has_a_finite_maximum_under_the_penalty(cohort, ties):
    patients = cohort(2, 60, 2)
    patients.x[:, 1] = np.where(patients.event, 0.0, patients.x[:, 1] > 0)
    fit = fitted(prepared(patients, ties), 2)

    assert fit.converged
    assert not fit.monotone.any()
    assert np.all(np.abs(fit.coef) < 10)
    sums = cox_sums(prepared(patients, ties), fit.coef)
    np.testing.assert_allclose(
        penalised(sums, third_sums(prepared(patients, ties), fit.coef)).score, 0, atol=1e-7
    )


def test_the_penalty_is_of_the_columns_as_they_were_before_they_were_divided(cohort):
    patients = cohort(3, 30, 2)
    ready = prepared(patients, "efron")
    divided = prepared(dataclasses.replace(patients, x=patients.x / 8), "efron")
    beta = np.array([0.1, 0.2])
    whole = penalised(cox_sums(ready, beta), third_sums(ready, beta))
    found = penalised(
        cox_sums(divided, 8 * beta), third_sums(divided, 8 * beta), np.log([8.0, 8.0])
    )

    assert whole.log_likelihood == pytest.approx(found.log_likelihood, rel=1e-12)


def test_without_deaths_or_with_an_aliased_column_there_is_a_fit(cohort):
    patients = cohort(4, 40, 2)
    nobody = dataclasses.replace(patients, event=np.zeros(40, dtype=bool))
    patients.x[:, 1] = patients.x[:, 0]

    assert 0 == third_sums(prepared(nobody, "efron"), np.zeros(2)).sum()
    assert fitted(prepared(nobody, "efron"), 2).aliased.all()
    assert [False, True] == fitted(prepared(patients, "efron"), 2).aliased.tolist()


def test_a_fit_that_uses_up_its_iterations_says_so(cohort):
    assert not fitted(prepared(cohort(5, 40, 2), "efron"), 2, most=1).converged


def test_there_is_one_sum_for_each_choice_of_three_columns():
    for p in range(5):
        assert n_third(p) == len(list(combinations_with_replacement(range(p), 3)))
