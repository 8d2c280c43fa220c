"""Log-rank tests, plain, weighted, stratified and for trend, equal R's survdiff and the textbook sums."""

from __future__ import annotations

import math

import numpy as np
import pytest

from riskset_common.survival.curves.risk_table import count_on_grid
from riskset_common.survival.tests import log_rank as weights_of
from riskset_common.survival.tests.log_rank import (
    fleming_harrington,
    log_rank_sums,
    log_rank_test,
    total,
    trend_test,
)

RHO = {"rho_0": 0.0, "rho_1": 1.0, "rho_0.5": 0.5}
WEIGHTS = {
    "logrank": weights_of.equal_weights,
    "gehan": weights_of.gehan,
    "tarone": weights_of.tarone_ware,
    "sas_peto": weights_of.peto,
    "sas_modpeto": weights_of.modified_peto,
    "fh_1_0": fleming_harrington(1, 0),
    "fh_0.5_0": fleming_harrington(0.5, 0),
    "fh_0_1": fleming_harrington(0, 1),
    "fh_1_1": fleming_harrington(1, 1),
    "fh_0.5_0.5": fleming_harrington(0.5, 0.5),
}


def same(expected, actual, rel=1e-9, absolute=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rel, atol=absolute)


def pooled(reference, grid_of, weights):
    """Names of the groups, and the sums over all strata."""
    columns, strata = reference.spec["group"], reference.spec["strata"] or []
    patients = reference.patients(reference.response() + columns + strata)
    time, event, entry = reference.times(patients)
    names, group = np.unique(patients.labels(columns, "/"), return_inverse=True)
    stratum = patients.labels(strata, "/")
    grid = grid_of(time, entry)

    def sums(rows):
        entries = None if entry is None else grid.steps(entry[rows])
        counts = count_on_grid(
            grid.steps(time[rows]), event[rows], entries, group[rows], len(names), grid.n_steps
        )
        return log_rank_sums(counts.at_risk, counts.events, weights)

    return names.tolist(), total(sums(stratum == each) for each in np.unique(stratum))


def check_test(expected, test):
    assert expected["df"] == test.df
    same(expected["chisq"], test.statistic)
    same(expected["p"], test.p_value, rel=1e-8, absolute=1e-300)
    same(expected["log_p"], math.log(test.p_value), rel=1e-8)


@pytest.mark.parametrize("name", RHO)
def test_survdiff_gives_the_same(log_rank, name, grid_of, as_numbers):
    expected = log_rank.result.get(name)
    if expected is None:
        # survdiff does not know left truncation; the weighted references do.
        assert log_rank.spec["response"]["start"]
        return
    names, sums = pooled(log_rank, grid_of, fleming_harrington(RHO[name], 0))
    if "r_error" in expected:
        # A group is constant within every stratum: R stops, and there is nothing to test.
        assert (0, 0.0, 1.0) == (
            log_rank_test(sums).df,
            log_rank_test(sums).statistic,
            log_rank_test(sums).p_value,
        )
        return
    # survdiff writes "sex=1"; the order of its groups is that of the factor.
    place = [names.index(each.split("=")[1].strip()) for each in expected["groups"]]
    scale = np.max(np.abs(expected["var"]))

    same(as_numbers(expected["obs"]), sums.observed[place])
    same(as_numbers(expected["exp"]), sums.expected[place])
    same(as_numbers(expected["var"]), sums.covariance[np.ix_(place, place)], absolute=1e-9 * scale)
    check_test(expected, log_rank_test(sums))


@pytest.mark.parametrize("name", WEIGHTS)
def test_weighted_tests_are_the_textbooks(log_rank, name, grid_of, as_numbers):
    expected = log_rank.result["weighted"].get(name)
    if expected is None:
        # With left truncation only these three were computed.
        assert name not in ("logrank", "gehan", "fh_1_0")
        return
    names, sums = pooled(log_rank, grid_of, WEIGHTS[name])
    place = [names.index(each) for each in expected["levels"]]
    deviation, variance = as_numbers(expected["U"]), as_numbers(expected["V"])
    scale = np.max(np.abs(variance))

    same(
        deviation,
        (sums.observed - sums.expected)[place],
        absolute=1e-9 * math.sqrt(scale),
    )
    same(variance, sums.covariance[np.ix_(place, place)], absolute=1e-9 * scale)
    check_test(expected, log_rank_test(sums))
    scores = np.empty(len(names))
    scores[place] = as_numbers(expected["trend"]["scores"])
    trend = trend_test(sums, scores)
    df = 0 if expected["trend"]["chisq"] is None else 1

    assert df == trend.df
    if df:
        same(expected["trend"]["chisq"], trend.statistic)
        same(expected["trend"]["p"], trend.p_value, rel=1e-8, absolute=1e-300)
