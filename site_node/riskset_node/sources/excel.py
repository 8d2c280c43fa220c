"""Excel workbooks (.xlsx), read through openpyxl: one sheet, one of its rows the header, one row a patient."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Annotated, Literal
from zipfile import BadZipFile, ZipFile

from pydantic import Field

from riskset_common.errors import DataError, NodeConfigError, did_you_mean
from riskset_node.sources.formats.header import ROWS_SEARCHED, check_is_header, name_of
from riskset_node.sources.formats.recognised import check_format
from riskset_node.sources.formats.sheets import SheetFacts, sheet_facts
from riskset_node.sources.formats.shown import excel_shows_day, excel_shows_month
from riskset_node.sources.source import (
    FileSettings,
    FileSource,
    Note,
    NotedColumns,
    check_header,
    no_header,
)

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell

_SHOWN = 5

_LARGE = 100 << 20
_MOST_PACKED = 200
"""A part of that many bytes that is so many times as long as in the archive holds nothing but repetitions; sheets are 10 to 30 times."""

_DAY_0 = datetime.datetime(1899, 12, 30)  # noqa: DTZ001  # Excel knows no time zones
"""What Excel shows as 0 January 1900: a cell with the value 0 that is formatted as a date."""


class ExcelSettings(FileSettings):
    """A workbook, as node.yaml describes it; `dates` and `missing` apply to its cells of text."""

    kind: Literal["excel"]
    sheet: str | None = None
    header: Annotated[int, Field(ge=1)] = 1


@dataclass(frozen=True)
class _Sheet:
    """An open sheet: its rows from the header on, and where it and the workbook's own part lie in the archive."""

    rows: Iterator[Sequence[object]]
    archive: ZipFile
    book: str
    part: str
    from_1904: bool
    percent: frozenset[int]


class ExcelSource(FileSource):
    """A sheet of a workbook. Cells keep their type: numbers, days, text; of a formula the value that Excel computed last."""

    kind = "excel"
    settings = ExcelSettings

    def header(self, settings: ExcelSettings) -> tuple[str, ...]:
        """Names of all columns as a person sees them, with blanks for line breaks."""
        with _opened(settings) as sheet:
            return tuple(map(name_of, _header(sheet, settings)))

    def read(self, settings: ExcelSettings, columns: Sequence[str]) -> NotedColumns:
        """Read these columns. Rows without any value, such as formatted ones below the last patient, are no patients.

        Raises
        ------
        DataError
            If formulas in them were never computed, or rows are hidden or cells merged, so that what a person sees is not what is there.
        """
        with _opened(settings) as sheet:
            first = _header(sheet, settings)
            header = tuple(map(name_of, first))
            if not set(columns) <= set(header):
                below = islice(sheet.rows, ROWS_SEARCHED)
                check_is_header(first, below, columns, settings.header, settings.path)
            check_header(header, columns, settings.path)
            places = {name: header.index(name) for name in columns}
            facts = sheet_facts(
                sheet.archive, sheet.book, sheet.part, settings.header, sheet.percent
            )
            _check_facts(facts, places, settings)
            # A row ends with its last cell.
            rows = [
                [row[place] if place < len(row) else None for place in places.values()]
                for row in sheet.rows
                if any(cell is not None for cell in row)
            ]
            note = Note(from_1904=sheet.from_1904)
        values = {
            name: _as_shown([row[place] for row in rows], f"{settings.path}, column {name!r}")
            for place, name in enumerate(places)
        }
        return NotedColumns(values, dict.fromkeys(values, note))


@dataclass(frozen=True)
class _Month:
    """A day of which Excel shows month and year only."""

    day: datetime.datetime

    def __str__(self) -> str:
        """The month."""
        return f"{self.day:%Y-%m}"


_PART = object()
"""A date of which Excel shows neither the day nor month and year, but such as the year alone."""


