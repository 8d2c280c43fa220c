"""Moments from sums and quantiles from counts, against numpy on the values themselves."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.tables.histograms import (
    bins_between,
    mean_and_deviation,
    quantile,
    scale_of,
)

METHODS: dict[str, Any] = {"r": "linear", "sas": "averaged_inverted_cdf"}

some_values = st.lists(st.integers(0, 12), min_size=1, max_size=30)
shares = st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1, 10)])


@given(found=some_values, p=shares, definition=st.sampled_from(["r", "sas"]))
def test_quantiles_of_counted_values_are_those_of_the_values(found, p, definition):
    counts = np.bincount(found, minlength=13)
    expected = np.quantile(found, float(p), method=METHODS[definition])

    assert expected == pytest.approx(
        quantile(counts, np.arange(13, dtype=float), p, definition), abs=1e-12
    )


def test_a_quantile_of_nobody_or_of_values_outside_is_not_known():
    values = np.array([math.nan, 1.0, math.nan])

    assert math.isnan(quantile(np.array([0, 0, 0]), values, Fraction(1, 2), "r"))
    assert math.isnan(quantile(np.array([3, 1, 0]), values, Fraction(1, 2), "r"))
    assert 1.0 == quantile(np.array([1, 3, 1]), values, Fraction(1, 2), "r")


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30))
def test_moments_of_sums_are_those_of_the_values(found):
    x = np.array(found)
    mean, deviation = mean_and_deviation(len(x), float(x.sum()), float((x**2).sum()))

    assert x.mean() == pytest.approx(mean, abs=1e-12)
    assert x.std(ddof=1) == pytest.approx(deviation, abs=1e-7)


def test_one_value_has_no_deviation_and_none_has_no_mean():
    mean, deviation = mean_and_deviation(1, 2.0, 4.0)

    assert 2.0 == mean
    assert math.isnan(deviation)
    assert all(map(math.isnan, mean_and_deviation(0, 0.0, 0.0)))


def test_a_value_falls_into_the_nearest_multiple_of_the_width() -> None:
    bins = bins_between(Fraction(1, 2), Fraction(1), Fraction(3))
    values = np.array([-7.0, 1.0, 1.2, 1.25, 2.9, 3.0, 9.0])

    assert (5 + 2, 2, 6) == (bins.n, bins.first, bins.last)
    np.testing.assert_array_equal([np.nan, 1.0, 1.5, 2.0, 2.5, 3.0, np.nan], bins.values)
    assert [0, 1, 1, 2, 5, 5, 6] == bins.places(values).tolist()


def test_the_distance_from_the_middle_of_a_range_is_brought_below_one() -> None:
    middle, exponent = scale_of(2.0, 10.0)

    assert (6.0, 4) == (middle, exponent)
    assert (10.0 - middle) / 2**exponent < 1
