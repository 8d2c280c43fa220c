"""The log-rank test: the textbook's example, the right degrees of freedom, and sums over strata."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.curves.risk_table import count_on_grid
from riskset_common.survival.tests.log_rank import (
    equal_weights,
    fleming_harrington,
    gehan,
    log_rank_sums,
    log_rank_test,
    modified_peto,
    peto,
    tarone_ware,
    total,
    trend_test,
)

MERCAPTOPURINE = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def sums_of(time, event, group, n_groups, weights=equal_weights):
    counts = count_on_grid(
        np.array(time, dtype=np.int64),
        np.array(event, dtype=bool),
        None,
        np.array(group, dtype=np.int64),
        n_groups,
        max(time) + 1,
    )
    return log_rank_sums(counts.at_risk, counts.events, weights)


def test_the_leukaemia_trial_has_the_statistic_of_the_textbook():
    # Freireich et al. (1963); Collett (2003), section 2.6: 16.79 with 10.75 deaths expected on placebo.
    sums = sums_of(PLACEBO + MERCAPTOPURINE, [1] * 21 + RELAPSED, [0] * 21 + [1] * 21, 2)
    test = log_rank_test(sums)

    assert [21, 9] == sums.observed.tolist()
    assert 10.75 == pytest.approx(sums.expected[0], abs=5e-3)
    assert 16.79 == pytest.approx(test.statistic, abs=5e-3)
    assert 1 == test.df


def test_a_group_that_is_constant_within_every_stratum_leaves_nothing_to_test():
    strata = [sums_of([1, 2, 3], [1, 1, 0], [g, g, g], 2) for g in (0, 1)]
    test = log_rank_test(total(strata))

    assert (0.0, 0, 1.0) == (test.statistic, test.df, test.p_value)
    assert 0 == trend_test(total(strata), np.array([1.0, 2.0])).df


def test_an_empty_group_takes_no_degree_of_freedom():
    with_empty = log_rank_test(sums_of([1, 2, 3, 4], [1, 1, 1, 0], [0, 2, 0, 2], 3))
    without = log_rank_test(sums_of([1, 2, 3, 4], [1, 1, 1, 0], [0, 1, 0, 1], 2))

    assert without == with_empty


def test_groups_that_never_meet_are_compared_apart():
    first = sums_of([1, 2, 3, 4], [1, 1, 1, 0], [0, 1, 0, 1], 4)
    second = sums_of([1, 2, 3, 4], [1, 0, 1, 1], [2, 3, 3, 2], 4)
    apart = [log_rank_test(first), log_rank_test(second)]
    together = log_rank_test(first + second)

    assert sum(test.df for test in apart) == together.df
    assert sum(test.statistic for test in apart) == pytest.approx(together.statistic, rel=1e-14)


def test_nobody_and_no_event_give_no_degrees_of_freedom():
    empty = log_rank_sums(np.zeros((2, 0), dtype=np.int64), np.zeros((2, 0), dtype=np.int64))
    censored = sums_of([1, 2, 3], [0, 0, 0], [0, 1, 0], 2, fleming_harrington(1, 1))

    assert (0.0, 0) == (log_rank_test(empty).statistic, log_rank_test(empty).df)
    assert (0.0, 0) == (log_rank_test(censored).statistic, log_rank_test(censored).df)


def test_when_all_at_risk_die_nothing_is_random():
    sums = sums_of([1, 1, 1], [1, 1, 1], [0, 0, 1], 2)

    assert sums.observed.tolist() == sums.expected.tolist()
    assert [[0, 0], [0, 0]] == sums.covariance.tolist()


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 2)), min_size=1, max_size=30
    )
)
def test_observed_and_expected_agree_in_total_and_rows_of_the_covariance_vanish(patients):
    time, event, group = (list(column) for column in zip(*patients, strict=True))
    for weights in (equal_weights, gehan, tarone_ware, peto, modified_peto):
        sums = sums_of(time, event, group, 3, weights)

        assert sums.observed.sum() == pytest.approx(sums.expected.sum(), rel=1e-12)
        np.testing.assert_allclose(sums.covariance.sum(axis=1), 0, atol=1e-10)


def test_the_test_of_two_groups_is_that_of_their_trend():
    sums = sums_of(PLACEBO + MERCAPTOPURINE, [1] * 21 + RELAPSED, [0] * 21 + [1] * 21, 2)

    assert log_rank_test(sums).statistic == pytest.approx(
        trend_test(sums, np.array([3.0, 7.0])).statistic, rel=1e-13
    )


def test_weights_of_the_textbook():
    n, d = np.array([10.0, 8.0, 5.0]), np.array([1.0, 2.0, 1.0])
    before = np.array([1.0, 0.9, 0.9 * 0.75])
    tilde = np.array([10 / 11, 10 / 11 * 7 / 9, 10 / 11 * 7 / 9 * 5 / 6])

    assert n.tolist() == gehan(n, d).tolist()
    np.testing.assert_allclose(tarone_ware(n, d), [math.sqrt(10), math.sqrt(8), math.sqrt(5)])
    np.testing.assert_allclose(peto(n, d), tilde)
    np.testing.assert_allclose(modified_peto(n, d), tilde * n / (n + 1))
    np.testing.assert_allclose(fleming_harrington(1, 0.5)(n, d), before * np.sqrt(1 - before))


def test_at_risk_and_events_need_one_shape():
    with pytest.raises(EstimationError, match=r"found \(2, 3\) and \(2, 2\)"):
        log_rank_sums(np.zeros((2, 3), dtype=np.int64), np.zeros((2, 2), dtype=np.int64))
