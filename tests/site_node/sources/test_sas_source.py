"""SAS data sets: numbers, texts and days as SAS holds them, and each way in which a file is not the one that was meant."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.records.values.column import Column, text_of
from riskset_node.sources import source_of
from riskset_node.sources.sas import SasSettings
from riskset_node.sources.source import labels_of

DAYS = [datetime.date(1955, 3, 1), None, datetime.date(2017, 12, 31)]


@pytest.fixture
def written(tmp_path):
    """Write columns to a transport file."""

    def write(columns, version=5, **formats):
        path = tmp_path / "patients.xpt"
        pyreadstat.write_xport(
            pd.DataFrame(columns), str(path), file_format_version=version, variable_format=formats
        )
        return path

    return write


def texts(path, column, **settings):
    """The values of a column as texts, None where there is none."""
    described = SasSettings(kind="sas", path=path, **settings)
    raw = Column.of(source_of("sas").read(described, [column])[column])
    return [None if place < 0 else text_of(raw.distinct[place]) for place in raw.index]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, np.nan, 2.5], ["1", None, "2.5"]),
        ([123456.7, -0.1, 0.0], ["123456.7", "-0.1", "0"]),
        (["a ", "", "Zürich"], ["a", "", "Zürich"]),
    ],
)
def test_values_keep_what_they_are(written, values, expected):
    assert expected == texts(written({"X": values}), "X")


@pytest.mark.parametrize(
    "layout", ["DATE9", "DDMMYY10", "MMDDYY8", "YYMMDD10", "E8601DA", "WORDDATE"]
)
def test_numbers_that_sas_shows_as_dates_are_days(written, layout):
    numbers = [np.nan if day is None else (day - datetime.date(1960, 1, 1)).days for day in DAYS]
    expected = [None if day is None else day.isoformat() for day in DAYS]

    assert expected == texts(written({"D": numbers}, D=layout), "D")


def test_moments_keep_their_time(written):
    seconds = [86_400.0 * 20_000 + 86_399, np.nan]

    assert ["2014-10-04 23:59:59", None] == texts(written({"M": seconds}, M="DATETIME20"), "M")


def test_a_number_with_another_format_stays_a_number(written):
    assert ["20000"] == texts(written({"N": [20_000.0]}, N="BEST12"), "N")


def test_columns_come_in_the_order_asked_for_and_the_header_in_that_of_the_file(written):
    settings = SasSettings(kind="sas", path=written({"A": [1.0], "B": ["x"], "C": [3.0]}))

    assert ["C", "A"] == list(source_of("sas").read(settings, ["C", "A"]))
    assert ("A", "B", "C") == source_of("sas").header(settings)


def test_a_missing_column_is_told_with_the_near_name(written):
    with pytest.raises(NodeConfigError, match=r"there is no column 'SEX'\. Did you mean 'SEXE'\?"):
        texts(written({"SEXE": [1.0]}), "SEX")


def test_a_wrong_encoding_is_told_with_the_setting(written):
    path = written({"X": ["Zurich"]})
    path.write_bytes(path.read_bytes().replace(b"Zurich", "Zürich".encode("cp1252")))

    assert ["Zürich"] == texts(path, "X", encoding="cp1252")
    with pytest.raises(
        NodeConfigError, match=r"texts are not in what the file says, .*data\.source\.encoding"
    ):
        texts(path, "X")
    with pytest.raises(NodeConfigError, match="texts are not in utf-8"):
        texts(path, "X", encoding="utf-8")


def test_a_transport_file_of_version_8_has_longer_names(written):
    path = written({"RELAPSE_DATE": [20_000.0, np.nan]}, version=8, RELAPSE_DATE="DATE9")

    assert ["2014-10-04", None] == texts(path, "RELAPSE_DATE")


def test_a_file_of_another_kind_is_told(tmp_path):
    path = tmp_path / "patients.xpt"
    path.write_text("pat,age\n1,2\n", encoding="utf-8")

    with pytest.raises(NodeConfigError, match=r"this is a text file, .*kind to csv"):
        texts(path, "age")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("patient", ["001", "002", "Zürich"]),
        ("diagnosis", ["2014-10-04", None, "1955-03-01"]),
        ("wbc", ["85.3", "0", ".A"]),
    ],
)
def test_a_sas7bdat_file_is_read_alike(column, expected):
    # Written once with the writer of the ReadStat library; the last white cell count is the special missing value .A.
    assert expected == texts(Path(__file__).with_name("data") / "infants.sas7bdat", column)


def test_a_file_without_rows_is_a_frame_without_rows(written):
    assert [] == texts(written({"X": np.array([], dtype=float)}), "X")


@pytest.mark.parametrize("version", [5, 8])
def test_special_missing_values_of_a_transport_file_are_signs(written, version):
    columns = {
        "X": [1.5, np.nan, np.nan, np.nan, 4.0],
        "S": ["a", ".A", "A", "", "b"],
        "Y": [np.nan, 1, 2, 3, 4],
    }
    path = written(columns, version=version)
    content = path.read_bytes()
    plain = b"\x2e" + bytes(7)
    first = content.index(plain)
    assert 4 == content.count(plain)
    for letter in b"AZ_":
        content = content.replace(plain, bytes([letter]) + bytes(7), 1)
    path.write_bytes(content)
    # In the order of the file: the first row's Y, and then X of the rows two and three.

    assert content[first : first + 1] == b"A"
    assert [".A", "1", "2", "3", "4"] == texts(path, "Y")
    assert ["1.5", ".Z", "._", None, "4"] == texts(path, "X")
    assert ["a", ".A", "A", "", "b"] == texts(path, "S")
    assert {".A", ".Z", "._"} <= set(SasSettings.MORE_MISSING)


def test_a_transport_file_of_several_data_sets_is_refused(written):
    path = written({"X": [1.0]})
    content = path.read_bytes()
    path.write_bytes(content + content[content.index(b"HEADER RECORD*******MEMBER") :])

    with pytest.raises(DataError, match="several data sets"):
        texts(path, "X")


@pytest.mark.parametrize(
    ("layout", "number", "expected"),
    [
        ("DATE9", 20_000.5, "2014-10-04 12:00:00"),
        ("DTDATE9", 86_400.0 * 20_000, "2014-10-04"),
        ("E8601DN10", 86_400.0 * 20_000, "2014-10-04"),
        ("DEUDFDD10", 20_000.0, "2014-10-04"),
        ("JULIAN7", 20_000.0, "2014-10-04"),
        ("MONYY7", 20_000.0, "2014-10"),
        ("DTMONYY7", 86_400.0 * 20_000, "2014-10"),
        ("YYQ6", 20_000.0, "2014Q4"),
        ("TIME8", 5_400.0, "1:30:00"),
        ("DATE9", 9e9, "9000000000"),
        ("MYDATE", 20_000.0, "20000"),  # a format of the study, which is not in the file
    ],
)
def test_a_number_is_what_a_person_sees(written, layout, number, expected):
    assert [expected] == texts(written({"D": [number]}, D=layout), "D")


@pytest.mark.parametrize("layout", ["YEAR4", "MONTH2", "WEEKDAY1", "JULDAY3"])
def test_a_format_that_shows_a_part_of_a_date_is_refused(written, layout):
    path = written({"D": [20_000.0], "X": [1.0]}, D=layout)

    assert ["1"] == texts(path, "X")
    with pytest.raises(DataError, match=rf"column 'D' has the format {layout}"):
        texts(path, "D")


def test_labels_are_those_of_the_file(tmp_path):
    path = tmp_path / "labels.xpt"
    pyreadstat.write_xport(
        pd.DataFrame({"X": [1.0], "Y": [1.0]}), str(path), column_labels={"X": "Age"}
    )
    found = labels_of(source_of("sas"), SasSettings(kind="sas", path=path))

    assert {"X": "Age"} == found.columns


@pytest.mark.parametrize("kept", [100, 700])
def test_a_transport_file_that_is_cut_short_is_told(written, kept):
    path = written({"X": [1.0], "Y": [2.0]})
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(DataError, match="export it again"):
        texts(path, "X")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NodeConfigError, match=r"cannot be read \(No such file"):
        texts(tmp_path / "patients.xpt", "X")
