"""The same patients in every dialect that people write: read right or refused, and never other numbers.

Hypothesis draws patients, a source, and for each column a way of writing it. The node.yaml either says all that there is to say, and then
every patient is read as drawn; or some of it is left out, as people do, and then the records are refused or read as drawn.
"""

from __future__ import annotations

import csv
import datetime
import sqlite3
import zoneinfo
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.study.codebook import Codebook
from riskset_common.study.patients import NO_DATE, UNKNOWN_DAY, day_number
from riskset_node.config import NodeConfig
from riskset_node.records.findings import Severity
from riskset_node.records.reading import read_records
from riskset_node.records.site_records import SiteRecords

TODAY = datetime.date(2026, 6, 1)
CODEBOOK = Codebook.model_validate(
    {
        "codebook": "dialects",
        "version": 1,
        "variables": {
            "diagnosis": {"kind": "date", "label": "Diagnosis", "required": True},
            "death": {"kind": "date", "label": "Death"},
            "sex": {"kind": "category", "label": "Sex", "levels": {"f": "Female", "m": "Male"}},
            "wbc": {
                "kind": "number",
                "label": "White cells",
                "unit": "10^6/L",
                "range": [0, 3_000_000],
            },
        },
    }
)
VIENNA = zoneinfo.ZoneInfo("Europe/Vienna")
Cell = object
Columns = dict[str, list[Cell]]


@dataclass(frozen=True)
class Drawn:
    """Patients as they are: days of diagnosis and death (None alive, `unknown` dead on an unknown day), sex, white cells."""

    diagnosis: list[datetime.date]
    death: list[datetime.date | str | None]
    sex: list[str | None]
    wbc: list[int | None]


@dataclass(frozen=True)
class Way:
    """One way of writing a column: its cells, what node.yaml must say of it, and what of that may be forgotten."""

    cells: list[Cell]
    column: dict[str, object]
    forgettable: tuple[str, ...] = ()


days = st.dates(datetime.date(2006, 1, 1), datetime.date(2024, 12, 31))


@st.composite
def patients(draw: st.DrawFn) -> Drawn:
    n = draw(st.integers(1, 8))
    diagnosis = draw(st.lists(days, min_size=n, max_size=n))
    alive = st.one_of(st.none(), st.just("unknown"), st.integers(0, 500))
    after = draw(st.lists(alive, min_size=n, max_size=n))
    death = [
        begun + datetime.timedelta(days=each) if isinstance(each, int) else each
        for begun, each in zip(diagnosis, after, strict=True)
    ]
    sex = draw(st.lists(st.sampled_from(["f", "m", None]), min_size=n, max_size=n))
    wbc = draw(st.lists(st.one_of(st.none(), st.integers(0, 2_000_000)), min_size=n, max_size=n))
    return Drawn(diagnosis, death, sex, wbc)


FORMS = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d%m%Y",
    "%m%d%Y",
    "%Y%m%d",
    "%d%b%Y",
    "excel",
    "sas",
    "r",
)
ZERO = {
    "excel": datetime.date(1899, 12, 30),
    "sas": datetime.date(1960, 1, 1),
    "r": datetime.date(1970, 1, 1),
}


def written(day: datetime.date, form: str, *, lost: bool) -> str:
    """A day in a form; a program may have lost the leading zero of what is all digits."""
    if form in ZERO:
        return str((day - ZERO[form]).days)
    text = day.strftime(form)
    return text.lstrip("0") if lost and text.isdigit() else text


@st.composite
def dates(draw: st.DrawFn, values: Sequence[datetime.date | str | None], typed: bool) -> Way:
    """A column of dates: as texts in a form, as days, or as moments; with signs for what is no day."""
    alive = draw(st.sampled_from([None, "", "NA", "2222-02-02", "1900-01-01", "9999-12-31", "no"]))
    unknown = draw(st.sampled_from(["unknown", "1960-01-01", "8888-08-08"]))
    as_type = draw(st.sampled_from(["text", "day", "midnight", "utc"])) if typed else "text"
    form = draw(st.sampled_from(FORMS)) if as_type == "text" else "%Y-%m-%d"
    lost = draw(st.booleans())
    column: dict[str, object] = {"dates": form}
    if alive not in (None, "", "NA") and None in values:
        column["did_not_happen"] = [alive]
    if "unknown" in values:
        column["day_unknown"] = [unknown]
    cells: list[Cell] = []
    for value in values:
        if not isinstance(value, datetime.date):
            sign = alive if value is None else unknown
            cells.append(_sign(sign, as_type))
        elif as_type == "text":
            cells.append(written(value, form, lost=lost))
        elif as_type == "day":
            cells.append(value)
        else:
            moment = datetime.datetime.combine(value, datetime.time.min)
            if as_type == "utc":
                column["moments"] = "Europe/Vienna"
                moment = moment.replace(tzinfo=VIENNA).astimezone(datetime.UTC).replace(tzinfo=None)
            cells.append(moment)
    return Way(cells, column, tuple(column))


