"""Days of one column: dates in their forms, what stands for none, and days that no reader can be sure of."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from riskset_common.errors import NodeConfigError
from riskset_common.study.codebook import DateVariable
from riskset_common.study.patients import NO_DATE, UNKNOWN_DAY, Bools, Integers, day_number
from riskset_node.columns import LOCAL
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark
from riskset_node.records.values.column import Column, Tokens, is_midnight, text_of
from riskset_node.records.values.column_reading import ColumnReading
from riskset_node.records.values.day_advice import advice_on_texts
from riskset_node.records.values.placeholders import placeholder_marks
from riskset_node.sources.date_forms import DAY_ZERO, Written, date_form
from riskset_node.sources.source import MISSING_TOKENS

EARLIEST = datetime.date(1900, 1, 1)
"""No patient of a survival study was seen before."""

_NOTHING = frozenset(
    {*MISSING_TOKENS, "NaN", "nan", "NULL", "null", "None", "N/A", "n/a", "NaT", "<NA>", "#N/A"}
)
"""How programs write that a cell is empty: none of them is a word that a person chose."""

_TOKEN_FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


@dataclass(frozen=True)
class CodedDays:
    """Days of one variable.

    Attributes
    ----------
    days
        Since 1970-01-01, `NO_DATE` or `UNKNOWN_DAY`, shape (n,).
    completed
        Rows whose date had no day of the month and was given one, shape (n,).
    """

    days: Integers
    completed: Bools
    marks: tuple[Mark, ...]


@dataclass
class _Sorted:
    """Positions of distinct values by what became of them."""

    read: list[int] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    impossible: list[int] = field(default_factory=list)
    completed: list[int] = field(default_factory=list)
    nothing: list[int] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)

    def stands_for(self, meant: str, position: int) -> int:
        """The code of a value that stands for no day or for an unknown one."""
        if meant == "nothing":
            self.nothing.append(position)
        elif meant == "missing":
            self.signs.append(position)
        return UNKNOWN_DAY if meant == "day_unknown" else NO_DATE


def code_days(
    raw: Column, reading: ColumnReading, variable: DateVariable, today: datetime.date
) -> CodedDays:
    """Read a column of dates; what is no date in one of its forms is marked, and counts as a day that is not known.

    Raises
    ------
    NodeConfigError
        If day numbers are read as those of Excel from 1900, in a workbook that counts from 1904.
    """
    if raw.from_1904 and any(form.name == "excel" for form in reading.forms):
        raise NodeConfigError(
            f"{reading.setting}.dates: excel counts days from 1900, and this workbook counts from 1904. Format the column as dates in "
            "Excel, save the workbook, and remove excel from dates."
        )
    days: list[int] = []
    found = _Sorted()
    meanings = _Meanings.of(reading)
    for position, value in enumerate(raw.distinct):
        meant = meanings.of_value(value)
        if meant is None:
            days.append(_day(position, value, reading, found, today, meanings))
        else:
            days.append(found.stands_for(meant, position))
    marks = [
        *_marks(raw, reading, found, today),
        *placeholder_marks(raw, reading, days),
    ]
    if not variable.required:
        marks += _unclear_signs(raw, reading, found)
    return CodedDays(
        raw.spread(days, NO_DATE, np.int64), raw.rows_with(found.completed), tuple(marks)
    )


@dataclass(frozen=True)
class _Meanings:
    """What values mean that are no dates to be read: `nothing`, `missing`, `did_not_happen` or `day_unknown`.

    A date that stands for one of them is known by its day, however the file writes it.
    """

    by_text: Tokens
    by_day: Mapping[datetime.date, str]

    @classmethod
    def of(cls, reading: ColumnReading) -> _Meanings:
        column = reading.column
        missing = ("", *reading.source.missing, *reading.source.MORE_MISSING, *column.missing)
        meanings = {sign: "nothing" if sign in _NOTHING else "missing" for sign in missing}
        meanings |= dict.fromkeys(column.did_not_happen, "did_not_happen")
        meanings |= dict.fromkeys(column.day_unknown, "day_unknown")
        forms = (*reading.forms, *map(date_form, _TOKEN_FORMS))
        days: dict[datetime.date, str] = {}
        for text, meaning in meanings.items():
            # A sign that is a number is no day: 9999 is the 9,999th day of a calendar only where the file has it as a number.
            for form in (form for form in forms if form.name not in DAY_ZERO):
                written = form.read(text)
                if written is not None and written.has_day:
                    days[_date(written.day)] = meaning
        return cls(reading.tokens(meanings), days)

    def of_value(self, value: object) -> str | None:
        """What a value means; None for a date that is to be read."""
        if isinstance(value, datetime.date):
            return self.by_day.get(_date(value))
        return self.by_text.of_value(value)


def _date(day: datetime.date) -> datetime.date:
    return day.date() if isinstance(day, datetime.datetime) else day


def _day(
    position: int,
    value: object,
    reading: ColumnReading,
    found: _Sorted,
    today: datetime.date,
    meanings: _Meanings,
) -> int:
    """Day number of one distinct value; a value that gives none goes to its list."""
    written = _written(value, reading)
    if written is None:
        found.bad.append(position)
        return UNKNOWN_DAY
    if isinstance(value, str | int | float):
        found.read.append(position)
    meant = meanings.by_day.get(_date(written.day))
    if meant is not None:
        return found.stands_for(meant, position)
    day = written.day
    if isinstance(day, datetime.datetime):
        local = _local(day, reading)
        if local is None:
            found.moments.append(position)
            return UNKNOWN_DAY
        day = local
    if not written.has_day:
        if reading.day is None:
            found.bad.append(position)
            return UNKNOWN_DAY
        found.completed.append(position)
        day = day.replace(day=reading.day)
    if not EARLIEST <= day <= today:
        found.impossible.append(position)
        return UNKNOWN_DAY
    return day_number(day)


def _written(value: object, reading: ColumnReading) -> Written | None:
    """The one day that a value says in the column's forms; None for no day, for two, and where it may have lost its leading zero."""
    if isinstance(value, datetime.date):
        return Written(value, has_day=True)
    if isinstance(value, bool):
        return None
    text = text_of(value)
    read = list(dict.fromkeys(filter(None, (form.read(text) for form in reading.forms))))
    if len(read) != 1 or any(form.lost_a_zero(text) for form in reading.forms):
        return None
    return read[0]


