"""Records as they stood on the plan's data cut-off: what came later had not happened, and nobody had been seen later."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import numpy as np

from riskset_common.study.patients import NO_DATE, Integers, Patients, day_number
from riskset_common.study.study import Study
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark


def as_it_stood(
    patients: Patients, on: datetime.date | None, last_contacts: Collection[str] = ()
) -> Patients:
    """The patients with no date after that day; all as they are without one.

    What is dated later had not happened, but someone whose last contact (one of these variables) came later had been seen until then.
    """
    if on is None:
        return patients
    last = day_number(on)
    dates = {
        name: np.where(days > last, last if name in last_contacts else NO_DATE, days)
        for name, days in patients.dates.items()
    }
    return replace(patients, dates=dates)


def seen_until(
    last_contact: Integers, events: Iterable[Integers], on: datetime.date | None
) -> Integers:
    """The last contact until that day, shape (n,): someone seen later had been under observation on it.

    So had someone without a last contact whose event came later, as of the dead often only the day of death is recorded.
    """
    if on is None:
        return last_contact
    last = day_number(on)
    later = np.any([days > last for days in events], axis=0)
    return np.where((last_contact == NO_DATE) & later, last, np.minimum(last_contact, last))


def cutoff_marks(patients: Patients, study: Study) -> Iterator[Mark]:
    """Dates after the plan's data cut-off: follow-up that other sites have not had yet."""
    cutoff = study.plan.data_cutoff
    if cutoff is None or study.plan.censor_at_cutoff:
        return
    last = day_number(cutoff)
    for name, days in patients.dates.items():
        late = days > last
        if late.any():
            yield Mark(
                FindingKind.IMPOSSIBLE_DATE,
                (name,),
                late,
                f"{name} lies after the plan's data_cutoff ({cutoff})",
                f"Give the records as they stood on {cutoff}: without later events, and with last contact by that day. Or ask the centre "
                "for a plan with censor_at_cutoff: true, which reads them so.",
            )


def later_origins(patients: Patients, origin: str, on: datetime.date | None) -> Iterator[Mark]:
    """Patients whose time begins after the day on which all observation ends."""
    if on is None:
        return
    later = patients.dates[origin] > day_number(on)
    if later.any():
        yield Mark(
            FindingKind.ORIGIN_AFTER_CUTOFF,
            (origin,),
            later,
            f"{origin} lies after the plan's data_cutoff ({on}), on which it ends all observation",
            "Nothing is to be done. These patients have no endpoint that begins there, and count among those with missing values.",
        )
