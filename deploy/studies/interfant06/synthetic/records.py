"""A cohort as records in the codebook's words: one row an infant, with a study group, a local number, and every variable."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from deploy.studies.interfant06.synthetic import margins
from deploy.studies.interfant06.synthetic.cohort import EVENTS, NO_DAY, Cohort, draw_cohort
from deploy.studies.interfant06.synthetic.details import DEATH_CAUSES, RELAPSE_SITES
from deploy.studies.interfant06.synthetic.earlier import EarlierCohort, draw_earlier
from deploy.studies.interfant06.synthetic.infants import UNKNOWN
from deploy.studies.interfant06.synthetic.parameters import Parameters

from riskset_common.errors import InputError
from riskset_common.survival.arrays.shapes import IntArray

GROUP_NAMES = tuple(margins.GROUPS)
SEXES = ("male", "female")
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


Value = str | int | float | Decimal | datetime.date | None
"""What a record can hold of one variable; None where missing."""

Record = dict[str, Value]
"""One infant: `study_group`, `number` (its number in the group), `age_days`, and the `VARIABLES` but for `age`; None where missing."""


def whole(record: Record, name: str) -> int:
    """A whole number that every record has: `number` or `age_days`."""
    value = record[name]
    if not isinstance(value, int):
        raise InputError(f"{name}: a record has {value!r}, and must have a whole number.")
    return value


def draw_records(parameters: Parameters, seed: int) -> dict[str, list[Record]]:
    """Records of both trials by study group, shuffled within it as registration mixes them.

    Ages stand in days only: a file says them in its own unit.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 7]))
    columns = (
        _trial_columns(draw_cohort(parameters, seed)),
        _earlier_columns(draw_earlier(parameters, seed)),
    )
    records = [
        dict(zip(each, row, strict=True))
        for each in columns
        for row in zip(*each.values(), strict=True)
    ]
    order = np.argsort(rng.random(len(records)), kind="stable")
    groups: dict[str, list[Record]] = {name: [] for name in GROUP_NAMES}
    for place in order:
        own = groups[str(records[place]["study_group"])]
        own.append({name: None for name in VARIABLES if name != "age"} | records[place])
        own[-1]["number"] = len(own)
    return groups


def _trial_columns(cohort: Cohort) -> dict[str, Sequence[Value]]:
    infants, course, days = cohort.infants, cohort.course, cohort.days
    # 3 is who was randomised.
    reason = np.where(course.randomisation == 3, UNKNOWN, course.randomisation)
    return {
        "study_group": _words(infants.group, GROUP_NAMES),
        "age_days": infants.age_days.tolist(),
        "trial": ["I06"] * infants.risk.size,
        "diagnosis": _dates(cohort.diagnosis, np.zeros_like(cohort.diagnosis)),
        **{name: _dates(cohort.diagnosis, when) for name, when in days.items()},
        "last_contact": _dates(cohort.diagnosis, cohort.last_contact),
        "sex": _words(infants.female.astype(np.int64), SEXES),
        "wbc": infants.wbc.tolist(),
        "lineage": _words(infants.lineage, ("B", "T", "biphenotypic")),
        "cd10": _words(infants.cd10, ("positive", "negative")),
        "cns": _words(infants.cns, ("not_involved", "involved")),
        "kmt2a": _words(infants.kmt2a, ("germline", "rearranged")),
        "partner": _words(infants.partner, margins.PARTNERS),
        "blasts": [None if np.isnan(count) else float(count) for count in infants.blasts],
        "risk_recorded": _words(infants.risk, margins.RISKS),
        "not_randomised": _words(reason, ("event", "closed", "eligible")),
        "arm": _words(course.arm, ("IB", "ADE_MAE")),
        "arm_received": _words(course.arm_received, ("IB", "ADE_MAE")),
        "mrd": _words(course.mrd, ("low", "high")),
        "relapse_site": _words(cohort.relapse_site, RELAPSE_SITES),
        "death_cause": _words(cohort.death_cause, DEATH_CAUSES),
    }


def _earlier_columns(earlier: EarlierCohort) -> dict[str, Sequence[Value]]:
    n = earlier.group.size
    return {
        "study_group": _words(earlier.group, GROUP_NAMES),
        "age_days": earlier.age_days.tolist(),
        "trial": ["I99"] * n,
        "diagnosis": _dates(earlier.diagnosis, np.zeros(n, dtype=np.int64)),
        **{
            name: _dates(earlier.diagnosis, getattr(earlier, name))
            for name in ("remission", "relapse", "death", "last_contact")
        },
        "sex": _words(earlier.female.astype(np.int64), SEXES),
        "wbc": earlier.wbc.tolist(),
    }


def _dates(diagnosis: IntArray, days: IntArray) -> list[datetime.date | None]:
    return [
        None if day == NO_DAY else _EPOCH + datetime.timedelta(days=int(start + day))
        for start, day in zip(diagnosis, days, strict=True)
    ]


def _words(codes: IntArray, words: Sequence[str]) -> list[str | None]:
    return [None if code == UNKNOWN else words[code] for code in codes]
