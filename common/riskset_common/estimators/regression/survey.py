"""The first round of a Cox model: how many patients and events there are, and how wide each column is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.estimators.cohort.causes import cause_specific_times
from riskset_common.estimators.curves.counts import length_marks, length_shapes
from riskset_common.estimators.estimator import Request, Shape, Summary, counts, one
from riskset_common.estimators.regression.cells import (
    cell_contradictions,
    cells_of,
    count_cells,
    n_cells,
    named_cells,
)
from riskset_common.estimators.regression.result import Survey
from riskset_common.estimators.regression.rows import RowsAtRisk, cohort_of, rows_at_risk
from riskset_common.estimators.regression.site import arrange_model, contributes
from riskset_common.estimators.regression.spec import CONTRIBUTING, CoxSpec
from riskset_common.estimators.regression.terms import columns, design
from riskset_common.study.patients import Patients, Reals
from riskset_common.study.study import Study

SMALLEST_EXPONENT = -64
"""A column whose spread is below 2^-64 is scaled as if it were 2^-64."""
N_EXPONENTS = 128

EXPONENTS: Final = "exponents"
"""The array of a survey from which both sides know how each column is scaled."""

Exponent = Annotated[int, Field(ge=SMALLEST_EXPONENT, lt=SMALLEST_EXPONENT + N_EXPONENTS)]
"""The power of two that a column is divided by."""


def survey_shapes(spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
    """Counts in total, by cell, and marks of exponents, shape (p, N_EXPONENTS); of a blind model marks of lengths in their place.

    Where variances are clustered by site, also how many sites contribute.
    """
    p = len(columns(spec.terms, spec.interaction, study))
    marks = (
        length_shapes() if spec.crosses_sites(study.sites) else {EXPONENTS: counts(p, N_EXPONENTS)}
    )
    return {
        "missing": counts(),
        **case_shapes(spec, study),
        **marks,
        **({CONTRIBUTING: counts()} if spec.counts_sites else {}),
    }


def survey(patients: Patients, request: Request[CoxSpec, Any]) -> Summary:
    """One site's share of the survey."""
    study, spec = request.study, request.spec
    cohort = cohort_of(patients, request)
    rows = rows_at_risk(cohort.patients, study, spec)
    model_columns = columns(spec.terms, spec.interaction, study)
    marks = (
        length_marks(cause_specific_times(cohort.patients, study, spec))
        if spec.crosses_sites(study.sites)
        else {EXPONENTS: _exponents(design(model_columns, rows.patients, study))}
    )
    return {
        "missing": one(cohort.missing),
        **count_cases(rows, spec, study),
        **marks,
        **(
            {CONTRIBUTING: one(int(contributes(arrange_model(patients, request))))}
            if spec.counts_sites
            else {}
        ),
    }


def case_shapes(spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
    """Complete cases and their events, in total and by cell."""
    return {
        "n": counts(),
        "events": counts(),
        "by_level": counts(2, n_cells(cells_of(spec.terms, spec.interaction, study))),
    }


def count_cases(rows: RowsAtRisk, spec: CoxSpec, study: Study) -> Summary:
    """One site's share of them; each patient is one, however many rows follow-up was split into."""
    patients = rows.at_the_end
    event = np.zeros(patients.n, dtype=np.bool_)
    event[rows.patient[rows.times.event > 0]] = True
    cells = cells_of(spec.terms, spec.interaction, study)
    return {
        "n": one(patients.n),
        "events": one(int(np.count_nonzero(event))),
        "by_level": count_cells(cells, patients, event),
    }


def case_contradictions(spec: CoxSpec, study: Study, pooled: Summary) -> Iterator[str]:
    """Where the counted cases contradict one another; nothing of a round that does not count them."""
    if "by_level" in pooled:
        yield from cell_contradictions(cells_of(spec.terms, spec.interaction, study), pooled)


def everyone_surveyed(pooled: Summary) -> int | None:
    """All patients, complete or not, where a survey counts them."""
    return int(pooled["missing"]) + int(pooled["n"]) if "missing" in pooled else None


def _exponents(x: Reals) -> NDArray[np.int64]:
    """One in the place of the power of two that exceeds each column's spread at this site; nothing for a constant column."""
    marks = np.zeros((x.shape[1], N_EXPONENTS), dtype=np.int64)
    if x.shape[0] == 0:
        return marks
    spread = x.max(axis=0) - x.min(axis=0)
    place = np.clip(np.frexp(spread)[1] - SMALLEST_EXPONENT, 0, N_EXPONENTS - 1)
    varying = np.flatnonzero(spread > 0)
    marks[varying, place[varying]] = 1
    return marks


def exponents_of(marks: NDArray[np.int64]) -> tuple[int, ...]:
    """The power of two that exceeds the spread of each column at every site, from the marks of all, shape (p, N_EXPONENTS)."""
    marked = marks > 0
    highest = N_EXPONENTS - 1 - np.argmax(marked[:, ::-1], axis=1)
    exponent = np.where(marked.any(axis=1), highest + SMALLEST_EXPONENT, 0)
    return tuple(int(value) for value in exponent)


def read_survey(request: Request[CoxSpec, Any], pooled: Summary) -> Survey:
    """The pooled survey, by name; a blind model's columns are scaled by public ranges, so nothing is known of their spread."""
    model_columns = columns(request.spec.terms, request.spec.interaction, request.study)
    marks = pooled.get(EXPONENTS, np.zeros((len(model_columns), N_EXPONENTS), np.int64))
    cells = cells_of(request.spec.terms, request.spec.interaction, request.study)
    return Survey(
        columns=tuple(model_columns),
        exponent=exponents_of(marks),
        n=int(pooled["n"]),
        events=int(pooled["events"]),
        missing=int(pooled["missing"]),
        by_level=named_cells(cells, pooled["by_level"]),
        clusters=int(pooled[CONTRIBUTING]) if CONTRIBUTING in pooled else None,
    )
