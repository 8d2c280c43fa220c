"""Symmetric systems in which some columns may be empty or spanned by earlier ones: those are left out, the rest is solved.

Columns of a Cox model may differ by many orders of magnitude, so every matrix is scaled to a unit diagonal first and the tolerance
is relative: a column is left out when all but a share `tolerance` of its information lies in the columns before it.

References
----------
Golub GH, Van Loan CF (2013), Matrix Computations, 4th ed, section 4.2 (Cholesky), 5.5 (rank).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.survival.arrays.shapes import BoolArray, FloatArray

ALIAS_TOLERANCE = float(np.finfo(np.float64).eps ** 0.75)
"""1.8e-12, the tolerance of coxph in R."""


@dataclass(frozen=True, eq=False)
class Factor:
    """A symmetric matrix M in the form scale⁻¹ L L' scale⁻¹ over its independent columns.

    Attributes
    ----------
    independent
        False for columns that are empty or spanned by earlier ones, shape (p,).
    lower
        Cholesky factor of the scaled independent columns, shape (rank, rank).
    scale
        1/√M_jj of the independent columns, shape (rank,).
    """

    independent: BoolArray
    lower: FloatArray
    scale: FloatArray

    def solve(self, right: FloatArray) -> FloatArray:
        """The solution of M x = right, shape (p,), with 0 in dependent columns."""
        solution = np.zeros(len(self.independent))
        half = np.linalg.solve(self.lower, right[self.independent] * self.scale)
        solution[self.independent] = np.linalg.solve(self.lower.T, half) * self.scale
        return solution

    def quadratic(self, vector: FloatArray) -> float:
        """The quadratic form vector' M⁻¹ vector over the independent columns."""
        half = np.linalg.solve(self.lower, vector[self.independent] * self.scale)
        return float(half @ half)

    def inverse(self) -> FloatArray:
        """M⁻¹, shape (p, p), with NaN in the rows and columns of dependent columns."""
        result = np.full((len(self.independent),) * 2, np.nan)
        half = np.linalg.solve(self.lower, np.diag(self.scale))
        result[np.ix_(self.independent, self.independent)] = half.T @ half
        return result


def factorise(matrix: FloatArray, tolerance: float = ALIAS_TOLERANCE, floor: float = 0.0) -> Factor:
    """Factorise a symmetric matrix, shape (p, p), column by column in the order given.

    A column is dependent if its diagonal element is not above `floor`, or if after the columns before it not more than a share
    `tolerance` of it is left. A matrix that is not finite has no independent column.
    """
    p = len(matrix)
    diagonal = np.diag(matrix)
    usable = (diagonal > floor) & bool(np.all(np.isfinite(matrix)))
    scale = 1 / np.sqrt(np.where(usable, diagonal, 1.0))
    scaled = matrix * np.outer(scale, scale)
    lower = np.zeros((p, p))
    independent = np.zeros(p, dtype=np.bool_)
    for j in np.flatnonzero(usable):
        left = scaled[j:, j] - lower[j:] @ lower[j]
        if left[0] > tolerance:
            lower[j:, j] = left / np.sqrt(left[0])
            independent[j] = True
    return Factor(independent, lower[np.ix_(independent, independent)], scale[independent])
