"""Parquet: types of its own, and the same errors as text."""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal

import pyarrow
import pytest
from pyarrow import parquet

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.records.values.column import Column, text_of
from riskset_node.sources import source_of
from riskset_node.sources.parquet import ParquetSettings


def texts(path, column):
    """The values of a column as texts, None where there is none."""
    read = source_of("parquet").read(ParquetSettings(kind="parquet", path=path), [column])
    raw = Column.of(read[column])
    return [None if place < 0 else text_of(raw.distinct[place]) for place in raw.index]


@pytest.fixture
def written(tmp_path):
    """Write a table of columns to a Parquet file."""

    def write(columns):
        path = tmp_path / "patients.parquet"
        parquet.write_table(pyarrow.table(columns), path)
        return path

    return write


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2**60 + 1, None, 3], [str(2**60 + 1), None, "3"]),
        ([1.0, None, 2.5, float("nan")], ["1", None, "2.5", None]),
        (["a ", None, ""], ["a", None, ""]),
        ([True, False, None], ["true", "false", None]),
        ([Decimal("1.50"), None], ["1.50", None]),
        ([datetime.date(2017, 1, 2), None], ["2017-01-02", None]),
        ([None, None], [None, None]),
    ],
)
def test_values_keep_what_they_are(written, values, expected):
    assert expected == texts(written({"x": values}), "x")


def test_times_of_a_nanosecond_are_read_as_pythons_own_times(written):
    moment = datetime.datetime(2017, 1, 2, 3, 4, 5)  # noqa: DTZ001
    column = pyarrow.array([moment, None], pyarrow.timestamp("ns"))
    settings = ParquetSettings(kind="parquet", path=written({"x": column}))

    assert {"x": [moment, None]} == source_of("parquet").read(settings, ["x"])


def test_a_dictionary_column_is_read_as_its_values(written):
    column = pyarrow.array(["b", "a", None, "b"]).dictionary_encode()

    assert ["b", "a", None, "b"] == texts(written({"x": column}), "x")


def test_the_columns_asked_for_are_read_in_their_order(written):
    settings = ParquetSettings(kind="parquet", path=written({"a": [1], "b": [2], "c": [3]}))

    assert ["c", "a"] == list(source_of("parquet").read(settings, ["c", "a"]))
    assert ("a", "b", "c") == source_of("parquet").header(settings)


def test_a_missing_column_is_told_with_the_near_name(written):
    with pytest.raises(NodeConfigError, match=r"there is no column 'sex'\. Did you mean 'sexe'\?"):
        texts(written({"sexe": [1]}), "sex")


def test_a_file_of_another_kind_is_told(tmp_path):
    path = tmp_path / "patients.parquet"
    path.write_text("pat,age\n1,2\n", encoding="utf-8")

    with pytest.raises(DataError, match=r"not a Parquet file .*Check data\.source\.kind"):
        texts(path, "age")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NodeConfigError, match="cannot be read"):
        texts(tmp_path / "nowhere.parquet", "age")


def test_without_pyarrow_the_person_is_told_what_to_install(written, monkeypatch):
    path = written({"a": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(NodeConfigError, match=r"pip install 'riskset-node\[parquet\]'"):
        texts(path, "a")
