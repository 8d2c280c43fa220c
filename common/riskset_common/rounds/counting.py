"""All that a plan with rounded results counts and computes on shares, worked out by centre, sites and committee alike.

Nothing here rests on what the centre says: it follows from the approved plan and from the survey, whose opening each site checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from riskset_common.errors import ContradictionError, EstimationError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.counts_of_plan import plan_cells, with_words
from riskset_common.estimators.withholding import without_result
from riskset_common.formats.canonical_json import canonical_json, content_hash
from riskset_common.primitives.hashing import H
from riskset_common.release.counted import Counted, Data
from riskset_common.release.curves.plan_times import Wanted, times_program
from riskset_common.release.facts import DaySet, Facts
from riskset_common.release.given import Given
from riskset_common.release.models import ModelsWait
from riskset_common.release.program import Program, together
from riskset_common.release.tables.plan_cells import PlanCells
from riskset_common.release.tables.verdicts import PlanVerdicts, verdicts_program
from riskset_common.results.shown import NO_RESULT
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.rounds.blind_models import Session
from riskset_common.rounds.survey import Survey, own_survey
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.work import CountWork, Origin
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import Calculator

ENOUGH_EVENTS: Final = 100
"""Events of an origin that not every patient has, from which on their days are told."""


@dataclass(frozen=True)
class Outcome:
    """What the programs of a plan give: the result of each analysis by its id, or its models that wait for a fit, and the verdicts of all
    counts.
    """

    analyses: Mapping[str, ReleasedResult | ModelsWait]
    verdicts: PlanVerdicts


@dataclass(frozen=True)
class PlanWork(CountWork[Outcome]):
    """A plan as a computation on shares.

    Attributes
    ----------
    of
        The study, with the sites that joined.
    survey
        What everybody knows of it.
    """

    of: Study
    survey: Survey

    @cached_property
    def study(self) -> Study:
        """Plan and codebook, with the variables that single analyses have for themselves."""
        return with_words(self.of)

    @cached_property
    def cells(self) -> PlanCells:
        """The counts that the analyses show."""
        return plan_cells(self.study)

    def values(self, patients: Patients) -> Patients:
        """A site's patients with the values of these variables. Run by a site."""
        for spec in self.of.plan.analyses:
            patients = estimator_of(spec.kind).values(spec, patients, self.of)
        return patients

    @property
    def hash(self) -> bytes:
        """32 bytes over plan, codebook and lengths of grids, from which all that is counted follows."""
        return H(
            b"count-work",
            content_hash(self.of.plan),
            content_hash(self.of.codebook),
            canonical_json(dict(self.survey.n_steps)),
        )

    def origins(self) -> tuple[Origin, ...]:
        """The days of events of each origin; of one that not everybody has only if there are many."""
        return tuple(
            Origin(days, 0 if _is_everybodys(self.of, days.origin) else ENOUGH_EVENTS)
            for days in self.survey.event_days
        )

    def counted(self, facts: Facts) -> tuple[Counted, ...]:
        """The counts of the plan, and what the analyses need besides, each once, in the order of the plan."""
        needed = (
            each
            for spec in self.study.plan.analyses
            for each in estimator_of(spec.kind).uploads(spec, self.study, facts)
        )
        return tuple(dict.fromkeys((self.cells, *needed)))

    def curves(self, facts: Facts) -> tuple[Wanted, ...]:
        """The curves of all analyses, in the order of the plan."""
        return tuple(
            each
            for spec in self.study.plan.analyses
            for each in estimator_of(spec.kind).curves(spec, self.study, facts)
        )

    def program(self, facts: Facts, data: Data, calculator: Calculator) -> Program[Outcome]:
        """The verdicts of all counts, the times of all curves, then the programs of all analyses, side by side."""
        verdicts = yield from verdicts_program(self.cells, self.study, data, calculator)
        given = Given(self.study, facts, data, calculator, verdicts.cells)
        given = replace(given, accepted=(yield from times_program(self.curves(facts), given)))
        analyses = yield from together(
            {spec.id: _program(spec, given) for spec in self.study.plan.analyses}
        )
        return Outcome(analyses, verdicts)


def rehearse(patients: Patients, study: Study) -> None:
    """Count all that a plan counts, on the days of this site's own events, and keep nothing. Run by a site before it joins.

    What fails on its records fails now. After it has joined, its answers never depend on them.
    """
    survey = own_survey(patients, study)
    days = {
        each.origin: DaySet(
            tuple(np.flatnonzero(each.of(patients, study)["events"]).tolist()),
            each.n_steps,
            told=True,
        )
        for each in survey.event_days
    }
    work = PlanWork(study, survey)
    with_values = work.values(patients)
    for counted in work.counted(Facts(days, patients.n + 1)):
        counted.of(with_values, work.study)


def _program(spec: AnalysisSpec, given: Given) -> Program[ReleasedResult | ModelsWait]:
    """The program of one analysis; one that cannot be computed ends with a sentence, and the others go on."""
    estimator = estimator_of(spec.kind)
    try:
        result: ReleasedResult | ModelsWait = yield from estimator.program(spec, given)
    except ContradictionError:
        raise
    except EstimationError as error:
        return without_result(estimator, NO_RESULT, str(error))
    return result


def count_setup(session: Session, work: PlanWork) -> CountSetup:
    """What the computation is bound to."""
    return CountSetup(
        session.setup.hash,
        session.roster,
        session.participants,
        session.committee,
        work.of.plan.secure.blind.checked == "required",
        work.hash,
    )


def _is_everybodys(study: Study, origin: str) -> bool:
    """Whether every patient has times from this origin, because the codebook requires what they begin with."""
    variable = study.codebook.variables.get(origin.removeprefix("time "))
    return variable is not None and variable.required
