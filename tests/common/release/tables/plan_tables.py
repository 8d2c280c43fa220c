"""Counts of whole plans for tests: those of Interfant-06 from its files, and small ones, summed over the sites in the open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from riskset_common.estimators.counts_of_plan import plan_cells
from riskset_common.planning.check import variables_read
from riskset_common.planning.read import read_plan
from riskset_common.release.counted import Data
from riskset_common.release.program import Ask, Opened, answered, run
from riskset_common.release.tables.plan_cells import PlanCells, array_of
from riskset_common.release.tables.verdicts import PlanVerdicts, verdicts_program
from riskset_common.study.codebook import read_codebook
from riskset_common.study.patients import Patients
from riskset_common.study.study import Site, Study
from riskset_common.survival.arrays.calculator import Clear, InTheOpen
from riskset_common.survival.arrays.shapes import IntArray
from riskset_embedded.local_run import read_nodes
from riskset_node.records.preparing import build_patients
from riskset_node.records.reading import read_records

INTERFANT = Path(__file__).parents[4] / "deploy" / "studies" / "interfant06"


@dataclass(frozen=True)
class Counted:
    """The counts of a plan, what they are in truth, their verdicts, and what was opened for them."""

    study: Study
    cells: PlanCells
    truth: IntArray
    verdicts: PlanVerdicts
    opened: dict[str, Opened]

    @property
    def held(self) -> dict[int, str]:
        """Places of the counts that are not shown, with the reason."""
        place = self.cells.system(self.study).place
        found = {place[each.cell]: each.reason for each in self.verdicts.held}
        return {at: reason for at, reason in found.items() if at is not None}


def counted(study: Study, sites: Sequence[Patients]) -> Counted:
    """Count, and reach the verdicts."""
    cells = plan_cells(study)
    own = [cells.of(each, study) for each in sites]
    truth = np.array(
        [sum(int(each[array_of(place)]) for each in own) for place in range(cells.system(study).n)],
        dtype=np.int64,
    )
    data: Data = {
        cells: {array_of(place): Clear(n) for place, n in enumerate(truth[:, np.newaxis])}
    }
    opened: dict[str, Opened] = {}

    def answer(ask: Ask) -> Opened:
        opened[ask.name] = answered(ask)
        return opened[ask.name]

    verdicts = run(verdicts_program(cells, study, data, InTheOpen()), answer)
    return Counted(study, cells, truth, verdicts, opened)


@cache
def interfant(smallest: int, fewest: int) -> tuple[Study, tuple[Patients, ...]]:
    """The study of Interfant-06 at some floors, and the patients of each site."""
    nodes = read_nodes(INTERFANT / "nodes")
    plan, codebook = read_plan(INTERFANT / "plan.yaml"), read_codebook(INTERFANT / "codebook.yaml")
    floors = {"minimum_cell": smallest, "minimum_at_risk": fewest}
    disclosure = plan.disclosure.model_copy(update=floors)
    sites = sorted(
        (Site(node.site, node.study_group) for node in nodes), key=lambda site: site.name
    )
    study = Study(plan.model_copy(update={"disclosure": disclosure}), codebook, tuple(sites))
    patients = []
    for node in nodes:
        records = read_records(node, codebook, date(2026, 1, 1), variables_read(study))
        patients.append(build_patients(records, node, study))
    return study, tuple(patients)
