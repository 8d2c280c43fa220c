"""Spans of time at risk: a patient's follow-up, cut where an exposure begins, so that a covariate may change in time.

A span (entry, time] is at risk at the event times t with entry < t <= time. A change at c parts it into (entry, c] and (c, time]:
what happens at c itself happens before the change, and an event ends the last span only. The partial likelihood of all spans is that
of the patients with a covariate that changes (Andersen and Gill 1982, Ann Stat 10:1100, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.survival.arrays.shapes import BoolArray, IntArray, same_length

BEFORE_THE_FIRST_STEP = -1
"""Entry of those observed from the origin on, so that they are at risk at step 0 as well."""
NEVER = np.iinfo(np.int64).max
"""The time of a change that does not come."""


@dataclass(frozen=True, eq=False)
class Spans:
    """Follow-up in spans; every array has shape (n_spans,).

    Attributes
    ----------
    patient
        Number of the patient whose span it is.
    entry, time
        At risk at the steps t with entry < t <= time.
    event
        True where the span ends with the event.
    """

    patient: IntArray
    entry: IntArray
    time: IntArray
    event: BoolArray

    @classmethod
    def of(cls, time: IntArray, event: BoolArray, entry: IntArray | None) -> Spans:
        """One span a patient: all of their follow-up, in steps of the time grid, shape (n_patients,)."""
        n = same_length(time=time, event=event, entry=entry)
        begin = np.full(n, BEFORE_THE_FIRST_STEP, dtype=np.int64) if entry is None else entry
        return cls(np.arange(n, dtype=np.int64), begin, time, event.astype(np.bool_))

    def cut(self, change: IntArray) -> Spans:
        """Part the spans within which a patient's change lies; the later parts come at the end.

        Parameters
        ----------
        change
            Step of each patient's change, `NEVER` where none comes, shape (n_patients,).
        """
        at = change[self.patient]
        parted = (self.entry < at) & (at < self.time)
        return Spans(
            patient=np.concatenate((self.patient, self.patient[parted])),
            entry=np.concatenate((self.entry, at[parted])),
            time=np.concatenate((np.where(parted, at, self.time), self.time[parted])),
            event=np.concatenate((self.event & ~parted, self.event[parted])),
        )

    def after(self, change: IntArray) -> BoolArray:
        """Spans that begin at or after the patient's change, and so lie behind it as a whole, shape (n_spans,)."""
        behind: BoolArray = change[self.patient] <= self.entry
        return behind

    @property
    def is_last(self) -> BoolArray:
        """Spans with which a patient's follow-up ends, shape (n_spans,)."""
        end = np.zeros(int(self.patient.max(initial=-1)) + 1, dtype=np.int64)
        np.maximum.at(end, self.patient, self.time)
        last: BoolArray = self.time == end[self.patient]
        return last
