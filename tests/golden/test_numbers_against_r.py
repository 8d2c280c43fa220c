"""Mean, standard deviation and quartiles of the lung study equal R's, from sums and counts alone."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from riskset_common.survival.tables.histograms import mean_and_deviation, quantile

# R 4.2.2: x <- lung[lung$sex == .., ..]; mean(x, na.rm = TRUE); sd(x, na.rm = TRUE)
# quantile(x, c(.25, .5, .75), na.rm = TRUE), and the same with type = 2
OF_R = [
    ("age", "1", 138, 63.3405797101449295, 9.1392283346021106, [57, 64, 70], [57, 64, 70]),
    ("age", "2", 90, 61.0777777777777757, 8.8473036300952241, [55, 61, 68], [55, 61, 68]),
    ("wt_loss", "1", 128, 11.21875, 12.977835435789174, [0.75, 8, 18.5], [0.5, 8, 19]),
    ("wt_loss", "2", 86, 7.7674418604651159, 13.1834784471765367, [0, 4, 11], [0, 4, 11]),
]


@pytest.mark.parametrize(("column", "sex", "n", "mean", "deviation", "type_7", "type_2"), OF_R)
def test_they_are_rs(column, sex, n, mean, deviation, type_7, type_2):
    path = Path(__file__).parent / "data" / "lung.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["sex"] == sex and row[column] != ""]
    x = np.array([float(row[column]) for row in rows])
    values = np.arange(x.min(), x.max() + 1)
    counts = np.array([int((x == value).sum()) for value in values])
    shares = [Fraction(k, 4) for k in (1, 2, 3)]

    assert n == len(x)
    assert (mean, deviation) == pytest.approx(
        mean_and_deviation(n, float(x.sum()), float((x**2).sum())), rel=1e-12
    )
    assert type_7 == [quantile(counts, values, p, "r") for p in shares]
    assert type_2 == [quantile(counts, values, p, "sas") for p in shares]
