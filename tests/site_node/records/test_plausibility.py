"""Warnings on what is hardly true: few, and none where a true site would have them."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from riskset_common.study.codebook import read_codebook
from riskset_node.commands.riskset_node import app
from riskset_node.config import read_node
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Severity
from riskset_node.records.plausibility import implausible
from riskset_node.records.preparing import prepare
from riskset_node.records.reading import read_records

TODAY = datetime.date(2018, 6, 1)
CODEBOOK = """
codebook: tumours
version: 1
variables:
  diagnosed: {kind: date, label: Date of diagnosis, required: true}
  exposed: {kind: date, label: Date of transplantation}
  died: {kind: date, label: Date of death}
  seen: {kind: date, label: Date of last contact}
  size: {kind: number, label: Size, unit: mm, range: [0, 200], typical: [5, 60]}
  score: {kind: number, label: Score, typical: [5, 60]}
  grade: {kind: category, label: Grade, levels: {1: I, 2: II, 3: III}}
derived:
  small: {from: size, label: Size, cut: {"<= 20": [0, 20], "> 20": [20, null]}}
  region: {from: study_group, label: Region, groups: {north: [NOPHO], south: [AIEOP]}}
"""
HEADER = ["pat", "diagnosed", "exposed", "died", "seen", "size", "score", "grade"]


def days(year, n):
    """Days from 1 March of a year on, one for each patient."""
    first = datetime.date(year, 3, 1)
    return [(first + datetime.timedelta(days=each)).isoformat() for each in range(n)]


@pytest.fixture
def warned(site):
    """Warnings on rows that differ from a plain patient in these columns: a list of values for a column, or one for all rows."""

    def check(n, columns="", codebook=CODEBOOK, **changes):
        plain = {
            "diagnosed": days(2010, n),
            "exposed": days(2011, n),
            "died": "",
            "seen": days(2015, n),
            "score": "30",
            "size": [str(4 + each % 50) for each in range(n)],
            "grade": [str(1 + each % 3) for each in range(n)],
            **changes,
        }
        lines = [",".join(HEADER)]
        for row in range(n):
            values = [value if isinstance(value, str) else value[row] for value in plain.values()]
            cells = dict(zip(plain, values, strict=True))
            lines.append(",".join([f"P{row}", *(cells[name] for name in HEADER[1:])]))
        site.write("patients.csv", "\n".join(lines) + "\n")
        node = site.node(f"source: {{kind: csv, path: patients.csv}}\npatient: pat\n{columns}")
        words = site.codebook(codebook)
        records = read_records(node, words, TODAY)
        found = implausible(records, records.findings, node, words)
        assert all(each.severity is Severity.WARNING for each in found)
        return [*records.findings, *found]

    return check


def said(findings):
    return [(each.kind.value, each.about) for each in findings]


@pytest.mark.parametrize("n", [1, 3, 20, 200])
def test_plain_patients_are_no_finding_in_a_site_of_any_size(warned, n):
    rare = "2014-09-01" if n >= 20 else ""
    died = [rare, *[""] * (n - 1)]
    size = [str(10 + 3 * (each % 10)) for each in range(n)]

    assert [] == warned(n, died=died, size=size)


@pytest.mark.parametrize(
    ("change", "columns", "expected"),
    [
        ({"size": "1.7"}, "", "in cm (times 10): if it is, set data.columns.size.unit"),
        (
            {"size": "150"},
            "",
            "Look in which unit the column is. The median would be typical times 0.1.",
        ),
        ({"score": "600"}, "", "The median would be typical times 0.1. If it is another, set"),
        ({"score": "0.06"}, "", "The median would be typical times 100."),
        ({"score": "4"}, "", "typical times 10."),
    ],
)
def test_a_median_that_is_not_typical_names_the_unit_that_would_do(
    warned, change, columns, expected
):
    (finding,) = warned(8, columns, died=["2014-09-01", *[""] * 7], **change)

    assert "untypical" == finding.kind
    assert expected in finding.advice
    assert () == finding.local_ids


def test_it_names_the_units_of_column_and_codebook(warned):
    columns = "columns:\n  diagnosed: diagnosed\n  size: {from: size, unit: cm}\n  grade: grade"
    (finding,) = warned(12, columns, size=[str(8 + each % 3) for each in range(12)])

    assert "size, read as cm: the median is 90 mm, and typical are 5 to 60 mm" == finding.found, (
        finding
    )
    assert "in mm (times 0.1)" in finding.advice


@given(power=st.integers(-3, 3), n=st.integers(3, 9))
def test_a_column_in_another_unit_is_found_whenever_its_median_leaves_the_typical(
    tmp_path_factory, power, n
):
    folder = tmp_path_factory.mktemp("site")
    values = [20.0 * 10**power + each * 0.01 * 10**power for each in range(n)]
    rows = "\n".join(f"{place},{value}" for place, value in enumerate(values))
    (folder / "patients.csv").write_text(f"pat,size\n{rows}\n", encoding="utf-8")
    (folder / "codebook.yaml").write_text(
        "codebook: s\nversion: 1\nvariables:\n  size: {kind: number, label: Size, unit: mm, typical: [5, 60]}\n",
        encoding="utf-8",
    )
    (folder / "node.yaml").write_text(
        "site: a\nstudy_group: A\ndata:\n  source: {kind: csv, path: patients.csv}\n  patient: pat\n",
        encoding="utf-8",
    )
    config, words = read_node(folder / "node.yaml"), read_codebook(folder / "codebook.yaml")
    records = read_records(config, words, TODAY)
    found = implausible(records, records.findings, config, words)

    assert (power != 0) == (["untypical"] == [each.kind for each in found])
    if power:
        assert f"times {10.0**-power:g}" in found[0].advice


def test_two_patients_have_no_median_that_says_anything(warned):
    assert [] == warned(2, size="1.7", grade=["1", "2"])


@pytest.mark.parametrize(
    ("n", "change", "expected"),
    [
        (20, {"grade": "2"}, [("unused_level", ("grade",))]),
        (19, {"grade": "2"}, []),
        (60, {"grade": ["1", "2"] * 30}, [("unused_level", ("grade",))]),
        (59, {"grade": ["1", "2"] * 29 + ["1"]}, []),
        (20, {"size": "12"}, [("unused_level", ("small",))]),
        # One cause is told once: the unit explains the class.
        (20, {"size": "1.7"}, [("untypical", ("size",))]),
        # A code that is not mapped is told by itself, and what is left says nothing.
        (30, {"grade": ["2"] * 29 + ["9"]}, [("unmapped_code", ("grade",))]),
    ],
)
def test_levels_that_everybody_or_nobody_has(warned, n, change, expected):
    assert expected == said(warned(n, died=["2014-09-01", *[""] * (n - 1)], **change))


@pytest.mark.parametrize(
    ("n", "codes", "expected"),
    [
        (20, "{a: 1, b: 2, c: 2}", [("unused_level", ("grade",))]),
        (19, "{a: 1, b: 2, c: 2}", []),
        (20, "{a: 1, b: 2, c: 3}", []),
    ],
)
def test_a_level_that_no_code_means_is_missed_sooner(warned, n, codes, expected):
    grade = ["a", "b"] * (n // 2) + ["a"] * (n % 2)
    columns = f"columns: {{grade: {{from: grade, codes: {codes}}}}}"

    found = warned(n, columns, grade=grade, died=["2014-09-01", *[""] * (n - 1)])
    assert expected == said(found)


def test_all_variables_of_one_level_are_one_line(warned):
    (finding,) = warned(25, grade="2", size="12", died=["2014-09-01", *[""] * 24])

    assert (
        "all patients of whom it is known have one level: grade (2), small (<= 20)" == finding.found
    )


@pytest.mark.parametrize(
    ("n", "change", "expected"),
    [
        (20, {"grade": "", "score": ""}, [("all_missing", ("died", "score", "grade"))]),
        (19, {"grade": ""}, [("all_missing", ("grade",))]),
        (4, {"grade": "", "score": ""}, []),
    ],
)
def test_variables_missing_throughout_are_one_line(warned, n, change, expected):
    assert expected == said(warned(n, **change))


def test_what_the_site_does_not_hold_is_not_missed(warned):
    columns = "absent: {died: n.r., grade: n.r., score: n.r., size: never recorded}"

    assert [] == warned(30, columns, grade="", score="", size="")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"exposed": ["1935-04-01", *days(2011, 9)]}, ("exposed", "diagnosed")),
        ({"diagnosed": ["1950-03-01", *days(2010, 9)]}, ("exposed", "diagnosed", "seen")),
        # A date of birth lies decades before in everybody.
        ({"exposed": days(1950, 10)}, None),
        (
            {"exposed": ["1900-03-03", *days(1950, 9)], "diagnosed": days(2015, 10)},
            ("exposed", "diagnosed"),
        ),
        ({"exposed": ["1985-04-01", *days(2011, 9)]}, None),
        ({"diagnosed": ["1970-03-01", *days(2010, 9)]}, None),
    ],
)
def test_dates_a_lifetime_away_from_those_that_are_required(warned, change, expected):
    far = [each for each in warned(10, **change) if each.kind is FindingKind.FAR_APART]

    assert ([] if expected is None else [expected]) == [each.about for each in far]
    assert all(("P0",) == each.local_ids for each in far)


def test_with_a_plan_its_origins_are_compared(site):
    codebook = CODEBOOK.replace("label: Date of diagnosis, required: true", "label: Diagnosis")
    plan = site.PLAN.replace("infants@3", "tumours@1").replace("diagnosed", "exposed")
    plan = (
        plan[: plan.index("      died_early")]
        + "      death: {date: died}\n"
        + plan[plan.index("    censor") :]
    )
    plan = plan.replace("by: sex, test: log_rank", "by: grade")
    study = site.study(plan, codebook=codebook)
    rows = [
        f"P{each},2010-03-1{each},2010-09-1{each},2015-01-01,2015-01-01,12,30,{1 + each % 3}"
        for each in range(9)
    ]
    rows.append("P9,1965-04-01,2010-09-21,2015-01-01,2015-01-01,12,30,1")
    site.write("patients.csv", "\n".join([",".join(HEADER), *rows]) + "\n")
    node = site.node("source: {kind: csv, path: patients.csv}\npatient: pat")
    records = read_records(node, study.codebook, TODAY)
    findings = prepare(records, node, study).findings

    assert () == findings
    assert [] == said(implausible(records, findings, node, study.codebook))
    (finding,) = implausible(records, findings, node, study.codebook, study)
    assert ("far_apart", ("diagnosed", "exposed"), ("P9",)) == (
        finding.kind,
        finding.about,
        finding.local_ids,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"died": ["2012-01-01", *[""] * 9]}, [("seen_after_death", ("seen", "died"))]),
        ({"died": ["2014-09-01", *[""] * 9]}, []),
        ({"died": ["2015-03-01", *[""] * 9]}, []),
    ],
)
def test_a_last_contact_years_after_a_death(warned, change, expected):
    assert expected == said(warned(10, **change))


def test_a_date_of_death_or_last_contact_is_no_death(warned):
    codebook = CODEBOOK.replace("Date of death", "Date of death or last contact")

    assert [] == said(warned(10, codebook=codebook, died=["2012-01-01", *[""] * 9]))


def test_data_check_prints_them_and_ends_with_0(site):
    rows = [f"P{each},2010-03-01,2010-09-01,,2015-01-01,1.7,30,{1 + each % 3}" for each in range(9)]
    site.write("patients.csv", "\n".join([",".join(HEADER), *rows]) + "\n")
    site.node("source: {kind: csv, path: patients.csv}\npatient: pat")
    site.codebook(CODEBOOK)
    words = ["data", "check", site.path / "node.yaml", "--codebook", site.path / "codebook.yaml"]
    done = CliRunner().invoke(app, [str(word) for word in words])

    assert 0 == done.exit_code
    assert "untypical" in done.stdout
    assert "dcog: 9 patients; read 8 of 8 columns; 0 errors, 1 warning." in done.stdout
