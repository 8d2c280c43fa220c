"""Held-back cells: an attacker with every margin and linear programming cannot tell that a cell is small, nor what it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import linprog
from tests.examples import examples
from tests.server.disclosure.as_released import is_withheld, release

from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.table import held_parts

FORMER_LEAK = [[36, 27], [71, 42], [28, 21], [1, 0], [1, 0]]
"""Two single patients who add up to 2 with the known rest of their column: the lung trial's ECOG 3 and ECOG not known."""


@st.composite
def tables(draw) -> list[list[int]]:
    """Cells of a characteristic by group, the last row for patients in whom it is not known."""
    n_columns = draw(st.integers(1, 4))
    cell = st.one_of(st.integers(0, 6), st.integers(0, 40))
    row = st.lists(cell, min_size=n_columns, max_size=n_columns)
    table: list[list[int]] = draw(st.lists(row, min_size=2, max_size=5))
    return table


def disclosures() -> st.SearchStrategy[Disclosure]:
    return st.builds(
        Disclosure, minimum_cell=st.sampled_from([3, 5, 10]), minimum_at_risk=st.just(10)
    )


def percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def baseline_of(table: list[list[int]]) -> dict:
    """A table of one characteristic as the estimator gives it."""
    *known, unknown = table
    column_n = [sum(column) for column in zip(*table, strict=True)]
    known_n = [sum(column) for column in zip(*known, strict=True)]
    rows = [
        {
            "variable": "v",
            "level": str(index),
            "counts": row,
            "percent": [percent(part, whole) for part, whole in zip(row, known_n, strict=True)],
            "total": sum(row),
            "total_percent": percent(sum(row), sum(known_n)),
        }
        for index, row in enumerate(known)
    ]
    return {
        "kind": "baseline",
        "n": sum(column_n),
        "missing": 0,
        "by": "g",
        "columns": [str(index) for index in range(len(column_n))],
        "column_n": column_n,
        "rows": rows,
        "numbers": [],
        "missing_values": {"v": {"counts": unknown, "total": sum(unknown)}},
        "tests": {"v": {"name": "chi-square", "statistic": 1.0, "df": 1, "p_value": 0.3}},
        "warnings": [],
    }


def event_table_of(table: list[list[int]]) -> dict:
    """A table of first events as the estimator gives it; the last row is of those without one."""
    column_n = [sum(column) for column in zip(*table, strict=True)]
    rows = [
        {
            "event": str(index),
            "counts": row,
            "percent": [percent(part, whole) for part, whole in zip(row, column_n, strict=True)],
            "total": sum(row),
        }
        for index, row in enumerate(table)
    ]
    return {
        "kind": "event_table",
        "endpoint": "OS",
        "n": sum(column_n),
        "events": sum(column_n) - sum(table[-1]),
        "missing": 0,
        "by": "g",
        "columns": [str(index) for index in range(len(column_n))],
        "column_n": column_n,
        "rows": rows[:-1],
        "censored": rows[-1],
        "warnings": [],
    }


