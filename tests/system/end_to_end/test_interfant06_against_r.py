"""The whole plan of the trial: every number of 18 study groups equals R's on the pooled patients, and the paper is complete."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.runs import copied_run

from riskset_common.estimators.read_back import results_from_json
from riskset_common.planning.read import ReleasePlan, read_plan
from riskset_common.results.as_json import to_text
from riskset_embedded.demos import interfant06 as demo
from riskset_embedded.demos.interfant06 import released_exactly, run_trial_demo
from riskset_embedded.demos.lung import study_folder
from riskset_embedded.demos.published.compared import compare
from riskset_embedded.demos.published.mapping import read_map
from riskset_embedded.demos.published.places import NotShown, result_at
from riskset_server.report.run_files import read_run
from riskset_server.report_check import check_report

STUDY = study_folder("interfant06")
ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "interfant06"
RELATIVE, ABSOLUTE = 1e-9, 1e-12
COUNTED_ONLY = {"flow"}
"""Analyses without a number in golden.json: R has no function for a flow of patients."""

Run = tuple[str, Path, dict[str, Any]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What the demonstration prints, where it wrote, and its results: exact, as the golden numbers are. All workers share its run."""
    out = tmp_path_factory.mktemp("trial") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "run_files", copied_run)
        printed = run_trial_demo(out, exact=True, quiet=True)
    return printed, out, json.loads((out / "results.json").read_text(encoding="utf-8"))


def golden() -> list[tuple[str, float | None]]:
    text = (GOLDEN / "golden.json").read_text(encoding="utf-8")
    return [(place, value) for place, value in json.loads(text)]


def differs(found: Any, expected: float | None) -> bool:
    if isinstance(found, NotShown) or found is None or expected is None:
        return found is not expected
    return bool(abs(found - expected) > max(ABSOLUTE, RELATIVE * abs(expected)))


def test_the_results_read_back_as_they_were_written(run: Run) -> None:
    _, out, results = run

    assert (out / "results.json").read_text(encoding="utf-8") == to_text(results_from_json(results))


def test_every_number_of_the_plan_equals_r(run: Run) -> None:
    _, _, results = run
    numbers = golden()
    different = [
        (place, found, expected)
        for place, expected in numbers
        if differs(found := result_at(results["analyses"], place), expected)
    ]

    assert [] == different
    assert set(results["analyses"]) - COUNTED_ONLY == {
        place.partition(".")[0] for place, _ in numbers
    }
    assert 1500 < len(dict(numbers)) == len(numbers)


def rounds_of(result: dict[str, Any]) -> int:
    """Rounds of an analysis by itself: counts, curves after their lengths, evaluations after a survey."""
    if result["kind"] == "cox":
        return 1 + result["iterations"] + 1 if result["strata"] else 3
    return 1 if result["kind"] in {"baseline", "event_table", "flow"} else 2


def test_the_plan_takes_the_rounds_of_its_longest_analysis_and_one_for_all_blind_models(
    run: Run,
) -> None:
    _, _, results = run

    assert max(map(rounds_of, results["analyses"].values())) + 1 == results["rounds"]
    assert {"cox_all", "cox_rearranged", "cox_arm_region"} == set(
        results["secure"]["blind"]["evaluations"]
    )


def test_the_paper_leaves_no_figure_out_and_is_near_the_published_ones(run: Run) -> None:
    printed, out, results = run
    published = json.loads((STUDY / "published.json").read_text(encoding="utf-8"))
    compared = compare(results["analyses"], published, read_map(STUDY / "paper.yaml", published))
    apart = [abs(each.difference) for each in compared if each.difference is not None]

    assert [] == [each.place for each in compared if not each.shown]
    assert 0.9 <= sum(value <= 2 for value in apart) / len(apart)
    assert 3 > max(apart)
    assert printed.splitlines()[-1] == f"report: {out / 'report.html'}"
    assert all(
        f"| `{each.place}` | {each.published} | {each.run} |"
        in (out / "paper.md").read_text("utf-8")
        for each in compared
    )


def test_the_report_agrees_with_itself_and_with_its_results(run: Run) -> None:
    _, out, _ = run

    assert [] == check_report(out, read_run(out))


def test_the_first_table_of_the_readme_is_that_of_the_run(run: Run) -> None:
    _, out, _ = run
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(readme) if "(Table 1 of the report)" in line)
    shown = [line.strip("| ").split(" | ")[1:] for line in readme[start + 2 : start + 10]]
    with (out / "tables" / "Table_1.csv").open(encoding="utf-8", newline="") as lines:
        found = [row[1:] for row in csv.reader(lines) if len(row) == 4 and " to " in row[2]]

    assert found == shown


def test_an_exact_copy_of_a_plan_differs_in_its_release_only(tmp_path: Path) -> None:
    plan = read_plan(STUDY / "plan.yaml")
    exact = read_plan(released_exactly(STUDY / "plan.yaml", tmp_path))
    said = exact.model_dump() | {"disclosure": plan.disclosure.model_dump()}

    assert "exact" == exact.disclosure.release
    assert plan == ReleasePlan.model_validate(said)


def test_every_analysis_of_the_plan_is_shown_or_compared() -> None:
    plan = read_plan(STUDY / "plan.yaml")
    published = json.loads((STUDY / "published.json").read_text(encoding="utf-8"))
    figures = read_map(STUDY / "paper.yaml", published).figures.values()
    shown = {name for display in plan.displays for name in display.of}
    compared = {figure.place.partition(".")[0] for figure in figures if figure.kind != "none"}

    assert {analysis.id for analysis in plan.analyses} == shown | compared
