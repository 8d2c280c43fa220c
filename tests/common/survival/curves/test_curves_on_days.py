"""The formulas that both arithmetics take give the numbers of the exact path, whatever the ties, entries and empty risk sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.arrays.calculator import Clear, InTheOpen, clear
from riskset_common.survival.curves.kaplan_meier import kaplan_meier, restricted_mean
from riskset_common.survival.curves.on_days import after, area, day_curve, variance
from riskset_common.survival.curves.risk_table import (
    GridCounts,
    RiskTable,
    count_on_grid,
    risk_table,
)
from riskset_common.survival.incidence.cumulative_incidence import cumulative_incidence
from riskset_common.survival.incidence.on_days import day_incidences

OPEN, STEPS = InTheOpen(), 12


def patients(seed: int, n: int, *, late: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    rng = np.random.default_rng(seed)
    time, kind = rng.integers(1, STEPS, n), rng.integers(0, 3, n)
    return time, kind, np.floor(time * 0.9 * rng.random(n)).astype(np.int64) if late else None


def on_grid(
    time: np.ndarray, kind: np.ndarray, entry: np.ndarray | None
) -> tuple[GridCounts, np.ndarray]:
    group = np.zeros(len(time), dtype=np.int64)
    by_kind = [
        count_on_grid(time, kind == each, entry, group, 1, STEPS).events[0] for each in (1, 2)
    ]
    return count_on_grid(time, kind > 0, entry, group, 1, STEPS), np.array(by_kind)


def table_of(counts: GridCounts) -> RiskTable:
    entered = None if counts.entered is None else counts.entered[0]
    return risk_table(
        np.arange(STEPS, dtype=np.float64), counts.events[0], counts.censored[0], entered
    )


@pytest.mark.parametrize("late", [False, True])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 40))
def test_survival_variance_and_area_are_those_of_the_exact_path(late, seed, n) -> None:
    counts, _ = on_grid(*patients(seed, n, late=late))
    table = table_of(counts)
    exact = kaplan_meier(table)
    curve = day_curve(OPEN, Clear(counts.events), Clear(counts.at_risk), max(n, 1))
    days = table.time.astype(np.int64) + 1
    row = np.zeros(len(days), dtype=np.int64)
    survival = clear(after(OPEN, curve.survival, 1.0, row, days))

    assert exact.survival == pytest.approx(survival, abs=1e-13)
    spread = clear(variance(OPEN, curve, row, days))
    assert np.where(exact.survival > 0, exact.std_err**2, 0) == pytest.approx(spread, abs=1e-13)
    if not len(days):
        return
    # Areas up to the last time, as shares of it.
    tau = float(table.time[-1])
    widths = np.diff(np.concatenate(([0.0], np.minimum(np.arange(STEPS), tau), [tau]))) / tau
    whole, spread = (clear(each)[0] for each in area(OPEN, curve, widths))
    mean, error = restricted_mean(exact, tau)
    assert (mean, error**2) == pytest.approx((whole * tau, spread * tau**2), abs=1e-10)


@pytest.mark.parametrize("late", [False, True])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 40))
def test_incidences_and_their_variances_are_those_of_the_exact_path(late, seed, n) -> None:
    counts, by_kind = on_grid(*patients(seed, n, late=late))
    table = table_of(counts)
    rows = table.time.astype(np.int64)
    found = day_incidences(OPEN, Clear(by_kind[:, np.newaxis]), Clear(counts.at_risk), 2, max(n, 1))
    for kind, each in enumerate(found):
        exact = cumulative_incidence(table, by_kind[kind][rows])

        assert exact.incidence == pytest.approx(clear(each.incidence)[0, rows], abs=1e-13)
        assert exact.std_err**2 == pytest.approx(clear(each.variance)[0, rows], abs=1e-12)
