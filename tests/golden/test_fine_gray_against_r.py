"""Fits of the subdistribution hazard equal R's finegray and coxph."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.golden.test_cox_against_r import fitted, same

from riskset_common.survival.incidence.fine_gray import (
    CensoringCurve,
    own_censoring_curves,
    prepare_subdistribution,
)
from riskset_common.survival.regression.sandwich import sandwich
from riskset_common.survival.regression.score_residuals import residual_products
from riskset_common.survival.tests.wald import wald_test

HERE = Path(__file__).parent
OF_R = json.loads((HERE / "fine_gray_by_site.json").read_text(encoding="utf-8"))


def pooled_curve(time, kind):
    """The censoring distribution of all patients."""
    curve: CensoringCurve = own_censoring_curves(time, kind, np.zeros(len(time), np.int64))[0]
    return curve


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_fit_is_rs(fine_gray, ties, design, grid_of, as_numbers):
    spec = fine_gray.spec
    expected = fine_gray.result["finegray_coxph"][ties]
    used = [term["col"] for term in spec["terms"]]
    more = [spec[key] for key in ("strata", "cengroup") if spec[key]]
    patients = fine_gray.patients([spec["time"], spec["event"], *used, *more])
    columns = design(spec["terms"], patients)
    times = patients.numbers(spec["time"])
    time = grid_of(times).steps(times)
    happened = np.array(patients.columns[spec["event"]])
    kind = np.where(happened == str(spec["censor"]), 0, 2)
    kind[happened == str(spec["cause"])] = 1
    strata = patients.labels([spec["strata"]] if spec["strata"] else None, "\t")
    stratum = np.unique(strata, return_inverse=True)[1]
    curves = own_censoring_curves(time, kind, stratum)
    ready = prepare_subdistribution(time, kind, columns.x, stratum, ties, curves)
    fit = fitted(ready, len(columns.names), "tight", 60)
    robust = np.sqrt(np.diag(sandwich(fit.covariance, residual_products(ready, fit.coef))))

    assert fine_gray.result["n_used"] == len(time)
    same(as_numbers(expected["coef"]) / fit.std_err, fit.coef / fit.std_err, absolute=1e-9)
    same(as_numbers(expected["naive_se"]), fit.std_err)
    same(as_numbers(expected["robust_se"]), robust)
    same(expected["loglik"], fit.log_likelihood, rel=1e-11)


@pytest.mark.parametrize("name", OF_R)
def test_models_stratified_by_site_are_rs_with_either_censoring_distribution(name):
    split, cause, censoring, ties = name.split()
    with (HERE / "data" / "edge_cr.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if "" not in row.values()]
    time = np.array([int(row["time"]) for row in rows])
    event = np.array([int(row["cr"]) for row in rows])
    kind = np.where(event == int(cause), 1, np.where(event > 0, 2, 0))
    stratum = np.unique([row[split] for row in rows], return_inverse=True)[1]
    x = np.array([[float(row["x1"]), float(row["x2"])] for row in rows])
    curves = (
        pooled_curve(time, kind)
        if censoring == "pooled"
        else own_censoring_curves(time, kind, stratum)
    )
    ready = prepare_subdistribution(time, kind, x, stratum, ties, curves)
    fit = fitted(ready, 2, "tight", 60)
    robust = sandwich(fit.covariance, residual_products(ready, fit.coef))
    expected = OF_R[name]
    scale = np.outer(fit.std_err, fit.std_err)

    assert expected["n"] == len(rows)
    same(expected["coef"] / fit.std_err, fit.coef / fit.std_err, absolute=1e-9)
    same(np.reshape(expected["naive_var"], (2, 2)) / scale, fit.covariance / scale, absolute=1e-9)
    same(np.reshape(expected["var"], (2, 2)) / scale, robust / scale, absolute=1e-9)
    same(expected["loglik"], [fit.log_likelihood_null, fit.log_likelihood], rel=1e-11)
    same(expected["score"], fit.score_statistic)
    same(expected["wald"], wald_test(fit.coef, robust).statistic)
