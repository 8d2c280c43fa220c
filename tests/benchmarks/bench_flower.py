"""What a deployment costs: the demonstration plan on 18 node processes over TLS, by streams and by Flower's messages.

    make bench

Latency of a round is from the moment its question is written down to the last answer; of the rounds with the largest replies it is also
given until their sum is opened and written down. CPU and memory are those of all processes of
the federation, from /proc; where there is no /proc they are left out.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import NamedTuple

from sqlalchemy import create_engine, text
from tests.benchmarks.machine import describe, middle

from riskset_common.estimators.curves.kaplan_meier import KaplanMeierSpec
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.federation import Federation, make_federation, start_all, stop_federation
from riskset_server.driving.control import start_run
from riskset_server.driving.progress import watch
from riskset_server.flower.superlink import Control
from riskset_server.plans.submitted import submitted
from riskset_server.store import Runs, Sites, open_database

RUNS = 5
IDLE_SECONDS = 20.0
TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass
class Measured:
    """Seconds of each round of all runs, of the largest, of these until they are opened, of whole runs, and of CPU.

    `reply_bytes` is the size of one of the largest replies, `cpu` that of all processes in a run, `cpu_centre` the centre's part of it.
    """

    rounds: list[float]
    large: list[float]
    opened: list[float]
    wholes: list[float]
    cpu: list[float]
    cpu_centre: list[float]
    reply_bytes: int = 0
    idle_centre: float = 0.0
    idle_node: float = 0.0
    node_megabytes: float = 0.0
    centre_megabytes: float = 0.0


def main() -> None:
    """Measure the three ways, one after the other."""
    print(
        f"the plan ncctg-lung with curves by two variables on 18 node processes over TLS, {RUNS} runs each"
    )
    print(f"  {describe('flwr', 'grpcio')}")
    for name, stream, in_memory in (
        ("streams, SuperLink on SQLite", True, False),
        ("messages, SuperLink in memory", False, True),
        ("messages, SuperLink on SQLite", False, False),
    ):
        with running(stream=stream, in_memory=in_memory) as federation:
            show(name, measured(federation))


@contextmanager
def running(*, stream: bool, in_memory: bool) -> Iterator[Federation]:
    """A federation of the lung study in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="riskset-bench-") as folder:
        made = make_federation(
            study_folder("lung"), Path(folder) / "federation", stream=stream, in_memory=in_memory
        )
        try:
            start_all(made, say=lambda _: None)
            yield made
        finally:
            stop_federation(made.folder)


def measured(federation: Federation) -> Measured:
    """Run the plan, then let everything be idle for a while."""
    found = Measured([], [], [], [], [], [])
    database = open_database(federation.centre.store)
    plan, codebook = plan_of_large_round()
    for _ in range(RUNS):
        before, began = cpu_of(federation), time.perf_counter()
        with Control(federation.centre) as control:
            number = start_run(
                federation.centre,
                control,
                Sites(database),
                Runs(database),
                plan,
                codebook,
                now=datetime.now(UTC),
                random=token_bytes,
            ).number
        *_, last = watch(Runs(database), number, time.sleep, lambda: datetime.now(UTC))
        if not last.text.endswith("finished"):
            raise SystemExit(last.text)
        found.wholes.append(time.perf_counter() - began)
        rounds = list(rounds_of(federation, number))
        found.reply_bytes = max(each.reply_bytes for each in rounds)
        found.rounds += [each.answered for each in rounds]
        large = [each for each in rounds if each.reply_bytes == found.reply_bytes]
        found.large += [each.answered for each in large]
        found.opened += [each.opened for each in large]
        used = {name: cpu - before[name] for name, cpu in cpu_of(federation).items()}
        found.cpu.append(sum(used.values()))
        found.cpu_centre.append(used.get("superlink", 0.0) + used.get("superexec", 0.0))
    database.close()
    idle(federation, found)
    return found


