"""Labels, levels and titles are somebody else's words: no file of a display holds what steers a terminal or breaks the document."""

from __future__ import annotations

import io
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from riskset_server.displays.parts import figure
from riskset_server.displays.parts.cells import Cell
from riskset_server.displays.parts.figure import Drawing, Sheet
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.tables.word_table import word
from riskset_server.displays.templates import template

HOSTILE = "A\x1b[31m\x00\r\x9b\u202e\ud800\u2028z"
SHOWN = r"A\x1b[31m\x00\r\x9b\u202e\ud800\u2028z"
TABLE = Table(
    HOSTILE,
    ("", HOSTILE),
    (Row(Cell(HOSTILE, notes=(HOSTILE,)), (Cell(HOSTILE),)), Row(Cell("=1"), (Cell("-1.5"),), 1)),
    notes=(HOSTILE,),
    abbreviations=(("CI", HOSTILE),),
)


def texts(content: bytes) -> str:
    """The words of a document, which must be well formed."""
    return "".join(ElementTree.fromstring(content).itertext())  # made here


def painted(sheet: Sheet) -> None:
    """A figure that is one text."""
    sheet.figure.text(0, 0, HOSTILE)


@pytest.mark.parametrize(
    "written",
    [
        TABLE.csv,
        TABLE.html,
        lambda: texts(ZipFile(io.BytesIO(word(TABLE, HOSTILE))).read("word/document.xml")),
        lambda: texts(ZipFile(io.BytesIO(word(TABLE, HOSTILE))).read("docProps/core.xml")),
        lambda: texts(figure.svg(Drawing("", 3, 2, painted))),
    ],
    ids=["csv", "html", "word", "properties of word", "svg"],
)
def test_words_are_shown_with_escapes_in_every_file(written):
    text = written()

    assert SHOWN in text
    assert not any(mark in text for mark in "\x1b\x00\x9b\u202e\ud800\u2028")


def test_the_page_shows_them_and_keeps_html_that_it_was_given():
    from markupsafe import Markup

    shown = template("table.html").environment.from_string("{{ words }}|{{ html }}|{{ number }}")

    assert f"{SHOWN}&lt;|<b>\n</b>|3" == shown.render(
        words=f"{HOSTILE}<", html=Markup("<b>\n</b>"), number=3
    )


def test_a_spreadsheet_runs_no_cell_of_a_table():
    lines = TABLE.csv().splitlines()

    assert "'  =1,-1.5" in lines
