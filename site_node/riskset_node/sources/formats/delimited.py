"""Rows of delimited text: title lines above the header, row names as R writes them, delimiters at the ends of lines."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.formats.seen import as_seen
from riskset_node.sources.formats.encodings import opened_text
from riskset_node.sources.source import no_header, not_there

WHITESPACE = "whitespace"
"""The delimiter of files whose values stand between any run of blanks and tabs."""

DELIMITERS = {",": "','", ";": "';'", "\t": '"\\t"', "|": "'|'", WHITESPACE: WHITESPACE}
"""Delimiters in use, as they are written in node.yaml."""

_LINES_SHOWN = 5
_ROWS_AT_ONCE = 256
"""Short-lived lists of rows keep Python's garbage collector idle; 256 and 1,024 rows at once differ twofold in time."""

_SEP_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""The line by which Excel is told the delimiter."""

_VALUE = re.compile(r'(?:"((?:[^"]|"")*)"|([^ \t"][^ \t]*))(?:[ \t]+|$)')
_BLANKS = re.compile(r"[ \t]+")
_EXCEL_TEXT = re.compile(r'="((?:[^"]|"")*)"')


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Attributes
    ----------
    delimiter
        One character, or `WHITESPACE`.
    header
        Number of the line with the names of the columns, from 1; None for the first that is not empty.
    row_names
        Whether each row begins with a name for which the header has no field; None where node.yaml does not say.
    """

    path: Path
    delimiter: str
    encoding: str
    header: int | None = None
    row_names: bool | None = None


class _Records(Protocol):
    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


class Rows:
    """The rows of an open file.

    Attributes
    ----------
    header
        Names of the columns as a person sees them; set by `read_header`.
    records
        The rows that were not read yet, as lists of texts.
    """

    def __init__(self, dialect: Dialect, text: Iterable[str]) -> None:
        self._dialect = dialect
        self.header: tuple[str, ...] = ()
        lines = iter(text)
        self._above = list(islice(lines, (dialect.header or 1) - 1))
        first = list(islice(lines, 1))
        if dialect.header is None and first and (sep := _SEP_LINE.fullmatch(first[0])):
            self._check_sep(sep[1])
            self._above, first = first, []
        self.records = _records(chain(first, lines), dialect.delimiter)

    @property
    def line(self) -> int:
        """Number of the line that was read last, as an editor counts."""
        return len(self._above) + self.records.line_num

    def _check_sep(self, sign: str) -> None:
        if sign != self._dialect.delimiter:
            written = DELIMITERS.get(sign, repr(sign))
            raise NodeConfigError(
                f"{self._dialect.path}: line 1 says that {written} stands between the values. "
                f"Set data.source.delimiter to {written}."
            )

    def read_header(self) -> None:
        """Take the names from the header.

        Raises
        ------
        DataError
            If the file is empty.
        NodeConfigError
            If the line that node.yaml names is empty, or if a line above has the same names.
        """
        path, number = self._dialect.path, self._dialect.header
        if number is None:
            found = next((row for row in self.records if row), None)
            if found is None:
                raise no_header(path)
        else:
            found = next(self.records, None)
            if not found:
                raise NodeConfigError(
                    f"{path}: data.source.header is {number}, but line {number} is empty or beyond the end of the file. "
                    "Write the number of the line with the names of the columns, counted from 1."
                )
        self.header = _names(found)
        for line, text in enumerate(self._above, 1):
            if number is not None and names_in(text, self._dialect.delimiter) == self.header:
                raise NodeConfigError(
                    f"{path}: the names in line {number}, which data.source.header gives, stand in line {line} too, and the rows between "
                    f"would be lost. Set data.source.header to {line}, and take the second header out of the file."
                )

    def chunks(self) -> Iterator[list[list[str]]]:
        """The patients' rows, some at a time, each with a field for each name of `header`; rows without any value are no patients.

        Raises
        ------
        NodeConfigError
            If node.yaml says of row names what the rows are not.
        DataError
            If a row has another number of fields than the header.
        """
        first = next((row for row in self.records if any(row)), None)
        if first is None:
            return
        width = self._width(len(first))
        ends_empty = width > len(self.header)
        has_last = self._dialect.row_names is not True
        rows = chain([first], self.records)
        while chunk := list(islice(rows, _ROWS_AT_ONCE)):
            if not all(map(any, chunk)):
                chunk = [row for row in chunk if any(row)]
            if set(map(len, chunk)) - {width}:
                chunk = [row for row in chunk if len(row) > 1 or row[0].strip()]
                if any(len(row) != width for row in chunk):
                    raise _ragged(self._dialect, width, ends_empty=ends_empty)
            if ends_empty and any(row[-1] for row in chunk):
                raise _ragged(self._dialect, width, ends_empty=ends_empty)
            has_last = has_last or any(row[-1] for row in chunk)
            if chunk:
                yield chunk
        if not has_last and self.header[0] == "":
            raise NodeConfigError(
                f"{self._dialect.path}: data.source.row_names is true, but every row ends with nothing, as it does where only a delimiter "
                "stands at its end. If so, set row_names to false. If the last column is empty, give the names of the rows a header."
            )

    def _width(self, first: int) -> int:
        """Fields of a row, given those of the first; `header` gets a name for the rows' names."""
        names, said = len(self.header), self._dialect.row_names
        if said and first == names + 1:
            self.header = ("", *self.header)
            return first
        if said and first == names and self.header[0]:
            raise NodeConfigError(
                f"{self._dialect.path}: data.source.row_names is true, but the rows have as many fields as the header, so none is the "
                "name of a row. Remove row_names."
            )
        return first if said is False and first == names + 1 else names


