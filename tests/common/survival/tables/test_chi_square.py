"""Pearson's test at the edges of a table."""

from __future__ import annotations

import numpy as np
import pytest

from riskset_common.errors import EstimationError
from riskset_common.survival.tables.chi_square import pearson_test


def test_a_table_of_two_by_two():
    # ad - bc = 10·40 - 20·30: 100 (400 - 600)² / (30·70·40·60).
    found = pearson_test(np.array([[10, 20], [30, 40]]))

    assert 100 * 200**2 / (30 * 70 * 40 * 60) == pytest.approx(found.test.statistic, rel=1e-14)
    assert 1 == found.test.df
    assert [[12.0, 18.0], [28.0, 42.0]] == found.expected.tolist()


def test_empty_rows_and_columns_are_left_out():
    found = pearson_test(np.array([[10, 0, 20], [0, 0, 0], [30, 0, 40]]))

    assert pearson_test(np.array([[10, 20], [30, 40]])).test == found.test
    assert [[12.0, 0.0, 18.0], [0.0, 0.0, 0.0], [28.0, 0.0, 42.0]] == found.expected.tolist()


@pytest.mark.parametrize("counts", [[[3, 4]], [[3, 0], [4, 0]], [[0, 0], [0, 0]], [[], []]])
def test_a_table_without_two_rows_and_columns_leaves_nothing_to_test(counts):
    test = pearson_test(np.array(counts, dtype=np.int64)).test

    assert (0.0, 0, 1.0) == (test.statistic, test.df, test.p_value)


@pytest.mark.parametrize("counts", [[[1, -1], [2, 3]], [1, 2, 3]])
def test_what_is_no_table_of_counts_is_refused(counts):
    with pytest.raises(EstimationError, match="found shape"):
        pearson_test(np.array(counts))
