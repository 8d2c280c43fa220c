"""Wald's test that some coefficients of a model are 0.

References
----------
Wald A (1943), Trans Am Math Soc 54:426.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskset_common.survival.arrays.cholesky import factorise
from riskset_common.survival.arrays.distributions import ChiSquareTest
from riskset_common.survival.arrays.shapes import FloatArray


def wald_test(
    coef: FloatArray, covariance: FloatArray, columns: Sequence[int] | None = None
) -> ChiSquareTest:
    """β' V⁻¹ β over some columns; aliased ones (NaN) are left out and take no degree of freedom.

    Parameters
    ----------
    coef
        Coefficients, shape (p,).
    covariance
        Their covariance, shape (p, p).
    columns
        Which coefficients, those of one term of the model for instance; all where it is None.
    """
    chosen = np.arange(len(coef)) if columns is None else np.asarray(columns, dtype=np.int64)
    chosen = chosen[np.isfinite(coef[chosen])]
    factor = factorise(covariance[np.ix_(chosen, chosen)])
    return ChiSquareTest(factor.quadratic(coef[chosen]), int(factor.independent.sum()))
