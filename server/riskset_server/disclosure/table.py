"""The cells, margins and columns of a table of counts that must be withheld, so that no small count can be computed.

A count is small when it is neither zero nor at least `minimum_cell`. Holding back the small cells alone does not hide them: totals
are known, here and in other tables. Of the parts of a known sum, so many are held that each of them could just as well be
`minimum_cell` or more (the upper protection of statistical disclosure control, Hundepool et al. 2012, chapter 4). A part that is held
is known not to be zero, because zeros are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from riskset_common.results.shown import Shown, Withheld

T = TypeVar("T")
Counts = Sequence[Sequence[int]]


def is_small(count: int, smallest: int) -> bool:
    """Whether a count is one that may not be shown."""
    return 0 < count < smallest


def held_parts(parts: Sequence[int], smallest: int, held: Collection[int] = ()) -> frozenset[int]:
    """Which parts of a known sum must be held back, those in `held` in any case.

    The small ones, and then the smallest of the others, until each that is held could be `smallest` or more while every other is at
    least 1. If all parts together are too few for that, all are held, zeros too.
    """
    withheld = {index for index, part in enumerate(parts) if is_small(part, smallest)} | set(held)
    spare = sorted(
        (index for index, part in enumerate(parts) if part > 0 and index not in withheld),
        key=lambda index: parts[index],
    )
    while not _is_hidden([parts[index] for index in sorted(withheld)], smallest):
        if not spare:
            return frozenset(range(len(parts)))
        withheld.add(spare.pop(0))
    return frozenset(withheld)


def _is_hidden(held: Sequence[int], smallest: int) -> bool:
    """Whether the sum of what is held, which can be worked out, leaves every small part of it open."""
    if not any(is_small(part, smallest) for part in held):
        return True
    positive = [part for part in held if part > 0]
    return len(positive) > 1 and sum(positive) >= smallest + len(positive) - 1


@dataclass(frozen=True)
class Held:
    """What of a table is held back: whole columns with their sums, single cells (row, column) of the others, and totals of rows."""

    columns: frozenset[int]
    cells: frozenset[tuple[int, int]]
    rows: frozenset[int]

    @property
    def anything(self) -> bool:
        """Whether the table is incomplete."""
        return bool(self.columns or self.rows)

    def holds(self, row: int, column: int) -> bool:
        """Whether this cell may not be shown."""
        return column in self.columns or (row, column) in self.cells


def held_back(table: Counts, columns: frozenset[int], smallest: int) -> Held:
    """What of a table must be held back. Its rows partition the patients of a column; the columns' sums are known.

    Parameters
    ----------
    table
        Counts, shape (rows, columns).
    columns
        Columns of which nothing may be shown (`held_parts` of the columns' sums). Their sum over a row follows from the row's
        total, so it is treated as one more cell.

    Notes
    -----
    The total of a row with anything held is held too. What can then be worked out are the sums of the columns, one by one.
    """
    cells: set[tuple[int, int]] = set()
    rows: set[int] = set()
    for column in range(len(table[0]) if table else 0):
        if column not in columns:
            held_rows = held_parts([row[column] for row in table], smallest)
            cells |= {(row, column) for row in held_rows}
            rows |= held_rows
    if columns:
        rows |= held_parts([sum(row[column] for column in columns) for row in table], smallest)
    return Held(columns, frozenset(cells), frozenset(rows))


def without(
    values: Sequence[Shown[T]], hidden: Collection[int], rule: Withheld
) -> tuple[Shown[T], ...]:
    """Values by column, without those of the hidden columns."""
    return tuple(rule if index in hidden else value for index, value in enumerate(values))
