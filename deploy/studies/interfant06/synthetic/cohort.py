"""The cohort as its data managers closed it: dates in whole days, and follow-up ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from deploy.studies.interfant06.synthetic import margins
from deploy.studies.interfant06.synthetic.course import NEVER, Course, draw_course
from deploy.studies.interfant06.synthetic.details import death_causes, relapse_sites
from deploy.studies.interfant06.synthetic.drawing import pick
from deploy.studies.interfant06.synthetic.infants import Infants, N, draw_infants
from deploy.studies.interfant06.synthetic.parameters import Parameters

from riskset_common.survival.arrays.shapes import FloatArray, IntArray

YEAR = 365.25
START, END, CUTOFF = 2006.09, 2016.58, 2018.0
LONGEST, SHORTEST = 11.4, 0.1
"""Least and greatest follow-up published, in years."""
NO_DAY = -1

EVENTS = ("remission", "resistance", "randomised", "transplanted", "relapse", "smn", "death")


@dataclass(frozen=True, eq=False)
class Cohort:
    """Infants and their observed course.

    Attributes
    ----------
    infants, course
        What they had at diagnosis, and the whole course (of which dates count only where they are in `days`).
    diagnosis
        Days since 1970-01-01, shape (n,).
    days
        For each of `EVENTS` days since diagnosis, -1 where it was not observed, shape (n,).
    last_contact
        Days since diagnosis, shape (n,).
    relapse_site, death_cause
        Positions in `details.RELAPSE_SITES` and `details.DEATH_CAUSES`, -1 where there is neither, shape (n,).
    """

    infants: Infants
    course: Course
    diagnosis: IntArray
    days: dict[str, IntArray]
    last_contact: IntArray
    relapse_site: IntArray
    death_cause: IntArray


def draw_cohort(parameters: Parameters, seed: int) -> Cohort:
    """Draw the 651 infants of Interfant-06 with their course. The same seed draws the same cohort, whatever numpy's release."""
    # Only uniform numbers are drawn: numpy may change how it makes others, not these.
    rng = np.random.Generator(np.random.PCG64(seed))
    infants = draw_infants(rng)
    diagnosis = START + (END - START) * rng.random(N)
    course = draw_course(rng, infants, diagnosis, parameters)
    start = np.floor((diagnosis - 1970) * YEAR).astype(np.int64)
    days = {name: whole_days(getattr(course, name)) for name in EVENTS}
    _in_order(days)
    last = _last_contact(rng, diagnosis, days, np.exp(parameters.log_delay))
    for each in days.values():
        each[each > last] = NO_DAY
    ended = {name: when != NO_DAY for name, when in days.items()}
    return Cohort(
        infants=infants,
        course=course,
        diagnosis=start,
        days=days,
        last_contact=np.where(ended["death"], days["death"], last),
        relapse_site=relapse_sites(rng, ended["relapse"], infants.female),
        death_cause=death_causes(rng, ended),
    )


def whole_days(years: FloatArray) -> IntArray:
    """Years as whole days, -1 for what never comes, shape (n,)."""
    known = years < NEVER
    return np.where(known, np.floor(np.where(known, years, 0.0) * YEAR), NO_DAY).astype(np.int64)


def _in_order(days: dict[str, IntArray]) -> None:
    """Let at least a day pass between what cannot fall on one."""
    for earlier, later in (
        ("remission", "relapse"),
        ("remission", "death"),
        ("randomised", "relapse"),
        ("transplanted", "relapse"),
        ("transplanted", "death"),
        ("resistance", "death"),
        ("relapse", "death"),
        ("smn", "death"),
    ):
        both = (days[earlier] != NO_DAY) & (days[later] != NO_DAY)
        days[later] = np.where(both, np.maximum(days[later], days[earlier] + 1), days[later])


def _last_contact(
    rng: np.random.Generator, diagnosis: FloatArray, days: dict[str, IntArray], delay: float
) -> IntArray:
    """Days from diagnosis to the last contact, were the infant alive then.

    The last visit lies before the cut-off by a time with an exponential distribution. A few are lost in the first four years, and before
    2016; who died or was resistant is not lost, so that the counts of induction hold.
    """
    visit = CUTOFF - diagnosis + delay * np.log(rng.random(N))
    recent = np.clip(CUTOFF - diagnosis - 1.9, 1.0, 4.0)
    visit = np.minimum(np.maximum(visit, recent), LONGEST)
    may = (days["death"] == NO_DAY) & (days["resistance"] == NO_DAY) & (diagnosis < 2014)
    lost = pick(rng, may, margins.LOST)
    earliest = pick(rng, lost & (days["relapse"] == NO_DAY) & (days["randomised"] == NO_DAY), 1)
    early = 0.3 + rng.random(N) * (np.minimum(4.0, 2016 - diagnosis) - 0.4)
    visit = np.where(lost, np.minimum(visit, early), visit)
    last = np.floor(visit * YEAR).astype(np.int64)
    # Everybody was seen through induction: the counts of remissions, failures and randomised infants hold.
    last = np.where(days["remission"] == NO_DAY, np.maximum(last, days["death"]), last)
    last = np.maximum.reduce([last, days["remission"], days["randomised"]])
    return np.where(earliest, np.maximum(days["remission"], int(SHORTEST * YEAR)), last)
