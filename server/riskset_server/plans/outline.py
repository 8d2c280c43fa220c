"""The outline of a plan in words, which a statistician reads before any site sees the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from riskset_common.consortium.roster_file import read_roster
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import sha256_hex
from riskset_common.planning.check import variables_read
from riskset_common.planning.committees import blind_analyses
from riskset_common.planning.doubts import doubts
from riskset_common.planning.linked_counts import floor_doubts, linked_analyses
from riskset_common.release.foreseen import foreseen
from riskset_common.rounds.questions import sites_of
from riskset_common.rounds.survey import is_surveyed
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.study import Study
from riskset_server.plans.at_sites import (
    Spare,
    blind_committee,
    public_facts,
    spare,
    spare_text,
    warnings,
)
from riskset_server.plans.exposures import everybody_exposed
from riskset_server.plans.submitted import submitted


class OutlinedAnalysis(TypedDict):
    """One analysis of an outline; `opens` says what its opened sums show, `blind` whether it is computed on shares.

    Under `release: rounded` no sum of an analysis is opened, and `opens` is empty.
    """

    id: str
    kind: str
    endpoint: str | None
    planned: str
    primary: bool
    opens: list[str]
    blind: bool


class Outline(TypedDict):
    """What a plan asks, as `riskset plan check --json` prints it.

    `public` says what becomes known under `release: rounded` beside the results.
    `blind_committee` holds who would serve where the roster is known, else the candidates that the plan names; `spare` is empty
    without a roster.
    """

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
    public: list[str]
    blind_committee: list[str]
    spare: list[Spare]
    warnings: list[str]


def outline(plan_path: Path, codebook_path: Path, roster_path: Path | None = None) -> Outline:
    """Read, check and summarise a plan, for the sites of a roster if one is given. Raises what `submitted` raises, with every problem."""
    roster = None if roster_path is None else read_roster(roster_path).roster
    sites = () if roster is None else sites_of(roster)
    submission = submitted(plan_path, codebook_path, sites=sites)
    plan, codebook = submission.plan, submission.codebook
    study = Study(plan, codebook, sites)
    rounded, blind = is_surveyed(study), blind_analyses(plan, sites)
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
            _outlined(analysis, is_blind=analysis.id in blind, opens_sums=not rounded)
            for analysis in plan.analyses
        ],
        "public": list(public_facts(study)) if rounded else [],
        "blind_committee": blind_committee(study)
        if sites
        else list(plan.secure.blind.candidates or ()),
        "spare": [] if roster is None else spare(study, roster),
        "warnings": [
            *doubts(study),
            *everybody_exposed(study),
            *(foreseen(study) if rounded else ()),
            *((*floor_doubts(study), *linked_analyses(study)) if rounded else ()),
            *(warnings(study) if sites else ()),
        ],
    }


def _outlined(analysis: AnalysisSpec, *, is_blind: bool, opens_sums: bool) -> OutlinedAnalysis:
    lines = estimator_of(analysis.kind).discloses.lines
    return {
        "id": analysis.id,
        "kind": analysis.kind,
        "endpoint": analysis.endpoint_name(),
        "planned": analysis.planned,
        "primary": analysis.primary,
        "opens": list(lines) if opens_sums else [],
        "blind": is_blind,
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
        if analysis["opens"]:
            lines.append("    opens, summed over the sites:")
            lines += [f"    - {shown}" for shown in analysis["opens"]]
        if analysis["blind"]:
            lines.append("    is computed on shares, by a committee of sites")
    if summary["public"]:
        lines += ["", "becomes known, beside the results:"]
        lines += [f"- {each}" for each in summary["public"]]
    lines += ["", *_at_sites(summary)] if summary["spare"] else []
    if any(analysis["blind"] for analysis in summary["analyses"]):
        lines += ["", _served_by(summary)]
    lines += [f"warning: {warning}" for warning in summary["warnings"]]
    return "\n".join([*lines, "", "The plan fits the codebook."])


def _at_sites(summary: Outline) -> list[str]:
    return ["sites that may be lost before the first sum is opened:"] + [
        f"- {spare_text(each)}" for each in summary["spare"]
    ]


def _served_by(summary: Outline) -> str:
    """Who computes on shares, as far as it is known."""
    named = ", ".join(summary["blind_committee"])
    if summary["spare"]:
        return f"on shares: {named} would serve, if all sites take part"
    if named:
        return f"on shares: the first of {named} that take part serve"
    return "on shares: who serves follows from plan, codebook and sites; --roster says who"
