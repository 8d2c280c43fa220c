"""Tests of proportional hazards equal R's cox.zph, for every transformation of time."""

from __future__ import annotations

import numpy as np
import pytest
from tests.golden.test_cox_against_r import check_chi_square, fitted, patients_of, prepared

from riskset_common.survival.curves.risk_table import count_on_grid
from riskset_common.survival.regression.cox import cox_sums
from riskset_common.survival.regression.proportionality import (
    TimeScores,
    kaplan_meier_scores,
    proportionality_test,
    rank_scores,
)

TRANSFORMS = ("km", "rank", "identity", "log")


def transformed(name, time, event, entry, grid):
    """The transformed time of every patient."""
    if name in ("identity", "log"):
        # R has no logarithm of a time of 0; half a step stands in.
        return np.log(np.maximum(time, grid.step / 2)) if name == "log" else time
    steps = grid.steps(time)
    entered = None if entry is None else grid.steps(entry)
    nobody = np.zeros(len(steps), dtype=np.int64)
    counts = count_on_grid(steps, event, entered, nobody, 1, grid.n_steps)
    if name == "km":
        return kaplan_meier_scores(counts.at_risk[0], counts.events[0])[steps]
    return rank_scores((counts.events + counts.censored)[0])[steps]


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_test_of_proportional_hazards_is_rs(transform, cox, design, grid_of):
    expected = cox.result.get("zph", {}).get(transform, {"error": "not asked"})
    if "error" in expected or cox.result["monotone_likelihood"]:
        return
    (time, event, entry, _), columns = patients_of(cox, design)
    ready, _ = prepared(cox, design)
    fit = fitted(ready, len(columns.names), "tight", 60)
    g = transformed(transform, time, event, entry, grid_of(time, entry))[ready.slot_rows]
    once, twice = (cox_sums(ready, np.nan_to_num(fit.coef), weight) for weight in (g, g**2))
    sums = TimeScores(once.score, once.information, twice.information)
    every = list(range(len(columns.names)))
    for term, *row in zip(*(expected[key] for key in ("rows", "chisq", "df", "p")), strict=True):
        found = proportionality_test(sums, fit.covariance, columns.terms.get(term, every))
        stat, df, p = row
        check_chi_square({"stat": stat, "df": df, "p": p}, found.statistic, found.df)
