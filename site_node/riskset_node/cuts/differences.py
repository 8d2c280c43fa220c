"""What differs between two states of a site's records: patients new, gone and changed, by variable. For the site's own eyes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskset_common.errors import NodeConfigError
from riskset_common.study.codebook import CategoryVariable, Codebook
from riskset_common.study.patients import UNKNOWN_DAY, Bools, Integers, Patients, Reals, date_of
from riskset_node.records.findings import IDS_SHOWN
from riskset_node.records.site_records import SiteRecords
from riskset_node.records.values.column import text_of


@dataclass(frozen=True)
class Some:
    """Patients by their local ids: how many, and the first of them in the order of the records."""

    count: int
    local_ids: tuple[str, ...]


@dataclass(frozen=True)
class ChangedValue:
    """One patient's value of one variable, before and after, in the words of the codebook."""

    local_id: str
    before: str
    after: str


@dataclass(frozen=True)
class ChangedVariable:
    """One variable.

    Attributes
    ----------
    patients
        How many have another value.
    values
        Those of the first of them.
    """

    name: str
    label: str
    patients: int
    values: tuple[ChangedValue, ...]


@dataclass(frozen=True)
class Differences:
    """What differs between two states of the records.

    Attributes
    ----------
    patients
        How many there are before and after.
    new, gone, changed
        Patients that only the later state has, that only the earlier has, and that have another value of some variable.
    without_id
        Rows before and after whose id is missing; they are in no comparison.
    variables
        Those with another value of some patient, in the codebook's order.
    """

    patients: tuple[int, int]
    new: Some
    gone: Some
    changed: Some
    without_id: tuple[int, int]
    variables: tuple[ChangedVariable, ...]


def differences(before: SiteRecords, after: SiteRecords, codebook: Codebook) -> Differences:
    """Compare two states of the records, patient by patient.

    Raises
    ------
    NodeConfigError
        If one of them names no ids of the patients, or one id for two of them.
    """
    old, new = _rows_by_id(before, "the first"), _rows_by_id(after, "the second")
    both = [name for name in new if name in old]
    here = np.array([old[name] for name in both], dtype=np.int64)
    there = np.array([new[name] for name in both], dtype=np.int64)
    changed = np.zeros(len(both), dtype=np.bool_)
    variables = []
    for name in codebook.variables:
        differ = _differ(before.patients, here, after.patients, there, name)
        changed |= differ
        rows = np.flatnonzero(differ)
        if rows.size:
            values = tuple(
                ChangedValue(
                    both[row],
                    _in_words(before.patients, int(here[row]), name, codebook),
                    _in_words(after.patients, int(there[row]), name, codebook),
                )
                for row in rows[:IDS_SHOWN]
            )
            variables.append(ChangedVariable(name, codebook.label(name), int(rows.size), values))
    return Differences(
        patients=(before.patients.n, after.patients.n),
        new=_some([name for name in new if name not in old]),
        gone=_some([name for name in old if name not in new]),
        changed=_some([both[row] for row in np.flatnonzero(changed)]),
        without_id=(before.patients.n - len(old), after.patients.n - len(new)),
        variables=tuple(variables),
    )


def _some(names: list[str]) -> Some:
    return Some(len(names), tuple(names[:IDS_SHOWN]))


def _rows_by_id(records: SiteRecords, which: str) -> Mapping[str, int]:
    """Row of each patient that has an id, in the order of the records."""
    names = records.local_ids.names
    if names is None:
        raise NodeConfigError(
            f"data.patient: {which} of the two names no ids of its patients, so they cannot be found again. Name the column with the ids."
        )
    twice = [name for name, times in Counter(map(str, names)).items() if name and times > 1]
    if twice:
        raise NodeConfigError(
            f"data.patient: {which} of the two has patient {twice[0]!r} more than once. Keep one row for each patient."
        )
    return {str(name): row for row, name in enumerate(names) if name}


def _differ(before: Patients, here: Integers, after: Patients, there: Integers, name: str) -> Bools:
    """Whose values of a variable differ, among patients at these rows of the two; shape of the rows."""
    old, new = _codes(before, name)[here], _codes(after, name)[there]
    both_missing = ~before.known(name)[here] & ~after.known(name)[there]
    nan = both_missing & (name in before.numbers)
    other: Bools = (old != new) & ~nan
    approximate: Bools = _approximate(before, name)[here] != _approximate(after, name)[there]
    return other | approximate


def _codes(patients: Patients, name: str) -> Integers | Reals:
    if name in patients.numbers:
        return patients.numbers[name]
    return patients.categories[name] if name in patients.categories else patients.dates[name]


def _approximate(patients: Patients, name: str) -> Bools:
    found = patients.approximate.get(name)
    return np.zeros(patients.n, dtype=np.bool_) if found is None else found


def _in_words(patients: Patients, row: int, name: str, codebook: Codebook) -> str:
    """The value of one patient as the codebook names it; a missing date may also say that the event did not happen."""
    completed = " (approximate)" if _approximate(patients, name)[row] else ""
    if not patients.known(name)[row]:
        unknown = name in patients.dates and patients.dates[name][row] == UNKNOWN_DAY
        return "unknown day" if unknown else "missing"
    variable = codebook.variables[name]
    if isinstance(variable, CategoryVariable):
        return list(variable.levels)[int(patients.categories[name][row])]
    if name in patients.numbers:
        return f"{text_of(float(patients.numbers[name][row]))}{completed}"
    return f"{date_of(int(patients.dates[name][row]))}{completed}"
