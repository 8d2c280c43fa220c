"""Which counts are held back besides the small ones, so that no small count follows from what is shown.

Let W be the counts that must stay open, S those that are shown, and Q the protectors, held although they are not small. Of all sums that
are 0 whatever the patients are, none may hold counts of W and of S and no protector: then nothing that is shown says anything of W
(the span of W and that of S have only 0 in common). Each protector is the pivot of one such sum: it is what it is less or more by what the
counts of W are more. Protectors are chosen in a public order that knows no count: whichever takes the fewest others with it, rather
none of unknown values and none that holds many others, then the finer, then the later in the plan.

A protector must be able to give: for every value that one count of W may have, with the others at their least, the protector must
be as large as its floor. Of x_q = y + sum of e_w x_w with y = x_q - sum of e_w x_w, what is asked is whether y is large enough.
No value that a count of W takes changes y, so the answer rules none of them out. A protector that is too small joins W.
Compare the upper protection of statistical disclosure control (Hundepool et al. 2012, chapter 4).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.release.tables.algebra import PRIME
from riskset_common.release.tables.relations import signed
from riskset_common.survival.arrays.shapes import IntArray

LARGEST_FACTOR = 8
"""Of a count of W in a protector; one of a larger factor joins W instead."""


@dataclass(frozen=True)
class Range:
    """Between what values a count of W may lie: from 1 where it is small by itself, from 0 otherwise.

    Those that are no small counts but were too few to protect need not be able to have every value (`moves`).
    """

    lowest: int
    highest: int
    moves: bool = True


@dataclass(frozen=True)
class Protector:
    """A count that is held for others.

    Attributes
    ----------
    cell
        Its place among the plan's counts.
    factors
        How many it is more when a count of W is one more, by the place of that count.
    least
        What its count, less what the counts of W add to it, must be at the least.
    most_below
        How far below 0 that may lie.
    is_whole
        Whether it only holds counts of W and others that are shown, as a total does. It is then large enough whatever they are: it is not
        small, so that if what is shown of it is nothing, its small parts together are no fewer than its floor, and each may have any
        value. It is not asked for, because the answer would say what is shown of it.
    """

    cell: int
    factors: tuple[tuple[int, int], ...]
    least: int
    most_below: int
    is_whole: bool


def protectors(
    relations: IntArray,
    open_counts: Mapping[int, Range],
    floors: Sequence[int],
    order: Sequence[tuple[int, int]],
) -> tuple[Protector, ...] | int:
    """The protectors of counts that must stay open, or one more count that must, because no whole factors say what it gives.

    Parameters
    ----------
    relations
        Sums that are 0, modulo `PRIME`, shape (n_relations, n_cells).
    open_counts
        W, by place.
    floors
        Of each count, below which it would be small.
    order
        Of each count how many other sums it is taken to burden besides, and its place in the order in which protectors are chosen.
    """
    rows = relations.copy()
    is_open = np.zeros(rows.shape[1], dtype=np.bool_)
    is_open[list(open_counts)] = True
    pivots = _pivots(rows, is_open, order)
    found = []
    for row, cell in pivots.items():
        factors = signed(-rows[row] % PRIME)
        by = {int(each): int(factors[each]) for each in np.flatnonzero(is_open & (rows[row] != 0))}
        if any(abs(factor) > LARGEST_FACTOR for factor in by.values()):
            return cell
        if by:
            is_whole = bool((np.delete(factors, cell) >= 0).all())
            found.append(_protector(cell, by, open_counts, floors[cell], is_whole=is_whole))
    return tuple(sorted(found, key=lambda each: each.cell))


def _pivots(
    rows: IntArray, is_open: np.ndarray, order: Sequence[tuple[int, int]]
) -> dict[int, int]:
    """Choose a protector for each sum that needs one, and bring the sums, in place, into a form in which no other holds it."""
    pivots: dict[int, int] = {}
    while (row := _needs_one(rows, is_open, pivots)) is not None:
        cell = _chosen(rows, row, is_open, pivots, order)
        _clear(rows, row, cell)
        pivots[row] = cell
    _reduce_open(rows, is_open, pivots)
    return pivots


def _needs_one(rows: IntArray, is_open: np.ndarray, pivots: Collection[int]) -> int | None:
    """A sum that holds counts of W and shown ones, and has no protector yet."""
    filled = rows != 0
    wanting = filled[:, is_open].any(axis=1) & filled[:, ~is_open].any(axis=1)
    wanting[list(pivots)] = False
    found = np.flatnonzero(wanting)
    if not len(found):
        return None
    return int(found[np.argmin(filled[found].sum(axis=1))])


def _chosen(
    rows: IntArray,
    row: int,
    is_open: np.ndarray,
    pivots: Mapping[int, int],
    order: Sequence[tuple[int, int]],
) -> int:
    """The count of a sum that takes the fewest other sums with it: those of shown counts alone, which then need a protector too.

    `order` breaks ties.
    """
    filled = rows != 0
    idle = ~filled[:, is_open].any(axis=1)
    idle[list(pivots)] = False
    candidates = np.flatnonzero(filled[row] & ~is_open)
    taken = filled[idle][:, candidates].sum(axis=0)
    burden = {
        cell: (n + order[cell][0], order[cell][1])
        for cell, n in zip(candidates.tolist(), taken.tolist(), strict=True)
    }
    return min(burden, key=lambda cell: burden[cell])


def _clear(rows: IntArray, row: int, cell: int) -> None:
    """Make a sum the only one that holds a count, with the factor 1."""
    rows[row] = rows[row] * pow(int(rows[row, cell]), -1, PRIME) % PRIME
    others = np.flatnonzero(rows[:, cell])
    others = others[others != row]
    rows[others] = (rows[others] - rows[others, cell, np.newaxis] * rows[row]) % PRIME


def _reduce_open(rows: IntArray, is_open: np.ndarray, pivots: Mapping[int, int]) -> None:
    """Where counts of W add up among themselves, say each protector by as few of them as there are."""
    filled = rows != 0
    among = np.flatnonzero(filled[:, is_open].any(axis=1) & ~filled[:, ~is_open].any(axis=1))
    for row in among:
        if row in pivots:
            continue
        held = np.flatnonzero(rows[row])
        if len(held):
            _clear(rows, int(row), int(held[0]))


def _protector(
    cell: int,
    factors: Mapping[int, int],
    open_counts: Mapping[int, Range],
    floor: int,
    *,
    is_whole: bool,
) -> Protector:
    """How large it must be so that one count of W may have any value while the others have their least."""
    least, room, below = floor, 0, 0
    for other, factor in factors.items():
        span = open_counts[other]
        if factor < 0:
            # Of what lies within a small group at least one may be there, so that the others' least is one each.
            least -= factor * (1 if span.moves else span.lowest)
            room = max(room, -factor * (span.highest - 1) if span.moves else 0)
        else:
            least -= factor * span.lowest
            below += factor * span.highest
    return Protector(cell, tuple(sorted(factors.items())), least + room, below, is_whole)
