"""What to do about texts that are no dates in the form that node.yaml names: most of them are dates in another."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from riskset_node.records.values.column_reading import ColumnReading
from riskset_node.sources.date_forms import DAY_ZERO, DateForm, date_form

USUAL_DATES = (
    "%Y-%m-%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d%m%Y",
    "%m%d%Y",
    "%d%b%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%y",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m",
    "%m/%Y",
    "%m.%Y",
    "%m-%Y",
    "%b %Y",
)
_BELIEVABLE = (datetime.date(1940, 1, 1), datetime.date(2060, 1, 1))
"""Between these days a number of five digits may be a day number."""


def advice_on_texts(texts: Sequence[str], reading: ColumnReading, *, alone: bool = True) -> str:
    """What to write into node.yaml for these texts, as one or two sentences; `alone` if no other text of the column is read as a date."""
    lost = next((form for form in reading.forms if any(map(form.lost_a_zero, texts))), None)
    if lost is not None:
        return (
            f"Some have a digit less than {lost.name} needs: a program read them as numbers and dropped the leading zero. "
            "Export the column as text, or in a form with signs between day, month and year."
        )
    if _read_twice(texts, reading.forms):
        return f"Several of the forms read them, as different days. Leave in {reading.setting}.dates the one that is meant."
    if texts and all(map(_is_year, texts)):
        return f"A year alone tells no day. Write each under {reading.setting}.day_unknown if the event happened then, or find out the day."
    numbers = () if _no_day_numbers(texts, reading.forms) else DAY_ZERO
    fitting = [
        form
        for form in map(date_form, (*USUAL_DATES, *numbers))
        if form not in reading.forms and texts and all(_believable(form, text) for text in texts)
    ]
    if not fitting:
        return (
            f"Mend them. Where a text stands for something else, write it under {reading.setting}.did_not_happen (an event that did "
            "not happen), .day_unknown (it happened, and nobody knows when) or .missing."
        )
    return _advice_on_forms(fitting, texts[0], reading, alone=alone)


def _advice_on_forms(
    fitting: Sequence[DateForm], text: str, reading: ColumnReading, *, alone: bool
) -> str:
    """How node.yaml names the form, if these fit all texts, of which `text` is one."""
    where = f"{reading.setting}.dates"
    first = fitting[0]
    if len(fitting) > 1:
        shown = ", ".join(f'"{form.name}" ({_as_day(form, text)})' for form in fitting)
        which = "it" if alone else f"{_listed(reading.forms)} and it, as a list"
        return f"They can be read in several forms: {text!r} under {shown}. Find out which is right, and set {where} to {which}."
    day = "" if first.has_day else ", and day to the day that completes a month, such as 15"
    if alone and not reading.column.dates and first.has_day and first.name not in DAY_ZERO:
        return (
            f'They have the form {first.name}: set data.source.dates to "{first.name}" if all dates do, '
            f"or {where} for this column alone."
        )
    said = (
        f"are day numbers of {first.name}"
        if first.name in DAY_ZERO
        else f"have the form {first.name}"
    )
    so = f", so that {text!r} is {_as_day(first, text)}" if first.has_day else ""
    forms = f'"{first.name}"' if alone else f"[{_listed((*reading.forms, first))}]"
    return f"They {said}{so}: set {where} to {forms}{day}."


def _listed(forms: Sequence[DateForm]) -> str:
    return ", ".join(f'"{form.name}"' for form in forms)


def _is_year(text: str) -> bool:
    """Whether a text is a year: as a day number it would be one between 1965 and 1975."""
    return len(text) == 4 and text.isascii() and text.isdigit() and "1900" <= text < "2100"


def _no_day_numbers(texts: Sequence[str], forms: Sequence[DateForm]) -> bool:
    """Whether day numbers are not to be thought of: the column has others, or the texts are codes such as 1, -9 and 9999."""
    digits = [len(text.partition(".")[0]) for text in texts]
    return (
        any(form.name in DAY_ZERO for form in forms)
        or not digits
        or min(digits) < 4
        or max(digits) < 5
    )


def _read_twice(texts: Sequence[str], forms: Sequence[DateForm]) -> bool:
    return any(len(set(filter(None, (form.read(text) for form in forms)))) > 1 for text in texts)


def _believable(form: DateForm, text: str) -> bool:
    written = form.read(text)
    if written is None:
        return False
    earliest, latest = _BELIEVABLE
    return form.name not in DAY_ZERO or earliest <= _date(written.day) <= latest


def _as_day(form: DateForm, text: str) -> str:
    written = form.read(text)
    if written is None:
        return "no day"
    day = _date(written.day).isoformat()
    return day if written.has_day else day[:7]


def _date(day: datetime.date) -> datetime.date:
    return day.date() if isinstance(day, datetime.datetime) else day
