"""A cohort of a blind model as a study in files, and what its run costs embedded and over a federation of processes."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np
import yaml
from tests.common.secure.blind.blind_parties import Cohort

from riskset_embedded.federation import make_federation, start_all, stop_federation
from riskset_embedded.local_run import run_files
from riskset_server.driving.control import start_run, watch
from riskset_server.flower.superlink import Control
from riskset_server.plans.submitted import submitted
from riskset_server.store import Runs, Sites, open_database


@contextmanager
def study_of(cohort: Cohort, n_sites: int, n_models: int = 1) -> Iterator[Path]:
    """Plan, codebook, nodes and data in a temporary folder; the further models leave out one column each."""
    names = [f"x{column}" for column in range(cohort.x.shape[1])]
    site = np.random.default_rng(3).integers(0, n_sites, len(cohort.time))
    with tempfile.TemporaryDirectory(prefix="riskset-bench-") as made:
        folder = Path(made)
        (folder / "data").mkdir()
        (folder / "nodes").mkdir()
        _write(folder / "codebook.yaml", _codebook(cohort, names))
        _write(folder / "plan.yaml", _plan(names, n_models))
        for number in range(n_sites):
            _write_site(folder, f"site-{number:02d}", cohort, site == number, names)
        yield folder


def _codebook(cohort: Cohort, names: list[str]) -> dict[str, Any]:
    variables: dict[str, Any] = {
        "time": {"kind": "number", "label": "Time", "unit": "days"},
        "status": {"kind": "category", "label": "Status", "levels": {"0": "alive", "1": "dead"}},
    }
    for name, column in zip(names, cohort.x.T, strict=True):
        ends = [float(column.min()), float(column.max())]
        variables[name] = {"kind": "number", "label": name, "range": ends}
    return {"codebook": "bench", "version": 1, "variables": variables}


def _plan(names: list[str], n_models: int) -> dict[str, Any]:
    status = {"variable": "status", "events": {"death": ["1"]}}
    endpoint = {"label": "Overall survival", "time": {"variable": "time"}, "status": status}
    return {
        "plan": "bench",
        "version": "1.0.0",
        "codebook": "bench@1",
        "time": {"unit": "days"},
        "conventions": "r",
        "endpoints": {"OS": endpoint},
        "analyses": [
            {"id": f"model-{number}", "kind": "cox", "endpoint": "OS"}
            | {"terms": [{"number": name} for name in names[: len(names) - number]]}
            for number in range(n_models)
        ],
        "disclosure": {"release": "exact"},
    }


def _write_site(
    folder: Path, site: str, cohort: Cohort, here: np.ndarray, names: list[str]
) -> None:
    with (folder / "data" / f"{site}.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["time", "status", *names])
        rows = zip(cohort.time[here], cohort.event[here], cohort.x[here], strict=True)
        writer.writerows([int(time), int(dead), *map(float, x)] for time, dead, x in rows)
    policy = {"release": "exact", "estimators": ["cox"]}
    source = {"kind": "csv", "path": f"../data/{site}.csv"}
    node = {"site": site, "study_group": f"group {site}", "data": {"source": source}}
    _write(folder / "nodes" / f"{site}.yaml", node | {"policy": policy})


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def embedded(cohort: Cohort, n_sites: int, n_models: int = 1) -> str:
    """A whole run with all parties in this process, files and report among it."""
    with study_of(cohort, n_sites, n_models) as study:
        began, spent = perf_counter(), process_time()
        out = run_files(
            study / "plan.yaml", study / "codebook.yaml", study / "nodes", study / "out", quiet=True
        )
        wall, cpu = perf_counter() - began, process_time() - spent
        steps = list((out / "transcript").glob("*-blind-*"))
        received = sum(each.stat().st_size for step in steps for each in step.iterdir())
        return (
            f"{wall:5.1f} s wall, {cpu:5.1f} s of the processor, {len(steps)} steps, "
            f"the centre received {received / 1e6:.1f} MB in them"
        )


def over_flower(cohort: Cohort, n_sites: int, *, stream: bool) -> str:
    """A whole run with a process for each site, over TLS on loopback."""
    with study_of(cohort, n_sites) as study:
        made = make_federation(study, study / "federation", stream=stream, in_memory=True)
        try:
            start_all(made, say=lambda _: None)
            database = open_database(made.centre.store)
            asked = submitted(study / "plan.yaml", study / "codebook.yaml")
            began = perf_counter()
            with Control(made.centre) as control:
                number = start_run(
                    made.centre, control, Sites(database), Runs(database), asked.plan, asked.codebook,
                    now=datetime.now(UTC), random=token_bytes,
                ).number  # fmt: skip
            last = list(watch(Runs(database), number, sleep))[-1]
            wall = perf_counter() - began
            database.close()
        finally:
            stop_federation(made.folder)
    return f"{wall:5.1f} s wall; {last}"
