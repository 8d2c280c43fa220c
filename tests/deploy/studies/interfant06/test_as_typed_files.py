"""Each file of the study as a workbook, a Parquet file, and files of SPSS, Stata and SAS: the same patients as from the file itself."""

from __future__ import annotations

import datetime

import numpy as np
import openpyxl
import pandas as pd
import pyarrow
import pyreadstat
import pytest
from pyarrow import parquet

from riskset_common.study.codebook import read_codebook
from riskset_node.config import NodeConfig, read_node
from riskset_node.records.reading import read_records

TODAY = datetime.date(2018, 6, 1)
DAY_0 = {
    "sas": datetime.date(1960, 1, 1),
    "spss": datetime.date(1582, 10, 14),
    "stata": datetime.date(1960, 1, 1),
}


def _table(records, codebook):
    """One column a variable in the codebook's own words and units: texts, numbers, and days; None for nothing."""
    patients = records.patients
    table = {"patient": list(records.local_ids.at(np.arange(patients.n)))}
    for name, codes in patients.categories.items():
        levels = list(codebook.variables[name].levels)
        table[name] = [None if code < 0 else levels[code] for code in codes]
    for name, numbers in patients.numbers.items():
        table[name] = [None if np.isnan(number) else float(number) for number in numbers]
    for name, days in patients.dates.items():
        table[name] = [
            datetime.date(1970, 1, 1) + datetime.timedelta(days=int(day)) if known else None
            for day, known in zip(days, patients.known(name), strict=True)
        ]
    return table


def _in_16_digits(cell):
    """openpyxl writes so many digits of a number; one with more is written as a text."""
    return repr(cell) if isinstance(cell, float) and float(f"{cell:.16g}") != cell else cell


def _write(table, dates, kind, path):
    """The table as a program would write it."""
    if kind == "excel":
        book = openpyxl.Workbook()
        book.active.append(list(table))
        for row in zip(*table.values(), strict=True):
            book.active.append([_in_16_digits(cell) for cell in row])
        book.save(path)
        return
    if kind == "parquet":
        parquet.write_table(pyarrow.table(table), path)
        return
    unit = 86_400 if kind == "spss" else 1
    numbers = {
        name: [
            np.nan if day is None else float((day - DAY_0[kind]).days * unit) for day in table[name]
        ]
        for name in dates
    }
    frame = pd.DataFrame(table | numbers)
    texts = frame.select_dtypes(object).columns
    frame[texts] = frame[texts].fillna("")
    if kind == "sas":
        shown = dict.fromkeys(dates, "DATE9")
        pyreadstat.write_xport(frame, str(path), file_format_version=8, variable_format=shown)
    elif kind == "spss":
        pyreadstat.write_sav(frame, str(path), variable_format=dict.fromkeys(dates, "DATE11"))
    else:
        pyreadstat.write_dta(frame, str(path), variable_format=dict.fromkeys(dates, "%td"))


@pytest.mark.parametrize("kind", ["excel", "parquet", "sas", "spss", "stata"])
def test_every_file_in_another_format_gives_the_same_patients(study, tmp_path, kind):
    codebook = read_codebook(study / "codebook.yaml")
    for place in sorted((study / "nodes").glob("*.yaml")):
        config = read_node(place)
        records = read_records(config, codebook, TODAY)
        table = _table(records, codebook)
        path = tmp_path / f"{config.site}.bin"
        _write(table, list(records.patients.dates), kind, path)
        written = config.model_dump(by_alias=True, exclude_unset=True)
        written["data"] = {
            "source": {"kind": kind, "path": path},
            "patient": "patient",
            "columns": {
                name: name for name in table if name != "patient" and name not in config.data.absent
            },
            "absent": dict(config.data.absent),
            "accept": list(config.data.accept),
        }
        found = read_records(NodeConfig.model_validate(written), codebook, TODAY)

        assert [] == [str(each) for each in found.findings if each.severity == "error"]
        assert records.patients.digest() == found.patients.digest(), config.site
