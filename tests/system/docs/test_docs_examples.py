"""Every plan that the pages show can be run to its report, with exact and with rounded results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.runs import Change, finished_results, plan_with, policies_with
from tests.system.docs.examples_of_pages import (
    alone,
    base_of,
    in_two_groups,
    released,
    together,
    write_infants,
    write_page,
)
from tests.system.docs.pages import page

from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.estimators.read_back import results_from_json
from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import read_codebook
from riskset_embedded.demos.lung import study_folder
from riskset_node.policy import DEFAULT_ESTIMATORS
from riskset_server.report.build import Report, compose

ALL_ALLOWED = tuple(dict.fromkeys((*DEFAULT_ESTIMATORS, *(each.kind for each in ESTIMATORS))))
LUNG, INFANTS = ("lung plan", "blind lung plan"), ("plan",)
BY_GROUPS = {"id": "by_groups", "kind": "heterogeneity", "endpoint": "OS", "by": "institutions"} | {
    "terms": [{"factor": "sex", "reference": "male"}]
}
"""Groups of sites need a codebook of their own, so that the page of the kind shows none in a plan."""
RELEASES = pytest.mark.parametrize("release", ["exact", "rounded"])
allowing_all = policies_with(estimators=list(ALL_ALLOWED))


def reported(study: Path, *changes: Change) -> Report:
    """The report of a run, without its files: to draw them is what takes long, and does not depend on the results."""
    for change in changes:
        change(study)
    plan, codebook = read_plan(study / "plan.yaml"), read_codebook(study / "codebook.yaml")
    results = results_from_json(json.loads(finished_results(study).read_text(encoding="utf-8")))

    assert {each.id for each in plan.analyses} == set(results.analyses)
    return compose(results, plan, codebook)


@pytest.fixture
def infants(tmp_path: Path) -> Path:
    return write_infants(tmp_path)


@RELEASES
def test_the_examples_of_the_lung_study_run(release: str, tmp_path: Path) -> None:
    plan = together(base_of("lung"), LUNG)
    plan["analyses"] = [*plan["analyses"], BY_GROUPS]
    study = shutil.copytree(study_folder("lung"), tmp_path / "lung")
    report = reported(study, in_two_groups, plan_with(**plan), allowing_all, released(release))

    assert report.blocks
    assert release == "rounded" or len(plan["displays"]) == len(report.blocks)


@RELEASES
def test_the_examples_of_the_study_of_the_pages_run(release: str, infants: Path) -> None:
    plan = together(base_of("infants"), INFANTS)
    report = reported(infants, plan_with(**plan), allowing_all, released(release))

    assert report.blocks
    assert release == "rounded" or len(plan["displays"]) == len(report.blocks)


@RELEASES
def test_the_examples_that_change_more_of_a_plan_run(release: str, infants: Path) -> None:
    plans = [
        plan
        for plan in alone(base_of("infants"), INFANTS)
        if release == "exact" or plan.get("disclosure", {}).get("release") != "exact"
    ]
    pages = [
        reported(infants, plan_with(**plan), allowing_all, released(release)).page for plan in plans
    ]

    assert {"exact": 7, "rounded": 5}[release] == len([page for page in pages if "</html>" in page])


@RELEASES
def test_the_first_study_runs(release: str, tmp_path: Path) -> None:
    report = reported(write_page(page("first-study.md"), tmp_path), released(release))

    assert report.blocks
