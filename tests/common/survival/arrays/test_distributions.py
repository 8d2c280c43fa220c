"""P values and quantiles, from the middle of the distribution to far into its tail."""

from __future__ import annotations

import math

import pytest

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.distributions import (
    ChiSquareTest,
    chi_square_sf,
    normal_p_value,
    normal_quantile,
)

# pchisq(x, df, lower.tail = FALSE) of R 4.2.2
FROM_R = [
    (3.841458820694124, 1, 0.049999999999999975),
    (5.9914645471079799, 2, 0.050000000000000051),
    (11.070497693516351, 5, 0.050000000000000065),
    (0.001, 7, 0.99999999999975986),
    (40.0, 3, 1.0655090334255863e-08),
    (300.0, 1, 3.294362383314041e-67),
    (1400.0, 6, 2.4225323864783844e-299),
    (250.0, 200, 0.0093791316688260976),
    (1e-8, 1, 0.99992021154405275),
]


@pytest.mark.parametrize(("x", "df", "expected"), FROM_R)
def test_the_chi_square_tail_is_rs(x, df, expected):
    assert expected == pytest.approx(chi_square_sf(x, df), rel=1e-12)


def test_no_degrees_of_freedom_leave_certainty():
    assert 1.0 == chi_square_sf(0.0, 0)
    assert 1.0 == ChiSquareTest(0.0, 0).p_value


def test_the_ends_of_the_chi_square_distribution():
    assert 1.0 == chi_square_sf(0.0, 3)
    assert 0.0 == chi_square_sf(math.inf, 3)
    assert math.isnan(chi_square_sf(math.nan, 3))


def test_negative_degrees_of_freedom_are_refused():
    with pytest.raises(EstimationError, match="-1 were found"):
        chi_square_sf(1.0, -1)


@pytest.mark.parametrize("df", range(1, 12))
def test_the_chi_square_tail_obeys_its_recurrence(df):
    # Abramowitz and Stegun 26.4.8: Q(x|df + 2) = Q(x|df) + (x/2)^(df/2) e^(-x/2) / Γ(df/2 + 1).
    x = 7.3
    more = (x / 2) ** (df / 2) * math.exp(-x / 2) / math.gamma(df / 2 + 1)

    assert chi_square_sf(x, df) + more == pytest.approx(chi_square_sf(x, df + 2), rel=1e-13)


def test_the_two_sided_p_of_a_normal_deviate():
    # 2 * pnorm(-z) of R 4.2.2
    assert 0.05 == pytest.approx(normal_p_value(-1.9599639845400536), rel=1e-14)
    assert 5.5072482372124675e-89 == pytest.approx(normal_p_value(20.0), rel=1e-13)
    assert 1.0 == normal_p_value(0.0)


def test_the_normal_quantile():
    assert 1.9599639845400536 == pytest.approx(normal_quantile(0.975), rel=1e-15)
