"""The pooled sums of a Cox model: from arrays as they travel to what the mathematics takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.estimator import Summary
from riskset_common.study.patients import Reals
from riskset_common.survival.regression.cox import CoxSums


def pooled_sums(pooled: Summary, p: int, before: str = "") -> CoxSums:
    """Log-likelihood, score and information of p columns, whose names begin with `before`."""
    return CoxSums(
        log_likelihood=float(pooled[f"{before}log_likelihood"]),
        score=pooled[f"{before}score"],
        information=symmetric(pooled[f"{before}information"], p),
    )


def symmetric(upper_triangle: NDArray[Any], p: int) -> Reals:
    """A symmetric matrix, shape (p, p), from its upper triangle."""
    matrix = np.zeros((p, p), dtype=np.float64)
    upper = np.triu_indices(p)
    matrix[upper] = upper_triangle
    matrix.T[upper] = upper_triangle
    return matrix
