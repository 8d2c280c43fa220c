"""Kaplan-Meier curves, their limits, quantiles, horizons and restricted means equal R's survfit."""

from __future__ import annotations

import re

import numpy as np
import pytest

from riskset_common.survival.arrays.calculator import InTheOpen, clear
from riskset_common.survival.curves import kaplan_meier as curves
from riskset_common.survival.curves.kaplan_meier import (
    LimitKind,
    ReverseTies,
    at,
    confidence_limits,
    quantile,
    restricted_mean,
    reverse,
)
from riskset_common.survival.curves.on_days import after, day_curve, variance
from riskset_common.survival.curves.risk_table import (
    GridCounts,
    count_on_grid,
    number_at_risk_on_next_row,
    risk_table,
)

LIMITS: dict[str, LimitKind] = {"ci_log": "log", "ci_loglog": "log-log", "ci_plain": "plain"}
QUANTILE_LIMITS: dict[str, LimitKind] = {"log": "log", "loglog": "log-log", "plain": "plain"}


def same(expected, actual, rel=1e-9, absolute=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rel, atol=absolute)


def counts_and_tables(reference, grid_of):
    """Grid, counts and the risk table of each group, by R's name of the group."""
    names = reference.spec["group"] or []
    patients = reference.patients(reference.response() + names)
    time, event, entry = reference.times(patients)
    labels, group = np.unique(patients.labels(names, "\t"), return_inverse=True)
    grid = grid_of(time, entry)
    counts = count_on_grid(
        grid.steps(time),
        event,
        None if entry is None else grid.steps(entry),
        group,
        len(labels),
        grid.n_steps,
    )
    named = {}
    for g, label in enumerate(labels):
        levels = zip(names, label.split("\t"), strict=True) if names else ()
        name = ", ".join(f"{column}={level}" for column, level in levels) or "all"
        entered = None if counts.entered is None else counts.entered[g]
        named[name] = (grid.times, counts.events[g], counts.censored[g], entered)
    return {name: (rows, risk_table(*rows)) for name, rows in named.items()}


def groups(reference, grid_of):
    """R's group, the rows of its counts and its risk table."""
    found = counts_and_tables(reference, grid_of)
    expected = reference.result["groups"]

    assert len(expected) == len(found)

    for group in expected:
        # R pads the levels of a column to one width.
        yield group, *found[re.sub(r" +(?=,|$)", "", group["level"])]


def written_rows(group, table, as_numbers):
    """Which rows of a curve R wrote down; long curves are thinned."""
    return np.searchsorted(table.time, as_numbers(group["time"]) - 1e-6)


def test_the_risk_table_is_rs(kaplan_meier, grid_of, as_numbers):
    for group, _, table in groups(kaplan_meier, grid_of):
        assert group["n"] == table.n
        assert group["events"] == table.events.sum()
        assert group["n_times"] == len(table.time)

        rows = written_rows(group, table, as_numbers)
        same(as_numbers(group["time"]), table.time[rows], absolute=0)
        assert group["n_risk"] == table.at_risk[rows].tolist()
        assert group["n_event"] == table.events[rows].tolist()
        assert group["n_censor"] == table.censored[rows].tolist()


def test_the_curve_is_rs(kaplan_meier, grid_of, as_numbers):
    for group, _, table in groups(kaplan_meier, grid_of):
        curve = curves.kaplan_meier(table)
        rows = written_rows(group, table, as_numbers)

        same(as_numbers(group["surv"]), curve.survival[rows])
        same(as_numbers(group["se_greenwood"]), curve.std_err[rows])
        same(as_numbers(group["cumhaz_na"]), curve.cumulative_hazard[rows])


@pytest.mark.parametrize("kind", LIMITS)
def test_the_confidence_limits_are_rs(kaplan_meier, kind, grid_of, as_numbers):
    for group, _, table in groups(kaplan_meier, grid_of):
        curve = curves.kaplan_meier(table)
        rows = written_rows(group, table, as_numbers)
        lower, upper = (each[rows] for each in confidence_limits(curve, LIMITS[kind], 0.95))
        # Before the first event the limits are 1 here; R 3.5 leaves log-log undefined there.
        alive = curve.survival[rows] == 1
        for side, limit in (("lower", lower), ("upper", upper)):
            same(as_numbers(group[kind][side])[~alive], limit[~alive])

            assert np.all(limit[alive] == 1)


def test_the_quantiles_are_rs(kaplan_meier, grid_of, as_numbers):
    for group, _, table in groups(kaplan_meier, grid_of):
        curve = curves.kaplan_meier(table)
        for name, kind in QUANTILE_LIMITS.items():
            limits = confidence_limits(curve, kind, 0.95)
            found = [quantile(curve, *limits, p) for p in group["quantiles"]["probs"]]
            expected = group["quantiles"][name]

            same(as_numbers(expected["quantile"]), [each.estimate for each in found])
            same(as_numbers(expected["lower"]), [each.lower for each in found])
            same(as_numbers(expected["upper"]), [each.upper for each in found])


