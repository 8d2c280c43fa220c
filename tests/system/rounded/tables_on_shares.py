"""A study of four sites whose event tables are computed on shares, by programs that do nothing but open.

What is tested with it is how a run flows. The programs open whole tables, which no program of the product does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.system.embedded.lost_sites import drawn
from tests.system.end_to_end.small_study import SITES, SmallStudy, write_small_study

from riskset_common.estimators.estimator import Request
from riskset_common.estimators.tables.event_table import CountEvents, EventTable, EventTableSpec
from riskset_common.planning.read import read_plan
from riskset_common.release.counted import Counted, CountedArray, OwnNumbers
from riskset_common.release.facts import Facts
from riskset_common.release.given import Given
from riskset_common.release.program import Opens, Program
from riskset_common.release.tables.verdicts import PlanVerdicts
from riskset_common.results.tables import EventTableResult
from riskset_common.results.whole_file import Results
from riskset_common.rounds import counting
from riskset_common.study.codebook import read_codebook
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_embedded.engine import Parties, run_local
from riskset_embedded.local_run import read_nodes
from riskset_embedded.transcript import Transcript
from riskset_server.run.course import Watcher

TABLES = (
    {"id": "deaths", "kind": "event_table", "endpoint": "OS", "by": "sex"},
    {"id": "all_deaths", "kind": "event_table", "endpoint": "OS"},
)


@dataclass(frozen=True)
class Cells(Counted):
    """The cells of an event table, and patients who are in none."""

    endpoint: str
    by: tuple[str, ...]

    def request(self, study: Study) -> Request[EventTableSpec, CountEvents]:
        spec = EventTableSpec(id="table", kind="event_table", endpoint=self.endpoint, by=self.by)
        return Request(spec, study, CountEvents())

    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        shapes = EventTable().shapes(self.request(study))
        return {name: CountedArray(shape.shape or (1,)) for name, shape in shapes.items()}

    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        summary = EventTable().summarise(patients, self.request(study))
        return {name: np.atleast_1d(values) for name, values in summary.items()}


def opens_the_table(spec: EventTableSpec, given: Given) -> Program[EventTableResult]:
    """All of it, at once."""
    counted = Cells(spec.endpoint, spec.by)
    names = tuple(counted.arrays(given.study))
    opened = yield [Opens(name, given.data[counted][name]) for name in names]
    cells = dict(zip(names, opened, strict=True))
    pooled = {"cells": cells["cells"], "missing": cells["missing"][0]}
    return EventTable().next(counted.request(given.study), pooled)


def nothing_is_held(*_: object) -> Program[PlanVerdicts]:
    """No verdict: the tables are shown whole."""
    yield from ()
    return PlanVerdicts({}, ())


def compute_tables_on_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Event tables are computed by these programs."""

    def uploads(
        _: EventTable, spec: EventTableSpec, study: Study, facts: Facts
    ) -> tuple[Cells, ...]:
        del study, facts
        return (Cells(spec.endpoint, spec.by),)

    monkeypatch.setattr(EventTable, "not_rounded", lambda *_: iter(()))
    monkeypatch.setattr(EventTable, "uploads", uploads)
    monkeypatch.setattr(EventTable, "program", lambda _, spec, given: opens_the_table(spec, given))
    monkeypatch.setattr(counting, "verdicts_program", nothing_is_held)


def rounded_study(
    folder: Path,
    *,
    release: str = "rounded",
    sites: Sequence[str] = SITES,
    blind: Mapping[str, object] | None = None,
    analyses: Sequence[Mapping[str, object]] = TABLES,
    patients: int = 24,
) -> SmallStudy:
    """The study, its plan of two event tables if nothing else is said."""
    study = write_small_study(folder, sites=sites, patients=patients)

    def changed(plan: dict[str, object]) -> None:
        plan["analyses"] = list(analyses)
        plan["disclosure"] = {"release": release, "minimum_sites": 3}
        plan["secure"] = {"blind": blind or {}}

    study.change_yaml(study.plan, changed)
    for node in study.nodes.iterdir():
        study.change_yaml(
            node, lambda settings: settings.update(policy={"release": release, "minimum_sites": 3})
        )
    return study


def run(study: SmallStudy, *, keep: bool = False, watcher: Watcher | None = None) -> Results:
    """Run it in this process; messages and states are kept in the study's folder if wanted."""
    parties = Parties(read_nodes(study.nodes), draw=drawn)
    outboxes = study.folder / "outboxes" if keep else None
    if outboxes is not None:
        outboxes.mkdir(exist_ok=True)
    return run_local(
        read_plan(study.plan),
        read_codebook(study.codebook),
        parties,
        transcript=Transcript(study.folder / "transcript") if keep else None,
        outboxes=outboxes,
        watcher=watcher,
    )