def _sign(sign: str | None, as_type: str) -> Cell:
    """A sign for no day, in a column of days or moments as one of them where it is a day."""
    if sign is None or as_type == "text":
        return sign
    try:
        day = datetime.date.fromisoformat(sign)
    except ValueError:
        return sign
    return day if as_type == "day" else datetime.datetime.combine(day, datetime.time.min)


@st.composite
def levels(draw: st.DrawFn, values: Sequence[str | None], typed: bool) -> Way:
    words: tuple[Cell, Cell] = draw(
        st.sampled_from([("f", "m"), ("1", "2"), ("Frau", "Mann"), ("é", "e\u0301m")])
    )
    if typed and words == ("1", "2"):
        words = draw(st.sampled_from([(1, 2), (1.0, 2.0), (True, False)]))
    missing = draw(st.sampled_from([None, "", "9", "k.A."]))
    codes = {
        {"True": "TRUE", "False": "FALSE"}.get(str(word), str(word).removesuffix(".0")): level
        for word, level in zip(words, ("f", "m"), strict=True)
    }
    cells = [missing if value is None else words["fm".index(value)] for value in values]
    column: dict[str, object] = {"codes": codes}
    if missing in ("9", "k.A."):
        column["missing"] = [missing]
    return Way(cells, column, tuple(column))


@st.composite
def numbers(draw: st.DrawFn, values: Sequence[int | None], typed: bool) -> Way:
    thousands = draw(st.sampled_from([None, ".", ",", " ", "'"]))
    missing = draw(st.sampled_from([None, "", "-9", "ND"]))
    column: dict[str, object] = {}
    if missing in ("-9", "ND"):
        column["missing"] = [missing]
    if typed and draw(st.booleans()):
        cells: list[Cell] = [
            (-9 if missing == "-9" else None) if value is None else value for value in values
        ]
        return Way(cells, column, tuple(column))
    if thousands is not None:
        column["thousands"] = thousands
        if thousands == ".":
            column["decimal"] = ","
    cells = [
        missing
        if value is None
        else f"{value:,}".replace(",", thousands)
        if thousands is not None
        else str(value)
        for value in values
    ]
    return Way(cells, column, tuple(column))


def write_csv(
    columns: Columns, folder: Path, draw: Callable[[st.SearchStrategy[str]], str]
) -> dict[str, object]:
    encoding = draw(
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
    )
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    try:
        for cells in columns.values():
            "".join(map(str, cells)).encode(encoding)
    except UnicodeEncodeError:
        encoding = "utf-8"
    with (folder / "p.csv").open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    said = "utf-8" if encoding == "utf-8-sig" else encoding
    return {"kind": "csv", "path": folder / "p.csv", "delimiter": delimiter, "encoding": said}


def write_excel(columns: Columns, folder: Path, draw: object) -> dict[str, object]:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(columns))
    for row in zip(*columns.values(), strict=True):
        sheet.append(list(row))
    book.save(folder / "p.xlsx")
    return {"kind": "excel", "path": folder / "p.xlsx"}


def write_parquet(columns: Columns, folder: Path, draw: object) -> dict[str, object]:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({name: pyarrow.array(cells) for name, cells in columns.items()})
    pyarrow.parquet.write_table(table, folder / "p.parquet")
    return {"kind": "parquet", "path": folder / "p.parquet"}


def write_sqlite(columns: Columns, folder: Path, draw: object) -> dict[str, object]:
    path = folder / "p.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"create table p ({', '.join(columns)})")
        rows = zip(*columns.values(), strict=True)
        database.executemany(f"insert into p values ({', '.join('?' * len(columns))})", rows)
    return {"kind": "sql", "url": f"sqlite:///file:{path}?mode=ro&uri=true", "table": "p"}


