"""A centre in a temporary folder: its store, its sites, and a plan for them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from riskset_common.consortium.invitation import Enrolment
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import read_codebook
from riskset_node.enrolment.joining import join_folder
from riskset_server.centre.config import CentreConfig
from riskset_server.centre.new_centre import new_centre
from riskset_server.sites.admission import admit, invite
from riskset_server.sites.nodes import Node
from riskset_server.store import Database, Runs, Sites, open_database
from riskset_server.store.runs import RunInputs

NOW = datetime.datetime(2018, 6, 1, 12, tzinfo=datetime.UTC)

CODEBOOK = """
codebook: infants
version: 3
variables:
  time:   {kind: number, label: Time}
  status: {kind: category, label: Status, levels: {alive: Alive, dead: Dead}}
"""

PLAN = """
plan: infants-main
title: Infants
version: 1.0.0
codebook: infants@3
time: {unit: days}
conventions: r
endpoints:
  OS:
    label: Overall survival
    time: {variable: time, unit: days}
    status: {variable: status, events: {death: [dead]}}
analyses:
  - {id: os, kind: kaplan_meier, endpoint: OS}
disclosure: {release: exact}  # a run of fewer than three sites
"""


class Bytes:
    """A source of bytes that never gives the same ones twice, and the same ones in every test."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self, length: int) -> bytes:
        self.given += 1
        return self.given.to_bytes(length, "big")


@dataclass
class Engine:
    """In the place of Flower: knows nodes and drivers, and does nothing."""

    registered: dict[bytes, Node] = field(default_factory=dict)
    drivers: dict[int, str] = field(default_factory=dict)

    def nodes(self) -> list[Node]:
        return list(self.registered.values())

    def register(self, connection_key: bytes, name: str) -> int:
        del name
        number = 1000 + len(self.registered)
        self.registered[connection_key] = Node(number, connection_key, is_online=True)
        return number

    def unregister(self, node_id: int) -> None:
        (key,) = [key for key, node in self.registered.items() if node.number == node_id]
        del self.registered[key]

    def start(self, number: int) -> int:
        flower_run = 2**63 + 1000 * len(self.drivers) + number
        self.drivers[flower_run] = "running"
        return flower_run

    def stop(self, flower_run: int) -> None:
        self.drivers[flower_run] = "finished"

    def status(self, flower_run: int) -> str:
        return self.drivers.get(flower_run, "")


@dataclass
class Centre:
    """A centre without processes."""

    config: CentreConfig
    database: Database
    random: Bytes
    engine: Engine
    folder: Path

    @property
    def sites(self) -> Sites:
        return Sites(self.database)

    @property
    def runs(self) -> Runs:
        return Runs(self.database)

    def enrol(self, name: str) -> Enrolment:
        """Invite a site, and let it answer."""
        invitation = invite(
            self.config, self.sites, name, name.upper(), "", now=NOW, random=self.random
        )
        return join_folder(invitation, self.folder / "sites" / name, random=self.random)

    def admit(self, *names: str) -> None:
        for name in names:
            enrolment = self.enrol(name)
            admit(self.sites, self.engine, enrolment, enrolment.fingerprint, NOW)

    def study(self):
        plan, codebook = self.folder / "plan.yaml", self.folder / "codebook.yaml"
        plan.write_text(PLAN, encoding="utf-8")
        codebook.write_text(CODEBOOK, encoding="utf-8")
        return read_plan(plan), read_codebook(codebook)

    def add_run(self) -> int:
        plan, codebook = self.study()
        inputs = RunInputs(
            canonical_json(plan), canonical_json(codebook), self.sites.roster(), self.random(32)
        )
        return self.runs.add(plan.plan, plan.version, inputs, NOW)


@pytest.fixture
def centre(tmp_path: Path):
    random = Bytes()
    config = new_centre(
        tmp_path / "centre",
        sites="127.0.0.1:8443",
        inside="127.0.0.1:8000",
        stream="127.0.0.1:8444",
        now=NOW,
        random=random,
    )
    database = open_database(config.store)
    yield Centre(config, database, random, Engine(), tmp_path)
    database.close()
