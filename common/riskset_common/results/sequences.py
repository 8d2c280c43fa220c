"""Arrays as results hold them: tuples of plain numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def whole_numbers(values: NDArray[np.int64]) -> tuple[int, ...]:
    """Counts, shape (n,)."""
    return tuple(values.tolist())


def real_numbers(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Reals, shape (n,)."""
    return tuple(values.tolist())


def real_rows(values: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    """The rows of a matrix of reals, shape (n, m)."""
    return tuple(real_numbers(row) for row in values)
