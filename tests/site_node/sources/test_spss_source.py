"""SPSS files: dates in all formats, values that the study calls missing, labels, and texts of any length and encoding.

The files are written by the ReadStat library, because no SPSS is at hand.
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
from riskset_node.sources.spss import SpssSettings

DAYS = [
    datetime.date(1583, 1, 1),
    datetime.date(1912, 2, 29),
    datetime.date(2017, 12, 31),
    datetime.date(2061, 7, 1),
]


@pytest.fixture
def written(tmp_path):
    """Write columns to an SPSS file."""

    def write(columns, name="patients.sav", **more):
        path = tmp_path / name
        pyreadstat.write_sav(pd.DataFrame(columns), str(path), **more)
        return path

    return write


def texts(path, column, **settings):
    """The values of a column as texts, None where there is none."""
    described = SpssSettings(kind="spss", path=path, **settings)
    raw = Column.of(source_of("spss").read(described, [column])[column])
    return [None if place < 0 else text_of(raw.distinct[place]) for place in raw.index]


def seconds(day):
    """As SPSS counts them."""
    return float((day - datetime.date(1582, 10, 14)).days * 86_400)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, np.nan, 2.5], ["1", None, "2.5"]),
        (["a ", "", "Zürich"], ["a", "", "Zürich"]),
        (["x" * 700, "y", ""], ["x" * 700, "y", ""]),
    ],
)
@pytest.mark.parametrize("more", [{}, {"compress": True}, {"row_compress": True}])
def test_values_keep_what_they_are(written, values, expected, more):
    assert expected == texts(written({"x": values}, **more), "x")


@pytest.mark.parametrize(
    "layout", ["DATE11", "ADATE10", "EDATE10", "SDATE10", "JDATE7", "DATETIME20", "YMDHMS20"]
)
def test_numbers_that_spss_shows_as_dates_are_days(written, layout):
    path = written({"d": [*map(seconds, DAYS), np.nan]}, variable_format={"d": layout})

    assert [*map(str, DAYS), None] == texts(path, "d")


@pytest.mark.parametrize(
    ("layout", "number", "expected"),
    [
        ("DATETIME20", seconds(DAYS[2]) + 3600.5, "2017-12-31 01:00:00.500000"),
        ("DATE11", seconds(DAYS[2]) + 3600, "2017-12-31 01:00:00"),
        ("DATETIME20", seconds(DAYS[2]) - 1e-5, "2017-12-31"),
        ("DATETIME20", seconds(DAYS[2]) + 1e-5, "2017-12-31"),
        ("MOYR8", seconds(DAYS[2]), "2017-12"),
        ("QYR6", seconds(DAYS[2]), "2017Q4"),
        ("WKYR8", seconds(datetime.date(2017, 1, 8)), "2017W02"),
        ("TIME8", 5_400.0, "1:30:00"),
        ("DTIME12", -90_000.0, "-25:00:00"),
        ("DATE11", 1e30, "1e+30"),
        ("F8.0", seconds(DAYS[2]), "13734057600"),
    ],
)
def test_a_number_is_what_a_person_sees(written, layout, number, expected):
    assert [expected] == texts(written({"d": [number]}, variable_format={"d": layout}), "d")


MISSING = {
    "d": [seconds(DAYS[1])],
    "c": [9.0, {"lo": 95.0, "hi": 99.0}],
    "s": ["NA"],
    "n": [{"lo": -np.inf, "hi": 0.0}],
}
COLUMNS = {
    "d": [seconds(DAYS[2]), seconds(DAYS[1]), np.nan],
    "c": [1.0, 9.0, 98.0],
    "s": ["a", "NA", ""],
    "n": [-5.0, 0.5, 0.0],
}


@pytest.mark.parametrize(
    ("column", "signs", "kept"),
    [
        ("d", ["2017-12-31", "user-missing 1", None], ["2017-12-31", "1912-02-29", None]),
        ("c", ["1", "user-missing 1", "user-missing range"], ["1", "9", "98"]),
        ("s", ["a", "user-missing 1", ""], ["a", "NA", ""]),
        ("n", ["user-missing range", "0.5", "user-missing range"], ["-5", "0.5", "0"]),
    ],
)
def test_what_the_file_calls_missing_is_a_sign_or_kept(written, column, signs, kept):
    path = written(COLUMNS, missing_ranges=MISSING, variable_format={"d": "DATE11"})

    assert signs == texts(path, column)
    assert kept == texts(path, column, user_missing="keep")
    assert {sign for sign in signs if "user" in str(sign)} <= set(SpssSettings.MORE_MISSING)


def test_labels_are_those_of_the_file(written):
    path = written(
        COLUMNS,
        missing_ranges=MISSING,
        column_labels={"c": "Sex of the child"},
        variable_value_labels={"c": {1.0: "boy", 9.0: "unknown"}, "s": {"a": "first"}},
    )
    source = source_of("spss")
    found = labels_of(source, SpssSettings(kind="spss", path=path))
    kept = labels_of(source, SpssSettings(kind="spss", path=path, user_missing="keep"))

    assert {"c": "Sex of the child"} == found.columns
    assert {"1": "boy", "9": "unknown", "user-missing 1": "unknown"} == found.values["c"]
    assert {"1": "boy", "9": "unknown"} == kept.values["c"]
    assert {"a": "first"} == found.values["s"]


def test_a_file_in_another_encoding_than_it_says_is_told(written):
    path = written({"x": ["Zurich"]})
    path.write_bytes(path.read_bytes().replace(b"Zurich", "Zürich".encode("cp1252")))

    assert ["Zürich"] == texts(path, "x", encoding="cp1252")
    with pytest.raises(NodeConfigError, match=r"Set data\.source\.encoding"):
        texts(path, "x")


def test_a_missing_column_is_told_with_the_near_name(written):
    with pytest.raises(NodeConfigError, match=r"there is no column 'sex'\. Did you mean 'sexe'\?"):
        texts(written({"sexe": [1.0]}), "sex")


def test_a_file_that_is_cut_short_is_told(written):
    path = written({"x": [1.0, 2.0]})
    path.write_bytes(path.read_bytes()[:120])

    with pytest.raises(DataError, match="not an SPSS file that can be read"):
        texts(path, "x")
