"""How fast each source of typed files is read: rows a second for 100,000 patients with 15 columns, beside the same table as CSV.

Run it with ``python -m tests.benchmarks.bench_sources``.
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow
import pyreadstat
from pyarrow import parquet
from tests.benchmarks.machine import describe, middle, timed

from riskset_node.sources import source_of

ROWS = 100_000
DATES = [f"date{number}" for number in range(4)]
REPEATS = 3
DAY_0 = {
    "sas": datetime.date(1960, 1, 1),
    "spss": datetime.date(1582, 10, 14),
    "stata": datetime.date(1960, 1, 1),
}


def cohort() -> pd.DataFrame:
    """An id, four dates of which two are often empty, five categories and five numbers."""
    random = np.random.default_rng(20260102)
    diagnosed = pd.Timestamp("2008-01-01") + pd.to_timedelta(random.integers(0, 3000, ROWS), "D")
    columns: dict[str, object] = {"id": [f"P{number:06d}" for number in range(ROWS)]}
    for number, share in enumerate((1.0, 0.3, 0.2, 1.0)):
        day = diagnosed + pd.to_timedelta(random.integers(0, 2000, ROWS), "D")
        columns[f"date{number}"] = np.where(random.random(ROWS) < share, day, np.datetime64("NaT"))
    for number in range(5):
        columns[f"category{number}"] = random.choice(["low", "medium", "high"], ROWS)
    for number in range(5):
        columns[f"number{number}"] = random.integers(0, 10_000, ROWS) / 10
    return pd.DataFrame(columns)


def in_numbers(patients: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Dates as the program counts them."""
    zero, unit = pd.Timestamp(DAY_0["sas"]), 86_400 if kind == "spss" else 1
    before = (DAY_0["sas"] - DAY_0[kind]).days
    counted = patients.copy()
    for name in DATES:
        counted[name] = ((patients[name] - zero).dt.days + before) * unit
    return counted


def write_workbook(patients: pd.DataFrame, path: Path, *, formulas: bool = False) -> None:
    """As openpyxl does; with formulas in a column that is not read, every cell is looked at."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("patients")
    sheet.append([*patients.columns, "more"])
    for row in patients.itertuples(index=False):
        cells = [None if value is pd.NaT else value for value in row]
        sheet.append([*cells, "=1+1" if formulas else 1])
    book.save(path)


def files(patients: pd.DataFrame) -> dict[str, tuple[str, Callable[[Path], object]]]:
    """By what is printed: the kind of source, and what writes its file."""
    sas, spss, stata = (in_numbers(patients, kind) for kind in ("sas", "spss", "stata"))
    table = pyarrow.Table.from_pandas(patients, preserve_index=False)
    return {
        "csv": ("csv", lambda path: patients.to_csv(path, index=False)),
        "excel": ("excel", partial(write_workbook, patients)),
        "excel with formulas": ("excel", partial(write_workbook, patients, formulas=True)),
        "parquet": ("parquet", lambda path: parquet.write_table(table, path)),
        "sas (.xpt)": (
            "sas",
            lambda path: pyreadstat.write_xport(
                sas, str(path), file_format_version=8, variable_format=dict.fromkeys(DATES, "DATE9")
            ),
        ),
        "spss (.sav)": (
            "spss",
            lambda path: pyreadstat.write_sav(
                spss, str(path), variable_format=dict.fromkeys(DATES, "DATE11")
            ),
        ),
        "stata (.dta)": (
            "stata",
            lambda path: pyreadstat.write_dta(
                stata, str(path), variable_format=dict.fromkeys(DATES, "%td")
            ),
        ),
    }


def main() -> None:
    """Print rows a second."""
    print(describe("openpyxl", "pyarrow", "pyreadstat"))
    patients = cohort()
    expected = None
    with tempfile.TemporaryDirectory() as folder:
        for name, (kind, write) in files(patients).items():
            path = Path(folder) / f"patients.{kind}"
            write(path)
            source = source_of(kind)
            settings = source.settings.model_validate({"kind": kind, "path": path})
            read = partial(source.read, settings, tuple(patients.columns))
            turns = [timed(read) for _ in range(REPEATS)]
            seconds = middle([took for took, _ in turns])
            deaths = sum(value not in (None, "") for value in turns[0][1]["date1"])
            expected = deaths if expected is None else expected
            if deaths != expected:
                raise SystemExit(f"{name}: {deaths} dates, and {expected} in the CSV")
            print(f"{name:<22}{seconds:6.2f} s {ROWS / seconds:>12,.0f} rows/s")


if __name__ == "__main__":
    main()
