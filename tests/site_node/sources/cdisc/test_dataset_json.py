"""Dataset-JSON 1.1: each type of its specification, and each way in which a file is none or was cut short."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal

import pytest

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.cdisc.dataset_json import read_dataset_json

TOP = {
    "datasetJSONCreationDateTime": "2026-11-30T10:00:00",
    "datasetJSONVersion": "1.1.0",
    "itemGroupOID": "IG.X",
    "name": "X",
    "label": "X",
}


@pytest.fixture
def column_of(tmp_path):
    """Read a column with these values, described by these keys."""

    def read(*values, **described):
        column = {"itemOID": "IT.X.V", "name": "V", "label": "V", **described}
        rows = [[value] for value in values]
        whole = {**TOP, "records": len(rows), "columns": [column], "rows": rows}
        path = tmp_path / "x.json"
        path.write_text(json.dumps(whole), encoding="utf-8")
        return read_dataset_json(path)["V"]

    return read


@pytest.mark.parametrize(
    ("described", "written", "expected"),
    [
        ({"dataType": "string"}, ["ü ", "", None], ["ü ", "", None]),
        ({"dataType": "integer"}, [1, -3, None], [1, -3, None]),
        ({"dataType": "float"}, [0.1, 2, None], [Decimal("0.1"), 2, None]),
        ({"dataType": "double"}, [1e3], [Decimal("1000.0")]),
        (
            {"dataType": "decimal", "targetDataType": "decimal"},
            ["30.8983333232059", "1,234.5", None],
            [Decimal("30.8983333232059"), Decimal("1234.5"), None],
        ),
        ({"dataType": "boolean"}, [True, False, None], [True, False, None]),
        (
            {"dataType": "date", "targetDataType": "integer", "displayFormat": "E8601DA."},
            ["2014-01-02", None],
            [datetime.date(2014, 1, 2), None],
        ),
        # A date of which only the year is known is a text; a reader of dates says what to do with it.
        ({"dataType": "date"}, ["2014-01-02", "2014"], [datetime.date(2014, 1, 2), "2014"]),
        (
            {"dataType": "date", "targetDataType": "integer", "displayFormat": "DATE9."},
            [19725],
            [datetime.date(2014, 1, 2)],
        ),
        ({"dataType": "integer", "displayFormat": "DATE9."}, [0], [datetime.date(1960, 1, 1)]),
        ({"dataType": "integer", "displayFormat": "yymmdd10."}, [1], [datetime.date(1960, 1, 2)]),
        ({"dataType": "integer", "displayFormat": "8."}, [19725], [19725]),
        # As in a transport file, a number is what a person sees.
        ({"dataType": "integer", "displayFormat": "MONYY7."}, [19725, None], ["2014-01", None]),
        ({"dataType": "integer", "displayFormat": "YYMMD7."}, [19725], ["2014-01"]),
        ({"dataType": "integer", "displayFormat": "TIME5."}, [3600], ["1:00:00"]),
        ({"dataType": "float", "displayFormat": "DATE9."}, [19725.0], [datetime.date(2014, 1, 2)]),
        (
            {"dataType": "datetime", "targetDataType": "integer"},
            ["2014-01-02T03:04:05", 60],
            list(map(datetime.datetime.fromisoformat, ["2014-01-02T03:04:05", "1960-01-01T00:01"])),
        ),
        ({"dataType": "time"}, ["03:04"], ["03:04"]),
    ],
)
def test_each_type_is_read_as_what_it_is(column_of, described, written, expected):
    assert expected == column_of(*written, **described)


@pytest.mark.parametrize(
    ("described", "written"),
    [
        ({"dataType": "string"}, 777),
        ({"dataType": "integer"}, "777"),
        ({"dataType": "integer"}, True),
        ({"dataType": "float"}, "0.1"),
        ({"dataType": "decimal"}, "1.234,5"),
        ({"dataType": "decimal"}, "12,34"),
        ({"dataType": "decimal"}, "1e99999999999999999999"),
        ({"dataType": "float", "displayFormat": "DATE9."}, "0.1"),
        ({"dataType": "boolean"}, "true"),
        ({"dataType": "date"}, "2014-02-30"),
        ({"dataType": "date"}, 19725),
        ({"dataType": "date", "targetDataType": "integer"}, 19725.5),
        ({"dataType": "date", "targetDataType": "integer"}, 10**9),
        ({"dataType": "datetime", "targetDataType": "integer"}, 10**15),
        ({"dataType": "datetime"}, "2014-01-02T25:00"),
    ],
)
def test_a_value_of_another_type_is_refused_and_not_shown(column_of, described, written):
    with pytest.raises(DataError, match=r"column 'V', row 2: the value is no ") as refused:
        column_of(None, written, **described)
    assert f"{written}" not in str(refused.value)


def test_a_type_that_is_not_known_is_refused(column_of):
    with pytest.raises(DataError, match="the type 'blob' is not known"):
        column_of("x", dataType="blob")


def test_what_parts_lines_elsewhere_parts_none_of_ndjson(folder):
    path = folder.write("x", {"A": ["one\u2028two", "three\x85"]}, "ndjson")
    path.write_text(
        path.read_text(encoding="utf-8").replace("\\u2028", "\u2028").replace("\\u0085", "\x85"),
        encoding="utf-8",
    )

    assert {"A": ["one\u2028two", "three\x85"]} == read_dataset_json(path)


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_both_ways_to_write_a_data_set_are_read_alike(folder, kind):
    columns = {"A": ["x", None], "D": [datetime.date(1955, 3, 1), datetime.date(2045, 1, 1)]}

    assert columns == read_dataset_json(folder.write("ADSL", columns, kind))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"datasetJSONVersion": "1.0.0"}, "of version '1.0.0', but Dataset-JSON 1.1 is read"),
        ({"datasetJSONVersion": None}, "without a version"),
        ({"columns": None}, "its columns are not described"),
        ({"columns": [{"name": "A"}]}, "its columns are not described"),
        ({"records": 3}, "says that it has 3 rows, and has 2, so it was cut short"),
        ({"rows": "A"}, "its rows are not where they belong"),
        ({"rows": [["x"], ["y", "z"]]}, "row 2: not 1 values"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path, change, said):
    column = {"itemOID": "IT.X.A", "name": "A", "label": "A", "dataType": "string"}
    path = tmp_path / "x.json"
    whole = {**TOP, "records": 2, "columns": [column], "rows": [["x"], ["y"]], **change}
    path.write_text(json.dumps(whole), encoding="utf-8")

    with pytest.raises(DataError, match=said):
        read_dataset_json(path)


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_a_file_that_is_cut_short_is_refused(folder, kind, kept):
    path = folder.write("X", {"A": [str(number) for number in range(40)]}, kind)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(DataError, match="cut short"):
        read_dataset_json(path)


@pytest.mark.parametrize("content", ["[1]", "NaN", "{} {}", "A,B\n1,2\n"])
def test_what_is_no_data_set_is_refused(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match="export the data set again"):
        read_dataset_json(path)


def test_one_name_twice_is_refused(tmp_path):
    column = {"itemOID": "IT.X.A", "name": "A", "label": "A", "dataType": "string"}
    path = tmp_path / "x.json"
    whole = {**TOP, "records": 0, "columns": [column, column]}
    path.write_text(json.dumps(whole), encoding="utf-8")

    with pytest.raises(DataError, match="A stands in it more than once"):
        read_dataset_json(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NodeConfigError, match=r"cannot be read \(No such file"):
        read_dataset_json(tmp_path / "x.json")
