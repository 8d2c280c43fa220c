"""Times of one parameter of ADTTE: between its two dates, or as AVAL says them and the dates, where they are there, confirm."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from riskset_common.errors import DataError
from riskset_common.study.time_grid import DAYS_PER_UNIT
from riskset_node.sources.cdisc.tables import Table, some, text_of
from riskset_node.sources.date_forms import date_form
from riskset_node.sources.source import SourceSettings

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_WITHOUT_A_DAY = re.compile(r"[0-9]{4}(-[0-9]{2})?")

_WHOLE = Fraction(1, 10**6)
"""Days from a whole day that a double may be away which was divided by the days of a month or year."""

_EARLIEST = datetime.date(1900, 1, 3)
_YEARS_ZERO = (1901, 1904, 1960, 1970)
_FAR_FROM_ZERO = datetime.timedelta(days=3653)


@dataclass(frozen=True)
class Times:
    """Times of the rows of a parameter: None unknown; their unit is one of `DAYS_PER_UNIT`."""

    values: tuple[int | Decimal | None, ...]
    unit: str


@dataclass(frozen=True)
class ParameterRows:
    """The rows of one parameter.

    Attributes
    ----------
    code
        Its PARAMCD.
    subjects
        The subject of each row, each once.
    table
        Those rows of ADTTE.
    """

    code: str
    subjects: tuple[str, ...]
    table: Table

    @property
    def called(self) -> str:
        """What messages call it."""
        return f"{self.table.path}: parameter {self.code}"

    def days(self, name: str, settings: SourceSettings) -> list[datetime.date | None] | None:
        """A column of days; None if there is no such column. Raises `DataError` for what is no day."""
        if name not in self.table.columns:
            return None
        values = self.table.columns[name]
        days = [_day(value, settings) for value in values]
        wrong = [place for place, day in enumerate(days) if day is _WRONG]
        if wrong:
            held, advice = _no_days(values[wrong[0]])
            raise DataError(f"{self.called}: {name} holds {held} ({self._of(wrong)}). {advice}")
        known = [day if isinstance(day, datetime.date) else None for day in days]
        empty = _written_for_empty({day for day in known if day is not None})
        if empty:
            places = [place for place, day in enumerate(known) if day in empty]
            raise DataError(
                f"{self.called}: {name} holds {', '.join(map(str, sorted(empty)))} ({self._of(places)}), far from all others or "
                "after today, as software writes it for an empty date. Make these dates empty, or mend them."
            )
        return known

    def numbers(self, settings: SourceSettings) -> list[Decimal | None] | None:
        """AVAL; None if there is no such column. Raises `DataError` for what is no number."""
        if "AVAL" not in self.table.columns:
            return None
        numbers = [_number(value, settings) for value in self.table.columns["AVAL"]]
        wrong = [place for place, number in enumerate(numbers) if number is _WRONG]
        if wrong:
            raise DataError(
                f"{self.called}: AVAL holds what is no number ({self._of(wrong)}). Mend it."
            )
        return [number if isinstance(number, Decimal) else None for number in numbers]

    def by_dates(self, settings: SourceSettings) -> Times:
        """Days from STARTDT to ADT."""
        begun, ended = self.days("STARTDT", settings), self.days("ADT", settings)
        if begun is None or ended is None:
            lacking = " and ".join(
                name for name, days in (("STARTDT", begun), ("ADT", ended)) if days is None
            )
            raise DataError(
                f"{self.called}: without {lacking} no time can be counted by dates. Set data.source.time to aval, and "
                "data.source.aval_from to 0 if AVAL is 0 on the first day, or to 1 if it is 1 then."
            )
        days = _between(begun, ended)
        aval = self.numbers(settings) or [None] * len(days)
        lost = [
            place
            for place, (day, number) in enumerate(zip(days, aval, strict=True))
            if day is None and number is not None
        ]
        if lost:
            raise DataError(
                f"{self.called}: AVAL is there and STARTDT or ADT is not ({self._of(lost)}), so time: dates would lose these times. "
                "Fill in the dates, or set data.source.time to aval with data.source.aval_from."
            )
        return Times(tuple(days), "days")

    def by_aval(self, settings: SourceSettings, first_day: int) -> Times:
        """AVAL in the unit of AVALU, counted from day 0; `first_day` is what AVAL is on the first day."""
        aval = self.numbers(settings)
        if aval is None:
            raise DataError(
                f"{self.called}: there is no column AVAL. Set data.source.time to dates."
            )
        begun, ended = self.days("STARTDT", settings), self.days("ADT", settings)
        none: list[datetime.date | None] = [None] * len(aval)
        days = _between(begun or none, ended or none)
        lost = [
            place
            for place, (day, number) in enumerate(zip(days, aval, strict=True))
            if number is None and day is not None
        ]
        if lost:
            raise DataError(
                f"{self.called}: STARTDT and ADT are there and AVAL is not ({self._of(lost)}), so time: aval would lose these times. "
                "Fill in AVAL, or set data.source.time to dates."
            )
        unit = self._unit(aval)
        self._check_against_dates(aval, days, unit, first_day)
        in_days = [
            None if number is None else _in_days(number, unit or "days") - first_day
            for number in aval
        ]
        known = [day for day in in_days if day is not None]
        if all(abs(day - round(day)) <= _WHOLE for day in known):
            return Times(tuple(None if day is None else round(day) for day in in_days), "days")
        if first_day and unit not in (None, "days"):
            raise DataError(
                f"{self.called}: AVAL is in {unit} and counted from day 1, and not precise enough to take that day off. "
                "Set data.source.time to dates, or give AVAL in days."
            )
        return Times(
            tuple(None if number is None else number - first_day for number in aval), unit or "days"
        )

    def _unit(self, aval: Sequence[Decimal | None]) -> str | None:
        """The unit of AVAL; None where AVALU does not say it. Raises `DataError` if it says two, or one that is not known."""
        said = [text_of(value) for value in self.table.columns.get("AVALU", [None] * len(aval))]
        units = {
            unit.casefold() for unit, number in zip(said, aval, strict=True) if number is not None
        }
        if units <= {""}:
            return None
        if len(units) > 1:
            raise DataError(
                f"{self.called}: AVALU is not the same in every row ({', '.join(sorted(unit or 'empty' for unit in units))}). "
                "Give the parameter one unit, or set data.source.time to dates."
            )
        (unit,) = units
        known = f"{unit.removesuffix('s')}s"
        if known not in DAYS_PER_UNIT:
            raise DataError(
                f"{self.called}: AVALU is {unit.upper()}, which is no unit of time that is known here "
                f"({', '.join(DAYS_PER_UNIT).upper()}). Give AVAL in one of them, or set data.source.time to dates."
            )
        return known

    def _check_against_dates(
        self,
        aval: Sequence[Decimal | None],
        days: Sequence[int | None],
        unit: str | None,
        first_day: int,
    ) -> None:
        """Compare AVAL with the dates, where both are there; without a unit they must agree in every row, as only days do."""
        pairs = [
            (place, number, day)
            for place, (number, day) in enumerate(zip(aval, days, strict=True))
            if number is not None and day is not None
        ]
        step = _in_days(_last_decimal([number for _, number, _ in pairs]), unit or "days")
        most = _WHOLE if unit in (None, "days") else max(step / 2, _WHOLE)
        off = {place: _in_days(number, unit or "days") - day for place, number, day in pairs}
        wrong = [place for place, days_off in off.items() if abs(days_off - first_day) > most]
        other = 1 - first_day
        if wrong and all(abs(days_off - other) <= most for days_off in off.values()):
            raise DataError(
                f"{self.called}: AVAL is {'1' if other else '0'} on the first day in every row that has both dates, and "
                f"data.source.aval_from says {first_day}. Set it to {other}, or data.source.time to dates."
            )
        if unit is None and (wrong or len(pairs) < sum(number is not None for number in aval)):
            days_say = (
                f", and it is not days with aval_from: {first_day} by the dates ({self._of(wrong)})"
            )
            raise DataError(
                f"{self.called}: AVALU does not say in which unit AVAL is{days_say if wrong else ''}. Add it, or set data.source.time "
                "to dates."
            )
        if wrong:
            raise DataError(
                f"{self.called}: AVAL is not what STARTDT and ADT give with aval_from: {first_day} ({self._of(wrong)}). "
                "Look which of them is right; if the dates are, set data.source.time to dates."
            )

    def _of(self, places: Sequence[int]) -> str:
        """Whose rows they are."""
        noun = "subject" if len(places) == 1 else "subjects"
        return f"{noun} {some([self.subjects[place] for place in places])}"


class _Wrong:
    """What stands for a value that is neither unknown nor what the column is for."""


_WRONG = _Wrong()


def _day(value: object, settings: SourceSettings) -> datetime.date | _Wrong | None:
    """The day of a value in the forms of the source; a moment at midnight is its day."""
    if value is None:
        return None
    if isinstance(value, datetime.date):
        return _whole_day(value)
    text = text_of(value)
    if isinstance(value, bool) or _is_missing(text, settings):
        return _WRONG if isinstance(value, bool) else None
    read = [form.read(text) for form in map(date_form, settings.dates)]
    days = {_whole_day(each.day) for each in read if each is not None and each.has_day}
    return days.pop() if len(days) == 1 else _WRONG


def _written_for_empty(days: Collection[datetime.date]) -> set[datetime.date]:
    """Days before any patient was seen or after today, and days 0 of a calendar with no other within ten years."""
    # It may be tomorrow where the file was written.
    latest = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
    return {
        day
        for day in days
        if not _EARLIEST <= day <= latest
        or (
            (day.month, day.day) == (1, 1)
            and day.year in _YEARS_ZERO
            and all(abs(day - other) > _FAR_FROM_ZERO for other in days if other != day)
        )
    }


def _no_days(value: object) -> tuple[str, str]:
    """What a value is that is no day, and what to do."""
    if isinstance(value, datetime.datetime):
        return "moments with a time of day", "Give the day alone, as the standard has it."
    if isinstance(value, str) and _WITHOUT_A_DAY.fullmatch(value.strip()):
        advice = "Complete them as the standard has it, with a flag in ADTF or STARTDTF."
        return "dates without a day", advice
    if isinstance(value, str):
        advice = "Set data.source.dates to the form in which they are written, or mend them."
        return "what is no day", advice
    advice = "If they count days as SAS does, set data.source.dates to sas."
    return "numbers that the file does not show as dates", advice


def _whole_day(day: datetime.date) -> datetime.date | _Wrong:
    if not isinstance(day, datetime.datetime):
        return day
    return _WRONG if day.time() != datetime.time.min or day.tzinfo is not None else day.date()


def _is_missing(text: str, settings: SourceSettings) -> bool:
    return text in ("", *settings.missing, *settings.MORE_MISSING)


def _number(value: object, settings: SourceSettings) -> Decimal | _Wrong | None:
    text = text_of(value)
    if _is_missing(text, settings):
        return None
    return Decimal(text) if not isinstance(value, bool) and _NUMBER.fullmatch(text) else _WRONG


def _between(
    begun: Sequence[datetime.date | None], ended: Sequence[datetime.date | None]
) -> list[int | None]:
    return [
        None if start is None or end is None else (end - start).days
        for start, end in zip(begun, ended, strict=True)
    ]


def _in_days(number: Decimal, unit: str) -> Fraction:
    return Fraction(number) * DAYS_PER_UNIT[unit]


def _last_decimal(numbers: Sequence[Decimal]) -> Decimal:
    """One in the last decimal of the number with most of them."""
    exponents = [number.as_tuple().exponent for number in numbers]
    return Decimal((0, (1,), min((each for each in exponents if isinstance(each, int)), default=0)))
