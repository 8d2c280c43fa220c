"""Delimited text files, read exactly: every value stays the text that the file holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.formats.seen import as_seen
from riskset_node.sources.formats.delimited import (
    DELIMITERS,
    WHITESPACE,
    Dialect,
    Rows,
    as_seen_in_excel,
    names_in,
    opened_rows,
)
from riskset_node.sources.formats.encodings import holds, opened_text, zero_bytes_advice
from riskset_node.sources.formats.header import looks_like_header
from riskset_node.sources.formats.recognised import check_format
from riskset_node.sources.source import (
    DecimalSign,
    FileSettings,
    FileSource,
    ThousandsSign,
    check_header,
    known_encoding,
)

_LINES_SEARCHED = 50
"""Lines among which the header is looked for."""


def _delimiter(text: str) -> str:
    if text != WHITESPACE and (len(text) != 1 or text in '"\r\n'):
        raise ValueError(
            f'must be one character, or the word {WHITESPACE}, but is {text!r}. A tab is written "\\t", in double quotes.'
        )
    return text


class CsvSettings(FileSettings):
    """A delimited text file, as node.yaml describes it.

    Attributes
    ----------
    header
        Number of the line with the names of the columns, from 1; without it the first line that is not empty.
    row_names
        True if each row begins with its name, for which the header has no field; false if each row ends with a delimiter more.
    """

    kind: Literal["csv"]
    delimiter: Annotated[str, AfterValidator(_delimiter)] = ","
    decimal: DecimalSign = "."
    thousands: ThousandsSign | None = None
    encoding: Annotated[str, AfterValidator(known_encoding)] = "utf-8"
    header: Annotated[int, Field(ge=1)] | None = None
    row_names: bool | None = None

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

    @property
    def dialect(self) -> Dialect:
        """How the file is written."""
        return Dialect(self.path, self.delimiter, self.encoding, self.header, self.row_names)


class CsvSource(FileSource):
    """Delimited text with a header, quoted by double quotes where needed."""

    kind = "csv"
    settings = CsvSettings

    def header(self, settings: CsvSettings) -> tuple[str, ...]:
        """Names of all columns as a person sees them."""
        with _opened(settings) as rows:
            return rows.header

    def read(self, settings: CsvSettings, columns: Sequence[str]) -> dict[str, list[str]]:
        """Read these columns as text."""
        with _opened(settings) as rows:
            _check_columns(rows, columns, settings)
            texts: list[list[str]] = [[] for _ in columns]
            wanted = [as_seen(name) for name in columns]
            places: list[int] = []
            for chunk in rows.chunks():
                # What the rows' own names are called is known with the first row.
                places = places or [rows.header.index(name) for name in wanted]
                fields = list(zip(*chunk, strict=True))
                for column, place in zip(texts, places, strict=True):
                    column.extend(fields[place])
        if holds(settings.path, '="', settings.encoding):
            texts = list(map(as_seen_in_excel, texts))
        return dict(zip(columns, texts, strict=True))


@contextmanager
def _opened(settings: CsvSettings) -> Iterator[Rows]:
    """The rows of a file that is text, and no other kind of file."""
    check_format(settings.path, CsvSource.kind)
    with opened_rows(settings.dialect) as rows:
        if advice := zero_bytes_advice(settings.path, settings.encoding):
            raise DataError(
                f"{settings.path}: holds zero bytes, as no text in {settings.encoding} does. {advice}"
            )
        yield rows


def _check_columns(rows: Rows, columns: Sequence[str], settings: CsvSettings) -> None:
    """Check that the header names the columns; where it does not, no value is told of a row that may be a patient's."""
    wanted = set(map(as_seen, columns))
    named = wanted & set(rows.header)
    if named != wanted:
        _check_place(wanted, len(named), settings)
        if len(rows.header) == 1:
            _check_one_long_column(rows.header[0], settings)
        folded = {name.casefold() for name in rows.header}
        if not looks_like_header(rows.header) or not any(
            name.casefold() in folded for name in wanted
        ):
            lacking = ", ".join(repr(name) for name in columns if as_seen(name) not in named)
            raise NodeConfigError(
                f"{settings.path}: line {rows.line} should name the columns, and has no {lacking}. What it has is not shown, because it "
                "may be a patient. If another line names the columns, set data.source.header to its number. If none does, write a header "
                "above the first patient. If this is the header, compare its names with data.columns."
            )
    check_header(rows.header, columns, settings.path)


def _check_place(wanted: set[str], named: int, settings: CsvSettings) -> None:
    """Check that no other of the first lines, and no other delimiter, gives more of the wanted names, and half of them at least."""
    with opened_text(settings.path, settings.encoding) as text:
        lines = list(islice(text, _LINES_SEARCHED))
    best, number, delimiter = named, 0, ""
    for tried in dict.fromkeys((settings.delimiter, *DELIMITERS)):
        for line, held in enumerate(lines, 1):
            found = len(wanted & set(names_in(held, tried)))
            if found > best and 2 * found >= len(wanted):
                best, number, delimiter = found, line, tried
    if number:
        first = next(line for line, held in enumerate(lines, 1) if held.strip())
        keys = [] if number == (settings.header or first) else [f"data.source.header to {number}"]
        between = ""
        if delimiter != settings.delimiter:
            keys.append(f"data.source.delimiter to {DELIMITERS[delimiter]}")
            between = f", with {DELIMITERS[delimiter]} between"
        raise NodeConfigError(
            f"{settings.path}: line {number} names the columns{between}. Set {' and '.join(keys)}."
        )


def _check_one_long_column(name: str, settings: CsvSettings) -> None:
    for delimiter, written in DELIMITERS.items():
        if delimiter in name and delimiter != settings.delimiter:
            raise NodeConfigError(
                f"{settings.path}: the header is one long column that holds {written}. "
                f"Set data.source.delimiter to {written}."
            )
