"""Variances clustered by site, or by patient, equal R's coxph with strata and clusters."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskset_common.survival.regression.cox import CoxSums, cox_sums, prepare
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start
from riskset_common.survival.regression.sandwich import sandwich
from riskset_common.survival.regression.score_residuals import residual_products
from riskset_common.survival.tests.wald import wald_test

HERE = Path(__file__).parent
OF_R = json.loads((HERE / "robust_by_site.json").read_text(encoding="utf-8"))
COLUMNS = {
    "lung": ("time", "status", "2", ("age", "sex")),
    "rossi": ("week", "arrest", "1", ("fin", "age", "prio")),
}


def summed(found: list[CoxSums]) -> CoxSums:
    first, *others = found
    for each in others:
        first = first + each
    return first


@pytest.mark.parametrize("name", OF_R)
def test_clustered_variances_are_rs(name):
    data, ties, *by_patient = name.split("_")
    time, status, event, terms = COLUMNS[data]
    with (HERE / "data" / f"{data}.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if all(row[each] for each in (time, "site"))]
    designs = []
    for site in sorted({row["site"] for row in rows}):
        here = [row for row in rows if row["site"] == site]
        designs.append(
            prepare(
                np.array([float(row[time]) for row in here]),
                np.array([row[status] == event for row in here]),
                None,
                np.array([[float(row[term]) for term in terms] for row in here]),
                np.zeros(len(here), dtype=np.int64),
                ties,
            )
        )
    state: NewtonState | CoxFit = start(len(terms), "tight", 60)
    while isinstance(state, NewtonState):
        beta = np.array(state.beta)
        state = advance(state, summed([cox_sums(each, beta) for each in designs]))
    scores = [cox_sums(each, state.coef).score for each in designs]
    products: Any = sum(
        residual_products(each, state.coef) if by_patient else np.outer(score, score)
        for each, score in zip(designs, scores, strict=True)
    )
    clustered = sandwich(state.covariance, np.asarray(products))
    expected = OF_R[name]
    p = len(terms)

    assert expected["n"] == len(rows)
    np.testing.assert_allclose(state.coef, expected["coef"], rtol=1e-9)
    np.testing.assert_allclose(clustered.ravel(), expected["robust_var"], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(state.covariance.ravel(), expected["naive_var"], rtol=1e-9)
    assert (expected["wald"], p) == pytest.approx(
        (wald_test(state.coef, clustered).statistic, wald_test(state.coef, clustered).df), rel=1e-8
    )
