"""Dataset-JSON 1.1 of CDISC: one data set a file, as one JSON object (.json) or as one line for each row (.ndjson)."""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

from riskset_common.errors import DataError
from riskset_node.sources.date_forms import DAY_ZERO
from riskset_node.sources.formats.shown import SAS, Shown, sas_shown
from riskset_node.sources.source import not_there

_Reads = Callable[[object, object], object]

_VERSION = re.compile(r"1\.1(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(rf"{_DAY.pattern}T[0-9]{{2}}:[0-9]{{2}}.*")
_DECIMAL = re.compile(r"[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_COUNTED: Mapping[Shown, str] = {Shown.DAY: "date", Shown.MOMENT: "datetime"}
_EXPORT = "Check the path in node.yaml, or export the data set again as Dataset-JSON 1.1 or as a transport file."


def read_dataset_json(path: Path) -> dict[str, list[object]]:
    """Columns by name, in the order of the file: texts, numbers, days and moments, None for null.

    The data set is described as the specification of version 1.1 has it (CDISC, Dataset-JSON Specification, 2024-12-05).

    Raises
    ------
    NodeConfigError
        If the file cannot be opened.
    DataError
        If it is no Dataset-JSON 1.1, was cut short, or holds a value that is not of the type of its column.
    """
    described, rows = _parsed(path)
    version = described.get("datasetJSONVersion")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        said = f"of version {version!r}" if isinstance(version, str) else "without a version"
        raise DataError(f"{path}: a data set {said}, but Dataset-JSON 1.1 is read. {_EXPORT}")
    columns = described.get("columns")
    if not isinstance(columns, list) or not all(map(_is_described, columns)):
        raise DataError(f"{path}: its columns are not described. {_EXPORT}")
    names = [str(column["name"]).strip() for column in columns]
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise DataError(f"{path}: {', '.join(twice)} stands in it more than once. {_EXPORT}")
    if described.get("records") != len(rows):
        raise DataError(
            f"{path}: says that it has {described.get('records')} rows, and has {len(rows)}, so it was cut short or changed. {_EXPORT}"
        )
    whole: list[list[object]] = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(names):
            raise DataError(f"{path}, row {number}: not {len(names)} values. {_EXPORT}")
        whole.append(row)
    return {
        name: _values([row[place] for row in whole], column, f"{path}: column {name!r}")
        for place, (name, column) in enumerate(zip(names, columns, strict=True))
    }


def _parsed(path: Path) -> tuple[Mapping[str, object], Sequence[object]]:
    """The description of the data set, and its rows."""
    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
        described, end = decoder.raw_decode(text)
        lines = [decoder.decode(line) for line in text[end:].split("\n") if line.strip()]
    except OSError as error:
        raise not_there(path, error) from error
    except (ValueError, ArithmeticError, RecursionError):
        raise DataError(f"{path}: not a file in JSON, or cut short. {_EXPORT}") from None
    if not isinstance(described, dict):
        raise DataError(f"{path}: in JSON, but no Dataset-JSON. {_EXPORT}")
    rows = described.get("rows")
    if rows is None:
        return described, lines
    if not isinstance(rows, list) or lines:
        raise DataError(f"{path}: its rows are not where they belong. {_EXPORT}")
    return described, rows


def _no_number(constant: str) -> object:
    raise ValueError(f"{constant} is no number of JSON.")


def _is_described(column: object) -> bool:
    return isinstance(column, dict) and all(
        isinstance(column.get(key), str) for key in ("name", "dataType")
    )


def _values(found: list[object], column: Mapping[str, object], where: str) -> list[object]:
    """The values of one column in the type that its description says."""
    kind = str(column["dataType"])
    shown = sas_shown(str(column.get("displayFormat") or ""))
    target = column.get("targetDataType")
    if kind == "integer" and shown in _COUNTED:
        kind, target = _COUNTED[shown], "integer"
    if kind not in _READ:
        raise DataError(f"{where}: the type {kind!r} is not known. {_EXPORT}")
    if kind in ("integer", "float", "double") and shown not in (Shown.NUMBER, Shown.REFUSED):
        reads: _Reads = partial(_as_shown, shown)
    else:
        reads = _READ[kind]
    values: list[object] = []
    for number, value in enumerate(found, start=1):
        read = None if value is None else reads(value, target)
        if read is None and value is not None:
            raise DataError(f"{where}, row {number}: the value is no {kind}. {_EXPORT}")
        values.append(read)
    return values


def _text(value: object, _target: object) -> object:
    return value if isinstance(value, str) else None


def _number(value: object, _target: object) -> object:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _as_shown(shown: Shown, value: object, _target: object) -> object:
    """A number as SAS shows it: a day, or a text such as 2017-12 where a person sees the month."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return SAS.value(float(value), shown)


def _decimal(value: object, target: object) -> object:
    """A decimal number written as text, with commas between its thousands where it has any."""
    if not isinstance(value, str):
        return _number(value, target)
    return Decimal(value.replace(",", "")) if _DECIMAL.fullmatch(value) else None


def _truth(value: object, _target: object) -> object:
    return value if isinstance(value, bool) else None


def _date(value: object, target: object) -> object:
    """A day; a date without a day stays a text. Where the receiver is to have numbers, a number counts days as SAS does."""
    if isinstance(value, str):
        return _of_calendar(datetime.date, value) if _DAY.fullmatch(value) else value
    days = _sas_number(value) if target == "integer" else None
    return None if days is None else _sas_day(days)


def _moment(value: object, target: object) -> object:
    """A moment, or what a date may be; where the receiver is to have numbers, a number counts seconds as SAS does."""
    if isinstance(value, str):
        whole = _MOMENT.fullmatch(value)
        return _of_calendar(datetime.datetime, value) if whole else _date(value, None)
    seconds = _sas_number(value) if target == "integer" else None
    day = None if seconds is None else _sas_day(seconds // 86400)
    if seconds is None or day is None:
        return None
    midnight = datetime.datetime.combine(day, datetime.time.min)
    return midnight + datetime.timedelta(seconds=seconds % 86400)


def _of_calendar(kind: type[datetime.date], text: str) -> datetime.date | None:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        return None


def _sas_number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    whole = Decimal(value).to_integral_value()
    return int(whole) if whole == value else None


def _sas_day(number: int) -> datetime.date | None:
    try:
        return DAY_ZERO["sas"] + datetime.timedelta(days=number)
    except OverflowError:
        return None


_READ: Mapping[str, _Reads] = {
    "string": _text,
    "URI": _text,
    "time": _text,
    "integer": _number,
    "float": _number,
    "double": _number,
    "decimal": _decimal,
    "boolean": _truth,
    "date": _date,
    "datetime": _moment,
}
"""For each type of the specification, what a value becomes; None where it is no such value."""
