"""Rows: which of them are patients, and which patients are one."""

from __future__ import annotations

import pytest

from riskset_common.errors import NodeConfigError
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.reading import read_records
from riskset_node.records.rows import chosen_rows
from riskset_node.records.values.column import Column

ROWS = """PARAMCD,pat,diagnosed,sex
OS,7,2010-01-01,male
PFS,7,2011-01-01,female
OS,8,2012-01-01,female
"""


def read(site, text, source="", data="patient: pat"):
    site.write("p.csv", text)
    node = site.node(
        f"""
        source: {{kind: csv, path: p.csv{source}}}
        columns: {{diagnosed: diagnosed, sex: sex}}
        absent: {{remission: x, relapse: x, died: x, seen: x, age: x}}
        {data}
        """
    )
    return read_records(node, site.codebook(), site.TODAY)


def kinds(records):
    return [found.kind for found in records.findings]


def test_rows_are_chosen_by_a_column_that_is_no_variable(site):
    records = read(site, ROWS, ", where: {PARAMCD: OS}")

    assert [] == kinds(records)
    assert (2, [0, 1]) == (records.patients.n, records.patients.categories["sex"].tolist())


def test_a_finding_names_the_row_of_the_file(site):
    records = read(site, ROWS.replace("2012", "2032"), ", where: {PARAMCD: [OS]}", "")

    assert ("3",) == next(
        found.local_ids for found in records.findings if found.kind is FindingKind.IMPOSSIBLE_DATE
    )


def test_a_value_that_no_row_has_is_told_with_those_that_there_are(site):
    with pytest.raises(NodeConfigError) as refused:
        read(site, ROWS, ", where: {PARAMCD: [OS, EFS]}")

    assert "data.source.where.PARAMCD" in str(refused.value)
    assert "has no row with 'EFS' there. It has 'OS', 'PFS'." in str(refused.value)


@pytest.mark.parametrize("other", ["a 7", "A7", "a7 ", "Ａ7"])
def test_ids_that_differ_in_capitals_or_blanks_only_are_a_finding(site, other):
    records = read(
        site, f"pat,diagnosed,sex\na7,2010-01-01,male\n{other},2010-01-01,male\nb,2010-01-01,male\n"
    )
    expected = {
        "a7 ": FindingKind.DUPLICATE_PATIENT,
        "Ａ7": FindingKind.SIMILAR_PATIENTS,
    }.get(other, FindingKind.SIMILAR_PATIENTS)

    assert [expected] == kinds(records)


def test_without_a_patient_column_a_warning_says_what_may_happen(site):
    records = read(site, ROWS, data="")

    assert [FindingKind.NO_PATIENT_COLUMN] == kinds(records)
    assert "warning" == records.findings[0].severity


def test_a_number_is_chosen_however_the_file_writes_it(site):
    text = "visit;pat;diagnosed;sex\n1,0;7;2010-01-01;male\n1;8;2012-01-01;female\n;9;2012-01-01;male\n"
    source = ', delimiter: ";", decimal: ",", where: {visit: WANTED}'

    assert 2 == read(site, text, source.replace("WANTED", "1")).patients.n
    assert 1 == read(site, text, source.replace("WANTED", '""')).patients.n
    assert 3 == read(site, text, source.replace("WANTED", '[1, ""]')).patients.n


def test_a_cell_with_nothing_is_an_empty_value():
    column = Column.of([None, "OS", None])

    assert [0, 2] == chosen_rows({"x": column}, {"x": [""]}, 3, "f").tolist()
    assert [1] == chosen_rows({"x": column}, {"x": ["OS"]}, 3, "f").tolist()


def test_a_column_that_is_not_there_is_told_of_where(site):
    with pytest.raises(NodeConfigError) as refused:
        read(site, ROWS, ", where: {PARAM: OS}")

    assert "data.source.where: " in str(refused.value)
    assert "has no column 'PARAM'. Did you mean 'PARAMCD'?" in str(refused.value)
