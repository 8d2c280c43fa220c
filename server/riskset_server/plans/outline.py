"""The outline of a plan in words, which a statistician reads before any site sees the plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from riskset_common.consortium.roster_file import read_roster
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import sha256_hex
from riskset_common.planning.check import variables_read
from riskset_common.planning.read import read_plan
from riskset_common.rounds.questions import rule_of
from riskset_common.study.study import Study
from riskset_server.plans.submitted import submitted


def check_sites(plan_path: Path, roster_path: Path) -> None:
    """Check that the sites of a roster can run the plan's secure sums. Raises `PlanError`, as for a committee that it does not hold."""
    rule_of(read_plan(plan_path), read_roster(roster_path).roster)


class OutlinedAnalysis(TypedDict):
    """One analysis of an outline; `opens` says what its opened sums show, `blind` whether it is computed on shares."""

    id: str
    kind: str
    endpoint: str | None
    planned: str
    primary: bool
    opens: list[str]
    blind: bool


class Outline(TypedDict):
    """What a plan asks, as `riskset plan check --json` prints it."""

    plan: str
    version: str
    sha256: str
    codebook_sha256: str
    codebook: str
    conventions: str
    release: str
    released_to: str | None
    reads: list[str]
    analyses: list[OutlinedAnalysis]
    blind_committee: list[str]


def outline(plan_path: Path, codebook_path: Path) -> Outline:
    """Read, check and summarise a plan. Raises what `submitted` raises, with every problem."""
    submission = submitted(plan_path, codebook_path)
    plan, codebook = submission.plan, submission.codebook
    study = Study(plan, codebook, ())
    return {
        "plan": plan.plan,
        "version": plan.version,
        "sha256": sha256_hex(plan),
        "codebook_sha256": sha256_hex(codebook),
        "codebook": codebook.reference,
        "conventions": plan.conventions,
        "release": plan.disclosure.release,
        "released_to": plan.disclosure.to_be_given_to,
        "reads": sorted(variables_read(study)),
        "analyses": [
            {
                "id": analysis.id,
                "kind": analysis.kind,
                "endpoint": analysis.endpoint_name(),
                "planned": analysis.planned,
                "primary": analysis.primary,
                "opens": list(estimator_of(analysis.kind).discloses.lines),
                "blind": estimator_of(analysis.kind).is_blind(analysis, study.sites),
            }
            for analysis in plan.analyses
        ],
        "blind_committee": list(plan.secure.blind.committee or ()),
    }


def outline_text(summary: Outline) -> str:
    """The outline for a person."""
    lines = [
        f"{summary['plan']} {summary['version']}  sha256 {summary['sha256']}",
        f"codebook {summary['codebook']}  sha256 {summary['codebook_sha256']}",
        f"conventions {summary['conventions']}, release {summary['release']}",
        f"reads    {', '.join(summary['reads'])}",
        f"results  {summary['released_to']}",
        "",
    ]
    for analysis in summary["analyses"]:
        flags = [
            name
            for name, flag in (
                ("primary", analysis["primary"]),
                ("post hoc", analysis["planned"] == "post_hoc"),
            )
            if flag
        ]
        endpoint = f" of {analysis['endpoint']}" if analysis["endpoint"] else ""
        lines.append(
            f"{analysis['id']}: {analysis['kind']}{endpoint}{' (' + ', '.join(flags) + ')' if flags else ''}"
        )
        lines.append("    opens, summed over the sites:")
        lines += [f"    - {shown}" for shown in analysis["opens"]]
        if analysis["blind"]:
            lines.append(f"    is computed on shares: {_allowed(summary['blind_committee'])}")
    return "\n".join([*lines, "", "The plan fits the codebook."])


def _allowed(committee: Sequence[str]) -> str:
    """What the sites must allow for a blind model."""
    serving = ", ".join(committee) or "the first by name, which compute,"
    return f"each site must allow blind_cox in its policy, {serving} blind_committee as well"
