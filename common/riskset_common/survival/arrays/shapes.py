"""The array types of the survival mathematics and the checks that their shapes fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def same_length(**columns: NDArray[np.generic] | None) -> int:
    """The common length of columns with one entry per patient; None stands for a column that is not there."""
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"Columns of one set of patients differ in length: {found}.")
    return next(iter(lengths.values()))


def run_starts(sorted_keys: NDArray[np.generic]) -> IntArray:
    """Where each run of equal keys begins, shape (n_runs,); the keys lie sorted."""
    if len(sorted_keys) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate(([True], sorted_keys[1:] != sorted_keys[:-1]))).astype(
        np.int64
    )
