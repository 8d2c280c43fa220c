"""A site's own Table 1: counts by level, quartiles, first and last days. For its own eyes; nothing of it is ever sent."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from riskset_common.study.codebook import CategoryVariable, Codebook, NumberVariable
from riskset_common.study.patients import Patients, date_of
from riskset_node.records.deriving.derived import derive_variables


@dataclass(frozen=True)
class VariableProfile:
    """One variable at this site.

    Attributes
    ----------
    known, missing
        Patients with a value and without.
    counts
        Patients by level; empty for numbers and dates.
    quartiles
        First quartile, median and third quartile of a number; None elsewhere and where nothing is known.
    days
        First and last day of a date; None elsewhere and where nothing is known.
    """

    name: str
    label: str
    unit: str | None
    known: int
    missing: int
    counts: dict[str, int]
    quartiles: tuple[float, float, float] | None
    days: tuple[datetime.date, datetime.date] | None


def profile(
    patients: Patients, codebook: Codebook, study_group: str
) -> tuple[VariableProfile, ...]:
    """Every variable of the codebook, then every derived one."""
    return (*_variables(patients, codebook), *_derived(patients, codebook, study_group))


def _variables(patients: Patients, codebook: Codebook) -> Iterator[VariableProfile]:
    for name, variable in codebook.variables.items():
        known = patients.known(name)
        counts: dict[str, int] = {}
        quartiles = days = unit = None
        if isinstance(variable, CategoryVariable):
            counts = _counts(tuple(variable.levels), patients.categories[name])
        elif isinstance(variable, NumberVariable):
            unit = variable.unit
            if known.any():
                low, middle, high = np.quantile(patients.numbers[name][known], [0.25, 0.5, 0.75])
                quartiles = (float(low), float(middle), float(high))
        elif known.any():
            dates = patients.dates[name][known]
            days = (date_of(int(dates.min())), date_of(int(dates.max())))
        n = int(np.count_nonzero(known))
        yield VariableProfile(
            name, variable.label, unit, n, patients.n - n, counts, quartiles, days
        )


def _derived(patients: Patients, codebook: Codebook, study_group: str) -> Iterator[VariableProfile]:
    codes = derive_variables(patients, codebook, study_group).codes
    for name, derived in codebook.derived.items():
        counts = _counts(derived.levels, codes[name])
        known = sum(counts.values())
        yield VariableProfile(
            name, derived.label, None, known, patients.n - known, counts, None, None
        )


def _counts(levels: tuple[str, ...], codes: np.ndarray) -> dict[str, int]:
    found = np.bincount(codes[codes >= 0], minlength=len(levels))
    return {level: int(count) for level, count in zip(levels, found, strict=True)}
