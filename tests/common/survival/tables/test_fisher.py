"""Fisher's exact test of any table: equal to the sum over all tables written out, and to R."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.tables import fisher
from riskset_common.survival.tables.fisher import fisher_p_value

# fisher.test(matrix(c(..), 3, byrow = TRUE), workspace = 2e7) of R 4.2.2
OF_R = [
    ([[20, 15, 18], [15, 30, 11], [9, 14, 22]], 0.0064123178001497709),
    ([[3, 1, 0, 2], [0, 4, 1, 1], [5, 2, 2, 1]], 0.18574342441496683),
]

small_tables = st.integers(2, 3).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(0, 4), min_size=n, max_size=n), min_size=2, max_size=3
    ).filter(lambda rows: sum(map(sum, rows)) <= 14)
)


def by_hand(table: np.ndarray) -> float:
    """All tables with these margins, cell by cell, as exact fractions of n! over the margins."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    free = [range(int(min(r, c)) + 1) for r in rows[:-1] for c in columns[:-1]]
    probable: list[tuple[float, bool]] = []
    observed = 1 / math.prod(math.factorial(x) for x in table.ravel().tolist())
    for cells in itertools.product(*free):
        inner = np.array(cells, dtype=np.int64).reshape(len(rows) - 1, len(columns) - 1)
        right = np.column_stack((inner, rows[:-1] - inner.sum(axis=1)))
        whole = np.vstack((right, columns - right.sum(axis=0)))
        if whole.min() >= 0:
            p = 1 / math.prod(math.factorial(x) for x in whole.ravel().tolist())
            probable.append((p, p <= observed * (1 + 1e-7)))
    return math.fsum(p for p, chosen in probable if chosen) / math.fsum(p for p, _ in probable)


@given(rows=small_tables)
def test_it_is_the_sum_over_all_tables_that_are_not_more_probable(rows: list[list[int]]) -> None:
    table = np.array(rows, dtype=np.int64)

    assert by_hand(table) == pytest.approx(fisher_p_value(table), rel=1e-11)


@pytest.mark.parametrize(("rows", "expected"), OF_R)
def test_it_equals_r(rows: list[list[int]], expected: float) -> None:
    assert expected == pytest.approx(fisher_p_value(np.array(rows)), rel=1e-9)


def test_rows_and_columns_may_be_turned_and_reordered() -> None:
    table = np.array(OF_R[1][0])
    p = fisher_p_value(table)

    assert p == pytest.approx(fisher_p_value(table.T), rel=1e-12)
    assert p == pytest.approx(fisher_p_value(table[[2, 0, 1]][:, [3, 1, 0, 2]]), rel=1e-12)


def test_the_parts_in_which_tables_are_held_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.array(OF_R[0][0])
    p = fisher_p_value(table)
    monkeypatch.setattr(fisher, "AT_ONCE", 100)

    assert p == pytest.approx(fisher_p_value(table), rel=1e-12)


def test_empty_rows_and_columns_play_no_part() -> None:
    table = np.array([[3, 0, 1], [0, 0, 0], [1, 0, 5]])

    assert fisher_p_value(np.array([[3, 1], [1, 5]])) == fisher_p_value(table)


@pytest.mark.parametrize("table", [[[3, 5]], [[3], [5]], [[0, 0], [0, 0]], [[3, 0], [4, 0]]])
def test_one_row_or_column_shows_nothing(table: list[list[int]]) -> None:
    assert 1.0 == fisher_p_value(np.array(table))


def test_a_trial_of_thousand_patients_has_a_p_value() -> None:
    """Every table within 9.5 standard deviations written out; 400,000 random tables gave 0.4171 (standard error 0.0008)."""
    table = np.array([[75, 150, 81], [109, 170, 121], [83, 135, 76]])

    assert 0.4165321224722 == pytest.approx(fisher_p_value(table), rel=1e-9)


@pytest.mark.parametrize(
    "table",
    [[[20, 5, 10], [8, 12, 9], [9, 13, 14]], [[30, 0, 1], [0, 28, 2], [3, 1, 35]]],
    ids=["weak", "strong"],
)
def test_it_is_the_sum_over_the_tables_of_hundred_patients(table: list[list[int]]) -> None:
    """All four free cells at once, none left out; the second P is smaller than 1e-40."""
    counts = np.array(table)
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    logs = np.array([math.lgamma(k + 1) for k in range(int(counts.sum()) + 1)])
    limits = [min(rows[i], columns[j]) + 1 for i in (0, 1) for j in (0, 1)]
    a, b, c, d = np.ogrid[tuple(slice(0, limit) for limit in limits)]
    others = (rows[0] - a - b, rows[1] - c - d, columns[0] - a - c, columns[1] - b - d)
    cells = (a, b, c, d, *others, rows[2] - others[2] - others[3])
    fits = np.logical_and.reduce(np.broadcast_arrays(*(each >= 0 for each in cells)))
    weight = -sum(logs[np.broadcast_to(each, fits.shape)[fits]] for each in cells)
    scaled = np.exp(weight - weight.max())
    counted = weight <= -logs[counts].sum() + 1e-7

    assert scaled[counted].sum() / scaled.sum() == pytest.approx(
        fisher_p_value(counts), rel=1e-10, abs=0
    )


def test_a_table_that_takes_too_many_steps_is_refused_before_they_are_gone_through() -> None:
    table = np.full((10, 10), 20)

    with pytest.raises(EstimationError, match=r"10 by 10 with 2,000 patients .* chi_square"):
        fisher_p_value(table, 1_000_000)


def test_steps_are_counted_over_all_cells() -> None:
    table = np.array([[167, 0, 0], [0, 116, 94], [0, 90, 40], [0, 106, 30]])

    with pytest.raises(EstimationError, match=r"4 by 3 with 643 patients .* 100,000 steps"):
        fisher_p_value(table, 100_000)


def test_beginnings_that_are_too_many_to_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fisher, "MOST_HELD", 10)

    with pytest.raises(EstimationError, match="Ask for test: chi_square"):
        fisher_p_value(np.array(OF_R[0][0]))


@pytest.mark.parametrize("table", [[3, 5], [[3, -1], [2, 2]]])
def test_what_is_no_table_of_counts_is_refused(table: list) -> None:
    with pytest.raises(EstimationError, match="rows, columns and counts from 0 up"):
        fisher_p_value(np.array(table))
