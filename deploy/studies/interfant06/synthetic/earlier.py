"""The comparison cohort, Interfant-99: time to the first event and death after it are modelled, little else is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from deploy.studies.interfant06.synthetic import margins
from deploy.studies.interfant06.synthetic.cohort import NO_DAY, YEAR, whole_days
from deploy.studies.interfant06.synthetic.course import DEATH_SHAPE, DEATH_STARTS, NEVER
from deploy.studies.interfant06.synthetic.drawing import waiting_time
from deploy.studies.interfant06.synthetic.parameters import Parameters

from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray

START, END, LAST_VISITS = 1999.35, 2006.0, 2013.9
EVENT_STARTS = (0.0, 0.1, 0.6, 1.1, 2.0, 4.0)
EVENT_SHAPE = np.array([1.0, 1.0, 1.2, 0.6, 0.1, 0.02])
INDUCTION = 0.1
"""Years; an event before is a death in induction, a later one a relapse, or in one of ten a death in remission."""
IN_REMISSION = 0.1


@dataclass(frozen=True, eq=False)
class EarlierCohort:
    """Infants of Interfant-99; days since diagnosis, -1 where it was not observed, shape (n,)."""

    group: IntArray
    region: IntArray
    female: BoolArray
    age_days: IntArray
    wbc: FloatArray
    diagnosis: IntArray
    remission: IntArray
    relapse: IntArray
    death: IntArray
    last_contact: IntArray


def draw_earlier(parameters: Parameters, seed: int) -> EarlierCohort:
    """Draw the comparison cohort that belongs to a seed."""
    rng = np.random.Generator(np.random.PCG64([seed, 99]))
    region = np.repeat([0, 1], margins.EARLIER_SIZES)
    n = region.size
    group = _groups(rng.random(n), region)
    diagnosis = START + (END - START) * rng.random(n)
    days = {name: whole_days(each) for name, each in _course(rng, region, parameters).items()}
    both = (days["relapse"] != NO_DAY) & (days["death"] != NO_DAY)
    days["death"] = np.where(both, np.maximum(days["death"], days["relapse"] + 1), days["death"])
    visit = np.minimum(LAST_VISITS - diagnosis, 9.0) + 2.0 * np.log(rng.random(n)) * rng.random(n)
    last = np.floor(np.maximum(visit, 2.0) * YEAR).astype(np.int64)
    for each in days.values():
        each[each > last] = NO_DAY
    return EarlierCohort(
        group=group,
        region=region,
        female=rng.random(n) < 0.53,
        age_days=5 + np.floor(rng.random(n) * 361).astype(np.int64),
        wbc=np.floor(2 * 500 ** rng.random(n) * 10) / 10,
        diagnosis=np.floor((diagnosis - 1970) * YEAR).astype(np.int64),
        remission=days["remission"],
        relapse=days["relapse"],
        death=days["death"],
        last_contact=np.where(days["death"] != NO_DAY, days["death"], last),
    )


def _groups(u: FloatArray, region: IntArray) -> IntArray:
    """A study group of the region, with chances in proportion to the groups' sizes in Interfant-06. Shape (n,)."""
    sizes, border = np.array(margins.SIZES), margins.ORIGINAL_GROUPS
    original, other = (np.cumsum(part) / part.sum() for part in (sizes[:border], sizes[border:]))
    return np.where(
        region == 0,
        np.searchsorted(original[:-1], u),
        border + np.searchsorted(other[:-1], u),
    )


def _course(rng: np.random.Generator, region: IntArray, p: Parameters) -> dict[str, FloatArray]:
    """Years from diagnosis to remission, relapse and death, shape (n,) each."""
    n = region.size
    log_event = np.array([p.log_event_earlier_original, p.log_event_earlier_other])[region]
    log_death = np.array([p.log_death_earlier_original, p.log_death_earlier_other])[region]
    event = waiting_time(rng.random(n), EVENT_STARTS, np.exp(log_event)[:, None] * EVENT_SHAPE)
    at_once = (event < INDUCTION) | (rng.random(n) < IN_REMISSION)
    survived = waiting_time(rng.random(n), DEATH_STARTS, np.exp(log_death)[:, None] * DEATH_SHAPE)
    return {
        "remission": np.where(event < INDUCTION, NEVER, np.minimum(0.13, 0.9 * event)),
        "relapse": np.where(at_once, NEVER, event),
        "death": np.where(at_once, event, event + 0.01 + survived),
    }
