"""An exposure of patients: the date or the time since the origin at which it began, and the conditions under which it did."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from riskset_common.study.codebook import Conditions
from riskset_common.study.patients import MISSING, NO_DATE, Bools, Patients
from riskset_common.study.study import Study


@dataclass(frozen=True)
class Exposure:
    """When something happened to a patient.

    Attributes
    ----------
    variable
        A date, or a number that holds a time.
    where
        Conditions on categories. In a patient who does not meet them it never happened, whatever the date or time says.
    """

    variable: str
    where: Conditions = field(default_factory=dict)

    def never(self, patients: Patients, study: Study) -> Bools:
        """Patients in whom it surely never happened, shape (n,).

        A missing date says so, and without conditions a missing time does. Where a patient meets the conditions, a time that is missing
        says nothing: they say that it happened.
        """
        fails = self._fails(patients, study)
        if self.variable in patients.dates:
            no_date: Bools = patients.dates[self.variable] == NO_DATE
            return no_date | fails
        return fails if self.where else ~patients.known(self.variable)

    def known(self, patients: Patients, study: Study) -> Bools:
        """Patients of whom it is known whether and when it happened, shape (n,)."""
        happened = patients.known(self.variable)
        for name in self.where:
            happened &= patients.known(name)
        known: Bools = happened | self.never(patients, study)
        return known

    def _fails(self, patients: Patients, study: Study) -> Bools:
        """Patients who surely do not meet the conditions: one of them is known not to hold."""
        fails = np.zeros(patients.n, dtype=np.bool_)
        for name, wanted in self.where.items():
            levels = study.levels(name)
            codes = patients.categories[name]
            among = np.isin(codes, [levels.index(level) for level in wanted if level in levels])
            fails |= ~among & (codes != MISSING)
        return fails
