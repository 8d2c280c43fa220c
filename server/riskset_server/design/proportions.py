"""Patients that a comparison of two proportions at one time needs: the classical check of a log-rank design.

All patients are followed to `at` and both arms are of one size. Let δ the difference of the proportions, p their mean, and v the sum
of p_i (1 - p_i):

    pooled       n = [z_a √(2 p (1 - p)) + z_b √v]² / δ²                    per arm
    continuity   n/4 (1 + √(1 + 4 / (n δ)))²
    unpooled     (z_a + z_b)² v / δ²
    arcsine      (z_a + z_b)² / (2 (asin √p_1 - asin √p_2)²)

References
----------
Fleiss JL, Levin B, Paik MC (2003), Statistical Methods for Rates and Proportions, 3rd ed, equations 4.14 and 4.19.
Cochran WG, Cox GM (1957), Experimental Designs, 2nd ed, section 2.23 (arcsine).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from riskset_server.design.assumptions import Assumptions

_STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True)
class TwoProportions:
    """Patients of both arms together, by four formulas."""

    pooled: float
    continuity: float
    unpooled: float
    arcsine: float


def proportions_patients(plan: Assumptions) -> TwoProportions:
    """Patients of two equal arms, those to be lost added; accrual and allocation play no part."""
    z_a, z_b = plan.deviates
    first, second = plan.control, plan.experimental
    difference, mean = abs(second - first), (first + second) / 2
    variance = first * (1 - first) + second * (1 - second)
    pooled = (z_a * math.sqrt(2 * mean * (1 - mean)) + z_b * math.sqrt(variance)) ** 2
    pooled /= difference**2
    angle = math.asin(math.sqrt(second)) - math.asin(math.sqrt(first))
    both = 2 / (1 - plan.loss)
    return TwoProportions(
        pooled=both * pooled,
        continuity=both * pooled / 4 * (1 + math.sqrt(1 + 4 / (pooled * difference))) ** 2,
        unpooled=both * (z_a + z_b) ** 2 * variance / difference**2,
        arcsine=both * (z_a + z_b) ** 2 / (2 * angle**2),
    )


def proportions_power(patients: float, plan: Assumptions) -> float:
    """Power of the pooled formula with so many patients in two equal arms; both directions count in a two-sided test."""
    first, second = plan.control, plan.experimental
    mean = (first + second) / 2
    per_arm = patients * (1 - plan.loss) / 2
    under_null = plan.deviates[0] * math.sqrt(2 * mean * (1 - mean))
    otherwise = math.sqrt(first * (1 - first) + second * (1 - second))
    drift = math.sqrt(per_arm) * abs(second - first)
    wrong_way = _STANDARD_NORMAL.cdf((-drift - under_null) / otherwise) if plan.two_sided else 0.0
    return _STANDARD_NORMAL.cdf((drift - under_null) / otherwise) + wrong_way
