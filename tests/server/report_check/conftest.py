"""Reports that are built once, and copies of them and of their results to tamper with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.common.estimators.analyses import ALL
from tests.server.report_check.checked_reports import FEW, identifier, in_the_open, write_report

from riskset_common.estimators.read_back import results_from_json
from riskset_common.results.as_json import as_json, to_text
from riskset_server.report import build_report
from riskset_server.report.run_files import FinishedRun, read_run


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of every kind of analysis, exact."""
    return write_report(tmp_path_factory.mktemp("whole"), tuple(ALL))


@pytest.fixture(scope="session")
def rounded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the kinds that are computed on shares, rounded."""
    release_rounded = {"release": "rounded"}
    folder = tmp_path_factory.mktemp("rounded")
    return write_report(folder, in_the_open(), disclosure=release_rounded)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of few analyses."""
    return write_report(tmp_path_factory.mktemp("small"), FEW)


@pytest.fixture
def tampered(small: Path, tmp_path: Path) -> Path:
    """A copy of the small report, to be tampered with."""
    return Path(shutil.copytree(small, tmp_path / "copy"))


@pytest.fixture(scope="session")
def run(whole: Path) -> FinishedRun:
    return read_run(whole)


@pytest.fixture
def changed(run: FinishedRun) -> Callable[..., FinishedRun]:
    """Change the result of one analysis: `change` alters it in place."""

    def make(name: str, change: Callable[[Any], object]) -> FinishedRun:
        results = as_json(run.results)
        change(results["analyses"][identifier(name)])
        return FinishedRun(results_from_json(results), run.plan, run.codebook)

    return make


@pytest.fixture
def rebuilt(tampered: Path) -> Callable[..., Path]:
    """Change results.json and build the report from it again: a tampering that leaves no trace in any file."""

    def make(name: str, change: Callable[[Any], object]) -> Path:
        results = json.loads((tampered / "results.json").read_text(encoding="utf-8"))
        change(results["analyses"][identifier(name)])
        (tampered / "results.json").write_text(to_text(results), encoding="utf-8")
        found = read_run(tampered)
        build_report(found.results, found.plan, found.codebook, tampered, ("docx",))
        return tampered

    return make