def plan_of_large_round() -> tuple[Plan, Codebook]:
    """The plan of the demonstration and curves by two variables, so that one round has replies of some 200 kB."""
    study = study_folder("lung")
    asked = submitted(study / "plan.yaml", study / "codebook.yaml")
    by_both = KaplanMeierSpec(
        id="by_both", kind="kaplan_meier", endpoint="OS", by=("sex", "ecog_3")
    )
    analyses = (*asked.plan.analyses, by_both)
    return asked.plan.model_copy(update={"analyses": analyses}), asked.codebook


class Round(NamedTuple):
    """Seconds of one round until the last answer and until its sum is opened, and the bytes of its longest reply."""

    answered: float
    opened: float
    reply_bytes: int


def rounds_of(federation: Federation, number: int) -> Iterator[Round]:
    """Each round of a run, from the transcript."""
    engine = create_engine(federation.centre.store)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT min(at), max(CASE direction WHEN 'in' THEN at END), max(at), "
                "max(CASE direction WHEN 'in' THEN length(content) ELSE 0 END) FROM messages "
                "WHERE run = :run AND step LIKE 'round-%' GROUP BY substr(step, 1, 9)"
            ),
            {"run": number},
        )
        for asked, answered, opened, size in rows:
            began = datetime.fromisoformat(asked)
            answered_at, opened_at = (
                datetime.fromisoformat(answered),
                datetime.fromisoformat(opened),
            )
            yield Round(
                (answered_at - began).total_seconds(), (opened_at - began).total_seconds(), size
            )
    engine.dispose()


def idle(federation: Federation, found: Measured) -> None:
    """CPU and memory while nothing is asked."""
    before = cpu_of(federation)
    time.sleep(IDLE_SECONDS)
    used = {name: cpu - before[name] for name, cpu in cpu_of(federation).items()}
    sites = federation.sites
    found.idle_node = sum(used.get(site, 0.0) for site in sites) / len(sites) / IDLE_SECONDS
    found.idle_centre = (used.get("superlink", 0.0) + used.get("superexec", 0.0)) / IDLE_SECONDS
    found.node_megabytes = sum(megabytes(federation.processes[site]) for site in sites) / len(sites)
    found.centre_megabytes = sum(
        megabytes(federation.processes[name]) for name in ("superlink", "superexec")
    )


def cpu_of(federation: Federation) -> dict[str, float]:
    """CPU seconds of each process and of its children that ended, such as the drivers of the SuperExec."""
    found = {}
    for name, pid in federation.processes.items():
        stat = PROC / str(pid) / "stat"
        if stat.exists():
            fields = stat.read_text().rpartition(") ")[2].split()
            found[name] = sum(map(int, fields[11:15])) / TICKS
    return found


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    status = PROC / str(pid) / "status"
    if not status.exists():
        return 0.0
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def show(name: str, found: Measured) -> None:
    """Print one way."""
    rounds = sorted(found.rounds)
    print(f"  {name}")
    print(
        f"    round           {middle(rounds):.3f} s median, {rounds[0]:.3f} to {rounds[-1]:.3f} s"
    )
    print(
        f"    of {found.reply_bytes >> 10:>3} KiB      {middle(found.large):.3f} s median, {middle(found.opened):.3f} s until opened"
    )
    print(f"    whole run       {middle(found.wholes):.1f} s from the command to the results")
    if any(found.cpu):
        per_run = middle(found.cpu)
        centre = middle(found.cpu_centre)
        print(
            f"    CPU             {per_run:.1f} s a run, all processes; the centre's {centre:.1f} s"
        )
        print(
            f"    idle            node {100 * found.idle_node:.2f}%, centre {100 * found.idle_centre:.1f}% of a core"
        )
        print(
            f"    memory          node {found.node_megabytes:.0f} MB, centre {found.centre_megabytes:.0f} MB"
        )


if __name__ == "__main__":
    main()
