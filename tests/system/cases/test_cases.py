"""Files as people have them: each is read right, or refused with its cause and what to do; and what to do gives the right numbers.

Each folder in `files` is a small study of invented patients at five sites. `times.csv` beside this module needs no reading of ours: it was
written when the studies were made.
"""

from __future__ import annotations

import csv
import datetime
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.runs import results_of

from riskset_common.errors import RisksetError
from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import read_codebook
from riskset_common.study.study import Site, Study
from riskset_node.config import read_node
from riskset_node.records.findings import Severity, check_usable
from riskset_node.records.preparing import PreparedPatients, prepare
from riskset_node.records.reading import read_records

FILES = Path(__file__).parent / "files"
TODAY = datetime.date(2026, 1, 1)
EVERY = ("aa", "bb", "cc", "dd", "ee")
Rows = list[tuple[str, int, int]]
"""Site, days to death or last contact, whether the patient died; of a patient whose time is unknown -1 and -1."""


@dataclass(frozen=True)
class Case:
    """A case, what `data check` says of it, and the keys that people then write.

    Attributes
    ----------
    said
        Parts of what the first site is told; nothing where the file is read right as it is.
    data, source, columns
        Keys of node.yaml that set it right.
    plan
        Keys of the plan that do.
    sites
        The sites whose files are written so.
    truth
        The times, read without riskset.
    """

    said: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)
    source: Mapping[str, object] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    plan: Mapping[str, object] = field(default_factory=dict)
    sites: tuple[str, ...] = ("aa",)
    truth: Callable[[Path], Rows] | None = None


def recorded(folder: Path) -> Rows:
    """What the case's own truth.csv says."""
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        return sorted(
            (row["site"], int(row["time"]), int(row["died"])) for row in csv.DictReader(file)
        )


def plain(folder: Path) -> Rows:
    """The patients that several cases write in their own ways, from the one that has nothing odd but its header."""
    return _by_position(FILES / "14-nfd-header")


def _by_position(folder: Path) -> Rows:
    rows = []
    for path in sorted((folder / "data").glob("*.csv")):
        for _, begun, died, seen, *_ in list(csv.reader(path.read_text("utf-8").splitlines()))[1:]:
            rows.append((path.stem, _days(begun, died or seen), int(bool(died))))
    return sorted(rows)


def _days(start: str, end: str) -> int:
    return (datetime.date.fromisoformat(end) - datetime.date.fromisoformat(start)).days


def mid_month(folder: Path) -> Rows:
    """Months only, each completed with the 15th."""
    rows = []
    for path in sorted((folder / "data").glob("*.csv")):
        for row in csv.DictReader(path.read_text("utf-8").splitlines()):
            days = [f"{row[each]}-15"[:10] for each in ("dx", "death", "fu") if row[each]]
            rows.append((path.stem, _days(days[0], days[1]), int(bool(row["death"]))))
    return sorted(rows)


def whole_days(folder: Path) -> Rows:
    """Months with two decimals, each of which is nearest to one day."""
    rows = []
    for path in sorted((folder / "data").glob("*.csv")):
        for row in csv.DictReader(path.read_text("utf-8").splitlines()):
            rows.append((path.stem, round(float(row["t"]) * 30.4375), int(row["st"])))
    return sorted(rows)


def unknown_days(folder: Path) -> Rows:
    """A death on an unknown day has no time."""
    rows = []
    for path in sorted((folder / "data").glob("*.csv")):
        for row in csv.DictReader(path.read_text("utf-8").splitlines()):
            if row["death"] == "unknown":
                rows.append((path.stem, -1, -1))
            else:
                rows.append(
                    (
                        path.stem,
                        _days(row["dx"], row["death"] or row["fu"]),
                        int(bool(row["death"])),
                    )
                )
    return sorted(rows)