def _as_shown(cells: Sequence[object], where: str) -> list[object]:
    """The values of a column. A month is a text such as `2017-12`, if all months of the column are stored as their first day.

    So Excel stores what is typed as a month. Another day was typed as a day, and then all of them are days. Raises `DataError` if other
    parts of a date are shown.
    """
    if _PART in cells:
        raise DataError(
            f"{where}: {cells.count(_PART)} cells show a part of their date only, such as the year or the time of day. Give them a format "
            "with day, month and year, look whether the days are those that are meant, and save the workbook."
        )
    months = [cell for cell in cells if isinstance(cell, _Month)]
    if not months:
        return list(map(_value, cells))
    typed = all(_is_first_day(month.day) for month in months)
    return [
        (str(cell) if typed else cell.day) if isinstance(cell, _Month) else _value(cell)
        for cell in cells
    ]


def _is_first_day(day: datetime.datetime) -> bool:
    """Whether a moment is the midnight with which a month begins."""
    return day.day == 1 and day.time() == datetime.time.min


def _with_parts(rows: Iterable[Sequence[ReadOnlyCell | EmptyCell]]) -> Iterator[Sequence[object]]:
    """The values of cells, with those marked of which a person sees a part of the date only."""
    for row in rows:
        yield [
            cell.value
            if not isinstance(cell.value, datetime.datetime) or excel_shows_day(cell.number_format)
            else _Month(cell.value)
            if excel_shows_month(cell.number_format)
            else _PART
            for cell in row
        ]


def _value(cell: object) -> object:
    """A cell's value; a time of day and a duration as the text that Excel shows, and the value 0 as the day from which Excel counts."""
    if isinstance(cell, datetime.time):
        return _DAY_0 if cell == datetime.time.min else cell.isoformat()
    if isinstance(cell, datetime.timedelta):
        seconds = int(abs(cell.total_seconds()))
        sign = "-" if cell < datetime.timedelta() else ""
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return cell


@contextmanager
def _opened(settings: ExcelSettings) -> Iterator[_Sheet]:
    """The sheet; its cells are numbers, days, times and texts, an error of Excel such as #N/A by its text, None for nothing."""
    check_format(settings.path, ExcelSource.kind)
    try:
        # By the file and not by its name, which may end in anything.
        with settings.path.open("rb") as file, warnings.catch_warnings():
            # What openpyxl cannot keep when it saves (validations, drawings) does not matter to a reader.
            warnings.simplefilter("ignore", UserWarning)
            yield _sheet(file, settings)
    except (BadZipFile, OSError, ValueError, KeyError, SyntaxError, TypeError, IndexError) as error:
        raise DataError(
            f"{settings.path}: not an Excel workbook, or one that is damaged. Open it in Excel or LibreOffice, save it "
            "as .xlsx and read it again."
        ) from error


def _sheet(file: IO[bytes], settings: ExcelSettings) -> _Sheet:
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    reader = ExcelReader(file, read_only=True, data_only=True)
    for part in reader.archive.infolist():
        if part.file_size > _LARGE and part.file_size > _MOST_PACKED * part.compress_size:
            raise DataError(
                f"{settings.path}: unpacks to {part.file_size >> 20:,} MiB, far more than patients need. Open it, keep the rows with "
                "patients, and save it again."
            )
    reader.read()
    sheet = reader.wb[_title(settings, [each.title for each in reader.wb.worksheets])]
    parts = {each.name: where.target for each, where in reader.parser.find_sheets()}
    # Some programs write a wrong size of the sheet; rows beyond it would be lost without a word.
    sheet.reset_dimensions()
    # Few workbooks show months, and a cell with its format takes longer to read than a value.
    formats = _cell_formats(reader.wb)
    in_part = not all(map(excel_shows_day, formats))
    return _Sheet(
        _with_parts(sheet.iter_rows()) if in_part else sheet.iter_rows(values_only=True),
        reader.archive,
        reader.parser.workbook_part_name,
        parts[sheet.title],
        from_1904=reader.wb.epoch == CALENDAR_MAC_1904,
        percent=frozenset(style for style, shown in enumerate(formats) if "%" in shown),
    )


