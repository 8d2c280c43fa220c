"""Pearson's chi-square test of a table of counts, without continuity correction.

References
----------
Pearson K (1900), Phil Mag 50:157. Fisher RA (1922), J R Stat Soc 85:87 (degrees of freedom).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.distributions import ChiSquareTest
from riskset_common.survival.arrays.shapes import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class PearsonTest:
    """Pearson's test of independence.

    Attributes
    ----------
    test
        The statistic; 0 with 0 degrees of freedom where fewer than two rows or two columns hold anybody.
    expected
        Counts expected under independence, shape (n_rows, n_columns), 0 in empty rows and columns.
    """

    test: ChiSquareTest
    expected: FloatArray


def pearson_test(counts: IntArray) -> PearsonTest:
    """Test whether rows and columns of a table are independent.

    With O the counts and E = row total times column total over the total, the statistic is sum (O - E)²/E with
    (rows - 1)(columns - 1) degrees of freedom, where rows and columns without anybody are left out.

    Parameters
    ----------
    counts
        Patients, shape (n_rows, n_columns).
    """
    if counts.ndim != 2 or bool(np.any(counts < 0)):
        raise EstimationError(
            f"A table is tested that has rows, columns and counts from 0 up; found shape {counts.shape}, "
            f"least count {counts.min(initial=0)}."
        )
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    total = max(int(counts.sum()), 1)
    expected = np.outer(rows, columns).astype(np.float64) / total
    filled = expected > 0
    statistic = float(np.sum((counts - expected)[filled] ** 2 / expected[filled]))
    df = max(int(np.sum(rows > 0)) - 1, 0) * max(int(np.sum(columns > 0)) - 1, 0)
    return PearsonTest(ChiSquareTest(statistic if df else 0.0, df), expected)
