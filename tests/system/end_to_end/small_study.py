"""A study of four sites in a folder: the least that runs through every estimator, to be changed by a test before it is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
import yaml
from click.testing import Result
from tests.least_study import codebook_of, plan_of
from typer.testing import CliRunner

from riskset_embedded.commands import join

CODEBOOK = codebook_of(
    "age:    {kind: number, label: Age, unit: years, range: [18, 100]}",
    "sex:    {kind: category, label: Sex, levels: {male: Male, female: Female}}",
)

PLAN = (
    plan_of(
        "{id: followup, kind: follow_up, endpoint: OS}",
        "{id: table1, kind: baseline, by: sex, rows: [status], test: chi_square}",
        "{id: deaths, kind: event_table, endpoint: OS, by: sex}",
        "{id: os_sex, kind: kaplan_meier, endpoint: OS, by: sex, at: [200, 400], test: log_rank}",
        "{id: cox, kind: cox, endpoint: OS, terms: [{factor: sex, reference: male}, {number: age}], strata: [site]}",
    )
    + "disclosure: {release: exact}\n"
)

SITES = ("east", "north", "south", "west")


@dataclass(frozen=True)
class SmallStudy:
    """The folder of the study, and the command that runs it."""

    folder: Path

    @property
    def plan(self) -> Path:
        return self.folder / "plan.yaml"

    @property
    def codebook(self) -> Path:
        return self.folder / "codebook.yaml"

    @property
    def nodes(self) -> Path:
        return self.folder / "nodes"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def node(self, site: str) -> Path:
        return self.nodes / f"{site}.yaml"

    def rows(self, site: str) -> Path:
        """The site's file."""
        return self.folder / "data" / f"{site}.csv"

    def change(self, path: Path, old: str, new: str) -> None:
        """Replace a text that must be in a file."""
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise AssertionError(f"{old!r} is not in {path.name}")
        path.write_text(text.replace(old, new), encoding="utf-8")

    def change_yaml(self, path: Path, change: Callable[[Any], Any]) -> None:
        """Change what a YAML file holds."""
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def add_row(self, site: str, row: str) -> None:
        """Add a patient: pat,time,status,age,sex."""
        with self.rows(site).open("a", encoding="utf-8") as lines:
            lines.write(row + "\n")

    def run(self, *more: str, **instead: Path) -> Result:
        """`riskset run local` with the files of this folder."""
        files = {"plan": self.plan, "codebook": self.codebook, "nodes": self.nodes, "out": self.out}
        options = [
            text for name, path in (files | instead).items() for text in (f"--{name}", str(path))
        ]
        return command("run", "local", "--quiet", *options, *more)

    def results(self) -> Any:
        return json.loads((self.out / "results.json").read_text(encoding="utf-8"))

    def listing(self) -> set[str]:
        """Everything that is in the folder, hidden files too."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}


def command(*arguments: str) -> Result:
    """A command of `riskset`, in this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    join(app)
    return CliRunner().invoke(app, list(arguments))


def write_small_study(
    folder: Path, *, patients: int = 24, sites: Sequence[str] = SITES
) -> SmallStudy:
    """Write the study: codebook, plan, and for each site its node.yaml and its file."""
    study = SmallStudy(folder)
    study.codebook.write_text(CODEBOOK, encoding="utf-8")
    study.plan.write_text(PLAN, encoding="utf-8")
    study.nodes.mkdir()
    (folder / "data").mkdir()
    for number, site in enumerate(sites):
        lines = ["pat,time,status,age,sex"]
        for patient in range(patients):
            mixed = (patient * 37 + number * 11) % 101
            status = "dead" if (patient + number) % 3 else "alive"
            sex = "male" if (patient * 5 + number) % 7 < 4 else "female"
            lines.append(f"{site}-{patient},{20 + 9 * mixed},{status},{40 + mixed % 37},{sex}")
        study.rows(site).write_text("\n".join(lines) + "\n", encoding="utf-8")
        node = {
            "site": site,
            "study_group": f"group {site}",
            "data": {"source": {"kind": "csv", "path": f"../data/{site}.csv"}, "patient": "pat"},
            "policy": {"release": "exact"},
        }
        study.node(site).write_text(yaml.safe_dump(node, sort_keys=False), encoding="utf-8")
    return study
