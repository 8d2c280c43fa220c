"""Pearson's test of a table equals R's chisq.test without correction, Fisher's its fisher.test."""

from __future__ import annotations

import numpy as np

from riskset_common.survival.tables.chi_square import pearson_test
from riskset_common.survival.tables.fisher import fisher_p_value


def same(expected, actual, rel=1e-9, absolute=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rel, atol=absolute)


def test_pearsons_test_is_rs(table, as_numbers):
    row, column, strata = (table.spec[name] for name in ("row", "col", "strata"))
    patients = table.patients([name for name in (row, column, strata) if name])
    expected = table.result
    counts = np.zeros((len(expected["row_levels"]), len(expected["col_levels"])), dtype=np.int64)
    for pair in zip(patients.columns[row], patients.columns[column], strict=True):
        counts[expected["row_levels"].index(pair[0]), expected["col_levels"].index(pair[1])] += 1
    found = pearson_test(counts)

    assert expected["counts"] == counts.tolist()
    assert expected["pearson"]["df"] == found.test.df
    same(expected["pearson"]["stat"], found.test.statistic)
    same(expected["pearson"]["p"], found.test.p_value, rel=1e-8)
    same(as_numbers(expected["expected"]), found.expected)


def test_fishers_test_is_rs(table):
    expected = table.result["fisher"]["p"]

    same(expected, fisher_p_value(np.array(table.result["counts"])))
