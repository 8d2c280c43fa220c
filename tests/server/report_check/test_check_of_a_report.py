"""A report that was not touched agrees with itself; each tampered number is found, by the check that is meant for it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import docx
import pytest
from tests.server.report_check.checked_reports import checked
from typer.testing import CliRunner

from riskset_common.errors import InputError
from riskset_server.commands.riskset import app
from riskset_server.report_check import CHECKS

COX = "Cox_within_sites"


def with_cell(path: Path, row: int, column: int, text: str) -> None:
    """Put another text into a cell of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    rows[row][column] = text
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")

    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_nothing_is_found_in_an_exact_report_of_every_kind_of_analysis(whole):
    assert [] == checked(whole)


def test_nothing_is_found_in_a_rounded_report_of_every_kind_of_analysis(rounded):
    assert [] == checked(rounded)


def test_a_tampered_cell_of_a_table_is_found_with_the_number_that_is_expected(tampered):
    path = tampered / "tables" / f"{COX}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        right = list(csv.reader(file))[3][1]
    with_cell(path, 3, 1, "9.99")
    found = [str(each) for each in checked(tampered)]

    assert (
        f"as results.json: tables/{COX}.csv, row 'B', column 'HR': '9.99', expected {right!r}"
        in found
    )
    assert any(line.startswith("HR, CI and P agree: tables/") for line in found)


def test_a_tampered_cell_of_a_word_table_is_found(tampered):
    path = tampered / "tables" / f"{COX}.docx"
    document = docx.Document(str(path))
    document.tables[0].rows[3].cells[1].text = "9.99"
    document.save(str(path))
    (found,) = checked(tampered)

    assert f"tables/{COX}.docx, row 'B', column 'HR'" == found.where
    assert "as results.json" == found.check


def test_a_row_that_is_gone_is_found(tampered):
    path = tampered / "tables" / f"{COX}.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:3] + lines[4:]), encoding="utf-8")
    (found,) = checked(tampered)

    assert f"{len(lines) - 1} rows, expected {len(lines)}" == found.what


def test_a_cell_that_is_gone_is_found(tampered):
    path = tampered / "tables" / f"{COX}.csv"
    replaced(path, "\nArm,", "\nArm,1.0,")
    found = [each.what for each in checked(tampered)]

    assert "5 cells, expected 4" in found


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("figures/log_rank.svg", ">Log-rank P = .", ">Log-rank P = .9", "Log-rank P = ."),
        ("figures/flow.svg", "(n\xa0=\xa06", "(n\xa0=\xa07", "expected 'All patients"),
        ("report.html", "<dd>6</dd>", "<dd>7</dd>", "'7', expected '6'"),
        ("report.html", "<dd>6</dd>", "<dd></dd>", "nothing, expected '6'"),
        ("report.html", "<dd>6</dd>", "<dd>6</dd><dd>8</dd>", "'8', expected nothing"),
    ],
)
def test_a_tampered_number_of_a_figure_or_the_page_is_found(tampered, file, old, new, found):
    replaced(tampered / file, old, new)
    (first, *_) = checked(tampered)

    assert "as results.json" == first.check
    assert file == first.where
    assert found in first.what


def test_words_and_the_release_that_wrote_the_page_are_no_numbers(tampered):
    replaced(
        tampered / "report.html", "Computed with riskset-server ", "Computed with riskset-server 9."
    )
    replaced(tampered / "report.html", "<h2>Methods</h2>", "<h2>What we did</h2>")

    assert [] == checked(tampered)


def test_a_number_below_a_figure_that_grows_is_found_by_two_checks(tampered):
    path = tampered / "figures" / "log_rank.svg"
    before, heading, after = path.read_text(encoding="utf-8").partition(">At risk</text>")
    first = after.split("</text>")[0].rpartition(">")[2]
    path.write_text(before + heading + after.replace(f">{first}<", ">2<", 1), encoding="utf-8")
    found = [str(each) for each in checked(tampered)]

    assert any(f"'2', expected '{first}'" in line for line in found)
    assert any(
        line.startswith("at risk: figures/log_rank.svg, A: 2 patients at risk become")
        for line in found
    )
    assert any("patients are not the 2 of the beginning" in line for line in found)


def test_a_hazard_ratio_that_was_changed_at_its_source_is_found(rebuilt):
    folder = rebuilt("Cox within sites", lambda result: result["terms"][0].update(hazard_ratio=1.1))
    found = {each.check for each in checked(folder)}

    assert {"HR, CI and P agree"} == found


def test_a_count_that_was_changed_at_its_source_is_found(rebuilt):
    folder = rebuilt("event table", lambda result: result.update(n=result["n"] + 1))
    found = {each.check for each in checked(folder)}

    assert {"adds up"} == found


def test_the_command_ends_with_nothing_found(small):
    ended = CliRunner().invoke(app, ["report", "check", str(small)])

    assert [f"  ok  {asked}" for asked in CHECKS.values()] == ended.stdout.splitlines()
    assert 0 == ended.exit_code


def test_the_command_lists_what_it_finds_and_ends_with_1(tampered):
    with_cell(tampered / "tables" / f"{COX}.csv", 3, 2, "1.00 to 1.01")
    ended = CliRunner().invoke(app, ["report", "check", str(tampered)])
    as_json = CliRunner().invoke(app, ["report", "check", str(tampered), "--json"])
    found = json.loads(as_json.stdout)

    assert (1, 1) == (ended.exit_code, as_json.exit_code)
    assert {"HR, CI and P agree", "as results.json"} == {each["check"] for each in found}
    assert f"   1  {CHECKS['as results.json']}" in ended.stdout.splitlines()
    assert str(checked(tampered)[0]) in ended.stdout


@pytest.mark.parametrize("name", [f"tables/{COX}.csv", "figures/flow.svg", "report.html"])
def test_a_file_that_is_missing_is_told(tampered, name):
    (tampered / name).unlink()

    with pytest.raises(InputError, match=r"cannot be read .* Build the report with"):
        checked(tampered)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("figures/flow.svg", "<svg", "this is not SVG"),
        ("figures/flow.svg", "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>", "declares entities"),
        (f"tables/{COX}.docx", "no zip", "this is not a Word document"),
    ],
)
def test_a_file_that_is_something_else_is_told(tampered, name, content, message):
    (tampered / name).write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=message):
        checked(tampered)
