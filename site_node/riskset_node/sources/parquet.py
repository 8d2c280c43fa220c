"""Parquet files, whose columns have types of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.source import FileSettings, FileSource, check_header, not_there

if TYPE_CHECKING:
    from pyarrow import ChunkedArray
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
        """Read these columns; whole numbers stay whole, days stay days."""
        file = _opened(settings.path)
        check_header(file.schema_arrow.names, columns, settings.path)
        table = file.read(columns=list(columns))
        return {name: _values(table.column(name)) for name in columns}


def _values(column: ChunkedArray) -> list[object]:
    import pyarrow

    if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Python's own times have microseconds.
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    return list(column.to_pylist())


def _opened(path: Path) -> ParquetFile:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise NodeConfigError(
            f"{path}: kind: parquet needs pyarrow, which is not installed. "
            "Install it with: pip install 'riskset-node[parquet]'"
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except OSError as error:
        raise not_there(path, error) from error
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"{path}: not a Parquet file ({error}). Check data.source.kind.") from error