def _cell_formats(book: Workbook) -> list[str]:
    """The number format of each cell style, by the style's number."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

    formats = dict(BUILTIN_FORMATS)
    # A workbook that is read row by row gives its styles nowhere else.
    own, styles = book._number_formats, book._cell_styles  # noqa: SLF001
    formats |= dict(enumerate(own, start=BUILTIN_FORMATS_MAX_SIZE))
    return [formats.get(style.numFmtId, "") for style in styles]


def _title(settings: ExcelSettings, names: Sequence[str]) -> str:
    if not names:
        raise NodeConfigError(
            f"{settings.path}: the workbook has charts, but no sheet with cells. Save the patients' sheet in it, or name another file."
        )
    if settings.sheet is None:
        if len(names) > 1:
            raise NodeConfigError(
                f"{settings.path}: the workbook has {len(names)} sheets ({', '.join(names)}). "
                "Name the one with the patients in data.source.sheet."
            )
        return names[0]
    if settings.sheet not in names:
        raise NodeConfigError(
            f"{settings.path}: there is no sheet {settings.sheet!r}. {did_you_mean(settings.sheet, names)}"
        )
    return settings.sheet


def _header(sheet: _Sheet, settings: ExcelSettings) -> Sequence[object]:
    """The row that is the header; those above it are passed over."""
    row = next(islice(sheet.rows, settings.header - 1, None), None)
    if not row:
        raise no_header(settings.path)
    return row


def _named_cells(cells: Mapping[int, list[str]], places: Mapping[str, int]) -> list[str]:
    """The columns among those that are read that have such cells, each with their number and the first of them."""
    return [
        f"{name!r} ({len(found)} {'cells' if len(found) > 1 else 'cell'}, the first is {found[0]})"
        for name, place in places.items()
        if (found := cells.get(place + 1))
    ]


def _check_facts(facts: SheetFacts, places: Mapping[str, int], settings: ExcelSettings) -> None:
    """Raise if a column that is read is not what a person sees."""
    path, header = settings.path, settings.header
    if waiting := _named_cells(facts.not_computed, places):
        raise DataError(
            f"{path}: no spreadsheet program has computed the formulas in {_and('column', waiting)}: the program that wrote the workbook "
            "left nothing or 0 as their values. Open the workbook in Excel or LibreOffice, save it, and read it again."
        )
    if percentages := _named_cells(facts.percentages, places):
        raise DataError(
            f"{path}: numbers are shown as percentages in {_and('column', percentages)}, and a cell that shows 25% holds 0.25. Give the "
            "cells the format General and save the workbook. If they then hold fractions and the codebook has %, set the column's unit to "
            "fraction."
        )
    merged = [
        area.text
        for area in facts.merged
        if area.rows[1] >= header
        and any(area.columns[0] <= place + 1 <= area.columns[1] for place in places.values())
    ]
    if merged:
        more = f" and {len(merged) - _SHOWN} more" if len(merged) > _SHOWN else ""
        raise DataError(
            f"{path}: cells are merged in columns that are read ({', '.join(merged[:_SHOWN])}{more}), so that one value stands for several "
            "cells and all but the first are empty. Unmerge them, and write each value into its own cell."
        )
    hidden = sorted({row for place in places.values() for row in facts.hidden.get(place + 1, ())})
    if hidden:
        shown = ", ".join(map(str, hidden[:_SHOWN])) + (" ..." if len(hidden) > _SHOWN else "")
        raise DataError(
            f"{path}: {len(hidden)} {'rows with values are' if len(hidden) > 1 else 'row with values is'} hidden, by a filter or by hand "
            f"({shown}), so it is not clear whether they count. Show them if they are patients of the study, else delete them, and save "
            "the workbook."
        )


def _and(noun: str, named: Sequence[str]) -> str:
    """Such as `column 'a'`, `columns 'a' and 'b'`."""
    *others, last = named
    return f"{noun} {last}" if not others else f"{noun}s {', '.join(others)} and {last}"
