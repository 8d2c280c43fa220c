"""An exposure that begins during follow-up, such as a transplantation: when it begins, and what it is called before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from riskset_common.study.codebook import CategoryVariable, Codebook, DateVariable, NumberVariable
from riskset_common.study.exposure import Exposure
from riskset_common.study.patients import Integers, Patients, Reals
from riskset_common.study.study import Study
from riskset_common.study.time_grid import DAYS_PER_UNIT
from riskset_common.survival.regression.spans import NEVER

NOT_EXPOSED, EXPOSED = LEVELS = ("not exposed", "exposed")
"""Levels of an exposure; the first is the reference."""
LABELS = {NOT_EXPOSED: "Not exposed", EXPOSED: "Exposed"}


@dataclass(frozen=True, eq=False)
class ExposureTimes:
    """Time from the endpoint's origin to the exposure, in units of `days_per_unit` days, NaN where it never came, shape (n,)."""

    time: Reals
    days_per_unit: Fraction


def exposure_times(
    patients: Patients, study: Study, endpoint: str, exposure: Exposure
) -> ExposureTimes:
    """When each patient was exposed. Times before the origin are negative.

    Where it is not known (`Exposure.known`) the time is NaN as well: such patients are complete in no model.
    """
    time, origin = study.plan.time, study.endpoint(endpoint).origin
    variable = study.codebook.variables[exposure.variable]
    never = exposure.never(patients, study)
    if isinstance(variable, DateVariable) and origin is not None:
        date, start = patients.dates[exposure.variable], patients.dates[origin]
        known = ~never & patients.known(exposure.variable) & patients.known(origin)
        days = np.where(known, date, 0) - np.where(known, start, 0)
        return ExposureTimes(np.where(known, days, np.nan), Fraction(1))
    unit = variable.unit if isinstance(variable, NumberVariable) else None
    of_the_plan = unit is None or unit not in DAYS_PER_UNIT or unit == time.unit
    days_per_unit = time.days_in(time.unit) if of_the_plan else DAYS_PER_UNIT[unit or time.unit]
    found = np.where(never, np.nan, patients.numbers[exposure.variable])
    return ExposureTimes(found, days_per_unit)


def exposure_steps(patients: Patients, study: Study, endpoint: str, exposure: Exposure) -> Integers:
    """The last step of the time grid that is not after each patient's exposure, `NEVER` where it never came, shape (n,).

    Someone is exposed at the steps after that one: an event on the day of the exposure is an event before it.
    """
    found = exposure_times(patients, study, endpoint, exposure)
    steps = study.grid.steps_passed(found.time, found.days_per_unit)
    return np.where(np.isnan(found.time), NEVER, steps)


def exposure_problems(exposure: str, endpoint: str, study: Study) -> Iterator[str]:
    """Why an exposure has no place on the endpoint's axis of time, in words."""
    is_date = isinstance(study.codebook.variables[exposure], DateVariable)
    if is_date and study.endpoint(endpoint).origin is None:
        yield (
            f"exposure {exposure} is a date, but endpoint {endpoint} counts time in ready-made columns and has no origin. "
            "Name a number variable that holds the time of exposure."
        )


def with_exposures(codebook: Codebook, labels: Mapping[str, str]) -> Codebook:
    """The codebook with exposures (names and labels) as categories under their own names, as the terms of a model have them."""
    exposures = {
        name: CategoryVariable(kind="category", label=label, levels=dict(LABELS))
        for name, label in labels.items()
    }
    return codebook.model_copy(update={"variables": {**codebook.variables, **exposures}})
