"""Symmetric matrices as they travel: by their upper triangle, row after row."""

from __future__ import annotations

import numpy as np

from riskset_common.survival.arrays.shapes import FloatArray


def upper_triangle(matrix: FloatArray) -> FloatArray:
    """The upper triangle with the diagonal, shape (p (p + 1) / 2,), of a symmetric matrix, shape (p, p)."""
    return matrix[np.triu_indices(len(matrix))]


def symmetric(upper: FloatArray, p: int) -> FloatArray:
    """The symmetric matrix, shape (p, p), of which the upper triangle is given."""
    matrix, place = np.zeros((p, p)), np.triu_indices(p)
    matrix[place] = upper
    matrix.T[place] = upper
    return matrix
