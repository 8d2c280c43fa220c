"""The patients of a landmark analysis: those still at risk at the landmark, and who of them had been exposed by then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from riskset_common.estimators.cohort.exposure import LABELS, exposure_times
from riskset_common.study.codebook import CategoryVariable
from riskset_common.study.exposure import Exposure
from riskset_common.study.patients import MISSING, Bools, Integers, Patients
from riskset_common.study.study import Study
from riskset_common.study.time_grid import exact


def exposed_name(exposure: str) -> str:
    """Name of the category that an exposure becomes at the landmark."""
    return f"{exposure}_by_landmark"


def with_exposure(study: Study, exposure: str, at: float) -> Study:
    """The study with the exposure by the landmark among its categories."""
    codebook, unit = study.codebook, study.plan.time.unit
    label = codebook.variables[exposure].label
    category = CategoryVariable(
        kind="category",
        label=f"{label}, by {at:g} {unit}",
        levels=dict(LABELS),
    )
    variables = {**codebook.variables, exposed_name(exposure): category}
    return replace(study, codebook=codebook.model_copy(update={"variables": variables}))


def name_problems(exposure: str, study: Study) -> Iterator[str]:
    """Why an exposure cannot be called as it would be at the landmark, in words."""
    name, codebook = exposed_name(exposure), study.codebook
    if name in codebook.variables or name in codebook.derived:
        yield f"{name} is what the exposure becomes at the landmark, but the codebook has a variable of this name. Rename it."


@dataclass(frozen=True, eq=False)
class LandmarkCohort:
    """The patients followed beyond the landmark (and those without a known endpoint), and who of all was not, shape (n,)."""

    patients: Patients
    ended: Bools


def cohort_at(
    patients: Patients, study: Study, endpoint: str, exposure: Exposure, at: float
) -> LandmarkCohort:
    """Choose the patients at risk after `at`: entry <= at < time.

    Someone is exposed if the exposure happened, not later than the landmark. Patients without a known endpoint, and those of whom it is
    not known whether and when they were exposed, stay, to be counted among the missing.
    """
    codes, ended = at_landmark(patients, study, endpoint, exposure, at)
    categories = {**patients.categories, exposed_name(exposure.variable): codes}
    return LandmarkCohort(replace(patients, categories=categories).rows(~ended), ended)


def at_landmark(
    patients: Patients, study: Study, endpoint: str, exposure: Exposure, at: float
) -> tuple[Integers, Bools]:
    """Of all patients the code of their exposure by the landmark, and whose follow-up does not span it, shape (n,) each."""
    times = patients.endpoints[endpoint]
    landmark = float(exact(at) / study.grid.units_per_step)
    spans: Bools = times.time > landmark
    if times.entry is not None:
        spans &= times.entry <= landmark
    ended: Bools = times.known & ~spans
    exposed = _exposed(patients, study, endpoint, exposure, at).astype(np.int64)
    return np.where(exposure.known(patients, study), exposed, MISSING), ended


def _exposed(
    patients: Patients, study: Study, endpoint: str, exposure: Exposure, at: float
) -> Bools:
    """Patients exposed by the landmark, shape (n,)."""
    time = study.plan.time
    found = exposure_times(patients, study, endpoint, exposure)
    landmark = exact(at) * time.days_in(time.unit) / found.days_per_unit
    # Not a number is not at or below anything.
    exposed: Bools = found.time <= float(landmark)
    return exposed
