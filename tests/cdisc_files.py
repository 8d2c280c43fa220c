"""Data sets in the models of CDISC, written by pyreadstat and as Dataset-JSON."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyreadstat

SAS_DAY_0 = datetime.date(1960, 1, 1)
Columns = Mapping[str, Sequence[object]]

TYPES = {
    "string": "string",
    "integer": "integer",
    "decimal": "string",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "datetime": "string",
    "date": "string",
    "time": "string",
    "URI": "string",
}
"""What JSON holds for each type of a column, in the specification's table of supported combinations."""

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?"


def check_specification(document: Mapping[str, object]) -> None:
    """Assert what the specification of Dataset-JSON 1.1 (2024-12-05) asks of a file: its tables of attributes, types and rows."""
    top = {"itemGroupOID", "name", "label", "datasetJSONCreationDateTime", "datasetJSONVersion"}
    assert all(isinstance(document[key], str) for key in top)
    assert re.fullmatch(MOMENT, str(document["datasetJSONCreationDateTime"]))
    assert re.fullmatch(r"1\.1(\.(0|[1-9]\d*))?", str(document["datasetJSONVersion"]))
    columns, rows = document["columns"], document.get("rows", [])
    assert isinstance(columns, list)
    assert isinstance(rows, list)
    assert document["records"] == len(rows)
    for column in columns:
        assert column.keys() >= {"itemOID", "name", "label", "dataType"}
        assert column["dataType"] in TYPES
        allowed = {"decimal": "decimal", "date": "integer", "datetime": "integer"}
        assert column.get("targetDataType") in (None, allowed.get(column["dataType"]))
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
    }
    for row in rows:
        assert len(row) == len(columns)
        for value, column in zip(row, columns, strict=True):
            assert value is None or isinstance(value, kinds[TYPES[column["dataType"]]])


def described(name: str, values: Sequence[object]) -> dict[str, object]:
    """A column's description."""
    known = next((value for value in values if value is not None), "")
    kind: dict[str, object] = {"dataType": "string"}
    if isinstance(known, datetime.date):
        kind = {"dataType": "date", "targetDataType": "integer", "displayFormat": "DATE9."}
    elif isinstance(known, int | float):
        whole = all(value is None or isinstance(value, int) for value in values)
        kind = {"dataType": "integer" if whole else "float"}
    return {"itemOID": f"IT.X.{name}", "name": name, "label": name, **kind}


def document(name: str, columns: Columns) -> dict[str, object]:
    """A data set as one object."""
    rows = [
        [value.isoformat() if isinstance(value, datetime.date) else value for value in row]
        for row in zip(*columns.values(), strict=True)
    ]
    return {
        "datasetJSONCreationDateTime": "2026-11-30T10:00:00",
        "datasetJSONVersion": "1.1.0",
        "itemGroupOID": f"IG.{name}",
        "records": len(rows),
        "name": name,
        "label": name,
        "columns": [described(each, values) for each, values in columns.items()],
        "rows": rows,
    }


@dataclass(frozen=True)
class DataSets:
    """Where data sets are written."""

    path: Path

    def write(self, name: str, columns: Columns, kind: str = "xpt") -> Path:
        """Write a data set as `xpt`, `json` or `ndjson`; days are numbers that SAS shows by DATE9."""
        path = self.path / f"{name}.{kind}"
        if kind == "xpt":
            days = {
                each
                for each, values in columns.items()
                if any(isinstance(value, datetime.date) for value in values)
            }
            frame = pd.DataFrame(
                {
                    each: [
                        (value - SAS_DAY_0).days if isinstance(value, datetime.date) else value
                        for value in values
                    ]
                    for each, values in columns.items()
                }
            )
            formats = dict.fromkeys(days, "DATE9")
            pyreadstat.write_xport(frame, str(path), file_format_version=5, variable_format=formats)
            return path
        whole = document(name, columns)
        check_specification(whole)
        if kind == "json":
            path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
        else:
            rows = whole.pop("rows")
            assert isinstance(rows, list)
            lines = [json.dumps(line) for line in (whole, *rows)]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path
