"""Excel workbooks (.xlsx), read through openpyxl: one sheet, its first row the header, one row a patient."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Literal
from zipfile import BadZipFile

from riskset_common.errors import DataError, NodeConfigError, did_you_mean
from riskset_node.sources.source import (
    FileSettings,
    FileSource,
    check_header,
    no_header,
    not_there,
)

_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
"""How a workbook of Excel 2003 and before begins; so does one that a password protects."""


class ExcelSettings(FileSettings):
    """A workbook, as node.yaml describes it; `dates` and `missing` apply to its cells of text."""

    kind: Literal["excel"]
    sheet: str | None = None


class ExcelSource(FileSource):
    """A sheet of a workbook. Cells keep their type: numbers, days, text; of a formula the value that Excel computed last."""

    kind = "excel"
    settings = ExcelSettings

    def header(self, settings: ExcelSettings) -> tuple[str, ...]:
        """Names of all columns, without the blanks around them."""
        with closing(_cells(settings)) as rows:
            return _header(rows, settings)

    def read(self, settings: ExcelSettings, columns: Sequence[str]) -> dict[str, list[object]]:
        """Read these columns. Rows without any value, such as formatted ones below the last patient, are no patients."""
        with closing(_cells(settings)) as rows:
            header = _header(rows, settings)
            check_header(header, columns, settings.path)
            body = [row for row in rows if any(cell is not None for cell in row)]
        places = {name: header.index(name) for name in columns}
        # A row ends with its last cell.
        return {
            name: [row[place] if place < len(row) else None for row in body]
            for name, place in places.items()
        }


def _cells(settings: ExcelSettings) -> Generator[list[object]]:
    """The rows of the sheet, the header first: numbers, days and texts, an error of Excel such as #N/A by its text, None for nothing."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    path = settings.path
    try:
        with warnings.catch_warnings():
            # What openpyxl cannot keep when it saves (validations, drawings) does not matter to a reader.
            warnings.simplefilter("ignore", UserWarning)
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        with closing(book):
            sheet = book[_sheet(settings, [each.title for each in book.worksheets])]
            # Some programs write a wrong size of the sheet; rows beyond it would be lost without a word.
            sheet.reset_dimensions()
            for row in sheet.iter_rows(values_only=True):
                yield list(row)
    except OSError as error:
        raise not_there(path, error) from error
    except (BadZipFile, InvalidFileException, ValueError, KeyError) as error:
        raise _not_a_workbook(settings, error) from error


def _sheet(settings: ExcelSettings, names: Sequence[str]) -> str:
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


def _header(rows: Iterator[list[object]], settings: ExcelSettings) -> tuple[str, ...]:
    header = next(rows, None)
    if not header:
        raise no_header(settings.path)
    return tuple("" if name is None else str(name).strip() for name in header)


def _not_a_workbook(settings: ExcelSettings, error: Exception) -> DataError:
    begins = settings.path.read_bytes()[: len(_OLD_WORKBOOK)]
    if begins == _OLD_WORKBOOK:
        return DataError(
            f"{settings.path}: a workbook of Excel 2003 or before, or one with a password. "
            "Save it in Excel as .xlsx, without a password."
        )
    return DataError(
        f"{settings.path}: not an Excel workbook ({error}). Check data.source.kind, or save it as .xlsx again."
    )
