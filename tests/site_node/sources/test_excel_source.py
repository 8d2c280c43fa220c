"""Excel workbooks: cells keep their type, and each way in which a workbook is not the file that was meant is told."""

from __future__ import annotations

import datetime

import openpyxl
import pytest
from openpyxl.chart import LineChart

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.records.values.column import Column, text_of
from riskset_node.sources import source_of
from riskset_node.sources.excel import ExcelSettings


@pytest.fixture
def written(tmp_path):
    """Write sheets, each a list of rows, to a workbook."""

    def write(**sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        path = tmp_path / "patients.xlsx"
        book.save(path)
        return path

    return write


def texts(path, column, **settings):
    """The values of a column as texts, None where there is none."""
    described = ExcelSettings(kind="excel", path=path, **settings)
    raw = Column.of(source_of("excel").read(described, [column])[column])
    return [None if place < 0 else text_of(raw.distinct[place]) for place in raw.index]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1, None, 2.5, 3.0], ["1", None, "2.5", "3"]),
        (["NA", None, " a "], ["NA", None, "a"]),
        (["0010", "1,5"], ["0010", "1,5"]),
        ([True, False], ["true", "false"]),
        (["#N/A", 1], ["#N/A", "1"]),
    ],
)
def test_values_keep_what_they_are(written, cells, expected):
    path = written(patients=[["pat", "x"], *([n, cell] for n, cell in enumerate(cells))])

    assert expected == texts(path, "x")


def test_a_day_is_a_day_whatever_its_format(written):
    evening = datetime.datetime(2017, 12, 31, 19, 30)  # noqa: DTZ001 - Excel knows no time zones
    path = written(patients=[["day"], [datetime.date(2017, 1, 2)], [evening]])
    frame = source_of("excel").read(ExcelSettings(kind="excel", path=path), ["day"])

    assert [datetime.date(2017, 1, 2), datetime.date(2017, 12, 31)] == [
        day.date() for day in frame["day"] if isinstance(day, datetime.datetime)
    ]


def test_rows_without_any_value_are_no_patients(written):
    path = written(patients=[["pat", "x"], [1, "a"], [None, None], [2, None], [None, None]])

    assert ["a", None] == texts(path, "x")


def test_columns_come_in_the_order_asked_for_and_the_header_in_that_of_the_sheet(written):
    settings = ExcelSettings(kind="excel", path=written(patients=[["a", " b ", 2017], [1, 2, 3]]))

    assert ["b", "a"] == list(source_of("excel").read(settings, ["b", "a"]))
    assert ("a", "b", "2017") == source_of("excel").header(settings)


def test_a_sheet_is_chosen_by_its_name(written):
    path = written(notes=[["x"], [1]], patients=[["x"], [2]])

    assert ["2"] == texts(path, "x", sheet="patients")
    with pytest.raises(NodeConfigError, match=r"has 2 sheets \(notes, patients\)\. Name the one"):
        texts(path, "x")
    with pytest.raises(NodeConfigError, match=r"no sheet 'patient'\. Did you mean 'patients'\?"):
        texts(path, "x", sheet="patient")


def test_an_empty_sheet_has_no_header(written):
    with pytest.raises(DataError, match="needs a header"):
        texts(written(patients=[]), "x")


def test_a_workbook_of_charts_alone_is_told(tmp_path):
    book = openpyxl.Workbook()
    book.create_chartsheet("survival").add_chart(LineChart())
    book.remove(book.active)
    book.save(tmp_path / "charts.xlsx")

    with pytest.raises(NodeConfigError, match="charts, but no sheet with cells"):
        texts(tmp_path / "charts.xlsx", "id")


def test_a_header_alone_is_a_frame_without_rows(written):
    assert [] == texts(written(patients=[["x", "y"]]), "x")


def test_a_column_named_twice_is_told(written):
    with pytest.raises(DataError, match="names 'x' more than once"):
        texts(written(patients=[["x", "x"], [1, 2]]), "x")


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "without a password"),
        (b"pat,age\n1,2\n", r"not an Excel workbook .*Check data\.source\.kind"),
    ],
)
def test_a_file_of_another_kind_is_told(tmp_path, content, advice):
    path = tmp_path / "patients.xlsx"
    path.write_bytes(content)

    with pytest.raises(DataError, match=advice):
        texts(path, "x")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NodeConfigError, match=r"cannot be read \(No such file"):
        texts(tmp_path / "patients.xlsx", "x")
