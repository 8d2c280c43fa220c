"""Dates that software writes for an empty cell, known by their day and by their distance from all others of their column."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import numpy as np

from riskset_common.study.patients import UNKNOWN_DAY, day_number
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark
from riskset_node.records.values.column import Column, text_of
from riskset_node.records.values.column_reading import ColumnReading
from riskset_node.sources.date_forms import DAY_ZERO

_NEVER = frozenset({day_number(datetime.date(1900, 1, 1)), day_number(datetime.date(1900, 1, 2))})
"""The day 0, 1 or 2 of Excel and of most databases: no patient of a survival study was seen then."""

_DAYS_ZERO = frozenset(day_number(datetime.date(year, 1, 1)) for year in (1901, 1904, 1960, 1970))
"""Day 0 of SAS, Stata, R, Unix, of Excel on the Mac and of Visual Basic: true days as well, if others are near."""

_CODE = re.compile("-?(7+|8+|9+)|-1")
"""Numbers that stand for missing in many files."""

_FAR_FROM_ZERO = 3653
_FAR = 7305
"""Days, ten and twenty years, from which on nothing else in a column is near."""


def placeholder_marks(raw: Column, reading: ColumnReading, days: Sequence[int]) -> list[Mark]:
    """Mark days that stand for an empty cell; `days` are those of the distinct values of the column.

    Such a day is 1 January 1900; or day 0 of a program's calendar, or a day number such as -9 and 999, with no other day of the column
    within ten years, other such days aside; or the first day of the column, if two patients or more have it and the next is more than
    twenty years later.
    """
    distinct = np.unique([day for day in days if day > UNKNOWN_DAY])
    rows = np.bincount(raw.index[raw.index >= 0], minlength=len(days))
    patients = {int(day): 0 for day in distinct}
    for day, count in zip(days, rows, strict=True):
        if day > UNKNOWN_DAY:
            patients[day] += int(count)
    zeros = _NEVER | _DAYS_ZERO | _days_of_codes(raw, reading, days)
    true = distinct[[day not in zeros for day in distinct.tolist()]]
    empty = {
        day
        for day in zeros.intersection(distinct.tolist())
        if day in _NEVER or (np.abs(true - day) > _FAR_FROM_ZERO).all()
    }
    left = [day for day in distinct.tolist() if day not in empty]
    if len(left) > 1 and left[1] - left[0] > _FAR and patients[left[0]] > 1:
        empty.add(left[0])
    return reading.marks(
        FindingKind.PLACEHOLDER_DATE,
        raw,
        [position for position, day in enumerate(days) if day in empty],
        "holds dates far from all others, as software writes them for an empty cell",
        f"Write them under {reading.setting}.did_not_happen (an event that did not happen), .day_unknown (it happened, and nobody knows "
        "when) or .missing. If they are true, accept placeholder_date.",
    )


def _days_of_codes(raw: Column, reading: ColumnReading, days: Sequence[int]) -> frozenset[int]:
    """Days whose number in the file is one that people write for missing, if the column has day numbers."""
    if not any(form.name in DAY_ZERO for form in reading.forms):
        return frozenset()
    return frozenset(
        day
        for value, day in zip(raw.distinct, days, strict=True)
        if day > UNKNOWN_DAY and _CODE.fullmatch(text_of(value))
    )
