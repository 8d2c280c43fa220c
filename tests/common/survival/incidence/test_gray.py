"""Gray's test: what it has in common with the log-rank test, groups that never meet, and sums that add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.curves.risk_table import count_kinds_on_grid
from riskset_common.survival.incidence.gray import gray_sums
from riskset_common.survival.tests.log_rank import log_rank_sums, log_rank_test

patients = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60
)


def counted(rows, n_groups=3):
    """Patients (time, kind, group): at risk, events of the first kind and of the second, each (groups, times)."""
    time, kind, group = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    counts = count_kinds_on_grid(
        time, kind, None, group, n_kinds=2, n_groups=n_groups, n_steps=int(time.max()) + 1
    )
    return counts.any_kind.at_risk, counts.events[0], counts.events[1]


@given(rows=patients)
def test_with_one_kind_of_event_the_score_is_that_of_the_log_rank_test(rows):
    at_risk, events, none = counted([(time, min(kind, 1), group) for time, kind, group in rows])
    sums, log_rank = gray_sums(at_risk, events, none), log_rank_sums(at_risk, events)

    np.testing.assert_allclose(sums.observed, log_rank.observed, rtol=1e-12)
    np.testing.assert_allclose(sums.expected, log_rank.expected, rtol=1e-9, atol=1e-12)


@given(rows=patients, rho=st.sampled_from([0.0, 1.0]))
def test_the_deviations_add_up_to_nothing(rows, rho):
    at_risk, events, competing = counted(rows)
    sums = gray_sums(at_risk, events, competing, rho)
    scale = max(1.0, float(np.abs(sums.covariance).max()))

    np.testing.assert_allclose(np.sum(sums.observed - sums.expected), 0, atol=1e-9)
    np.testing.assert_allclose(sums.covariance.sum(axis=1), 0, atol=1e-9 * scale)
    np.testing.assert_allclose(sums.covariance, sums.covariance.T, atol=1e-12 * scale)


@given(rows=patients)
def test_an_empty_group_changes_nothing(rows):
    two = [(time, kind, 2 * (group % 2)) for time, kind, group in rows]
    apart = [(time, kind, group % 2) for time, kind, group in rows]
    with_empty = log_rank_test(gray_sums(*counted(two)))
    without = log_rank_test(gray_sums(*counted(apart, n_groups=2)))

    assert without.df == with_empty.df
    assert without.statistic == pytest.approx(with_empty.statistic, rel=1e-9)


def test_groups_that_never_meet_are_not_compared():
    rows = [(1, 1, 0), (2, 2, 0), (3, 1, 1), (4, 1, 1), (1, 0, 1)]
    early = [row for row in rows if row[2] == 0]
    late = [(time, kind, 1) for time, kind, _ in rows if time > 2]
    test = log_rank_test(gray_sums(*counted(early + late, n_groups=2)))

    assert 1 == test.df
    at_risk, events, competing = counted(early + late, n_groups=2)
    at_risk[1, :3] = 0

    assert 0 == log_rank_test(gray_sums(at_risk, events, competing)).df


def test_without_an_event_of_the_kind_there_is_nothing_to_test():
    test = log_rank_test(gray_sums(*counted([(1, 2, 0), (2, 0, 1), (3, 2, 1)], n_groups=2)))

    assert (0.0, 0, 1.0) == (test.statistic, test.df, test.p_value)


def test_arrays_of_different_shapes_are_refused():
    one = np.zeros((2, 3), dtype=np.int64)
    with pytest.raises(EstimationError, match=r"need one shape \(groups, times\)"):
        gray_sums(one, one, one[:, :2])
