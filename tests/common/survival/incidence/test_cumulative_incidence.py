"""Cumulative incidence: a small example by hand, probabilities that add up, and a variance that is known without censoring."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.curves.kaplan_meier import kaplan_meier
from riskset_common.survival.curves.risk_table import RiskTable, count_kinds_on_grid, risk_table
from riskset_common.survival.incidence.cumulative_incidence import (
    cumulative_incidence,
    incidence_at,
    incidence_limits,
    tie_correction,
)

patients = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=60)


def counted(rows):
    """The risk table of all patients (time, kind), and the events of each of two kinds on its rows."""
    time, kind = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    counts = count_kinds_on_grid(
        time, kind, None, np.zeros(len(time), int), n_kinds=2, n_groups=1, n_steps=13
    )
    all_kinds = counts.any_kind
    table = risk_table(np.arange(13.0), all_kinds.events[0], all_kinds.censored[0])
    leaving = np.flatnonzero(all_kinds.events[0] + all_kinds.censored[0])
    return table, counts.events[:, 0, leaving]


def test_five_patients_by_hand():
    # At risk 5, 4, 2, 1: relapse at 1, relapse and death at 2, a censoring at 3, death at 4.
    table, (relapses, deaths) = counted([(1, 1), (2, 1), (2, 2), (3, 0), (4, 2)])
    relapse, death = (cumulative_incidence(table, each) for each in (relapses, deaths))

    assert [1, 1, 0, 0] == relapse.events.tolist()
    assert [0, 1, 0, 1] == relapse.competing.tolist()
    assert [0.2, 0.4, 0.4, 0.4] == pytest.approx(relapse.incidence)
    assert [0.0, 0.2, 0.2, 0.6] == pytest.approx(death.incidence)


def test_nothing_is_known_beyond_the_last_time_unless_all_had_an_event():
    """The `timepoints` of R's cmprsk gives NA."""
    table, (relapses, _) = counted([(1, 1), (2, 1), (3, 0)])
    fallen, (all_relapse, _) = counted([(1, 1), (2, 2)])
    times = np.array([3.0, 4.0])
    found = incidence_at(cumulative_incidence(table, relapses), times, "log", 0.95)
    stays = incidence_at(cumulative_incidence(fallen, all_relapse), times, "log", 0.95)

    assert [False, True] == np.isnan(found.incidence).tolist() == np.isnan(found.std_err).tolist()
    assert [False, True] == np.isnan(found.upper).tolist()
    assert [2, 2] == found.events_to.tolist()
    assert [0.5, 0.5] == stays.incidence.tolist()


@given(rows=patients)
def test_the_incidences_and_survival_add_up_to_one(rows):
    table, kinds = counted(rows)
    curves = [cumulative_incidence(table, events) for events in kinds]
    total = kaplan_meier(table).survival + sum(curve.incidence for curve in curves)

    np.testing.assert_allclose(total, 1, rtol=1e-12)
    for curve in curves:
        assert np.all(np.diff(curve.incidence) >= 0)
        assert np.all(curve.std_err >= 0)


def test_without_censoring_the_variance_is_nearly_that_of_a_share():
    n = 2000
    table = RiskTable(
        time=np.arange(float(n)),
        at_risk=n - np.arange(n),
        events=np.ones(n, dtype=np.int64),
        censored=np.zeros(n, dtype=np.int64),
        n=n,
    )
    curve = cumulative_incidence(table, np.arange(n) % 2)
    share = curve.incidence[n // 2]

    assert 0.25 == pytest.approx(share)
    assert share * (1 - share) / n == pytest.approx(curve.std_err[n // 2] ** 2, rel=2e-3)


def test_the_variance_is_that_of_its_definition():
    rows = [(1, 1), (1, 1), (1, 2), (2, 0), (3, 2), (3, 2), (4, 1), (4, 0), (5, 1), (6, 0), (7, 1)]
    table, kinds = counted(rows)
    curve = cumulative_incidence(table, kinds[0])
    before = np.concatenate(([1.0], kaplan_meier(table).survival[:-1]))
    expected = []
    for t in range(len(table.time)):
        terms = []
        for u in range(t + 1):
            n = float(table.at_risk[u])
            first, other = kinds[0][u], kinds[1][u]
            left = 1 - (first + other) / n
            to_come = (curve.incidence[t] - curve.incidence[u]) / left if left > 0 else 0.0
            v_1, v_2 = (d / n**2 * ((n - d) / (n - 1) if d > 1 else 1.0) for d in (first, other))
            terms.append((before[u] - to_come) ** 2 * v_1 + to_come**2 * v_2)
        expected.append(sum(terms))

    np.testing.assert_allclose(curve.std_err**2, expected, rtol=1e-12, atol=1e-18)


def test_a_group_of_nobody_has_an_empty_curve():
    none = np.zeros(0, dtype=np.int64)
    curve = cumulative_incidence(RiskTable(np.zeros(0), none, none, none, 0), none)
    found = incidence_at(curve, np.array([0.0, 3.0]), "log", 0.95)

    assert [0, 0] == found.events_to.tolist()
    assert [True, True] == np.isnan(found.incidence).tolist()


def test_limits_are_zero_before_the_first_event_and_undefined_nowhere():
    table, kinds = counted([(1, 2), (2, 1), (3, 1)])
    curve = cumulative_incidence(table, kinds[0])
    for kind in ("plain", "log", "log-log"):
        lower, upper = incidence_limits(curve.incidence, curve.std_err, kind, 0.95)

        assert (0.0, 0.0) == (lower[0], upper[0])
        assert np.all((lower >= 0) & (upper <= 1) & (lower <= upper))


def test_the_tie_correction_is_one_for_single_events():
    correction = tie_correction(np.array([0, 1, 1, 3]), np.array([5.0, 5.0, 1.0, 5.0]))

    assert [1, 1, 1, 0.5] == correction.tolist()


def test_a_kind_that_does_not_exist_is_refused():
    one = np.zeros(1, dtype=np.int64)
    with pytest.raises(EstimationError, match=r"kind must lie in 0\.\.2"):
        count_kinds_on_grid(one, one + 3, None, one, n_kinds=2, n_groups=1, n_steps=1)
