"""One site in a temporary folder: a small codebook, its node.yaml, its file, and plans that are asked of it."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_common.study.study import Site, Study
from riskset_node.config import NodeConfig, read_node
from riskset_node.records.findings import Finding
from riskset_node.records.reading import read_records
from riskset_node.records.site_records import SiteRecords

TODAY = datetime.date(2018, 6, 1)

CODEBOOK = """
codebook: infants
version: 3
variables:
  diagnosed: {kind: date, label: Date of diagnosis, required: true}
  remission: {kind: date, label: Date of remission}
  relapse:   {kind: date, label: Date of relapse}
  died:      {kind: date, label: Date of death}
  seen:      {kind: date, label: Date of last contact}
  sex:       {kind: category, label: Sex, levels: {male: Male, female: Female}}
  age:       {kind: number, label: Age, unit: months, range: [0, 12]}
derived:
  age_2:  {from: age, label: Age, cut: {"< 6": [0, 6], ">= 6": [6, 13]}}
  girl:   {from: sex, label: Girl, groups: {girl: [female]}}
  region: {from: study_group, label: Region, groups: {north: [NOPHO, COALL], south: [AIEOP]}}
"""

PLAN = """
plan: infants-main
version: 1.0.0
codebook: infants@3
time: {unit: years}
conventions: r
endpoints:
  EFS:
    label: Event-free survival
    origin: diagnosed
    first_of:
      died_early: {date: died, before: remission}
      relapse: {date: relapse}
      died_in_remission: {date: died, after: remission}
    censor: seen
analyses:
  - {id: efs, kind: kaplan_meier, endpoint: EFS, by: sex, test: log_rank}
"""

HEADER = "pat,diagnosed,remission,relapse,died,seen,sex,age"


@dataclass(frozen=True)
class SiteFolder:
    """The folder of one site."""

    path: Path

    TODAY: ClassVar[datetime.date] = TODAY
    CODEBOOK: ClassVar[str] = CODEBOOK
    PLAN: ClassVar[str] = PLAN

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.path / name
        path.write_bytes(textwrap.dedent(text).lstrip("\n").encode(encoding))
        return path

    def codebook(self, text: str = CODEBOOK) -> Codebook:
        return read_codebook(self.write("codebook.yaml", text))

    def node(self, records: str, more: str = "") -> NodeConfig:
        """node.yaml whose `data` section holds these lines."""
        section = textwrap.indent(textwrap.dedent(records).strip("\n"), "  ")
        text = f"site: dcog\nstudy_group: NOPHO\ndata:\n{section}\n{textwrap.dedent(more)}"
        return read_node(self.write("node.yaml", text))

    def study(
        self, plan: str = PLAN, sites: Iterable[str] = ("dcog",), codebook: str = CODEBOOK
    ) -> Study:
        members = tuple(Site(name, "NOPHO") for name in sites)
        return Study(read_plan(self.write("plan.yaml", plan)), self.codebook(codebook), members)

    def patients(self, rows: str) -> Path:
        """A file with the usual header and these rows."""
        return self.write("patients.csv", HEADER + "\n" + textwrap.dedent(rows).lstrip("\n"))

    def records(self, rows: str, records: str = "", codebook: str = CODEBOOK) -> SiteRecords:
        """Records of a file with the usual header and these rows."""
        self.patients(rows)
        kind = "source: {kind: csv, path: patients.csv}\npatient: pat\n"
        return read_records(
            self.node(kind + textwrap.dedent(records)), self.codebook(codebook), TODAY
        )


@pytest.fixture
def site(tmp_path: Path) -> SiteFolder:
    """An empty folder of a site."""
    return SiteFolder(tmp_path)


@pytest.fixture
def only() -> Callable[[Iterable[Finding]], Finding]:
    """The one finding that there is."""

    def take(findings: Iterable[Finding]) -> Finding:
        (finding,) = findings
        return finding

    return take
