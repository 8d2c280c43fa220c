"""A Cox model of a million patients stratified by 18 sites: riskset, every report masked, against lifelines on the pooled patients.

    make bench

Each side runs in a process of its own, so that its peak memory is its own. Reading the files is not part of either time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from tests.benchmarks.machine import describe, peak_megabytes, timed

PATIENTS, SITES, COVARIATES = 1_000_000, 18, 6
NAMES = [f"x{k + 1}" for k in range(COVARIATES)]
BETA = np.array([0.4, -0.3, 0.6, 0.02, -0.5, 0.25])


def cohort() -> pd.DataFrame:
    """Whole days up to ten years, about a third with an event; three binary and three continuous covariates."""
    random = np.random.default_rng(20260101)
    x = np.column_stack(
        [
            random.random((PATIENTS, 3)) < (0.5, 0.3, 0.1),
            random.normal((60, 0, 2), (10, 1, 0.5), (PATIENTS, 3)),
        ]
    ).round(3)
    site = random.choice(
        SITES, PATIENTS, p=np.linspace(1, 3, SITES) / np.linspace(1, 3, SITES).sum()
    )
    hazard = np.exp((x - x.mean(0)) @ BETA) * (1 + site / SITES) / 4000
    event = random.exponential(1 / hazard)
    censored = random.uniform(200, 3650, PATIENTS)
    time = np.ceil(np.minimum(event, censored)).astype(int)
    return pd.DataFrame(
        {
            **dict(zip(NAMES, x.T, strict=True)),
            "time": time,
            "status": (event <= censored).astype(int),
            "site": site,
        }
    )


def write_study(patients: pd.DataFrame, folder: Path) -> None:
    """One file and one node.yaml a site, a codebook and a plan."""
    numbers = {name: {"kind": "number", "label": name} for name in [*NAMES, "time"]}
    status = {"kind": "category", "label": "status", "levels": {"0": "censored", "1": "dead"}}
    _dump(
        folder / "codebook.yaml",
        {"codebook": "million", "version": 1, "variables": {**numbers, "status": status}},
    )
    plan = {
        "plan": "million",
        "version": "1.0.0",
        "codebook": "million@1",
        "time": {"unit": "days"},
        "conventions": "r",
        "endpoints": {
            "OS": {
                "label": "OS",
                "time": {"variable": "time"},
                "status": {"variable": "status", "events": {"death": ["1"]}},
            }
        },
        "analyses": [
            {
                "id": "cox",
                "kind": "cox",
                "endpoint": "OS",
                "terms": [{"number": name} for name in NAMES],
                "strata": ["site"],
            }
        ],
        "disclosure": {"release": "exact"},
    }
    _dump(folder / "plan.yaml", plan)
    for site, rows in patients.groupby("site"):
        name = f"site-{site:02d}"
        rows.drop(columns="site").to_csv(folder / f"{name}.csv", index=False)
        node = {
            "site": name,
            "study_group": name,
            "data": {"source": {"kind": "csv", "path": f"../{name}.csv"}},
        }
        _dump(folder / "nodes" / f"{name}.yaml", {**node, "policy": {"release": "exact"}})


def _dump(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML


class _Clock:
    """Notes when the last site had joined: from there on the model is fitted."""

    def __init__(self) -> None:
        self.joined_at = 0.0

    def joined(self, site: str) -> None:
        self.joined_at = perf_counter()

    def answered(self, site: str, round_number: int) -> None: ...

    def opened(self, opened: object) -> None: ...

    def evaluated(self, model: str, round_number: int) -> None: ...


def measure_riskset(folder: Path) -> dict[str, object]:
    """Run the plan embedded and masked."""
    from riskset_common.planning.read import read_plan
    from riskset_common.results.regression import CoxResult
    from riskset_common.study.codebook import read_codebook
    from riskset_embedded.engine import Parties, run_local
    from riskset_embedded.local_run import read_nodes
    from riskset_server.results.typed import of_kind

    clock = _Clock()
    plan, codebook, nodes = (
        read_plan(folder / "plan.yaml"),
        read_codebook(folder / "codebook.yaml"),
        read_nodes(folder / "nodes"),
    )
    began = perf_counter()
    results = run_local(plan, codebook, Parties(nodes), watcher=clock)
    ended = perf_counter()
    coef = [term.coef for term in of_kind(CoxResult, results.analyses["cox"]).terms]
    return {
        "reading": clock.joined_at - began,
        "fit": ended - clock.joined_at,
        "rounds": results.rounds,
        "coef": coef,
        "peak": peak_megabytes(),
    }


def measure_lifelines(folder: Path) -> dict[str, object]:
    """Fit the pooled patients with the same strata."""
    from lifelines import CoxPHFitter

    patients = pd.concat(
        pd.read_csv(path).assign(site=path.stem) for path in sorted(folder.glob("site-*.csv"))
    )
    fitter = CoxPHFitter()
    seconds, _ = timed(lambda: fitter.fit(patients, "time", "status", strata=["site"]))
    return {"fit": seconds, "coef": fitter.params_.loc[NAMES].tolist(), "peak": peak_megabytes()}


MEASURED = {"riskset": measure_riskset, "lifelines": measure_lifelines}


def _in_own_process(side: str, folder: Path) -> dict[str, float]:
    answer = subprocess.run(  # our own script and a folder of ours
        [sys.executable, "-m", "tests.benchmarks.bench_cox", side, str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def main() -> None:
    """Measure both sides and print the ratio."""
    if len(sys.argv) == 3:
        print(json.dumps(MEASURED[sys.argv[1]](Path(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_study(cohort(), folder)
        ours, theirs = (_in_own_process(side, folder) for side in ("riskset", "lifelines"))
    apart = np.max(np.abs(np.subtract(ours["coef"], theirs["coef"])))
    print(
        f"Cox, {PATIENTS:,} patients, {SITES} sites, {COVARIATES} covariates, Efron, strata(site)"
    )
    print(f"  {describe('numpy', 'lifelines')}")
    print(
        f"  riskset, embedded and masked  {ours['fit']:6.2f} s in {ours['rounds']} rounds, peak {ours['peak']:,.0f} MB"
    )
    print(f"  lifelines, pooled             {theirs['fit']:6.2f} s, peak {theirs['peak']:,.0f} MB")
    print(
        f"  ratio lifelines / riskset     {theirs['fit'] / ours['fit']:6.2f}, coefficients apart by {apart:.1e}"
    )
    print(f"  (the sites read and checked their files in {ours['reading']:.2f} s before)")


if __name__ == "__main__":
    main()
