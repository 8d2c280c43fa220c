"""Fisher's exact test of a table of counts with any number of rows and columns (Freeman and Halton 1951).

Given its margins r_i and c_j, a table x_ij has the probability (prod r_i! prod c_j!) / (n! prod x_ij!). P is the sum over all tables
that are not more probable than the one observed. Tables are built row by row: what of the columns is left after some rows is all that
the later rows see, and the last row is what remains.

References
----------
Freeman GH, Halton JH (1951), Biometrika 38:141. Fisher RA (1934), Statistical Methods for Research Workers, 5th ed, section 21.02.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

MOST_TABLES = 30_000_000
"""Tables that are gone through at most: some seconds."""
AT_ONCE = 1_000_000
"""Tables that are held at one time."""
AS_PROBABLE = 1e-7
"""Tables whose probability exceeds the observed one by no more than this share of it count as equally probable, as in R."""


def fisher_p_value(counts: IntArray, most: int = MOST_TABLES) -> float:
    """Two-sided P of independence; 1 where fewer than two rows or two columns hold anybody.

    Parameters
    ----------
    counts
        Patients, shape (n_rows, n_columns).
    most
        How many tables may be gone through.

    Raises
    ------
    EstimationError
        Where the margins allow more tables than that.
    """
    table = _without_empty(counts)
    if min(table.shape, default=0) < 2:
        return 1.0
    logs = _log_factorials(int(table.sum()))
    rows = np.sort(table.sum(axis=1))
    _refuse_too_many(rows, table.sum(axis=0), most)
    observed = -float(logs[table].sum())
    highest, total, extreme = -np.inf, 0.0, 0.0
    for weights in _weights(rows, table.sum(axis=0), logs):
        # Weights are sums of -log x!; the common factor of the margins cancels between the two sums.
        if weights.max() > highest:
            scale = np.exp(highest - weights.max())
            highest, total, extreme = float(weights.max()), total * scale, extreme * scale
        share = np.exp(weights - highest)
        total += float(share.sum())
        extreme += float(share[weights <= observed + AS_PROBABLE].sum())
    return min(float(extreme / total), 1.0)


def _without_empty(counts: IntArray) -> IntArray:
    """The table without empty rows and columns, turned so that it has at least as many rows as columns."""
    if counts.ndim != 2 or bool(np.any(counts < 0)):
        raise EstimationError(
            f"A table is tested that has rows, columns and counts from 0 up; found shape {counts.shape}."
        )
    table: IntArray = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    return table if table.shape[0] >= table.shape[1] else table.T


def _log_factorials(n: int) -> FloatArray:
    """Log k! for k = 0..n, shape (n + 1,)."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1, dtype=np.float64)))))


def _compositions(total: int, columns: IntArray) -> IntArray:
    """Ways to spread a row's total over columns that hold no more than given, shape (n_ways, n_columns)."""
    compositions = np.zeros((1, 0), dtype=np.int64)
    room = np.cumsum(columns[::-1])[::-1]
    for index, limit in enumerate(columns):
        left = total - compositions.sum(axis=1)
        later = int(room[index + 1]) if index + 1 < len(columns) else 0
        low, high = np.maximum(left - later, 0), np.minimum(left, limit)
        ways = high - low + 1
        chosen = np.repeat(np.arange(len(compositions)), ways)
        first = np.repeat(np.cumsum(ways) - ways, ways)
        value = low[chosen] + np.arange(len(chosen)) - first
        compositions = np.column_stack((compositions[chosen], value))
    return compositions


def _ways(total: int, columns: IntArray) -> float:
    """Number of such ways, shape of the same recursion on sums alone."""
    ways = np.zeros(total + 1)
    ways[0] = 1.0
    for limit in columns:
        sums = np.concatenate(([0.0], np.cumsum(ways)))
        index = np.arange(total + 1)
        ways = sums[index + 1] - sums[np.maximum(index - int(limit), 0)]
    return float(ways[total])


def _refuse_too_many(rows: IntArray, columns: IntArray, most: int) -> None:
    tables = float(np.prod([_ways(int(row), columns) for row in rows[:-1]]))
    if tables > most:
        raise EstimationError(
            f"Fisher's exact test of a table of {len(rows)} by {len(columns)} with {int(rows.sum()):,} patients would go through up "
            f"to {tables:.2g} tables, of which {most:,} are gone through at most. Ask for test: chi_square, or join levels."
        )


def _weights(rows: IntArray, columns: IntArray, logs: FloatArray) -> Iterator[FloatArray]:
    """Log weights of all tables with these margins, in parts; rows ascend, so that the last one is the longest."""
    *free, _ = rows.tolist()
    waiting = [(0, columns[np.newaxis, :], np.zeros(1))]
    ways = [_compositions(row, columns) for row in free]
    while waiting:
        depth, left, weight = waiting.pop()
        if depth == len(free):
            yield weight - logs[left].sum(axis=1)
            continue
        step = max(AT_ONCE // len(ways[depth]), 1)
        for begin in range(0, len(left), step):
            here, before = left[begin : begin + step], weight[begin : begin + step]
            remaining = here[:, np.newaxis, :] - ways[depth][np.newaxis, :, :]
            fits = np.all(remaining >= 0, axis=2)
            added = before[:, np.newaxis] - logs[ways[depth]].sum(axis=1)
            waiting.append((depth + 1, remaining[fits], added[fits]))
