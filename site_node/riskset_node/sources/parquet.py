"""Parquet files, whose columns have types of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.formats.recognised import check_format
from riskset_node.sources.source import FileSettings, FileSource, check_header, not_there

if TYPE_CHECKING:
    from pyarrow import ChunkedArray, DataType
    from pyarrow.parquet import ParquetFile


class ParquetSettings(FileSettings):
    """A Parquet file, as node.yaml describes it; `dates` and `missing` apply to its columns of text."""

    kind: Literal["parquet"]


class ParquetSource(FileSource):
    """A Parquet file, read through pyarrow."""

    kind = "parquet"
    settings = ParquetSettings

    def header(self, settings: ParquetSettings) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(_opened(settings.path).schema_arrow.names)

    def read(self, settings: ParquetSettings, columns: Sequence[str]) -> dict[str, list[object]]:
        """Read these columns; whole numbers stay whole, days stay days.

        Raises
        ------
        DataError
            If a column holds something else than texts, numbers, true and false, days or moments.
        """
        file = _opened(settings.path)
        check_header(file.schema_arrow.names, columns, settings.path)
        table = file.read(columns=list(columns))
        return {name: _values(table.column(name), name, settings.path) for name in columns}


def _values(column: ChunkedArray, name: str, path: Path) -> list[object]:
    """The values of a column as texts, numbers, true and false, days and moments."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    held = _not_read(kind)
    if held is not None:
        raise DataError(
            f"{path}: column {name!r} holds {held}. Write it as text, numbers, true and false, days or moments."
        )
    if pyarrow.types.is_timestamp(kind) and kind.unit == "ns":
        column = _in_microseconds(column)
    try:
        values: list[object] = column.to_pylist()
    except (OverflowError, ValueError, KeyError) as error:
        raise DataError(
            f"{path}: column {name!r} holds days or moments that no calendar has, or in a time zone that is not known. Mend them, "
            "or write the column as text."
        ) from error
    if pyarrow.types.is_float16(kind) or pyarrow.types.is_float32(kind):
        return _shortest(values, np.float16 if pyarrow.types.is_float16(kind) else np.float32)
    return values


def _not_read(kind: DataType) -> str | None:
    """What a column of a type holds, if it is none that riskset reads."""
    from pyarrow import types

    if types.is_time(kind):
        return "times of day"
    if types.is_duration(kind):
        return "durations"
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return "bytes that do not say that they are text"
    if types.is_nested(kind):
        return "several values in a cell"
    reads = (
        types.is_null,
        types.is_boolean,
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_date,
        types.is_timestamp,
    )
    return None if any(is_it(kind) for is_it in reads) else f"values of the type {kind}"


def _in_microseconds(column: ChunkedArray) -> ChunkedArray:
    """Moments with nanoseconds as Python's own, which have microseconds; what is just after a full second stays after it."""
    import pyarrow
    from pyarrow import compute

    unit = pyarrow.timestamp("us", column.type.tz)
    count = column.cast(pyarrow.int64())
    # Dividing rounds towards 0; before 1970 that would be upwards.
    rest = compute.subtract(count, compute.multiply(compute.divide(count, 1000), 1000))
    whole = compute.divide(count, 1000)
    whole = compute.subtract(whole, compute.less(rest, 0).cast(pyarrow.int64()))
    seconds = compute.multiply(compute.divide(whole, 1_000_000), 1_000_000)
    after = compute.and_(compute.not_equal(rest, 0), compute.equal(whole, seconds))
    return compute.add(whole, after.cast(pyarrow.int64())).cast(unit)


def _shortest(values: Sequence[object], kind: type[np.float16 | np.float32]) -> list[object]:
    """The shortest number that a person would have typed for each value of few digits."""
    known = {
        value: float(str(kind(value))) if isinstance(value, float) else None
        for value in set(values)
    }
    return [known[value] for value in values]


def _opened(path: Path) -> ParquetFile:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise NodeConfigError(
            f"{path}: kind: parquet needs pyarrow, which is not installed. "
            "Install it with: pip install 'riskset-node[parquet]'"
        ) from error
    check_format(path, ParquetSource.kind)
    try:
        return pyarrow.parquet.ParquetFile(path)
    except OSError as error:
        raise not_there(path, error) from error
    except pyarrow.ArrowInvalid as error:
        raise DataError(
            f"{path}: not a Parquet file that can be read ({error}). Check data.source.kind, or write it again."
        ) from error
