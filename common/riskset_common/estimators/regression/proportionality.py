"""The test of proportional hazards of a Cox model over sites: what is asked of a site, and how the test follows from the sums.

The coefficients may change with a function g of time. Its values must be known where the risk sets are, at the sites. A time and its
logarithm are; a rank, or the Kaplan-Meier estimate, follows from the patients of all sites at each step of the time grid. Each site works
it out from that sum, whose opening it checked: a g of the centre's choice could single out one event time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from riskset_common.errors import DataError
from riskset_common.estimators.curves.counts import pooled_steps
from riskset_common.estimators.estimator import Shape, Summary, reals
from riskset_common.estimators.regression.terms import Column
from riskset_common.results.regression import ProportionalityTest
from riskset_common.results.tests import printed_test
from riskset_common.study.patients import Integers, Reals
from riskset_common.study.time_grid import DAYS_PER_UNIT, TimeGrid
from riskset_common.survival.arrays.triangles import upper_triangle
from riskset_common.survival.regression.cox import CoxDesign, cox_sums
from riskset_common.survival.regression.proportionality import (
    TimeScores,
    Transform,
    kaplan_meier_scores,
    proportionality_test,
    rank_scores,
)

COUNTED: Final[tuple[Transform, ...]] = ("km", "rank")
"""Functions of time that follow from the patients of all sites."""


@dataclass(frozen=True, eq=False)
class FunctionOfTime:
    """g at every pooled event time: ascending steps of the time grid, and its values there, shape (n_event_times,) each."""

    steps: Integers
    values: Reals

    def at(self, step: Integers) -> Reals:
        """Its values at some steps, shape (n,)."""
        place = np.searchsorted(self.steps, step)
        if not np.array_equal(np.append(self.steps, -1)[place], step):
            raise DataError(
                "An event of this site falls at a time at which no event was counted. The patients' records have changed since; "
                "start a new run."
            )
        values: Reals = self.values[place]
        return values


def transform_of(transform: Transform, pooled: Summary) -> FunctionOfTime:
    """The function of time, from the pooled counts. Run by whoever needs it, on counts of its own checking."""
    counts = pooled_steps(pooled)
    events = counts.events[0]
    if transform == "km":
        g = kaplan_meier_scores(counts.at_risk[0], events)
    else:
        g = rank_scores(events + counts.censored[0])
        # Between 0 and 1, so that its square is no larger than what it weighs.
        g = g / max(int((events + counts.censored[0]).sum()), 1)
    steps = np.flatnonzero(events)
    return FunctionOfTime(steps, g[steps])


def time_shapes(p: int) -> dict[str, Shape]:
    """Score and information weighted by the transformed time, and information weighted by its square."""
    triangle = p * (p + 1) // 2
    return {
        "time_score": reals(p),
        "time_information": reals(triangle),
        "squared_time_information": reals(triangle),
    }


def time_summary(
    design: CoxDesign,
    beta: Reals,
    time: Integers,
    transform: Transform,
    counted: Summary,
    grid: TimeGrid,
) -> dict[str, Any]:
    """One site's share; `time` are the steps of its patients, in the order in which the design was given them.

    `counted` are the patients of all sites by step, as this site checked them, where the function follows from them.
    """
    step = time[design.slot_rows]
    g = transform_of(transform, counted).at(step) if counted else _of_time(step, transform, grid)
    once, twice = cox_sums(design, beta, g), cox_sums(design, beta, g**2)
    return {
        "time_score": once.score,
        "time_information": upper_triangle(once.information),
        "squared_time_information": upper_triangle(twice.information),
    }


def _of_time(step: Integers, transform: Transform, grid: TimeGrid) -> Reals:
    """Time or its logarithm at some steps; times are in years, which keeps them small and changes no test."""
    years: Reals = step.astype(np.float64) * float(grid.days_per_step / DAYS_PER_UNIT["years"])
    if transform == "identity":
        return years
    # A time of 0 has no logarithm; it lies within the first step.
    half_a_step = float(grid.days_per_step / DAYS_PER_UNIT["years"] / 2)
    logarithms: Reals = np.log(np.maximum(years, half_a_step))
    return logarithms


def proportionality(
    transform: Transform, columns: tuple[Column, ...], sums: TimeScores, covariance: Reals
) -> ProportionalityTest:
    """The tests, given the pooled sums and the inverse information of the model's scaled columns."""
    terms: dict[str, list[int]] = {}
    for index, column in enumerate(columns):
        terms.setdefault(column.term, []).append(index)
    return ProportionalityTest(
        transform=transform,
        terms={
            term: printed_test(proportionality_test(sums, covariance, chosen))
            for term, chosen in terms.items()
        },
        global_test=printed_test(proportionality_test(sums, covariance, range(len(columns)))),
    )
