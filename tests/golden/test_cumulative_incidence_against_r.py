"""Cumulative incidence with its variance, and Gray's test, equal cmprsk::cuminc; the estimates also survfit's Aalen-Johansen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from riskset_common.survival.arrays.calculator import InTheOpen, clear
from riskset_common.survival.curves.risk_table import KindCounts, count_kinds_on_grid, risk_table
from riskset_common.survival.incidence.cumulative_incidence import (
    IncidenceCurve,
    cumulative_incidence,
    incidence_at,
)
from riskset_common.survival.incidence.gray import gray_sums
from riskset_common.survival.incidence.gray_sums import can_be_computed, gray_sums_of, gray_terms
from riskset_common.survival.incidence.on_days import day_incidences
from riskset_common.survival.tests.group_sums import said_of
from riskset_common.survival.tests.log_rank import log_rank_test, total

RHO = {"gray": 0.0, "gray_rho_1": 1.0, "gray_rho_-1": -1.0}


def same(expected, actual, rel=1e-9, absolute=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rel, atol=absolute)


@dataclass(frozen=True)
class Cohort:
    """The patients of a reference: steps of their times, kind of event, names of the groups, group and stratum of each."""

    times: np.ndarray
    step: np.ndarray
    kind: np.ndarray
    groups: list[str]
    group: np.ndarray
    stratum: np.ndarray
    causes: list[str]

    def counts(self, rows: np.ndarray) -> KindCounts:
        return count_kinds_on_grid(
            self.step[rows],
            self.kind[rows],
            None,
            self.group[rows],
            n_kinds=len(self.causes),
            n_groups=len(self.groups),
            n_steps=len(self.times),
        )

    @property
    def everyone(self) -> np.ndarray:
        return np.ones(len(self.step), dtype=bool)


def cohort_of(reference, grid_of) -> Cohort:
    spec = reference.spec
    by, strata = spec["group"] or [], spec["strata"] or []
    patients = reference.patients([spec["time"], spec["event"], *by, *strata])
    time = patients.numbers(spec["time"])
    grid = grid_of(time)
    status = patients.numbers(spec["event"])
    kind = np.zeros(len(status), dtype=np.int64)
    for number, cause in enumerate(spec["causes"], start=1):
        kind[status == cause] = number
    groups, group = np.unique(patients.labels(by, "/"), return_inverse=True)
    return Cohort(
        grid.times,
        grid.steps(time),
        kind,
        groups.tolist(),
        group,
        patients.labels(strata, "/"),
        [str(cause) for cause in spec["causes"]],
    )


def curve_of(cohort: Cohort, counts: KindCounts, group: str, cause: str) -> IncidenceCurve:
    """The curve of a group as R names it; without groups R names it otherwise."""
    g = cohort.groups.index(group.strip()) if len(cohort.groups) > 1 else 0
    any_kind = counts.any_kind
    table = risk_table(cohort.times, any_kind.events[g], any_kind.censored[g])
    leaving = np.flatnonzero(any_kind.events[g] + any_kind.censored[g])
    return cumulative_incidence(table, counts.events[cohort.causes.index(cause), g, leaving])


def test_the_estimates_and_variances_are_cumincs(cumulative_incidence, grid_of, as_numbers):
    cohort = cohort_of(cumulative_incidence, grid_of)
    counts = cohort.counts(cohort.everyone)

    assert cumulative_incidence.result["n_used"] == len(cohort.step)
    for expected in cumulative_incidence.result["cuminc"]:
        curve = curve_of(cohort, counts, expected["group"], expected["cause"])
        horizons = expected["horizons"]
        found = incidence_at(curve, np.array(horizons["t"], dtype=float), "log", 0.95)
        # Beyond a group's last time R gives no estimate; ours stays as it was.
        known = np.isfinite(as_numbers(horizons["est"]))
        same(as_numbers(horizons["est"])[known], found.incidence[known])
        same(as_numbers(horizons["var"])[known], found.std_err[known] ** 2)
        # R lists the height before and after each step.
        times = as_numbers(expected["time"])
        after = incidence_at(curve, times, "log", 0.95)
        before = incidence_at(curve, times - 1e-3, "log", 0.95)
        for name, heights in (("est", "incidence"), ("var", "std_err")):
            power = 2 if name == "var" else 1
            listed = as_numbers(expected[name])
            nearest = np.minimum(
                *(np.abs(listed - getattr(each, heights) ** power) for each in (before, after))
            )
            same(np.zeros(len(listed)), nearest)


def test_the_estimates_are_those_of_aalen_and_johansen(cumulative_incidence, grid_of):
    cohort = cohort_of(cumulative_incidence, grid_of)
    counts = cohort.counts(cohort.everyone)
    expected = cumulative_incidence.result["aalen_johansen"]
    for group, time, states in zip(
        expected["group"], expected["time"], expected["pstate"], strict=True
    ):
        for cause, probability in zip(expected["states"][1:], states[1:], strict=True):
            curve = curve_of(cohort, counts, group, cause)

            same([probability], incidence_at(curve, np.array([time]), "log", 0.95).incidence)


@pytest.mark.parametrize("name", RHO)
def test_grays_test_is_cumincs(cumulative_incidence, name, grid_of, as_numbers):
    expected = cumulative_incidence.result.get(name)
    if expected is None:
        # There is nothing to compare.
        assert cumulative_incidence.spec["group"] is None
        return
    cohort = cohort_of(cumulative_incidence, grid_of)
    strata = [
        cohort.counts(cohort.stratum == stratum) for stratum in sorted(set(cohort.stratum.tolist()))
    ]
    for index, cause in enumerate(expected["cause"]):
        kind = cohort.causes.index(cause)
        test = log_rank_test(
            total(
                gray_sums(
                    counts.any_kind.at_risk,
                    counts.events[kind],
                    counts.any_kind.events - counts.events[kind],
                    RHO[name],
                )
                for counts in strata
            )
        )

        assert expected["df"][index] == test.df
        same(expected["stat"][index], test.statistic)
        # R subtracts the distribution function from 1.
        same(expected["p"][index], test.p_value, rel=1e-8, absolute=1e-15)


@pytest.mark.parametrize("rho", [0.0, 1.0])
def test_on_shares_grays_test_is_the_same_to_its_digits(cumulative_incidence, rho, grid_of):
    if cumulative_incidence.spec["group"] is None:
        return
    cohort, calculator = cohort_of(cumulative_incidence, grid_of), InTheOpen()
    for kind in range(len(cohort.causes)):
        exact, found = [], []
        for stratum in sorted(set(cohort.stratum.tolist())):
            counts = cohort.counts(cohort.stratum == stratum)
            n, d, other = gray_arrays(counts, kind)
            largest = 1 << int(n.sum(axis=0).max()).bit_length()
            exact.append(gray_sums(n, d, other, rho))
            days = (d + other).any(axis=0)
            at_risk, events, others = (
                calculator.whole(each[None][:, :, days]) for each in (n, d, other)
            )
            terms = gray_terms(calculator, at_risk, events, others, largest)
            assert [1] == clear(can_be_computed(calculator, terms)).tolist()
            sums = gray_sums_of(calculator, terms, rho, largest)
            found.append((clear(sums.difference), clear(sums.covariance) * largest**2))
        expected = said_of(total(exact), range(len(found[0][0]) + 1))
        for sums_of_all, parts in zip(expected, zip(*found, strict=True), strict=True):
            digits = [
                clear(calculator.rounded(calculator.real(each), 100)).tolist()
                for each in (sums_of_all, np.sum(parts, axis=0))
            ]
            assert digits[0] == digits[1]


def gray_arrays(counts, kind):
    """At risk, with an event of the kind, and of any other, by group and step."""
    events = counts.events[kind]
    return counts.any_kind.at_risk, events, counts.any_kind.events - events


def test_on_shares_incidences_and_their_errors_are_the_same_to_their_digits(
    cumulative_incidence, grid_of
):
    cohort, calculator = cohort_of(cumulative_incidence, grid_of), InTheOpen()
    counts = cohort.counts(cohort.everyone)
    days = np.flatnonzero(counts.any_kind.events.any(axis=0))
    found = day_incidences(
        calculator,
        calculator.whole(counts.events[..., days]),
        calculator.whole(counts.any_kind.at_risk[:, days]),
        len(cohort.causes),
        len(cohort.step),
    )
    for (kind, cause), (g, group) in product(enumerate(cohort.causes), enumerate(cohort.groups)):
        exact = curve_of(cohort, counts, group, cause)
        last = np.searchsorted(exact.time, cohort.times[days], side="right") - 1
        known = last >= 0
        pairs = (
            (found[kind].incidence, exact.incidence),
            (calculator.root(found[kind].variance, 1.0), exact.std_err),
        )
        for released, exactly in pairs:
            digits = [
                clear(calculator.rounded(each, 1000)).tolist()
                for each in (
                    released[g, np.flatnonzero(known)],
                    calculator.real(exactly[last[known]]),
                )
            ]
            assert digits[0] == digits[1]
