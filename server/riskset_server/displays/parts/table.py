"""A table as a value: title, column heads, indented rows and footnotes, and how it reads as HTML and CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from riskset_common.formats.csv_text import csv_text
from riskset_common.programs.screen import visible
from riskset_server.displays.parts.cells import EMPTY, Cell
from riskset_server.displays.templates import template

INDENT = "  "


@dataclass(frozen=True)
class Row:
    """One row: its label in the first column, indented below the row it belongs to, and one cell for each further column."""

    label: Cell
    cells: tuple[Cell, ...]
    indent: int = 0


@dataclass(frozen=True)
class Footnote:
    """A footnote and the letter that marks it."""

    mark: str
    text: str


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes
    ----------
    title
        Its title, in the journal's words.
    heads
        Heads of the columns, that of the row labels first.
    rows
        Rows; each has `len(heads) - 1` cells.
    notes
        Sentences below the table, after the word NOTE.
    abbreviations
        Short and long forms used in title, heads and notes; those of cells are added by themselves.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    abbreviations: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title))
        object.__setattr__(self, "heads", tuple(map(visible, self.heads)))
        for row in self.rows:
            if len(row.cells) != len(self.heads) - 1:
                raise ValueError(
                    f"table {self.title!r}: row {row.label.text!r} has {len(row.cells)} cells beside its label, "
                    f"but there are {len(self.heads) - 1} such columns."
                )

    def _cells(self) -> Iterator[Cell]:
        for row in self.rows:
            yield row.label
            yield from row.cells

    def footnotes(self) -> tuple[Footnote, ...]:
        """Footnotes of the cells, lettered in the order in which a reader meets them."""
        texts = dict.fromkeys(note for found in self._cells() for note in found.notes)
        return tuple(Footnote(letter(index), text) for index, text in enumerate(texts))

    def legend(self) -> tuple[str, ...]:
        """Lines below the table but for the lettered ones: abbreviations, and the NOTE."""
        return legend(self.notes, (*self.abbreviations, *self._abbreviations_of_cells()))

    def _abbreviations_of_cells(self) -> Iterator[tuple[str, str]]:
        for found in self._cells():
            yield from found.abbreviations

    def marks(self, found: Cell) -> str:
        """Letters of a cell's footnotes: `a`, or `a,b`."""
        mark_of = {footnote.text: footnote.mark for footnote in self.footnotes()}
        return ",".join(mark_of[note] for note in found.notes)

    def csv(self) -> str:
        """Comma-separated text, with the letters of footnotes in brackets and the notes in rows at the end."""
        rows: list[tuple[str, ...]] = [self.heads]
        for row in self.rows:
            label = INDENT * row.indent + self._marked(row.label, " [{}]")
            rows.append((label, *(self._marked(cell, " [{}]") for cell in row.cells)))
        padding = ("",) * (len(self.heads) - 1)
        below = (*(f"[{note.mark}] {note.text}" for note in self.footnotes()), *self.legend())
        return csv_text([*rows, *((line, *padding) for line in below)])

    def html(self) -> str:
        """A `<table>` with its notes below, without its title."""
        return template("table.html").render(table=self)

    def _marked(self, found: Cell, pattern: str) -> str:
        return found.text + pattern.format(self.marks(found)) if found.notes else found.text


def legend(notes: tuple[str, ...], abbreviations: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The lines below a table or figure: NOTE and abbreviations, the latter in alphabetical order."""
    lines = [f"NOTE. {' '.join(notes)}"] if notes else []
    if abbreviations:
        named = "; ".join(f"{short}, {long}" for short, long in sorted(set(abbreviations)))
        lines.append(f"Abbreviations: {named}.")
    return tuple(map(visible, lines))


def letter(index: int) -> str:
    """Marks of footnotes: a to z, then aa, ab, ..."""
    rest, last = divmod(index, 26)
    return (letter(rest - 1) if rest else "") + chr(ord("a") + last)


def heading_row(label: str | Cell, columns: int, *, indent: int = 0) -> Row:
    """A row that only names the rows below it."""
    named = label if isinstance(label, Cell) else Cell(label)
    return Row(named, (EMPTY,) * columns, indent)
