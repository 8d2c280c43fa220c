"""Completeness of follow-up: how much of the person-time that could have been observed until a closing date was observed.

With o_i the time that patient i was observed until the closing date, and p_i the time that could have been observed (o_i where the
event came first, else the time to the closing date), C = sum of o_i / sum of p_i (Clark, Altman and De Stavola 2002, Lancet 359:1309).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.survival.arrays.shapes import BoolArray, IntArray, same_length


@dataclass(frozen=True)
class PersonTime:
    """Sums over patients, in steps of the time grid; they add over sites.

    Attributes
    ----------
    observed, potential
        Sum of o_i, and of p_i.
    incomplete
        Patients with o_i < p_i: neither followed to the closing date nor with the event before it.
    """

    observed: int
    potential: int
    incomplete: int


def person_time(
    time: IntArray, event: BoolArray, entry: IntArray | None, closing: IntArray
) -> PersonTime:
    """Observed and potential person-time of some patients.

    What lies after the closing date counts neither as observed nor as potential; an event after it did not happen by then.

    Parameters
    ----------
    time, event, entry
        Steps of the time grid, shape (n,), as for a risk table; without entry everybody is observed from the origin.
    closing
        Steps from the origin to the closing date, shape (n,); before the entry or the origin where a patient came after it.
    """
    same_length(time=time, event=event, entry=entry, closing=closing)
    begin = np.zeros_like(time) if entry is None else entry
    possible = np.maximum(closing - begin, 0)
    observed = np.minimum(time - begin, possible)
    potential = np.where(event & (time <= closing), observed, possible)
    return PersonTime(
        observed=int(observed.sum()),
        potential=int(potential.sum()),
        incomplete=int(np.count_nonzero(observed < potential)),
    )
