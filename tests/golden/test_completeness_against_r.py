"""Completeness and range of follow-up, and the patients at risk at its median and limits, equal R's, over several sites."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.common.estimators.cohorts import Cohort
from tests.common.estimators.pooling import result_of

HERE = Path(__file__).parent
OF_R = json.loads((HERE / "completeness.json").read_text(encoding="utf-8"))
READ = {
    "lung": ("lung", "2", ("time", "status", "site"), "EFS"),
    "late": ("edge_left_trunc", "1", ("time", "status", "entry", "site"), "LATE"),
}


@pytest.mark.parametrize("name", OF_R)
def test_follow_up_is_as_complete_as_r_says(name: str) -> None:
    data, event, columns, endpoint = READ[name]
    with (HERE / "data" / f"{data}.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if all(row[column] for column in columns)]
    sites = sorted({row["site"] for row in rows})
    whole = {
        column: np.array([int(float(row.get(column) or 0)) for row in rows])
        for column in ("time", "entry")
    }
    none = np.zeros(len(rows), dtype=np.int64)
    cohort = Cohort(
        **whole,
        event=np.array([int(row["status"] == event) for row in rows]),
        arm=none,
        sex=none,
        age=np.zeros(len(rows)),
        dose=250.0 + (np.arange(1, len(rows) + 1) * 131) % 900,
        site=np.array([sites.index(row["site"]) for row in rows]) % 5,
    )
    analysis = {"kind": "follow_up", "endpoint": endpoint, "range": True, "completeness": "dose"}
    result = result_of(analysis, cohort, 5)
    expected = OF_R[name]
    points = ("median", "lower", "upper")

    assert expected["n"] == result["n"]
    assert expected["points"] == [result[point] for point in points]
    assert expected["at_risk"] == [result["at"][point]["at_risk"] for point in points]
    assert expected["range"] == [result["range"][end] for end in ("shortest", "longest")]
    for key in ("observed", "potential", "ratio", "incomplete"):
        assert expected[key] == pytest.approx(result["completeness"][key], rel=1e-12)
