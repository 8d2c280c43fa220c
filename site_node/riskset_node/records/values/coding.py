"""From the values that a column holds to coded arrays: levels, numbers in the codebook's unit, days; and what does not fit."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import did_you_mean
from riskset_common.study.codebook import CategoryVariable, DateVariable, NumberVariable
from riskset_common.study.patients import MISSING, NO_DATE, Bools, Integers
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark
from riskset_node.records.values.column import Column, text_of
from riskset_node.records.values.column_reading import ColumnReading
from riskset_node.records.values.days import code_days
from riskset_node.records.values.numbers import code_numbers
from riskset_node.records.variable_columns import VariableColumn, in_known_unit
from riskset_node.sources.source import NO_LABELS, Labels, SourceSettings

Codes = NDArray[np.int64 | np.float64]
"""Codes of one variable as `Patients` holds them: int64 of levels and days, float64 of numbers."""


@dataclass(frozen=True)
class Coded:
    """One variable of a site's file.

    Attributes
    ----------
    codes
        As `Patients` holds them, shape (n,).
    approximate
        Rows whose date was completed, or whose time rests on one that was, shape (n,).
    """

    codes: Codes
    approximate: Bools
    marks: tuple[Mark, ...]


def code_column(
    raw: Column,
    mapped: VariableColumn,
    source: SourceSettings,
    today: datetime.date,
    labels: Labels = NO_LABELS,
) -> Coded:
    """Codes of one variable, shape (n,); what does not fit is missing, and marked with the label that the file gives it."""
    if mapped.column is None:
        raise ValueError(f"{mapped.name} is absent at this site and has no column.")
    said = labels.values.get(mapped.column.column, {})
    reading = ColumnReading(mapped.name, in_known_unit(raw.unit, mapped), source, said)
    if isinstance(mapped.variable, CategoryVariable):
        codes, marks = _levels(raw, reading, mapped.variable)
        return Coded(codes, np.zeros(codes.shape, dtype=np.bool_), tuple(marks))
    if isinstance(mapped.variable, NumberVariable):
        numbers = code_numbers(raw, reading, mapped.variable)
        exact = np.zeros(numbers.values.shape, dtype=np.bool_)
        return Coded(numbers.values, _with_completed(exact, raw), numbers.marks)
    days = code_days(raw, reading, mapped.variable, today)
    return Coded(days.days, _with_completed(days.completed, raw), days.marks)


def _with_completed(rows: Bools, raw: Column) -> Bools:
    """These rows and those whose date the source says was completed, shape (n,)."""
    return rows if raw.approximate is None else rows | (raw.approximate & (raw.index >= 0))


def absent_column(variable: CategoryVariable | NumberVariable | DateVariable, n: int) -> Coded:
    """A variable that the site does not hold: missing for all its patients, shape (n,)."""
    nothing = np.zeros(n, dtype=np.bool_)
    if isinstance(variable, NumberVariable):
        return Coded(np.full(n, np.nan), nothing, ())
    missing = NO_DATE if isinstance(variable, DateVariable) else MISSING
    return Coded(np.full(n, missing, dtype=np.int64), nothing, ())


def _levels(
    raw: Column, reading: ColumnReading, variable: CategoryVariable
) -> tuple[Integers, list[Mark]]:
    """Level indices. The column's own word comes first, then the codebook's levels, then the file's signs for missing."""
    index = {level: position for position, level in enumerate(variable.levels)}
    codes = reading.column.codes
    own = reading.tokens(dict.fromkeys(reading.column.missing, "missing"))
    levels = reading.tokens(dict(zip(index, index, strict=True)) if codes is None else codes)
    missing = reading.missing()
    indices: list[int] = []
    bad: list[int] = []
    for position, value in enumerate(raw.distinct):
        level = None if text_of(value) in own.exact else levels.of_value(value)
        if level is None and missing.of_value(value) is None:
            bad.append(position)
        indices.append(MISSING if level is None else index[level])
    if codes is None:
        first = text_of(raw.distinct[bad[0]]) if bad else ""
        said = "holds values that are no level"
        advice = f"{did_you_mean(first, index)} Say under {reading.setting}.codes which level each stands for."
    else:
        said = "holds codes that node.yaml does not map"
        advice = (
            f"Add them to {reading.setting}.codes, or to its missing where they stand for unknown."
        )
    marks = reading.marks(FindingKind.UNMAPPED_CODE, raw, bad, said, advice)
    return raw.spread(indices, MISSING, np.int64), marks