class Attacker:
    """What follows from a released table: the range of every cell, by linear programming over all that was shown."""

    def __init__(self, released: dict) -> None:
        self.released = released
        self.rows = [*released["rows"]]
        if released["kind"] == "baseline":
            self.rows.append(released["missing_values"]["v"])
        else:
            self.rows.append(released["censored"])
        self.shape = len(self.rows), len(released["column_n"])
        self.equations: list[tuple[set[tuple[int, int]], float]] = []
        self._learn()

    def _cells(self, rows: object = None, columns: object = None) -> set[tuple[int, int]]:
        n_rows, n_columns = self.shape
        return {
            (row, column)
            for row in (range(n_rows) if rows is None else rows)  # type: ignore[attr-defined]
            for column in (range(n_columns) if columns is None else columns)  # type: ignore[attr-defined]
        }

    def _know(self, cells: set[tuple[int, int]], value: object) -> None:
        if isinstance(value, (int, float)):
            self.equations.append((cells, float(value)))

    def _learn(self) -> None:
        n_rows, n_columns = self.shape
        self._know(self._cells(), self.released["n"])
        for column, n in enumerate(self.released["column_n"]):
            self._know(self._cells(columns=[column]), n)
        if self.released["kind"] == "event_table":
            self._know(self._cells(rows=range(n_rows - 1)), self.released["events"])
        for index, row in enumerate(self.rows):
            self._know(self._cells(rows=[index]), row["total"])
            for column in range(n_columns):
                self._know({(index, column)}, row["counts"][column])
        self._learn_from_percentages()

    def _learn_from_percentages(self) -> None:
        """A count and its percentage give the sum that it is a part of."""
        n_rows, n_columns = self.shape
        of = range(n_rows - 1) if self.released["kind"] == "baseline" else range(n_rows)
        for row in self.rows:
            for column in range(n_columns):
                share = row.get("percent", [None] * n_columns)[column]
                count = row["counts"][column]
                if isinstance(share, float) and share > 0 and not is_withheld(count):
                    self._know(self._cells(of, [column]), round(100 * count / share))
            share, count = row.get("total_percent"), row["total"]
            if isinstance(share, float) and share > 0 and not is_withheld(count):
                self._know(self._cells(rows=of), round(100 * count / share))

    def _least(self) -> list[float]:
        """A cell that was withheld is known not to be zero, unless all of its column was withheld."""
        counts = [[row["counts"][column] for row in self.rows] for column in range(self.shape[1])]
        whole = [all(map(is_withheld, column)) for column in counts]
        return [
            1.0 if is_withheld(row["counts"][column]) and not whole[column] else 0.0
            for row in self.rows
            for column in range(self.shape[1])
        ]

    def ranges(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Smallest and largest value of every withheld cell. The constraints are a transport problem, so its corners are whole."""
        n_rows, n_columns = self.shape
        matrix = np.zeros((len(self.equations), n_rows * n_columns))
        for equation, (cells, _) in enumerate(self.equations):
            for row, column in cells:
                matrix[equation, row * n_columns + column] = 1
        values = [value for _, value in self.equations]
        bounds = [(least, None) for least in self._least()]
        found = {}
        for index, row in enumerate(self.rows):
            for column in range(n_columns):
                if is_withheld(row["counts"][column]):
                    aim = np.zeros(n_rows * n_columns)
                    aim[index * n_columns + column] = 1
                    ends = [
                        linprog(sign * aim, A_eq=matrix, b_eq=values, bounds=bounds)
                        for sign in (1, -1)
                    ]
                    found[index, column] = (round(ends[0].fun), round(-ends[1].fun))
        return found


def check_hidden(table: list[list[int]], released: dict, disclosure: Disclosure) -> None:
    """No small cell, total or column is shown, and none can be told from what is shown."""
    if is_withheld(released["n"]):
        return
    attacker = Attacker(released)
    ranges = attacker.ranges()
    smallest = disclosure.minimum_cell
    for index, row in enumerate(table):
        for column, count in enumerate(row):
            shown = attacker.rows[index]["counts"][column]
            assert shown == count or is_withheld(shown)
            if 0 < count < smallest:
                least, most = ranges[index, column]

                assert least < most, (index, column, count, least, most)
                assert smallest <= most, (index, column, count, least, most)
        assert is_withheld(attacker.rows[index]["total"]) or not 0 < sum(row) < smallest
    for column, n in enumerate(released["column_n"]):
        assert is_withheld(n) or not 0 < sum(row[column] for row in table) < smallest


@example(FORMER_LEAK, Disclosure())
@example([[3, 20, 0], [0, 30, 12]], Disclosure())
@example([[1, 9], [1, 9], [1, 9], [1, 9], [1, 9]], Disclosure())
@example([[4, 40], [0, 0]], Disclosure())
@examples(38)
@given(tables(), disclosures())
def test_no_cell_of_a_released_table_of_characteristics_can_be_told_to_be_small(
    table: list[list[int]], disclosure: Disclosure
) -> None:
    check_hidden(table, release(baseline_of(table), disclosure), disclosure)


@example([[30, 2], [20, 50], [40, 40]], Disclosure())
@example([[30, 20], [20, 50], [3, 2]], Disclosure())
@examples(38)
@given(tables(), disclosures())
def test_no_cell_of_a_released_table_of_events_can_be_told_to_be_small(
    table: list[list[int]], disclosure: Disclosure
) -> None:
    check_hidden(table, release(event_table_of(table), disclosure), disclosure)


@given(st.lists(st.integers(0, 60), min_size=2, max_size=6), st.integers(2, 10))
def test_parts_are_held_only_where_one_is_small(parts: list[int], smallest: int) -> None:
    held = held_parts(parts, smallest)

    assert any(0 < part < smallest for part in parts) == bool(held)


def test_the_smallest_neighbours_are_held_until_each_part_could_be_large() -> None:
    assert {1, 2} == held_parts([90, 3, 8, 0, 40], 5)
    assert {0, 1, 2, 3} == held_parts([1, 1, 1, 9, 30], 5)
    assert {0, 1, 2, 3} == held_parts([1, 1, 1, 3, 30, 40], 5) - {4}


def test_parts_that_are_too_few_together_are_held_with_the_zeros() -> None:
    assert {0, 1, 2} == held_parts([3, 2, 0], 5)


def test_a_single_group_that_is_withheld_for_its_curve_needs_no_company() -> None:
    assert {0} == held_parts([9, 60], 5, {0})
    assert {0, 1} == held_parts([3, 60], 5, {0})


@pytest.mark.parametrize("make", [baseline_of, event_table_of])
def test_a_table_without_small_cells_is_released_as_it_is(make) -> None:
    result = make([[36, 27], [71, 42], [28, 21], [0, 0], [5, 6]])

    assert result == release(result, Disclosure())


def test_a_percentage_does_not_give_the_number_of_unknown_away() -> None:
    released = release(baseline_of(FORMER_LEAK), Disclosure())

    assert all(is_withheld(row["percent"][0]) for row in released["rows"])
    assert all(is_withheld(row["total_percent"]) for row in released["rows"])
    assert not any(is_withheld(row["percent"][1]) for row in released["rows"])
    assert is_withheld(released["tests"]["v"])


def test_a_small_column_and_the_next_smallest_are_shown_in_the_totals_only() -> None:
    released = release(baseline_of([[2, 20, 50], [1, 10, 40], [0, 0, 0]]), Disclosure())

    assert [True, True, False] == [is_withheld(n) for n in released["column_n"]]
    assert [True, True, False] == [is_withheld(n) for n in released["rows"][0]["counts"]]
    assert 72 == released["rows"][0]["total"]
    assert 123 == released["n"]


def test_censored_patients_cannot_be_had_by_taking_the_events_away() -> None:
    released = release(event_table_of([[30, 20], [20, 50], [3, 2]]), Disclosure())

    assert is_withheld(released["censored"]["total"])
    assert is_withheld(released["events"])
