"""Reports of real results of every kind of analysis, to be checked and tampered with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import CODEBOOK, PLAN, Cohort, random_cohort, study_of
from tests.common.estimators.pooling import pool
from tests.common.release.rounded import released

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.read_back import results_from_json
from riskset_common.formats.canonical_json import canonical_json, sha256_hex
from riskset_common.formats.strict_yaml import parse_yaml
from riskset_common.planning.read import ReleasePlan
from riskset_common.results.as_json import as_json, to_text
from riskset_common.study.study import Study
from riskset_server.report import build_report
from riskset_server.report.run_files import read_run
from riskset_server.report_check import Disagreement, check_report

FEW = ("flow", "event table", "log-rank", "Cox within sites")


def identifier(name: str) -> str:
    """The id of an analysis by its name among all."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name)[:60]


ON_SHARES = {
    "committee": ["site-0", "site-1", "site-2"],
    "threshold": 1,
    "evaluations": {},
    "lost": [],
    "openings": 40,
    "days": {"time time": {"steps": 50, "n_steps": 64, "told": True}},
}
"""What results say of a computation on shares."""


def in_the_open() -> tuple[str, ...]:
    """The analyses whose rounded results programs give: all that are computed on shares, but for models, which are fitted after them."""
    return tuple(name for name, analysis in ALL.items() if _is_a_program(analysis))


def _is_a_program(analysis: Mapping[str, Any]) -> bool:
    study = study_of(analysis, 5, disclosure={"release": "rounded"})
    [spec] = study.plan.analyses
    is_model = spec.kind in ("cox", "univariate", "landmark") and {"strata", "terms"} & set(
        analysis
    )
    return not is_model and not any(estimator_of(spec.kind).not_rounded(spec, study))


def write_report(
    folder: Path, names: Iterable[str], cohort: Cohort | None = None, **changes: Any
) -> Path:
    """The folder of a report of these analyses, with changed keys of the plan."""
    asked = [{**ALL[name], "id": identifier(name)} for name in names]
    plan = ReleasePlan.model_validate(parse_yaml(PLAN, "plan.yaml") | {"analyses": asked} | changes)
    cohort = cohort or random_cohort(7, n=600)
    rounded = plan.disclosure.release == "rounded"
    analyses: Mapping[str, object]
    if rounded:
        study = Study(plan, CODEBOOK, study_of(asked[0], 5).sites)
        analyses = released(study, cohort.patients(study)).analyses
    else:
        analyses = {identifier(name): _exact(ALL[name], cohort) for name in names}
    results = {
        "schema": 1,
        "plan": {"id": plan.plan, "version": plan.version, "sha256": sha256_hex(plan)},
        "codebook": {"id": CODEBOOK.reference, "sha256": sha256_hex(CODEBOOK)},
        "sites": [f"site-{rank}" for rank in range(5)],
        "lost_sites": [],
        "secure": {
            "profile": "recoverable",
            "minimum_sites": 3,
            "committee": ["site-0", "site-1", "site-2"],
            "threshold": 2,
            "blind": ON_SHARES if rounded else None,
        },
        "released_to": plan.disclosure.to_be_given_to,
        "rounds": 6,
        "analyses": as_json(analyses),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(to_text(results), encoding="utf-8")
    (folder / "plan.json").write_bytes(canonical_json(plan))
    (folder / "codebook.json").write_bytes(canonical_json(CODEBOOK))
    build_report(results_from_json(results), plan, CODEBOOK, folder, ("docx",))
    return folder


def _exact(analysis: Mapping[str, Any], cohort: Cohort) -> dict[str, Any]:
    study = study_of(analysis, 5)
    return pool(study, cohort.patients(study)).result


def checked(folder: Path) -> list[Disagreement]:
    """What the check of a report finds."""
    return check_report(folder, read_run(folder))
