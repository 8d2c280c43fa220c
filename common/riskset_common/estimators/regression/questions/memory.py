"""The state that the centre keeps between the rounds of one model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from riskset_common.estimators.regression.fitting import Fitting
from riskset_common.estimators.regression.questions.asked import CoxRequest
from riskset_common.estimators.regression.result import Survey, result
from riskset_common.results.regression import CoxResult, ProportionalityTest
from riskset_common.study.patients import Reals
from riskset_common.survival.regression.firth import Learnt


@dataclass(frozen=True)
class CoxMemory:
    """What the centre keeps between the rounds of one model.

    Attributes
    ----------
    survey
        The first round.
    fitting
        How far the fit has come and, if the test of the interactions is asked, that of the main effects alone.
    learnt
        What the steps of a penalised fit have shown of its curvature.
    ph_test
        The test of proportional hazards.
    """

    survey: Survey
    fitting: Fitting
    learnt: Learnt = field(default_factory=Learnt)
    ph_test: ProportionalityTest | None = None

    @property
    def fitted_beta(self) -> tuple[float, ...]:
        """The fitted coefficients; those of aliased columns are 0."""
        return tuple(np.nan_to_num(self.fitting.fit.coef, nan=0.0).tolist())

    def result(self, request: CoxRequest, products: Reals | None = None) -> CoxResult:
        """The fitted model; `products` are those of the sites' scores, shape (p, p), where variances are robust."""
        return result(
            request.spec,
            request.study,
            self.survey,
            self.fitting.fit,
            products,
            self.fitting.mains_fit,
            self.ph_test,
        )
