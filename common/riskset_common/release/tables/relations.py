"""Every sum of a plan's counts that is always 0: levels that add up, populations within populations, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from riskset_common.release.cells import Cell, Levels
from riskset_common.release.tables.algebra import PRIME, as_conditions
from riskset_common.survival.arrays.shapes import IntArray

SPARE_PLACES = 8
"""More places than counts, so that their rank is the rank of the polynomials."""
Conditions = frozenset[tuple[str, frozenset[str]]]


def relations(names: Sequence[Sequence[Cell]], vectors: IntArray) -> IntArray:
    """Factors, modulo `PRIME`, of sums that are 0 in every set of patients, shape (n_relations, n_cells); all others follow from them.

    Sums that a reader of the plan sees come first, and are short: a count is the sum of its parts by one variable. Then come those
    that the rank of the vectors shows besides.

    Parameters
    ----------
    names
        The ways in which each count is written.
    vectors
        The counts as polynomials, shape (n_cells, n_places).
    """
    n_cells = len(names)
    seen = whole_and_parts(names, vectors)
    rows = np.zeros((len(seen), n_cells), dtype=np.int64)
    for row, (whole, parts) in zip(rows, seen, strict=True):
        row[whole], row[list(parts)] = 1, PRIME - 1
    # A count that is always 0 says nothing of others, and is no part of a sum.
    nobody = np.flatnonzero(~vectors.any(axis=1))
    rows[:, nobody] = 0
    sums = {*(whole for whole, _ in seen), *nobody.tolist()}
    leaves = [place for place in range(n_cells) if place not in sums]
    # Their rank is no more than their number, so that a few places more show it.
    dependent = null_space(vectors[leaves, : len(leaves) + SPARE_PLACES])
    besides = np.zeros((len(dependent), n_cells), dtype=np.int64)
    besides[:, leaves] = dependent
    return independent(np.concatenate([rows, besides]))


def whole_and_parts(
    names: Sequence[Sequence[Cell]], vectors: IntArray
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Counts, and the counts that together are the same, as far as the conditions show where to look for them."""
    place_of = {vector.tobytes(): place for place, vector in enumerate(vectors)}
    found = []
    for parts in dict.fromkeys(_families(names)):
        whole = place_of.get((vectors[list(parts)].sum(axis=0) % PRIME).tobytes())
        if whole is not None and whole not in parts:
            found.append((whole, parts))
    return tuple(found)


def _families(names: Sequence[Sequence[Cell]]) -> Iterator[tuple[int, ...]]:
    """Counts that together may be another: parts by one variable, and those who meet some conditions with those who do not."""
    by_rest: dict[tuple[Conditions, Levels, str], dict[frozenset[str], int]] = {}
    exactly: dict[tuple[Conditions, Levels], int] = {}
    for place, aliases in enumerate(names):
        for cell in aliases:
            met = as_conditions(cell)
            conditions = frozenset(met.items())
            exactly[conditions, cell.without] = place
            # Not in the order of a set, which every process has another of.
            for name, levels in met.items():
                rest = conditions - {(name, levels)}
                by_rest.setdefault((rest, cell.without, name), {})[levels] = place
    for parts in by_rest.values():
        yield from _covers(parts)
    for place, aliases in enumerate(names):
        for cell in aliases:
            met = as_conditions(cell)
            for name, levels in as_conditions(Cell(cell.without)).items():
                met[name] = met.get(name, frozenset(levels)) & frozenset(levels)
            within = exactly.get((frozenset(met.items()), ()))
            if cell.without and within is not None:
                yield tuple(sorted((place, within)))


def _covers(parts: dict[frozenset[str], int]) -> Iterator[tuple[int, ...]]:
    """Parts without a level in common: all of the smallest, and of these those that make up a larger one."""
    smallest = [levels for levels in parts if not any(other < levels for other in parts if other)]
    if any(one & other for one in smallest for other in smallest if one != other):
        return
    known = [levels for levels in smallest if "?" not in levels]
    for chosen in (
        smallest,
        known,
        *([each for each in smallest if each <= larger] for larger in parts),
    ):
        if len(chosen) > 1:
            yield tuple(sorted(parts[levels] for levels in chosen))


def null_space(vectors: IntArray) -> IntArray:
    """Factors with which the rows add up to 0, modulo `PRIME`, a base of all such, shape (n_rows - rank, n_rows)."""
    n_rows = len(vectors)
    left = vectors.T.copy()
    pivots = _echelon(left)
    free = [row for row in range(n_rows) if row not in set(pivots)]
    # Each row that is no pivot is a sum of pivots: solved from the last of them up.
    factors = left[: len(pivots), free]
    for place in range(len(pivots) - 1, 0, -1):
        above = left[:place, pivots[place], np.newaxis]
        factors[:place] = (factors[:place] - above * factors[place]) % PRIME
    found = np.zeros((len(free), n_rows), dtype=np.int64)
    found[:, pivots] = -factors.T % PRIME
    found[np.arange(len(free)), free] = 1
    return found


def _echelon(left: IntArray) -> list[int]:
    """Bring a matrix into echelon form with ones at its pivots, in place; the columns of the pivots."""
    pivots: list[int] = []
    for column in range(left.shape[1]):
        rank = len(pivots)
        filled = rank + np.flatnonzero(left[rank:, column])
        if not len(filled):
            continue
        left[[rank, filled[0]]] = left[[filled[0], rank]]
        scale = pow(int(left[rank, column]), -1, PRIME)
        left[rank, column:] = left[rank, column:] * scale % PRIME
        below = filled[filled > rank]
        taken = left[below, column, np.newaxis] * left[rank, column:]
        left[below, column:] = (left[below, column:] - taken) % PRIME
        pivots.append(column)
    return pivots


def independent(rows: IntArray) -> IntArray:
    """Those rows, in their order, that are no sums of rows before them."""
    return rows[_echelon(rows.T.copy())]


def signed(factors: IntArray) -> IntArray:
    """Factors from -(p - 1)/2 to (p - 1)/2 instead of 0 to p - 1."""
    return np.where(factors > PRIME // 2, factors - PRIME, factors)
