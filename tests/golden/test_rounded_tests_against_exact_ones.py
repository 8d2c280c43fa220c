"""On every reference the formula of shares gives the digits of the exact test of the log-rank family, of which R's are known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from riskset_common.release.budget import unit
from riskset_common.survival.arrays.calculator import InTheOpen, clear
from riskset_common.survival.curves.risk_table import count_on_grid
from riskset_common.survival.tests.group_sums import group_sums, said_of
from riskset_common.survival.tests.log_rank import log_rank_sums, total
from riskset_common.survival.tests.weighing import Weighing, open_weights

FAMILY = [
    Weighing(),
    Weighing("gehan"),
    Weighing("tarone_ware"),
    Weighing("peto"),
    Weighing("modified_peto"),
    Weighing("fleming_harrington", 1, 0),
    Weighing("fleming_harrington", 0.5, 0.5),
]
CALCULATOR = InTheOpen()


def rounded(values, of: Fraction):
    return clear(CALCULATOR.rounded(CALCULATOR.real(np.asarray(values, dtype=float)), 1 / of))


def assert_same_digits(exact, found, scale, units):
    for expected, actual, divided, of in zip(exact, found, (scale, scale**2), units, strict=True):
        digits = rounded(clear(actual) * float(divided), of)

        assert rounded(expected, of).tolist() == digits.tolist()


def strata_of(reference, patients):
    labels = patients.labels(reference.spec.get("strata") or [], "/")
    return [labels == each for each in np.unique(labels)]


@pytest.mark.parametrize("weighing", FAMILY, ids=str)
def test_every_digit_is_that_of_the_exact_test(log_rank, weighing, grid_of) -> None:
    columns = log_rank.spec["group"]
    patients = log_rank.patients(log_rank.response() + columns + (log_rank.spec["strata"] or []))
    time, event, entry = log_rank.times(patients)
    names, group = np.unique(patients.labels(columns, "/"), return_inverse=True)
    grid, k, bound = grid_of(time, entry), len(names), len(patients)
    units = [unit(weighing, bound, 2), unit(weighing, bound, 2, squared=True)]
    exact, found = [], []
    for rows in strata_of(log_rank, patients):
        entries = None if entry is None else grid.steps(entry[rows])
        counts = count_on_grid(
            grid.steps(time[rows]), event[rows], entries, group[rows], k, grid.n_steps
        )
        exact.append(log_rank_sums(counts.at_risk, counts.events, open_weights(weighing)))
        # On shares the days are those of events of anybody.
        days = counts.events.any(axis=0)
        found.append(
            group_sums(
                CALCULATOR,
                CALCULATOR.whole(counts.at_risk[None][:, :, days]),
                CALCULATOR.whole(counts.events[None][:, :, days]),
                weighing,
                bound,
            )
        )
    difference, covariance = found[0].difference, found[0].covariance
    for each in found[1:]:
        difference, covariance = difference + each.difference, covariance + each.covariance

    assert_same_digits(
        said_of(total(exact), range(k)), (difference, covariance), weighing.scale(bound), units
    )
