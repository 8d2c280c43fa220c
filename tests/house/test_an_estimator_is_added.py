"""The recipe of CONTRIBUTING.md, followed: a copy of the checkout gets an estimator, by one module and a line in catalogue and kinds.

It then runs in a plan on 18 sites, under rounded release, and its page is held to the code like every other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.runs import results_of

from riskset_embedded.demos.lung import study_folder

ESTIMATOR = Path(__file__).parent / "an_estimator"
FAMILY = Path("common/riskset_common/estimators/tables")
CATALOGUE = Path("common/riskset_common/estimators/catalogue.py")
EXAMPLES = Path("tests/common/estimators/analyses.py")
KINDS = Path("server/riskset_server/kinds/kinds.py")
PACKAGES = ("common", "site_node", "server", "deploy/embedded")
KIND = """
    Kind(
        "early_events",
        rule=released_event_table,
        table=TableDisplay(events.make, several=False),
        adds_up=sums.of_events,
        noun="Events of {} until a time",
    ),
"""
EXAMPLE = """
    "early events": {"kind": "early_events", "endpoint": "LATE", "until": 5, "by": ["arm"]},"""
UNTIL = 365


def with_lines(path: Path, *after: tuple[str, str]) -> None:
    """Add lines behind others, each of which stands in the file once."""
    text = path.read_text(encoding="utf-8")
    for place, line in after:
        assert 1 == text.count(place), place
        text = text.replace(place, place + line)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def extended(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the recipe was followed."""
    copy = tmp_path_factory.mktemp("checkout")
    left_out = shutil.ignore_patterns(".*", "__pycache__", "golden", "vectors")
    for name in ("common", "site_node", "server", "deploy", "tests", "docs"):
        shutil.copytree(checkout / name, copy / name, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
        shutil.copy(checkout / name, copy / name)
    shutil.copy(ESTIMATOR / "early_events.py", copy / FAMILY / "early_events.py")
    shutil.copy(ESTIMATOR / "early_events.md", copy / "docs/estimators/early_events.md")
    with_lines(
        copy / CATALOGUE,
        (
            "from riskset_common.estimators.tables.baseline import Baseline\n",
            "from riskset_common.estimators.tables.early_events import EarlyEvents\n",
        ),
        ("    EventTable(),\n", "    EarlyEvents(),\n"),
    )
    with_lines(copy / EXAMPLES, ("COUNTED: dict[str, dict[str, Any]] = {", EXAMPLE))
    with_lines(copy / KINDS, ("KINDS: Final[tuple[Kind, ...]] = (", KIND))
    return copy


def in_copy(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy."""
    path = os.pathsep.join(str(copy / package) for package in PACKAGES)
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(extended: Path) -> Path:
    """A run of the lung study with nothing but the new analysis, under rounded release."""
    study = extended.parent / f"{extended.name}-lung"
    shutil.copytree(study_folder("lung"), study, copy_function=shutil.copy)
    plan: dict[str, Any] = yaml.safe_load((study / "plan.yaml").read_text(encoding="utf-8"))
    early = {"id": "early", "kind": "early_events", "endpoint": "OS", "until": UNTIL, "by": "sex"}
    plan["analyses"], plan["disclosure"] = [early], {"release": "rounded"}
    plan["displays"] = [{"table": "Table 1", "of": "early", "title": "Deaths within a year"}]
    (study / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    for path in (study / "nodes").glob("*.yaml"):
        node: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        node["policy"] = {"estimators": ["early_events"]}
        path.write_text(yaml.safe_dump(node, sort_keys=False), encoding="utf-8")
    files = ("--plan", f"{study}/plan.yaml", "--codebook", f"{study}/codebook.yaml")
    out = study / "out"
    ended = in_copy(
        extended,
        *("riskset_server", "run", "local", *files, "--nodes", f"{study}/nodes"),
        *("--out", str(out), "--quiet"),
    )

    assert 0 == ended.returncode, ended.stderr
    return out


def test_it_runs_in_a_plan_and_counts_the_events_of_the_curves(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text(encoding="utf-8"))
    table = results["analyses"]["early"]
    curves = results_of("lung")["analyses"]["os_sex"]["groups"]
    at_a_year = [next(at for at in group["at"] if at["time"] == UNTIL) for group in curves]

    assert [at["events_to"] for at in at_a_year] == table["rows"][0]["counts"]
    assert [group["n"] for group in curves] == table["column_n"]


def test_it_is_tabled_and_its_numbers_agree(extended: Path, finished: Path) -> None:
    checked = in_copy(extended, "riskset_server", "report", "check", str(finished))

    assert [path.name for path in (finished / "tables").glob("*.csv")]
    assert "Deaths within a year" in (finished / "report.html").read_text(encoding="utf-8")
    assert (0, "") == (checked.returncode, checked.stderr)


@pytest.mark.parametrize(
    "tests",
    [
        "tests/common/estimators/test_every_kind.py",
        "tests/system/docs/test_docs_tables.py",
    ],
)
def test_the_tests_of_every_kind_and_of_its_page_hold(extended: Path, tests: str) -> None:
    ended = in_copy(
        extended, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "early", tests
    )

    assert 0 == ended.returncode, ended.stdout
    assert "early" in KIND
    assert " passed" in ended.stdout


def test_it_touches_one_module_a_line_in_two_a_page_and_an_example_for_the_tests(
    checkout: Path, extended: Path
) -> None:
    changed = {
        str(path.relative_to(extended))
        for path in extended.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.suffix in {".py", ".md"}
        and (
            not (original := checkout / path.relative_to(extended)).exists()
            or original.read_bytes() != path.read_bytes()
        )
    }

    assert {
        str(CATALOGUE),
        str(EXAMPLES),
        str(KINDS),
        str(FAMILY / "early_events.py"),
        "docs/estimators/early_events.md",
    } == changed
