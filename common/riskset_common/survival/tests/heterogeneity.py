"""One effect estimated at several sites: pooled by inverse variances, and how much it differs among the sites.

With b_i the estimate of site i, v_i its variance and w_i = 1/v_i:

    fixed effect   b = sum w b / sum w,  Var b = 1 / sum w
    Cochran's Q    sum w (b_i - b)² = sum w b² - (sum w b)² / sum w,  chi-square with k - 1 df       Cochran (1954), Biometrics 10:101
    I²             (Q - (k - 1)) / Q, not below 0                                Higgins and Thompson (2002), Stat Med 21:1539, eq 10
    tau²           (Q - (k - 1)) / (sum w - sum w² / sum w), not below 0    DerSimonian and Laird (1986), Control Clin Trials 7:177
    random effects as the fixed effect, with w* = 1 / (v + tau²)

All follow from sums over the sites, so that no site's estimate needs to be known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from riskset_common.survival.arrays.distributions import ChiSquareTest


@dataclass(frozen=True)
class EffectSums:
    """Sums over k sites of w, w b, w b² and w²."""

    k: int
    w: float
    wb: float
    wbb: float
    ww: float


@dataclass(frozen=True)
class Pooled:
    """A pooled effect and its standard error; NaN of no site."""

    coef: float
    std_err: float


@dataclass(frozen=True)
class Heterogeneity:
    """Cochran's Q with its degrees of freedom, I² between 0 and 1, and tau²; NaN where less than two sites have an estimate."""

    q: ChiSquareTest
    i_squared: float
    tau_squared: float


def site_terms(coef: float, variance: float) -> tuple[float, float, float, float]:
    """A site's share of the sums: w, w b, w b², w²."""
    w = 1 / variance
    return w, w * coef, w * coef**2, w**2


def site_terms_random(coef: float, variance: float, tau_squared: float) -> tuple[float, float]:
    """A site's share of the sums of the random effects: w* and w* b."""
    w = 1 / (variance + tau_squared)
    return w, w * coef


def pooled_effect(w: float, wb: float) -> Pooled:
    """The effect pooled by inverse variances."""
    return Pooled(wb / w, math.sqrt(1 / w)) if w > 0 else Pooled(math.nan, math.nan)


def heterogeneity(sums: EffectSums) -> Heterogeneity:
    """Q, I² and tau² from the sums. What rounding leaves of a Q of 0 is 0."""
    if sums.k < 2:
        return Heterogeneity(ChiSquareTest(math.nan, max(sums.k - 1, 0)), math.nan, math.nan)
    df = sums.k - 1
    q = max(sums.wbb - sums.wb**2 / sums.w, 0.0)
    excess = max(q - df, 0.0)
    return Heterogeneity(
        q=ChiSquareTest(q, df),
        i_squared=excess / q if q > 0 else 0.0,
        tau_squared=excess / (sums.w - sums.ww / sums.w),
    )


def between(parts: Sequence[EffectSums], whole: EffectSums) -> ChiSquareTest:
    """Test that the fixed effects of parts of the sites are one: Q of all less the Q within each (Borenstein et al 2009, chapter 19)."""
    within = sum(max(part.wbb - part.wb**2 / part.w, 0.0) for part in parts if part.k)
    q = whole.wbb - whole.wb**2 / whole.w
    return ChiSquareTest(max(q - within, 0.0), sum(part.k > 0 for part in parts) - 1)