FORMULAS = (
    "no spreadsheet program has computed the formulas in column",
    "Open the workbook in Excel or LibreOffice, save it",
)
CASES = {
    "03-csv-1900-01-01-not-listed": Case(
        (
            "placeholder_date",
            "transplant (column 'tx')",
            "'1900-01-01'",
            "data.columns.transplant.did_not_happen",
        ),
        columns={"transplant": {"did_not_happen": ["1900-01-01"]}},
        sites=EVERY,
    ),
    "05-excel-formula-cached-zero": Case(FORMULAS),
    "08-months-with-two-decimals": Case(
        columns={"t": {"round": "day"}},
        plan={"time": {"unit": "months"}},
        sites=EVERY,
        truth=whole_days,
    ),
    "09-parquet-utc-midnight": Case(
        ("not_a_day", "diagnosis (column 'dx')", "data.columns.diagnosis.moments", "Europe/Vienna"),
        columns={"diagnosis": {"moments": "Europe/Vienna"}},
        sites=EVERY,
        truth=plain,
    ),
    "10-adtte-one-row-a-parameter": Case(
        ("duplicate_patient", "USUBJID", "data.source.where"),
        source={"where": {"PARAMCD": "OS"}},
        sites=EVERY,
    ),
    "11-exposure-time-with-indicator": Case(
        plan={
            "analyses": [
                {
                    "id": "cox",
                    "kind": "cox",
                    "endpoint": "OS",
                    "terms": [{"exposure": "tx", "where": {"txi": [1]}}],
                    "strata": ["site"],
                }
            ]
        },
    ),
    "14-nfd-header": Case(truth=plain),
    "15-yaml-date-as-missing-token": Case(truth=plain),
    "16-day-serials": Case(
        ("not_a_date", "day numbers of excel", "data.columns.diagnosis.dates"),
        columns={"diagnosis": {"dates": "excel"}},
        truth=plain,
    ),
    "17-month-only-dates": Case(
        ("'%Y-%m' has month and year, and no day", "day: 15"),
        source={"day": 15},
        plan={
            "analyses": [
                {"id": "os", "kind": "kaplan_meier", "endpoint": "OS", "by": "arm"},
                {
                    "id": "days",
                    "kind": "baseline",
                    "rows": ["diagnosis.day", "death.day", "last_contact.day"],
                },
            ]
        },
        truth=mid_month,
    ),
    "18-two-date-forms": Case(
        ("not_a_date", "%d/%m/%Y", "data.columns.diagnosis.dates"),
        columns={"diagnosis": {"dates": "%d/%m/%Y"}},
        truth=plain,
    ),
    "19-title-lines": Case(
        ("line 3 names the columns", "data.source.header to 3"),
        source={"header": 3},
        truth=plain,
    ),
    "20-r-write-table": Case(
        ("every row has 7 fields", "data.source.row_names to true"),
        source={"row_names": True},
        truth=plain,
    ),
    "21-no-header": Case(
        ("line 1 should name the columns", "write a header above the first patient")
    ),
    "23-utf16le-with-mark": Case(truth=plain),
    "25-thousands-by-points": Case(
        ("unclear_number", "wbc (column 'leuco')", "data.columns.wbc.thousands"),
        columns={"wbc": {"thousands": "."}},
        sites=("aa", "bb"),
    ),
    "26-mmddyyyy-lost-zero": Case(
        ("not_a_date", "Some have a digit less than %m%d%Y needs", "dropped the leading zero")
    ),
    "27-parquet-placeholder-moment": Case(truth=recorded),
    "28-excel-formula-covariate": Case(FORMULAS),
    "29-death-on-unknown-day": Case(
        ("unclear_missing", "death has empty cells and also: 'unknown'", "day_unknown"),
        columns={"death": {"missing": [], "day_unknown": ["unknown"]}},
        sites=EVERY,
        truth=unknown_days,
    ),
}


def mended(case: Case) -> Callable[[Path], None]:
    """Write the keys of a case into every node.yaml and into the plan."""

    def change(folder: Path) -> None:
        for site in case.sites:
            path = folder / "nodes" / f"{site}.yaml"
            node = yaml.safe_load(path.read_text("utf-8"))
            node["data"] |= case.data
            node["data"]["source"] |= case.source
            for name, keys in case.columns.items():
                column = node["data"]["columns"][name]
                column = {"from": column} if isinstance(column, str) else column
                node["data"]["columns"][name] = column | dict(keys)
            path.write_text(yaml.safe_dump(node, sort_keys=False), encoding="utf-8")
        plan = yaml.safe_load((folder / "plan.yaml").read_text("utf-8")) | case.plan
        (folder / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")

    return change


def read_sites(folder: Path) -> Iterator[tuple[str, PreparedPatients]]:
    """What each site of a study reads, in the order of their names."""
    codebook = read_codebook(folder / "codebook.yaml")
    plan = read_plan(folder / "plan.yaml")
    configs = [read_node(path) for path in sorted((folder / "nodes").glob("*.yaml"))]
    study = Study(plan, codebook, tuple(Site(each.site, each.study_group) for each in configs))
    for config in configs:
        yield config.site, prepare(read_records(config, codebook, TODAY), config, study)


def told(folder: Path) -> str:
    """Every error that the first site is told, as lines."""
    try:
        _, prepared = next(read_sites(folder))
    except RisksetError as error:
        return str(error)
    return "\n".join(str(found) for found in prepared.findings if found.severity is Severity.ERROR)


def times_read(folder: Path) -> Rows:
    """Each patient's time and event of the endpoint OS, as the sites of a study read them."""
    rows: Rows = []
    for site, prepared in read_sites(folder):
        check_usable(prepared.findings, site)
        times = prepared.patients.endpoints["OS"]
        rows += [
            (site, int(time), int(np.minimum(event, 1)))
            for time, event in zip(times.time, times.event, strict=True)
        ]
    return sorted(rows)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.said])
