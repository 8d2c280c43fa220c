"""Numbers of one column in the codebook's unit, exactly converted; texts that may be two numbers are marked, and never guessed."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from riskset_common.study.codebook import NumberVariable
from riskset_common.study.patients import Reals
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark
from riskset_node.records.values.column import Column, text_of
from riskset_node.records.values.column_reading import ColumnReading
from riskset_node.records.values.units import conversion
from riskset_node.records.variable_columns import factor_of

_DECIMAL_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_ONE_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
"""Either a number with three decimals or one with a sign between its thousands."""


_NEAR_ENOUGH = Fraction(1, 864_000)
"""A tenth of a second, in days: less than any clinic writes down, and more than a double loses."""

_BLANKS = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_SIGN_NAMES = {".": "points", ",": "commas", " ": "blanks", "'": "apostrophes"}


@dataclass(frozen=True)
class CodedNumbers:
    """Numbers of one variable.

    Attributes
    ----------
    values
        In the codebook's unit, NaN missing, shape (n,).
    """

    values: Reals
    marks: tuple[Mark, ...]


def code_numbers(raw: Column, reading: ColumnReading, variable: NumberVariable) -> CodedNumbers:
    """Read a column of numbers; what is no number, or outside the codebook's range, is missing, and marked."""
    texts, bad = _number_texts(raw, reading)
    marks = reading.marks(
        FindingKind.NOT_A_NUMBER,
        raw,
        bad,
        "holds texts that are no number",
        _advice([text_of(raw.distinct[position]) for position in bad], reading),
    )
    marks += _unclear_marks(raw, texts, reading)
    if reading.column.round is None:
        convert = conversion_by(factor_of(reading.column, variable))
        numbers = {position: convert(text) for position, text in texts.items()}
    else:
        numbers, more = _rounded(raw, texts, reading, variable)
        marks += more
    low, high = variable.range or (-sys.float_info.max, sys.float_info.max)
    outside = [position for position, number in numbers.items() if not low <= number <= high]
    unit = f" {variable.unit}" if variable.unit else ""
    marks += reading.marks(
        FindingKind.OUT_OF_RANGE,
        raw,
        outside,
        f"lies outside the codebook's range {low:g} to {high:g}{unit}; the file says",
        f"Mend the values, or set {reading.setting}.unit if the column has another unit.",
    )
    for position in outside:
        del numbers[position]
    values = [numbers.get(position, np.nan) for position in range(len(raw.distinct))]
    return CodedNumbers(
        raw.spread(values, np.nan, np.float64),
        tuple(marks),
    )


def _number_texts(raw: Column, reading: ColumnReading) -> tuple[dict[int, str], list[int]]:
    """The decimal text of each distinct value that is a number, by its position; and the positions of those that are none."""
    missing = reading.missing()
    texts: dict[int, str] = {}
    bad: list[int] = []
    for position, value in enumerate(raw.distinct):
        if missing.of_value(value) is not None:
            continue
        text = text_of(value)
        written = decimal_text(text, reading.decimal, reading.thousands)
        if not isinstance(value, str | bool | np.bool_):
            # A number of the file's own has a point, whatever its texts have.
            written = decimal_text(text, ".")
        if written is None:
            bad.append(position)
        else:
            texts[position] = written
    return texts, bad


def may_be_grouped(text: str) -> bool:
    """Whether the sign in a text may stand between thousands as well as before three decimals."""
    return _ONE_GROUP.fullmatch(text) is not None


def decimal_text(text: str, decimal: str, thousands: str | None = None) -> str | None:
    """The number that a text holds, with a decimal point and no sign between thousands; None where it is none that a double holds.

    Thousands are read only if every group but the first has three digits.
    """
    if thousands is not None:
        text = _ungrouped(text, decimal, thousands)
    if decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    return text if _DECIMAL_NUMBER.fullmatch(text) and math.isfinite(float(text)) else None


def _ungrouped(text: str, decimal: str, thousands: str) -> str:
    """The text without its signs between thousands, where they part groups of three digits; else as it is."""
    signs = _BLANKS if thousands == " " else _APOSTROPHES if thousands == "'" else thousands
    whole, point, decimals = text.partition(decimal)
    grouped = re.fullmatch(
        f"[+-]?[0-9]{{1,3}}([{re.escape(signs)}])[0-9]{{3}}(\\1[0-9]{{3}})*", whole
    )
    if grouped is None:
        return text
    return whole.replace(grouped[1], "") + point + decimals


def conversion_by(factor: Fraction) -> Callable[[str], float]:
    """How a decimal number becomes the double nearest to its product with a factor: 2.3 g/dL are 23 g/L, and not a little less."""
    if factor == 1:
        return float
    above, below = Decimal(factor.numerator), Decimal(factor.denominator)
    return lambda number: float(Decimal(number) * above / below)


