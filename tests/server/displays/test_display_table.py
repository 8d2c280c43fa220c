"""A table as HTML and CSV."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from riskset_common.results.shown import Withheld
from riskset_server.displays.parts.cells import ALIASED, CI, NOT_REACHED, Cell, withheld_cell
from riskset_server.displays.parts.table import Row, Table, heading_row, letter

TABLE = Table(
    title="Survival | by <arm>",
    heads=("Arm", "No.", "Median"),
    rows=(
        heading_row("Randomised arm", 2),
        Row(Cell("IB"), (Cell("161"), withheld_cell(Withheld("minimum_cell 5"))), indent=1),
        Row(Cell("A <b> & C"), (Cell("—", (ALIASED,)), NOT_REACHED), indent=1),
        Row(Cell("All"), (Cell("330"), withheld_cell(Withheld("minimum_cell 5")))),
    ),
    notes=("One.", "Two."),
    abbreviations=(CI,),
)


def test_csv_is_rectangular_and_ends_in_its_notes() -> None:
    assert """\
Arm,No.,Median
Randomised arm,,
  IB,161,withheld [a]
  A <b> & C,— [b],NR
All,330,withheld [a]
[a] Withheld under the disclosure rule minimum_cell 5.,,
[b] — No coefficient: the term is constant or follows from earlier terms.,,
NOTE. One. Two.,,
"Abbreviations: CI, confidence interval; NR, not reached.",,
""" == TABLE.csv()


def test_html_marks_levels_and_escapes_texts() -> None:
    assert """\
<div class="wide"><table>
<thead><tr><th scope="col">Arm</th><th scope="col">No.</th><th scope="col">Median</th></tr></thead>
<tbody>
<tr><th scope="row">Randomised arm</th><td></td><td></td></tr>
<tr class="indent-1"><th scope="row">IB</th><td>161</td><td>withheld<sup>a</sup></td></tr>
<tr class="indent-1"><th scope="row">A &lt;b&gt; &amp; C</th><td>—<sup>b</sup></td><td>NR</td></tr>
<tr><th scope="row">All</th><td>330</td><td>withheld<sup>a</sup></td></tr>
</tbody>
</table></div>
<div class="notes">
<p>NOTE. One. Two.</p>
<p>Abbreviations: CI, confidence interval; NR, not reached.</p>
<p><sup>a</sup> Withheld under the disclosure rule minimum_cell 5.</p>
<p><sup>b</sup> — No coefficient: the term is constant or follows from earlier terms.</p>
</div>
""" == TABLE.html()


def test_every_tag_of_the_html_is_closed() -> None:
    open_tags: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert tag == open_tags.pop()

    Parser().feed(TABLE.html())

    assert [] == open_tags


def test_a_table_without_notes_has_none() -> None:
    assert "notes" not in Table("T", ("A",), (Row(Cell("x"), ()),)).html()


def test_footnotes_are_lettered_in_the_order_of_reading_and_beyond_z() -> None:
    assert ["a", "b"] == [footnote.mark for footnote in TABLE.footnotes()]
    assert ["a", "z", "aa", "az", "ba"] == [letter(index) for index in (0, 25, 26, 51, 52)]


def test_a_row_that_does_not_fit_the_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="row 'x' has 1 cells beside its label, but there are 2"):
        Table("T", ("A", "B", "C"), (Row(Cell("x"), (Cell("1"),)),))
