"""Counting on the grid, and the risk tables made of the counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.curves.risk_table import (
    count_on_grid,
    number_at_risk_on_next_row,
    risk_table,
)

N_GROUPS, N_STEPS = 3, 12

patients = st.lists(
    st.tuples(
        st.integers(1, N_STEPS - 1),  # time
        st.booleans(),  # event
        st.integers(0, N_STEPS - 2),  # entry, made earlier than time
        st.integers(0, N_GROUPS - 1),  # group
        st.integers(0, 3),  # site
    ),
    max_size=40,
)


def columns(rows):
    time, event, entry, group, site = (
        np.array([row[i] for row in rows], dtype=np.int64) for i in range(5)
    )
    return time, event.astype(bool), np.minimum(entry, time - 1), group, site


@given(patients, st.booleans())
def test_numbers_at_risk_follow_the_definition(rows, left_truncated):
    time, event, entry, group, _ = columns(rows)
    counts = count_on_grid(time, event, entry if left_truncated else None, group, 3, N_STEPS)
    came = entry if left_truncated else np.full(len(time), -1)
    expected = [
        [int(np.sum((group == g) & (came < t) & (t <= time))) for t in range(N_STEPS)]
        for g in range(N_GROUPS)
    ]

    assert expected == counts.at_risk.tolist()


@given(patients, st.booleans())
def test_counts_of_any_sites_add_up_to_the_counts_of_the_pool(rows, left_truncated):
    time, event, entry, group, site = columns(rows)

    def count(chosen):
        entries = entry[chosen] if left_truncated else None
        return count_on_grid(time[chosen], event[chosen], entries, group[chosen], 3, N_STEPS)

    pool = count(np.full(len(time), fill_value=True))
    parts = [count(site == each) for each in range(4)]

    assert pool.events.tolist() == sum(part.events for part in parts).tolist()
    assert pool.censored.tolist() == sum(part.censored for part in parts).tolist()
    if left_truncated:
        assert pool.entered.tolist() == sum(part.entered for part in parts).tolist()


@given(patients, st.lists(st.floats(0, N_STEPS + 1), max_size=5))
def test_without_entries_the_next_row_has_the_number_at_risk(rows, points):
    time, event, _, group, _ = columns(rows)
    counts = count_on_grid(time, event, None, np.zeros_like(group), 1, N_STEPS)
    dense = (np.arange(N_STEPS, dtype=float), counts.events[0], counts.censored[0])
    found = number_at_risk_on_next_row(risk_table(*dense), np.array(points))

    near = np.rint(points)
    steps = np.where(np.isclose(points, near, rtol=1e-8, atol=0), near, points)

    assert [int(np.sum(t <= time)) for t in steps] == found.tolist()


def test_with_entries_the_next_row_counts_those_who_enter_until_then():
    time, entered = np.arange(7.0), np.array([2, 0, 0, 1, 0, 0, 0])
    events, censored = np.array([0, 0, 0, 0, 1, 0, 1]), np.array([0, 0, 0, 0, 0, 0, 1])
    points = np.array([2.0])
    table = risk_table(time, events, censored, entered)

    assert [3] == number_at_risk_on_next_row(table, points).tolist()


def test_rows_on_which_nobody_leaves_are_dropped():
    table = risk_table(
        np.array([0.0, 1.0, 2.0, 3.0]),
        events=np.array([0, 1, 0, 0]),
        censored=np.array([0, 0, 0, 2]),
        entered=np.array([2, 0, 1, 0]),
    )

    assert [1.0, 3.0] == table.time.tolist()
    assert [2, 2] == table.at_risk.tolist()
    assert [1, 0] == table.events.tolist()
    assert [0, 2] == table.censored.tolist()
    assert 3 == table.n


def test_a_group_of_nobody_has_an_empty_table():
    counts = count_on_grid(
        np.zeros(0, dtype=np.int64),
        np.zeros(0, dtype=bool),
        None,
        np.zeros(0, dtype=np.int64),
        1,
        4,
    )
    table = risk_table(np.arange(4.0), counts.events[0], counts.censored[0])

    assert (0, 0) == (table.n, len(table.time))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time": [1, 4]}, "time must lie in 0..3, but does not for 1 of 2 patients"),
        ({"time": [-1, 2]}, "time must lie in 0..3"),
        ({"group": [0, 2]}, "group must lie in 0..1"),
        ({"entry": [-1, 0]}, "entry must lie in 0..3"),
        ({"entry": [1, 0]}, "Entry must lie before .* 1 patients"),
    ],
)
def test_records_that_do_not_fit_the_grid_are_refused(changed, message):
    given_columns = {"time": [1, 2], "entry": [0, 1], "group": [0, 1], **changed}
    arrays = {name: np.array(values) for name, values in given_columns.items()}
    with pytest.raises(EstimationError, match=message):
        count_on_grid(event=np.array([True, False]), n_groups=2, n_steps=4, **arrays)


def test_columns_of_different_length_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="time 2, event 1"):
        count_on_grid(np.zeros(2, int), np.zeros(1, bool), None, np.zeros(2, int), 1, 4)


def test_entries_and_times_must_count_the_same_patients():
    with pytest.raises(EstimationError, match="3 patients enter the risk table but 2 leave it"):
        risk_table(np.arange(2.0), np.array([0, 1]), np.array([0, 1]), np.array([3, 0]))
