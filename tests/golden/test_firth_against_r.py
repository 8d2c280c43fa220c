"""Fits under Firth's penalty equal the maximum of the penalised likelihood as plain R finds it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.firth import Learnt, learn, penalised, third_sums
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start

HERE = Path(__file__).parent
OF_R = json.loads((HERE / "firth_by_site.json").read_text(encoding="utf-8"))


def rows_of(name):
    with (HERE / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def rossi():
    rows = rows_of("rossi")
    sites = list(dict.fromkeys(row["site"] for row in rows))[:4]
    rows = [row for row in rows if row["site"] in sites]
    x = [[float(row[name]) for name in ("fin", "age", "prio")] for row in rows]
    return rows, "week", [row["arrest"] == "1" for row in rows], x


def monotone():
    rows = rows_of("edge_cr")
    x = [[float(row["x1"]), float(row["x2"] == "1" and row["cr"] != "1")] for row in rows]
    return rows, "time", [row["cr"] == "1" for row in rows], x


@pytest.mark.parametrize("name", OF_R)
def test_a_penalised_fit_is_the_maximum(name):
    data, ties = name.split("_")
    rows, time, event, x = {"rossi": rossi, "monotone": monotone}[data]()
    ready = prepare(
        np.array([float(row[time]) for row in rows]),
        np.array(event),
        None,
        np.array(x),
        np.unique([row["site"] for row in rows], return_inverse=True)[1],
        ties,
    )
    state: NewtonState | CoxFit = start(len(x[0]), "tight", 40)
    known = Learnt()
    while isinstance(state, NewtonState):
        beta = np.array(state.beta)
        sums = penalised(cox_sums(ready, beta), third_sums(ready, beta))
        known, curvature = learn(known, state.beta, sums)
        state = advance(state, sums, curvature)
    expected = OF_R[name]
    scale = np.outer(state.std_err, state.std_err)

    assert state.converged
    assert not state.monotone.any()
    np.testing.assert_allclose(
        state.coef / state.std_err, expected["coef"] / state.std_err, atol=1e-9
    )
    np.testing.assert_allclose(
        state.covariance / scale, np.reshape(expected["var"], scale.shape) / scale, atol=1e-8
    )
    np.testing.assert_allclose(
        [state.log_likelihood_null, state.log_likelihood], expected["loglik"], rtol=1e-11
    )
