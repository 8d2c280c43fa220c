"""Write one study group's records as its data manager would: text, SAS transport file or workbook."""

from __future__ import annotations

import csv
import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from riskset_common.errors import InputError
from riskset_embedded.interfant06.dialects import UNITS, Dialect, Language
from riskset_embedded.interfant06.records import DATES, VARIABLES
from riskset_node.units import conversion

CODEBOOK_UNITS = {"age": "months", "wbc": "10^9/L", "blasts": "/uL"}
_SAS_EPOCH = datetime.date(1960, 1, 1)
_CREATED = datetime.datetime(2018, 1, 15, 12)  # noqa: DTZ001 - a workbook has no time zones
"""When the workbooks say they were made: the same records make the same file."""


def with_ages(records: pd.DataFrame, dialect: Dialect) -> pd.DataFrame:
    """Fill `age`, in months, as it is read from a file in this dialect: an age in weeks or months stands there with two decimals."""
    factor = _factor(dialect.units[0], "months", "age")
    ages = [float(Fraction(_age(int(days), dialect)) * factor) for days in records["age_days"]]
    return records.assign(age=ages)


def _factor(unit: str, to: str, variable: str) -> Fraction:
    factor = conversion(unit, to)
    if factor is None:
        raise InputError(f"{variable}: {unit!r} cannot be turned into {to!r}. Mend dialects.yaml.")
    return factor


def local_records(records: pd.DataFrame, dialect: Dialect, language: Language) -> pd.DataFrame:
    """Records under local names, codes and units; days stay days, and None is missing. `records` has its `age`."""
    numbers = [f"{number:03d}" for number in records["number"]]
    columns: dict[str, list[Any]] = {language.patient: numbers}
    for variable in VARIABLES:
        values = [None if pd.isna(value) else value for value in records[variable]]
        if variable == "age":
            values = [_age(int(day), dialect) for day in records["age_days"]]
        elif variable in UNITS:
            values = [
                None if value is None else _in_unit(variable, value, dialect) for value in values
            ]
        elif variable in language.codes:
            codes = language.codes[variable]
            values = [None if value is None else codes[value] for value in values]
        columns[language.column(variable)] = values
    return pd.DataFrame(columns, dtype=object)


def _age(days: int, dialect: Dialect) -> Decimal:
    return _decimal(round(days * _factor("days", dialect.units[0], "age"), 2))


def _in_unit(variable: str, value: float, dialect: Dialect) -> Decimal:
    known = CODEBOOK_UNITS[variable]
    factor = _factor(known, dialect.unit(variable) or known, variable)
    return _decimal(Fraction(repr(float(value))) * factor)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def write_file(local: pd.DataFrame, path: Path, dialect: Dialect, language: Language) -> None:
    """Write local records in the group's kind of file."""
    if dialect.kind == "csv":
        _write_csv(local, path, dialect)
    elif dialect.kind == "sas":
        _write_sas(local, path, {language.column(name) for name in DATES}, language.patient)
    else:
        _write_excel(local, path, dialect)


def _text(value: Any, dialect: Dialect) -> str:
    if value is None:
        return dialect.missing or ""
    if isinstance(value, datetime.date):
        return value.strftime(dialect.dates or "%Y-%m-%d")
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", dialect.decimal)
    return str(value)


def _write_csv(local: pd.DataFrame, path: Path, dialect: Dialect) -> None:
    with path.open("w", encoding=dialect.encoding, newline="") as lines:
        writer = csv.writer(lines, delimiter=dialect.delimiter, lineterminator="\n")
        writer.writerow(local.columns)
        for row in local.itertuples(index=False):
            writer.writerow([_text(value, dialect) for value in row])


def _write_sas(local: pd.DataFrame, path: Path, dates: set[str], patient: str) -> None:
    """A transport file: all columns but the patient are numbers, dates among them."""
    try:
        import pyreadstat
    except ImportError as error:
        raise InputError(
            f"{path}: SAS transport files are written with pyreadstat, which is not installed. "
            "Install it with: pip install pyreadstat"
        ) from error
    columns = {
        name: values if name == patient else [_sas_number(value) for value in values]
        for name, values in local.items()
    }
    pyreadstat.write_xport(
        pd.DataFrame(columns),
        str(path),
        table_name="INFANTS",
        file_format_version=5,
        variable_format=dict.fromkeys(sorted(dates), "DATE9"),
    )


def _sas_number(value: Any) -> float:
    if value is None:
        return float("nan")
    return float((value - _SAS_EPOCH).days if isinstance(value, datetime.date) else value)


def _write_excel(local: pd.DataFrame, path: Path, dialect: Dialect) -> None:
    """A workbook; its dates are cells of days, or texts where the dialect has a layout."""
    import openpyxl

    book = openpyxl.Workbook()
    book.properties.created = book.properties.modified = _CREATED
    sheet = book.active
    sheet.title = "infants"
    sheet.append(list(local.columns))
    for row in local.itertuples(index=False):
        sheet.append([_cell(value, dialect) for value in row])
    book.save(path)


def _cell(value: Any, dialect: Dialect) -> Any:
    if value is None:
        return dialect.missing
    if isinstance(value, datetime.date):
        return value if dialect.dates is None else value.strftime(dialect.dates)
    return float(value) if isinstance(value, Decimal) else value
