"""REDCap's raw CSV export: text in UTF-8 with the fields' names, several rows a record where there are events or repeats."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from riskset_common.errors import DataError
from riskset_node.sources.source import not_there

_OTHER_SIGNS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", "^": "carets"}


def header_of(path: Path) -> tuple[str, ...]:
    """Names of the columns, the record id first."""
    header = next(_rows(path))
    parted = next((name for sign, name in _OTHER_SIGNS.items() if sign in header[0]), None)
    if len(header) == 1 and parted is not None:
        raise DataError(
            f"{path}: its columns are parted by {parted}, and not by commas. Export it again as CSV, raw data, with a comma as "
            "delimiter, and do not save it in Excel."
        )
    return header


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """The rows by column. Raises `DataError` where a row has another number of fields than the header."""
    rows = _rows(path)
    header = next(rows)
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataError(
                f"{path}, row {line}: {len(row)} fields, but the header names {len(header)} columns. Export it again as CSV, raw data."
            )
        yield dict(zip(header, row, strict=True))


def _rows(path: Path) -> Iterator[tuple[str, ...]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            empty = True
            for row in csv.reader(file, strict=True):
                if row:
                    empty = False
                    yield tuple(row)
            if empty:
                raise DataError(f"{path}: the file is empty. Export it again as CSV, raw data.")
    except OSError as error:
        raise not_there(path, error) from error
    except UnicodeError as error:
        raise DataError(
            f"{path}: not text in UTF-8, as REDCap exports it. Export it again as CSV, raw data, and do not save it in Excel."
        ) from error
    except csv.Error as error:
        raise DataError(
            f"{path}: a quotation mark in it is not closed. Export it again as CSV, raw data, and do not save it in Excel."
        ) from error
