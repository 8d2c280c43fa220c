"""SAS data sets: transport files (.xpt, version 5) and SAS7BDAT files, read through pandas."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pandas.io.sas.sas7bdat import SAS7BDATReader
from pandas.io.sas.sas_xport import XportReader
from pydantic import AfterValidator

from riskset_common.errors import DataError, NodeConfigError
from riskset_node.sources.source import SourceSettings, check_header, known_encoding, not_there

_SAS_EPOCH = datetime.date(1960, 1, 1)
_TRANSPORT_BEGINS = b"HEADER RECORD*******LIBRARY HEADER RECORD"
_LATER_TRANSPORT_BEGINS = b"HEADER RECORD*******LIBV8"
_SAS7BDAT_MAGIC = bytes.fromhex("00" * 12 + "c2ea8160b31411cfbd92080009c7318c181f1011")

_ZERO_READ_FROM_TRANSPORT = 2.0**-260
"""What pandas makes of a zero of IBM's floating point, the numbers of transport files; no other number becomes it."""

_DAYS = re.compile(
    r"(DATE|DAY|DDMMYY[BCDNPS]?|MMDDYY[BCDNPS]?|YYMMDD[BCDNPS]?|E8601DA|B8601DA|IS8601DA|"
    r"WEEKDATE|WEEKDATX|WORDDATE|WORDDATX|EURDFDD|NLDATE|MINGUO|JULIAN)[0-9]*\.?[0-9]*"
)
_MOMENTS = re.compile(r"(DATETIME|DATEAMPM|E8601DT|B8601DT|NLDATM|EURDFDT|MDYAMPM)[0-9]*\.?[0-9]*")


class SasSettings(SourceSettings):
    """A SAS data set, as node.yaml describes it; `dates` and `missing` apply to its columns of text."""

    kind: Literal["sas"]
    encoding: Annotated[str, AfterValidator(known_encoding)] = "utf-8"


class SasSource:
    """A SAS data set; numbers that SAS shows as dates are days, and special missing values (.A to .Z) are missing."""

    kind = "sas"
    settings = SasSettings

    def header(self, settings: SasSettings) -> tuple[str, ...]:
        """Names of all columns."""
        with _opened(settings) as reader:
            return tuple(_formats(reader))

    def read(self, settings: SasSettings, columns: Sequence[str]) -> pd.DataFrame:
        """Read these columns. SAS files hold whole rows, so the others pass through memory."""
        with _opened(settings) as reader:
            formats = _formats(reader)
            check_header(tuple(formats), columns, settings.path)
            frame = _rows(reader, columns)
        return pd.DataFrame(
            {name: _values(frame[name], formats[name]) for name in columns},
            columns=list(columns),
        )


Reader = Any
"""XportReader or SAS7BDATReader of pandas, whose stubs leave out what the readers are made with and what they hold."""
Make = Callable[[SasSettings], Reader]


@contextmanager
def _opened(settings: SasSettings) -> Iterator[Reader]:
    """The reader that fits the first bytes of the file; what goes wrong while reading is told with the setting to change."""
    path = settings.path
    make = _reader_for(path)
    try:
        with make(settings) as reader:
            yield reader
    except UnicodeError as error:
        raise NodeConfigError(
            f"{path}: its texts are not {settings.encoding} ({error}). "
            "Set data.source.encoding; usual ones are utf-8, cp1252 and iso8859-1."
        ) from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise DataError(
            f"{path}: not a SAS data set that can be read ({error}). Export it again: as a transport file of version 5 "
            "(libname xpt xport 'file.xpt'), or as CSV."
        ) from error


def _reader_for(path: Path) -> Make:
    xport: Reader = XportReader
    sas7bdat: Reader = SAS7BDATReader
    try:
        with path.open("rb") as file:
            begins = file.read(len(_TRANSPORT_BEGINS))
    except OSError as error:
        raise not_there(path, error) from error
    if begins == _TRANSPORT_BEGINS:
        return lambda settings: xport(settings.path, encoding=settings.encoding)
    if begins.startswith(_SAS7BDAT_MAGIC):
        # Dates are turned by `_values`, alike for both kinds of file.
        return lambda settings: sas7bdat(
            settings.path, encoding=settings.encoding, convert_dates=False
        )
    if begins.startswith(_LATER_TRANSPORT_BEGINS):
        raise DataError(
            f"{path}: a SAS transport file of version 8, which is not read. "
            "Export it in version 5 (libname xpt xport 'file.xpt'), or as CSV."
        )
    raise DataError(
        f"{path}: neither a SAS transport file nor a SAS7BDAT file. Check data.source.kind."
    )


def _is_transport(reader: Reader) -> bool:
    return isinstance(reader, XportReader)


def _rows(reader: Reader, columns: Sequence[str]) -> pd.DataFrame:
    """All rows. Of a file without rows pandas makes an exception, or a frame without columns."""
    if (reader.nobs if _is_transport(reader) else reader.row_count) == 0:
        return pd.DataFrame(columns=list(columns), dtype=object)
    frame: pd.DataFrame = reader.read()
    return frame.replace(_ZERO_READ_FROM_TRANSPORT, 0.0) if _is_transport(reader) else frame


def _formats(reader: Reader) -> Mapping[str, str]:
    """The display format of each column by the column's name, in the order of the file."""
    if _is_transport(reader):
        return {each["name"].decode(): _text(each["nform"]) for each in reader.fields}
    return {str(each.name): _text(each.format) for each in reader.columns}


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value


def _values(column: pd.Series[Any], layout: str) -> pd.Series[Any]:
    """A column as the source gives it: texts and numbers as they are, days where SAS shows days, None where it holds nothing."""
    if not pd.api.types.is_numeric_dtype(column):
        return column.astype(object)
    per_day = 1 if _DAYS.fullmatch(layout.upper()) else 86_400
    if per_day > 1 and not _MOMENTS.fullmatch(layout.upper()):
        return column
    days = [
        None if np.isnan(value) else _SAS_EPOCH + datetime.timedelta(days=int(value // per_day))
        for value in column
    ]
    return pd.Series(days, dtype=object)
