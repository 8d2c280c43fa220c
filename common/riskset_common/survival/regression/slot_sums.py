"""One site's sums over risk sets at event times that all sites share: what the pooled partial likelihood of an unstratified model adds up.

With w_i = exp(x_i' β), at each slot (a stratum and an event time in it, agreed by all sites):

    S0, S1, S2    sums of w, w x, w x x' over the patients at risk
    D0, D1, D2    the same over the patients who die there

A patient is at risk at a time t of the own stratum with entry < t <= time. Nothing is subtracted, see `risk_sets`.

References
----------
Andersen PK, Gill RD (1982), Ann Stat 10:1100 (risk sets with entry and strata). Efron B (1977), J Am Stat Assoc 72:557, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import DataError
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray
from riskset_common.survival.regression.risk_sets import RiskSets, risk_sets


@dataclass(frozen=True, eq=False)
class SlotDesign:
    """A site's patients arranged for `slot_sums`.

    Attributes
    ----------
    x
        Covariates, shape (p, n_rows); after the patients at risk anywhere follow rows of zeros, one for each slot.
    weight
        1 for patients, 0 for those rows, shape (n_rows,).
    risk_sets
        Who is at risk at which slot, slots of a stratum from the latest to the earliest.
    order
        Position of each slot, as given, among the slots of `risk_sets`, shape (n_slots,).
    deaths, death_slots
        Rows that die and the slots, as given, at which they do, shape (n_deaths,) each.
    """

    x: FloatArray
    weight: FloatArray
    risk_sets: RiskSets
    order: IntArray
    deaths: IntArray
    death_slots: IntArray


def prepare_slots(
    time: NDArray[np.generic],
    event: BoolArray,
    entry: NDArray[np.generic] | None,
    x: FloatArray,
    stratum: IntArray,
    slot_strata: IntArray,
    slot_times: NDArray[np.generic],
) -> SlotDesign:
    """Arrange patients for slots that are sorted by stratum and, within a stratum, by time.

    Parameters
    ----------
    time, event, entry, stratum
        Of each patient, shape (n,); entry None without left truncation.
    x
        Covariates, shape (n, p).
    slot_strata, slot_times
        Stratum and time of each slot, shape (n_slots,).
    """
    n_slots = len(slot_times)
    start = np.searchsorted(slot_strata, np.unique(slot_strata))
    end = np.append(start[1:], n_slots)
    after, until = _slots_at_risk(time, entry, stratum, slot_strata, slot_times)
    _refuse_unknown_deaths(time, event, stratum, until, slot_strata, slot_times)
    kept = np.flatnonzero(after < until)
    # Turned round: slot k is number n_slots - 1 - k, and `last` is the earliest at which a patient is at risk.
    slots = np.arange(n_slots)
    first = np.concatenate([n_slots - until[kept], slots])
    last = np.concatenate(
        [n_slots - 1 - after[kept], n_slots - 1 - np.repeat(start, end - start)[::-1]]
    )
    rows = np.argsort(first, kind="stable")
    patient = rows < len(kept)
    place = np.full(len(time), -1)
    place[kept[rows[patient]]] = np.flatnonzero(patient)
    dead = np.flatnonzero(event)
    covariates = np.zeros((x.shape[1], len(rows)))
    covariates[:, patient] = x[kept[rows[patient]]].T
    boundaries = np.append(n_slots - end[::-1], n_slots).astype(np.int64)
    return SlotDesign(
        x=covariates,
        weight=patient.astype(np.float64),
        risk_sets=risk_sets(first[rows], last[rows], boundaries),
        order=n_slots - 1 - slots,
        deaths=place[dead],
        death_slots=until[dead] - 1,
    )


def slot_sums(design: SlotDesign, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """S and D at each slot, shape (1 + p + p (p + 1)/2, n_slots) each: of w, of w x, of w x x' by rows of the upper triangle."""
    upper = np.triu_indices(len(design.x))
    weighted = np.exp(beta @ design.x) * design.weight
    values = np.concatenate(
        [
            weighted[np.newaxis],
            weighted * design.x,
            weighted * design.x[upper[0]] * design.x[upper[1]],
        ]
    )
    at_risk = design.risk_sets.over_risk_sets(values)[:, design.order]
    died = np.zeros_like(at_risk)
    np.add.at(died.T, design.death_slots, values[:, design.deaths].T)
    return at_risk, died


def event_covariates(design: SlotDesign, g: FloatArray | None = None) -> FloatArray:
    """Sum of x over the patients who die, shape (p,), each times g of its slot where that is given, shape (n_slots,)."""
    covariates = design.x[:, design.deaths]
    if g is not None:
        covariates = covariates * g[design.death_slots]
    total: FloatArray = covariates.sum(axis=1)
    return total


def _slots_at_risk(
    time: NDArray[np.generic],
    entry: NDArray[np.generic] | None,
    stratum: IntArray,
    slot_strata: IntArray,
    slot_times: NDArray[np.generic],
) -> tuple[IntArray, IntArray]:
    """`after` and `until` of each patient, shape (n,) each: with slots ascending, it is at risk at slots after..until - 1."""
    after, until = np.zeros(len(time), np.int64), np.zeros(len(time), np.int64)
    strata, start = np.unique(slot_strata, return_index=True)
    for value, begin, stop in zip(strata, start, [*start[1:], len(slot_times)], strict=True):
        inside = stratum == value
        times = slot_times[begin:stop]
        until[inside] = begin + np.searchsorted(times, time[inside], side="right")
        after[inside] = begin
        if entry is not None:
            after[inside] += np.searchsorted(times, entry[inside], side="right")
    return after, until


def _refuse_unknown_deaths(
    time: NDArray[np.generic],
    event: BoolArray,
    stratum: IntArray,
    until: IntArray,
    slot_strata: IntArray,
    slot_times: NDArray[np.generic],
) -> None:
    """Each death must fall on a slot: the slots were made of all deaths."""
    slot = until[event] - 1
    known = (
        len(slot_times) > 0
        and bool(np.all(slot >= 0))
        and bool(np.all(slot_times[slot] == time[event]))
        and bool(np.all(slot_strata[slot] == stratum[event]))
    )
    if bool(event.any()) and not known:
        raise DataError(
            "An event of this site falls at a time that the agreed event times do not hold. The patients' records have changed since "
            "the event times were counted; start a new run."
        )
