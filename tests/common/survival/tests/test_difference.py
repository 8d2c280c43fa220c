"""The difference of two estimates: by hand, and where it does not exist."""

from __future__ import annotations

import math

import pytest

from riskset_common.survival.tests.difference import difference


def test_a_difference_has_the_root_of_the_sum_of_squares_as_its_error() -> None:
    found = difference(0.5, 0.03, 0.4, 0.04, 0.95)

    assert (0.1, 0.05) == pytest.approx((found.estimate, found.std_err))
    assert (0.1 - 1.959963985 * 0.05, 0.1 + 1.959963985 * 0.05) == pytest.approx(
        (found.lower, found.upper)
    )
    # 2 * pnorm(-2)
    assert 0.04550026389635842 == pytest.approx(found.p_value, rel=1e-12)


def test_a_difference_without_an_error_has_no_p() -> None:
    assert math.isnan(difference(1, 0, 1, 0, 0.95).p_value)
    assert math.isnan(difference(0, math.nan, 1, 0.1, 0.95).p_value)
    assert math.isnan(difference(0, math.nan, 1, 0.1, 0.95).lower)
