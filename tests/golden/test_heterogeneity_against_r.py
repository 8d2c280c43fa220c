"""Pooled effects, Cochran's Q, I² and tau² equal R's, whose coxph fits every site by itself."""

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
OF_R = json.loads((HERE / "heterogeneity.json").read_text(encoding="utf-8"))
LUNG = ("lung", ("time", "status", "2", "sex"), ("1", "2"))
READ = {
    "lung": LUNG,
    "turned": LUNG,
    "rossi": ("rossi", ("week", "arrest", "1", "fin"), ("0", "1")),
}


def study_of(name: str, sites: list[str], groups: list[str]) -> Study:
    levels = {"first": "First", "second": "Second"}
    variables: dict[str, Any] = {
        "time": {"kind": "number", "label": "Time", "unit": "days"},
        "status": {"kind": "category", "label": "Status", "levels": {"0": "Alive", "1": "Dead"}},
        "arm": {"kind": "category", "label": "Arm", "levels": levels},
        "age": {"kind": "number", "label": "Age"},
    }
    region = {
        each: [site for site, group in zip(sites, groups, strict=True) if group == each]
        for each in ("odd", "even")
    }
    codebook = {
        "codebook": "effects",
        "version": 1,
        "variables": variables,
        "derived": {"region": {"from": "study_group", "label": "Region", "groups": region}},
    }
    adjusted = [] if name == "rossi" else [{"number": "age"}]
    terms = [{"factor": "arm", "reference": "first"}, *adjusted]
    analysis = {"id": "asked", "kind": "heterogeneity", "endpoint": "OS", "by": "region"}
    status = {"variable": "status", "events": {"death": "1"}}
    plan = parse_yaml(
        "{plan: effects, version: 1.0.0, codebook: effects@1, time: {unit: days}, conventions: r}",
        "plan.yaml",
    ) | {
        "endpoints": {"OS": {"label": "OS", "time": {"variable": "time"}, "status": status}},
        "analyses": [analysis | {"terms": terms}],
        "disclosure": {"release": "exact"},
    }
    return Study(
        ReleasePlan.model_validate(plan),
        Codebook.model_validate(codebook),
        tuple(Site(site, site) for site in sites),
    )


@pytest.mark.parametrize("name", OF_R)
def test_the_effects_of_the_sites_are_pooled_as_r_does(name: str) -> None:
    data, (time, status, event, arm), levels = READ[name]
    with (HERE / "data" / f"{data}.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if all(row[each] for each in (time, "site"))]
    rows *= 3 if name == "turned" else 1
    sites = sorted({row["site"] for row in rows}, key=lambda site: (len(site), site))
    groups = ["odd" if number % 2 == 0 else "even" for number in range(len(sites))]
    study = study_of(name, sites, groups)
    patients = []
    for code, (site, group) in enumerate(zip(sites, groups, strict=True)):
        here = [row for row in rows if row["site"] == site]
        treated = np.array([levels.index(row[arm]) for row in here])
        turn = name == "turned" and group == "even"
        steps = np.array([int(row[time]) for row in here])
        patients.append(
            Patients(
                n=len(here),
                categories={
                    "arm": 1 - treated if turn else treated,
                    "site": np.full(len(here), code),
                    "region": np.full(len(here), ("odd", "even").index(group)),
                },
                numbers={"age": np.array([float(row["age"]) for row in here])},
                endpoints={
                    "OS": EndpointTimes(
                        steps, np.array([int(row[status] == event) for row in here])
                    )
                },
            )
        )
    result = pool(study, patients).result
    expected = OF_R[name]

    assert expected["k"] == result["sites"]
    for kind in ("fixed", "random"):
        found = [result[kind][key] for key in ("coef", "std_err")]
        np.testing.assert_allclose(found, expected[kind], rtol=1e-9)
    assert (expected["q"], expected["k"] - 1, expected["p"]) == pytest.approx(
        tuple(result["test"][key] for key in ("statistic", "df", "p_value")), rel=1e-9
    )
    assert expected["i2"] == pytest.approx(result["i_squared"], rel=1e-9)
    assert expected["tau2"] == pytest.approx(result["tau_squared"], rel=1e-9)
    check_groups(expected, result)


def check_groups(expected: dict[str, Any], result: dict[str, Any]) -> None:
    """Those of five sites or more each; none where one group has four."""
    assert expected["sites"] == [group["sites"] for group in result["groups"]]
    if min(expected["sites"]) < 5:
        assert {None} == {group["effect"]["coef"] for group in result["groups"]}
        assert "between" not in result
        return
    for group in result["groups"]:
        found = [group["effect"][key] for key in ("coef", "std_err")]
        np.testing.assert_allclose(found, expected[group["level"]], rtol=1e-9)
    assert expected["between"] == pytest.approx(result["between"]["statistic"], rel=1e-8)
