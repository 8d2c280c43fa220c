"""A whole run of the lung study: a blind model with a baseline hazard gives what R's survfit gives on the pooled patients."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.runs import results_of

from riskset_common.errors import PlanError
from riskset_node.policy import DEFAULT_ESTIMATORS

TOP = Path(__file__).parents[3]
LUNG = TOP / "deploy" / "studies" / "lung"
OF_R = json.loads((TOP / "tests" / "golden" / "ph_and_hazard.json").read_text(encoding="utf-8"))
MODEL: dict[str, Any] = {
    "id": "model",
    "kind": "cox",
    "endpoint": "OS",
    "terms": [
        {"number": "age"},
        {"factor": "sex", "reference": "male"},
        {"factor": "ecog_3", "reference": "ECOG 1"},
    ],
    "ph_test": "km",
    "baseline_hazard": {"at": [100, 300, 600], "numbers": {"age": 60}},
}


def run(folder: Path, release: str, at: list[int]) -> dict[str, Any]:
    """The model of the lung study, whose sites all allow it."""
    shutil.copytree(LUNG, folder, dirs_exist_ok=True)
    for path in (folder / "nodes").glob("*.yaml"):
        node = yaml.safe_load(path.read_text(encoding="utf-8"))
        node["policy"]["estimators"] = list(DEFAULT_ESTIMATORS)
        path.write_text(yaml.safe_dump(node, sort_keys=False), encoding="utf-8")
    plan = yaml.safe_load((folder / "plan.yaml").read_text(encoding="utf-8"))
    plan.pop("displays")
    hazard = MODEL["baseline_hazard"] | {"at": at}
    plan |= {
        "analyses": [MODEL | {"baseline_hazard": hazard}],
        "disclosure": plan["disclosure"] | {"release": release},
    }
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    model: dict[str, Any] = results_of(folder)["analyses"]["model"]
    return model


def test_a_run_gives_rs_hazard_and_test_to_nine_digits(tmp_path):
    found, expected = run(tmp_path, "exact", [100, 300, 600]), OF_R["lung/efron"]
    rows = found["baseline_hazard"]["rows"]
    [hazard] = expected["hazard"]

    assert [100, 300, 600] == [row["time"] for row in rows]
    assert hazard["cumulative"] == pytest.approx([row["cumulative_hazard"] for row in rows], 1e-9)
    assert hazard["std_err"] == pytest.approx([row["std_err"] for row in rows], 1e-9)
    tests = [*found["ph_test"]["terms"].values(), found["ph_test"]["global_test"]]
    assert expected["ph_test"]["km"]["chi_square"] == pytest.approx(
        [test["statistic"] for test in tests], 1e-9
    )


def test_a_rounded_release_refuses_it_and_says_what_to_leave_out(tmp_path):
    with pytest.raises(PlanError) as refused:
        run(tmp_path, "rounded", [300])

    for key in ("ph_test", "baseline_hazard"):
        assert f"analysis model: under release: rounded {key} is not computed on shares" in str(
            refused.value
        )
