"""The clustered variance: by its definition from the patients' score residuals, and where there is no coefficient."""

from __future__ import annotations

import numpy as np
import pytest

from riskset_common.survival.regression.cox import prepare
from riskset_common.survival.regression.sandwich import sandwich
from riskset_common.survival.regression.score_residuals import residual_products, score_residuals


def test_it_is_the_information_on_both_sides_of_the_products_of_scores(cohort):
    patients = cohort(21, 60, 2)
    design = prepare(patients.time, patients.event, None, patients.x, patients.stratum, "efron")
    beta = np.array([0.2, -0.1])
    inverse = np.array([[2.0, 0.5], [0.5, 1.0]])
    each = score_residuals(design, beta)
    by_definition = sum(np.outer(inverse @ score, inverse @ score) for score in each.T)

    clustered = sandwich(inverse, residual_products(design, beta))

    np.testing.assert_allclose(clustered, by_definition, rtol=1e-12)
    assert np.array_equal(clustered, clustered.T)


def test_a_column_without_a_coefficient_has_no_variance_and_adds_nothing():
    covariance = np.array([[4.0, np.nan], [np.nan, np.nan]])
    products = np.array([[3.0, 7.0], [7.0, 100.0]])

    clustered = sandwich(covariance, products)

    assert 48.0 == pytest.approx(clustered[0, 0])
    assert np.isnan(clustered).tolist() == [[False, True], [True, True]]
