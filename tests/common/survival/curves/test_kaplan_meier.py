"""The Kaplan-Meier curve: textbook numbers, its conventions at the edges, and independence of how patients are parted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.curves.kaplan_meier import (
    ReverseTies,
    at,
    confidence_limits,
    kaplan_meier,
    quantile,
    restricted_mean,
    reverse,
)
from riskset_common.survival.curves.risk_table import count_on_grid, risk_table

# Remission of 21 leukaemia patients on 6-MP, weeks (Freireich et al. 1963); Cox and Oakes (1984), table 1.1.
REMISSION = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def table_of(time, event):
    counts = count_on_grid(
        np.array(time, dtype=np.int64),
        np.array(event, dtype=bool),
        None,
        np.zeros(len(time), dtype=np.int64),
        1,
        max(time) + 1,
    )
    return risk_table(np.arange(max(time) + 1.0), counts.events[0], counts.censored[0])


def curve_of(time, event):
    return kaplan_meier(table_of(time, event))


def median_of(curve, kind="log"):
    return quantile(curve, *confidence_limits(curve, kind, 0.95), 0.5)


def test_the_curve_of_the_textbook():
    curve = curve_of(REMISSION, RELAPSED)
    happened = curve.events > 0

    assert [6, 7, 10, 13, 16, 22, 23] == curve.time[happened].tolist()
    assert [21, 17, 15, 12, 11, 7, 6] == curve.at_risk[happened].tolist()
    np.testing.assert_allclose(
        curve.survival[happened], [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=5e-4
    )
    np.testing.assert_allclose(
        curve.std_err[happened],
        [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346],
        atol=5e-5,
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 2)), min_size=1, max_size=30
    )
)
def test_the_curve_of_pooled_counts_is_that_of_the_pool(patients):
    time, event, site = (np.array(column) for column in zip(*patients, strict=True))

    def counts(chosen):
        return count_on_grid(
            time[chosen], event[chosen], None, np.zeros(int(chosen.sum()), dtype=np.int64), 1, 10
        )

    parts = [counts(site == each) for each in range(3)]
    pooled = kaplan_meier(
        risk_table(
            np.arange(10.0),
            sum(part.events for part in parts)[0],
            sum(part.censored for part in parts)[0],
        )
    )
    pool = curve_of(time.tolist(), event.tolist())

    np.testing.assert_array_equal(pool.time, pooled.time)
    np.testing.assert_array_equal(pool.survival, pooled.survival)
    np.testing.assert_array_equal(pool.std_err, pooled.std_err)


def test_without_censoring_the_standard_error_is_the_binomial_one():
    curve = curve_of([1, 2, 3, 4, 5], [True] * 5)
    s = np.array([0.8, 0.6, 0.4, 0.2])

    np.testing.assert_allclose(curve.std_err[:4], np.sqrt(s * (1 - s) / 5), rtol=1e-14)
    assert math.isnan(curve.std_err[4])


@pytest.mark.parametrize("kind", ["plain", "log", "log-log"])
def test_limits_are_1_before_the_first_event_and_undefined_after_the_last_death(kind):
    lower, upper = confidence_limits(curve_of([1, 2, 3], [False, True, True]), kind, 0.95)

    assert (1.0, 1.0) == (lower[0], upper[0])
    assert 0 <= lower[1] < 0.5 < upper[1] <= 1
    assert math.isnan(lower[2])
    assert math.isnan(upper[2])


def test_limits_widen_with_the_level():
    curve = curve_of(REMISSION, RELAPSED)
    narrow, wide = (confidence_limits(curve, "log-log", level) for level in (0.8, 0.99))

    assert np.all(wide[0] <= narrow[0])
    assert np.all(wide[1] >= narrow[1])


def test_the_median_is_the_midpoint_where_the_curve_rests_at_a_half():
    assert 6.0 == median_of(curve_of([3, 5, 7, 8], [True] * 4)).estimate


def test_a_half_made_of_fractions_is_a_half():
    # 19/20 18/19 ... 10/11 is 0.49999999999999994 in double precision.
    curve = curve_of(list(range(1, 21)), [True] * 20)

    assert 10.5 == median_of(curve).estimate


def test_a_curve_that_rests_at_a_half_to_its_end_has_the_midpoint_of_what_is_known():
    assert 3.0 == median_of(curve_of([1, 2, 3, 4], [True, True, False, False])).estimate


def test_a_median_that_is_not_reached_is_not_a_number():
    found = median_of(curve_of([1, 2, 3], [True, False, False]))

    assert math.isnan(found.estimate)
    assert math.isnan(found.upper)


def test_where_limits_rise_at_first_the_nearest_to_the_share_is_taken():
    curve = curve_of([1, 2, 3, 4], [True] * 4)
    lower = np.array([0.2, 0.4, 0.3, 0.1])

    assert 2.0 == quantile(curve, lower, curve.survival, 0.5).lower


def test_limits_that_end_on_the_share_reach_to_the_last_time():
    curve = curve_of([1, 2, 3, 4], [True] * 4)
    upper = np.array([0.9, 0.4, 0.5, np.nan])

    assert 3.5 == quantile(curve, curve.survival, upper, 0.5).upper


def test_horizons_read_the_step_function_before_within_and_beyond_the_times():
    curve = curve_of([2, 4, 6], [True, False, True])
    found = at(curve, np.array([1.0, 2.0, 5.0, 9.0]), "log", 0.95)

    np.testing.assert_allclose(found.survival, [1, 2 / 3, 2 / 3, 0], rtol=1e-15)
    assert [0, 1, 1, 2] == found.events_to.tolist()
    assert (0.0, 1.0, 1.0) == (found.std_err[0], found.lower[0], found.upper[0])
    np.testing.assert_allclose(found.cumulative_hazard, [0, 1 / 3, 1 / 3, 4 / 3], rtol=1e-15)
    np.testing.assert_allclose(found.std_err_hazard[:3], [0, 1 / 3, 1 / 3], rtol=1e-15)


def test_a_horizon_is_the_row_it_equals_but_for_the_rounding_of_the_unit():
    table = table_of([3, 6], [True, True])
    curve = kaplan_meier(
        risk_table(table.time * 0.1, table.events, table.censored)  # 3 · 0.1 > 0.3
    )

    assert [0.5] == at(curve, np.array([0.3]), "log", 0.95).survival.tolist()


def test_the_restricted_mean_of_uncensored_patients_is_their_mean():
    time = [1, 2, 2, 5, 9]
    mean, std_err = restricted_mean(curve_of(time, [True] * 5), 20.0)

    assert np.mean(time) == pytest.approx(mean, rel=1e-14)
    assert np.std(time) / math.sqrt(5) == pytest.approx(std_err, rel=1e-14)


def test_the_restricted_mean_before_the_first_event_is_tau():
    assert (0.5, 0.0) == restricted_mean(curve_of([1, 2], [True, True]), 0.5)


def test_follow_up_turns_the_flag_and_nothing_else():
    table = reverse(table_of([1, 1, 2, 3], [True, False, True, False]))

    assert [4, 2, 1] == table.at_risk.tolist()
    assert [1, 0, 1] == table.events.tolist()
    assert [1, 1, 0] == table.censored.tolist()


def test_follow_up_may_let_deaths_leave_first():
    table = reverse(table_of([1, 1, 2, 3], [True, False, True, False]), ReverseTies.DEATHS_FIRST)

    assert [3, 1, 1] == table.at_risk.tolist()
    np.testing.assert_allclose(kaplan_meier(table).survival, [2 / 3, 2 / 3, 0])


def test_follow_up_of_patients_who_all_die_is_never_cut_short():
    curve = kaplan_meier(reverse(table_of([1, 2], [True, True]), ReverseTies.DEATHS_FIRST))

    assert [1.0, 1.0] == curve.survival.tolist()


def test_what_cannot_be_asked_is_refused():
    curve = curve_of([1, 2], [True, True])
    with pytest.raises(EstimationError, match="'logit' was asked"):
        confidence_limits(curve, "logit", 0.95)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(EstimationError, match="between 0 and 1, but it is 95"):
        confidence_limits(curve, "log", 95)
    with pytest.raises(EstimationError, match="p is 0"):
        quantile(curve, curve.survival, curve.survival, 0)
    with pytest.raises(EstimationError, match="tau is 0"):
        restricted_mean(curve, 0)


def test_nothing_is_known_beyond_the_last_time_unless_all_had_the_event():
    open_ended, fallen = curve_of([1, 2, 4], [1, 0, 0]), curve_of([1, 2], [1, 1])
    times = np.array([4.0, 5.0])
    found = at(open_ended, times, "log", 0.95)

    assert [False, True] == np.isnan(found.survival).tolist() == np.isnan(found.lower).tolist()
    assert [False, True] == np.isnan(found.cumulative_hazard).tolist()
    assert [1, 1] == found.events_to.tolist()
    assert [0, 0] == at(fallen, times, "log", 0.95).survival.tolist()
    assert math.isnan(restricted_mean(open_ended, 5.0)[0])
    assert 3 == pytest.approx(restricted_mean(open_ended, 4.0)[0])
    assert (1.5, 0.5) == pytest.approx(restricted_mean(fallen, 5.0), abs=0.2)
