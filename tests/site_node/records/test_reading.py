"""A site's file as coded patients, with everything that is wrong with it."""

from __future__ import annotations

import numpy as np
import pytest

from riskset_common.errors import NodeConfigError
from riskset_common.study.patients import MISSING, NO_DATE
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Severity
from riskset_node.records.reading import read_records

CLEAN = """
    1,2010-01-01,2010-02-01,,,2012-01-01,male,5.5
    2,2010-01-02,,2011-01-01,2011-06-01,2011-06-01,female,
    """


def test_a_clean_file_is_coded_and_nothing_is_found(site):
    records = site.records(CLEAN)

    assert () == records.findings
    assert 2 == records.patients.n
    assert [0, 1] == records.patients.categories["sex"].tolist()
    assert [14610, 14611] == records.patients.dates["diagnosed"].tolist()
    assert [14641, NO_DATE] == records.patients.dates["remission"].tolist()
    assert 5.5 == records.patients.numbers["age"][0]
    assert np.isnan(records.patients.numbers["age"][1])
    assert ("1", "2") == records.local_ids.at(np.arange(2))


def test_only_mapped_columns_are_read_and_the_others_are_named(site):
    site.write("patients.csv", "name,pat,diagnosed,postcode\nAda,1,2010-01-01,1017\n")
    records = read_records(
        site.node(
            """
            source: {kind: csv, path: patients.csv}
            patient: pat
            columns: {diagnosed: diagnosed}
            absent: {remission: x, relapse: x, died: x, seen: x, sex: x, age: x}
            """
        ),
        site.codebook(),
        site.TODAY,
    )

    assert (("pat", "diagnosed"), ("name", "postcode")) == (records.read, records.not_read)
    assert [MISSING] == records.patients.categories["sex"].tolist()


def test_everything_wrong_with_a_file_is_found_at_once(site):
    records = site.records(
        """
        1,2010-01-01,,,,01/02/2012,m,5
        1,,,,,2012-01-01,male,40
        3,2030-01-01,,,,,female,"5,5"
        """
    )

    assert {
        (FindingKind.DUPLICATE_PATIENT, ("pat",), ("1", "1")),
        (FindingKind.NOT_A_DATE, ("seen",), ("1",)),
        (FindingKind.UNMAPPED_CODE, ("sex",), ("1",)),
        (FindingKind.OUT_OF_RANGE, ("age",), ("1",)),
        (FindingKind.NOT_A_NUMBER, ("age",), ("3",)),
        (FindingKind.IMPOSSIBLE_DATE, ("diagnosed",), ("3",)),
        (FindingKind.MISSING_REQUIRED, ("diagnosed",), ("1",)),
    } == {(found.kind, found.about, found.local_ids) for found in records.findings}


def test_accepted_values_count_as_missing_and_are_told_as_warnings(site, only):
    records = site.records("1,2010-01-01,,,,2012-01-01,m,5\n", "accept: [unmapped_code]")
    finding = only(records.findings)

    assert [MISSING] == records.patients.categories["sex"].tolist()
    assert (Severity.WARNING, "Accepted: the value counts as missing.") == (
        finding.severity,
        finding.advice,
    )


def test_an_accepted_value_of_a_required_variable_is_then_missing(site):
    rows = "1,unknown,,,,2012-01-01,male,5\n"
    kinds = [found.kind for found in site.records(rows, "accept: [not_a_date]").findings]

    assert [FindingKind.NOT_A_DATE, FindingKind.MISSING_REQUIRED] == kinds
    assert [FindingKind.NOT_A_DATE] == [found.kind for found in site.records(rows).findings]


def test_a_row_accepted_without_a_required_value_is_kept(site, only):
    records = site.records("1,,,,,2012-01-01,male,5\n", "accept: [missing_required]")

    assert 1 == records.patients.n
    assert Severity.WARNING == only(records.findings).severity


def test_a_patient_in_two_rows_is_found_whatever_blanks_stand_around_the_id(site, only):
    rows = "7,2010-01-01,,,,,male,\n8,2010-01-01,,,,,male,\n 7 ,2010-01-01,,,,,male,\n"
    finding = only(site.records(rows).findings)

    assert (FindingKind.DUPLICATE_PATIENT, 2, ("7", "7")) == (
        finding.kind,
        finding.rows,
        finding.local_ids,
    )


def test_rows_without_a_patient_are_found_and_are_no_duplicates(site, only):
    rows = "7,2010-01-01,,,,,male,\n,2010-01-01,,,,,male,\nNA,2010-01-01,,,,,male,\n"
    finding = only(site.records(rows).findings)

    assert (FindingKind.MISSING_REQUIRED, ("pat",), ("row 2", "row 3")) == (
        finding.kind,
        finding.about,
        finding.local_ids,
    )


def test_a_file_with_a_header_only_has_no_patients(site, only):
    finding = only(site.records("").findings)

    assert FindingKind.NO_PATIENTS == finding.kind
    assert "the site file has no patients" in str(finding)


def test_a_missing_column_is_told_with_the_near_one(site):
    site.write("patients.csv", "diagnosis,died,sex\n2010-01-01,,male\n")
    node = site.node("source: {kind: csv, path: patients.csv}")

    with pytest.raises(
        NodeConfigError,
        match=r"there is no column 'diagnosed', .*Did you mean 'diagnosis' by 'diagnosed'",
    ):
        read_records(node, site.codebook(), site.TODAY)


def test_two_variables_may_be_read_from_one_column(site):
    codebook = site.CODEBOOK.replace(
        "derived:", "  girls: {kind: category, label: G, levels: {0: Boy, 1: Girl}}\nderived:"
    )
    records = site.records(
        CLEAN,
        """
        columns:
          diagnosed: diagnosed
          remission: remission
          relapse: relapse
          died: died
          seen: seen
          age: age
          sex: sex
          girls: {from: sex, codes: {male: 0, female: 1}}
        """,
        codebook,
    )

    assert [0, 1] == records.patients.categories["girls"].tolist()


def test_a_decimal_comma_and_other_dates_are_read_where_node_yaml_says_so(site):
    site.write("p.csv", "diagnosed;age\n31-12-2009;5,5\n", "cp1252")
    node = site.node(
        """
        source: {kind: csv, path: p.csv, delimiter: ";", decimal: ",", encoding: cp1252, dates: "%d-%m-%Y"}
        columns: {diagnosed: diagnosed, age: {from: age, unit: years}}
        absent: {remission: x, relapse: x, died: x, seen: x, sex: x}
        accept: [out_of_range]
        """
    )
    records = read_records(node, site.codebook(), site.TODAY)

    assert [14609] == records.patients.dates["diagnosed"].tolist()
    assert ("5,5",) == records.findings[-1].values
