"""A table as a Word document: a proper Word table with the three rules of a journal's, its caption above and its notes below."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from riskset_common.programs.screen import visible
from riskset_server.displays.parts.cells import Cell
from riskset_server.displays.parts.table import Table

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table as WordTable
    from docx.table import _Cell
    from docx.text.paragraph import Paragraph

FONT = "Arial"
TEXT_SIZE, NOTE_SIZE = 9.0, 8.0
INDENT = 0.15
"""Inches by which a row stands in for each step below the row that it belongs to."""

THICK, THIN = 12, 6
"""Widths of the rules in eighths of a point: above and below the table, and below its heads."""

MOST_UPRIGHT = 5
"""With more columns the page lies on its side."""

_NO_TIME = (1980, 1, 1, 0, 0, 0)
_EPOCH = datetime.datetime(2000, 1, 1)  # noqa: DTZ001  # Word's properties have no zone


def word(table: Table, heading: str) -> bytes:
    """The document of one table: the same bytes for the same table. `heading` is its name, such as `Table 1`."""
    from docx import Document

    document, heading = Document(), visible(heading)
    _set_up(document, table, heading)
    caption = document.add_paragraph()
    _write(caption, f"{heading}. ", bold=True)
    _write(caption, table.title)
    caption.paragraph_format.keep_with_next = True
    _fill(document.add_table(rows=1, cols=len(table.heads)), table)
    for mark, line in _lines_below(table):
        note = document.add_paragraph()
        note.paragraph_format.space_before = _points(2)
        if mark:
            _write(note, f"{mark} ", size=NOTE_SIZE, superscript=True)
        _write(note, line, size=NOTE_SIZE)
    written = io.BytesIO()
    document.save(written)
    return _without_times(written.getvalue())


def _set_up(document: Document, table: Table, heading: str) -> None:
    """Fonts, page, and properties that say nothing of the machine or the day."""
    from docx.enum.section import WD_ORIENT

    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, _points(TEXT_SIZE)
    style.paragraph_format.space_after = _points(2)
    page = document.sections[0]
    if len(table.heads) > MOST_UPRIGHT:
        page.orientation = WD_ORIENT.LANDSCAPE
        page.page_width, page.page_height = page.page_height, page.page_width
    named = document.core_properties
    named.title, named.author, named.comments = f"{heading}. {table.title}"[:255], "", ""
    named.created = named.modified = _EPOCH


def _points(size: float) -> int:
    from docx.shared import Pt

    return Pt(size)


def _fill(word_table: WordTable, table: Table) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT

    word_table.alignment = WD_TABLE_ALIGNMENT.LEFT
    for index, head in enumerate(table.heads):
        cell = word_table.rows[0].cells[index]
        _align(cell.paragraphs[0], index)
        _write(cell.paragraphs[0], head, bold=True)
        _rule(cell, "top", THICK)
        _rule(cell, "bottom", THIN)
    _mark_row(word_table, 0, "w:tblHeader")
    for row in table.rows:
        cells = word_table.add_row().cells  # type: ignore[no-untyped-call]  # python-docx has not typed it
        _mark_row(word_table, -1, "w:cantSplit")
        for index, content in enumerate((row.label, *row.cells)):
            paragraph = cells[index].paragraphs[0]
            _align(paragraph, index)
            if index == 0:
                paragraph.paragraph_format.left_indent = _inches(row.indent * INDENT)
            _write_cell(paragraph, content, table)
    for cell in word_table.rows[-1].cells:
        _rule(cell, "bottom", THICK)


def _inches(length: float) -> int:
    from docx.shared import Inches

    return Inches(length)


def _align(paragraph: Paragraph, column: int) -> None:
    """The first column to the left, the others in the middle; rows close to one another."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if column else WD_ALIGN_PARAGRAPH.LEFT
    paragraph.paragraph_format.space_after = paragraph.paragraph_format.space_before = _points(1)


def _write_cell(paragraph: Paragraph, found: Cell, table: Table) -> None:
    _write(paragraph, found.text)
    if found.notes:
        _write(paragraph, table.marks(found), superscript=True)


def _write(
    paragraph: Paragraph,
    text: str,
    *,
    size: float = TEXT_SIZE,
    bold: bool = False,
    superscript: bool = False,
) -> None:
    run = paragraph.add_run(text)
    run.font.size, run.bold = _points(size), bold or None
    run.font.superscript = superscript or None


def _rule(cell: _Cell, edge: str, width: int) -> None:
    """A line along an edge of a cell; Word has no call for it."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = cell._tc.get_or_add_tcPr()  # noqa: SLF001  # the way that python-docx's own documentation names
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    line = OxmlElement(f"w:{edge}")
    for name, value in {"val": "single", "sz": str(width), "space": "0", "color": "000000"}.items():
        line.set(qn(f"w:{name}"), value)
    borders.append(line)


def _mark_row(word_table: WordTable, index: int, mark: str) -> None:
    """Say of a row that it is repeated on each page (`w:tblHeader`), or not broken over two (`w:cantSplit`)."""
    from docx.oxml import OxmlElement

    word_table.rows[index]._tr.get_or_add_trPr().append(OxmlElement(mark))  # noqa: SLF001  # as above


def _lines_below(table: Table) -> Iterator[tuple[str, str]]:
    """Each line below the table with the letter of a footnote before it, or none."""
    for line in table.legend():
        yield "", line
    for footnote in table.footnotes():
        yield footnote.mark, footnote.text


def _without_times(document: bytes) -> bytes:
    """The same document, whose parts do not say when they were written."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(document)) as given,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for part in given.infolist():
            written.writestr(
                zipfile.ZipInfo(part.filename, _NO_TIME),
                given.read(part),
                compress_type=zipfile.ZIP_DEFLATED,
            )
    return made.getvalue()
