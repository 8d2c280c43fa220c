"""From the values that a column holds to coded arrays: levels, numbers in the codebook's unit, days; and what does not fit."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import did_you_mean
from riskset_common.study.codebook import CategoryVariable, DateVariable, NumberVariable
from riskset_common.study.patients import MISSING, NO_DATE, day_number
from riskset_node.config import ColumnMap
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.column import Column, Tokens, text_of
from riskset_node.records.findings import Mark
from riskset_node.records.variable_columns import VariableColumn, factor_of
from riskset_node.sources.source import SourceSettings

EARLIEST = datetime.date(1900, 1, 1)
"""No patient of a survival study was seen before; 1-1-1900 and earlier is how software writes an empty date."""

_DECIMAL_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_USUAL_DATES = (
    "%Y-%m-%d",
    "%d-%m-%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d%b%Y",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
)


@dataclass(frozen=True)
class _Reading:
    """How one column is read, and how marks speak of it."""

    name: str
    column: ColumnMap
    source: SourceSettings

    @property
    def setting(self) -> str:
        """Where node.yaml describes the column."""
        return f"data.columns.{self.name}"

    def tokens(self, meanings: Mapping[str, str]) -> Tokens:
        return Tokens.of(meanings, self.source.decimal_sign)

    def missing(self, tokens: Iterable[str]) -> Tokens:
        return self.tokens(dict.fromkeys(tokens, "missing"))

    def marks(
        self, kind: FindingKind, raw: Column, bad: Sequence[int], found: str, advice: str
    ) -> list[Mark]:
        """One mark for the rows with these distinct values, or none."""
        if not bad:
            return []
        column = self.column.column
        where = self.name if column == self.name else f"{self.name} (column {column!r})"
        values = tuple(dict.fromkeys(text_of(raw.distinct[position]) for position in bad))
        return [Mark(kind, (self.name,), raw.rows_with(bad), f"{where} {found}", advice, values)]


Codes = NDArray[np.int64 | np.float64]
"""Codes of one variable as `Patients` holds them: int64 of levels and days, float64 of numbers."""

Coded = tuple[Codes, list[Mark]]


def code_column(
    raw: Column, mapped: VariableColumn, source: SourceSettings, today: datetime.date
) -> Coded:
    """Codes of one variable as `Patients` holds them, shape (n,); what does not fit is missing, and marked."""
    if mapped.column is None:
        raise ValueError(f"{mapped.name} is absent at this site and has no column.")
    reading = _Reading(mapped.name, mapped.column, source)
    if isinstance(mapped.variable, CategoryVariable):
        return _levels(raw, reading, mapped.variable)
    if isinstance(mapped.variable, NumberVariable):
        return _numbers(raw, reading, mapped.variable)
    return _days(raw, reading, today)


def absent_column(variable: CategoryVariable | NumberVariable | DateVariable, n: int) -> Codes:
    """Codes of a variable that the site does not hold: missing for all its patients, shape (n,)."""
    if isinstance(variable, NumberVariable):
        return np.full(n, np.nan)
    return np.full(n, NO_DATE if isinstance(variable, DateVariable) else MISSING, dtype=np.int64)


def _levels(raw: Column, reading: _Reading, variable: CategoryVariable) -> Coded:
    """Level indices. The column's own word comes first, then the codebook's levels, then the file's signs for missing."""
    index = {level: position for position, level in enumerate(variable.levels)}
    codes = reading.column.codes
    own = reading.missing(reading.column.missing)
    levels = reading.tokens(dict(zip(index, index, strict=True)) if codes is None else codes)
    missing = reading.missing({"", *reading.source.missing})
    indices: list[int] = []
    bad: list[int] = []
    for position, value in enumerate(raw.distinct):
        text = text_of(value)
        level = None if text in own.exact else levels.meaning(text)
        if level is None and own.meaning(text) is None and missing.meaning(text) is None:
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