@contextmanager
def opened_rows(dialect: Dialect) -> Iterator[Rows]:
    """The rows of a file, its header read; what goes wrong while they are read is told with its place."""
    rows: Rows | None = None
    try:
        with opened_text(dialect.path, dialect.encoding) as text:
            rows = Rows(dialect, text)
            rows.read_header()
            yield rows
    except csv.Error as error:
        line = 1 if rows is None else rows.line
        raise DataError(
            f"{dialect.path}, line {line}: not a row of a delimited text file. Look for a quotation mark "
            "that is not closed; a quotation mark inside a quoted value is written twice."
        ) from error
    except OSError as error:
        raise not_there(dialect.path, error) from error


def names_in(line: str, delimiter: str) -> tuple[str, ...]:
    """The fields of one line as a person sees them; none where they cannot be told apart."""
    try:
        return _names(next(iter(_records([line], delimiter)), []))
    except csv.Error:
        return ()


def as_seen_in_excel(texts: list[str]) -> list[str]:
    """The texts, those that a file gives Excel as ="0123" without the signs around."""
    return [
        found[1].replace('""', '"')
        if text[:2] == '="' and (found := _EXCEL_TEXT.fullmatch(text))
        else text
        for text in texts
    ]


def _names(row: list[str]) -> tuple[str, ...]:
    return tuple(map(as_seen, as_seen_in_excel(row)))


def _records(lines: Iterable[str], delimiter: str) -> _Records:
    if delimiter == WHITESPACE:
        return _BetweenBlanks(lines)
    # strict: a quote that is never closed is an error, and does not swallow the rest of the file.
    return csv.reader(lines, delimiter=delimiter, strict=True)


class _BetweenBlanks:
    """Rows whose values stand between runs of blanks and tabs; a value with a blank is in double quotes."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.line_num = 0

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        line = next(self._lines).strip(" \t\r\n")
        self.line_num += 1
        if '"' not in line:
            return _BLANKS.split(line) if line else []
        values, place = [], 0
        while place < len(line):
            found = _VALUE.match(line, place)
            if found is None:
                raise csv.Error
            values.append(found[2] if found[1] is None else found[1].replace('""', '"'))
            place = found.end()
        return values


def _ragged(dialect: Dialect, expected: int, *, ends_empty: bool) -> DataError:
    """Read again, row by row, for the lines whose number of fields is not the expected one, or whose last is not empty."""
    lines: defaultdict[int, list[int]] = defaultdict(list)
    all_fields, all_end_empty = set(), True
    with opened_rows(dialect) as rows:
        width, line = len(rows.header), rows.line + 1
        for row in rows.records:
            if any(row) and (len(row) > 1 or row[0].strip()):
                all_fields.add(len(row))
                all_end_empty &= not row[-1]
                if len(row) != expected or (ends_empty and row[-1]):
                    lines[len(row)].append(line)
            line = rows.line + 1
    if all_fields == {width + 1} and dialect.row_names is None:
        return DataError(_one_field_more(dialect, width, all_end_empty=all_end_empty))
    told = [
        f"{dialect.path}, {_lines(found)}: {_fields(fields)}, but the header names {_columns(width)}."
        for fields, found in lines.items()
    ]
    return DataError(
        "\n".join([*told, "Look for a delimiter inside a value that is not in quotation marks."])
    )


def _one_field_more(dialect: Dialect, width: int, *, all_end_empty: bool) -> str:
    said = (
        f"{dialect.path}: every row has {_fields(width + 1)}, but the header names {_columns(width)}. "
        "If each row begins with its name or number, as R writes it, set data.source.row_names to true."
    )
    if not all_end_empty:
        return said
    return f"{said} If instead each row ends with a delimiter that stands for nothing, set data.source.row_names to false."


def _lines(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_LINES_SHOWN]))
    more = f" and {len(numbers) - _LINES_SHOWN:,} more" if len(numbers) > _LINES_SHOWN else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"


def _fields(number: int) -> str:
    return f"{number} field{'s' if number > 1 else ''}"


def _columns(number: int) -> str:
    return f"{number} column{'s' if number > 1 else ''}"
