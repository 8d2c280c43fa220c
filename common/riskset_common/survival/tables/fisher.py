"""Fisher's exact test of a table of counts with any number of rows and columns (Freeman and Halton 1951).

Given its margins r_i and c_j, a table x_ij has the probability (prod r_i! prod c_j!) / (n! prod x_ij!). P is the sum over all tables
that are not more probable than the one observed. Tables are built cell by cell, many at a time. As in the network algorithm (Mehta
and Patel 1983), beginnings that leave the same to the columns and are equally probable are one, and a beginning is not continued
if all that can follow counts, or if it cannot change P. What follows altogether has a closed form. The last four cells, a
two by two table, are the two tails of a hypergeometric distribution.

References
----------
Freeman GH, Halton JH (1951), Biometrika 38:141. Fisher RA (1934), Statistical Methods for Research Workers, 5th ed, section 21.02.
Mehta CR, Patel NR (1983), J Am Stat Assoc 78:427.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray

MOST_STEPS = 40_000_000
"""Beginnings of tables that are gone through at most: some seconds."""
AT_ONCE = 500_000
"""Beginnings that are continued at one time."""
MOST_HELD = 2_000_000
"""Beginnings that are held after a row."""
AS_PROBABLE = 1e-7
"""Tables whose probability exceeds the observed one by no more than this share of it count as equally probable, as in R."""
LEFT_OUT = 1e-13
"""Share of P that the beginnings left out in each cell hold at most."""
EQUALLY = 1e9
"""Beginnings whose logarithms agree to the inverse of this are equally probable."""


def fisher_p_value(counts: IntArray, most: int = MOST_STEPS) -> float:
    """Two-sided P of independence; 1 where fewer than two rows or two columns hold anybody.

    Parameters
    ----------
    counts
        Patients, shape (n_rows, n_columns).
    most
        How many beginnings of tables may be gone through.

    Raises
    ------
    EstimationError
        Where the test needs more than that.
    """
    table = _without_empty(counts)
    if min(table.shape, default=0) < 2:
        return 1.0
    return min(_Sum(table, most).p_value(), 1.0)


def _without_empty(counts: IntArray) -> IntArray:
    """The table without empty rows and columns, turned so that it has at least as many rows as columns, short rows first."""
    if counts.ndim != 2 or bool(np.any(counts < 0)):
        raise EstimationError(
            f"A table is tested that has rows, columns and counts from 0 up; found shape {counts.shape}."
        )
    table: IntArray = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    table = table if table.shape[0] >= table.shape[1] else table.T
    return table[np.argsort(table.sum(axis=1), kind="stable")]


def _log_factorials(n: int) -> FloatArray:
    """Log k! for k = 0..n, shape (n + 1,)."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1, dtype=np.float64)))))


@dataclass(frozen=True, eq=False)
class _Begun:
    """Beginnings of tables.

    Attributes
    ----------
    left
        What is left of each column for later cells and rows, shape (n, n_columns).
    room
        What is left of the row, shape (n,).
    weight
        Log probability of the cells so far, without what follows from the margins, shape (n,).
    times
        How many beginnings are this one, shape (n,).
    """

    left: IntArray
    room: IntArray
    weight: FloatArray
    times: FloatArray

    def __len__(self) -> int:
        return len(self.room)

    def of(self, chosen: BoolArray | IntArray | slice) -> _Begun:
        """Some of them."""
        return _Begun(self.left[chosen], self.room[chosen], self.weight[chosen], self.times[chosen])


