"""`riskset demo interfant06`: a whole paper from one plan by 18 study groups on this machine, beside its published figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from riskset_common.formats.strict_yaml import read_yaml
from riskset_embedded.demos.lung import introduce, study_folder
from riskset_embedded.demos.published.document import PAPER, in_one_sentence, write_paper
from riskset_embedded.local_run import run_files
from riskset_node.commands.console import visible_console
from riskset_server.report.run_files import read_run

STUDY = "interfant06"


def run_trial_demo(
    out: Path, *, exact: bool = False, lose: Sequence[str] = (), quiet: bool = False
) -> str:
    """Run the trial's plan, write paper.md beside the report, and give what is printed at the end.

    Parameters
    ----------
    exact
        Release every step and digit, and not the rounded numbers that the plan asks for.
    """
    study = study_folder(STUDY)
    introduce(study / "nodes", visible_console(stderr=True, quiet=quiet))
    with TemporaryDirectory() as folder:
        plan = study / "plan.yaml"
        if exact:
            plan = released_exactly(plan, Path(folder))
        finished = run_files(
            plan, study / "codebook.yaml", study / "nodes", out, lose=lose, quiet=quiet
        )
    results = read_run(finished).results
    compared = write_paper(study, results, finished)
    return f"{in_one_sentence(compared)}\npaper: {finished / PAPER}\nreport: {finished / 'report.html'}"


def released_exactly(plan: Path, folder: Path) -> Path:
    """Write a plan into a folder as it is, but for `release: exact`, and give the new file."""
    written = read_yaml(plan)
    disclosure = written.get("disclosure")
    rules = disclosure if isinstance(disclosure, dict) else {}
    written["disclosure"] = {**rules, "release": "exact"}
    copied = folder / plan.name
    copied.write_text(
        yaml.safe_dump(written, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    return copied
