"""The sites' files loaded into a database give the same patients and the same results, to the byte."""

from __future__ import annotations

import datetime
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from tests.postgres_server import postgres
from tests.typed_tables import lay_study

from riskset_common.results.as_json import to_text
from riskset_common.study.codebook import read_codebook
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.local_run import run_for_results
from riskset_node.config import read_node
from riskset_node.records.reading import read_records
from riskset_node.sources.source import FileSource

TODAY = datetime.date(2026, 11, 30)


@pytest.fixture(scope="module")
def server():
    with postgres() as running:
        yield running


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request, tmp_path):
    """What runs statements in an empty database, its sign for a value, and its URL."""
    if request.param == "sqlite":
        sqlite3.register_adapter(datetime.date, datetime.date.isoformat)
        path = tmp_path / "trial.db"
        with sqlite3.connect(path) as file:

            def run(statement, rows):
                # SQLite has no numbers with a fixed point.
                plain = [
                    [float(each) if isinstance(each, Decimal) else each for each in row]
                    for row in rows
                ]
                file.executemany(statement, plain)
                file.commit()

            yield run, "?", f"sqlite:///{path}"
        file.close()
        return
    server = request.getfixturevalue("server")
    server.run("drop database if exists study", "create database study")
    with server.connect("study") as connection:
        yield connection.cursor().executemany, "%s", server.url(database="study")


def digests(study: Path) -> dict[str, bytes]:
    """SHA-256 of each site's patients."""
    codebook = read_codebook(study / "codebook.yaml")
    nodes = sorted((study / "nodes").glob("*.yaml"))
    return {
        node.stem: read_records(read_node(node), codebook, TODAY).patients.digest()
        for node in nodes
    }


def test_every_file_of_the_study_gives_the_same_patients_from_a_database(database, tmp_path, monkeypatch):  # fmt: skip
    run, mark, url = database
    study, copy = study_folder("interfant06"), tmp_path / "copy"
    lay_study(study, copy, run, mark, url)
    found = digests(copy)
    # So that the rows of the files are sorted by patient as well.
    monkeypatch.setattr(FileSource, "ordered", False)

    assert digests(study) == found
    assert 18 == len(found)


def results_of(study: Path) -> str:
    """What results.json of a run holds."""
    return to_text(
        run_for_results(*(study / name for name in ("plan.yaml", "codebook.yaml", "nodes")))
    )


@pytest.mark.parametrize("study", ["lung", pytest.param("interfant06", marks=pytest.mark.slow)])
def test_a_study_in_postgresql_gives_the_same_results(server, tmp_path, study, monkeypatch):
    name = study.replace("-", "_")
    server.run(f"drop database if exists {name}", f"create database {name}")
    copy = tmp_path / "copy"
    with server.connect(name) as connection:
        lay_study(
            study_folder(study), copy, connection.cursor().executemany, "%s", server.url(database=name)
        )  # fmt: skip
    # So that the rows of the files are sorted by patient as well: sums in another order differ in their last digits.
    monkeypatch.setattr(FileSource, "ordered", False)

    assert results_of(study_folder(study)) == results_of(copy)
