"""Cox models stratified by site with an offset equal R's coxph."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.golden.test_cox_against_r import fitted, same

from riskset_common.survival.regression.cox import prepare

HERE = Path(__file__).parent
OF_R = json.loads((HERE / "offset_by_site.json").read_text(encoding="utf-8"))
COLUMNS = ("time", "status", "age", "sex", "ph_karno", "site")


@pytest.mark.parametrize("ties", OF_R)
def test_a_fit_with_an_offset_is_rs(ties):
    with (HERE / "data" / "lung.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if all(row[name] for name in COLUMNS)]
    numbers = {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS[:-1]}
    ready = prepare(
        numbers["time"],
        numbers["status"] == 2,
        None,
        np.column_stack([numbers["age"], numbers["sex"]]),
        np.unique([row["site"] for row in rows], return_inverse=True)[1],
        ties,
        offset=-numbers["ph_karno"] / 8,
    )
    fit = fitted(ready, 2, "tight", 60)
    expected = OF_R[ties]
    scale = np.outer(fit.std_err, fit.std_err)

    assert expected["n"] == len(rows)
    same(expected["coef"] / fit.std_err, fit.coef / fit.std_err, absolute=1e-9)
    same(np.reshape(expected["var"], (2, 2)) / scale, fit.covariance / scale, absolute=1e-9)
    same(expected["loglik"], [fit.log_likelihood_null, fit.log_likelihood], rel=1e-11)
    same(expected["score"], fit.score_statistic)
