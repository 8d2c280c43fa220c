"""Write one study group's records as its data manager would: text, SAS transport file or workbook."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from deploy.studies.interfant06.synthetic.dialects import UNITS, Dialect, Language
from deploy.studies.interfant06.synthetic.records import DATES, VARIABLES, Record, Value, whole

from riskset_common.errors import InputError
from riskset_node.records.values.units import conversion

CODEBOOK_UNITS = {"age": "months", "wbc": "10^9/L", "blasts": "/uL"}
_SAS_EPOCH = datetime.date(1960, 1, 1)
_CREATED = datetime.datetime(2018, 1, 15, 12)  # noqa: DTZ001 - a workbook has no time zones
"""When the workbooks say they were made: the same records make the same file."""


LocalRecord = dict[str, Value]
"""One infant under local column names, with local codes and units; days stay days, and None is missing."""


def age_as_read(days: int, dialect: Dialect) -> float:
    """Age in months as it is read from a file in this dialect: an age in weeks or months stands there with two decimals."""
    factor = _factor(dialect.units[0], "months", "age")
    return float(Fraction(_age(days, dialect)) * factor)


def _factor(unit: str, to: str, variable: str) -> Fraction:
    factor = conversion(unit, to)
    if factor is None:
        raise InputError(f"{variable}: {unit!r} cannot be turned into {to!r}. Mend dialects.yaml.")
    return factor


def local_record(record: Record, dialect: Dialect, language: Language) -> LocalRecord:
    """One record in the group's words."""
    local: LocalRecord = {language.patient: f"{whole(record, 'number'):03d}"}
    for variable in VARIABLES:
        value = record.get(variable)
        if variable == "age":
            value = _age(whole(record, "age_days"), dialect)
        elif isinstance(value, int | float) and variable in UNITS:
            value = _in_unit(variable, value, dialect)
        elif isinstance(value, str) and variable in language.codes:
            value = language.codes[variable][value]
        local[language.column(variable)] = value
    return local


def _age(days: int, dialect: Dialect) -> Decimal:
    return _decimal(round(days * _factor("days", dialect.units[0], "age"), 2))


def _in_unit(variable: str, value: float, dialect: Dialect) -> Decimal:
    known = CODEBOOK_UNITS[variable]
    factor = _factor(known, dialect.unit(variable) or known, variable)
    return _decimal(Fraction(repr(float(value))) * factor)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def write_file(
    records: Sequence[LocalRecord], path: Path, dialect: Dialect, language: Language
) -> None:
    """Write local records in the group's kind of file."""
    if dialect.kind == "csv":
        _write_csv(records, path, dialect)
    elif dialect.kind == "sas":
        _write_sas(records, path, {language.column(name) for name in DATES}, language.patient)
    else:
        _write_excel(records, path, dialect)


def _text(value: Value, dialect: Dialect) -> str:
    if value is None:
        return dialect.missing or ""
    if isinstance(value, datetime.date):
        return value.strftime(dialect.dates or "%Y-%m-%d")
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", dialect.decimal)
    return str(value)


def _write_csv(records: Sequence[LocalRecord], path: Path, dialect: Dialect) -> None:
    with path.open("w", encoding=dialect.encoding, newline="") as lines:
        writer = csv.writer(lines, delimiter=dialect.delimiter, lineterminator="\n")
        writer.writerow(records[0])
        for record in records:
            writer.writerow([_text(value, dialect) for value in record.values()])


def _write_sas(records: Sequence[LocalRecord], path: Path, dates: set[str], patient: str) -> None:
    """A transport file: all columns but the patient are numbers, dates among them."""
    import pyreadstat

    try:
        import pandas as pd
    except ImportError as error:
        raise InputError(
            f"{path}: SAS files are written from a table of pandas, which is not installed. "
            "`make test` installs it into the environment of the checkout, or: pip install pandas."
        ) from error
    columns = {
        name: [record[name] if name == patient else _sas_number(record[name]) for record in records]
        for name in records[0]
    }
    pyreadstat.write_xport(
        pd.DataFrame(columns),
        str(path),
        table_name="INFANTS",
        file_format_version=5,
        variable_format=dict.fromkeys(sorted(dates), "DATE9"),
    )


def _sas_number(value: Value) -> float:
    if value is None:
        return float("nan")
    return float((value - _SAS_EPOCH).days if isinstance(value, datetime.date) else value)


def _write_excel(records: Sequence[LocalRecord], path: Path, dialect: Dialect) -> None:
    """A workbook; its dates are cells of days, or texts where the dialect has a layout."""
    import openpyxl

    book = openpyxl.Workbook()
    book.properties.created = book.properties.modified = _CREATED
    sheet = book.active
    sheet.title = "infants"
    sheet.append(list(records[0]))
    for record in records:
        sheet.append([_cell(value, dialect) for value in record.values()])
    book.save(path)


def _cell(value: Value, dialect: Dialect) -> Value:
    if value is None:
        return dialect.missing
    if isinstance(value, datetime.date):
        return value if dialect.dates is None else value.strftime(dialect.dates)
    return float(value) if isinstance(value, Decimal) else value
