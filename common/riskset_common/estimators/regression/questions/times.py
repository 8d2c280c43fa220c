"""For the test of proportional hazards: score and information weighted by a function of time, at the fitted coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from riskset_common.errors import EstimationError
from riskset_common.estimators.estimator import Shape, Summary
from riskset_common.estimators.regression.proportionality import (
    proportionality,
    time_shapes,
    time_summary,
)
from riskset_common.estimators.regression.questions.asked import CoxRequest, refuse_unless_tested
from riskset_common.estimators.regression.questions.at_coefficients import AskModel
from riskset_common.estimators.regression.questions.clusters import AskClusters
from riskset_common.estimators.regression.questions.memory import CoxMemory
from riskset_common.estimators.regression.spec import CoxSpec, steps_rested_on
from riskset_common.results.regression import CoxResult
from riskset_common.study.patients import EndpointTimes
from riskset_common.study.study import Study
from riskset_common.survival.arrays.triangles import symmetric
from riskset_common.survival.regression.cox import CoxDesign
from riskset_common.survival.regression.proportionality import TimeScores


class AskTimes(AskModel):
    """The sums of the test of proportional hazards."""

    times: Literal[True] = True

    def require_grounds(self, request: CoxRequest) -> None:
        """As of every model; the function of time follows from checked counts."""
        super().require_grounds(request)
        request.checked(*steps_rested_on(request.spec, request.study))

    def shapes(self, spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
        """Score and information weighted by the function of time, and information weighted by its square."""
        p = len(self.columns_asked(spec, study))
        refuse_unless_tested(spec, is_asked=spec.ph_test is not None)
        return time_shapes(p)

    def summary(self, design: CoxDesign, times: EndpointTimes, request: CoxRequest) -> Summary:
        """The site's sums, with the function of time as it follows from sums that the site checked."""
        spec, study = request.spec, request.study
        if spec.ph_test is None:
            raise EstimationError("Proportional hazards are tested where the plan asks it.")
        counted = request.checked(*steps_rested_on(spec, study))
        step = times.time
        return time_summary(design, self.coefficients, step, spec.ph_test, counted, study.grid)

    def after(self, request: CoxRequest, pooled: Summary) -> CoxRequest | CoxResult:
        """Keep the test and go on."""
        p, memory = len(self.beta), request.memory
        sums = TimeScores(
            score=pooled["time_score"],
            information=symmetric(pooled["time_information"], p),
            squared=symmetric(pooled["squared_time_information"], p),
        )
        if request.spec.ph_test is None:
            raise EstimationError("Proportional hazards are tested where the plan asks it.")
        tested = proportionality(
            request.spec.ph_test, memory.survey.columns, sums, memory.fitting.fit.covariance
        )
        return finish(request, replace(memory, ph_test=tested))


def finish(request: CoxRequest, memory: CoxMemory) -> CoxRequest | CoxResult:
    """The result, after a question for a test of proportional hazards and one for robust variances, where they are asked."""
    exponent, beta = memory.survey.exponent, memory.fitted_beta
    if request.spec.ph_test is not None and memory.ph_test is None:
        return replace(request, state=AskTimes(exponent=exponent, beta=beta), memory=memory)
    if request.spec.robust is not None:
        return replace(request, state=AskClusters(exponent=exponent, beta=beta), memory=memory)
    return memory.result(request)
