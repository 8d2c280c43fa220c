"""The same patients in every format of typed files, each as some program may write it, are the same patients."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from riskset_node.records.findings import check_usable
from riskset_node.records.reading import read_records

DAY = datetime.timedelta(days=1)
UNKNOWN = "died on an unknown day"


@dataclass(frozen=True)
class Patient:
    """One patient; `died` is a day, None, or `UNKNOWN`."""

    diagnosed: datetime.date
    died: datetime.date | str | None
    sex: int | None
    age: float | None


days = st.dates(datetime.date(1920, 1, 1), datetime.date(1985, 12, 31))
patients = st.builds(
    lambda diagnosed, after, sex, tenths: Patient(
        diagnosed,
        after if after is None or isinstance(after, str) else diagnosed + after * DAY,
        sex,
        None if tenths is None else tenths / 10,
    ),
    days,
    st.one_of(st.none(), st.just(UNKNOWN), st.integers(0, 10_000)),
    st.sampled_from([1, 2, None]),
    st.one_of(st.none(), st.integers(0, 120)),
)


def _counted(cohort, day_0, unit=1):
    """Columns of numbers; NaN where a cell is empty or has a special missing value, which each program writes in its own way."""
    count = lambda day: (  # noqa: E731
        float((day - day_0).days * unit) if isinstance(day, datetime.date) else np.nan
    )
    return {
        "pat": [f"p{number}" for number in range(len(cohort))],
        "dx": [count(each.diagnosed) for each in cohort],
        "died": [count(each.died) for each in cohort],
        "sex": [np.nan if each.sex is None else float(each.sex) for each in cohort],
        "age": [np.nan if each.age is None else each.age for each in cohort],
    }


def _unknown(cohort):
    return [number for number, each in enumerate(cohort) if each.died == UNKNOWN]


def _csv(cohort, path, draw):
    layout = draw(st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d"]))
    text = lambda day: f"{day:{layout}}" if isinstance(day, datetime.date) else day or ""  # noqa: E731
    rows = [
        f"p{number},{text(each.diagnosed)},{text(each.died)},{each.sex or ''},{'' if each.age is None else each.age}"
        for number, each in enumerate(cohort)
    ]
    path.write_text("\n".join(["pat,dx,died,sex,age", *rows, ""]), encoding="utf-8")
    return f'kind: csv, dates: "{layout}"', UNKNOWN


def _excel(cohort, path, draw):
    book = openpyxl.Workbook()
    if draw(st.booleans()):
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    above = draw(st.integers(0, 3))
    for _ in range(above):
        book.active.append(["Export", "2024"])
    book.active.append(["pat", "dx", "died", "sex", "age"])
    for number, each in enumerate(cohort):
        sex = each.sex if each.sex is None or draw(st.booleans()) else f" {each.sex}"
        diagnosed = each.diagnosed if draw(st.booleans()) else f"{each.diagnosed}"
        book.active.append([f"p{number}", diagnosed, each.died, sex, each.age])
    book.save(path)
    return f"kind: excel, header: {above + 1}", UNKNOWN


def _parquet(cohort, path, draw):
    sign = datetime.date(2222, 2, 2)
    kinds = [pyarrow.date32(), pyarrow.date64(), *map(pyarrow.timestamp, ("s", "ms", "us", "ns"))]
    of_days = [each.diagnosed for each in cohort]
    died = [sign if each.died == UNKNOWN else each.died for each in cohort]
    sex = [None if each.sex is None else str(each.sex) for each in cohort]
    columns = {
        "pat": pyarrow.array([f"p{number}" for number in range(len(cohort))]),
        "dx": pyarrow.array(of_days, pyarrow.date32()).cast(draw(st.sampled_from(kinds))),
        "died": pyarrow.array(died, pyarrow.date32()).cast(draw(st.sampled_from(kinds))),
        "sex": pyarrow.array(sex, pyarrow.string()),
        "age": pyarrow.array(
            [each.age for each in cohort],
            draw(st.sampled_from([pyarrow.float32(), pyarrow.float64()])),
        ),
    }
    if draw(st.booleans()):
        columns["sex"] = columns["sex"].dictionary_encode()
    parquet.write_table(pyarrow.table(columns), path)
    return "kind: parquet", str(sign)


def _sas(cohort, path, draw):
    columns = _counted(cohort, datetime.date(1960, 1, 1))
    # A number that stands for no day marks the cell until its bytes are exchanged.
    mark = 123_456_789.0
    for number in _unknown(cohort):
        columns["died"][number] = mark
    layout = draw(st.sampled_from(["DATE9", "DDMMYY10", "E8601DA10", "EURDFDD10"]))
    pyreadstat.write_xport(
        pd.DataFrame(columns),
        str(path),
        variable_format={"dx": layout, "died": layout},
        file_format_version=draw(st.sampled_from([5, 8])),
    )
    # The mark as IBM wrote numbers: the exponent 64 + 7, and its seven hexadecimal digits.
    marked = b"\x47" + (int(mark) << 4).to_bytes(4, "big") + bytes(3)
    content = path.read_bytes()
    assert content.count(marked) == len(_unknown(cohort))
    path.write_bytes(content.replace(marked, b"U" + bytes(7)))
    return "kind: sas", ".U"


def _spss(cohort, path, draw):
    columns = _counted(cohort, datetime.date(1582, 10, 14), 86_400)
    for number in _unknown(cohort):
        columns["died"][number] = 99.0
    layout = draw(st.sampled_from(["DATE11", "EDATE10", "SDATE10", "DATETIME20"]))
    pyreadstat.write_sav(
        pd.DataFrame(columns),
        str(path),
        compress=draw(st.booleans()),
        variable_format={"dx": layout, "died": layout},
        missing_ranges={"died": [99.0]},
    )
    return "kind: spss", "user-missing 1"


def _stata(cohort, path, draw):
    layout, unit = draw(st.sampled_from([("%td", 1), ("%tdD/N/CY", 1), ("%tc", 86_400_000)]))
    columns = _counted(cohort, datetime.date(1960, 1, 1), unit)
    unknown = _unknown(cohort)
    columns["died"] = [
        "u" if number in unknown else day for number, day in enumerate(columns["died"])
    ]
    pyreadstat.write_dta(
        pd.DataFrame(columns),
        str(path),
        version=draw(st.sampled_from([8, 12, 14, 15])),
        variable_format={"dx": layout, "died": layout},
        missing_user_values={"died": ["u"]} if unknown else None,
    )
    return "kind: stata", ".u"


WRITERS: dict[str, Callable[..., tuple[str, str]]] = {
    "excel": _excel,
    "parquet": _parquet,
    "sas": _sas,
    "spss": _spss,
    "stata": _stata,
}


def _read(site, path: Path, cohort, write, draw):
    source, sign = write(cohort, path, draw)
    node = site.node(
        f"""
        source: {{{source}, path: {path}}}
        patient: pat
        columns:
          diagnosed: dx
          died: {{from: died, day_unknown: ["{sign}"]}}
          sex: {{from: sex, codes: {{1: male, 2: female}}}}
          age: age
        absent: {{remission: x, relapse: x, seen: x}}
        accept: [placeholder_date, missing_required]
        """
    )
    records = read_records(node, site.codebook(), site.TODAY)
    check_usable(records.findings, "site")
    return records.patients


@pytest.mark.parametrize("kind", WRITERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cohort=st.lists(patients, min_size=1, max_size=6), data=st.data())
def test_the_same_patients_in_any_format_are_the_same(site, tmp_path, kind, cohort, data):
    expected = _read(site, tmp_path / "patients.csv", cohort, _csv, data.draw)
    found = _read(site, tmp_path / "patients.bin", cohort, WRITERS[kind], data.draw)

    assert expected.digest() == found.digest()
