"""The design of one site for a Cox model whose risk sets lie within sites."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from riskset_common.estimators.cohort.groups import group_codes
from riskset_common.estimators.estimator import Request
from riskset_common.estimators.regression.rows import cohort_of, rows_at_risk
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.terms import columns, design
from riskset_common.study.patients import Patients
from riskset_common.survival.regression.cox import CoxDesign, cox_sums, prepare

CoxRequest = Request[CoxSpec, Any]

ROUNDING = 1e-12
"""Information below this share of a column's squared spread is rounding: one patient among a million gives 1e-6."""


def prepare_model(patients: Patients, request: CoxRequest, exponent: tuple[int, ...]) -> CoxDesign:
    """The rows of this site, each column divided by its power of two; `rows` of the design are patients."""
    arranged = arrange_model(patients, request)
    # Dividing by powers of two rounds nothing, so it may follow the centring.
    return replace(arranged, x=np.ldexp(arranged.x, -np.asarray(exponent, dtype=np.int64)[:, None]))


def arrange_model(patients: Patients, request: CoxRequest) -> CoxDesign:
    """The rows of this site with columns as they are. It is made once, with the survey, so that the first sums wait for less."""
    return patients.keep(("cox", request.spec.id), lambda: _arranged(patients, request))


def contributes(design: CoxDesign) -> bool:
    """Whether patients bear on the coefficients: somebody died among others at risk with other covariates. Else their score is always 0."""
    if not design.x.size:
        return False
    information = np.diag(cox_sums(design, np.zeros(len(design.x))).information)
    spread = np.ptp(design.x, axis=1)
    return bool(np.any(information > ROUNDING * spread**2))


def _arranged(patients: Patients, request: CoxRequest) -> CoxDesign:
    study, spec = request.study, request.spec
    cohort = cohort_of(patients, request).patients
    model_columns = columns(spec.terms, spec.interaction, study)
    rows = rows_at_risk(cohort, study, spec)
    # The site's own strata: `site` and `study_group` are constant here, so their codes split nothing.
    prepared = prepare(
        time=rows.times.time,
        event=rows.times.event > 0,
        entry=rows.times.entry,
        x=design(model_columns, rows.patients, study),
        stratum=group_codes(study, rows.patients, spec.strata),
        ties=spec.tie_method(study),
        offset=None if spec.offset is None else rows.patients.numbers[spec.offset],
    )
    # A patient's spans are one patient.
    return replace(prepared, rows=rows.patient[prepared.rows])
