"""The test of proportional hazards: a score test of whether the coefficients change with a function g of time.

To x' β is added g(t) x' θ. At θ = 0 and the fitted β the score of θ is U = sum over the event times of g_k U_k, and the information

    ( I    I_g  )      I = sum of V_k,    I_g = sum of g_k V_k,    I_gg = sum of g_k² V_k
    ( I_g  I_gg )

with U_k and V_k what one event time contributes to score and information of the model. The test of the components θ_j of a term is
that of Rao (1948), U_j' (I_gg,jj - I_g,j I⁻¹ I_g,j')⁻¹ U_j. The statistic is the same for any a g + c: the scores U_k add up to 0.

References
----------
Grambsch PM, Therneau TM (1994), Biometrika 81:515. Rao CR (1948), Proc Camb Phil Soc 44:50.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from riskset_common.survival.arrays.cholesky import factorise
from riskset_common.survival.arrays.distributions import ChiSquareTest
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

Transform = Literal["km", "rank", "identity", "log"]
"""The function g: the Kaplan-Meier estimate of having had no event, the rank of the time, the time itself, or its logarithm."""


@dataclass(frozen=True, eq=False)
class TimeScores:
    """Sums over the event times at fitted coefficients: of g U, shape (p,), of g V and of g² V, shape (p, p) each."""

    score: FloatArray
    information: FloatArray
    squared: FloatArray


def proportionality_test(
    sums: TimeScores, covariance: FloatArray, columns: Sequence[int]
) -> ChiSquareTest:
    """Test that the coefficients of some columns do not change with g(t); aliased columns take no degree of freedom.

    Parameters
    ----------
    covariance
        Inverse of the information I at the fitted coefficients, shape (p, p), NaN for aliased columns.
    """
    chosen = np.array([j for j in columns if np.isfinite(covariance[j, j])], dtype=np.int64)
    known = np.nan_to_num(covariance, nan=0.0)
    cross = sums.information[chosen]
    variance = sums.squared[np.ix_(chosen, chosen)] - cross @ known @ cross.T
    # The subtraction leaves rounding where g is constant over the event times; that is no information.
    whole = np.diag(sums.squared)[chosen]
    scale = 1 / np.sqrt(np.where(whole > 0, whole, 1.0))
    factor = factorise(variance * np.outer(scale, scale), floor=ROUNDING)
    return ChiSquareTest(
        factor.quadratic(sums.score[chosen] * scale), int(factor.independent.sum())
    )


ROUNDING = 1e-12
"""The share of its information that a column must keep beside the model's to be tested."""


def kaplan_meier_scores(at_risk: IntArray, events: IntArray) -> FloatArray:
    """1 - S(t-) of the Kaplan-Meier estimate S at each of ascending times, given who is at risk and has the event there."""
    left = 1 - events / np.maximum(at_risk, 1)
    before = np.concatenate(([1.0], np.cumprod(left)[:-1])) if len(left) else left
    scores: FloatArray = 1 - before
    return scores


def rank_scores(leaving: IntArray) -> FloatArray:
    """Rank of each of ascending times among the times of all patients, ties sharing the mean of theirs."""
    scores: FloatArray = np.cumsum(leaving) - leaving + (leaving + 1) / 2
    return scores
