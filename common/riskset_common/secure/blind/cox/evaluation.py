"""One evaluation of the pooled partial likelihood on shares: log-likelihood, score and information at public coefficients.

With A, B, C of each term (see `model.Terms`), w = 1/A and v = B w:

    log L = sum over deaths of x' β - sum of weight (log A - log d)
    U     = sum over deaths of x    - sum of weight v
    I     = sum of weight (C w - v v')

Sums are local; the number, the vector and the matrix are cut to the digits of `digits.py` before they are opened, so that the last bits of
the hidden terms do not show. Nothing else is opened but what a converged model gives besides, see `beside_the_fit.py`.

The logarithms and Newton's correction of the reciprocals are computed in the same openings. Where the reciprocals start from the last
ones, so do the logarithms, all as shares:

    log A = log(A w_last factor) - log(factor) - log w_last,    - log w_last = log A_last - log(A_last w_last) = log A_last + r

with r = 1 - A_last w_last, the rounding of w_last. It is below 2^-24, and would else add up over the evaluations where A is large; r^2 is
left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

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
    total,
    zeros,
)
from riskset_common.secure.blind.arithmetic.fixed_point import ONE, F, to_fixed
from riskset_common.secure.blind.arithmetic.logarithm import logarithms, sum_of_logarithms
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.reciprocal import (
    FreshStart,
    NearStart,
    correct,
    iterate,
)
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.cox.bounds import LOG_BITS, PublicPath
from riskset_common.secure.blind.cox.digits import Digits
from riskset_common.secure.blind.cox.hidden_deaths import (
    DeathShares,
    death_shares,
    hidden_terms,
    weighted_terms,
)
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.cox.opened import open_sums
from riskset_common.survival.arrays.shapes import IntArray


@dataclass(frozen=True, eq=False)
class Kept:
    """What a member keeps from one evaluation for the next.

    Attributes
    ----------
    w
        Shares of 1/A, shape (9, n_terms).
    log_share
        Share of the hidden part of minus the sum of weight log w, degree 2t, units of 2^-128, shape (9, 1). Where weights are hidden,
        of minus log w of each term, degree t, units of 2^-64, shape (9, n_terms).
    deaths
        What follows from the deaths, where they are hidden.
    """

    w: Elements
    log_share: Elements
    deaths: DeathShares | None = None


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
    kept: Kept
    hidden: HiddenTerms


def evaluate(
    arithmetic: Arithmetic,
    model: BlindModel,
    path: PublicPath,
    digits: Digits,
    sums: Elements,
    last: Kept | None,
    deaths: Elements | None = None,
) -> Opening[Evaluated]:
    """Log-likelihood, score and information, opened. Run by every committee member.

    Parameters
    ----------
    path
        The coefficients, and the start of the reciprocals at them.
    digits
        To which all is opened.
    sums
        Shares of the pooled sums, shape (9, model.length).
    last
        What was kept of the evaluation before.
    deaths
        Shares of the deaths, shape (9, n_slots), where they are hidden.
    """
    at_risk, died, events, g_events = _parts(model, sums)
    counted: DeathShares | None = None
    if deaths is not None:
        known = None if last is None else last.deaths
        counted = known or (yield from death_shares(arithmetic, model, deaths))
    A, *B = yield from _terms(arithmetic, model, counted, at_risk, died)

    # 1/A. Newton's correction, v = B w, and the logarithms run beside one another: three openings together, or four.
    # Only a model within sites has no reciprocals to start from.
    start = cast("FreshStart | NearStart", path.start)
    nearly = yield from iterate(arithmetic, A, start, None if last is None else last.w)
    before = None if last is None or isinstance(start, FreshStart) else last.log_share
    (w, v, rounding), log_share = yield from arithmetic.beside(
        lambda side: _corrected(side, A, B, nearly.w),
        lambda side: _logarithms(side, model, nearly.chain, before),
    )
    hidden = HiddenTerms(at_risk, died, g_events, w, tuple(v))
    linear = inner(events, from_integers(to_fixed(float(each)) for each in path.beta))
    logs = _sum_of_logs(model, counted, path, log_share)
    if counted is None:
        score = score_share(model, events, v)
        information = information_share(model, hidden, w, v, v)
    else:
        weighted = yield from weighted_terms(arithmetic, model, counted, w, v)
        score = subtract(events, weighted.score())
        information = weighted.information(hidden.at_risk, hidden.died, v)
    opened = yield from open_sums(
        arithmetic, digits, subtract(linear[:, np.newaxis], logs), score, information
    )
    kept = Kept(w, add(log_share, _of_rounding(model, rounding)), counted)
    return Evaluated(opened, kept, hidden)


def _terms(
    arithmetic: Arithmetic,
    model: BlindModel,
    deaths: DeathShares | None,
    at_risk: Elements,
    died: Elements,
) -> Opening[list[Elements]]:
    """A, and B of each column, shape (9, n_terms)."""
    p = model.n_columns
    if deaths is not None:
        first = slice(0, 1 + p)
        return (
            yield from hidden_terms(arithmetic, model, deaths, at_risk[:, first], died[:, first])
        )
    return [_term(model, at_risk[:, k], died[:, k]) for k in range(1 + p)]


def _logarithms(
    arithmetic: Arithmetic, model: BlindModel, chain: Sequence[Elements], before: Elements | None
) -> Opening[Elements]:
    """Shares of the hidden part of log A: `before`, less the sum of log(1 + e); over all terms, or of each, see `Kept.log_share`."""
    if not model.weights_are_hidden:
        logs = yield from sum_of_logarithms(arithmetic, chain, model.terms.weight)
        return subtract(zeros(1) if before is None else before, logs)
    each = yield from logarithms(arithmetic, chain)
    (cut,) = yield from arithmetic.truncate([Truncated(each, F)])
    return subtract(zeros(each.shape[1]) if before is None else before, cut)


def _of_rounding(model: BlindModel, rounding: Elements) -> Elements:
    """1 - A w, by which -log w differs from log A, in the units of `Kept.log_share`."""
    if model.weights_are_hidden:
        return rounding
    weighted = total(scale(rounding, model.terms.weight))[:, np.newaxis]
    return multiply(weighted, constant(ONE))


def _sum_of_logs(
    model: BlindModel, deaths: DeathShares | None, path: PublicPath, log_share: Elements
) -> Elements:
    """A share of the sum of weight (log A - log d) but for its public part, degree 2t, in units of 2^-128, shape (9, 1)."""
    if deaths is None:
        return log_share
    if model.weights_are_hidden:
        public = constant(path.log_public_each(model.n_slots) << (F - LOG_BITS))
        summed = inner(deaths.deaths, add(log_share, public))[:, np.newaxis]
        return multiply(summed, constant(ONE))
    return subtract(log_share, multiply(deaths.logarithms, constant(ONE)))


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
