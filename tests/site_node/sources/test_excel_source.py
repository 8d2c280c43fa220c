"""Excel workbooks: cells keep their type, and each way in which a workbook is not the file that was meant is told."""

from __future__ import annotations

import datetime
import re
import zipfile

import openpyxl
import pytest
from openpyxl.chart import LineChart

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.records.reading import read_records
from riskset_node.records.values.column import Column, text_of
from riskset_node.sources import source_of
from riskset_node.sources.excel import ExcelSettings, ExcelSource


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


@pytest.mark.parametrize("layout", ["mmm-yy", "mm/yyyy", "[$-407]mmmm\\ yyyy;@", 'yyyy"d"mm'])
@pytest.mark.parametrize(("days", "read"), [((1, 1), ["2018-05", "2018-06"]), ((1, 17), None)])
def test_a_month_that_excel_shows_is_no_first_day_unless_days_were_typed(
    tmp_path, layout, days, read
):
    book = openpyxl.Workbook()
    dates = [datetime.date(2018, 5, days[0]), datetime.date(2018, 6, days[1])]
    for row in [["day", "n"], [dates[0], 1], [dates[1], 2.5]]:
        book.active.append(row)
    for cell in ("A2", "A3"):
        book.active[cell].number_format = layout
    book.active["A4"] = datetime.date(2018, 7, 1)
    book.save(tmp_path / "b.xlsx")
    expected = read or [day.isoformat() for day in dates]

    assert [*expected, "2018-07-01"] == texts(tmp_path / "b.xlsx", "day")
    assert ["1", "2.5", None] == texts(tmp_path / "b.xlsx", "n")


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
        (b"pat,age\n1,2\n", "this is a text file, .*kind to csv"),
        (b"\1\2\3\4\0\0\0", "not an Excel workbook, or one that is damaged"),
    ],
)
def test_a_file_of_another_kind_is_told(tmp_path, content, advice):
    path = tmp_path / "patients.xlsx"
    path.write_bytes(content)

    with pytest.raises((DataError, NodeConfigError), match=advice):
        texts(path, "x")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NodeConfigError, match=r"cannot be read \(No such file"):
        texts(tmp_path / "patients.xlsx", "x")


def test_the_header_may_be_below_title_lines(written):
    rows = [["Export 2024"], [], ["pat", "date of\ndiagnosis"], [1, datetime.date(2017, 1, 2)]]
    path = written(patients=rows)

    assert ["2017-01-02"] == texts(path, "date of diagnosis", header=3)
    with pytest.raises(
        NodeConfigError, match=r"the header is in row 3: set data\.source\.header to 3"
    ):
        texts(path, "date of diagnosis")
    with pytest.raises(DataError, match="needs a header"):
        texts(path, "pat", header=9)


@pytest.mark.parametrize(
    "first",
    [["P01", "Meier", 17], ["P01", "2017-01-02", "female"], ["Meier", datetime.date(2017, 1, 2)]],
)
def test_values_of_patients_are_not_shown_as_names_of_columns(written, first):
    with pytest.raises(NodeConfigError, match="seems to hold values") as told:
        texts(written(patients=[first, ["P02", "Huber", 18]]), "age")

    assert not any(str(cell) in str(told.value) for cell in first)


def test_names_of_columns_are_shown_where_one_is_not_there(written):
    with pytest.raises(NodeConfigError, match=r"no column 'sex'\. Did you mean 'sexe'"):
        texts(written(patients=[["sexe", "T1 (days)"], ["f", 1]]), "sex")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (datetime.time(12, 30), "12:30:00"),
        (datetime.time(0), "1899-12-30"),  # 0 shown as a date
        (datetime.timedelta(days=1, hours=12), "36:00:00"),
        (datetime.date(1900, 1, 1), "1900-01-01"),
        (datetime.date(1900, 2, 28), "1900-02-28"),
        (datetime.date(1900, 3, 1), "1900-03-01"),
        (datetime.datetime(2017, 12, 31, 23, 59, 59, 999000), "2017-12-31 23:59:59.999000"),  # noqa: DTZ001
    ],
)
def test_times_and_first_days_are_what_excel_shows(written, cell, expected):
    assert [expected] == texts(written(patients=[["x"], [cell]]), "x")


@pytest.mark.parametrize("off", [-1e-9, 0.0, 1e-9])
def test_a_day_that_was_computed_with_rounding_is_that_day(written, tmp_path, off):
    path = written(patients=[["x"], [datetime.date(2017, 1, 2)]])
    sheet = edited(path, tmp_path, lambda xml: xml.replace("<v>42737</v>", f"<v>{42737 + off}</v>"))

    assert ["2017-01-02"] == texts(sheet, "x")