def test_the_horizons_are_rs(kaplan_meier, grid_of, as_numbers):
    for group, _, table in groups(kaplan_meier, grid_of):
        curve = curves.kaplan_meier(table)
        expected = group["horizons"]
        times = np.array([each["t"] for each in expected], dtype=float)
        found = at(curve, times, "log", 0.95)
        at_risk = number_at_risk_on_next_row(table, times)

        # The golden numbers were asked with `extend = TRUE`; without it R leaves out times to which nobody was followed.
        beyond = np.array([each["n_risk"] == 0 and each["surv"] > 0 for each in expected])

        assert [each["n_risk"] for each in expected] == at_risk.tolist()
        assert [each["cum_event"] for each in expected] == found.events_to.tolist()
        for name, values in (
            ("surv", found.survival),
            ("se_greenwood", found.std_err),
            ("cumhaz_na", found.cumulative_hazard),
            ("se_cumhaz_na", found.std_err_hazard),
        ):
            known = np.array([as_numbers(each[name]) for each in expected])
            same(np.where(beyond, np.nan, known), values)
        for kind in LIMITS.values():
            limits = at(curve, times, kind, 0.95)
            known = np.array([as_numbers(each["ci"][kind]) for each in expected])
            both = np.stack((limits.lower, limits.upper), axis=1)
            same(known[limits.survival < 1], both[limits.survival < 1])
            assert np.isnan(both[beyond]).all()

            assert np.all(both[limits.survival == 1] == 1)


def test_the_restricted_mean_is_rs(kaplan_meier, grid_of, as_numbers):
    for group, _, table in groups(kaplan_meier, grid_of):
        curve, tau = curves.kaplan_meier(table), group["rmst"]["tau"]
        mean, std_err = restricted_mean(curve, tau)
        if tau > table.time[-1] and curve.survival[-1] > 0:
            # R goes on along the last step; beyond follow-up there is no such mean.
            assert np.isnan([mean, std_err]).all()
            continue

        same(as_numbers(group["rmst"]["mean"]), mean)
        same(as_numbers(group["rmst"]["se"]), std_err)


def test_follow_up_is_rs(reverse_kaplan_meier, grid_of, as_numbers):
    reference = reverse_kaplan_meier
    patients = reference.patients(reference.response())
    time, event, _ = reference.times(patients)
    grid = grid_of(time)
    counts = count_on_grid(grid.steps(time), event, None, np.zeros(len(time), int), 1, grid.n_steps)
    table = risk_table(grid.times, counts.events[0], counts.censored[0])
    curve = curves.kaplan_meier(reverse(table))
    expected = reference.result
    rows = written_rows(expected, table, as_numbers)

    assert expected["n_used"] == table.n
    same(as_numbers(expected["surv"]), curve.survival[rows])
    for name in ("log", "loglog"):
        kind = QUANTILE_LIMITS[name]
        found = quantile(curve, *confidence_limits(curve, kind, 0.95), 0.5)
        same(as_numbers(expected["median_complement"]), found.estimate)
        same(as_numbers(expected[f"lower_{name}"]), found.lower)
        same(as_numbers(expected[f"upper_{name}"]), found.upper)
    # prodlim takes the first time at or below a half and knows no midpoint.
    deaths_first = curves.kaplan_meier(reverse(table, ReverseTies.DEATHS_FIRST))
    below = np.flatnonzero(deaths_first.survival <= 0.5)
    median = deaths_first.time[below[0]] if len(below) else np.nan
    same(as_numbers(expected["median_deaths_first"]), median)


def test_on_shares_survival_and_its_error_are_the_same_to_their_digits(kaplan_meier, grid_of):
    calculator = InTheOpen()
    for _, (_, events, censored, entered), table in groups(kaplan_meier, grid_of):
        exact = curves.kaplan_meier(table)
        counts = GridCounts(
            events[np.newaxis],
            censored[np.newaxis],
            None if entered is None else entered[np.newaxis],
        )
        days, leaving = np.flatnonzero(events), np.flatnonzero(events + censored)
        n, d = counts.at_risk[:, days], counts.events[:, days]
        curve = day_curve(calculator, calculator.whole(d), calculator.whole(n), table.n)
        n_days = np.searchsorted(days, leaving, side="right")
        row = np.zeros(len(leaving), dtype=np.int64)
        found = (
            after(calculator, curve.survival, 1.0, row, n_days),
            calculator.root(variance(calculator, curve, row, n_days), 1.0),
        )
        for released, exactly in zip(found, (exact.survival, exact.std_err), strict=True):
            known = np.isfinite(exactly)
            digits = [
                clear(calculator.rounded(each, 1000))[known].tolist()
                for each in (released, calculator.real(np.where(known, exactly, 0.0)))
            ]
            assert digits[0] == digits[1]
