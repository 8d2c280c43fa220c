"""Numbers: signs between thousands, and times that were rounded to months or years with few decimals."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.study.codebook import NumberVariable
from riskset_node.columns import ColumnMap
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.values.column import Column
from riskset_node.records.values.column_reading import ColumnReading
from riskset_node.records.values.numbers import code_numbers
from riskset_node.sources.csv import CsvSettings

WBC = NumberVariable(kind="number", label="White cells", unit="10^6/L")
MONTHS = NumberVariable(kind="number", label="Time", unit="months")


def code(values, variable=WBC, column=None, **settings):
    """Numbers and marks of a column with these values."""
    source = CsvSettings(kind="csv", path=Path("x"), **settings)
    reading = ColumnReading("x", ColumnMap.model_validate({"from": "x"} | (column or {})), source)
    return code_numbers(Column.of(values), reading, variable)


def kinds(coded):
    return [mark.kind for mark in coded.marks]


@pytest.mark.parametrize(("texts", "decimal"), [(["412.500", "4.714"], "."), (["412,500"], ",")])
def test_what_may_be_thousands_or_decimals_is_a_finding_until_node_yaml_says_which(texts, decimal):
    assert [FindingKind.UNCLEAR_NUMBER] == kinds(code(texts, decimal=decimal))
    assert [412.5] == code(texts[:1], column={"decimal": decimal}, decimal=decimal).values.tolist()
    other = "," if decimal == "." else "."
    for keys in ({"thousands": decimal}, {"thousands": decimal, "decimal": other}):
        assert [412_500] == code(texts[:1], column=keys, decimal=decimal).values.tolist()


@pytest.mark.parametrize(("text", "decimal"), [("1.234,5", "."), ("1,234.5", ",")])
def test_thousands_by_the_decimal_sign_of_the_file_are_told_with_both_keys(text, decimal):
    other = "," if decimal == "." else "."
    advice = code([text], decimal=decimal).marks[0].advice

    assert f'x.thousands to "{decimal}" and data.columns.x.decimal to "{other}"' in advice
    keys = {"thousands": decimal, "decimal": other}
    assert [1234.5] == code([text], column=keys, decimal=decimal).values.tolist()


@pytest.mark.parametrize("sure", ["0.714", "4.7", "4.7140", "1234.567", "4.714e0"])
def test_one_number_that_cannot_have_thousands_settles_it(sure):
    assert [] == kinds(code(["412.500", sure]))


def test_numbers_that_the_file_holds_as_numbers_are_never_unclear():
    assert [] == kinds(code([412.125, Decimal("4.714"), 3]))
    assert [412.125, 3] == code([412.125, 3], decimal=",").values.tolist()


@given(
    st.integers(0, 10**9),
    st.integers(0, 99),
    st.sampled_from([(".", ","), (",", "."), (" ", ","), ("'", "."), ("\u202f", ",")]),
)
def test_thousands_are_read_back(whole, hundredths, signs):
    thousands, decimal = signs
    text = f"{whole:,}".replace(",", thousands) + f"{decimal}{hundredths:02}"
    key = " " if thousands == "\u202f" else thousands
    coded = code([text], column={"thousands": key, "decimal": decimal})

    assert [float(Fraction(whole) + Fraction(hundredths, 100))] == coded.values.tolist()


@pytest.mark.parametrize("text", ["1.23.456", "1234.567,5", "12.34", ".123", "1..234", "1.234.56"])
def test_groups_of_another_size_are_no_thousands(text):
    assert [FindingKind.NOT_A_NUMBER] == kinds(
        code([text], column={"thousands": ".", "decimal": ","})
    )


@given(st.lists(st.integers(0, 9000), min_size=1, max_size=20), st.sampled_from([2, 3, 4]))
def test_days_written_in_months_are_read_back_to_the_day(days, decimals):
    texts = [f"{day / 30.4375:.{decimals}f}" for day in days]
    coded = code(texts, MONTHS, {"round": "day"})

    if max(len(text.partition(".")[2]) for text in texts) >= 2:
        assert days == np.rint(coded.values * 30.4375).astype(int).tolist()
        changed = [
            abs(Fraction(text) * Fraction("30.4375") - day) > Fraction(1, 864_000)
            for text, day in zip(texts, days, strict=True)
        ]
        assert [FindingKind.ROUNDED_TIMES] * any(changed) == kinds(coded)
        assert [changed] * any(changed) == [mark.rows.tolist() for mark in coded.marks]


@pytest.mark.parametrize("text", ["43.4", "43"])
def test_too_few_decimals_for_a_day_are_a_finding(text):
    assert [FindingKind.TOO_COARSE] == kinds(code([text], MONTHS, {"round": "day"}))


def test_a_time_between_two_days_is_a_finding():
    coded = code(["43.37", "43.387"], MONTHS, {"round": "day"})

    assert [FindingKind.TOO_COARSE] == kinds(coded)
    assert "factor" in coded.marks[0].advice


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=8), st.sampled_from(["%.15g", "%r"]))
def test_days_that_were_divided_and_not_rounded_are_read_back(days, written):
    texts = [written % (day / 30.4375) for day in days]
    coded = code(texts, WBC.model_copy(update={"unit": "days"}), {"unit": "months", "round": "day"})

    assert days == coded.values.tolist()
    assert {FindingKind.TOO_COARSE} >= set(kinds(coded))
    if max(len(text) for text in texts) > 12:
        assert [] == kinds(coded)
