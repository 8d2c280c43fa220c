"""The infant leukaemia trial: its codebook, its whole analysis plan, and the part of the plan that this release can answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from riskset_common.formats.strict_yaml import read_yaml
from riskset_common.planning.read import plan_of
from riskset_common.study.codebook import Codebook
from riskset_common.study.study import Site, Study

FOLDER = Path(__file__).parent / "yaml"
CODEBOOK = FOLDER / "codebook.yaml"
WHOLE_PLAN = FOLDER / "whole_plan.yaml"
"""The plan as it was written, with kinds of analysis that are not in this release, too."""

ANSWERED = ("follow_up", "baseline", "event_table", "flow", "kaplan_meier", "cox")

STUDY_GROUPS = (
    *(
        "DCOG",
        "UKCCSG",
        "FRALLE",
        "AIEOP",
        "COALL",
        "EORTC",
        "NOPHO",
        "BFM-A",
        "SJCRH",
        "DFCI",
        "CPH",
        "BFM-G",
    ),
    *("ARG", "PINDA", "ANZCHOG", "HKPHOSG", "PPLLSG", "SEATTLE"),
)


def codebook_yaml() -> dict[str, Any]:
    """The codebook as it was written, afresh on each call."""
    return dict[Any, Any](read_yaml(CODEBOOK))


def plan_yaml() -> dict[str, Any]:
    """What this release answers of the plan as it was written, afresh on each call: kinds, keys and displays that it has."""
    plan: dict[str, Any] = dict[Any, Any](read_yaml(WHOLE_PLAN))
    plan["analyses"] = [
        analysis
        for analysis in plan["analyses"]
        if analysis["kind"] in ANSWERED and "copy" not in analysis
    ]
    for analysis in plan["analyses"]:
        analysis.pop("diagnostics", None)
        if analysis["kind"] == "cox":
            analysis["strata"] = ["site"]
    kept = {analysis["id"] for analysis in plan["analyses"]}
    plan["displays"] = [
        {key: item for key, item in display.items() if key != "subgroups"}
        for display in plan["displays"]
        if {*([display["of"]] if isinstance(display["of"], str) else display["of"])} <= kept
    ]
    return plan


def sites(groups: tuple[str, ...] = STUDY_GROUPS) -> tuple[Site, ...]:
    """One site for each study group."""
    return tuple(
        sorted((Site(group.lower(), group) for group in groups), key=lambda site: site.name)
    )


def study(
    plan: dict[str, Any] | None = None,
    codebook: dict[str, Any] | None = None,
    parties: tuple[Site, ...] | None = None,
) -> Study:
    """The trial with its eighteen sites, or with other plans, codebooks and sites."""
    return Study(
        plan_of(plan or plan_yaml(), "plan.yaml"),
        Codebook.model_validate(codebook or codebook_yaml()),
        sites() if parties is None else parties,
    )