def _numbers(raw: Column, reading: _Reading, variable: NumberVariable) -> Coded:
    """Numbers in the codebook's unit."""
    convert = conversion_by(factor_of(reading.column, variable))
    missing = reading.missing({"", *reading.source.missing, *reading.column.missing})
    low, high = variable.range or (-np.inf, np.inf)
    numbers: list[float] = []
    bad: list[int] = []
    outside: list[int] = []
    for position, value in enumerate(raw.distinct):
        text = text_of(value)
        number = np.nan
        if missing.meaning(text) is None:
            written = decimal_text(text, reading.source.decimal_sign)
            if written is None:
                bad.append(position)
            else:
                number = convert(written)
                if not low <= number <= high:
                    outside.append(position)
                    number = np.nan
        numbers.append(number)
    texts = [text_of(raw.distinct[position]) for position in bad]
    unit = f" {variable.unit}" if variable.unit else ""
    marks = reading.marks(
        FindingKind.NOT_A_NUMBER,
        raw,
        bad,
        "holds texts that are no number",
        _number_advice(texts, reading),
    ) + reading.marks(
        FindingKind.OUT_OF_RANGE,
        raw,
        outside,
        f"lies outside the codebook's range {low:g} to {high:g}{unit}; the file says",
        f"Mend the values, or set {reading.setting}.unit if the column has another unit.",
    )
    return raw.spread(numbers, np.nan, np.float64), marks


def decimal_text(text: str, decimal: str) -> str | None:
    """The number that a text holds, with a decimal point; None where it is no number."""
    if decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    return text if _DECIMAL_NUMBER.fullmatch(text) else None


def conversion_by(factor: Fraction) -> Callable[[str], float]:
    """How a decimal number becomes the double nearest to its product with a factor: 2.3 g/dL are 23 g/L, and not a little less."""
    if factor == 1:
        return float
    above, below = Decimal(factor.numerator), Decimal(factor.denominator)
    return lambda number: float(Decimal(number) * above / below)


def _number_advice(texts: Sequence[str], reading: _Reading) -> str:
    decimal = reading.source.decimal_sign
    other = "." if decimal == "," else ","
    if any(decimal_text(text, other) is not None for text in texts):
        written = "a comma" if other == "," else "a point"
        if "decimal" in type(reading.source).model_fields:
            return (
                f'If {written} is the decimal sign, set data.source.decimal to "{other}". '
                "Signs between thousands are not read."
            )
        return f"Store the numbers as numbers, or their texts with {decimal!r} as decimal sign."
    return f"Mend them, or add them to {reading.setting}.missing where they stand for unknown."


def _days(raw: Column, reading: _Reading, today: datetime.date) -> Coded:
    """Days since 1970-01-01."""
    missing = reading.missing({"", *reading.source.missing, *reading.column.missing})
    days: list[int] = []
    bad: list[int] = []
    impossible: list[int] = []
    for position, value in enumerate(raw.distinct):
        day = None
        text = text_of(value)
        if missing.meaning(text) is None:
            day = _day(value, text, reading.source.dates)
            if day is None:
                bad.append(position)
            elif not EARLIEST <= day <= today:
                impossible.append(position)
                day = None
        days.append(NO_DATE if day is None else day_number(day))
    texts = [text_of(raw.distinct[position]) for position in bad]
    marks = reading.marks(
        FindingKind.NOT_A_DATE,
        raw,
        bad,
        f"holds texts that are no date of the form {reading.source.dates}",
        _date_advice(texts, reading),
    ) + reading.marks(
        FindingKind.IMPOSSIBLE_DATE,
        raw,
        impossible,
        f"holds dates before 1900 or after today ({today})",
        f"Mend them, or add them to {reading.setting}.missing where they stand for unknown.",
    )
    return raw.spread(days, NO_DATE, np.int64), marks


def _day(value: object, text: str, layout: str) -> datetime.date | None:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.datetime.strptime(text, layout).date()  # noqa: DTZ007 - a calendar day
    except ValueError:
        return None


def _date_advice(texts: Sequence[str], reading: _Reading) -> str:
    for layout in _USUAL_DATES:
        if layout != reading.source.dates and all(_day(text, text, layout) for text in texts):
            return (
                f'They have the form {layout}: set data.source.dates to "{layout}" if all dates do.'
            )
    return f"Mend them, or add them to {reading.setting}.missing where they stand for unknown."
