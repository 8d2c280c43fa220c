"""For a model whose risk sets cross sites: its deaths at each step of the time grid, before it waits to be computed on shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from riskset_common.errors import ContradictionError
from riskset_common.estimators.cohort.groups import n_groups
from riskset_common.estimators.curves.counts import require_length
from riskset_common.estimators.estimator import Shape, Summary
from riskset_common.estimators.regression.blind import (
    BlindMemory,
    blind_questions,
    count_deaths,
    death_shapes,
)
from riskset_common.estimators.regression.questions.asked import (
    AskCox,
    CoxRequest,
    refuse_unless_blind,
)
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study


class AskDeaths(AskCox):
    """The deaths of a blind model on a grid of `n_steps`."""

    n_steps: int = Field(ge=1)

    def require_grounds(self, request: CoxRequest) -> None:
        """The grid follows from the checked lengths."""
        require_length(request, self.n_steps, n_groups(request.study, request.spec.strata))

    def shapes(self, spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
        """Cases, deaths by stratum and step, and what a test counts."""
        refuse_unless_blind(spec, study, on_shares=True)
        return death_shapes(spec, study, self.n_steps)

    def summarise(self, patients: Patients, request: CoxRequest) -> Summary:
        """The site's counts."""
        return count_deaths(patients, request, self.n_steps)

    def after(self, request: CoxRequest, pooled: Summary) -> CoxRequest:
        """Keep the deaths, and wait for the model to be computed on shares."""
        memory: BlindMemory = request.memory
        (whole, *_) = blind_questions(request, pooled).values()
        if (whole.n_patients, whole.n_events) != (memory.survey.n, memory.survey.events):
            raise ContradictionError(
                f"analysis {request.spec.id}: other patients or events were counted at the event times than in the survey. Records have "
                "changed since; start a new run."
            )
        waiting = Waiting(n_steps=self.n_steps)
        return replace(request, state=waiting, memory=replace(memory, pooled=pooled))


class Waiting(AskCox):
    """Nothing: the deaths were counted, and the model waits to be computed on shares."""

    n_steps: int = Field(ge=1)
    waits: Literal[True] = True

    def shapes(self, spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
        """None."""
        refuse_unless_blind(spec, study, on_shares=True)
        return {}

    def summarise(self, patients: Patients, request: CoxRequest) -> Summary:
        """Nothing."""
        del patients, request
        return {}

    def after(self, request: CoxRequest, pooled: Summary) -> CoxRequest:
        """Wait."""
        del pooled
        return request