def write_redcap(columns: Columns, folder: Path, draw: object) -> dict[str, object]:
    with (folder / "r.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return {"kind": "redcap", "path": folder / "r.csv"}


Writer = Callable[..., dict[str, object]]
WRITERS: dict[str, tuple[Writer, bool]] = {
    "csv": (write_csv, False),
    "excel": (write_excel, True),
    "parquet": (write_parquet, True),
    "sql": (write_sqlite, False),
    "redcap": (write_redcap, False),
}
"""How the same columns are written for each kind of source, and whether its cells have types."""


def one_type(cells: list[Cell]) -> bool:
    return len({type(cell) for cell in cells if cell is not None}) < 2


@st.composite
def site_file(draw: st.DrawFn, kind: str, folder: Path) -> tuple[Drawn, NodeConfig, dict[str, Way]]:
    """Patients, the node.yaml that says all, and the way in which each variable is written."""
    drawn = draw(patients())
    writer, typed = WRITERS[kind]
    ways = {
        "diagnosis": draw(dates(drawn.diagnosis, typed)),
        "death": draw(dates(drawn.death, typed)),
        "sex": draw(levels(drawn.sex, typed)),
        "wbc": draw(numbers(drawn.wbc, typed)),
    }
    columns: Columns = {"nr": [f"P{row}" for row in range(len(drawn.sex))]}
    for name, way in ways.items():
        cells = way.cells
        if kind == "parquet" and not one_type(cells):
            cells = [None if cell is None else str(cell) for cell in cells]
        columns[f"col_{name}"] = cells
    source = writer(columns, folder, draw)
    config = config_of(source, {name: way.column for name, way in ways.items()})
    return drawn, config, ways


def config_of(source: dict[str, object], columns: dict[str, dict[str, object]]) -> NodeConfig:
    written_columns = {name: {"from": f"col_{name}"} | keys for name, keys in columns.items()}
    data = {"source": source, "patient": "nr", "columns": written_columns}
    return NodeConfig.model_validate({"site": "aa", "study_group": "A", "data": data})


def errors_of(records: SiteRecords) -> list[str]:
    return [str(found) for found in records.findings if found.severity is Severity.ERROR]


def check_read_as_drawn(records: SiteRecords, drawn: Drawn) -> None:
    """Every value is the drawn one."""
    expected = [
        NO_DATE if day is None else UNKNOWN_DAY if isinstance(day, str) else day_number(day)
        for day in drawn.death
    ]

    assert list(map(day_number, drawn.diagnosis)) == records.patients.dates["diagnosis"].tolist()
    assert expected == records.patients.dates["death"].tolist()
    assert [-1 if each is None else "fm".index(each) for each in drawn.sex] == (
        records.patients.categories["sex"].tolist()
    )
    assert np.array_equal(
        np.array([np.nan if each is None else each for each in drawn.wbc], dtype=np.float64),
        records.patients.numbers["wbc"],
        equal_nan=True,
    )


drawn_files = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize("kind", list(WRITERS))
@given(data=st.data())
@drawn_files
def test_what_node_yaml_says_is_read_right_or_refused(kind, data, tmp_path):
    drawn, config, _ = data.draw(site_file(kind, tmp_path))
    records = read_records(config, CODEBOOK, TODAY)
    note("\n".join(errors_of(records)))
    event("refused" if errors_of(records) else "read")
    for each in records.findings:
        event(str(each.kind))
    if not errors_of(records):
        check_read_as_drawn(records, drawn)


@pytest.mark.parametrize("kind", list(WRITERS))
@given(data=st.data())
@drawn_files
def test_what_node_yaml_leaves_out_is_read_right_or_refused(kind, data, tmp_path):
    drawn, config, ways = data.draw(site_file(kind, tmp_path))
    kept = {
        name: {key: value for key, value in way.column.items() if data.draw(st.booleans())}
        for name, way in ways.items()
    }
    source = config.data.source.model_dump(exclude_unset=True)
    for key in ("delimiter", "encoding", "decimal"):
        if key in source and data.draw(st.booleans()):
            del source[key]
    try:
        records = read_records(config_of(source, kept), CODEBOOK, TODAY)
    except (DataError, NodeConfigError):
        return
    if not errors_of(records):
        check_read_as_drawn(records, drawn)
