"""Numbers that SAS, SPSS and Stata show as days, moments, times or months, by the format of their column; and months of Excel."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

_MILLISECONDS_A_DAY = 86_400_000


class Shown(Enum):
    """What a person sees for the numbers of a column."""

    NUMBER = auto()
    DAY = auto()
    MOMENT = auto()
    TIME = auto()
    MONTH = auto()
    QUARTER = auto()
    WEEK = auto()
    MONTH_OF_MOMENT = auto()
    QUARTER_OF_MOMENT = auto()
    MONTH_NUMBER = auto()
    QUARTER_NUMBER = auto()
    WEEK_NUMBER = auto()
    HALF_YEAR_NUMBER = auto()
    REFUSED = auto()


@dataclass(frozen=True)
class Calendar:
    """How a program counts days and moments.

    Attributes
    ----------
    day_0
        The day from which it counts.
    a_day, a_second
        Units of a number that is shown as a day in one day, and of one shown as a moment or time in one second.
    """

    day_0: datetime.date
    a_day: int
    a_second: int

    def value(self, number: float, shown: Shown) -> object:
        """What a number is; a text where it is no day, and where a person sees a month, a quarter, a week or a time.

        A day is a moment if the number holds a time of day that its format hides. Moments are exact to a millisecond.
        """
        try:
            return _READERS[shown](self, number)
        except (OverflowError, ValueError):
            return f"{number:.15g}"

    def moment(self, number: float, unit: int) -> datetime.date:
        """A number in units of which a second has so many, as a day where it is midnight."""
        days, rest = divmod(round(number * 1000 / unit), _MILLISECONDS_A_DAY)
        day = self.day_0 + datetime.timedelta(days=days)
        if rest == 0:
            return day
        midnight = datetime.datetime.combine(day, datetime.time.min)
        return midnight + datetime.timedelta(milliseconds=rest)


def _day(calendar: Calendar, number: float) -> datetime.date:
    if calendar.a_day == 1:
        return calendar.moment(number * 86_400, 1)
    return calendar.moment(number, calendar.a_day // 86_400)


def _moment(calendar: Calendar, number: float) -> datetime.date:
    return calendar.moment(number, calendar.a_second)


def _time(calendar: Calendar, number: float) -> str:
    seconds = round(abs(number) / calendar.a_second)
    sign = "-" if number < 0 and seconds else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _of_year(parts: int, letter: str) -> Callable[[Calendar, float], str]:
    """Months, quarters, weeks or half years since 1960, as Stata counts them."""

    def text(_: Calendar, number: float) -> str:
        if not float(number).is_integer():
            raise ValueError(number)
        year, part = divmod(int(number), parts)
        return (
            f"{1960 + year:04d}{letter}{part + 1:02d}"
            if parts > 9
            else f"{1960 + year:04d}{letter}{part + 1}"
        )

    return text


def _month(day: datetime.date) -> str:
    return f"{day.year:04d}-{day.month:02d}"


def _quarter(day: datetime.date) -> str:
    return f"{day.year:04d}Q{(day.month + 2) // 3}"


def _week(day: datetime.date) -> str:
    """The week as SPSS counts it, the first from 1 January."""
    return f"{day.year:04d}W{(day.timetuple().tm_yday + 6) // 7:02d}"


_READERS: Mapping[Shown, Callable[[Calendar, float], object]] = {
    Shown.NUMBER: lambda _, number: number,
    Shown.DAY: _day,
    Shown.MOMENT: _moment,
    Shown.TIME: _time,
    Shown.MONTH: lambda calendar, number: _month(_day(calendar, number)),
    Shown.QUARTER: lambda calendar, number: _quarter(_day(calendar, number)),
    Shown.WEEK: lambda calendar, number: _week(_day(calendar, number)),
    Shown.MONTH_OF_MOMENT: lambda calendar, number: _month(_moment(calendar, number)),
    Shown.QUARTER_OF_MOMENT: lambda calendar, number: _quarter(_moment(calendar, number)),
    Shown.MONTH_NUMBER: _of_year(12, "-"),
    Shown.QUARTER_NUMBER: _of_year(4, "Q"),
    Shown.WEEK_NUMBER: _of_year(52, "W"),
    Shown.HALF_YEAR_NUMBER: _of_year(2, "H"),
}

SAS = Calendar(datetime.date(1960, 1, 1), 1, 1)
SPSS = Calendar(datetime.date(1582, 10, 14), 86_400, 1)
STATA = Calendar(datetime.date(1960, 1, 1), 1, 1000)

_WEEKDAY = re.compile("DAYNAME|Dayname|dayname|Day|day|Da|da")
_EXCEL_WORDS = re.compile(r'"[^"]*"|\[[^\]]*\]|[\\_*].')
"""Texts, colours and languages, and characters that stand for themselves, in a number format of Excel."""
_WIDTH = re.compile(r"[0-9]*(\.[0-9]*)?$")

_SAS: tuple[tuple[str, Shown], ...] = (
    (
        "DATE|(DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?|WEEKDAT[EX]|WORDDAT[EX]|(E|B|IS)8601DA|JULIAN|NLDATE[LMSW]?|[A-Z]{3}DF(DD|DE|DN|WDX|WKX)",
        Shown.DAY,
    ),
    (
        "DATETIME|DATEAMPM|MDYAMPM|YMDDTTM|(E|B|IS)8601(DT|DX|DZ|LX|DN)|NLDATM(AP|[LMSW])?|[A-Z]{3}DFDT|DTDATE|DTWKDATX",
        Shown.MOMENT,
    ),
    (
        "TIME|HHMM|MMSS|TOD|TIMEAMPM|HOUR|(E|B|IS)8601(TM|TX|TZ|LZ)|NLTIM(E|AP)",
        Shown.TIME,
    ),
    ("MONYY|(MMYY|YYMM)[CDNPS]?|YYMON|[A-Z]{3}DFMY|NLDATEYM", Shown.MONTH),
    ("DTMONYY|NLDATMYM", Shown.MONTH_OF_MOMENT),
    ("YYQR?[CDNPS]?|NLDATEYQ", Shown.QUARTER),
    ("DTYYQC|NLDATMYQ", Shown.QUARTER_OF_MOMENT),
    (
        "YEAR|MONTH|DAY|QTRR?|WEEKDAY|DOWNAME|MONNAME|JULDAY|DTYEAR|WEEK[UVW]|NLDAT[EM](MD|MN|WN|YR|YW)|[A-Z]{3}DF(DWN|MN)|PDJUL[GI]",
        Shown.REFUSED,
    ),
)
_SPSS: tuple[tuple[str, Shown], ...] = (
    ("DATE|ADATE|EDATE|JDATE|SDATE", Shown.DAY),
    ("DATETIME|YMDHMS", Shown.MOMENT),
    ("TIME|DTIME|MTIME", Shown.TIME),
    ("MOYR", Shown.MONTH),
    ("QYR", Shown.QUARTER),
    ("WKYR", Shown.WEEK),
)
_STATA_NUMBERS = {
    "w": Shown.WEEK_NUMBER,
    "m": Shown.MONTH_NUMBER,
    "q": Shown.QUARTER_NUMBER,
    "h": Shown.HALF_YEAR_NUMBER,
    "y": Shown.NUMBER,
    "g": Shown.NUMBER,
}


def sas_shown(layout: str | None) -> Shown:
    """What a format of SAS shows, such as `DATE9` or `$20`."""
    return _by_name(layout, _SAS)


def spss_shown(layout: str | None) -> Shown:
    """What a format of SPSS shows, such as `EDATE10` or `F8.2`."""
    return _by_name(layout, _SPSS)


def stata_shown(layout: str | None) -> Shown:
    """What a display format of Stata shows, such as `%td`, `%tcDDmonCCYY` or `%9.0g`.

    Moments that count leap seconds (`%tC`) and days of a business calendar (`%tb`) are refused.
    """
    found = re.fullmatch(r"%-?(?:t(?P<unit>[a-zA-Z])|(?P<old>d))(?P<mask>.*)", layout or "")
    if found is None:
        return Shown.NUMBER
    unit, mask = found["unit"] or "d", found["mask"]
    # Days have the letter d or j, as do names of weekdays.
    has_day = not mask or re.search("[dj]", _WEEKDAY.sub("", mask), re.IGNORECASE) is not None
    if unit == "d":
        return Shown.DAY if has_day else Shown.MONTH
    if unit == "c":
        shows_date = has_day or re.search("[cy]", mask, re.IGNORECASE) is not None
        return (Shown.MOMENT if has_day else Shown.MONTH_OF_MOMENT) if shows_date else Shown.TIME
    return _STATA_NUMBERS.get(unit, Shown.REFUSED)


def excel_shows_month(layout: str) -> bool:
    """Whether a number format of Excel shows month and year, and neither day nor time, such as `mmm-yy`."""
    shown = _EXCEL_WORDS.sub("", layout.partition(";")[0]).lower()
    return "m" in shown and "y" in shown and not set("dhs") & set(shown)


def excel_shows_day(layout: str) -> bool:
    """Whether a number format of Excel shows day, month and year, such as `dd.mm.yyyy`; General counts too, because it shows a number."""
    shown = _EXCEL_WORDS.sub("", layout.partition(";")[0]).lower()
    return not set("ymdhs") & set(shown) or set("ymd") <= set(shown)


def _by_name(layout: str | None, table: tuple[tuple[str, Shown], ...]) -> Shown:
    name = _WIDTH.sub("", (layout or "").upper(), count=1)
    return next((shown for names, shown in table if re.fullmatch(names, name)), Shown.NUMBER)
