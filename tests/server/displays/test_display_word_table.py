"""A table as a Word document."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.oxml.ns import qn

from riskset_server.displays.parts.cells import Cell
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.tables import cox as cox_table
from riskset_server.displays.tables.word_table import word

TABLE = Table(
    "Hazard ratios of death",
    ("Variable", "HR", "P"),
    (
        Row(Cell("Sex"), (Cell(""), Cell(""))),
        Row(Cell("Female"), (Cell("0.54"), Cell("withheld", notes=("Held back.",))), indent=1),
        Row(Cell("Male"), (Cell("1"), Cell(""))),
    ),
    notes=("n = 12.",),
    abbreviations=(("HR", "hazard ratio"),),
)


def opened(content: bytes):
    return docx.Document(io.BytesIO(content))


def rules_of(cell) -> dict[str, str]:
    borders = cell._tc.get_or_add_tcPr().find(qn("w:tcBorders"))
    return {} if borders is None else {
        edge.tag.split("}")[1]: edge.get(qn("w:sz")) for edge in borders
    }  # fmt: skip


@pytest.fixture(scope="module")
def document():
    return opened(word(TABLE, "Table 1"))


def test_every_cell_stands_in_one_word_table(document):
    (table,) = document.tables

    assert [
        ["Variable", "HR", "P"],
        ["Sex", "", ""],
        ["Female", "0.54", "withhelda"],
        ["Male", "1", ""],
    ] == [[cell.text for cell in row.cells] for row in table.rows]


def test_the_table_has_the_three_rules_of_a_journal(document):
    first, *middle, last = document.tables[0].rows

    assert [{"top": "12", "bottom": "6"}] * 3 == [rules_of(cell) for cell in first.cells]
    assert [{}] * 6 == [rules_of(cell) for row in middle for cell in row.cells]
    assert [{"bottom": "12"}] * 3 == [rules_of(cell) for cell in last.cells]


def test_caption_notes_and_footnotes_stand_around_it(document):
    assert [
        "Table 1. Hazard ratios of death",
        "NOTE. n = 12.",
        "Abbreviations: HR, hazard ratio.",
        "a Held back.",
    ] == [paragraph.text for paragraph in document.paragraphs]


def test_levels_stand_in_and_letters_of_footnotes_stand_high(document):
    row = document.tables[0].rows[2]

    assert 0.15 == row.cells[0].paragraphs[0].paragraph_format.left_indent.inches
    assert [None, True] == [run.font.superscript for run in row.cells[2].paragraphs[0].runs]


def test_heads_are_repeated_on_each_page_and_no_row_is_broken(document):
    first, *rows = document.tables[0].rows

    assert first._tr.trPr.find(qn("w:tblHeader")) is not None
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in rows)


def test_a_wide_table_lies_on_its_side():
    wide = Table("T", tuple("abcdef"), (Row(Cell("x"), (Cell("1"),) * 5),))
    (page,) = opened(word(wide, "Table 2")).sections

    assert page.page_width > page.page_height


def test_the_same_table_gives_the_same_bytes_that_tell_no_time(shown):
    table = cox_table.make(shown("cox_all"))
    one = word(table, "Table 1")
    with zipfile.ZipFile(io.BytesIO(one)) as parts:
        times = {part.date_time for part in parts.infolist()}

    assert one == word(table, "Table 1")
    assert {(1980, 1, 1, 0, 0, 0)} == times
    assert "" == opened(one).core_properties.author
