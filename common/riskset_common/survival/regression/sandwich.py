"""The variance of coefficients when patients of one cluster are not independent of each other.

With I the information and U_c the sum of the score residuals of cluster c at the fitted coefficients, the variance is
I⁻¹ (sum over c of U_c U_c') I⁻¹. Where clusters are strata of the model, U_c is the score of the cluster's own partial likelihood.

References
----------
Lin DY, Wei LJ (1989), J Am Stat Assoc 84:1074, equation 2.7. Lee EW, Wei LJ, Amato DA (1992), Survival Analysis: State of the Art, 237.
"""

from __future__ import annotations

import numpy as np

from riskset_common.survival.arrays.shapes import FloatArray


def sandwich(covariance: FloatArray, score_products: FloatArray) -> FloatArray:
    """The clustered variance, shape (p, p), NaN in rows and columns where the covariance is.

    Parameters
    ----------
    covariance
        Inverse of the information, shape (p, p), NaN for aliased columns.
    score_products
        Sum of U_c U_c', shape (p, p).
    """
    aliased = np.isnan(covariance)
    bread = np.where(aliased, 0.0, covariance)
    clustered = bread @ score_products @ bread
    return np.where(aliased, np.nan, (clustered + clustered.T) / 2)
