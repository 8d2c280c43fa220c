"""Findings: what they say, whose rows they name, and when records cannot be used."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import DataError
from riskset_node.finding_kinds import ACCEPTABLE, ONLY_WARNS, FindingKind
from riskset_node.records.findings import LocalIds, Mark, Severity, check_usable

ROWS = np.arange(300)
NAMED = LocalIds(np.array(["114", "201", "388", ""], dtype=object), ROWS[:4])
NUMBERED = LocalIds(None, ROWS)


def mark(rows, kind=FindingKind.UNMAPPED_CODE, values=("7",)):
    return Mark(
        kind, ("kmt2a",), np.array(rows), "kmt2a (column 'mll') holds codes", "Add them.", values
    )


def test_a_finding_names_patients_counts_and_values():
    finding = mark([True, True, True, False]).finding(NAMED)

    assert (
        "error: unmapped_code: kmt2a (column 'mll') holds codes: '7' (3 rows, patients 114, 201, 388). Add them."
        == str(finding)
    )


def test_a_finding_names_row_numbers_where_there_is_no_patient_column():
    assert "rows 1, 3" == mark([True, False, True]).finding(NUMBERED).where
    assert "row 2" == mark([False, True]).finding(NUMBERED).where


def test_a_row_without_a_patient_is_named_by_its_number():
    assert "1 row, patient row 4" == mark([False, False, False, True]).finding(NAMED).where


@given(st.integers(0, 300), st.integers(0, 30))
def test_at_most_20_ids_and_10_values_are_shown_and_the_rest_counted(rows, values):
    finding = mark([True] * rows, values=tuple(map(str, range(values)))).finding(NUMBERED)

    assert rows == finding.rows
    assert min(rows, 20) == len(finding.local_ids)
    assert (min(values, 10), max(0, values - 10)) == (len(finding.values), finding.more_values)
    assert (rows > 20) == (f"and {rows - 20} more" in finding.where)
    assert (values > 10) == (f"and {values - 10} more" in finding.said)


@pytest.mark.parametrize("kind", list(FindingKind))
def test_only_what_has_a_defined_handling_can_be_accepted(kind):
    finding = mark([True], kind).finding(NUMBERED, [kind] if kind in ACCEPTABLE else [])
    warns = kind in ACCEPTABLE or kind in ONLY_WARNS

    assert (Severity.WARNING if warns else Severity.ERROR) == finding.severity
    assert (kind in ACCEPTABLE) == finding.advice.startswith("Accepted: ")


def test_errors_are_raised_all_at_once_and_warnings_are_not():
    findings = [
        mark([True]).finding(NUMBERED),
        mark([True], FindingKind.NOT_A_DATE).finding(NUMBERED),
        mark([True], FindingKind.EVENT_AFTER_LAST_CONTACT).finding(NUMBERED),
    ]
    with pytest.raises(DataError) as raised:
        check_usable(findings, "dcog")

    assert [
        "site dcog: the patient records cannot be used as they are.",
        str(findings[0]),
        str(findings[1]),
    ] == str(raised.value).splitlines()


def test_warnings_alone_let_the_records_be_used():
    check_usable([mark([True], FindingKind.EVENT_AFTER_LAST_CONTACT).finding(NUMBERED)], "dcog")


def test_only_a_noun_of_a_finding_may_cross_the_wire():
    with pytest.raises(DataError) as raised:
        check_usable([mark([True]).finding(NAMED)], "dcog")

    assert "data" == raised.value.wire_code