def test_a_workbook_that_counts_from_1904_gives_the_same_days(tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["x"])
    book.active.append([datetime.date(2017, 1, 2)])
    book.save(tmp_path / "mac.xlsx")

    assert ["2017-01-02"] == texts(tmp_path / "mac.xlsx", "x")


def test_day_numbers_of_a_workbook_that_counts_from_1904_are_not_taken_for_those_from_1900(
    site, tmp_path
):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["pat", "dx"])
    book.active.append(["a", 40_000])
    book.save(tmp_path / "mac.xlsx")
    node = site.node(
        f"""
        source: {{kind: excel, path: {tmp_path / "mac.xlsx"}}}
        patient: pat
        columns: {{diagnosed: {{from: dx, dates: excel}}}}
        absent: {{remission: x, relapse: x, died: x, seen: x, sex: x, age: x}}
        """
    )

    with pytest.raises(NodeConfigError, match=r"this workbook counts from 1904"):
        read_records(node, site.codebook(), site.TODAY)


def edited(path, folder, change, part="xl/worksheets/sheet1.xml", **parts):
    """A copy of a workbook with one part changed, and some added (two underscores for a slash)."""
    copy = folder / "edited.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            content = old.read(name).decode()
            new.writestr(name, change(content) if name == part else content)
        for name, content in parts.items():
            new.writestr(name.replace("__", "/"), content)
    return copy


EXCEL = '<calcPr calcId="191029"/>'
CHAIN = {"xl__calcChain.xml": "<calcChain/>"}


def with_formulas(written, folder, cells, calc=EXCEL, application="Microsoft Excel", **parts):
    """A workbook of columns `id` and `t`; the cells of `t` are given as XML."""
    path = written(patients=[["id", "t"], *([f"p{n}", 10 + n] for n in range(len(cells)))])
    xml = [f'<c r="B{n + 2}" t="n"><v>{10 + n}</v></c>' for n in range(len(cells))]

    def change(sheet):
        for plain, cell in zip(xml, cells, strict=True):
            assert plain in sheet
            sheet = sheet.replace(plain, cell)
        return sheet

    path = edited(path, folder, change)
    path = path.rename(folder / "cells.xlsx")
    path = edited(path, folder, lambda book: re.sub("<calcPr[^>]*>", calc, book), "xl/workbook.xml")
    app = f"<Properties><Application>{application}</Application></Properties>"
    path = path.rename(folder / "book.xlsx")
    return edited(path, folder, lambda _: app, "docProps/app.xml", **parts)


def formula(value, row=2, kind="", f="<f>C1-D1</f>"):
    return f'<c r="B{row}"{kind}>{f}{value}</c>'


NEVER = '<calcPr calcId="124519" fullCalcOnLoad="1"/>'


@pytest.mark.parametrize(
    ("cells", "more"),
    [
        ([formula("")], {}),
        ([formula("<v></v>")], {}),
        ([formula("<v/>")], CHAIN),
        ([formula("<v>0</v>")], {"calc": NEVER}),
        ([formula("<v>0</v>")], {"calc": '<calcPr fullCalcOnLoad="true"></calcPr>'}),
        ([formula("<v>17</v>")], {"calc": NEVER, **CHAIN}),
        (
            [formula("<v>17</v>")],
            {"calc": '<calcPr calcMode="manual" calcCompleted="0"/>', **CHAIN},
        ),
        ([formula("<v>0</v>")], {}),  # no program that computes has saved it
        ([formula("<v>0.0</v>"), formula("<v>0.0</v>", 3)], {"application": "Apache POI"}),
        (
            [formula("<v>17</v>"), formula("<v>0.0</v>", 3)],
            CHAIN,
        ),  # a cell added to a workbook of Excel
        ([formula("<v>17</v>"), formula("", 3)], CHAIN),
        ([formula("", kind=' t="str"')], CHAIN),
        ([formula("", f='<f t="shared" si="0"/>')], CHAIN),
        (
            [
                formula("<v>0</v>", f='<f t="array" ref="B2:B3">C2:C3</f>'),
                '<c r="B3"><v>0</v></c>',
            ],
            {"calc": NEVER},
        ),
    ],
)
def test_formulas_that_nobody_computed_are_refused(written, tmp_path, cells, more):
    path = with_formulas(written, tmp_path, cells, **more)

    with pytest.raises(DataError, match=r"column 't' \(\d cells?, the first is B\d\).*save it"):
        texts(path, "t")
    assert f"p{len(cells) - 1}" == texts(path, "id")[-1]


