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


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (0, "2017-12-31"),
        (1, "2017-12-31 00:00:00.000001"),  # after midnight, however little
        (-1, "2017-12-30 23:59:59.999999"),
        (1_001, "2017-12-31 00:00:00.000001"),
    ],
)
@pytest.mark.parametrize("seconds", [17_531 * 86_400, -5 * 86_400])
def test_what_is_less_than_a_microsecond_from_midnight_is_not_midnight(
    written, nanoseconds, expected, seconds
):
    path = written({"x": pyarrow.array([seconds * 10**9 + nanoseconds], pyarrow.timestamp("ns"))})
    if seconds < 0:
        expected = expected.replace("2017-12-31", "1969-12-27").replace("2017-12-30", "1969-12-26")

    assert [expected] == texts(path, "x")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["Europe/Vienna", "+01:00"])
def test_a_moment_is_pythons_own_and_keeps_its_zone(written, unit, zone):
    moment = datetime.datetime(2017, 12, 30, 23, tzinfo=datetime.UTC)
    path = written({"x": pyarrow.array([moment], pyarrow.timestamp(unit, zone))})
    found = source_of("parquet").read(ParquetSettings(kind="parquet", path=path), ["x"])["x"][0]

    assert datetime.datetime is type(found)
    assert (moment, datetime.datetime(2017, 12, 31)) == (found, found.replace(tzinfo=None))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pyarrow.array([1.1, None, 12.3], pyarrow.float32()), ["1.1", None, "12.3"]),
        (pyarrow.array([0.1, None, float("nan")], pyarrow.float16()), ["0.1", None, None]),
        (pyarrow.array(["a", None], pyarrow.large_string()), ["a", None]),
        (pyarrow.array(["a", None], pyarrow.string_view()), ["a", None]),
        (pyarrow.array([2**64 - 1, None], pyarrow.uint64()), [str(2**64 - 1), None]),
        (pyarrow.array([datetime.date(2017, 1, 2)], pyarrow.date64()), ["2017-01-02"]),
        (pyarrow.array([Decimal("1.50")], pyarrow.decimal256(40, 2)), ["1.50"]),
        (
            pyarrow.array([datetime.date(2017, 1, 2), None]).dictionary_encode(),
            ["2017-01-02", None],
        ),
    ],
)
def test_every_type_of_text_number_and_day_is_read(written, column, expected):
    assert expected == texts(written({"x": column}), "x")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pyarrow.array([1], pyarrow.time32("s")), "times of day"),
        (pyarrow.array([1], pyarrow.duration("s")), "durations"),
        (pyarrow.array([b"a"]), "bytes"),
        (pyarrow.array([b"a"], pyarrow.binary(1)), "bytes"),
        (pyarrow.array([[1]]), "several values in a cell"),
        (pyarrow.array([{"a": 1}]), "several values in a cell"),
        (pyarrow.array([10**15], pyarrow.timestamp("s")), "no calendar has"),
        (pyarrow.array([10**9], pyarrow.date32()), "no calendar has"),
    ],
)
def test_what_is_no_value_of_one_patient_is_refused_with_its_column(written, column, said):
    path = written({"x": column, "y": [1]})

    assert ["1"] == texts(path, "y")
    with pytest.raises(DataError, match=rf"column 'x' holds .*{said}"):
        texts(path, "x")


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
    path.write_bytes(b"PAR1\0\0\0 and no end")

    with pytest.raises(DataError, match="not a Parquet file that can be read"):
        texts(path, "age")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NodeConfigError, match="cannot be read"):
        texts(tmp_path / "nowhere.parquet", "age")


def test_without_pyarrow_the_person_is_told_what_to_install(written, monkeypatch):
    path = written({"a": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(NodeConfigError, match=r"pip install 'riskset-node\[parquet\]'"):
        texts(path, "a")
