"""The recipe of CONTRIBUTING.md, followed: a copy of the checkout gets an estimator, by a module, a page, and lines in a few files.

It then runs in a plan on 18 sites, under exact release, and the tests that list kinds or pages hold in the copy as a whole.
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
        table=TableDisplay(events.make, several=False),
        adds_up=sums.of_events,
        noun="Events of {} until a time",
    ),
"""
EXAMPLE = """
    "early events": {"kind": "early_events", "endpoint": "LATE", "until": 5, "by": ["arm"]},"""
PAGES = Path("docs/estimators.md")
PAGE = (
    "| [`early_events`](estimators/early_events.md) | first events until a time, by group | 1 |\n"
)
DISPLAYS = Path("docs/plan.md")
DISPLAY = "| `early_events` | one analysis | |\n"
FIGURES = Path("tests/system/docs/make_figures.py")
ANALYSED = "  - {id: early_events, kind: early_events, endpoint: OS, until: 365, by: sex}\n"
SHOWN = "  - {table: early_events, of: early_events}\n"
UNTIL = 365
LISTING = (
    "tests/common/estimators/test_every_kind.py",
    "tests/common/estimators/test_question_bytes.py",
    "tests/system/docs/test_docs_disclosure.py",
    "tests/system/docs/test_docs_figures.py",
    "tests/system/docs/test_docs_links.py",
    "tests/system/docs/test_docs_results.py",
    "tests/system/docs/test_docs_tables.py",
)
"""The tests that hold a list of kinds, or of pages."""


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
    left_out = shutil.ignore_patterns(".*", "__pycache__", "vectors")
    for name in ("common", "site_node", "server", "deploy", "tests", "docs"):
        shutil.copytree(checkout / name, copy / name, ignore=left_out)
    for path in (*checkout.glob("*.md"), checkout / "pyproject.toml", checkout / "LICENSE"):
        shutil.copy(path, copy / path.name)
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
    with_lines(
        copy / PAGES,
        ("| [`event_table`](estimators/event_table.md) | first events by group | 1 |\n", PAGE),
    )
    with_lines(copy / DISPLAYS, ("| `event_table` | one analysis | |\n", DISPLAY))
    with_lines(
        copy / FIGURES,
        ("  - {id: event_table, kind: event_table, endpoint: OS, by: sex}\n", ANALYSED),
        ("  - {table: event_table, of: event_table}\n", SHOWN),
    )
    return copy


def in_copy(copy: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy."""
    path = os.pathsep.join(str(copy / package) for package in PACKAGES)
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(extended: Path) -> Path:
    """A run of the lung study with nothing but the new analysis, under exact release: it has no program for shares."""
    study = extended.parent / f"{extended.name}-lung"
    shutil.copytree(study_folder("lung"), study, copy_function=shutil.copy)
    plan: dict[str, Any] = yaml.safe_load((study / "plan.yaml").read_text(encoding="utf-8"))
    early = {"id": "early", "kind": "early_events", "endpoint": "OS", "until": UNTIL, "by": "sex"}
    plan["analyses"], plan["disclosure"] = [early], {"release": "exact"}
    plan["displays"] = [{"table": "Table 1", "of": "early", "title": "Deaths within a year"}]
    (study / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    for path in (study / "nodes").glob("*.yaml"):
        node: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        node["policy"] = {"estimators": ["early_events"], "release": "exact"}
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


def test_the_tests_that_list_kinds_or_pages_hold(extended: Path) -> None:
    # Of the properties of every kind a few examples: the gate draws more, of the kinds that are not added here.
    ended = in_copy(
        extended,
        *("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
        *LISTING,
        HYPOTHESIS_PROFILE="few",
    )

    assert 0 == ended.returncode, ended.stdout
    assert " passed" in ended.stdout


def test_the_recipe_names_every_file_that_is_touched(checkout: Path, extended: Path) -> None:
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
    recipe = (checkout / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = recipe.partition("**An estimator**")[2].partition("**A source")[0]

    assert {
        "common/riskset_common/estimators/catalogue.py",
        "common/riskset_common/estimators/tables/early_events.py",
        "docs/estimators.md",
        "docs/estimators/early_events.md",
        "docs/plan.md",
        "server/riskset_server/kinds/kinds.py",
        "tests/common/estimators/analyses.py",
        "tests/system/docs/make_figures.py",
    } == changed
    for path in changed:
        said = path.replace("tables/early_events.py", "FAMILY/NAME.py")
        assert f"`{said.replace('early_events', 'NAME')}`" in recipe, path
