"""Questions about a model whose risk sets lie within sites, at coefficients of its scaled columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.cohort.causes import cause_specific_times
from riskset_common.estimators.estimator import Summary
from riskset_common.estimators.regression.questions.asked import (
    AskCox,
    CoxRequest,
    refuse_unless_blind,
)
from riskset_common.estimators.regression.rows import cohort_of
from riskset_common.estimators.regression.site import prepare_model
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.survey import Exponent
from riskset_common.estimators.regression.terms import Column, columns
from riskset_common.study.patients import EndpointTimes, Patients, Reals
from riskset_common.study.study import Study
from riskset_common.survival.regression.cox import CoxDesign


class AskModel(AskCox):
    """A question at the coefficients `beta`.

    `exponent` holds, for each column, the power of two that brings its spread within a site's stratum below one. Powers of two
    cost no digit, and keep score and information within the range of the secure sum whatever the covariates' units are.
    """

    exponent: Annotated[tuple[Exponent, ...], Field(strict=False)]
    beta: Annotated[tuple[float, ...], Field(strict=False)] = ()

    @property
    def coefficients(self) -> Reals:
        """The coefficients, shape (p,)."""
        return np.asarray(self.beta, dtype=np.float64)

    def summarise(self, patients: Patients, request: CoxRequest) -> Summary:
        """Answer from the site's design, which is made once."""
        spec = request.spec
        times = cause_specific_times(cohort_of(patients, request).patients, request.study, spec)
        prepared = patients.keep(
            ("cox", spec.id, self.exponent),
            lambda: prepare_model(patients, request, self.exponent),
        )
        return self.summary(prepared, times, request)

    @abstractmethod
    def summary(self, design: CoxDesign, times: EndpointTimes, request: CoxRequest) -> Summary:
        """A site's answer, given its design and the times of the patients that it was made of."""

    def columns_asked(
        self, spec: CoxSpec, study: Study, *, alone: bool = False
    ) -> Sequence[Column]:
        """The model's columns; refused unless there are as many scales and, but for main effects `alone`, coefficients."""
        refuse_unless_blind(spec, study, on_shares=False)
        model_columns = columns(spec.terms, spec.interaction, study)
        p = len(model_columns)
        if p != len(self.exponent) or (len(self.beta) != p and not alone):
            raise ProtocolRefusal(
                f"The round asks a model of {p} columns at {len(self.beta)} coefficients with {len(self.exponent)} scales. "
                "The centre must run this release."
            )
        return model_columns