class _Sum:
    """The sum over the tables with the margins of one."""

    def __init__(self, table: IntArray, most: int) -> None:
        self.rows: list[int] = table.sum(axis=1).tolist()
        self.columns = np.sort(table.sum(axis=0))
        self.logs = _log_factorials(int(table.sum()))
        self.most, self.steps = most, 0
        margins = float(self.logs[self.rows].sum() + self.logs[self.columns].sum())
        self.constant = margins - float(self.logs[-1])
        """Log probability of a table is this and the weight of its cells."""
        observed = -float(self.logs[table].sum())
        self.limit = observed + AS_PROBABLE
        self.found = 0.0
        self.least = float(np.exp(observed + self.constant))

    def p_value(self) -> float:
        """Go through the rows; the last row is what is left of the columns."""
        begun = _Begun(self.columns[np.newaxis, :], np.zeros(1, np.int64), np.zeros(1), np.ones(1))
        for row in range(len(self.rows) - 2):
            begun = self._merged(list(self._held(begun, row)))
        for part in self._parts(begun):
            for each in self._row(part, len(self.rows) - 2):
                self.found += self._tails(each)
        return self.found

    def _held(self, begun: _Begun, row: int) -> Iterator[_Begun]:
        """The beginnings with one row more, as long as they can be held."""
        held = 0
        for part in self._parts(begun):
            for each in self._row(part, row):
                held += len(each)
                if held > MOST_HELD:
                    self._refuse()
                yield each

    def _parts(self, begun: _Begun) -> Iterator[_Begun]:
        step = AT_ONCE // 50
        for first in range(0, len(begun), step):
            yield begun.of(slice(first, first + step))

    def _row(self, begun: _Begun, row: int) -> Iterator[_Begun]:
        """The beginnings with one row more; of the last but one without its last two cells, which `_tails` adds up."""
        total, width = self.rows[row], len(self.columns)
        is_last = row == len(self.rows) - 2
        waiting = [(0, _Begun(begun.left, np.full(len(begun), total), begun.weight, begun.times))]
        while waiting:
            cell, here = waiting.pop()
            if is_last and cell == width - 2:
                yield here
            elif cell == width - 1:
                yield self._with_cell(here, cell, here.room)
            else:
                waiting += [
                    (cell + 1, self._open(each, row, cell)) for each in self._next(here, cell)
                ]

    def _next(self, here: _Begun, cell: int) -> Iterator[_Begun]:
        """All that one more cell may hold, in parts of `AT_ONCE`."""
        later = here.left[:, cell + 1 :].sum(axis=1)
        low, high = np.maximum(here.room - later, 0), np.minimum(here.room, here.left[:, cell])
        ways = high - low + 1
        ends = np.cumsum(ways)
        self._count(int(ends[-1]) if len(ends) else 0)
        first = 0
        while first < len(ways):
            before = ends[first - 1] if first else 0
            after = max(int(np.searchsorted(ends, before + AT_ONCE, side="right")), first + 1)
            chosen = np.repeat(np.arange(first, after), ways[first:after])
            offset = np.arange(len(chosen)) - (ends[chosen] - ways[chosen] - before)
            yield self._with_cell(here.of(chosen), cell, low[chosen] + offset)
            first = after

    def _with_cell(self, here: _Begun, cell: int, value: IntArray) -> _Begun:
        left = here.left.copy()
        left[:, cell] -= value
        return _Begun(left, here.room - value, here.weight - self.logs[value], here.times)

    def _open(self, here: _Begun, row: int, cell: int) -> _Begun:
        """Without the beginnings after which every table counts, which are added, and without those that cannot change P."""
        altogether = self._altogether(here, row, cell)
        all_count = altogether <= self.limit
        mass = here.times * np.exp(altogether + self.constant)
        self.found += float(mass[all_count].sum())
        kept = here.of(~all_count)
        mass = mass[~all_count]
        order = np.argsort(mass)
        small = np.cumsum(mass[order])
        # The masses in one cell of all rows add up to 1 at most, so their shares of what may be left out do as well.
        may_go = LEFT_OUT * max(self.least, self.found) * (float(small[-1]) if len(small) else 0.0)
        keep = np.ones(len(mass), dtype=np.bool_)
        keep[order[: int(np.searchsorted(small, may_go, side="right"))]] = False
        return kept.of(keep)

    def _altogether(self, here: _Begun, row: int, cell: int) -> FloatArray:
        """Log weight of all that follows after a cell: sum of prod 1/x!, by Vandermonde's identity for the rest of the row."""
        later = here.left[:, cell + 1 :].sum(axis=1)
        below = self.rows[row + 1 :]
        fixed = float(self.logs[sum(below)] - self.logs[below].sum())
        rest = self.logs[later] - self.logs[here.room] - self.logs[later - here.room]
        total: FloatArray = here.weight + fixed + rest - self.logs[here.left].sum(axis=1)
        return total

    def _tails(self, here: _Begun) -> float:
        """Probability of the tables that count after these beginnings, whose last four cells are open."""
        if not len(here):
            return 0.0
        a, b, room = here.left[:, -2], here.left[:, -1], here.room
        rest = self.logs[here.left[:, :-2]].sum(axis=1)
        four = _FourCells(a, b, room, here.weight - rest, self.logs)
        low, high = np.maximum(room - b, 0), np.minimum(room, a)
        mode = np.clip((room + 1) * (a + 1) // (a + b + 2), low, high)
        below = four.last_that_counts(mode, low, -1, self.limit)
        above = four.last_that_counts(mode, high, 1, self.limit)
        # Where the mode counts everything does: the left tail then ends at the mode, and the right one begins after it.
        above = np.where(below == mode, mode + 1, above)
        probability = four.tail(below, low, -1, self.constant) + four.tail(
            above, high, 1, self.constant
        )
        self._count(len(here))
        return float((here.times * probability).sum())

    def _merged(self, parts: list[_Begun]) -> _Begun:
        """Equal beginnings as one; the order of the columns does not matter to the rows that follow."""
        left = np.sort(np.concatenate([each.left for each in parts]), axis=1)
        weight = np.concatenate([each.weight for each in parts])
        times = np.concatenate([each.times for each in parts])
        key = np.column_stack((left, np.rint(weight * EQUALLY).astype(np.int64)))
        _, first, which = np.unique(key, axis=0, return_index=True, return_inverse=True)
        return _Begun(
            left[first],
            np.zeros(len(first), np.int64),
            weight[first],
            np.bincount(which.ravel(), weights=times).astype(np.float64),
        )

    def _count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > self.most:
            self._refuse()

    def _refuse(self) -> None:
        raise EstimationError(
            f"Fisher's exact test of a table of {len(self.rows)} by {len(self.columns)} with {sum(self.rows):,} patients takes more than "
            f"{self.most:,} steps, which are gone through at most. Ask for test: chi_square, or join levels."
        )


@dataclass(frozen=True, eq=False)
class _FourCells:
    """Two by two tables x, room - x; a - x, b - room + x, each after a beginning of some weight; arrays have shape (n,)."""

    a: IntArray
    b: IntArray
    room: IntArray
    before: FloatArray
    logs: FloatArray

    def weight(self, x: IntArray) -> FloatArray:
        """Log weight of the whole table."""
        four = (x, self.room - x, self.a - x, self.b - self.room + x)
        return self.before - sum(self.logs[each] for each in four)

    def last_that_counts(self, mode: IntArray, end: IntArray, step: int, limit: float) -> IntArray:
        """Going from an end to the mode, the last x whose weight is at most the limit; one step beyond the end if there is none."""
        inside, outside = end + step, mode.copy()
        whole = self.weight(mode) <= limit
        inside = np.where(whole, mode, inside)
        outside = np.where(whole, mode - step, outside)
        while bool(np.any(np.abs(outside - inside) > 1)):
            middle = (inside + outside) // 2
            counts = (
                self.weight(np.clip(middle, np.minimum(mode, end), np.maximum(mode, end))) <= limit
            )
            apart = np.abs(outside - inside) > 1
            inside = np.where(apart & counts, middle, inside)
            outside = np.where(apart & ~counts, middle, outside)
        return inside

    def tail(self, begin: IntArray, end: IntArray, step: int, constant: float) -> FloatArray:
        """Probability of x from `begin` to an end, term by term until nothing is added."""
        total = np.zeros(len(begin))
        some = np.flatnonzero((end - begin) * step >= 0)
        x, last = begin[some], end[some]
        here = _FourCells(self.a[some], self.b[some], self.room[some], self.before[some], self.logs)
        term = np.exp(here.weight(x) + constant)
        while len(some):
            total[some] += term
            more = (x != last) & (term > 1e-17 * total[some])
            some, x, last, term = some[more], x[more], last[more], term[more]
            here = _FourCells(
                here.a[more], here.b[more], here.room[more], here.before[more], here.logs
            )
            term = term * here.ratio(x, step)
            x = x + step
        return total

    def ratio(self, x: IntArray, step: int) -> FloatArray:
        """Probability of the next x over that of this one."""
        if step > 0:
            return (self.room - x) * (self.a - x) / ((x + 1.0) * (self.b - self.room + x + 1))
        return x * (self.b - self.room + x) / ((self.room - x + 1.0) * (self.a - x + 1))
