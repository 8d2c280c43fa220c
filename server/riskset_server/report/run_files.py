"""The folder of a finished run as a report needs it: results.json, and the plan and codebook that they answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from riskset_common.errors import CodebookError, InputError, PlanError
from riskset_common.estimators.read_back import results_from_json
from riskset_common.formats.canonical_json import canonical_json, parse_canonical
from riskset_common.formats.strict_yaml import validate
from riskset_common.planning.read import ReleasePlan, read_plan
from riskset_common.results.whole_file import Results
from riskset_common.study.codebook import Codebook, read_codebook
from riskset_common.study.plan import Plan
from riskset_server.report.files import write_whole

RESULTS, PLAN, CODEBOOK = "results.json", "plan.json", "codebook.json"
"""A run's folder, local or of a deployment, has these three; so has the folder of a report."""

Read = TypeVar("Read", bound=BaseModel)


@dataclass(frozen=True)
class FinishedRun:
    """What a run found, and what it was asked."""

    results: Results
    plan: Plan
    codebook: Codebook


def read_run(folder: Path, plan: Path | None = None, codebook: Path | None = None) -> FinishedRun:
    """Read a run's folder; `plan` and `codebook` are YAML files to use in place of those in the folder.

    Raises
    ------
    InputError
        Where a file is missing or cannot be read, or plan or codebook is not the one that was run.
    """
    results = _read_results(folder / RESULTS)
    asked = _read(ReleasePlan, folder / PLAN, plan, read_plan, PlanError, results.plan.sha256)
    expected = results.codebook.sha256
    words = _read(Codebook, folder / CODEBOOK, codebook, read_codebook, CodebookError, expected)
    return FinishedRun(results, asked, words)


def write_run_files(run_folder: Path, run: FinishedRun, out: Path) -> None:
    """Put the three files beside a report that is written elsewhere than into its run's folder."""
    write_whole(out / RESULTS, (run_folder / RESULTS).read_bytes())
    for name, value in ((PLAN, run.plan), (CODEBOOK, run.codebook)):
        kept = run_folder / name
        write_whole(out / name, kept.read_bytes() if kept.exists() else canonical_json(value))


def _read_results(path: Path) -> Results:
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Give the folder of a finished run."
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: this is not JSON ({error}).") from error
    if not isinstance(written, dict) or not {"plan", "codebook", "analyses"} <= set(written):
        raise InputError(
            f"{path}: this is not a results.json: plan, codebook or analyses is missing."
        )
    return results_from_json(written, str(path))


def _read(
    model: type[Read],
    kept: Path,
    given: Path | None,
    read_yaml: Callable[[Path], Read],
    error: type[InputError],
    expected: str,
) -> Read:
    """Read plan or codebook from the file that is given, else from the one that the run kept, and check that it is the one that was run."""
    if given is not None:
        content, path = read_yaml(given), given
        digest = hashlib.sha256(canonical_json(content)).hexdigest()
    elif kept.exists():
        text, path = kept.read_bytes(), kept
        content = validate(model, parse_canonical(text), str(kept), error)
        digest = hashlib.sha256(text).hexdigest()
    else:
        option = f"--{kept.stem}"
        raise InputError(
            f"{kept}: the run kept no such file. Give the {kept.stem} that was run with {option}."
        )
    if digest != expected:
        raise InputError(
            f"{path}: this is not the {kept.stem} that was run (SHA-256 {digest[:12]}..., in the results "
            f"{expected[:12]}...). Give the one that was run."
        )
    return content
