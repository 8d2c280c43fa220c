"""Symmetric matrices by their upper triangle."""

from __future__ import annotations

import numpy as np
import pytest

from riskset_common.survival.arrays.triangles import symmetric, upper_triangle


def test_the_triangle_goes_row_after_row() -> None:
    matrix = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])

    assert [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] == upper_triangle(matrix).tolist()


@pytest.mark.parametrize("p", range(4))
def test_a_matrix_comes_back_from_its_triangle(p: int) -> None:
    half = np.arange(p * p, dtype=np.float64).reshape(p, p)
    matrix = half + half.T

    assert np.array_equal(matrix, symmetric(upper_triangle(matrix), p))
