"""The test of proportional hazards: against the likelihood of a model with a time-dependent coefficient, and at its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start
from riskset_common.survival.regression.proportionality import (
    TimeScores,
    kaplan_meier_scores,
    proportionality_test,
    rank_scores,
)


def fitted(patients, ties="efron"):
    """A design, its fit, and the times of its event times."""
    design = prepare(
        patients.time, patients.event, patients.entry, patients.x, patients.stratum, ties
    )
    state: NewtonState | CoxFit = start(patients.x.shape[1], "tight", 40)
    while isinstance(state, NewtonState):
        state = advance(state, cox_sums(design, np.array(state.beta)))
    return design, state, patients.time[design.slot_rows].astype(float)


def sums_at(design, fit, g):
    once, twice = (cox_sums(design, fit.coef, each) for each in (g, g**2))
    return TimeScores(once.score, once.information, twice.information)


@given(seed=st.integers(0, 2**32 - 1), ties=st.sampled_from(["efron", "breslow"]))
def test_weighted_sums_follow_the_definition_event_time_by_event_time(
    cohort, by_definition, seed, ties
):
    patients = cohort(seed, 30, 2, n_strata=2, left_truncated=True)
    design = prepare(
        patients.time, patients.event, patients.entry, patients.x, patients.stratum, ties
    )
    beta = np.array([0.3, -0.2])
    weight = patients.time[design.slot_rows] - 4.5
    expected: list[Any] = [0.0, np.zeros(2), np.zeros((2, 2))]
    for row, g in zip(design.slot_rows, weight, strict=True):
        # Of one event time alone: nobody else of the stratum has the event.
        here = patients.stratum == patients.stratum[row]
        alone = patients.rows(here)
        only = type(patients)(
            alone.time,
            alone.event & (alone.time == patients.time[row]),
            alone.entry,
            alone.x,
            alone.stratum,
        )
        for index, part in enumerate(by_definition(only, beta, ties)):
            expected[index] = expected[index] + g * part
    found = cox_sums(design, beta, weight)

    assert expected[0] == pytest.approx(found.log_likelihood, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(found.score, expected[1], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.information, expected[2], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("factor", "shift"), [(1e-3, 0), (50, 0), (1, 30), (-2, 5)])
def test_a_linear_change_of_the_transformed_time_changes_no_test(cohort, factor, shift):
    design, fit, time = fitted(cohort(1, 60, 3, n_strata=3))
    first, second = (
        proportionality_test(sums_at(design, fit, g), fit.covariance, [0, 1, 2])
        for g in (time, factor * time + shift)
    )

    assert 3 == first.df == second.df
    assert first.statistic == pytest.approx(second.statistic, rel=1e-8)


def test_a_time_that_is_the_same_at_all_events_tests_nothing(cohort):
    design, fit, time = fitted(cohort(2, 60, 2))
    found = proportionality_test(sums_at(design, fit, 0 * time + 3), fit.covariance, [0, 1])

    assert (0, 1.0) == (found.df, found.p_value)


def test_aliased_columns_take_no_degree_of_freedom(cohort):
    patients = cohort(3, 60, 2)
    patients.x[:, 1] = 2 * patients.x[:, 0]
    design, fit, time = fitted(patients)
    alone, fit_alone, _ = fitted(
        type(patients)(
            patients.time, patients.event, patients.entry, patients.x[:, :1], patients.stratum
        )
    )
    beta = np.nan_to_num(fit.coef)
    once, twice = (cox_sums(design, beta, each) for each in (time, time**2))
    both = TimeScores(once.score, once.information, twice.information)
    found = proportionality_test(both, fit.covariance, [0, 1])

    assert 1 == found.df
    assert proportionality_test(
        sums_at(alone, fit_alone, time), fit_alone.covariance, [0]
    ).statistic == pytest.approx(found.statistic)


def test_kaplan_meier_is_taken_before_each_time_and_ranks_share_ties():
    np.testing.assert_allclose(
        kaplan_meier_scores(np.array([10, 8, 0]), np.array([2, 4, 0])), [0, 0.2, 0.6]
    )
    np.testing.assert_array_equal(rank_scores(np.array([1, 3, 0, 1])), [1, 3, 4.5, 5])
    assert 0 == len(kaplan_meier_scores(np.zeros(0, np.int64), np.zeros(0, np.int64)))
