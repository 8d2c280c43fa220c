"""Federations of real processes on loopback: the SuperLink behind its front, the SuperExec, and a node for each site."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.runs import finished_results
from typer.testing import CliRunner

from riskset_embedded.federation import (
    Federation,
    is_alive,
    make_federation,
    missing,
    send_roster,
    start_all,
    stop_federation,
)
from riskset_node.policy import DEFAULT_ESTIMATORS
from riskset_server.centre.config import read_centre
from riskset_server.commands.riskset import app as centre_commands
from riskset_server.store import Sites, open_database

LUNG = Path(__file__).parents[3] / "deploy" / "studies" / "lung"
ROUNDS = "rounds: {deadline: 90, again_after: 3}\n"


@pytest.fixture(scope="session")
def study_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The lung study with its first so many sites, which then suffice for a sum."""

    def make(n_sites: int) -> Path:
        folder = tmp_path_factory.mktemp(f"study-{n_sites}")
        shutil.copytree(LUNG / "data", folder / "data")
        shutil.copy(LUNG / "codebook.yaml", folder)
        plan = (LUNG / "plan.yaml").read_text(encoding="utf-8").splitlines()
        kept = [line for line in plan if not line.startswith("quorum:")]
        (folder / "plan.yaml").write_text("\n".join(kept) + "\n", encoding="utf-8")
        (folder / "nodes").mkdir()
        for path in sorted((LUNG / "nodes").glob("*.yaml"))[:n_sites]:
            node = yaml.safe_load(path.read_text(encoding="utf-8"))
            node["policy"]["minimum_sites"] = n_sites
            node["policy"]["estimators"] = list(DEFAULT_ESTIMATORS)
            (folder / "nodes" / path.name).write_text(yaml.safe_dump(node), encoding="utf-8")
        return folder

    return make


def riskset(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the centre as a person does, without the installed script."""
    return subprocess.run(
        [sys.executable, "-m", "riskset_server", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "NO_COLOR": "1"},
    )


@dataclass
class Deployed:
    """A federation that runs, the study it answers, and what the embedded engine makes of the same study."""

    federation: Federation
    study: Path
    expected: bytes

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return riskset(*arguments, "--centre", self.federation.folder)

    def start_run(self, *options: str) -> int:
        """Start a run, and give its number."""
        plan, codebook = self.study / "plan.yaml", self.study / "codebook.yaml"
        done = self.command("run", "start", plan, "--codebook", codebook, *options)
        assert done.stdout.startswith("run "), done.stderr
        return int(done.stdout.splitlines()[0].removeprefix("run "))

    def watch(self, number: int) -> str:
        """Wait for the end of a run, and give its last line."""
        return self.command("run", "watch", str(number)).stdout.strip()

    def state(self, number: int) -> str:
        return str(json.loads(self.command("run", "status", str(number), "--json").stdout)["state"])

    def results(self, number: int) -> bytes:
        return (self.federation.centre.folder / str(number) / "results.json").read_bytes()

    def send_roster(self) -> None:
        """The roster as it is now comes to every site, signed."""
        database = open_database(self.federation.centre.store)
        send_roster(self.federation.folder, Sites(database).roster())
        database.close()

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.federation.processes[name], number)

    def until(self, reached: Callable[[], bool], what: str, seconds: float = 45.0) -> None:
        end = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < end, f"{what} was not reached"
            time.sleep(0.05)

    def until_log(self, name: str, text: str) -> None:
        self.until(lambda: text in self.federation.log(name), f"{text!r} in the log of {name}")

    def pushed_replies(self) -> int:
        """How many replies came by Flower's messages so far."""
        return self.federation.log("superlink").count("[Fleet.PushMessages] Push replies")

    def all_connected(self) -> None:
        self.until(lambda: not missing(self.federation), "all sites to connect", 90)

    @contextmanager
    def in_place_of(self, name: str, command: Sequence[str]) -> Iterator[None]:
        """Run another command in the place of a site, and the site's own again after the block."""
        self.kill(name)
        self.federation.start(name, command)
        try:
            yield
        finally:
            self.kill(name)
            self.federation.start(name)

    def until_status(self, number: int, text: str) -> None:
        """Asked in this process: a command of its own for every look would cost more than the run."""
        looked = ["run", "status", str(number), "--centre", str(self.federation.folder)]
        self.until(lambda: text in CliRunner().invoke(centre_commands, looked).stdout, text)

    def kill(self, name: str) -> None:
        """Kill a process with everything it started; nothing of it can say goodbye."""
        pid = self.federation.processes[name]
        os.killpg(pid, signal.SIGKILL)
        self.until(lambda: not is_alive(pid), f"the end of {name}")


def deployed(
    study: Path, folder: Path, *, stream: bool, in_memory: bool = False
) -> Iterator[Deployed]:
    made = make_federation(study, folder / "federation", stream=stream, in_memory=in_memory)
    with (made.folder / "centre.yaml").open("a", encoding="utf-8") as file:
        file.write(ROUNDS)
    made.centre = read_centre(made.folder)
    try:
        start_all(made, say=lambda _: None)
        yield Deployed(made, study, finished_results(study).read_bytes())
    finally:
        stop_federation(made.folder)


@pytest.fixture(scope="session")
def two_sites(
    study_of: Callable[[int], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """Two sites without a stream: every byte goes through Flower's messages."""
    yield from deployed(study_of(2), tmp_path_factory.mktemp("two"), stream=False, in_memory=True)


@pytest.fixture(scope="session")
def four_sites(
    study_of: Callable[[int], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """Four sites, streams, and a SuperLink that keeps its state in a file, as in a deployment."""
    yield from deployed(study_of(4), tmp_path_factory.mktemp("four"), stream=True)
