"""The normal and chi-square distributions, as far as tests and limits need them, accurate far into the tail.

References
----------
Abramowitz M, Stegun IA (1964), Handbook of Mathematical Functions, 26.2.29, 26.4.4 and 26.4.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from riskset_common.errors import EstimationError

_STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True)
class ChiSquareTest:
    """A statistic that has a chi-square distribution with `df` degrees of freedom under the null hypothesis."""

    statistic: float
    df: int

    @property
    def p_value(self) -> float:
        """Probability of a statistic at least as large, given the null hypothesis."""
        return chi_square_sf(self.statistic, self.df)


def normal_p_value(z: float) -> float:
    """Two-sided P of a standard normal deviate, erfc(|z| / √2) (26.2.29)."""
    return math.erfc(abs(z) / math.sqrt(2))


def normal_quantile(p: float) -> float:
    """The standard normal deviate below which the probability is p, 0 < p < 1."""
    return _STANDARD_NORMAL.inv_cdf(p)


def chi_square_sf(x: float, df: int) -> float:
    """Probability that chi-square with `df` degrees of freedom exceeds x; 1 for no degrees of freedom.

    With h = x/2 the finite sums 26.4.4 (odd df) and 26.4.5 (even df) are, in one notation,
    Q = [erfc(√h) if df is odd] + sum of h^a e^-h / Γ(a + 1) over a = 1/2, 3/2, .. or 0, 1, .. up to df/2 - 1.
    All terms are positive, so nothing cancels; they are added as logarithms, so nothing under- or overflows early.
    """
    if df < 0:
        raise EstimationError(f"Degrees of freedom cannot be negative, but {df} were found.")
    if math.isnan(x):
        return math.nan
    if df == 0 or x <= 0:
        return 1.0
    if math.isinf(x):
        return 0.0
    h = x / 2
    odd = df % 2
    logs = [a * math.log(h) - math.lgamma(a + 1) for a in (odd / 2 + i for i in range(df // 2))]
    largest = max(logs, default=0.0)
    total = math.fsum(math.exp(log - largest) for log in logs)
    return (math.erfc(math.sqrt(h)) if odd else 0.0) + math.exp(largest - h) * total
