"""Cox models with an exposure that begins during follow-up equal R's coxph on rows that tmerge has split, as a study runs them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.pooling import pool

from riskset_common.formats.strict_yaml import parse_yaml
from riskset_common.planning.read import ReleasePlan
from riskset_common.study.codebook import Codebook
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.study.study import Site, Study

HERE = Path(__file__).parent
OF_R = json.loads((HERE / "time_dependent.json").read_text(encoding="utf-8"))

CODEBOOK = """
codebook: transplants
version: 1
variables:
  time: {kind: number, label: Time, unit: days}
  entry: {kind: number, label: Entry, unit: days}
  status: {kind: category, label: Status, levels: {"0": Alive, "1": Dead}}
  transplant: {kind: number, label: Time of transplantation, unit: days}
  age: {kind: number, label: Age, unit: years}
  surgery: {kind: number, label: Surgery before}
"""
PLAN = """
plan: transplants
version: 1.0.0
codebook: transplants@1
time: {unit: days}
conventions: r
endpoints:
  OS: {label: OS, time: {variable: time}, status: {variable: status, events: {death: "1"}}}
  LATE:
    {label: OS, time: {variable: time}, status: {variable: status, events: {death: "1"}}, entry: {variable: entry}}
analyses: []
disclosure: {release: exact}
"""
MODELS: dict[str, dict[str, Any]] = {
    "jasa": {"terms": [{"exposure": "transplant"}, {"number": "age"}, {"number": "surgery"}]},
    "jasa_interaction": {
        "terms": [{"exposure": "transplant"}, {"number": "surgery"}],
        "interaction": ["transplant", "surgery"],
    },
    "late": {"terms": [{"exposure": "transplant"}, {"number": "age"}]},
}


def rows_of(name: str) -> list[dict[str, str]]:
    with (HERE / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def stanford() -> dict[str, np.ndarray]:
    """The columns of the heart transplant programme, without who died on the day of entry, as the script has them."""
    rows = [row for row in rows_of("stanford_heart") if float(row["futime"]) > 0]
    names = {"time": "futime", "event": "fustat", "age": "age", "surgery": "surgery"}
    found = {key: np.array([float(row[name]) for row in rows]) for key, name in names.items()}
    transplant = np.array([float(row["wait_time"] or "nan") for row in rows])
    return found | {"transplant": transplant, "site": np.array([row["site"] for row in rows])}


def late() -> dict[str, np.ndarray]:
    """The made data with late entry; the exposure follows from the row's number, as in the script."""
    rows = rows_of("edge_left_trunc")
    names = {"time": "time", "event": "status", "age": "x1", "entry": "entry"}
    found = {key: np.array([float(row[name]) for row in rows]) for key, name in names.items()}
    number = np.arange(1, len(rows) + 1)
    transplant = np.where(number % 3 == 0, (number * 37.0) % 200, np.nan)
    transplant[number % 12 == 0] = found["time"][number % 12 == 0]
    site = np.array([row["site"] for row in rows])
    return found | {"transplant": transplant, "surgery": np.zeros(len(rows)), "site": site}


def patients_of(table: dict[str, np.ndarray], site: str, code: int) -> Patients:
    here = table["site"] == site
    n = int(here.sum())
    whole = {name: table[name][here].astype(np.int64) for name in ("time", "event")}
    times = {"OS": EndpointTimes(whole["time"], whole["event"])}
    if "entry" in table:
        entry = table["entry"][here].astype(np.int64)
        times["LATE"] = EndpointTimes(whole["time"], whole["event"], entry)
    return Patients(
        n=n,
        categories={"site": np.full(n, code)},
        numbers={name: table[name][here] for name in ("transplant", "age", "surgery")},
        endpoints=times,
    )


STRATIFIED = [name for name in OF_R if "unstratified" not in name]
AS_IN_R = {"km": "km", "rank": "rank_of_patients", "identity": "identity", "log": "log"}


def fitted(name: str, **more: str) -> dict[str, Any]:
    """The result of the model that R fitted under this name."""
    model, _, ties = name.rpartition("_")
    table = late() if model == "late" else stanford()
    sites = sorted(set(table["site"]))
    analysis = {"id": "asked", "kind": "cox", "strata": ["site"], "ties": ties, **MODELS[model]}
    analysis["endpoint"] = "LATE" if model == "late" else "OS"
    plan = ReleasePlan.model_validate(
        parse_yaml(PLAN, "plan.yaml") | {"analyses": [analysis | more]}
    )
    codebook = Codebook.model_validate(parse_yaml(CODEBOOK, "codebook.yaml"))
    study = Study(plan, codebook, tuple(Site(site, site) for site in sites))
    return pool(study, [patients_of(table, site, k) for k, site in enumerate(sites)]).result


@pytest.mark.parametrize("transform", list(AS_IN_R))
@pytest.mark.parametrize("name", STRATIFIED)
def test_the_test_of_proportional_hazards_is_rs_with_ranks_of_patients(
    name: str, transform: str
) -> None:
    found = fitted(name, ph_test=transform)["ph_test"]
    statistics = [each["statistic"] for each in (*found["terms"].values(), found["global_test"])]
    expected = OF_R[name]["zph"]

    np.testing.assert_allclose(statistics, expected[AS_IN_R[transform]], rtol=1e-9, atol=1e-11)
    assert not np.allclose(expected["rank_of_rows"], expected["rank_of_patients"], rtol=1e-3)


@pytest.mark.parametrize("name", STRATIFIED)
def test_a_fit_with_an_exposure_in_time_is_rs_on_split_rows(name: str) -> None:
    result = fitted(name)
    table = late() if name.startswith("late") else stanford()
    expected = OF_R[name]

    assert len(table["time"]) == result["n"]
    assert expected["events"] == result["events"]
    np.testing.assert_allclose([t["coef"] for t in result["terms"]], expected["coef"], rtol=1e-9)
    np.testing.assert_allclose(np.ravel(result["covariance"]), expected["var"], rtol=1e-9)
    np.testing.assert_allclose(
        [result["log_likelihood"][key] for key in ("null", "fitted")],
        expected["loglik"],
        rtol=1e-12,
    )
    assert expected["score"] == pytest.approx(result["tests"]["score"]["statistic"], rel=1e-9)
