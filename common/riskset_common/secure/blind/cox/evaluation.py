"""One evaluation of the pooled partial likelihood on shares: log-likelihood, score and information at public coefficients.

With A, B, C of each term (see `model.Terms`), w = 1/A and v = B w:

    log L = sum over deaths of x' β - sum of weight (log A - log d)
    U     = sum over deaths of x    - sum of weight v
    I     = sum of weight (C w - v v')

Sums are local; the three numbers, vector and matrix are truncated to 40, 50 and 44 fractional bits before they are opened, so that the
last bits of the hidden terms do not show. Nothing else is opened but what a converged model gives besides, see `beside_the_fit.py`.

The logarithms and Newton's correction of the reciprocals are computed in the same openings. Where the reciprocals start from the last
ones, so do the logarithms, all as shares:

    log A = log(A w_last factor) - log(factor) - log w_last,    - log w_last = log A_last - log(A_last w_last) = log A_last + r

with r = 1 - A_last w_last, the rounding of w_last. It is below 2^-24, and would else add up over the evaluations where A is large; r^2 is
left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    Elements,
    add,
    constant,
    from_integers,
    inner,
    multiply,
    scale,
    subtract,
    to_integers,
    total,
    zeros,
)
from riskset_common.secure.blind.arithmetic.fixed_point import ONE, F, to_fixed, to_real
from riskset_common.secure.blind.arithmetic.logarithm import sum_of_logarithms
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.reciprocal import (
    FreshStart,
    NearStart,
    correct,
    iterate,
)
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.survival.arrays.shapes import FloatArray, IntArray
from riskset_common.survival.arrays.triangles import symmetric
from riskset_common.survival.regression.cox import CoxSums

LIKELIHOOD_BITS, SCORE_BITS, INFORMATION_BITS = 40, 50, 44
_LARGEST_OPENED = 1 << (INFORMATION_BITS + 60)


@dataclass(frozen=True, eq=False)
class Reciprocals:
    """What a member keeps from one evaluation for the next.

    Attributes
    ----------
    w
        Shares of 1/A, shape (9, n_terms).
    log_share
        Share of the hidden part of minus the sum of weight log w, degree 2t, units of 2^-128, shape (9, 1).
    """

    w: Elements
    log_share: Elements


@dataclass(frozen=True, eq=False)
class HiddenTerms:
    """A member's shares of what the evaluation rests on, as long as it lasts.

    Attributes
    ----------
    at_risk, died
        S, shape (9, n_sums, n_slots), and D, shape (9, n_sums, n_tied).
    g_events
        Sum of x g over the deaths, shape (9, p), or (9, 0) where it is not wanted.
    w, v
        1/A, shape (9, n_terms), and B/A of each column.
    """

    at_risk: Elements
    died: Elements
    g_events: Elements
    w: Elements
    v: tuple[Elements, ...]


class Evaluated(NamedTuple):
    """The opened numbers, shape (9, n_opened(model)), what to keep for the next evaluation, and the shares behind."""

    opened: Elements
    kept: Reciprocals
    hidden: HiddenTerms


def n_opened(model: BlindModel) -> int:
    """How many numbers an evaluation opens."""
    return 1 + model.n_columns + model.n_columns * (model.n_columns + 1) // 2


def cox_sums_of(model: BlindModel, opened: Elements, log_public: float) -> CoxSums:
    """The opened numbers as log-likelihood, score and information; noise is refused.

    Parameters
    ----------
    opened
        Shape (9, n_opened(model)).
    log_public
        The public part of the sum of weight log A, see `bounds.PublicPath`.
    """
    p, numbers = model.n_columns, opened_integers(opened)
    known = float(model.terms.weight @ np.log(model.terms.factor.astype(np.float64))) - log_public
    return CoxSums(
        log_likelihood=float(to_real(numbers[:1], LIKELIHOOD_BITS)[0]) + known,
        score=to_real(numbers[1 : 1 + p], SCORE_BITS),
        information=symmetric(to_real(numbers[1 + p :], INFORMATION_BITS), p),
    )


def opened_integers(opened: Elements) -> list[int]:
    """What was opened, as whole numbers; noise is refused."""
    numbers = to_integers(opened)
    if any(abs(number) > _LARGEST_OPENED for number in numbers):
        raise ProtocolRefusal(
            "What was opened is noise: members were given different inputs, keys or coefficients. Nothing about any site can be read "
            "from it. Start a new session."
        )
    return numbers


def evaluate(
    arithmetic: Arithmetic,
    model: BlindModel,
    beta: FloatArray,
    start: FreshStart | NearStart,
    sums: Elements,
    last: Reciprocals | None,
) -> Opening[Evaluated]:
    """Log-likelihood, score and information, opened. Run by every committee member.

    Parameters
    ----------
    beta, start
        The coefficients, and the start of the reciprocals at them, see `bounds.next_path`.
    sums
        Shares of the pooled sums, shape (9, model.length).
    last
        What was kept of the evaluation before.
    """
    terms, p = model.terms, model.n_columns
    at_risk, died, events, g_events = _parts(model, sums)
    combined = [_term(model, at_risk[:, k], died[:, k]) for k in range(1 + p)]
    A, B = combined[0], combined[1:]

    # 1/A. Newton's correction, v = B w, and the logarithms run beside one another: three openings together.
    nearly = yield from iterate(arithmetic, A, start, None if last is None else last.w)
    (w, v, rounding), logs = yield from arithmetic.beside(
        lambda side: _corrected(side, A, B, nearly.w),
        lambda side: sum_of_logarithms(side, nearly.chain, terms.weight),
    )

    # sum of weight log A = public part - sum of log(1 + e), and what was known of the last w.
    log_share = subtract(zeros(1), logs)
    if isinstance(start, NearStart) and last is not None:
        log_share = add(log_share, last.log_share)
    r = multiply(total(scale(rounding, terms.weight))[:, np.newaxis], constant(ONE))
    kept = Reciprocals(w, add(log_share, r))
    hidden = HiddenTerms(at_risk, died, g_events, w, tuple(v))
    score = score_share(model, events, v)
    linear = inner(events, from_integers(to_fixed(float(each)) for each in beta))[:, np.newaxis]
    results = yield from arithmetic.truncate(
        [
            Truncated(subtract(linear, log_share), 2 * F - LIKELIHOOD_BITS),
            Truncated(score, F - SCORE_BITS),
            Truncated(information_share(model, hidden, w, v, v), 2 * F - INFORMATION_BITS),
        ]
    )
    opened = yield from arithmetic.reveal(np.concatenate(results, axis=1))
    return Evaluated(opened, kept, hidden)


def _parts(model: BlindModel, sums: Elements) -> tuple[Elements, Elements, Elements, Elements]:
    """S, shape (9, n_sums, n_slots), D, shape (9, n_sums, n_tied), and the sums of x, shape (9, p), and x g over the deaths."""
    tied, rows = len(model.terms.tied), model.n_sums
    middle, end = rows * model.n_slots, rows * (model.n_slots + tied)
    at_risk = sums[:, :middle].reshape(LIMBS, rows, model.n_slots)
    died = sums[:, middle:end].reshape(LIMBS, rows, tied)
    events, g_events = np.split(sums[:, end:], [model.n_columns], axis=1)
    return at_risk, died, events, g_events


def _term(model: BlindModel, at_risk: Elements, died: Elements) -> Elements:
    """d S - l D of each term, from one column of S and D."""
    terms = model.terms
    whole = scale(at_risk[:, terms.slot], terms.factor)
    if not len(terms.tied):
        return whole
    return subtract(whole, scale(died[:, terms.tied_place], terms.taken))


def _corrected(
    arithmetic: Arithmetic, A: Elements, B: Sequence[Elements], nearly: Elements
) -> Opening[tuple[Elements, list[Elements], Elements]]:
    """w, v of each column, and 1 - A w."""
    w = yield from correct(arithmetic, A, nearly)
    factors = [A, *B]
    products = yield from arithmetic.product(
        np.concatenate(factors, axis=1), np.tile(w, len(factors)), F
    )
    one, *v = np.split(products, len(factors), axis=1)
    return w, v, subtract(arithmetic.constant(ONE), one)


def score_share(model: BlindModel, events: Elements, v: Sequence[Elements]) -> Elements:
    """Sum of x over the deaths less the sum of weight v, shape (9, p), units of 2^-64."""
    weighted = [total(scale(each, model.terms.weight)) for each in v]
    return subtract(events, np.stack(weighted, axis=1))


def information_share(
    model: BlindModel,
    hidden: HiddenTerms,
    w: Elements,
    left: Sequence[Elements],
    right: Sequence[Elements],
) -> Elements:
    """Sum of weight (C w - left right'), shape (9, p (p + 1)/2), degree 2t, units of 2^-128; left and right are v for the information.

    C = d S2 - l D2, so the w of a slot are added up first, times d for S2 and times l for D2.
    """
    terms, p = model.terms, model.n_columns
    counted = scale(w, terms.weight)
    starts = np.searchsorted(terms.slot, np.arange(model.n_slots))
    for_s = _by_slot(scale(counted, terms.factor), starts)
    second = inner(hidden.at_risk[:, 1 + p :], for_s[:, np.newaxis])
    if len(terms.tied):
        for_d = _by_slot(scale(counted, terms.taken), starts)[:, terms.tied]
        second = subtract(second, inner(hidden.died[:, 1 + p :], for_d[:, np.newaxis]))
    pairs = [inner(scale(left[a], terms.weight), right[b]) for a in range(p) for b in range(a, p)]
    return subtract(second, np.stack(pairs, axis=1))


def _by_slot(values: Elements, starts: IntArray) -> Elements:
    """Sums over the terms of each slot, shape (9, n_slots)."""
    return total(np.add.reduceat(values, starts, axis=1)[..., np.newaxis])
