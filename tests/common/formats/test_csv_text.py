"""No cell of a table is a formula, and numbers stay numbers."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskset_common
import riskset_embedded
import riskset_node
import riskset_server
from riskset_common.formats.csv_text import csv_text

BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cells(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("before", ["", "  ", "\u200b", "\ufeff", "\xa0"])
def test_a_text_that_a_spreadsheet_would_run_is_shown_as_text(begin, before):
    harmful = f"{before}{begin}SUM(1+1)*cmd|' /C calc'!A0"
    ((shown, other),) = cells(csv_text([(harmful, "x")]))

    assert shown.startswith("'")
    assert "x" == other


@pytest.mark.parametrize(
    "number",
    ["-1.5", "+2", "< 0.001", "-4.7 (-8.0 to -1.4)", "-0.3 to 0.4", "-3 (12%) [a,b]", "-1,234.5", "-1e-5", "0.5", "-5.2%", "", "N = 3"],
)  # fmt: skip
def test_a_number_stays_as_it_is(number):
    assert [[number, "x"]] == cells(csv_text([(number, "x")]))


def test_a_value_that_is_a_number_is_written_as_one():
    assert "-1.5,,-3\n" == csv_text([(-1.5, None, -3)])


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r"])
def test_no_cell_begins_within_another_where_files_have_other_separators(separator):
    text = csv_text([(f"Arm A{separator} =HYPERLINK(1)", "x")])

    assert not re.search(r"[;\t\n\r]\s*[=+@-]", text)


@given(
    st.lists(st.text(st.sampled_from("=+-@\t\r\n;, '\"a1.(\u200b\uff1d"), max_size=8), min_size=1)
)
def test_no_text_gives_a_cell_that_is_run(row):
    for read in cells(csv_text([row])):
        for cell in read:
            first = cell.lstrip(" \u200b")

            assert not first.startswith(BEGINS) or re.match(r"[-+][0-9.]", first)


def test_nobody_else_writes_tables_of_commas():
    writers = {
        path.name
        for package in (riskset_common, riskset_node, riskset_server, riskset_embedded)
        for path in Path(str(package.__file__)).parent.rglob("*.py")
        if re.search(r"csv\.(writer|DictWriter)|to_csv", path.read_text(encoding="utf-8"))
    }

    assert {"csv_text.py"} == writers
