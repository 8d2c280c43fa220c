"""Sums over risk sets: as defined, for any strata and entries, and each other's transpose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.regression.risk_sets import HalvedBlocks, RunningTotals, risk_sets


def make_intervals(seed, sizes, n_more, *, left_truncated):
    """Rows of strata with the given numbers of slots; every slot is the first of some row."""
    rng = np.random.default_rng(seed)
    strata = np.concatenate(([0], np.cumsum(sizes)))
    n_slots = int(strata[-1])
    first = np.sort(np.concatenate((np.arange(n_slots), rng.integers(0, n_slots, n_more))))
    end = np.repeat(strata[1:] - 1, sizes)[first]
    last = first + (rng.random(len(first)) * (end - first + 1)).astype(int)
    return first, last if left_truncated else end, strata


def check(first, last, strata):
    sums = risk_sets(first, last, strata)
    n_slots = int(strata[-1])
    values = np.random.default_rng(1).random((3, len(first)))
    hazard = np.random.default_rng(2).random(n_slots)
    slot = np.arange(n_slots)
    inside = (first[:, None] <= slot) & (slot <= last[:, None])

    np.testing.assert_allclose(sums.over_risk_sets(values), values @ inside, rtol=1e-12)
    np.testing.assert_allclose(sums.over_time_at_risk(hazard), inside @ hazard, rtol=1e-12)
    return sums


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 9), min_size=1, max_size=12),
    st.integers(0, 30),
    st.booleans(),
)
def test_sums_over_risk_sets_follow_the_definition(seed, sizes, n_more, left_truncated):
    check(*make_intervals(seed, sizes, n_more, left_truncated=left_truncated))


@pytest.mark.parametrize("left_truncated", [False, True])
def test_long_strata_and_short_ones_stand_together(left_truncated):
    sums = check(*make_intervals(3, [300, 1, 2, 257, 255, 40], 500, left_truncated=left_truncated))

    assert (HalvedBlocks if left_truncated else RunningTotals) is type(sums)


@pytest.mark.parametrize("left_truncated", [False, True])
def test_a_small_stratum_keeps_its_digits_beside_a_huge_one(left_truncated):
    first, last, strata = make_intervals(4, [50, 50, 50], 200, left_truncated=left_truncated)
    values = np.random.default_rng(5).random((1, len(first)))
    huge = np.where(first >= 100, 1e16, 1.0) * np.where(first < 50, 1e-16, 1.0)
    alone = risk_sets(first, last, strata).over_risk_sets(values)
    beside = risk_sets(first, last, strata).over_risk_sets(values * huge)

    np.testing.assert_allclose(beside[0, 50:100], alone[0, 50:100], rtol=1e-15)
    np.testing.assert_allclose(beside[0, :50], alone[0, :50] * 1e-16, rtol=1e-14)


def test_a_small_risk_set_keeps_its_digits_beside_those_who_have_not_entered():
    # One small patient at risk in the last slot, a huge one who enters after it.
    sums = risk_sets(np.array([0, 1, 2]), np.array([1, 1, 2]), np.array([0, 3]))

    assert [1e300, 2e300, 1e-300] == sums.over_risk_sets(
        np.array([[1e300, 1e300, 1e-300]])
    ).ravel().tolist()
