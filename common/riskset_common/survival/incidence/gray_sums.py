"""Gray's test by one formula for numbers that lie open and for numbers on shares; what it computes is that of `survival.incidence.gray`.

With Y_k at risk, d_k events that are compared and c_k others in group k, S_k the estimate of being free of any event, N a bound of
patients:

    h_k = Y_k / S_k(t-)  is Y_k at first, times Y_k(s+) / (Y_k - d_k - c_k)(s) on each day s before t (Y(s+): at risk on the next day)
    h_k S_k(t) = Y_k - d_k - c_k,  so that no reciprocal of a survival probability is taken

The score of group k moves by an event in group r as in `gray._covariance`. Divided by N h_r, and with dF0 = m/H, H the sum of h:

    A_kr = w h_k (δ_kr - h_r/H)/(N h_r) + (1/h_r - q/h_r) C_kr/N,   q/h_r = (1 - F0(t))/(Y_r - d_r - c_r)
    covariance of k and l = N² (sum of m ties (h_r/H) A_kr A_lr + sum of c_r ties (q/h_r)² C_kr C_lr / N²)

over days, r and strata. Bounds: 1/h_r and q/h_r are at most 1. If F0 does not pass 1, the hazard dF0/(1 - F0(t-)) is at most 1, its sum at
most 1 + log N, and C/N with it; and 1 - F0(t-) >= dF0 of the last event >= 1/N. If no correction for ties is below -1, n - 1 of its
denominator is at least 1/2. Whether that is so is told before (`can_be_computed`).

References
----------
Gray RJ (1988), Ann Stat 16:1141, sections 2 and 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.arrays.real_reciprocal import real_reciprocal
from riskset_common.survival.tests.group_sums import GroupSums, pairs_of, ties_among
from riskset_common.survival.tests.weighing import power


@dataclass(frozen=True)
class GrayTerms:
    """What sums need at each day; arrays (n_strata, k, n_days) unless said.

    Attributes
    ----------
    events, competing
        d and c.
    m
        Events that are compared, shape (n_strata, n_days).
    one_over_at_risk, one_over_left
        1/Y and 1/(Y - d - c), 0 of 0.
    ties_of_others
        c times its correction for ties, c - c (c - 1)/(Y - 1).
    free_before
        S(t-).
    effective, step
        h; dF0, shape (n_strata, n_days).
    share
        h/H.
    common
        F0, shape (n_strata, n_days).
    few
        n - 1 of the correction for ties if it is made, else 1; n = S_r(t-) H.
    corrected
        1 if it is made: there are several events, and patients of group r.
    """

    events: Numbers
    competing: Numbers
    m: Numbers
    one_over_at_risk: Numbers
    one_over_left: Numbers
    ties_of_others: Numbers
    free_before: Numbers
    effective: Numbers
    step: Numbers
    share: Numbers
    common: Numbers
    few: Numbers
    corrected: Numbers


def gray_terms(
    calculator: Calculator, n: Numbers, events: Numbers, competing: Numbers, largest: int
) -> GrayTerms:
    """The terms of each stratum.

    Parameters
    ----------
    n, events, competing
        Patients at risk, with an event of the kind that is compared, with one of another kind, shape (n_strata, k, n_days). Everybody is
        there from the beginning: under left truncation Gray's test is not defined.
    largest
        A public bound of the patients of a stratum, a power of two.
    """
    left = n - (events + competing)
    inverse, inverse_left = (calculator.reciprocal(each, largest) for each in (n, left))
    there = calculator.fraction(n * inverse, "1, and 0 where nobody is at risk")
    some_left = calculator.fraction(left * inverse_left, "1, and 0 where nobody is left")
    one_over = calculator.fraction(inverse * there, "1/n of n >= 1, else 0")
    one_over_left = calculator.fraction(inverse_left * some_left, "1/n of n >= 1, else 0")
    hazard = calculator.fraction((events + competing) * one_over, "d <= n")
    free = calculator.running_product(calculator.fraction(1 - hazard, "d/n is at most 1"))
    before = _before(calculator, free, 1.0)
    effective = _effective(calculator, n, one_over_left, largest)
    m = events.total(axis=-2)
    total = calculator.bounded(effective.total(axis=-2), largest, "h <= patients of the group")
    one_over_total = real_reciprocal(calculator, total, largest)
    step = calculator.fraction(m * one_over_total, "m <= n <= H, and 0 where nobody is at risk")
    share = calculator.fraction(effective * _row(one_over_total), "a part of H, 0 where H is 0")
    several = 1 - calculator.at_most(m, 1)
    corrected = calculator.fraction(there * _row(several), "a product of 0 and 1")
    of_r = calculator.bounded(before * _row(total), largest, "S <= 1 and H <= patients")
    return GrayTerms(
        events=events,
        competing=competing,
        m=m,
        one_over_at_risk=one_over,
        one_over_left=one_over_left,
        ties_of_others=competing
        - ties_among(calculator, n, inverse, competing * (competing - 1), largest),
        free_before=before,
        effective=effective,
        step=step,
        share=share,
        common=step.running_total(),
        few=corrected * (of_r - 2) + 1,
        corrected=corrected,
    )


def can_be_computed(calculator: Calculator, terms: GrayTerms) -> Numbers:
    """1 if F0 stays at or below 1 in every stratum and no correction for ties is below -1, else 0; shape (1,)."""
    within = calculator.at_most(terms.common[..., -1], 1)
    enough = calculator.at_most(terms.corrected * _row(terms.m - 1), terms.few * 2)
    n_strata, n_terms = int(np.prod(within.shape)), int(np.prod(enough.shape))
    failed = n_strata + n_terms - within.total() - enough.reshape(n_terms).total()
    return calculator.at_most(failed.reshape(1), 0)


def gray_sums_of(calculator: Calculator, terms: GrayTerms, rho: float, largest: int) -> GroupSums:
    """The sums over days and strata, covariances divided by largest². `can_be_computed` was 1.

    Parameters
    ----------
    rho
        Power of the weight (1 - F0(t-))^rho, a whole or half number from 0.
    """
    common_before = calculator.fraction(
        1 - _before(calculator, terms.common, 0.0), "F0 does not pass 1"
    )
    w = power(calculator, common_before, rho)
    expected_share = _risk_shares(calculator, terms, largest)
    weighted = terms.m if w is None else w * terms.m
    observed = terms.events.total() if w is None else calculator.inner(terms.events, _row(w))
    expected = calculator.inner(expected_share, _row(weighted))
    now, later, inverse, q = _moves(calculator, terms, common_before, w, largest)
    moved = calculator.bounded(
        now * inverse + (inverse - q) * later,
        2 + 2 * _most_later(largest),
        "1/h and q/h are at most 1",
    )
    by_others = calculator.bounded(q * later, _most_later(largest), "q/h is at most 1")
    first, second = (
        np.array(each, dtype=np.int64) for each in zip(*pairs_of(now.shape[-2]), strict=True)
    )
    parts = []
    for each, factor in (
        (moved, _ties(calculator, terms, largest)),
        (by_others, terms.ties_of_others),
    ):
        spread = each * factor[..., None, :]
        product = spread[..., first, :] * each[..., second, :]
        parts.append(product.total().total(axis=-2))
    difference = (observed - expected)[..., 1:]
    return GroupSums(difference.total(axis=0), (parts[0] + parts[1]).total(axis=0))


def _moves(
    calculator: Calculator,
    terms: GrayTerms,
    common_before: Numbers,
    w: Numbers | None,
    largest: int,
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """d_kr/N and C_kr/N, 1/h_r and q/h_r: shape (n_strata, r, k, n_days), the last two with k of length 1."""
    k = terms.effective.shape[-2]
    part = calculator.real(np.full((1, 1, 1), 1 / largest))
    effective = calculator.fraction(terms.effective * part, "h <= patients of the group")
    effective = effective[:, None]
    own = np.eye(k, dtype=np.int64)[None, :, :, None]
    now = effective * own - effective * terms.share[:, :, None]
    if w is not None:
        now = now * w[:, None, None, :]
    now = calculator.bounded(now, 1.0, "h/N, h/H and w are at most 1")
    one_over = real_reciprocal(
        calculator,
        calculator.bounded(common_before * largest, largest, "1 - F0 is at most 1"),
        largest,
    )
    hazard = calculator.fraction(
        terms.step * one_over * largest, "dF0 <= 1 - F0(t-) if F0 does not pass 1"
    )
    sums = (now * hazard[:, None, None, :]).running_total()
    later = calculator.bounded(
        sums[..., -1:] - sums, _most_later(largest), "the hazards' sum is at most 1 + log N"
    )
    inverse = calculator.fraction(terms.free_before * terms.one_over_at_risk, "1/h <= 1/Y <= 1")
    common = calculator.fraction(1 - terms.common, "F0 does not pass 1")
    q = calculator.fraction(_row(common) * terms.one_over_left, "(1 - F0)/(Y - d - c) <= 1")
    return now, later, inverse[:, :, None], q[:, :, None]


def _risk_shares(calculator: Calculator, terms: GrayTerms, largest: int) -> Numbers:
    """R_k over the sum of R, R_k = h_k (1 - F_k(t-)); 1 - F >= S, so that R_k >= Y_k."""
    hazard = calculator.fraction(terms.events * terms.one_over_at_risk, "d <= n")
    incidence = calculator.fraction(terms.free_before * hazard, "at most d/n").running_total()
    remaining = calculator.fraction(1 - _before(calculator, incidence, 0.0), "F <= 1")
    risk_set = calculator.bounded(terms.effective * remaining, largest, "R <= h <= patients")
    total = calculator.bounded(risk_set.total(axis=-2), largest, "R <= h <= patients")
    return calculator.fraction(
        risk_set * _row(real_reciprocal(calculator, total, largest)), "a part of the sum of R"
    )


def _ties(calculator: Calculator, terms: GrayTerms, largest: int) -> Numbers:
    """m ties h_r/H, shape (n_strata, r, n_days)."""
    twice = calculator.bounded(terms.few * 2, 2 * largest, "n is at most the patients")
    inverse = real_reciprocal(calculator, twice, 2 * largest) * 2
    more = (inverse * terms.corrected) * _row(terms.m * (terms.m - 1))
    ties = calculator.bounded(_row(terms.m) - more, largest, "ties lie between -1 and 1")
    return ties * terms.share


def _effective(calculator: Calculator, n: Numbers, one_over_left: Numbers, largest: int) -> Numbers:
    """h, shape (n_strata, k, n_days)."""
    stayed = calculator.fraction(
        n[..., 1:] * one_over_left[..., :-1], "of those who are left some stay"
    )
    first = calculator.real(np.ones((*n.shape[:-1], 1)))
    product = calculator.running_product(calculator.joined([first, stayed]))
    return calculator.bounded(n[..., :1] * product, largest, "h is at most Y at first")


def _before(calculator: Calculator, values: Numbers, start: float) -> Numbers:
    """Values before each day, the first being `start`."""
    first = calculator.real(np.full((*values.shape[:-1], 1), start))
    return calculator.joined([first, values[..., :-1]])


def _row(x: Numbers) -> Numbers:
    """One row for all groups, shape (..., 1, n_days)."""
    return x[..., None, :]


def _most_later(largest: int) -> float:
    """A bound of C/N: hazards with product of 1 - λ at least 1/N before the last add up to 1 + log N at most."""
    return 1 + math.log(largest)
