"""Runs of blind models with an exposure that begins during follow-up give what R's coxph gives on rows that tmerge has split."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.golden.test_time_dependent_against_r import OF_R, late, stanford

from riskset_common.results.as_json import as_json
from riskset_embedded.local_run import run_for_results

NUMBERS = ("time", "entry", "event", "transplant", "age", "surgery")
STATUS = {"variable": "event", "events": {"death": "1"}}
ENDPOINT = {"label": "OS", "time": {"variable": "time"}, "status": STATUS}
TABLES = {"jasa": stanford, "late": late}
TERMS: dict[str, Any] = {
    "jasa": [{"exposure": "transplant"}, {"number": "age"}, {"number": "surgery"}],
    "late": [{"exposure": "transplant"}, {"number": "age"}],
}


def written(folder: Path, data: str) -> None:
    """Plan, codebook, and each site's file, the models having no strata."""
    days = {"kind": "number", "unit": "days"}
    variables: dict[str, Any] = {name: days | {"label": name} for name in NUMBERS}
    levels = {"0": "alive", "1": "dead"}
    variables |= {
        "event": {"kind": "category", "label": "Status", "levels": levels},
        "age": {"kind": "number", "label": "Age", "range": [-8, 72]},
        "surgery": {"kind": "number", "label": "Surgery before", "range": [0, 1]},
    }
    model = {"kind": "cox", "endpoint": "OS", "terms": TERMS[data]}
    entry = {"entry": {"variable": "entry"}} if data == "late" else {}
    files: dict[str, Any] = {
        "codebook.yaml": {"codebook": "transplants", "version": 1, "variables": variables},
        "plan.yaml": {
            "plan": "transplants",
            "version": "1.0.0",
            "codebook": "transplants@1",
            "time": {"unit": "days"},
            "conventions": "r",
            "endpoints": {"OS": ENDPOINT | entry},
            "analyses": [model | {"id": ties, "ties": ties} for ties in ("efron", "breslow")],
            "disclosure": {"release": "exact"},
        },
    }
    table = TABLES[data]()
    (folder / "nodes").mkdir()
    for site in sorted(set(table["site"].tolist())):
        with (folder / f"{site}.csv").open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(NUMBERS)
            for row in np.flatnonzero(table["site"] == site):
                values = [table.get(name, np.zeros(row + 1))[row] for name in NUMBERS]
                writer.writerow(["" if np.isnan(value) else f"{value:g}" for value in values])
        files[f"nodes/{site}.yaml"] = {
            "site": site,
            "study_group": f"group {site}",
            "data": {"source": {"kind": "csv", "path": f"../{site}.csv"}},
            "policy": {
                "release": "exact",
                "estimators": ["cox"],
            },
        }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


@pytest.mark.parametrize("data", TABLES)
def test_a_run_without_strata_gives_rs_fit_on_split_rows(data: str, tmp_path: Path) -> None:
    written(tmp_path, data)
    files = [tmp_path / name for name in ("plan.yaml", "codebook.yaml", "nodes")]
    found = as_json(run_for_results(*files).analyses)

    for ties in ("efron", "breslow"):
        expected, result = OF_R[f"{data}_unstratified_{ties}"], found[ties]
        assert expected["events"] == result["events"]
        for of_run, of_r in (
            ([term["coef"] for term in result["terms"]], expected["coef"]),
            (np.ravel(result["covariance"]), expected["var"]),
            ([result["log_likelihood"][at] for at in ("null", "fitted")], expected["loglik"]),
            (result["tests"]["score"]["statistic"], expected["score"]),
        ):
            np.testing.assert_allclose(of_run, of_r, rtol=1e-9)