def _unclear_marks(raw: Column, texts: dict[int, str], reading: ColumnReading) -> list[Mark]:
    """Mark texts with a decimal sign if in each of them it may as well stand between thousands, and node.yaml does not say which."""
    column = reading.column
    if column.decimal is not None or column.round is not None or reading.thousands is not None:
        return []
    sign, name = reading.decimal, "point" if reading.decimal == "." else "comma"
    signed = [
        position
        for position in texts
        if isinstance(raw.distinct[position], str) and sign in text_of(raw.distinct[position])
    ]
    if not signed or not all(may_be_grouped(text_of(raw.distinct[each])) for each in signed):
        return []
    first = text_of(raw.distinct[signed[0]])
    return reading.marks(
        FindingKind.UNCLEAR_NUMBER,
        raw,
        signed,
        f"has exactly three digits after every {name}, so {first} may be {texts[signed[0]]} or {first.replace(sign, '')}",
        f'If the {name} stands between thousands, set {reading.setting}.thousands to "{sign}". '
        f'If it is the decimal sign, set {reading.setting}.decimal to "{sign}".',
    )


def _advice(texts: Sequence[str], reading: ColumnReading) -> str:
    decimal = reading.decimal
    for sign, name in _SIGN_NAMES.items():
        if sign != decimal and texts and all(_reads_with(text, decimal, sign) for text in texts):
            return (
                f'If {name} stand between thousands, set {reading.setting}.thousands to "{sign}".'
                + (
                    ""
                    if sign in " '"
                    else f' If they are decimal signs, set {reading.setting}.decimal to "{sign}".'
                )
            )
    other = "." if decimal == "," else ","
    if any(decimal in text for text in texts) and all(
        _reads_with(text, other, decimal) for text in texts
    ):
        return (
            f"If {_SIGN_NAMES[decimal]} stand between thousands and {_SIGN_NAMES[other]} are decimal signs, set "
            f'{reading.setting}.thousands to "{decimal}" and {reading.setting}.decimal to "{other}".'
        )
    if any(decimal_text(text, other) is not None for text in texts):
        written = "a comma" if other == "," else "a point"
        if "decimal" in type(reading.source).model_fields:
            return (
                f'If {written} is the decimal sign, set data.source.decimal to "{other}", or {reading.setting}.decimal for this '
                "column alone."
            )
        return f'If {written} is the decimal sign, set {reading.setting}.decimal to "{other}".'
    return f"Mend them, or add them to {reading.setting}.missing where they stand for unknown."


def _reads_with(text: str, decimal: str, thousands: str) -> bool:
    return decimal_text(text, decimal, thousands) is not None


def _days_per_unit(variable: NumberVariable, reading: ColumnReading) -> Fraction:
    """Days in the codebook's unit of a time."""
    days = None if variable.unit is None else conversion(variable.unit, "days")
    if days is None:
        # `variable_columns` has refused it before the file was opened.
        raise ValueError(f"{reading.setting}.round: {variable.unit!r} is no unit of time.")
    return days


def _rounded(
    raw: Column, texts: dict[int, str], reading: ColumnReading, variable: NumberVariable
) -> tuple[dict[int, float], list[Mark]]:
    """Times rounded to whole days, marks on those that are not days written with few decimals, and a word on those that it changed.

    A time was written with so many decimals as the most precise one of its column. Rounding it back gives the day only if one unit in
    the last decimal is no more than a day, and the time lies within half such a unit of a whole day. A time that was not rounded at all
    has the fifteen digits of a double, so that a long one has fewer decimals than a short one: a tenth of a second is always near enough.
    """
    days_per_unit = _days_per_unit(variable, reading)
    per_unit = factor_of(reading.column, variable) * days_per_unit
    decimals = max((_decimals(text) for text in texts.values()), default=0)
    last = per_unit / 10**decimals
    days = {position: Fraction(text) * per_unit for position, text in texts.items()}
    near = max(last / 2, _NEAR_ENOUGH)
    off = [each for each, exactly in days.items() if abs(exactly - round(exactly)) > near]
    numbers = {each: float(round(exactly) / days_per_unit) for each, exactly in days.items()}
    if last > 1:
        return numbers, _too_few_decimals(raw, texts, reading, decimals, float(last))
    marks = reading.marks(
        FindingKind.TOO_COARSE,
        raw,
        off,
        f"holds times that are no whole days written with {decimals} decimals: no day is within {float(near):.2g} days",
        f"Look with how many days a month or year was counted, and set {reading.setting}.factor if it is not 30.4375 or 365.25.",
    )
    changed = raw.rows_with(
        each for each, exactly in days.items() if abs(exactly - round(exactly)) > _NEAR_ENOUGH
    )
    if changed.any() and not off:
        said = f"{reading.name} was taken back from {decimals} decimals to whole days"
        wanted = f"{reading.setting}.round asks for it: the nearest day counts."
        marks.append(Mark(FindingKind.ROUNDED_TIMES, (reading.name,), changed, said, wanted))
    return numbers, marks


def _decimals(text: str) -> int:
    exponent = Decimal(text).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _too_few_decimals(
    raw: Column, texts: dict[int, str], reading: ColumnReading, decimals: int, last: float
) -> list[Mark]:
    return reading.marks(
        FindingKind.TOO_COARSE,
        raw,
        list(texts),
        f"has {decimals} decimal{'s' * (decimals != 1)}, and one in the last of them is {last:.3g} days, so the day cannot be told",
        f"Give the times with more decimals or in days, or remove {reading.setting}.round and ask the centre for a plan whose "
        "time.grid_days fits.",
    )
