"""Records that change while a run lasts, and cuts: a site answers every round from those with which it joined."""

from __future__ import annotations

import datetime
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.system.embedded.lost_sites import SixSites, six_sites

from riskset_common.results.as_json import to_text
from riskset_common.wire.messages import Close, Offer, read_message
from riskset_embedded import engine
from riskset_embedded.engine import run_local
from riskset_node.config import NodeConfig
from riskset_node.cuts.making import write_cut
from riskset_node.patient_records import PatientRecords
from riskset_node.records.reading import read_records
from riskset_node.session.node import SiteNode
from riskset_node.sources.csv import CsvSettings, CsvSource
from riskset_node.sources.sql import SqlSettings
from riskset_node.state.node_state import NodeState

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def study() -> SixSites:
    return six_sites()


@pytest.fixture(scope="module")
def undisturbed(study: SixSites) -> str:
    return to_text(run_local(study.plan, study.codebook, study.parties()))


@dataclass(frozen=True)
class Live:
    """A study whose first site reads `own`."""

    study: SixSites
    own: Path


@pytest.fixture
def live(study: SixSites, tmp_path: Path) -> Live:
    """The same study, whose first site keeps its records in a database."""
    first = study.nodes[0]
    written = first.data.source
    assert isinstance(written, CsvSettings)
    columns = CsvSource().read(written, CsvSource().header(written))
    own = tmp_path / "trial.db"
    with closing(sqlite3.connect(own)) as database, database:
        names = ", ".join(f'"{name}" text' for name in columns)
        database.execute(f"create table patients ({names})")
        places = ", ".join("?" * len(columns))
        rows = zip(*columns.values(), strict=True)
        database.executemany(f"insert into patients values ({places})", rows)
    source = SqlSettings.model_validate(
        {"kind": "sql", "url": f"sqlite:///{own}", "table": "patients"}
    )
    config = first.model_copy(update={"data": first.data.model_copy(update={"source": source})})
    return Live(replace(study, nodes=(config, *study.nodes[1:])), own)


def disturbing(live: Live, disturb, seen: list[tuple[str, list[int]]]) -> type[SiteNode]:
    """Nodes of which the first is killed after joining, and again before each message; `disturb` is done to its source meanwhile."""

    class Killed(SiteNode):
        def answer(self, message: bytes) -> bytes:
            if self.name != live.study.names[0]:
                return super().answer(message)
            kind = type(read_message(message))
            if kind is not Offer:
                disturb(live.own)
            state = NodeState(self._state.path)
            again = SiteNode(
                self._config,
                self._identity,
                self._trust,
                state,
                self._approval,
                now=self._now,
                random=self._random,
            )
            reply = again.answer(message)
            folder = self._state.path.with_suffix(".cuts")
            kept = list(folder.iterdir()) if folder.exists() else []
            seen.append((kind.__name__, [stat.S_IMODE(path.stat().st_mode) for path in kept]))
            state.close()
            self.refusal = again.refusal
            return reply

    return Killed


def add_a_row(source: Path) -> None:
    with closing(sqlite3.connect(source)) as database, database:
        database.execute("insert into patients select * from patients limit 1")


def switch_off(source: Path) -> None:
    if source.exists():
        source.rename(source.with_suffix(".away"))


@pytest.mark.parametrize("disturb", [add_a_row, switch_off])
def test_a_node_that_was_killed_goes_on_from_the_cut_whatever_happened_to_its_source(
    live, monkeypatch, disturb
):
    undisturbed = to_text(run_local(live.study.plan, live.study.codebook, live.study.parties()))
    seen: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(engine, "SiteNode", disturbing(live, disturb, seen))
    results = to_text(run_local(live.study.plan, live.study.codebook, live.study.parties()))
    *under_way, (last, left) = seen

    assert undisturbed == results
    assert {"Offer", "Keys", "RoundRequest", "Opening"} <= {kind for kind, _ in under_way}
    assert all([0o600] == modes for _, modes in under_way)
    assert (Close.__name__, []) == (last, left)


def test_a_source_that_does_not_live_leaves_no_cut(study, undisturbed, tmp_path):
    (tmp_path / "outboxes").mkdir()
    results = run_local(study.plan, study.codebook, study.parties(), outboxes=tmp_path / "outboxes")

    assert undisturbed == to_text(results)
    assert [] == list((tmp_path / "outboxes").glob("*.cuts"))


def cut_of(config: NodeConfig, study: SixSites, folder: Path) -> NodeConfig:
    """The node with a cut of its records in the place of the file."""
    records = read_records(config, study.codebook, NOW.date())
    made = write_cut(folder / f"{config.site}.cut", records, config, study.codebook, NOW)
    source = {"kind": "cut", "path": str(made.path)}
    data = PatientRecords.model_validate({"source": source, "patient": config.data.patient})
    return config.model_copy(update={"data": data})


def test_a_run_over_cuts_has_the_results_of_a_run_over_the_files(study, undisturbed, tmp_path):
    cuts = replace(study, nodes=tuple(cut_of(config, study, tmp_path) for config in study.nodes))

    assert undisturbed == to_text(run_local(cuts.plan, cuts.codebook, cuts.parties()))
