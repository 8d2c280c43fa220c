"""The solver: the exact range of a hidden sum, against all solutions counted one by one."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_server.disclosure.solver import Range, System, Told, told


def margins(table: list[list[int]]) -> System:
    """A table of counts of which the margins are known."""
    system = System(largest=100)
    for row, numbers in enumerate(table):
        system.know(
            {(row, column): 1 for column in range(len(numbers))}, sum(numbers), sum(numbers)
        )
    for column in range(len(table[0])):
        counts = [numbers[column] for numbers in table]
        system.know({(row, column): 1 for row in range(len(table))}, sum(counts), sum(counts))
    return system


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2), min_size=2, max_size=3))
def test_a_range_is_that_of_all_tables_with_the_same_margins(table) -> None:
    rows, columns = [sum(each) for each in table], [sum(each) for each in zip(*table, strict=True)]
    fits = [
        cells
        for cells in product(range(max(rows) + 1), repeat=2 * len(table))
        if [sum(cells[i : i + 2]) for i in range(0, len(cells), 2)] == rows
        and [sum(cells[0::2]), sum(cells[1::2])] == columns
    ]
    system = margins(table)
    for place, cell in enumerate(system.names):
        found = [cells[place] for cells in fits]
        row, column = divmod(place, 2)
        assert Range(min(found), max(found)) == system.range({(row, column): 1}), cell


def test_what_is_told_is_found_and_what_is_not_told_is_not() -> None:
    system = margins([[0, 2], [3, 7]])
    cells = {cell: {cell: 1} for cell in system.names}

    # The first column holds three patients and the first row two: in the corner may be nobody, and below it is somebody.
    assert [Told((1, 0), Range(1, 3))] == told(system, cells, 5)
    system.know({(1, 1): 1}, 7, 7)
    assert {(0, 0): 0, (0, 1): 2, (1, 0): 3, (1, 1): 7} == {
        each.name: each.range.least for each in told(system, cells, 5, exactly=cells)
    }


def test_numbers_that_contradict_one_another_are_never_published() -> None:
    system = System(largest=10)
    system.know({"a": 1, "b": 1}, 3, 3)
    system.know({"a": 1}, 4, 6)

    with pytest.raises(EstimationError, match="No whole numbers of patients"):
        system.range({"b": 1})
