"""Symmetric systems with dependent columns, and Wald's test on top of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.arrays.cholesky import factorise
from riskset_common.survival.tests.wald import wald_test


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_a_regular_matrix_of_any_scale_is_solved(seed, p):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3 * p + 3, p)) * 10.0 ** rng.integers(-8, 9, size=p)
    matrix, right = x.T @ x, rng.normal(size=p)
    factor = factorise(matrix)
    scale = np.sqrt(np.diag(matrix))

    assert factor.independent.all()
    scaled = matrix / np.outer(scale, scale)
    expected = np.linalg.solve(scaled, right / scale)
    np.testing.assert_allclose(factor.solve(right) * scale, expected, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(
        factor.inverse() * np.outer(scale, scale), np.linalg.inv(scaled), rtol=1e-9, atol=1e-9
    )
    assert float(right / scale @ expected) == pytest.approx(factor.quadratic(right), rel=1e-9)


def test_the_later_of_two_dependent_columns_is_left_out():
    x = np.random.default_rng(1).normal(size=(20, 3))
    x = np.column_stack((x[:, 0], x[:, 0] * 1e6, x[:, 1], np.zeros(20), x[:, 0] - 2 * x[:, 1]))
    factor = factorise(x.T @ x)

    assert [True, False, True, False, False] == factor.independent.tolist()
    assert [False, True, False, True, True] == np.isnan(np.diag(factor.inverse())).tolist()
    assert 0.0 == factor.solve(np.ones(5))[1]


def test_a_column_not_above_the_floor_is_empty():
    assert [False, True] == factorise(np.diag([1e-9, 1.0]), floor=1e-8).independent.tolist()


def test_a_matrix_that_is_not_finite_has_no_column_to_solve():
    factor = factorise(np.array([[1.0, np.nan], [np.nan, 1.0]]))

    assert not factor.independent.any()
    assert [0.0, 0.0] == factor.solve(np.ones(2)).tolist()


def test_walds_test_of_one_coefficient_is_its_squared_z():
    test = wald_test(np.array([2.0, 5.0]), np.array([[4.0, 1.0], [1.0, 9.0]]), [0])

    assert (1.0, 1) == (test.statistic, test.df)


def test_walds_test_leaves_aliased_coefficients_out():
    covariance = np.array([[4.0, np.nan, 1.0], [np.nan] * 3, [1.0, np.nan, 9.0]])
    test = wald_test(np.array([2.0, np.nan, 5.0]), covariance)

    # (2, 5) (4 1; 1 9)⁻¹ (2, 5)' = (9·4 - 2·10 + 4·25) / 35
    assert 116 / 35 == pytest.approx(test.statistic, rel=1e-14)
    assert 2 == test.df


def test_walds_test_of_no_coefficient_has_no_degree_of_freedom():
    test = wald_test(np.array([np.nan]), np.array([[np.nan]]))

    assert (0.0, 0, 1.0) == (test.statistic, test.df, test.p_value)
