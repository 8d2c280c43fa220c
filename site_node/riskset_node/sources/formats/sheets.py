"""What the XML of an Excel sheet says beside the values of its cells: formulas, what was computed of them, hidden rows, merged cells."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

_AT_ONCE = 1 << 20
_SIGNS = (b"f>", b"f ", b"f/>", b"mergeCell", b"hidden=")
"""A sheet without any of these after a bracket or colon has nothing to look at, as most have."""
_OPENS = tuple(before + sign for sign in _SIGNS[:3] for before in (b"<", b":")) + _SIGNS[3:]

_TRUE = ("1", "true")
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_WAITS = re.compile(
    rb"""<(?:\w+:)?calcPr\s[^>]*(?:fullCalcOnLoad\s*=\s*["'](?:1|true)|calcCompleted\s*=\s*["'](?:0|false))"""
)
_APPLICATION = re.compile(rb"<(?:\w+:)?Application>\s*([^<]*)")
_SPREADSHEET_PROGRAMS = (b"LibreOffice", b"ONLYOFFICE", b"WPS", b"Gnumeric", b"Numbers")
"""Programs that compute and name themselves. Excel is known by its chain of computation, because others call themselves Excel."""


@dataclass(frozen=True)
class Area:
    """Cells in a rectangle: rows and columns from 1, both ends included."""

    text: str
    rows: tuple[int, int]
    columns: tuple[int, int]

    @classmethod
    def of(cls, text: str) -> Area:
        """Read such as `A1:B3`, or `A1`."""
        corners = [_place(corner) for corner in text.split(":")]
        rows, columns = sorted(row for row, _ in corners), sorted(column for _, column in corners)
        return cls(text, (rows[0], rows[-1]), (columns[0], columns[-1]))

    def __contains__(self, place: tuple[int, int]) -> bool:
        row, column = place
        return self.rows[0] <= row <= self.rows[1] and self.columns[0] <= column <= self.columns[1]


@dataclass
class ColumnOfFormulas:
    """The formulas of one column below the header, by what is stored as their value.

    Attributes
    ----------
    empty, zeros, java_zeros
        References of cells with nothing, with 0, and with 0.0, as no spreadsheet program but only libraries write it.
    others, java_others
        Number of cells with another value; and of those such as 12.0.
    """

    empty: list[str] = field(default_factory=list)
    zeros: list[str] = field(default_factory=list)
    java_zeros: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    java_others: int = 0

    def not_computed(self, *, anything: bool, zeros: bool) -> list[str]:
        """Cells whose value nobody computed; `anything` if no value of the workbook is to be trusted, `zeros` if zeros alone are not."""
        if anything:
            return [*self.empty, *self.zeros, *self.java_zeros, *self.others]
        found = list(self.empty)
        if not self.java_others:
            found += self.java_zeros
        if zeros and not self.others:
            found += self.zeros
        return found


@dataclass(frozen=True)
class SheetFacts:
    """What else a sheet says.

    Attributes
    ----------
    not_computed
        By column, from 1: references of cells whose formula no spreadsheet program has computed.
    hidden
        By column: numbers of hidden rows that have a value there.
    merged
        Areas of cells that are merged into one.
    percentages
        By column: references of cells whose number is shown as a percentage, a hundred times what is stored.
    """

    not_computed: Mapping[int, list[str]]
    hidden: Mapping[int, list[int]]
    merged: tuple[Area, ...]
    percentages: Mapping[int, list[str]]


def sheet_facts(
    archive: zipfile.ZipFile, book: str, sheet: str, header: int, percent: Collection[int] = ()
) -> SheetFacts:
    """Look at the rows below the header (its number, from 1) of a sheet; `book` and `sheet` are names of parts in the archive, and
    `percent` the numbers of cell styles that show a percentage.

    A formula is not computed if it has no value; if the workbook asks to be computed when it is opened, which every spreadsheet program
    has done and noted before it saves; or if all formulas of a column have the value 0 and nothing shows that such a program saved it.

    Raises
    ------
    ValueError
        If the sheet is not well-formed.
    """
    if not percent and not _worth_reading(archive, sheet):
        return SheetFacts({}, {}, (), {})
    look = _Look(header, percent)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.characters
    try:
        with archive.open(sheet) as part:
            parser.ParseFile(part)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    anything, zeros = _waits_to_be_computed(archive, book), not _computed_by_a_program(archive)
    cells = {
        column: each.not_computed(anything=anything, zeros=zeros)
        for column, each in look.formulas.items()
    }
    not_computed = {column: found for column, found in cells.items() if found}
    return SheetFacts(not_computed, look.hidden, tuple(look.merged), look.percentages)


def _worth_reading(archive: zipfile.ZipFile, sheet: str) -> bool:
    last = b""
    with archive.open(sheet) as part:
        while chunk := part.read(_AT_ONCE):
            text = last + chunk
            if any(sign in text for sign in _OPENS):
                return True
            last = chunk[-16:]
    return False


def _waits_to_be_computed(archive: zipfile.ZipFile, book: str) -> bool:
    """Whether the workbook says that its formulas are to be computed when it is opened, or were not when it was saved."""
    return _WAITS.search(archive.read(book)) is not None


def _computed_by_a_program(archive: zipfile.ZipFile) -> bool:
    names = archive.namelist()
    if "xl/calcChain.xml" in names:
        return True
    app = archive.read("docProps/app.xml") if "docProps/app.xml" in names else b""
    program = _APPLICATION.search(app)
    return program is not None and program[1].startswith(_SPREADSHEET_PROGRAMS)


def _place(reference: str) -> tuple[int, int]:
    """Row and column, from 1, of such as `AB12`."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise ValueError(f"{reference!r} is no reference of a cell.")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]), column


class _Look:
    """Follows the elements of a sheet."""

    def __init__(self, header: int, percent: Collection[int]) -> None:
        self.percentages: dict[int, list[str]] = {}
        self._percent = frozenset(map(str, percent))
        self._as_percentage = False
        self.formulas: dict[int, ColumnOfFormulas] = {}
        self.hidden: dict[int, list[int]] = {}
        self.merged: list[Area] = []
        self._header = header
        self._row = self._column = 0
        self._row_hidden = False
        self._reference = self._type = ""
        self._formula = self._has_value = self._in_value = False
        self._text = ""
        self._arrays: list[Area] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        tag = name.rpartition(" ")[2]
        if tag == "c":
            self._cell(attributes)
        elif tag == "v":
            self._in_value = self._has_value = True
        elif tag == "f":
            self._formula = True
            if "ref" in attributes and attributes.get("t") in ("array", "dataTable"):
                self._arrays.append(Area.of(attributes["ref"]))
        elif tag == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column, self._reference = 0, ""
            self._row_hidden = attributes.get("hidden") in _TRUE
        elif tag == "is":
            self._has_value, self._text = True, "text"
        elif tag == "mergeCell":
            self.merged.append(Area.of(attributes["ref"]))

    def _cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r", "")
        # A cell without a reference is to the right of the one before. Few cells are asked for their column.
        self._column = 0 if reference else self._column_here() + 1
        self._reference = reference
        self._type = attributes.get("t", "n")
        self._as_percentage = self._type == "n" and attributes.get("s", "0") in self._percent
        self._formula = self._has_value = False
        self._text = ""

    def _column_here(self) -> int:
        return _place(self._reference)[1] if self._reference else self._column

    def characters(self, text: str) -> None:
        """Text of an element."""
        if self._in_value:
            self._text += text

    def end(self, name: str) -> None:
        """An element ends."""
        tag = name.rpartition(" ")[2]
        if tag == "v":
            self._in_value = False
        elif tag == "c" and self._row > self._header:
            if self._as_percentage and self._text:
                cell = self._reference or f"row {self._row}"
                self.percentages.setdefault(self._column_here(), []).append(cell)
            if self._row_hidden and self._text:
                self.hidden.setdefault(self._column_here(), []).append(self._row)
            if self._formula or (
                self._arrays
                and any((self._row, self._column_here()) in area for area in self._arrays)
            ):
                self._file_formula()

    def _file_formula(self) -> None:
        column = self.formulas.setdefault(self._column_here(), ColumnOfFormulas())
        cell = self._reference or f"row {self._row}"
        value = self._text.strip()
        if not value:
            # A formula that gives an empty text has the type of text and an empty value.
            found = column.others if self._type == "str" and self._has_value else column.empty
            found.append(cell)
        elif self._type in ("n", "b") and value == "0":
            column.zeros.append(cell)
        elif self._type == "n" and value == "0.0":
            column.java_zeros.append(cell)
        else:
            column.others.append(cell)
            column.java_others += value.endswith(".0")