def test_a_file_that_cannot_be_read_surely_is_refused_with_its_cause_and_what_to_do(name):
    said = told(FILES / name)

    assert [] == [part for part in CASES[name].said if part not in said], said


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.truth is not None])
def test_with_what_people_then_write_every_time_is_the_right_one(name, tmp_path):
    case = CASES[name]
    assert case.truth is not None
    shutil.copytree(FILES / name, tmp_path / name)
    mended(case)(tmp_path / name)

    assert case.truth(FILES / name) == times_read(tmp_path / name)


def _group(number: int) -> Callable[[Mapping[str, Any]], list[object]]:
    """Patients, survival at the first horizon and the test's statistic of a curve."""

    def look(analyses: Mapping[str, Any]) -> list[object]:
        found = analyses["km"]["groups"][number]
        return [found["n"], round(found["at"][0]["survival"], 3)]

    return look


NUMBERS: dict[str, tuple[Callable[[Mapping[str, Any]], list[object]], list[object]]] = {
    "03-csv-1900-01-01-not-listed": (
        lambda found: [
            *(row["total"] for row in found["events"]["rows"]),
            found["cox"]["levels"][1]["n"],
            round(found["cox"]["terms"][0]["hazard_ratio"], 3),
            round(found["cox"]["terms"][0]["std_err"], 3),
        ],
        [45, 11, 23, 0.964, 0.375],
    ),
    "10-adtte-one-row-a-parameter": (
        lambda found: [found["km"]["n"], found["km"]["events"]],
        [40, 24],
    ),
    "11-exposure-time-with-indicator": (
        lambda found: [
            found["cox"]["levels"][1]["n"],
            round(found["cox"]["terms"][0]["coef"], 3),
            round(found["cox"]["terms"][0]["std_err"], 3),
        ],
        [49, 0.45, 0.346],
    ),
    "25-thousands-by-points": (
        lambda found: [
            *_group(0)(found),
            *_group(1)(found),
            round(found["km"]["test"]["statistic"], 3),
        ],
        [60, 0.865, 40, 0.676, 2.092],
    ),
}
"""What stands in the results, and what R gives on the patients."""


ELSEWHERE = {
    "07-estimate-beyond-follow-up": "estimates end with the follow-up: tests/common/estimators",
    "12-long-and-cjk-labels": "labels of a figure: with the tables and figures of a journal",
    "13-late-entry-empty-risk-set": "a warning of an emptied risk set: tests/common/estimators",
    "22-site-name": "names of sites: tests/site_node/test_node_config.py",
    "24-fisher-3x3": "Fisher's exact test: tests/common/survival",
    "30-censored-row-rounded": "numbers of a rounded figure: tests/system/cases/test_rounded_figures.py",
    "31-rounded-curve-flat-then-falls": "curves of a rounded figure: tests/system/cases/test_rounded_figures.py",
}
"""Cases of the same collection that are no matter of reading a file, and where each is held or will be."""


def test_every_case_of_reading_is_here():
    assert {path.name for path in FILES.iterdir()} == set(CASES)
    assert set() == set(CASES) & set(ELSEWHERE)


@pytest.mark.parametrize("name", list(NUMBERS))
def test_a_run_on_such_files_gives_the_numbers_of_r(name):
    look, expected = NUMBERS[name]

    assert expected == look(results_of(FILES / name, mended(CASES[name]))["analyses"])
