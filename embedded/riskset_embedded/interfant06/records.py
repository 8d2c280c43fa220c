"""A cohort as records in the codebook's words: one row an infant, with a study group, a local number, and every variable."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import pandas as pd

from riskset_common.survival.arrays import IntArray
from riskset_embedded.interfant06 import margins
from riskset_embedded.interfant06.cohort import (
    EVENTS,
    NO_DAY,
    Cohort,
    EarlierCohort,
    draw_cohort,
    draw_earlier,
)
from riskset_embedded.interfant06.details import DEATH_CAUSES, RELAPSE_SITES
from riskset_embedded.interfant06.infants import UNKNOWN
from riskset_embedded.interfant06.parameters import Parameters

GROUP_NAMES = tuple(margins.GROUPS)
DATES = ("diagnosis", *EVENTS, "last_contact")
VARIABLES = (
    "trial",
    "diagnosis",
    "remission",
    "resistance",
    "randomised",
    "transplanted",
    "relapse",
    "smn",
    "death",
    "last_contact",
    "sex",
    "age",
    "wbc",
    "lineage",
    "cd10",
    "cns",
    "kmt2a",
    "partner",
    "blasts",
    "risk_recorded",
    "not_randomised",
    "arm",
    "arm_received",
    "mrd",
    "relapse_site",
    "death_cause",
)
"""The variables of the study's codebook, in the order of the files."""

_EPOCH = datetime.date(1970, 1, 1)


def draw_records(parameters: Parameters, seed: int) -> pd.DataFrame:
    """Records of both trials: `study_group`, `number` (the infant's number in its group), `age_days` and `VARIABLES`.

    Ages stand in days beside `age`, which stays empty: a file says them in its own unit. Rows are shuffled within each group, as
    registration mixes them.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 7]))
    infants = _trial_records(draw_cohort(parameters, seed))
    earlier = _earlier_records(draw_earlier(parameters, seed))
    records = pd.concat([infants, earlier], ignore_index=True)
    records["order"] = rng.random(len(records))
    records = records.sort_values(["study_group", "order"], kind="stable", ignore_index=True)
    records["number"] = records.groupby("study_group").cumcount() + 1
    return records[["study_group", "number", "age_days", *VARIABLES]]


def _trial_records(cohort: Cohort) -> pd.DataFrame:
    infants, course, days = cohort.infants, cohort.course, cohort.days
    # Not randomised and infants of low risk: 3 is who was.
    reason = np.where(course.randomisation == 3, UNKNOWN, course.randomisation)
    columns = {
        "study_group": np.array(GROUP_NAMES)[infants.group],
        "age_days": infants.age_days,
        "trial": np.full(infants.risk.size, "I06"),
        "diagnosis": _dates(cohort.diagnosis, np.zeros_like(cohort.diagnosis)),
        **{name: _dates(cohort.diagnosis, when) for name, when in days.items()},
        "last_contact": _dates(cohort.diagnosis, cohort.last_contact),
        "sex": _words(infants.female.astype(np.int64), ("male", "female")),
        "wbc": infants.wbc,
        "lineage": _words(infants.lineage, ("B", "T", "biphenotypic")),
        "cd10": _words(infants.cd10, ("positive", "negative")),
        "cns": _words(infants.cns, ("not_involved", "involved")),
        "kmt2a": _words(infants.kmt2a, ("germline", "rearranged")),
        "partner": _words(infants.partner, margins.PARTNERS),
        "blasts": infants.blasts,
        "risk_recorded": _words(infants.risk, margins.RISKS),
        "not_randomised": _words(reason, ("event", "closed", "eligible")),
        "arm": _words(course.arm, ("IB", "ADE_MAE")),
        "arm_received": _words(course.arm_received, ("IB", "ADE_MAE")),
        "mrd": _words(course.mrd, ("low", "high")),
        "relapse_site": _words(cohort.relapse_site, RELAPSE_SITES),
        "death_cause": _words(cohort.death_cause, DEATH_CAUSES),
    }
    return pd.DataFrame(columns)


def _earlier_records(earlier: EarlierCohort) -> pd.DataFrame:
    n = earlier.group.size
    dates = {
        name: _dates(earlier.diagnosis, getattr(earlier, name))
        for name in ("remission", "relapse", "death", "last_contact")
    }
    return pd.DataFrame(
        {
            "study_group": np.array(GROUP_NAMES)[earlier.group],
            "age_days": earlier.age_days,
            "trial": np.full(n, "I99"),
            "diagnosis": _dates(earlier.diagnosis, np.zeros(n, dtype=np.int64)),
            **dates,
            "sex": _words(earlier.female.astype(np.int64), ("male", "female")),
            "wbc": earlier.wbc,
        }
    ).reindex(columns=["study_group", "age_days", *VARIABLES])


def _dates(diagnosis: IntArray, days: IntArray) -> list[datetime.date | None]:
    return [
        None if day == NO_DAY else _EPOCH + datetime.timedelta(days=int(start + day))
        for start, day in zip(diagnosis, days, strict=True)
    ]


def _words(codes: IntArray, words: Sequence[str]) -> list[str | None]:
    return [None if code == UNKNOWN else words[code] for code in codes]
