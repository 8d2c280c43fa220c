"""Studies as they lie in their folders, read without a run."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from riskset_common.planning.check import variables_read
from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import read_codebook
from riskset_common.study.patients import Patients
from riskset_common.study.plan import Disclosure
from riskset_common.study.study import Site, Study
from riskset_embedded.local_run import read_nodes
from riskset_node.records.preparing import build_patients
from riskset_node.records.reading import read_records


def study_in_folder(
    folder: Path, *, only: Collection[str] | None = None, **disclosure: object
) -> tuple[Study, list[Patients]]:
    """A study, and the patients of its sites in the order of their names.

    Parameters
    ----------
    only
        The analyses to keep, if not all.
    disclosure
        Settings in place of the plan's.
    """
    plan, codebook = read_plan(folder / "plan.yaml"), read_codebook(folder / "codebook.yaml")
    kept = tuple(each for each in plan.analyses if only is None or each.id in only)
    plan = plan.model_copy(
        update={
            "disclosure": Disclosure.model_validate(disclosure),
            "analyses": kept,
            "displays": (),
        }
        if only is not None
        else {"disclosure": Disclosure.model_validate(disclosure)}
    )
    nodes = sorted(read_nodes(folder / "nodes"), key=lambda node: node.site)
    study = Study(plan, codebook, tuple(Site(node.site, node.study_group) for node in nodes))
    needed, today = variables_read(study), datetime.now(UTC).date()
    return study, [
        build_patients(read_records(node, codebook, today, needed), node, study) for node in nodes
    ]
