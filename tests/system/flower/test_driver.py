"""The driver of a run with real site nodes, reached by a function call: how it ends, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

import pytest
from tests.runs import finished_results

from riskset_common.formats.canonical_json import canonical_json
from riskset_embedded.federation import Federation, make_federation
from riskset_node.config import read_node
from riskset_node.session.edge import Answering
from riskset_node.session.service import opened
from riskset_server.centre.config import CentreConfig, Rounds
from riskset_server.driving.driver import drive_run
from riskset_server.plans.submitted import submitted
from riskset_server.report import build_report
from riskset_server.report.run_files import read_run
from riskset_server.report_check import check_report
from riskset_server.run.replies import SitesLost, SitesRefused
from riskset_server.store import Runs, RunState, Sites, open_database
from riskset_server.store.runs import RunInputs


class PowerCut(Exception):
    """What nobody foresaw."""


@dataclass
class Calls:
    """A way that calls the nodes. `fails` may raise, or say that a site is silent, for a step and a site."""

    nodes: Mapping[str, Answering]
    fails: Callable[[str, str], bool] = lambda step, site: False
    asked: list[tuple[str, str]] = field(default_factory=list)
    arrived: dict[str, bytes | None] = field(default_factory=dict)

    def reaches(self, site: str) -> bool:
        return True

    def send(self, messages: Mapping[str, bytes], step: str) -> None:
        for site, message in messages.items():
            self.asked.append((step, site))
            if not self.fails(step, site):
                self.arrived[site] = self.nodes[site].answer(message)

    def collect(self, seconds: float) -> Mapping[str, bytes | None]:
        arrived, self.arrived = self.arrived, {}
        return arrived


@dataclass
class Ground:
    """A federation without processes: the centre's store and the nodes of its sites."""

    federation: Federation
    study: Path
    nodes: dict[str, Answering]
    deadline: float = 60.0

    @property
    def centre(self) -> CentreConfig:
        return self.federation.centre.model_copy(update={"rounds": Rounds(deadline=self.deadline)})

    def new_run(self) -> int:
        asked = submitted(self.study / "plan.yaml", self.study / "codebook.yaml")
        database = open_database(self.centre.store)
        inputs = RunInputs(
            canonical_json(asked.plan),
            canonical_json(asked.codebook),
            Sites(database).roster(),
            token_bytes(32),
        )
        number = Runs(database).add(asked.plan.plan, asked.plan.version, inputs, datetime.now(UTC))
        database.close()
        return number

    def drive(self, number: int, calls: Calls) -> None:
        drive_run(
            self.centre, number, lambda *_: [calls],
            now=lambda: datetime.now(UTC), random=token_bytes,
        )  # fmt: skip

    def record(self, number: int):
        database = open_database(self.centre.store)
        record = Runs(database).get(number)
        database.close()
        return record

    def results(self, number: int) -> bytes:
        return (self.centre.folder / str(number) / "results.json").read_bytes()


@contextmanager
def ground_of(study: Path, folder: Path) -> Iterator[Ground]:
    made = make_federation(study, folder, stream=False)
    with ExitStack() as stack:
        nodes = {
            site: stack.enter_context(
                opened(
                    read_node(made.folder / "sites" / site / "node.yaml"),
                    now=lambda: datetime.now(UTC),
                    random=token_bytes,
                )
            )
            for site in made.sites
        }
        yield Ground(made, study, nodes)


@pytest.fixture(scope="module")
def ground(study_of, tmp_path_factory) -> Iterator[Ground]:
    with ground_of(study_of(2), tmp_path_factory.mktemp("driver") / "f") as made:
        yield made


@pytest.fixture(scope="module")
def expected(ground):
    """results.json of the embedded engine."""
    return finished_results(ground.study).read_bytes()


def test_a_driven_run_gives_the_bytes_of_the_embedded_engine(ground, expected):
    number = ground.new_run()
    ground.drive(number, Calls(ground.nodes))

    assert RunState.FINISHED is ground.record(number).state
    assert expected == ground.results(number)


def test_the_folder_of_a_run_is_enough_for_its_report(ground, tmp_path):
    number = ground.new_run()
    ground.drive(number, Calls(ground.nodes))
    found = read_run(ground.centre.folder / str(number))
    page = build_report(found.results, found.plan, found.codebook, tmp_path, ())

    assert "<h2>Methods</h2>" in page.read_text(encoding="utf-8")
    assert [] == check_report(tmp_path, found)


def test_the_transcript_lies_beside_the_results(ground):
    number = ground.new_run()
    ground.drive(number, Calls(ground.nodes))
    folder = ground.centre.folder / str(number) / "transcript"
    rounds = sorted(path.name for path in folder.glob("round-*"))
    openings = sorted(path.stem for path in (folder / "openings").iterdir())

    assert ground.record(number).rounds == len(rounds)
    assert rounds == openings
    assert {"inst-01.msg", "inst-02.msg"} == {path.name for path in (folder / "join").iterdir()}


@pytest.mark.parametrize("step", ["join", "keys", "round-001", "round-004"])
def test_a_run_that_broke_off_goes_on_and_asks_nobody_twice(ground, expected, step):
    number = ground.new_run()

    def cut(at: str, site: str) -> bool:
        if (at, site) == (step, "inst-02"):
            raise PowerCut
        return False

    first, second = Calls(ground.nodes, cut), Calls(ground.nodes)
    with pytest.raises(PowerCut):
        ground.drive(number, first)
    broken = ground.record(number)
    ground.drive(number, second)

    assert (RunState.FAILED, "PowerCut") == (broken.state, broken.why)
    assert expected == ground.results(number)
    answered = [asked for asked in first.asked if asked[0] != step]
    assert set() == set(answered) & set(second.asked)


def test_a_silent_site_is_named_and_the_run_goes_on_when_it_is_back(ground, expected, monkeypatch):
    monkeypatch.setattr(ground, "deadline", 0.1)
    number = ground.new_run()
    silent = Calls(ground.nodes, lambda step, site: (step, site) == ("round-002", "inst-02"))
    with pytest.raises(SitesLost, match="round 2 waits for inst-02"):
        ground.drive(number, silent)
    waiting = ground.record(number)
    back = Calls(ground.nodes)
    ground.drive(number, back)

    assert RunState.SILENT is waiting.state
    assert f"`riskset run resume {number}` goes on" in waiting.why
    assert ("round-002", "inst-02") == back.asked[0]
    assert expected == ground.results(number)


def test_a_site_that_says_no_ends_the_run_and_only_its_noun_is_kept(ground, monkeypatch):
    number = ground.new_run()

    def fails(_: bytes) -> bytes:
        raise ValueError("patient 4711")

    monkeypatch.setattr(ground.nodes["inst-02"]._node, "answer", fails)
    with pytest.raises(SitesRefused):
        ground.drive(number, Calls(ground.nodes))
    record = ground.record(number)

    assert RunState.REFUSED is record.state
    assert "site inst-02: refused (failed)" in record.why
    assert "4711" not in record.why
