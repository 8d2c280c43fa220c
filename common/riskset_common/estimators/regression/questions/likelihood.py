"""The likelihood of a model at coefficients that Newton's method tries, and of its main effects alone beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.curves.counts import require_length, step_shapes, step_summary
from riskset_common.estimators.estimator import Shape, Summary, one, reals
from riskset_common.estimators.regression.fitting import (
    MAINS,
    THIRD_MOMENTS,
    likelihood_shapes,
    main_effects,
    pooled_sums,
)
from riskset_common.estimators.regression.questions.asked import CoxRequest, refuse_unless_tested
from riskset_common.estimators.regression.questions.at_coefficients import AskModel, require_small
from riskset_common.estimators.regression.questions.memory import CoxMemory
from riskset_common.estimators.regression.questions.times import finish
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.terms import Column, columns
from riskset_common.results.regression import CoxResult
from riskset_common.study.patients import EndpointTimes
from riskset_common.study.study import Study
from riskset_common.survival.arrays.triangles import upper_triangle
from riskset_common.survival.regression.cox import CoxDesign, CoxSums, cox_sums
from riskset_common.survival.regression.firth import learn, n_third, penalised, third_sums


class AskLikelihood(AskModel):
    """Log-likelihood, score and information.

    `mains` are coefficients of the main effects alone, where the test of the interactions wants the likelihood of a model of these.
    It is asked beside that of the whole model, or, where there is no `beta`, by itself.

    `count_steps` asks, beside the likelihood, for counts on a time grid of that length, from which sites work out the function of time
    of a test of proportional hazards.
    """

    mains: Annotated[tuple[float, ...], Field(strict=False)] = ()
    count_steps: int | None = Field(default=None, ge=1)

    def require_grounds(self, request: CoxRequest) -> None:
        """As of every model; the grid of the counts beside it follows from the checked lengths."""
        super().require_grounds(request)
        require_small(self.mains, request.spec.id)
        if self.count_steps is not None:
            require_length(request, self.count_steps, 1)

    def shapes(self, spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
        """Log-likelihood, score (p,) and the upper triangle of the information, and what is asked beside them."""
        found = self.columns_asked(spec, study, alone=bool(self.mains) and not self.beta)
        return {
            **self._likelihood_shapes(spec, found),
            **({} if spec.penalty is None else {THIRD_MOMENTS: reals(n_third(len(found)))}),
            **self._step_shapes(spec, study),
        }

    def _likelihood_shapes(
        self, spec: CoxSpec, model_columns: Sequence[Column]
    ) -> Mapping[str, Shape]:
        """The sums of the whole model, of its main effects alone, or of both."""
        if not self.mains:
            return likelihood_shapes(len(model_columns))
        q = len(main_effects(model_columns))
        if spec.interaction_test is None or len(self.mains) != q:
            raise ProtocolRefusal(
                f"The round asks {len(self.mains)} main effects of analysis {spec.id} by themselves, which its plan does not. "
                "The centre must run this release."
            )
        whole = likelihood_shapes(len(model_columns)) if self.beta else {}
        return {**whole, **likelihood_shapes(q, MAINS)}

    def _step_shapes(self, spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
        """Counts on the grid, beside the likelihood, where they are asked."""
        if self.count_steps is None:
            return {}
        refuse_unless_tested(spec, is_asked=spec.counts_times)
        entry = study.endpoint(spec.endpoint).entry
        return step_shapes(self.count_steps, left_truncated=entry is not None)

    def summary(self, design: CoxDesign, times: EndpointTimes, request: CoxRequest) -> Summary:
        """The site's sums."""
        beta, spec = self.coefficients, request.spec
        mains = self._mains_summary(design, request) if self.mains else {}
        if self.mains and not self.beta:
            return mains
        return {
            **_arrays(cox_sums(design, beta)),
            **mains,
            **({} if spec.penalty is None else {THIRD_MOMENTS: third_sums(design, beta)}),
            **({} if self.count_steps is None else step_summary(times, self.count_steps)),
        }

    def _mains_summary(self, design: CoxDesign, request: CoxRequest) -> Summary:
        """The likelihood of the main effects alone: that of the whole model where the interactions' coefficients are 0."""
        spec = request.spec
        kept = main_effects(columns(spec.terms, spec.interaction, request.study))
        beta = np.asarray(self.mains, dtype=np.float64)
        return _arrays(cox_sums(replace(design, x=design.x[kept]), beta), MAINS)

    def after(self, request: CoxRequest, pooled: Summary) -> CoxRequest | CoxResult:
        """Try other coefficients until the model is fitted, then finish."""
        if request.spec.penalty is None:
            memory = self._advanced(request.memory, pooled)
        else:
            memory = self._penalised(request.memory, pooled)
        fitting = memory.fitting
        if fitting.is_done:
            return finish(request, memory)
        asked = AskLikelihood(
            exponent=memory.survey.exponent, beta=fitting.beta, mains=fitting.mains_beta
        )
        return replace(request, state=asked, memory=memory)

    def _advanced(self, memory: CoxMemory, pooled: Summary) -> CoxMemory:
        """The model and, where the test of the interactions is asked, its main effects alone beside it."""
        return replace(memory, fitting=memory.fitting.advanced(pooled, memory.survey.columns))

    def _penalised(self, memory: CoxMemory, pooled: Summary) -> CoxMemory:
        """The model under Firth's penalty."""
        scale = np.log(2.0) * np.asarray(memory.survey.exponent, dtype=np.float64)
        sums = penalised(pooled_sums(pooled, len(self.beta)), pooled[THIRD_MOMENTS], scale)
        learnt, curvature = learn(memory.learnt, self.beta, sums)
        return replace(memory, fitting=memory.fitting.penalised(sums, curvature), learnt=learnt)


def _arrays(sums: CoxSums, before: str = "") -> Summary:
    return {
        f"{before}log_likelihood": one(sums.log_likelihood),
        f"{before}score": sums.score,
        f"{before}information": upper_triangle(sums.information),
    }
