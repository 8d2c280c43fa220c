"""Stata files: days, moments, months, extended missing values and labels, of every version that people still have.

The files are written by the ReadStat library and by pandas, because no Stata is at hand.
"""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.records.values.column import Column, text_of
from riskset_node.sources import source_of
from riskset_node.sources.source import labels_of
from riskset_node.sources.stata import StataSettings

DAYS = [datetime.date(1912, 2, 29), datetime.date(2017, 12, 31), datetime.date(2061, 7, 1)]


@pytest.fixture
def written(tmp_path):
    """Write columns to a Stata file."""

    def write(columns, **more):
        path = tmp_path / "patients.dta"
        pyreadstat.write_dta(pd.DataFrame(columns), str(path), **more)
        return path

    return write


def texts(path, column, **settings):
    """The values of a column as texts, None where there is none."""
    described = StataSettings(kind="stata", path=path, **settings)
    raw = Column.of(source_of("stata").read(described, [column])[column])
    return [None if place < 0 else text_of(raw.distinct[place]) for place in raw.index]


def day_number(day):
    """As Stata counts it."""
    return (day - datetime.date(1960, 1, 1)).days


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_values_keep_what_they_are_in_every_version(written, version):
    columns = {
        "n": [1.0, np.nan, 2.5],
        "i": [1, 2, 3],
        "s": ["a", "", "b"],
        "d": [*map(float, map(day_number, DAYS))],
    }
    path = written(columns, version=version, variable_format={"d": "%td"})

    assert ["1", None, "2.5"] == texts(path, "n")
    assert ["1", "2", "3"] == texts(path, "i")
    assert ["a", "", "b"] == texts(path, "s")
    assert [*map(str, DAYS)] == texts(path, "d")


@pytest.mark.parametrize(
    ("layout", "number", "expected"),
    [
        ("%td", 21_184.0, "2017-12-31"),
        ("%d", 21_184.0, "2017-12-31"),
        ("%-td", 21_184.0, "2017-12-31"),
        ("%tdDD/NN/CCYY", 21_184.0, "2017-12-31"),
        ("%dDlCY", 21_184.0, "2017-12-31"),
        ("%tdD_m_Y", 21_184.0, "2017-12-31"),
        ("%tdDay_DD_Mon", 21_184.0, "2017-12-31"),
        ("%tdDay_Mon_CCYY", 21_184.0, "2017-12"),
        ("%tdN/CY", 21_184.0, "2017-12"),
        ("%tdCCYYjjj", 21_184.0, "2017-12-31"),
        ("%td", 21_184.5, "2017-12-31 12:00:00"),
        ("%tdMon_CCYY", 21_184.0, "2017-12"),
        ("%tc", 21_184 * 86_400_000.0, "2017-12-31"),
        ("%tcDDmonCCYY", 21_184 * 86_400_000.0 + 1000, "2017-12-31 00:00:01"),
        ("%tcMon_CCYY", 21_184 * 86_400_000.0, "2017-12"),
        ("%tcHH:MM:SS", 5_400_000.0, "1:30:00"),
        ("%tm", 695.0, "2017-12"),
        ("%tm", -1.0, "1959-12"),
        ("%tm", 695.5, "695.5"),
        ("%tq", 231.0, "2017Q4"),
        ("%tw", 3_015.0, "2017W52"),
        ("%th", 115.0, "2017H2"),
        ("%ty", 2017.0, "2017"),
        ("%9.0g", 21_184.0, "21184"),
        ("%td", 1e9, "1000000000"),
    ],
)
def test_a_number_is_what_a_person_sees(written, layout, number, expected):
    assert [expected] == texts(written({"d": [number]}, variable_format={"d": layout}), "d")


@pytest.mark.parametrize("layout", ["%tC", "%tbsimple"])
def test_a_count_that_is_not_of_days_is_refused(written, layout):
    path = written({"d": [1.0], "x": [1.0]}, variable_format={"d": layout})

    assert ["1"] == texts(path, "x")
    with pytest.raises(DataError, match=rf"column 'd' has the format {layout}"):
        texts(path, "d")


def test_extended_missing_values_are_signs(written):
    path = written(
        {"x": [1.0, np.nan, "a", "z"], "d": [21_184.0, "b", np.nan, "c"]},
        missing_user_values={"x": ["a", "z"], "d": ["b", "c"]},
        variable_format={"d": "%td"},
        version=15,
    )

    assert ["1", None, ".a", ".z"] == texts(path, "x")
    assert ["2017-12-31", ".b", None, ".c"] == texts(path, "d")
    assert {".a", ".z"} <= set(StataSettings.MORE_MISSING)


def test_a_single_is_the_shortest_number_that_it_stands_for(tmp_path):
    path = tmp_path / "single.dta"
    values = np.array([1.1, 12.3, 0.0, np.nan], dtype=np.float32)
    pd.DataFrame({"x": values}).to_stata(path, write_index=False)

    assert ["1.1", "12.3", "0", None] == texts(path, "x")


def test_a_file_of_pandas_is_read_alike(tmp_path):
    path = tmp_path / "pandas.dta"
    days = [*map(str, DAYS), ""]
    frame = pd.DataFrame({"d": pd.to_datetime(days), "s": ["Zürich", "ß", "", "x" * 3000]})
    frame.to_stata(path, write_index=False, version=118, convert_strl=["s"])

    assert [*map(str, DAYS), None] == texts(path, "d")
    assert ["Zürich", "ß", "", "x" * 3000] == texts(path, "s")


def test_an_old_file_in_another_encoding_is_read_with_the_setting(tmp_path):
    path = tmp_path / "latin.dta"
    pd.DataFrame({"s": ["Zürich"]}).to_stata(path, write_index=False, version=114)

    assert ["Zürich"] == texts(path, "s")
    assert ["Zürich"] == texts(path, "s", encoding="iso8859-1")
    with pytest.raises(NodeConfigError, match=r"Set data\.source\.encoding"):
        texts(path, "s", encoding="utf-8")


def test_labels_are_those_of_the_file(written):
    path = written(
        {"c": [1, "b"]},
        missing_user_values={"c": ["b"]},
        column_labels={"c": "Sex of the child"},
        variable_value_labels={"c": {1: "boy", "b": "refused"}},
        version=15,
    )
    found = labels_of(source_of("stata"), StataSettings(kind="stata", path=path))

    assert {"c": "Sex of the child"} == found.columns
    assert {"c": {"1": "boy", ".b": "refused"}} == found.values