def _local(moment: datetime.datetime, reading: ColumnReading) -> datetime.date | None:
    """The day of a moment; None if it has a time of day, and the day in the column's zone is not sure or not said.

    A moment that does not say its own zone is midnight of the column's zone, told in UTC; or else its day must be the same either way.
    """
    zone = reading.column.moments
    if zone == LOCAL or (is_midnight(moment) and (zone is None or moment.tzinfo is None)):
        return moment.date()
    if zone is None:
        return None
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
    try:
        there = known.astimezone(zoneinfo.ZoneInfo(zone))
    except OverflowError:
        # Beyond the first or the last day of the calendar: impossible in every zone.
        return moment.date()
    if is_midnight(there):
        return there.date()
    # Midnight as it is stored, and not in that zone: it was stored as a day, and the zone would move it.
    unsure = moment.tzinfo is None and there.date() != moment.date()
    return None if is_midnight(moment) or unsure else there.date()


def _marks(raw: Column, reading: ColumnReading, found: _Sorted, today: datetime.date) -> list[Mark]:
    forms = " or ".join(form.name for form in reading.forms)
    texts = [text_of(raw.distinct[position]) for position in found.bad]
    advice = advice_on_texts(texts, reading, alone=not found.read)
    return [
        *reading.marks(
            FindingKind.NOT_A_DATE,
            raw,
            found.bad,
            f"holds texts that are no date of the form {forms}",
            advice,
        ),
        *reading.marks(
            FindingKind.NOT_A_DAY,
            raw,
            found.moments,
            "holds moments with a time of day",
            _advice_on_moments(reading),
        ),
        *reading.marks(
            FindingKind.IMPOSSIBLE_DATE,
            raw,
            found.impossible,
            f"holds dates before 1900 or after today ({today})",
            f"Mend them. Where such a date stands for something else, write it under {reading.setting}.did_not_happen (an event that did "
            "not happen), .day_unknown (it happened, and nobody knows when) or .missing.",
        ),
    ]


def _advice_on_moments(reading: ColumnReading) -> str:
    zone, setting = reading.column.moments, f"{reading.setting}.moments"
    if zone is None:
        return (
            f"If they are midnight of another time zone, set {setting} to that zone, such as Europe/Vienna. "
            f"If the day is the one that is written, set it to {LOCAL}."
        )
    return (
        f"It is not clear which day they are in {zone}: taken as moments in UTC, they are not midnight there. If the day is the one that "
        f"is written, set {setting} to {LOCAL}; else write each with its own time zone, such as +01:00."
    )


def _unclear_signs(raw: Column, reading: ColumnReading, found: _Sorted) -> list[Mark]:
    """Mark signs for missing that may say more than that nothing is there.

    Such is a sign beside empty cells or beside another sign, and a word that is listed for this column, even alone: it may say that
    nobody knows the day. A word alone that the whole file has for nothing is what its empty cells are.
    """
    empty = bool((raw.index < 0).any()) or bool(found.nothing)
    own = reading.tokens(dict.fromkeys(reading.column.missing, "missing"))
    texts = [text_of(raw.distinct[each]) for each in found.signs]
    words = any(own.meaning(text) and any(map(str.isalpha, text)) for text in texts)
    if not found.signs or (len(found.signs) == 1 and not empty and not words):
        return []
    return reading.marks(
        FindingKind.UNCLEAR_MISSING,
        raw,
        found.signs,
        "has empty cells and also"
        if empty
        else "has signs for a missing date that may mean two things",
        f"Write under {reading.setting} what each says: did_not_happen for an event that did not happen, as an empty cell does, and "
        "day_unknown for one that happened on an unknown day.",
    )
