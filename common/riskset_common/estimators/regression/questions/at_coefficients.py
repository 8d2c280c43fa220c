"""Questions about a model whose risk sets lie within sites, at coefficients of its scaled columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.cohort.causes import cause_specific_times
from riskset_common.estimators.estimator import Summary
from riskset_common.estimators.regression.fitting import LARGEST_REACH
from riskset_common.estimators.regression.questions.asked import (
    AskCox,
    CoxRequest,
    refuse_unless_blind,
)
from riskset_common.estimators.regression.rows import cohort_of
from riskset_common.estimators.regression.site import prepare_model
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.survey import EXPONENTS, Exponent, exponents_of
from riskset_common.estimators.regression.terms import Column, columns
from riskset_common.study.patients import EndpointTimes, Patients, Reals
from riskset_common.study.study import Study
from riskset_common.survival.regression.cox import CoxDesign

LARGEST_SHIFT: Final = LARGEST_REACH + 10
"""The sum of the sizes of all coefficients of scaled columns up to which a site answers."""


def require_small(beta: Sequence[float], analysis: str) -> None:
    """Raise `ProtocolRefusal` where coefficients of scaled columns are larger than those of any model that can be fitted."""
    shift = sum(map(abs, beta))
    if not shift <= LARGEST_SHIFT:
        raise ProtocolRefusal(
            f"The round asks analysis {analysis} at coefficients of which the sizes add up to {shift:g}; at most {LARGEST_SHIFT:g} are "
            "answered, because more could make a sum overflow. The centre must run this release."
        )


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

    def require_grounds(self, request: CoxRequest) -> None:
        """The scales are those of the checked spreads, and the coefficients so small that no sum of any site can overflow.

        A column that is scaled spreads over less than one within a site's stratum, so that two predictors there differ by less than the
        sum of the coefficients' sizes.
        """
        if self.exponent != exponents_of(request.checked(EXPONENTS)[EXPONENTS]):
            raise ProtocolRefusal(
                f"The round scales the columns of analysis {request.spec.id} otherwise than the spreads that all sites counted. "
                "The centre must run this release."
            )
        require_small(self.beta, request.spec.id)

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
