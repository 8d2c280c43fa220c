"""How well the day of a date or time is known, and whether the plan counts those of which it is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from riskset_common.planning.check import days_counted, variables_read
from riskset_common.study.codebook import DAY, DAY_LEVELS
from riskset_common.study.patients import MISSING, UNKNOWN_DAY, Integers, Patients
from riskset_common.study.study import Study
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark

_KNOWN, _APPROXIMATE, _UNKNOWN = range(len(DAY_LEVELS))


def known_days(patients: Patients, names: Iterable[str]) -> dict[str, Integers]:
    """`NAME.day` of these dates and numbers in the codes of its levels, each of shape (n,); missing where there is no date or time."""
    nowhere = np.zeros(patients.n, dtype=np.bool_)
    found = {}
    for name in names:
        approximate = patients.approximate.get(name, nowhere)
        code = np.where(approximate, _APPROXIMATE, _KNOWN)
        code = np.where(patients.known(name), code, MISSING)
        if name in patients.dates:
            code = np.where(patients.dates[name] == UNKNOWN_DAY, _UNKNOWN, code)
        found[name + DAY] = code.astype(np.int64)
    return found


def uncounted_days(patients: Patients, study: Study) -> Iterator[Mark]:
    """Days that a site set itself, of which the plan's results would not say how many there are: all dates and times in one mark."""
    uncounted = variables_read(study) - days_counted(study)
    found = {
        name: rows
        for name, rows in patients.approximate.items()
        if name in uncounted and rows.any()
    }
    if found:
        names = tuple(found)
        rows = ", ".join(name + DAY for name in names)
        yield Mark(
            FindingKind.UNCOUNTED_DAYS,
            names,
            np.any(list(found.values()), axis=0),
            f"days of {', '.join(names)} are approximate (completed by the site or in its files), and the plan does not count such days",
            f"Ask the centre for a plan that does, by an analysis of kind baseline with rows: [{rows}]. Or call these days unknown "
            "(day_unknown).",
        )
