"""The rows of a Cox model: one a patient, or, where exposures begin during follow-up, one for each span between their beginnings.

This is the one place where follow-up is split. It happens at the site; how many rows there are does not leave it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskset_common.estimators.cohort.causes import cause_specific_times
from riskset_common.estimators.cohort.exposure import exposure_steps
from riskset_common.estimators.estimator import Analysed, Request, analysed
from riskset_common.estimators.regression.spec import CoxSpec, uses_of
from riskset_common.study.patients import EndpointTimes, Integers, Patients
from riskset_common.study.study import Study
from riskset_common.survival.regression.spans import Spans


@dataclass(frozen=True, eq=False)
class RowsAtRisk:
    """Rows of a model with their times, and each patient once.

    Attributes
    ----------
    patients
        One row a span, exposures being categories.
    times
        When each row is at risk, and whether it ends with the event.
    patient
        Which of the cohort each row is of.
    at_the_end
        Each patient in the order of the cohort, with the exposures that they have when their follow-up ends.
    """

    patients: Patients
    times: EndpointTimes
    patient: Integers
    at_the_end: Patients


def cohort_of(patients: Patients, request: Request[CoxSpec, Any]) -> Analysed:
    """This site's complete cases of a model."""
    return analysed(patients, request, uses_of(request.spec))


def rows_at_risk(cohort: Patients, study: Study, spec: CoxSpec) -> RowsAtRisk:
    """The rows of complete cases. Without exposures they are the patients themselves.

    A patient is exposed at the steps after that of the exposure, as `tmerge` of R's survival has it with `tdc`: one who is exposed on
    the day on which follow-up ends is never exposed, and one who was exposed by the day of entry always is.
    """
    times = cause_specific_times(cohort, study, spec)
    if not spec.exposures:
        return RowsAtRisk(cohort, times, np.arange(cohort.n), cohort)
    change = {
        each.variable: exposure_steps(cohort, study, spec.endpoint, each) for each in spec.exposures
    }
    spans = Spans.of(times.time, times.event > 0, times.entry)
    for steps in change.values():
        spans = spans.cut(steps)
    exposed = {name: spans.after(steps).astype(np.int64) for name, steps in change.items()}
    patients = cohort.rows(spans.patient)
    patients = replace(patients, categories={**patients.categories, **exposed})
    last = np.flatnonzero(spans.is_last)
    in_order = last[np.argsort(spans.patient[last])]
    split = EndpointTimes(spans.time, spans.event.astype(np.int64), spans.entry)
    return RowsAtRisk(patients, split, spans.patient, patients.rows(in_order))