@pytest.mark.parametrize(
    ("cells", "more", "expected"),
    [
        ([formula("<v>17</v>"), formula("<v>0</v>", 3)], {}, ["17", "0"]),
        ([formula("<v>0</v>")], CHAIN, ["0"]),
        ([formula("<v>0</v>")], {"application": "LibreOffice/24.2"}, ["0"]),
        ([formula("<v>5.0</v>"), formula("<v>0.0</v>", 3)], {}, ["5", "0"]),
        ([formula("<v></v>", kind=' t="str"')], CHAIN, [None]),
        ([formula("<v>#N/A</v>", kind=' t="e"')], CHAIN, ["#N/A"]),
        ([formula("<v>dead</v>", kind=' t="str"')], {}, ["dead"]),
        (['<c r="B2"><v>0</v></c>'], {"calc": NEVER}, ["0"]),  # no formula
    ],
)
def test_formulas_that_excel_computed_are_read(written, tmp_path, cells, more, expected):
    assert expected == texts(with_formulas(written, tmp_path, cells, **more), "t")


def test_what_a_library_writes_for_a_formula_is_refused(written):
    path = written(patients=[["id", "t"], ["p0", "=1+1"], ["p1", "=2+2"]])

    with pytest.raises(DataError, match=r"column 't' \(2 cells, the first is B2\)"):
        texts(path, "t")


def test_elements_with_a_prefix_are_seen(written, tmp_path):
    path = with_formulas(written, tmp_path, [formula("")], **CHAIN)
    prefixed = path.rename(tmp_path / "plain.xlsx")

    def prefix(sheet):
        sheet = re.sub(r"<(/?)([a-z])", r"<\1x:\2", sheet)
        return sheet.replace("xmlns=", "xmlns:x=")

    with pytest.raises(DataError, match="column 't'"):
        texts(edited(prefixed, tmp_path, prefix), "t")


@pytest.mark.parametrize(
    ("area", "refused"), [("A2:A3", True), ("A3:B3", True), ("A1:B1", False), ("C2:C3", False)]
)
def test_merged_cells_are_refused_where_they_hide_values(written, tmp_path, area, refused):
    path = written(patients=[["title"], ["id", "t", "c"], ["p0", 1, 2], ["p1", 3, 4]])
    change = f'</sheetData><mergeCells count="1"><mergeCell ref="{area}"/></mergeCells>'
    path = edited(path, tmp_path, lambda sheet: sheet.replace("</sheetData>", change))
    if not refused:
        assert ["1", "3"] == texts(path, "t", header=2)
        return

    with pytest.raises(DataError, match=rf"merged in columns that are read \({area}\)"):
        source_of("excel").read(ExcelSettings(kind="excel", path=path, header=2), ["id", "t"])


def test_hidden_rows_with_values_are_refused(written, tmp_path):
    path = written(patients=[["id", "t"], ["p0", 1], ["p1", None], ["p2", 3]])
    hidden = edited(
        path, tmp_path, lambda sheet: re.sub('<row r="3"', '<row hidden="1" r="3"', sheet)
    )

    assert ["1", None, "3"] == texts(hidden, "t")
    with pytest.raises(DataError, match=r"1 row with values is hidden, .*\(3\)"):
        texts(hidden, "id")


@pytest.mark.parametrize("shown", ["0%", "0.00%", '0.0" "%'])
def test_a_percentage_is_refused_because_a_person_sees_a_hundred_times_what_is_stored(
    tmp_path, shown
):
    book = openpyxl.Workbook()
    for row in (["pat", "share", "age"], ["1", 0.25, 3], ["2", 0.5, 4]):
        book.active.append(row)
    book.active["B2"].number_format = shown
    book.save(tmp_path / "p.xlsx")
    settings = ExcelSettings(kind="excel", path=tmp_path / "p.xlsx")
    with pytest.raises(
        DataError,
        match=r"'share' \(1 cell, the first is B2\), and a cell that shows 25% holds 0.25",
    ):
        ExcelSource().read(settings, ("pat", "share"))

    assert [3, 4] == ExcelSource().read(settings, ("age",))["age"]


def test_a_workbook_that_is_packed_too_well_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "p.xlsx"
    openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", bytes(101 << 20))
    with pytest.raises(DataError, match="unpacks to 101 MiB, far more than patients need"):
        ExcelSource().header(ExcelSettings(kind="excel", path=path))


@pytest.mark.parametrize("shown", ["yyyy", "d", "ddd", "d-mmm", "hh:mm", "mmmm"])
def test_a_date_of_which_a_part_is_shown_is_refused(tmp_path, shown):
    book = openpyxl.Workbook()
    for row in (["pat", "dx", "age"], ["1", datetime.date(2019, 3, 7), 3], ["2", None, 4]):
        book.active.append(row)
    book.active["B2"].number_format = shown
    book.save(tmp_path / "p.xlsx")
    settings = ExcelSettings(kind="excel", path=tmp_path / "p.xlsx")
    with pytest.raises(DataError, match=r"column 'dx': 1 cells show a part of their date only"):
        ExcelSource().read(settings, ("pat", "dx"))

    assert [3, 4] == ExcelSource().read(settings, ("age",))["age"]
