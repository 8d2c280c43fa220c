"""A plan of 30 analyses on 18 sites with 651 patients, against its longest analysis alone: all go through their rounds side by side.

    make bench

Each is run from the sites' files to the results, every report masked and signed; reading, joining and rounds are part of the time.
First in a deployment, a process for each site, from `run start` to the results; then with every party in one process, where all that
counts is the work.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from time import process_time, sleep
from typing import Any

import numpy as np
import pandas as pd
import structlog
from tests.benchmarks.bench_flower import cpu_of
from tests.benchmarks.machine import describe, middle, timed

from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_common.study.plan import Plan
from riskset_embedded.engine import Parties, run_local
from riskset_embedded.federation import make_federation, start_all, stop_federation
from riskset_embedded.local_run import read_nodes
from riskset_server.driving.control import start_run
from riskset_server.driving.progress import watch
from riskset_server.flower.superlink import Control
from riskset_server.store import Runs, Sites, open_database

PATIENTS, SITES = 651, 18
REPEATS = 3
AIM = 1.5
CLOCKS = ("wall", "processor")

FACTORS = {
    "risk": ["low", "medium", "high"],
    "arm": ["standard", "new"],
    "kmt2a": ["germline", "t_4_11", "other"],
    "age_group": ["below_6", "from_6"],
    "wbc_group": ["below_300", "from_300"],
    "response": ["good", "poor"],
    "sex": ["male", "female"],
}
TERMS = [{"factor": name, "reference": levels[0]} for name, levels in FACTORS.items()]


def _curve(name: str, endpoint: str, by: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "kaplan_meier", "endpoint": endpoint, "by": by, "at": [3, 6]} | more


def _model(name: str, terms: Sequence[Any], **more: Any) -> dict[str, Any]:
    kind = {"id": name, "kind": "cox", "endpoint": "EFS", "strata": ["site"]}
    return kind | {"terms": list(terms)} | more


def analyses() -> list[dict[str, Any]]:
    """What the report of a trial asks: curves and tests, incidence, tables, follow-up, and models of one and of many factors."""
    rows = [name for name in FACTORS if name not in ("risk", "arm")]
    medium = {"where": {"risk": ["medium"]}}
    tested: dict[str, Any] = {"test": "log_rank"}
    found: list[dict[str, Any]] = [
        {"id": "followup", "kind": "follow_up", "endpoint": "OS"},
        {"id": "patients", "kind": "flow", "steps": ["enrolled", "risk", "arm"]},
        {"id": "table1", "kind": "baseline", "by": "risk", "rows": rows, "test": "chi_square"},
        {"id": "balance", "kind": "baseline", "by": "arm", "rows": rows, "test": "fisher"},
        {"id": "events", "kind": "event_table", "endpoint": "EFS", "by": "risk"},
        {"id": "efs", "kind": "kaplan_meier", "endpoint": "EFS", "at": [6]},
        {"id": "os", "kind": "kaplan_meier", "endpoint": "OS", "at": [6]},
        *[_curve(f"efs_{name}", "EFS", name, **tested) for name in FACTORS],
        *[_curve(f"os_{name}", "OS", name, **tested) for name in ("risk", "arm")],
        _curve("efs_arm_medium", "EFS", "arm", **tested, **medium),
        _curve("efs_arm_gehan", "EFS", "arm", test="gehan", strata=["risk"]),
        _curve("efs_arm_mean", "EFS", "arm", rmean=5, contrast=["survival", "rmean"]),
        {"id": "cif", "kind": "cumulative_incidence", "endpoint": "EFS", "at": [6]},
        {"id": "cif_arm", "kind": "cumulative_incidence", "endpoint": "EFS", "by": "arm", "test": "gray"},
        {"id": "univariate", "kind": "univariate", "endpoint": "EFS", "factors": list(FACTORS), "at": [6], **tested, "strata": ["site"]},
        {"id": "landmark", "kind": "landmark", "endpoint": "OS", "at": 0.5, "exposure": "transplant", **tested},
        _model("cox", TERMS),
        _model("cox_medium", [TERMS[1], *TERMS[3:]], **medium),
        _model("cox_relapse", TERMS[:2], cause="relapse"),
        _model("cox_arm", [TERMS[1]], robust="site"),
        _model("cox_interaction", TERMS[:2], interaction=["risk", "arm"], interaction_test="likelihood_ratio"),
        _model("cox_transplant", [{"exposure": "transplant"}, TERMS[0]]),
        _model("cox_os", TERMS, endpoint="OS", ties="breslow"),
    ]  # fmt: skip
    assert len(found) == 30
    return found


def cohort() -> pd.DataFrame:
    """Patients of ten years of accrual, two thirds with an event; times in days."""
    random = np.random.default_rng(20260102)
    codes = {name: random.integers(0, len(levels), PATIENTS) for name, levels in FACTORS.items()}
    rate = np.exp(0.5 * codes["risk"] - 0.3 * codes["arm"] + 0.4 * (codes["kmt2a"] > 0)) / 2000
    event, censored = random.exponential(1 / rate), random.uniform(200, 3600, PATIENTS)
    time = np.ceil(np.minimum(event, censored)).astype(int)
    status = np.where(event > censored, 0, random.choice([1, 1, 1, 2], PATIENTS))
    labels = {name: np.array(levels)[codes[name]] for name, levels in FACTORS.items()}
    transplant = np.where(random.random(PATIENTS) < 0.2, random.integers(60, 300, PATIENTS), -1)
    share = np.linspace(1, 6, SITES)
    return pd.DataFrame(
        {
            **labels,
            "time": time,
            "status": np.array(["alive", "relapse", "dead"])[status],
            "transplant": np.where(transplant < 0, "", transplant.astype(str)),
            "site": random.choice(SITES, PATIENTS, p=share / share.sum()),
        }
    )


def write_study(patients: pd.DataFrame, folder: Path) -> None:
    """One file and one node.yaml a site, a codebook and a plan."""
    days = {"kind": "number", "unit": "days"}
    categories = FACTORS | {"status": ["alive", "relapse", "dead"]}
    variables = {
        name: {"kind": "category", "label": name, "levels": {level: level for level in levels}}
        for name, levels in categories.items()
    } | {name: {**days, "label": name} for name in ("time", "transplant")}
    _dump(folder / "codebook.yaml", {"codebook": "trial", "version": 1, "variables": variables})
    time = {"variable": "time", "unit": "days"}
    of_status = {"EFS": {"relapse": "relapse", "death": "dead"}, "OS": {"death": "dead"}}
    plan = {
        "plan": "trial",
        "version": "1.0.0",
        "codebook": "trial@1",
        "time": {"unit": "years"},
        "conventions": "sas",
        "endpoints": {
            name: {"label": name, "time": time, "status": {"variable": "status", "events": events}}
            for name, events in of_status.items()
        },
        "analyses": analyses(),
        "disclosure": {"release": "exact"},
    }
    _dump(folder / "plan.yaml", plan)
    for site, rows in patients.groupby("site"):
        name = f"site-{site:02d}"
        rows.drop(columns="site").to_csv(folder / f"{name}.csv", index=False)
        source = {"source": {"kind": "csv", "path": f"../{name}.csv"}}
        policy = {"release": "exact", "minimum_events_per_term": 1}
        node = {"site": name, "study_group": name, "data": source, "policy": policy}
        _dump(folder / "nodes" / f"{name}.yaml", node)


def _dump(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, and of the processor."""

    wall: float
    processor: float


