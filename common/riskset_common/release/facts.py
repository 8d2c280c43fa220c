"""What everybody knows before a program runs: lengths of grids, and the days on which some event of an origin falls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskset_common.release.counted import Counted, CountedArray, OwnNumbers
from riskset_common.study.patients import MISSING, Integers, Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.shapes import IntArray


def origin_of(study: Study, endpoint: str) -> str:
    """What the times of an endpoint begin with: its origin, or the column that holds them ready-made."""
    found = study.endpoint(endpoint)
    if found.time is not None:
        return f"time {found.time.variable}"
    return found.origin or ""


def endpoints_of(study: Study, origin: str) -> tuple[str, ...]:
    """The endpoints of the plan's analyses whose times begin there, in the order of the plan."""
    used = {analysis.endpoint_name() for analysis in study.plan.analyses}
    return tuple(
        name for name in study.plan.endpoints if name in used and origin_of(study, name) == origin
    )


@dataclass(frozen=True)
class DaySet:
    """On which steps after an origin some event of some endpoint of it falls.

    Attributes
    ----------
    steps
        Of the time grid, ascending. Where the origin has too few events to tell them, every step of its grid.
    n_steps
        Length of the grid, a power of two above every site's last step.
    told
        Whether the steps are those of events.
    """

    steps: tuple[int, ...]
    n_steps: int
    told: bool


@dataclass(frozen=True)
class Facts:
    """Public facts of a run.

    Attributes
    ----------
    days
        By origin (`origin_of`).
    patients
        A bound of the patients in all sums, a whole number above every count of people.
    """

    days: Mapping[str, DaySet]
    patients: int


@dataclass(frozen=True)
class EventDays(Counted):
    """Events of any endpoint of an origin on each step of the grid, of all patients of the site: from them the day set is told."""

    origin: str
    n_steps: int

    def __str__(self) -> str:
        return f"days of events after {self.origin}"

    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        """Events by step, shape (n_steps,)."""
        del study
        return {"events": CountedArray((self.n_steps,))}

    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        """Patients with an event, once for each endpoint."""
        found: IntArray = np.zeros(self.n_steps, dtype=np.int64)
        for name in endpoints_of(study, self.origin):
            times = patients.endpoints[name]
            steps: Integers = times.time[(times.event > 0) & (times.time != MISSING)]
            found += np.bincount(steps, minlength=self.n_steps)[: self.n_steps]
        return {"events": found}
