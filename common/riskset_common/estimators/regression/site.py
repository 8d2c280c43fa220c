"""What one site computes of a Cox model whose risk sets lie within sites: its design, and its share of every sum at some coefficients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from riskset_common.estimators.cohort.groups import group_codes
from riskset_common.estimators.curves.counts import step_summary
from riskset_common.estimators.estimator import Request, Summary, one
from riskset_common.estimators.regression.fitting import MAINS, THIRD_MOMENTS, main_effects
from riskset_common.estimators.regression.proportionality import time_summary
from riskset_common.estimators.regression.rows import cohort_of, rows_at_risk
from riskset_common.estimators.regression.spec import CoxSpec, steps_rested_on
from riskset_common.estimators.regression.terms import columns, design
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.survival.regression.cox import CoxDesign, CoxSums, cox_sums, prepare
from riskset_common.survival.regression.firth import third_sums
from riskset_common.survival.regression.score_residuals import residual_products

CoxRequest = Request[CoxSpec, Any]


def prepare_model(patients: Patients, request: CoxRequest, exponent: tuple[int, ...]) -> CoxDesign:
    """The rows of this site, each column divided by its power of two; `rows` of the design are patients."""
    arranged = arrange_model(patients, request)
    # Dividing by powers of two rounds nothing, so it may follow the centring.
    return replace(arranged, x=np.ldexp(arranged.x, -np.asarray(exponent, dtype=np.int64)[:, None]))


def arrange_model(patients: Patients, request: CoxRequest) -> CoxDesign:
    """The rows of this site with columns as they are. It is made once, with the survey, so that the first sums wait for less."""
    return patients.keep(("cox", request.spec.id), lambda: _arranged(patients, request))


def _arranged(patients: Patients, request: CoxRequest) -> CoxDesign:
    study, spec = request.study, request.spec
    cohort = cohort_of(patients, request).patients
    found = columns(spec.terms, spec.interaction, study)
    rows = rows_at_risk(cohort, study, spec)
    # The site's own strata: `site` and `study_group` are constant here, so their codes split nothing.
    prepared = prepare(
        time=rows.times.time,
        event=rows.times.event > 0,
        entry=rows.times.entry,
        x=design(found, rows.patients, study),
        stratum=group_codes(study, rows.patients, spec.strata),
        ties=spec.tie_method(study),
        offset=None if spec.offset is None else rows.patients.numbers[spec.offset],
    )
    # A patient's spans are one patient.
    return replace(prepared, rows=rows.patient[prepared.rows])


def likelihood_summary(design: CoxDesign, times: EndpointTimes, request: CoxRequest) -> Summary:
    """A site's answer to any question after the survey, given its design and the times of the patients that it was made of."""
    spec, state = request.spec, request.state
    beta = np.asarray(state.beta, dtype=np.float64)
    if state.times and spec.ph_test is not None:
        counted = request.checked(*steps_rested_on(spec, request.study))
        return time_summary(design, beta, times.time, spec.ph_test, counted, request.study.grid)
    mains = _mains_summary(design, request) if state.mains else {}
    if state.mains and not state.beta:
        return mains
    sums = cox_sums(design, beta)
    if state.clusters:
        by_site = spec.robust == "site"
        products = np.outer(sums.score, sums.score) if by_site else residual_products(design, beta)
        return {"score_products": products[np.triu_indices(len(beta))]}
    counted = {} if state.count_steps is None else step_summary(times, state.count_steps)
    return {
        **_arrays(sums),
        **mains,
        **({} if spec.penalty is None else {THIRD_MOMENTS: third_sums(design, beta)}),
        **counted,
    }


def _arrays(sums: CoxSums, before: str = "") -> Summary:
    return {
        f"{before}log_likelihood": one(sums.log_likelihood),
        f"{before}score": sums.score,
        f"{before}information": sums.information[np.triu_indices(len(sums.score))],
    }


def _mains_summary(design: CoxDesign, request: CoxRequest) -> Summary:
    """The likelihood of the main effects alone: that of the whole model where the interactions' coefficients are 0."""
    spec = request.spec
    kept = main_effects(columns(spec.terms, spec.interaction, request.study))
    beta = np.asarray(request.state.mains, dtype=np.float64)
    return _arrays(cox_sums(replace(design, x=design.x[kept]), beta), MAINS)
