"""The cumulative baseline hazard at a few times, and its variance, on shares: two numbers are opened for each stratum and time.

With w and v of each term as in `evaluation.py`, h = weight d w is its step of the hazard at standardised covariates of 0. Up to a time t,

    H = sum of h,    V = sum of weight (d w)²,    Q = sum of h v,

and at the covariates x0 the cumulative hazard is r H, r = exp(x0' β), with the variance r² (V + q' I⁻¹ q), q = Q - H x0 (Andersen and Gill
1982). Efron's approximation takes its own terms, as survfit does in R, and Breslow's gives Breslow's estimator.

Members open H and V + q' I⁻¹ q; V and Q, which would tell more, stay hidden. I⁻¹ is public, but members must multiply by the same whole
numbers, so it is computed exactly from the information as it was opened.

References
----------
Andersen PK, Gill RD (1982), Ann Stat 10:1100, section 3. Bareiss EH (1968), Math Comp 22:565 (elimination without fractions).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    add,
    constant,
    dot,
    from_integers,
    inner,
    multiply,
    scale,
    subtract,
    total,
)
from riskset_common.secure.blind.arithmetic.fixed_point import F, to_fixed, to_real
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.cox.digits import INFORMATION_BITS
from riskset_common.secure.blind.cox.evaluation import HiddenTerms
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.cox.opened import opened_integers
from riskset_common.secure.blind.cox.wanted import Block, WantedHazard
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray

_INVERSE_BITS = 56
"""Bits of the largest element of I⁻¹."""
_LARGEST_VARIANCE_BITS = 31


@dataclass(frozen=True, eq=False)
class BlindHazard:
    """The cumulative baseline hazard, one entry for each stratum and time, shape (n_blocks,).

    Attributes
    ----------
    stratum, time
        Of each entry.
    cumulative, std_err
        At the covariates that were asked, and its standard error.
    """

    stratum: IntArray
    time: FloatArray
    cumulative: FloatArray
    std_err: FloatArray


@dataclass(frozen=True, eq=False)
class _Sums:
    """Shares of H, shape (9, n_blocks), of V in units of 2^-128, and of q, shape (9, n_blocks, p)."""

    H: Elements
    V: Elements
    q: Elements


def n_hazards(model: BlindModel, wanted: WantedHazard) -> int:
    """How many numbers are opened."""
    return 2 * len(_blocks(model, wanted))


def open_hazard(
    arithmetic: Arithmetic,
    model: BlindModel,
    wanted: WantedHazard,
    hidden: HiddenTerms,
    information: Sequence[int],
    aliased: BoolArray,
) -> Opening[Elements]:
    """H of each block, then V + q' I⁻¹ q of each, shape (9, n_hazards(model, wanted)). Five openings.

    Parameters
    ----------
    information
        The upper triangle by rows, whole numbers of 2^-44, as it was opened.
    aliased
        Columns that take no part.
    """
    kept = np.flatnonzero(~aliased)
    sums = _sums(model, _blocks(model, wanted), hidden)
    flat = sums.q[:, :, kept].reshape(len(sums.q), -1)
    lower, q = yield from arithmetic.truncate(
        [Truncated(sums.H, F - wanted.bits), Truncated(flat, F)]
    )
    opened = yield from arithmetic.reveal(lower)
    inverse, bits = _inverse(information, model.n_columns, kept)
    # As large as it can be with the error of the truncation.
    largest = _hazards(wanted, opened) + len(arithmetic.committee.subsets) * 2.0**-wanted.bits
    _require_small(model, largest, inverse, bits)
    q = q.reshape(len(q), -1, len(kept))
    parts = [
        dot([(q[:, :, b], constant(inverse[a][b])) for b in range(len(kept))])
        for a in range(len(kept))
    ]
    products = yield from arithmetic.truncate([Truncated(each, bits) for each in parts])
    variance = sums.V
    for a, product in enumerate(products):
        variance = add(variance, multiply(q[:, :, a], product))
    (result,) = yield from arithmetic.truncate([Truncated(variance, 2 * F - wanted.variance_bits)])
    return np.concatenate([opened, (yield from arithmetic.reveal(result))], axis=1)


def hazard_of(
    model: BlindModel, wanted: WantedHazard, beta: Sequence[float], opened: Elements
) -> BlindHazard:
    """The opened numbers at the covariates that were asked, β the standardised coefficients at which they were opened."""
    blocks = _blocks(model, wanted)
    first, second = np.split(opened, 2, axis=1)
    variance = to_real(opened_integers(second), wanted.variance_bits)
    r = math.exp(float(model.hazard_at @ np.array(beta)))
    return BlindHazard(
        stratum=np.array([block.stratum for block in blocks], dtype=np.int64),
        time=np.array([block.time for block in blocks], dtype=np.float64),
        cumulative=r * _hazards(wanted, first),
        std_err=r * np.sqrt(np.maximum(variance, 0.0)),
    )


def _hazards(wanted: WantedHazard, opened: Elements) -> FloatArray:
    """H of each block as it was opened; few bits of a small one may come out below 0."""
    return np.maximum(to_real(opened_integers(opened), wanted.bits), 0.0)


def _blocks(model: BlindModel, wanted: WantedHazard) -> list[Block]:
    return wanted.blocks(model.slot_strata, model.slot_times)


def _sums(model: BlindModel, blocks: Sequence[Block], hidden: HiddenTerms) -> _Sums:
    terms, p = model.terms, model.n_columns
    increment = scale(scale(hidden.w, terms.weight), terms.factor)
    square = scale(increment, terms.factor)
    H, V, Q = [], [], []
    for block in blocks:
        start, end = np.searchsorted(terms.slot, [block.start, block.end])
        part = slice(int(start), int(end))
        step = increment[:, part]
        H.append(total(step))
        V.append(inner(square[:, part], hidden.w[:, part]))
        Q.append(np.stack([inner(step, each[:, part]) for each in hidden.v], axis=1))
    total_h = np.stack(H, axis=1)
    at = from_integers(to_fixed(float(each)) for each in model.hazard_at)
    shift = np.stack([multiply(total_h, at[:, a : a + 1]) for a in range(p)], axis=2)
    return _Sums(total_h, np.stack(V, axis=1), subtract(np.stack(Q, axis=1), shift))


def _inverse(information: Sequence[int], p: int, kept: IntArray) -> tuple[list[list[int]], int]:
    """I⁻¹ over the columns kept, as whole numbers of 2^-bits below 2^56 and the bits; the same on every machine."""
    matrix = [[0] * p for _ in range(p)]
    for (a, b), value in zip(zip(*np.triu_indices(p), strict=True), information, strict=True):
        matrix[a][b] = matrix[b][a] = value
    n = len(kept)
    rows = [
        [matrix[a][b] for b in kept] + [int(k == j) for j in range(n)] for k, a in enumerate(kept)
    ]
    last = 1
    for k in range(n):
        pivot = rows[k]
        for i in range(n):
            if i != k:
                rows[i] = [
                    (pivot[k] * x - rows[i][k] * y) // last
                    for x, y in zip(rows[i], pivot, strict=True)
                ]
        last = pivot[k]
    adjoint = [row[n:] for row in rows]
    # adjoint / last is the inverse in units of 2^44.
    largest = max(abs(each) for row in adjoint for each in row)
    bits = _INVERSE_BITS - 1 - (largest.bit_length() - last.bit_length() + INFORMATION_BITS)
    up = bits + INFORMATION_BITS
    return [[(each << up) // last for each in row] for row in adjoint], bits


def _require_small(
    model: BlindModel, hazards: FloatArray, inverse: Sequence[Sequence[int]], bits: int
) -> None:
    """Raise unless V + q' I⁻¹ q is small enough to be truncated: V <= H² and |q_a| <= H (1 + |x0_a|)."""
    H = float(np.max(hazards))
    spread = H * (1 + float(np.max(np.abs(model.hazard_at))))
    information = sum(abs(each) for row in inverse for each in row) * 2.0**-bits
    if not math.log2(H * H + spread * spread * information) < _LARGEST_VARIANCE_BITS:
        raise EstimationError(
            f"Model {model.analysis!r}: the variance of the baseline hazard is too large for the blind computation. Ask for earlier "
            "times, at covariates that patients have."
        )
