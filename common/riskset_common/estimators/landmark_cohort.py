"""Who is at risk at a landmark, and who had been exposed by then: the patients of a landmark analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from riskset_common.codebook import CategoryVariable, DateVariable, NumberVariable
from riskset_common.patients import NO_DATE, Bools, Patients
from riskset_common.study import Study
from riskset_common.time_grid import DAYS_PER_UNIT, exact

LEVELS = ("not exposed", "exposed")
"""Levels of an exposure by the landmark; the first is the reference."""


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
        levels={LEVELS[0]: "Not exposed", LEVELS[1]: "Exposed"},
    )
    variables = {**codebook.variables, exposed_name(exposure): category}
    return replace(study, codebook=codebook.model_copy(update={"variables": variables}))


def exposure_problems(exposure: str, endpoint: str, study: Study) -> Iterator[str]:
    """Why an exposure has no place on the endpoint's axis of time, in words."""
    name, codebook = exposed_name(exposure), study.codebook
    if name in codebook.variables or name in codebook.derived:
        yield f"{name} is what the exposure becomes at the landmark, but the codebook has a variable of this name. Rename it."
    is_date = isinstance(codebook.variables[exposure], DateVariable)
    if is_date and study.endpoint(endpoint).origin is None:
        yield (
            f"exposure {exposure} is a date, but endpoint {endpoint} counts time in ready-made columns and has no origin. "
            "Name a number variable that holds the time of exposure."
        )


@dataclass(frozen=True, eq=False)
class LandmarkCohort:
    """The patients followed beyond the landmark (and those without a known endpoint), and who of all was not, shape (n,)."""

    patients: Patients
    ended: Bools


def cohort_at(
    patients: Patients, study: Study, endpoint: str, exposure: str, at: float
) -> LandmarkCohort:
    """Choose the patients at risk after `at`: entry <= at < time.

    Someone is exposed if the exposure is known and not later than the landmark; a missing time or date means never exposed.
    Patients without a known endpoint stay, to be counted among the missing.
    """
    times = patients.endpoints[endpoint]
    landmark = float(exact(at) / study.grid.units_per_step)
    spans: Bools = times.time > landmark
    if times.entry is not None:
        spans &= times.entry <= landmark
    ended: Bools = times.known & ~spans
    exposed = _exposed(patients, study, endpoint, exposure, at)
    categories = {**patients.categories, exposed_name(exposure): exposed.astype(np.int64)}
    return LandmarkCohort(replace(patients, categories=categories).rows(~ended), ended)


def _exposed(patients: Patients, study: Study, endpoint: str, exposure: str, at: float) -> Bools:
    """Patients exposed by the landmark, shape (n,)."""
    time = study.plan.time
    days = exact(at) * time.days_in(time.unit)
    origin = study.endpoint(endpoint).origin
    variable = study.codebook.variables[exposure]
    exposed: Bools
    if isinstance(variable, DateVariable) and origin is not None:
        date, start = patients.dates[exposure], patients.dates[origin]
        known = (date != NO_DATE) & (start != NO_DATE)
        exposed = known & (np.where(known, date, 0) - np.where(known, start, 0) <= float(days))
        return exposed
    unit = variable.unit if isinstance(variable, NumberVariable) else None
    days_per_unit: Fraction = (
        time.days_in(time.unit)
        if unit is None or unit not in DAYS_PER_UNIT or unit == time.unit
        else DAYS_PER_UNIT[unit]
    )
    # Not a number is not at or below anything.
    exposed = patients.numbers[exposure] <= float(days / days_per_unit)
    return exposed
