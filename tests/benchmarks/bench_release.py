"""Whole plans with rounded results, which are computed on shares, beside the same plans with exact ones, for which sums are opened.

    make bench
    python -m tests.benchmarks.bench_release 100000    # more patients than the 20,000 of `make bench`

Lung; the plan of Interfant-06; and made-up patients at 18 sites with ten curves and five tests. Each run has a process of its own.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import yaml
from tests.benchmarks.machine import describe, peak_megabytes

from riskset_common.wire.blind_messages import BlindBits, BlindShare
from riskset_common.wire.blind_steps import BlindAnswer
from riskset_common.wire.messages import read_message
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.local_run import run_files

SITES, GROUPS, LAST_DAY = 18, 5, 3650
MANY = 20_000


def made_up(n: int, folder: Path) -> None:
    """A study of n patients who are followed for up to ten years, with five variables of two levels."""
    rng = np.random.default_rng(1)
    time = np.minimum(rng.exponential(2500, n).astype(int) + 1, LAST_DAY)
    died, site = rng.random(n) < 0.6, rng.integers(0, SITES, n)
    groups = rng.integers(0, 2, (n, GROUPS))
    names = [f"g{number}" for number in range(GROUPS)]
    levels = {"levels": {"0": "no", "1": "yes"}}
    variables = {name: {"kind": "category", "label": name, **levels} for name in ("died", *names)}
    variables["time"] = {"kind": "number", "label": "Time", "unit": "days"}
    status = {"variable": "died", "events": {"death": ["1"]}}
    write(folder / "codebook.yaml", {"codebook": "b", "version": 1, "variables": variables})
    plan: dict[str, Any] = {
        "plan": "b",
        "version": "1.0.0",
        "codebook": "b@1",
        "time": {"unit": "days"},
        "conventions": "r",
    }
    plan["endpoints"] = {
        "OS": {"label": "Survival", "time": {"variable": "time"}, "status": status}
    }
    plan["analyses"] = [
        {"id": name, "kind": "kaplan_meier", "endpoint": "OS", "by": name, "at": [365, 1826], "test": "log_rank"}
        for name in names
    ]  # fmt: skip
    write(folder / "plan.yaml", plan)
    for number in range(SITES):
        rows = np.flatnonzero(site == number)
        data = folder / "data" / f"s{number:02d}.csv"
        data.parent.mkdir(exist_ok=True)
        with data.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["time", "died", *names])
            writer.writerows([time[row], int(died[row]), *groups[row]] for row in rows)
        source = {"kind": "csv", "path": f"../data/{data.name}"}
        node = {"site": data.stem, "study_group": f"G{number}", "data": {"source": source}}
        write(folder / "nodes" / f"{data.stem}.yaml", node)


def write(path: Path, content: Mapping[str, object]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")


def study_in(folder: Path, case: str, release: str) -> None:
    """Write the files of a case, its plan and all sites' policies for one release."""
    if case.isdigit():
        made_up(int(case), folder)
    else:
        shutil.copytree(study_folder(case), folder, dirs_exist_ok=True)
    plan = yaml.safe_load((folder / "plan.yaml").read_text(encoding="utf-8"))
    floors = {} if case.isdigit() else {"minimum_cell": 5, "minimum_at_risk": 10}
    plan["disclosure"] = {"release": release, **floors}
    plan.pop("displays", None)
    write(folder / "plan.yaml", plan)
    for path in (folder / "nodes").glob("*.yaml"):
        node = yaml.safe_load(path.read_text(encoding="utf-8"))
        node.setdefault("policy", {})["release"] = release
        write(path, node)


def measured(case: str, release: str) -> dict[str, Any]:
    """What one run costs; a member's bytes are those that it sends."""
    with tempfile.TemporaryDirectory(prefix="riskset-bench-") as made:
        folder = Path(made)
        study_in(folder, case, release)
        began, spent = perf_counter(), process_time()
        out = run_files(
            folder / "plan.yaml", folder / "codebook.yaml", folder / "nodes", folder / "out", quiet=True
        )  # fmt: skip
        found: dict[str, Any] = {
            "wall": perf_counter() - began,
            "cpu": process_time() - spent,
            "peak": peak_megabytes(),
        }
        results = json.loads((out / "results.json").read_text(encoding="utf-8"))
        blind = results["secure"]["blind"] or {}
        uploads, shares = sent(out / "transcript", next(iter(blind.get("committee", ())), ""))
        steps = len(list((out / "transcript").glob("*-blind-*")))
        return (
            found
            | {"steps": steps, "openings": blind.get("openings") or 0}
            | {
                "uploads": uploads,
                "shares": shares,
            }
        )


def sent(transcript: Path, member: str) -> tuple[float, float]:
    """MB that a member sent as its own uploads of counts, and as shares of openings."""
    uploads = shares = 0
    for path in transcript.glob(f"*-blind-*/{member}.msg"):
        answer = read_message(path.read_bytes())
        if not isinstance(answer, BlindAnswer):
            continue
        for letters in answer.letters().values():
            for letter in letters:
                size = len(letter.to_bytes())
                uploads += size * isinstance(letter, BlindBits)
                shares += size * isinstance(letter, BlindShare)
    return uploads / 1e6, shares / 1e6


def in_a_process(case: str, release: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_release", case, release]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(case: str) -> None:
    """Print both runs of a case, and their ratio."""
    blind, opened = (in_a_process(case, release) for release in ("rounded", "exact"))
    print(f"{case}:")
    for name, run in (("on shares", blind), ("opened", opened)):
        print(
            f"  {name:10} {run['wall']:6.1f} s wall, {run['cpu']:6.1f} s of the processor, {run['peak']:5.0f} MB at most, "
            f"{run['steps']} steps, {run['openings']} waves; a member sent {run['shares']:.1f} MB of shares"
        )
    print(f"  uploads    {blind['uploads']:6.1f} MB a site")
    print(
        f"  ratio      {blind['wall'] / opened['wall']:6.1f} wall, {blind['cpu'] / opened['cpu']:.1f} of the processor"
    )


def main() -> None:
    match sys.argv[1:]:
        case [case, release]:
            print(json.dumps(measured(case, release)))
        case [n]:
            compare(n)
        case _:
            print(describe("numpy", "cryptography"))
            for case in ("lung", "interfant06", str(MANY)):
                compare(case)


if __name__ == "__main__":
    main()
