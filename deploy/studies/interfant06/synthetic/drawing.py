"""Ways to draw: a fixed number of some, fixed numbers of each kind, and times from piecewise constant hazards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray


def pick(
    rng: np.random.Generator, among: BoolArray, number: int, score: FloatArray | float = 0.0
) -> BoolArray:
    """Choose a fixed number of those `among`, one after the other with chances in proportion to exp(score). Shape (n,).

    The largest of the keys score - log(-log u) are such a sample (Gumbel's maximum). Every call draws n numbers, so that
    two draws that differ in a parameter stay comparable. Where there are fewer, all are chosen.
    """
    key = score - np.log(-np.log(rng.random(among.size)))
    key = np.where(among, key, -np.inf)
    chosen = np.zeros(among.size, dtype=np.bool_)
    chosen[np.argsort(-key, kind="stable")[:number]] = True
    return chosen & among


def deal(rng: np.random.Generator, among: BoolArray, counts: Sequence[int]) -> IntArray:
    """Give those `among` the kinds 0, 1, ... in these numbers, at random; -1 elsewhere. Shape (n,)."""
    rows = np.flatnonzero(among)
    if rows.size != sum(counts):
        raise EstimationError(
            f"{rows.size} infants cannot be dealt into {sum(counts)} places {tuple(counts)}. Mend margins.py."
        )
    dealt = np.full(among.size, -1, dtype=np.int64)
    order = np.argsort(rng.random(among.size)[rows], kind="stable")
    dealt[rows[order]] = np.repeat(np.arange(len(counts)), counts)
    return dealt


def waiting_time(u: FloatArray, starts: Sequence[float], hazard: FloatArray) -> FloatArray:
    """Time at which the cumulative hazard reaches -log u; the hazard is constant from each start to the next.

    Parameters
    ----------
    u
        Uniform numbers, shape (n,).
    starts
        Years at which the intervals begin, the first 0; the last interval has no end.
    hazard
        Per year, shape (n, n_intervals).
    """
    edges = np.asarray(starts, dtype=np.float64)
    before = np.zeros_like(hazard)
    np.cumsum(hazard[:, :-1] * np.diff(edges), axis=1, out=before[:, 1:])
    needed = -np.log(u)
    interval = (before <= needed[:, None]).sum(axis=1) - 1
    row = np.arange(u.size)
    with np.errstate(divide="ignore"):
        time: FloatArray = (
            edges[interval] + (needed - before[row, interval]) / hazard[row, interval]
        )
    return time
