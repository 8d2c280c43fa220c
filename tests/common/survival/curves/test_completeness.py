"""Person-time that was observed, and that could have been, until a closing date."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.curves.completeness import PersonTime, person_time


@pytest.mark.parametrize(
    ("time", "event", "closing", "expected"),
    [
        (5, False, 9, PersonTime(5, 9, 1)),
        (9, False, 9, PersonTime(9, 9, 0)),
        (5, True, 9, PersonTime(5, 5, 0)),
        (9, True, 9, PersonTime(9, 9, 0)),
        (12, False, 9, PersonTime(9, 9, 0)),
        (12, True, 9, PersonTime(9, 9, 0)),
        (5, True, -3, PersonTime(0, 0, 0)),
    ],
    ids=[
        "not followed to the end",
        "followed to the end",
        "event",
        "event on the closing date",
        "followed beyond it",
        "event after it",
        "came after it",
    ],
)
def test_a_patient_counts_until_the_event_or_the_closing_date(time, event, closing, expected):
    assert expected == person_time(np.array([time]), np.array([event]), None, np.array([closing]))


def test_late_entry_takes_away_the_time_before_it():
    time, event, entry = np.array([9, 9]), np.array([False, False]), np.array([4, 8])

    assert PersonTime(6, 11, 2) == person_time(time, event, entry, np.array([12, 11]))
    assert PersonTime(2, 2, 0) == person_time(time, event, entry, np.array([6, 7]))


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.booleans(), st.integers(0, 9), st.integers(-5, 30)),
        max_size=30,
    )
)
def test_the_parts_of_any_split_add_up(rows):
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    time, event, early, closing = table.T
    entry = np.minimum(early, time)
    died = event > 0
    whole = person_time(time, died, entry, closing)
    halves = [person_time(time[k::2], died[k::2], entry[k::2], closing[k::2]) for k in range(2)]

    assert whole.observed == sum(half.observed for half in halves)
    assert whole.potential == sum(half.potential for half in halves)
    assert whole.incomplete == sum(half.incomplete for half in halves)
    assert 0 <= whole.observed <= whole.potential
