"""In what a run departs from its plan, and what the methods say of its sums."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from riskset_common.estimators.read_back import results_from_json
from riskset_common.results.from_json import from_json
from riskset_common.results.whole_file import SecureComputation
from riskset_server.kinds.kinds import words_of
from riskset_server.report import build_report
from riskset_server.report.blocks import parts_of
from riskset_server.report.deviations import deviations
from riskset_server.report.secrecy import secrecy

WITH_HELD_CELLS = ("table1", "events")
RULE = {"withheld": "minimum_cell 5"}
SECURE = {
    "profile": "recoverable",
    "minimum_sites": 3,
    "committee": ["aieop", "dcog", "pinda", "coall"],
    "threshold": 3,
    "blind": None,
}


def found_in(trial: ModuleType, plan: Any, **changes: Any) -> list[tuple[str, str]]:
    results = results_from_json(trial.study_results() | changes)
    words = words_of(plan, trial.study_codebook())
    return [(fact.term, fact.text) for fact in deviations(results, parts_of(results, plan), words)]


@pytest.fixture
def planned(trial: ModuleType) -> Any:
    """A plan in which everything is planned, without displays and without the table whose cells are withheld."""
    plan = trial.study_plan()
    analyses = [
        each.model_copy(update={"planned": "planned"})
        for each in plan.analyses
        if each.id not in WITH_HELD_CELLS
    ]
    return plan.model_copy(update={"analyses": tuple(analyses)})


def test_a_run_as_planned_has_no_deviations(trial: ModuleType, planned: Any) -> None:
    assert [] == found_in(trial, planned, secure=SECURE, lost_sites=[])


def test_lost_sites_sites_not_asked_and_a_stricter_opening_are_named(
    trial: ModuleType, planned: Any
) -> None:
    quorum = planned.quorum.model_copy(update={"of": 6})
    plan = planned.model_copy(update={"quorum": quorum})

    assert [
        (
            "Lost sites (1)",
            "coall: asked, and in no result, because they were lost before the first sum was opened.",
        ),
        ("Sites not asked", "6 were to be invited, and 4 were asked."),
        ("Opening of sums", "strict, where the plan says recoverable."),
    ] == found_in(trial, plan, lost_sites=["coall"], secure=SECURE | {"profile": "strict"})


def test_what_was_not_planned_and_what_no_display_shows_is_named(trial: ModuleType) -> None:
    found = dict(found_in(trial, trial.study_plan(trial.DISPLAYS)))

    assert "Event-free survival by KMT2A status." == found["In no table or figure"]
    assert found["Post hoc"].startswith("Event-free survival by KMT2A status; Cox model of")


def test_an_analysis_that_only_a_panel_shows_is_shown(trial: ModuleType, planned: Any) -> None:
    named = "[efs, os, efs_risk, efs_kmt2a, dfs_arm]"
    extra = f"displays:\n  - {{figure: F, panels: [{{of: {named}}}, {{of: [cox_all, cox_arm]}}]}}\n"
    displays = trial.study_plan(extra).displays
    found = dict(found_in(trial, planned.model_copy(update={"displays": displays})))

    assert found["In no table or figure"].startswith("Follow-up")
    assert "survival by" not in found["In no table or figure"].removesuffix("by risk group.")


def test_what_was_held_back_is_counted_by_rule(trial: ModuleType, planned: Any) -> None:
    analyses = trial.study_results()["analyses"]
    groups = analyses["efs_risk"]["groups"]
    groups[0]["events"] = groups[1]["events"] = RULE
    groups[2]["at"] = {"withheld": "minimum_at_risk 10"}
    efs = analyses["efs"]
    analyses["efs"] = {"kind": efs["kind"], "warnings": []} | {
        key: RULE for key in efs if key not in ("kind", "warnings")
    }
    found = [
        text for term, text in found_in(trial, planned, analyses=analyses) if "Withheld" == term
    ]

    assert (
        "Event-free survival by risk group: entries of the results held back: 1 under the disclosure rule minimum_at_risk 10 and "
        "2 under the disclosure rule minimum_cell 5."
    ) in found
    assert "Event-free survival, as a whole, under the disclosure rule minimum_cell 5." in found


def test_the_page_has_the_section_and_says_none(trial: ModuleType, planned: Any, tmp_path) -> None:
    results = trial.study_results()
    results["analyses"]["cox_arm"]["strata"] = []
    clean = {name: each for name, each in results["analyses"].items() if name == "cox_all"}
    only = planned.model_copy(update={"analyses": (planned.analysis("cox_all"),)})
    page = build_report(
        results_from_json(results | {"analyses": clean}), only, trial.study_codebook(), tmp_path, ()
    ).read_text(encoding="utf-8")

    assert "<h2>Deviations from the plan</h2>\n<p>None.</p>" in page
    assert '<a href="#deviations">' in page


def test_the_methods_say_how_sums_were_opened(trial: ModuleType) -> None:
    exact = words_of(trial.study_plan(disclosure={"release": "exact"}), trial.study_codebook())
    _, recoverable = secrecy(from_json(SecureComputation, SECURE), exact)
    strict_terms = SECURE | {"profile": "strict", "committee": []}
    masked, strict = secrecy(from_json(SecureComputation, strict_terms), exact)

    assert masked.startswith("Each site sent counts and sums that were masked")
    assert "over at least 3 sites; it took 3 of the 4 sites of a committee" in recoverable
    assert strict.startswith("Each sum is over all sites that joined")
