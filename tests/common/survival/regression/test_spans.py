"""Follow-up cut at a change: as many days at risk as before, and at every one of them the value that a patient then has."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.regression.spans import NEVER, Spans

PATIENTS = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.booleans(),
        st.integers(-1, 8),
        st.one_of(st.just(NEVER), st.integers(-3, 12)),
        st.one_of(st.just(NEVER), st.integers(-3, 12)),
    ),
    max_size=20,
)


@given(PATIENTS)
def test_at_every_step_a_patient_has_one_row_with_what_has_changed_before_it(rows):
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    time, event, entry, first, second = table.T
    entry = np.minimum(entry, time - 1)
    whole = Spans.of(time, event > 0, entry)
    spans = whole.cut(first).cut(second)
    changed = spans.after(first), spans.after(second)
    for patient in range(len(rows)):
        own = spans.patient == patient

        assert 1 == spans.is_last[own].sum()
        for step in range(entry[patient] + 1, time[patient] + 1):
            here = np.flatnonzero(own & (spans.entry < step) & (step <= spans.time))

            assert [first[patient] < step] == changed[0][here].tolist()
            assert [second[patient] < step] == changed[1][here].tolist()
        ends = spans.event[own & spans.is_last]

        assert [bool(event[patient])] == ends.tolist()
    assert event.sum() == spans.event.sum()
    assert (time - entry).sum() == (spans.time - spans.entry).sum()


def test_without_late_entry_a_patient_is_at_risk_at_step_0():
    spans = Spans.of(np.array([0, 4]), np.array([True, False]), None).cut(np.array([0, 0]))

    assert [0, 0, 4] == spans.time.tolist()
    assert [-1, -1, 0] == spans.entry.tolist()
    assert [True, False, False] == spans.event.tolist()
    assert [False, False, True] == spans.after(np.array([0, 0])).tolist()
