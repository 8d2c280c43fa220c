"""Forms in which files write dates: layouts such as %d-%m-%Y, of which the whole text must be in the form, and day numbers."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from riskset_common.errors import did_you_mean

DAY_ZERO: Final[Mapping[str, datetime.date]] = {
    "excel": datetime.date(1899, 12, 30),
    "sas": datetime.date(1960, 1, 1),
    "r": datetime.date(1970, 1, 1),
}
"""Day 0 of the day numbers. Excel's own calendar has a 29 February 1900, so its numbers count from here only after that day."""

_EXCEL_COUNTS_RIGHT_FROM = 61
_DAY_NUMBER = re.compile(r"(?P<day>-?[0-9]{1,7})(?:\.(?P<part>[0-9]+))?")

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if number}
_MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if number}
_ABBREVIATED = "|".join(name for name in calendar.month_abbr if name)
_NAMED = "|".join(name for name in calendar.month_name if name)
_FIXED = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "j": "[0-9]{3}",
    "b": _ABBREVIATED,
    "B": _NAMED,
    "f": "[0-9]{1,9}",
    "z": r"Z|[+-][0-9]{2}:?[0-9]{2}",
}
_TWO_DIGITS = "mdHMS"
_DIRECTIVES = ", ".join(f"%{letter}" for letter in "YymdbBjHMSfz")
_PIVOT = 69
"""Two-digit years from 69 are of the last century, as POSIX has it."""


@dataclass(frozen=True)
class Written:
    """What a text says in a form.

    Attributes
    ----------
    day
        A day, or a moment where the form has a time of day; without `has_day` the first of its month.
    has_day
        Whether the text says the day, and not only month and year.
    """

    day: datetime.date
    has_day: bool


@dataclass(frozen=True)
class DateForm:
    """One form of dates, ready to read texts.

    Attributes
    ----------
    name
        As node.yaml writes it.
    has_day
        Whether it says the day; `%Y-%m` does not.
    unseparated
        Digits of a text in this form if it has nothing but digits, else None: such a text may have lost a leading zero. None as well if
        it begins with a year of four digits, which has none.
    """

    name: str
    pattern: re.Pattern[str] | None
    has_day: bool
    unseparated: int | None

    def lost_a_zero(self, text: str) -> bool:
        """Whether a text is what a program makes of a date in this form if it takes it for a number: a digit less."""
        return (
            self.unseparated is not None
            and len(text) == self.unseparated - 1
            and text.isascii()
            and text.isdigit()
        )

    def read(self, text: str) -> Written | None:
        """What a text says; None if the whole of it is not in this form, or is no day of the calendar."""
        if self.pattern is None:
            return _by_number(text, self.name)
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        try:
            return Written(_day(found.groupdict()), self.has_day)
        except (ValueError, OverflowError):
            return None


