"""One site's patients as the estimators see them: coded, derived, with endpoints, and never leaving the site.

Everything is a numpy array with one row a patient, so that the same estimator code runs on one patient and on a million.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
Reals = NDArray[np.float64]

MISSING = -1
"""The code of a missing category, a missing event and a missing time."""

NO_DATE = np.iinfo(np.int64).min
"""The code of a missing date; of an event it says that the event did not happen."""

UNKNOWN_DAY = NO_DATE + 1
"""The code of a date of which the day is unknown, though it happened: the time to it is missing, and never "not yet"."""

_EPOCH = datetime.date(1970, 1, 1).toordinal()

_Kept = TypeVar("_Kept")


def day_number(date: datetime.date) -> int:
    """Days from 1970-01-01 to a date, as `Patients.dates` has them."""
    return date.toordinal() - _EPOCH


def date_of(day: int) -> datetime.date:
    """The date with that number of days since 1970-01-01."""
    return datetime.date.fromordinal(day + _EPOCH)


@dataclass(frozen=True, eq=False)
class EndpointTimes:
    """Time to one endpoint.

    Attributes
    ----------
    time
        Steps of the time grid from origin to event or censoring, shape (n,); -1 where it is missing.
    event
        0 censored, k the k-th kind of event of the endpoint, -1 missing, shape (n,).
    entry
        Steps of the time grid at which the patient came under observation, shape (n,): at risk when entry < t <= time.
        None where everyone is observed from the origin.
    """

    time: Integers
    event: Integers
    entry: Integers | None = None

    @property
    def known(self) -> Bools:
        """Patients whose time, event and entry are all known, shape (n,)."""
        known: Bools = (self.time != MISSING) & (self.event != MISSING)
        return known if self.entry is None else known & (self.entry != MISSING)

    def recoded(self, codes: Integers) -> EndpointTimes:
        """The same times with other codes of the events; `codes` holds that of 0 (censored), 1, 2, ... and last that of missing."""
        return EndpointTimes(self.time, codes[self.event], self.entry)

    def rows(self, chosen: Bools | Integers) -> EndpointTimes:
        """The same endpoint for some of the patients."""
        return EndpointTimes(
            self.time[chosen],
            self.event[chosen],
            None if self.entry is None else self.entry[chosen],
        )


@dataclass(frozen=True, eq=False)
class Patients:
    """One site's patients.

    Attributes
    ----------
    n
        Number of patients (rows).
    categories
        Level index in the codebook's order by variable name (derived ones too), each of shape (n,); -1 missing.
    numbers
        Value in the codebook's unit by variable name, each of shape (n,); NaN missing.
    dates
        Days since 1970-01-01 by variable name, each of shape (n,); `NO_DATE` missing, `UNKNOWN_DAY` happened on an unknown day.
    endpoints
        By endpoint name.
    approximate
        Rows whose date was completed with a day of the month, or whose time rests on such a date, by variable name, each of shape (n,);
        only variables that have such rows.
    """

    n: int
    categories: Mapping[str, Integers] = field(default_factory=dict)
    numbers: Mapping[str, Reals] = field(default_factory=dict)
    dates: Mapping[str, Integers] = field(default_factory=dict)
    endpoints: Mapping[str, EndpointTimes] = field(default_factory=dict)
    approximate: Mapping[str, Bools] = field(default_factory=dict)
    _kept: dict[Hashable, object] = field(default_factory=dict, repr=False)

    def rows(self, chosen: Bools | Integers) -> Patients:
        """Some of the patients, with everything known of them: marked, shape (n,), or by their numbers, of any length."""
        n = np.count_nonzero(chosen) if chosen.dtype == np.bool_ else len(chosen)
        return Patients(
            n=int(n),
            categories={name: codes[chosen] for name, codes in self.categories.items()},
            numbers={name: values[chosen] for name, values in self.numbers.items()},
            dates={name: days[chosen] for name, days in self.dates.items()},
            endpoints={name: times.rows(chosen) for name, times in self.endpoints.items()},
            approximate={name: rows[chosen] for name, rows in self.approximate.items()},
        )

    def known(self, name: str) -> Bools:
        """Patients whose category, number or date of that name is known, shape (n,)."""
        known: Bools
        if name in self.categories:
            known = self.categories[name] != MISSING
        elif name in self.numbers:
            known = ~np.isnan(self.numbers[name])
        else:
            # Both codes lie below every day.
            known = self.dates[name] > UNKNOWN_DAY
        return known

    def complete(self, names: Sequence[str], endpoint: str | None = None) -> Bools:
        """Patients with every one of these variables, and the endpoint, known, shape (n,)."""
        complete = np.ones(self.n, dtype=np.bool_)
        for name in names:
            complete &= self.known(name)
        return complete if endpoint is None else complete & self.endpoints[endpoint].known

    def digest(self) -> bytes:
        """SHA-256 over everything known of these patients, 32 bytes: equal only for equal records in equal order."""
        digest = hashlib.sha256(str(self.n).encode())
        for kind in (self.categories, self.numbers, self.dates):
            for name in sorted(kind):
                _add(digest, name, kind[name])
        for name in sorted(self.endpoints):
            times = self.endpoints[name]
            for part, values in (
                ("time", times.time),
                ("event", times.event),
                ("entry", times.entry),
            ):
                if values is not None:
                    _add(digest, f"{name}/{part}", values)
        for name in sorted(self.approximate):
            _add(digest, f"{name}/approximate", self.approximate[name])
        return digest.digest()

    def keep(self, key: Hashable, build: Callable[[], _Kept]) -> _Kept:
        """Build something of these patients once (a sorted design, a chosen subset) and keep it for the next round."""
        if key not in self._kept:
            self._kept[key] = build()
        return cast("_Kept", self._kept[key])


def _add(digest: hashlib._Hash, name: str, values: NDArray[np.generic]) -> None:
    """Add a named array to a digest, its name and length first, so that no two sets of arrays give the same bytes."""
    digest.update(f"\n{name}\n{values.dtype.str}\n{values.size}\n".encode())
    digest.update(np.ascontiguousarray(values).tobytes())
