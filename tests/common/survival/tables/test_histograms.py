"""Bins of a number: every value falls into the multiple of the width that is nearest, or below or above the range."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from riskset_common.survival.tables.histograms import bins_between


def test_a_value_falls_into_the_nearest_multiple_of_the_width() -> None:
    bins = bins_between(Fraction(1, 2), Fraction(1), Fraction(3))
    values = np.array([-7.0, 1.0, 1.2, 1.25, 2.9, 3.0, 9.0])

    assert (5 + 2, 2, 6) == (bins.n, bins.first, bins.last)
    np.testing.assert_array_equal([np.nan, 1.0, 1.5, 2.0, 2.5, 3.0, np.nan], bins.values)
    assert [0, 1, 1, 2, 5, 5, 6] == bins.places(values).tolist()
