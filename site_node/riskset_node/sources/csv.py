"""Delimited text files, read exactly: every value stays the text that the file holds."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from typing import Annotated, Literal, Protocol, Self

from pydantic import AfterValidator, model_validator

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.formats.recognised import check_format
from riskset_node.sources.source import (
    DecimalSign,
    FileSettings,
    FileSource,
    ThousandsSign,
    check_header,
    known_encoding,
    no_header,
    not_there,
)

_DELIMITERS = {",": "','", ";": "';'", "\t": '"\\t"', "|": "'|'"}
"""Delimiters in use, as they are written in node.yaml."""

_ROWS_AT_ONCE = 256
"""Short-lived lists of rows keep Python's garbage collector idle; 256 and 1,024 rows at once differ twofold in time."""

_LINES_SHOWN = 5

_UTF_8_MARK_READ_AS_CP1252 = "ï»¿"


def _one_character(text: str) -> str:
    if len(text) != 1 or text in '"\r\n':
        raise ValueError(
            f'must be one character, but is {text!r}. A tab is written "\\t", in double quotes.'
        )
    return text


class CsvSettings(FileSettings):
    """A delimited text file, as node.yaml describes it."""

    kind: Literal["csv"]
    delimiter: Annotated[str, AfterValidator(_one_character)] = ","
    decimal: DecimalSign = "."
    thousands: ThousandsSign | None = None
    encoding: Annotated[str, AfterValidator(known_encoding)] = "utf-8"

    @model_validator(mode="after")
    def _two_signs(self) -> Self:
        if self.decimal == self.thousands:
            other = "," if self.decimal == "." else "."
            raise ValueError(
                f'decimal and thousands are both {self.decimal!r}. If it stands between thousands, write decimal: "{other}".'
            )
        return self

    @property
    def decimal_sign(self) -> DecimalSign:
        """The decimal sign that node.yaml names."""
        return self.decimal

    @property
    def thousands_sign(self) -> ThousandsSign | None:
        """The sign between thousands that node.yaml names."""
        return self.thousands


class _Rows(Protocol):
    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


class CsvSource(FileSource):
    """Delimited text with a header, quoted by double quotes where needed."""

    kind = "csv"
    settings = CsvSettings

    def header(self, settings: CsvSettings) -> tuple[str, ...]:
        """Names of all columns, without the blanks around them."""
        with _opened(settings) as rows:
            return _header(rows, settings)

    def read(self, settings: CsvSettings, columns: Sequence[str]) -> dict[str, list[str]]:
        """Read these columns as text."""
        with _opened(settings) as rows:
            header = _header(rows, settings)
            _check_delimiter(header, columns, settings)
            check_header(header, columns, settings.path)
            texts: list[list[str]] = [[] for _ in columns]
            pick = [itemgetter(header.index(name)) for name in columns]
            while chunk := list(islice(rows, _ROWS_AT_ONCE)):
                if set(map(len, chunk)) != {len(header)}:
                    chunk = [row for row in chunk if row]
                    if any(len(row) != len(header) for row in chunk):
                        raise _ragged(settings)
                for column, picked in zip(texts, pick, strict=True):
                    column.extend(map(picked, chunk))
        return dict(zip(columns, texts, strict=True))


@contextmanager
def _opened(settings: CsvSettings) -> Iterator[_Rows]:
    """Rows of the file as lists of texts; what goes wrong while reading is told with its place in the file."""
    check_format(settings.path, CsvSource.kind)
    encoding = "utf-8-sig" if settings.encoding == "utf-8" else settings.encoding
    rows: _Rows | None = None
    try:
        with settings.path.open(encoding=encoding, newline="") as file:
            # strict: a quote that is never closed is an error, and does not swallow the rest of the file.
            rows = csv.reader(file, delimiter=settings.delimiter, strict=True)
            yield rows
    except UnicodeError as error:
        raise _wrong_encoding(settings) from error
    except csv.Error as error:
        line = rows.line_num if rows is not None else 1
        raise DataError(
            f"{settings.path}, line {line}: not a row of a delimited text file ({error}). Look for a quotation mark "
            "that is not closed; a quotation mark inside a quoted value is written twice."
        ) from error
    except OSError as error:
        raise not_there(settings.path, error) from error


def _header(rows: _Rows, settings: CsvSettings) -> tuple[str, ...]:
    header = next((row for row in rows if row), None)
    if header is None:
        raise no_header(settings.path)
    if header[0].startswith(_UTF_8_MARK_READ_AS_CP1252):
        raise NodeConfigError(
            f"{settings.path}: begins with the mark of UTF-8, but node.yaml says encoding: {settings.encoding}. "
            "Set data.source.encoding to utf-8."
        )
    return tuple(name.strip() for name in header)


def _check_delimiter(header: Sequence[str], columns: Sequence[str], settings: CsvSettings) -> None:
    if len(header) > 1 or not header or set(columns) <= set(header):
        return
    for delimiter, written in _DELIMITERS.items():
        if delimiter in header[0] and delimiter != settings.delimiter:
            raise NodeConfigError(
                f"{settings.path}: the header is one long column that holds {written}. "
                f"Set data.source.delimiter to {written}."
            )


def _ragged(settings: CsvSettings) -> DataError:
    """Read again, row by row, for the lines whose number of fields is not the header's."""
    ragged: list[tuple[int, int]] = []
    with _opened(settings) as rows:
        width = len(_header(rows, settings))
        line = rows.line_num + 1
        for row in rows:
            if row and len(row) != width:
                ragged.append((line, len(row)))
            line = rows.line_num + 1
    lines = "\n".join(
        f"{settings.path}, line {line}: {fields} fields, but the header names {width} columns."
        for line, fields in ragged[:_LINES_SHOWN]
    )
    more = (
        f"\n... and {len(ragged) - _LINES_SHOWN} more lines." if len(ragged) > _LINES_SHOWN else ""
    )
    return DataError(
        f"{lines}{more}\nLook for a delimiter inside a value that is not in quotation marks."
    )


def _wrong_encoding(settings: CsvSettings) -> NodeConfigError:
    content = settings.path.read_bytes()
    try:
        content.decode(settings.encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"byte {error.start}, in line {line}, is {content[error.start]:#04x}"
    except UnicodeError as error:
        where = str(error)
    else:
        where = "the file changed while it was read"
    return NodeConfigError(
        f"{settings.path}: not {settings.encoding}: {where}. {_encoding_advice(content, settings.encoding)}"
    )


def _encoding_advice(content: bytes, tried: str) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "It begins with the mark of UTF-16: set data.source.encoding to utf-16."
    for name in ("utf-8", "cp1252"):
        try:
            content.decode(name)
        except UnicodeDecodeError:
            continue
        if name != tried:
            return f"It can be read as {name}: set data.source.encoding to {name}, and look at one value with an accent."
    return "Save the file as UTF-8."
