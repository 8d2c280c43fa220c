"""Firth's penalty on the partial likelihood, which keeps estimates finite where the likelihood is monotone.

The log-likelihood is penalised by half the logarithm of the determinant of the information, and the score becomes

    U*_t = U_t + tr(I⁻¹ ∂I/∂β_t) / 2,    ∂I/∂β_t = sum over the event times and l of the third central moments of x in the risk set

with the risk sets of `cox`, from which the l-th of d tied deaths is taken out by the fraction f. The sums of third order add over
strata like the others. With E the mean over a risk set, the third central moment is E xyz - E xy E z - E xz E y - E yz E x + 2 E x E y E z.

The coefficients solve U* = 0. Steps are Newton's with the information in place of the derivative of U*; what that leaves is learnt
from the steps already taken (the symmetric rank-one update), so that the last steps converge fast.

References
----------
Firth D (1993), Biometrika 80:27. Heinze G, Schemper M (2001), Biometrics 57:114, equations 2 and 3.
Nocedal J, Wright SJ (2006), Numerical Optimization, 2nd ed, section 6.2 (SR1).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations

import numpy as np

from riskset_common.survival.arrays.cholesky import factorise
from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.regression.cox import CoxDesign, CoxSums, weighted_rows

SMALLEST_UPDATE = 1e-8
"""A correction is left out where its denominator is below this share of what it is made of (Nocedal and Wright, 6.26)."""


def n_third(p: int) -> int:
    """Distinct sums of third order of p columns."""
    return p * (p + 1) * (p + 2) // 6


def third_sums(design: CoxDesign, beta: FloatArray) -> FloatArray:
    """The derivatives of the information, ∂I_rs/∂β_t for r <= s <= t, shape (n_third(p),)."""
    x, p = design.x, len(design.x)
    triples = np.array(list(combinations_with_replacement(range(p), 3)), dtype=np.int64).reshape(
        -1, 3
    )
    if len(design.deaths) == 0:
        return np.zeros(len(triples))
    _, weighted = weighted_rows(design, beta)
    r, s = np.triu_indices(p)
    values = np.concatenate([weighted, weighted[1 + r] * x[s]])
    d = design.deaths_per_slot
    died = np.add.reduceat(values[:, design.deaths], design.slot_deaths, axis=1)
    f = np.zeros(len(design.deaths)) if design.fraction is None else design.fraction
    sums = design.risk_sets.over_risk_sets(values)
    left = np.repeat(sums, d, axis=1) - f * np.repeat(died, d, axis=1)
    means = left[1:] / left[0]
    first, second = means[:p], np.zeros((p, p, len(f)))
    second[r, s] = second[s, r] = means[p:]
    a = np.add.reduceat(1 / left[0], design.slot_deaths)
    share = design.risk_sets.over_time_at_risk(a)
    share[design.deaths] -= np.repeat(np.add.reduceat(f / left[0], design.slot_deaths), d)
    i, j, k = triples.T
    raw = np.einsum("tn,tn,tn,n->t", x[i], x[j], x[k], weighted[0] * share)
    mixed = second[i, j] * first[k] + second[i, k] * first[j] + second[j, k] * first[i]
    third: FloatArray = raw - (mixed - 2 * first[i] * first[j] * first[k]).sum(axis=1)
    return third


def penalised(sums: CoxSums, third: FloatArray, log_scale: FloatArray | None = None) -> CoxSums:
    """Log-likelihood and score under the penalty, and the information as it was.

    Parameters
    ----------
    third
        As `third_sums` has them, added over strata.
    log_scale
        Logarithms of the factors by which the columns were divided, shape (p,); the penalty is of undivided columns. None of whole ones.
    """
    p = len(sums.score)
    derivative = np.zeros((p, p, p))
    for value, triple in zip(third, combinations_with_replacement(range(p), 3), strict=True):
        for places in set(permutations(triple)):
            derivative[places] = value
    factor = factorise(sums.information)
    inverse = np.nan_to_num(factor.inverse(), nan=0.0)
    logarithm = float(np.log(np.diag(factor.lower)).sum() - np.log(factor.scale).sum())
    if log_scale is not None:
        logarithm += float(log_scale[factor.independent].sum())
    return CoxSums(
        log_likelihood=sums.log_likelihood + logarithm,
        score=sums.score + np.einsum("rs,rst->t", inverse, derivative) / 2,
        information=sums.information,
    )


@dataclass(frozen=True)
class Learnt:
    """What the steps taken say of the derivative of -U* beside the information: numbers and lists of numbers only.

    Attributes
    ----------
    beta, score
        Where U* was seen last, and its value there, length p; empty before the first.
    correction
        What is added to the information, row by row, length p².
    """

    beta: tuple[float, ...] = ()
    score: tuple[float, ...] = ()
    correction: tuple[float, ...] = ()


def learn(known: Learnt, beta: tuple[float, ...], sums: CoxSums) -> tuple[Learnt, FloatArray]:
    """Take a new evaluation into account; also gives the derivative of -U* as it is known then, shape (p, p)."""
    p = len(beta)
    correction = np.reshape(known.correction or np.zeros(p * p), (p, p))
    if known.beta and np.all(np.isfinite(sums.score)):
        step = np.array(beta) - np.array(known.beta)
        change = np.array(known.score) - sums.score
        missed = change - (sums.information + correction) @ step
        denominator = float(missed @ step)
        if abs(denominator) > SMALLEST_UPDATE * np.linalg.norm(missed) * np.linalg.norm(step):
            correction = correction + np.outer(missed, missed) / denominator
    learnt = Learnt(beta, tuple(sums.score.tolist()), tuple(correction.ravel().tolist()))
    return learnt, sums.information + correction