Engine = Callable[[Plan], Took]
"""Runs a plan to its results."""


@contextmanager
def embedded(folder: Path, codebook: Codebook) -> Iterator[Engine]:
    """Every party in this process. On a machine with other work the clock says little, so that the processor's seconds stand beside it."""
    nodes = read_nodes(folder / "nodes")

    def run(plan: Plan) -> Took:
        began = process_time()
        wall, _ = timed(lambda: run_local(plan, codebook, Parties(nodes)))
        return Took(wall, process_time() - began)

    yield run


@contextmanager
def deployed(folder: Path, codebook: Codebook) -> Iterator[Engine]:
    """A centre and a process for each site on this machine, by Flower and over streams."""
    made = make_federation(folder, folder / "federation")
    database = open_database(made.centre.store)
    sites, runs = Sites(database), Runs(database)

    def whole_run(plan: Plan) -> str:
        with Control(made.centre) as control:
            of = made.centre, control, sites, runs, plan, codebook
            number = start_run(*of, now=datetime.now(UTC), random=token_bytes).number
        *_, last = watch(runs, number, sleep, lambda: datetime.now(UTC))
        return last.text

    def run(plan: Plan) -> Took:
        before = sum(cpu_of(made).values())
        wall, last = timed(lambda: whole_run(plan))
        if not last.endswith("finished"):
            raise SystemExit(last)
        return Took(wall, sum(cpu_of(made).values()) - before)

    try:
        start_all(made, say=lambda _: None)
        yield run
    finally:
        database.close()
        stop_federation(made.folder)


def alone(plan: Plan, name: str) -> Plan:
    """The plan with one of its analyses."""
    return plan.model_copy(update={"analyses": (plan.analysis(name),)})


def compare(engine: Engine, plan: Plan, longest: str) -> None:
    """Let the whole plan and its longest analysis take turns, and print both and their ratio."""
    turns = [(engine(plan), engine(alone(plan, longest))) for _ in range(REPEATS)]
    names = ("the whole plan", f"{longest}, its longest analysis, alone")
    for side, name in enumerate(names):
        wall, processor = (middle([getattr(turn[side], of) for turn in turns]) for of in CLOCKS)
        print(f"    {name:<44}{wall:7.2f} s, processor {processor:6.2f} s")
    for of in CLOCKS:
        ratio = middle([getattr(whole, of) / getattr(one, of) for whole, one in turns])
        print(f"    {f'ratio by {of} time':<44}{ratio:7.2f}   aim <= {AIM}")


def main() -> None:
    """Find the longest analysis, and compare in both engines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="riskset-bench-") as place:
        folder = Path(place)
        write_study(cohort(), folder)
        plan, codebook = read_plan(folder / "plan.yaml"), read_codebook(folder / "codebook.yaml")
        print(
            f"a plan of {len(plan.analyses)} analyses, {SITES} sites, {PATIENTS} patients, masked"
        )
        print(f"  {describe('numpy', 'cryptography', 'flwr')}")
        with embedded(folder, codebook) as engine:
            each = {spec.id: engine(alone(plan, spec.id)) for spec in plan.analyses}
        longest = max(each, key=lambda name: each[name].processor)
        for said, engines in (
            ("18 processes over streams, from the command to the results", deployed),
            ("every party in one process", embedded),
        ):
            print(f"  {said}")
            with engines(folder, codebook) as engine:
                compare(engine, plan, longest)
        after_another = sum(took.wall for took in each.values())
        print(f"    {'(one analysis after the other':<44}{after_another:7.2f} s)")


if __name__ == "__main__":
    main()
