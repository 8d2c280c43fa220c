"""SAS data sets: transport files (.xpt) and SAS7BDAT files, read through the ReadStat library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.source import (
    FileSettings,
    FileSource,
    check_header,
    known_encoding,
    not_there,
)

_MORE_DAYS = ["WORDDATE", "WORDDATX", "WEEKDATX"]
"""Formats of SAS that show a day, beside those that pyreadstat knows."""
_TRANSPORT_BEGINS = b"HEADER RECORD*******LIB"


class SasSettings(FileSettings):
    """A SAS data set, as node.yaml describes it; `dates` and `missing` apply to its columns of text."""

    kind: Literal["sas"]
    encoding: Annotated[str, AfterValidator(known_encoding)] | None = None


class SasSource(FileSource):
    """A SAS data set; numbers that SAS shows as dates are days, and special missing values (.A to .Z) are missing."""

    kind = "sas"
    settings = SasSettings

    def header(self, settings: SasSettings) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(_read(settings, metadataonly=True))

    def read(self, settings: SasSettings, columns: Sequence[str]) -> dict[str, list[object]]:
        """Read these columns: texts, numbers, days and moments, None where SAS has a missing number."""
        check_header(self.header(settings), columns, settings.path)
        found = _read(settings, usecols=list(columns))
        return {name: list(found[name]) for name in columns}


def _read(
    settings: SasSettings, *, metadataonly: bool = False, usecols: list[str] | None = None
) -> Mapping[str, Sequence[object]]:
    """Columns by name, as ReadStat gives them; what goes wrong is told with what to change."""
    # Its few megabytes are for the nodes that need them.
    import pyreadstat

    path = settings.path
    read = pyreadstat.read_xport if _is_transport(path) else pyreadstat.read_sas7bdat
    try:
        columns: Mapping[str, Sequence[object]]
        columns, _ = read(
            str(path),
            output_format="dict",
            encoding=settings.encoding,
            extra_date_formats=_MORE_DAYS,
            metadataonly=metadataonly,
            usecols=usecols,
        )
    except UnicodeError as error:
        raise _wrong_encoding(settings, error) from error
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
        if "encoding" in str(error):
            raise _wrong_encoding(settings, error) from error
        raise DataError(
            f"{path}: not a SAS data set that can be read ({error}). Check data.source.kind, or export the data again: "
            "as a transport file (libname out xport 'file.xpt') or as CSV."
        ) from error
    return columns


def _is_transport(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_TRANSPORT_BEGINS)) == _TRANSPORT_BEGINS
    except OSError as error:
        raise not_there(path, error) from error


def _wrong_encoding(settings: SasSettings, error: Exception) -> NodeConfigError:
    said = "what the file says, or UTF-8" if settings.encoding is None else settings.encoding
    return NodeConfigError(
        f"{settings.path}: its texts are not in {said} ({error}). "
        "Set data.source.encoding; usual ones are cp1252, iso8859-1 and utf-8."
    )
