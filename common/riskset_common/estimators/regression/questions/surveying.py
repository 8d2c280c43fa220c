"""The first question: how many patients and events there are, and how wide each column is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from riskset_common.errors import EstimationError
from riskset_common.estimators.cohort.causes import cause_specific_times
from riskset_common.estimators.cohort.groups import n_groups
from riskset_common.estimators.curves.counts import grid_length, length_marks, length_shapes
from riskset_common.estimators.estimator import Shape, Summary
from riskset_common.estimators.regression.blind import BlindMemory, without_events
from riskset_common.estimators.regression.fitting import Fitting
from riskset_common.estimators.regression.questions.asked import AskCox, CoxRequest
from riskset_common.estimators.regression.questions.deaths import AskDeaths
from riskset_common.estimators.regression.questions.likelihood import AskLikelihood
from riskset_common.estimators.regression.questions.memory import CoxMemory
from riskset_common.estimators.regression.result import Survey
from riskset_common.estimators.regression.rows import cohort_of
from riskset_common.estimators.regression.site import arrange_model
from riskset_common.estimators.regression.spec import FEWEST_CLUSTERS, CoxSpec
from riskset_common.estimators.regression.survey import read_survey, survey, survey_shapes
from riskset_common.results.regression import CoxResult
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study


class AskSurvey(AskCox):
    """How many there are, and the magnitude of each column; the length of the time grid, where one is needed."""

    needs_events: ClassVar[bool] = False

    def shapes(self, spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
        """Counts."""
        lengths = length_shapes() if spec.counts_times else {}
        return {**survey_shapes(spec, study), **lengths}

    def summarise(self, patients: Patients, request: CoxRequest) -> Summary:
        """The site's counts; its design is made now, so that the first sums wait for less."""
        spec, study = request.spec, request.study
        if not spec.crosses_sites(study.sites):
            arrange_model(patients, request)
        times = cause_specific_times(cohort_of(patients, request).patients, study, spec)
        lengths = length_marks(times) if spec.counts_times else {}
        return {**survey(patients, request), **lengths}

    def after(self, request: CoxRequest, pooled: Summary) -> CoxRequest | CoxResult:
        """Ask for the likelihood at coefficients of 0, or for the deaths of a blind model."""
        spec, surveyed = request.spec, read_survey(request, pooled)
        if spec.crosses_sites(request.study.sites):
            return _ask_deaths(request, surveyed, pooled)
        _require_clusters(surveyed)
        fitting = Fitting.of(spec, surveyed.columns)
        count_steps = grid_length(pooled, 1) if spec.counts_times else None
        asked = AskLikelihood(
            exponent=surveyed.exponent, beta=fitting.beta, count_steps=count_steps
        )
        return replace(request, state=asked, memory=CoxMemory(surveyed, fitting))


def _require_clusters(surveyed: Survey) -> None:
    """Raise where too few sites contribute for a variance clustered by site."""
    if surveyed.clusters is not None and surveyed.clusters < FEWEST_CLUSTERS:
        raise EstimationError(
            f"Not asked: a variance clustered by site needs {FEWEST_CLUSTERS} sites that bear on the coefficients, and fewer do. A site "
            "does where somebody had an event while others with other covariates were at risk. Leave robust: site out."
        )


def _ask_deaths(request: CoxRequest, surveyed: Survey, pooled: Summary) -> CoxRequest | CoxResult:
    """Count the deaths of a blind model on a grid that holds all times."""
    if surveyed.events == 0:
        return without_events(request, surveyed)
    n_steps = grid_length(pooled, n_groups(request.study, request.spec.strata))
    return replace(request, state=AskDeaths(n_steps=n_steps), memory=BlindMemory(surveyed))