def _day(parts: Mapping[str, str]) -> datetime.date:
    if "Y" in parts:
        year = int(parts["Y"])
    else:
        year = int(parts["y"])
        year += 1900 if year >= _PIVOT else 2000
    if "j" in parts:
        day = datetime.date(year, 1, 1) + datetime.timedelta(days=int(parts["j"]) - 1)
        if day.year != year:
            raise ValueError(f"{year} has no day {parts['j']}.")
    else:
        named = parts.get("b") or parts.get("B")
        month = int(parts["m"]) if named is None else _MONTHS[named.lower()]
        day = datetime.date(year, month, int(parts.get("d", "1")))
    if not parts.keys() & set("HMSf"):
        return day
    time = datetime.time(
        int(parts.get("H", "0")),
        int(parts.get("M", "0")),
        int(parts.get("S", "0")),
        # Anything after midnight is after midnight: no digit is dropped without a trace.
        -(-int(f"{parts.get('f', '0'):0<9}") // 1000) if "f" in parts else 0,
    )
    return datetime.datetime.combine(day, time, _zone(parts["z"]) if "z" in parts else None)


def _zone(text: str) -> datetime.tzinfo:
    if text == "Z":
        return datetime.UTC
    digits = text[1:].replace(":", "")
    offset = datetime.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return datetime.timezone(-offset if text[0] == "-" else offset)


def _by_number(text: str, system: str) -> Written | None:
    found = _DAY_NUMBER.fullmatch(text)
    if found is None:
        return None
    number = int(found["day"])
    if system == "excel" and number < _EXCEL_COUNTS_RIGHT_FROM and number != 0:
        return None
    try:
        day = DAY_ZERO[system] + datetime.timedelta(days=number)
    except OverflowError:
        return None
    part = Fraction(f"0.{found['part'] or 0}")
    if part == 0:
        return Written(day, has_day=True)
    if number < 0:
        return None
    moment = datetime.datetime.combine(day, datetime.time.min)
    return Written(moment + datetime.timedelta(seconds=round(part * 86400)), has_day=True)


@cache
def date_form(name: str) -> DateForm:
    """The form of that name. Raises `ValueError` with what to write if it is none."""
    if name in DAY_ZERO:
        return DateForm(name, None, has_day=True, unseparated=None)
    pieces = re.findall(r"%.?|[^%]", name)
    letters = [piece[1:] for piece in pieces if piece.startswith("%") and piece != "%%"]
    unknown = [
        letter for letter in letters if letter not in _FIXED and letter not in tuple(_TWO_DIGITS)
    ]
    if unknown:
        raise ValueError(
            f"{name!r} is no form of dates: %{unknown[0]} is not known. Known: {_DIRECTIVES}, and the day numbers {', '.join(DAY_ZERO)}."
        )
    if not letters:
        raise ValueError(
            f"{name!r} is no form of dates. {did_you_mean(name, DAY_ZERO)} Or write for example %Y-%m-%d."
        )
    _check_parts(name, letters)
    pattern = re.compile("".join(_pattern(pieces)), re.IGNORECASE | re.ASCII)
    digits = sum(4 if letter == "Y" else 3 if letter == "j" else 2 for letter in letters)
    bare = len(pieces) == len(letters) and set(letters) <= set("YymdjHMS") and letters[0] != "Y"
    has_day = bool({"d", "j"} & set(letters))
    return DateForm(name, pattern, has_day, digits if bare else None)


def _check_parts(name: str, letters: list[str]) -> None:
    """Check that a layout says each part of a date once, and month and year at the least."""
    parts = [{"y": "Y", "b": "m", "B": "m"}.get(letter, letter) for letter in letters]
    twice = sorted({part for part in parts if parts.count(part) > 1})
    whole = "Y" in parts and ("m" in parts or "j" in parts)
    if twice or not whole or {"m", "j"} <= set(parts) or {"d", "j"} <= set(parts):
        raise ValueError(
            f"{name!r} does not hold day, month and year, each once. Write for example %Y-%m-%d for 2017-12-31, or %d-%m-%Y for "
            "31-12-2017; %Y-%m for month and year only."
        )
    if set("HMSfz") & set(parts) and not {"d", "j"} & set(parts):
        raise ValueError(
            f"{name!r} has a time of day but no day. Write for example %Y-%m-%d %H:%M."
        )


def _pattern(pieces: list[str]) -> list[str]:
    """A regular expression piece by piece. A leading zero may be absent only where something that is no digit stands on both sides."""
    patterns = []
    for place, piece in enumerate(pieces):
        if not piece.startswith("%") or piece == "%%":
            patterns.append(re.escape(piece[-1]))
            continue
        letter = piece[1]
        beside = (pieces[place - 1 : place] or [" "]) + (pieces[place + 1 : place + 2] or [" "])
        alone = not any(
            (each[-1] not in "bB%" and each[0] == "%") or each.isdigit() for each in beside
        )
        digits = "[0-9]{1,2}" if alone else "[0-9]{2}"
        patterns.append(f"(?P<{letter}>{_FIXED.get(letter, digits)})")
    return patterns


def _known(name: object) -> object:
    if isinstance(name, str):
        date_form(name)
    return name


def _as_list(written: object) -> object:
    return [written] if isinstance(written, str) else written


DateForms = Annotated[
    tuple[Annotated[str, AfterValidator(_known)], ...],
    BeforeValidator(_as_list),
    Field(min_length=1),
]
"""How dates are written: one form, or a list of forms of which each text must have one."""
