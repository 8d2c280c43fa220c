"""The terms of a partial likelihood whose deaths are hidden: d of each slot is on shares, a whole number from 0 to a public bound T.

Whatever depends on d alone is a polynomial of degree T in d, through its values at 0..T. Such are, for l = 0..T-1,

    [d <= l],    [d > l] d,    [d > l] l,    d log d.

With them Efron's terms are, at every slot and for every l,

    A' = [d > l] (d S0 - l D0) + [d <= l],    B' = [d > l] (d S1 - l D1),

so that a term that is none has A' = 1, log A' = 0 and B' = 0. Breslow's are A' = S0 + [d = 0] and B = S1, with d as their weight: days
without a death may have nobody at risk, and the logarithm there is of 1.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.primitives.prime_field import P
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    add,
    constant,
    dot,
    inner,
    multiply,
    subtract,
    total,
    zeros,
)
from riskset_common.secure.blind.arithmetic.fixed_point import ONE
from riskset_common.secure.blind.arithmetic.parts import Exact
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.cox.model import BlindModel


@dataclass(frozen=True, eq=False)
class DeathShares:
    """A member's shares of what the deaths of a model say, kept through all of its evaluations.

    Attributes
    ----------
    deaths
        d, shape (9, n_slots).
    none
        [d <= l] of each term, shape (9, n_terms).
    whole, taken
        [d > l] d and [d > l] l of each of Efron's terms, shape (9, n_terms); none of Breslow's.
    logarithms
        The sum of d log d over the slots in units of 2^-64, shape (9, 1); 0 of Breslow's.
    """

    deaths: Elements
    none: Elements
    whole: Elements
    taken: Elements
    logarithms: Elements


def death_shares(
    arithmetic: Arithmetic, model: BlindModel, deaths: Elements
) -> Opening[DeathShares]:
    """What an evaluation needs of the deaths, from shares of d, shape (9, n_slots). Openings: the binary logarithm of T, rounded up."""
    T = model.most_ties
    powers = yield from _powers(arithmetic, deaths, T)

    def at_each_slot(values: Iterable[int]) -> Elements:
        return _polynomial(powers, [*values])

    d = range(T + 1)

    if model.ties == "breslow":
        none = at_each_slot(k == 0 for k in d)
        return DeathShares(deaths, none, zeros(0), zeros(0), zeros(1))
    none = _of_terms([at_each_slot(k <= l for k in d) for l in range(T)])
    whole = _of_terms([at_each_slot(k * (k > l) for k in d) for l in range(T)])
    # [d > l] l = l - l [d <= l].
    l = constant_of(model.terms.taken.tolist())
    taken = subtract(l, multiply(none, l))
    logarithms = total(at_each_slot(map(_d_log_d, d)))[:, np.newaxis]
    return DeathShares(deaths, none, whole, taken, logarithms)


def hidden_terms(
    arithmetic: Arithmetic, model: BlindModel, deaths: DeathShares, S: Elements, D: Elements
) -> Opening[list[Elements]]:
    """A' and B' of each column, shape (9, n_terms) each, in units of 2^-64. One opening of Efron's terms.

    Parameters
    ----------
    S, D
        The sums of w and w x over those at risk and those who die, shape (9, 1 + p, n_slots) and (9, 1 + p, n_tied).
    """
    terms, one = model.terms, constant(ONE)
    if model.ties == "breslow":
        A, *B = (S[:, k] for k in range(S.shape[1]))
        return [add(A, multiply(deaths.none, one)), *B]
    products = []
    for k in range(S.shape[1]):
        pairs = [(deaths.whole, S[:, k, terms.slot])]
        if len(terms.tied):
            pairs.append((_negative(deaths.taken), D[:, k, terms.tied_place]))
        products.append(dot(pairs))
    products[0] = add(products[0], multiply(deaths.none, one))
    return (yield from arithmetic.open([Exact(each) for each in products]))


@dataclass(frozen=True, eq=False)
class WeightedTerms:
    """Shares of what the score and the information add up, with the deaths as weights.

    Attributes
    ----------
    for_s, for_d
        What S2 and D2 of each slot are multiplied by: the sum of w d and of w l over its terms, shape (9, n_slots), (9, n_tied).
    v
        v of each column times its weight, p of shape (9, n_terms).
    """

    for_s: Elements
    for_d: Elements
    v: tuple[Elements, ...]

    def score(self) -> Elements:
        """The sum of weight v, shape (9, p), in units of 2^-64."""
        return np.stack([total(each) for each in self.v], axis=1)

    def information(self, at_risk: Elements, died: Elements, v: Sequence[Elements]) -> Elements:
        """The sum of weight (C w - v v'), shape (9, p (p + 1)/2), degree 2t, units of 2^-128."""
        p = len(v)
        second = inner(at_risk[:, 1 + p :], self.for_s[:, np.newaxis])
        if self.for_d.shape[1]:
            second = subtract(second, inner(died[:, 1 + p :], self.for_d[:, np.newaxis]))
        pairs = [inner(self.v[a], v[b]) for a in range(p) for b in range(a, p)]
        return subtract(second, np.stack(pairs, axis=1))


def weighted_terms(
    arithmetic: Arithmetic,
    model: BlindModel,
    deaths: DeathShares,
    w: Elements,
    v: Sequence[Elements],
) -> Opening[WeightedTerms]:
    """What score and information add up, from w and v of each term. One opening."""
    none = zeros(0)
    if model.ties == "breslow":
        products = [Exact(multiply(each, deaths.deaths)) for each in (w, *v)]
        for_s, *weighted = yield from arithmetic.open(products)
        return WeightedTerms(for_s, none, tuple(weighted))
    # v of Efron's terms is 0 where a term is none.
    shape = (len(w), model.n_slots, -1)
    parts = [deaths.whole, deaths.taken] if len(model.terms.tied) else [deaths.whole]
    sums = [Exact(inner(part.reshape(shape), w.reshape(shape))) for part in parts]
    found = yield from arithmetic.open(sums)
    return WeightedTerms(found[0], found[1] if len(found) > 1 else none, tuple(v))


def constant_of(values: Sequence[int]) -> Elements:
    """Public whole numbers, shape (9, n)."""
    return np.concatenate([constant(value) for value in values], axis=1)


def _of_terms(of_slots: Sequence[Elements]) -> Elements:
    """For each l a share of every slot, shape (9, n_slots), in the order of terms."""
    return np.stack(of_slots, axis=2).reshape(len(of_slots[0]), -1)


def _powers(arithmetic: Arithmetic, d: Elements, T: int) -> Opening[list[Elements]]:
    """d, d^2 .. d^T, exactly."""
    powers = [d]
    while len(powers) < T:
        further = powers[: T - len(powers)]
        products = [Exact(multiply(powers[-1], each)) for each in further]
        powers += yield from arithmetic.open(products)
    return powers


def _polynomial(powers: Sequence[Elements], values: Sequence[int]) -> Elements:
    """The polynomial through (k, values[k]), k = 0..T, at a hidden d."""
    first, *others = _coefficients(values)
    sums = dot([(constant(c), power) for c, power in zip(others, powers, strict=True)])
    return add(sums, constant(first))


def _coefficients(values: Sequence[int]) -> list[int]:
    """Of 1, d, d^2 .. modulo p, by Newton's divided differences."""
    differences = [value % P for value in values]
    for order in range(1, len(differences)):
        inverse = pow(order, -1, P)
        for k in range(len(differences) - 1, order - 1, -1):
            differences[k] = (differences[k] - differences[k - 1]) * inverse % P
    found = [differences[-1]]
    for k in range(len(differences) - 2, -1, -1):
        # found becomes found (d - k) + differences[k].
        shifted = [0, *found]
        found = [(a - k * b) % P for a, b in zip(shifted, [*found, 0], strict=True)]
        found[0] = (found[0] + differences[k]) % P
    return found


def _d_log_d(d: int) -> int:
    """In units of 2^-64, rounded correctly and so the same on every machine."""
    if d < 2:
        return 0
    context = decimal.Context(prec=50)
    exactly = context.multiply(context.ln(decimal.Decimal(d)), decimal.Decimal(d * ONE))
    return int(exactly.to_integral_value())


def _negative(a: Elements) -> Elements:
    return subtract(zeros(a.shape[1]), a)
