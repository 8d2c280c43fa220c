"""From raw values to codes: levels, numbers and days."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.study.codebook import CategoryVariable, DateVariable, NumberVariable
from riskset_common.study.patients import MISSING, NO_DATE, UNKNOWN_DAY
from riskset_node.columns import ColumnMap
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.values.coding import absent_column, code_column
from riskset_node.records.values.column import Column, plain_code
from riskset_node.records.values.numbers import conversion_by, decimal_text
from riskset_node.records.variable_columns import VariableColumn
from riskset_node.sources.csv import CsvSettings
from riskset_node.sources.parquet import ParquetSettings

TODAY = datetime.date(2018, 6, 1)


def code(values, variable, column=None, **settings):
    """Codes and marks of a column with these values."""
    kind = settings.pop("kind", "csv")
    source = (CsvSettings if kind == "csv" else ParquetSettings)(
        kind=kind, path=Path("x"), **settings
    )
    mapped = VariableColumn("x", variable, ColumnMap.model_validate({"from": "x"} | (column or {})))
    coded = code_column(Column.of(values), mapped, source, TODAY)
    return coded.codes, list(coded.marks)


def category(*levels):
    return CategoryVariable(kind="category", label="X", levels={level: level for level in levels})


NUMBER = NumberVariable(kind="number", label="X")
DATE = DateVariable(kind="date", label="X")
SEX = category("male", "female")
CODES = {"codes": {"1": "male", "2": "female"}}


@pytest.mark.parametrize("one", ["1", 1, "1.0", 1.0, " 1 ", "1.00", np.int64(1), Decimal("1.0")])
def test_one_is_one_however_it_is_written(one):
    codes, marks = code([one, "2"], SEX, CODES)

    assert ([0, 1], []) == (codes.tolist(), marks)


@pytest.mark.parametrize("other", ["01", "1,0", "+1", "1e0", "one", "-1"])
def test_what_is_written_like_no_code_is_another_code(other):
    codes, marks = code([other], SEX, CODES)

    assert [MISSING] == codes.tolist()
    assert FindingKind.UNMAPPED_CODE == marks[0].kind


def test_an_exact_spelling_comes_before_the_same_number():
    codes, marks = code(["1", "1.0", "1.00"], SEX, {"codes": {"1": "male", "1.0": "female"}})

    assert [0, 1, MISSING] == codes.tolist()
    assert ("1.00",) == marks[0].values


def test_a_decimal_comma_in_a_code_is_read_under_a_decimal_comma():
    codes, _ = code(["1,0", "2,0"], SEX, CODES, decimal=",")

    assert [0, 1] == codes.tolist()


@given(
    st.lists(
        st.from_regex(r"[A-Za-z0-9_]{1,6}", fullmatch=True), min_size=1, max_size=8, unique=True
    ),
    st.data(),
)
def test_codes_round_trip(levels, data):
    """Whatever codes stand for the levels, each row gets its level back."""
    by_number = {str(code + 1): level for code, level in enumerate(levels)}
    chosen = data.draw(st.lists(st.sampled_from(list(by_number)), max_size=40))
    codes, marks = code(chosen, category(*levels), {"codes": by_number})

    assert [by_number[each] for each in chosen] == [levels[index] for index in codes]
    assert [] == marks


def test_levels_are_their_own_codes_where_none_are_written():
    codes, marks = code(["female", "male", "", None], SEX)

    assert [1, 0, MISSING, MISSING] == codes.tolist()
    assert [] == marks


def test_a_value_that_is_no_level_is_told_with_the_near_level():
    codes, (mark,) = code(["mal", "female", "mal"], SEX)

    assert [MISSING, 1, MISSING] == codes.tolist()
    assert [True, False, True] == mark.rows.tolist()
    assert mark.advice.startswith("Did you mean 'male'? Say under data.columns.x.codes")


def test_a_code_that_is_not_mapped_is_told_with_its_values_and_rows():
    _, (mark,) = code(["1", "7", "2", "8", "7"], SEX, CODES | {"missing": [9]})

    assert (FindingKind.UNMAPPED_CODE, ("x",), ("7", "8")) == (mark.kind, mark.about, mark.values)
    assert [False, True, False, True, True] == mark.rows.tolist()
    assert "data.columns.x.codes" in mark.advice


@pytest.mark.parametrize(("variable", "missing"), [(SEX, MISSING), (NUMBER, None), (DATE, NO_DATE)])
@pytest.mark.parametrize("token", ["", " ", "NA", ".", None, "9", "9.0", 9, "99.90", float("nan")])
def test_signs_for_missing_are_missing_in_every_kind(variable, missing, token):
    codes, marks = code([token], variable, {"missing": [9, 99.9]})

    assert [] == marks
    assert np.isnan(codes[0]) if missing is None else missing == codes[0]


def test_an_empty_cell_is_missing_whatever_node_yaml_says():
    codes, marks = code(["", "-9", "3"], NUMBER, missing=["-9"])

    assert [True, True, False] == np.isnan(codes).tolist()
    assert [] == marks


def test_a_level_that_the_codebook_calls_NA_is_no_missing_value():
    codes, _ = code(["NA", "."], category("EU", "NA"))

    assert [1, MISSING] == codes.tolist()


def test_a_columns_own_missing_comes_before_the_codebooks_level():
    codes, _ = code(["0", "9"], category("0", "9"), {"missing": [9]})

    assert [0, MISSING] == codes.tolist()


def test_a_code_comes_before_the_files_sign_for_missing():
    codes, _ = code(["9", "1"], SEX, {"codes": {"1": "male", "9": "female"}}, missing=["", 9])

    assert [1, 0] == codes.tolist()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12.0),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("+7.", 7.0),
        (" 8 ", 8.0),
        (3, 3.0),
        (0.1, 0.1),
    ],
)
def test_numbers_are_read_as_they_are_written(text, number):
    codes, marks = code([text], NUMBER)

    assert ([number], []) == (codes.tolist(), marks)


@pytest.mark.parametrize(
    "text",
    [
        "12,5",
        "1_000",
        "1e400",
        "-1e99999999999999999999",
        Decimal("1e400"),
        "inf",
        "nan",
        "0x10",
        "1 000",
        "12 mg",
        "١٢",
        "e5",
        ">200",
        True,
    ],
)
def test_what_is_no_plain_number_is_told(text):
    codes, (mark,) = code([text, "1"], NUMBER)

    assert np.isnan(codes[0])
    assert (FindingKind.NOT_A_NUMBER, [True, False]) == (mark.kind, mark.rows.tolist())


def test_a_decimal_comma_is_read_where_node_yaml_says_so():
    codes, marks = code(["12,5", "3", "-0,25"], NUMBER, decimal=",")

    assert ([12.5, 3.0, -0.25], []) == (codes.tolist(), marks)


@pytest.mark.parametrize(
    ("text", "decimal", "advice"),
    [
        (
            "12,5",
            ".",
            'If a comma is the decimal sign, set data.source.decimal to ",", or data.columns.x.decimal',
        ),
        (
            "12.5",
            ",",
            'If a point is the decimal sign, set data.source.decimal to ".", or data.columns.x.decimal',
        ),
        ("12 mg", ".", "Mend them, or add them to data.columns.x.missing"),
    ],
)
def test_the_advice_for_no_number_looks_at_the_decimal_sign(text, decimal, advice):
    _, (mark,) = code(["1", text], NUMBER, decimal=decimal)

    assert mark.advice.startswith(advice)


def test_a_decimal_comma_in_parquet_is_not_blamed_on_a_setting_that_parquet_lacks():
    _, (mark,) = code(["12,5"], NUMBER, kind="parquet")

    assert 'If a comma is the decimal sign, set data.columns.x.decimal to ",".' == mark.advice


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_back_to_the_bit(number):
    codes, _ = code([repr(number)], NUMBER)

    assert number == codes[0]


@given(st.decimals(0, 10**6, places=3), st.fractions(Fraction(1, 1000), 1000, max_denominator=1000))
def test_a_conversion_gives_the_nearest_double_of_the_exact_product(number, factor):
    assert float(Fraction(number) * factor) == conversion_by(factor)(str(number))


def test_a_measurement_on_a_bound_stays_on_it_after_conversion():
    variable = NumberVariable(kind="number", label="X", unit="g/L", range=(0, 230))
    codes, marks = code(["2.3e1", "0.7"], variable, {"unit": "g/dL"})

    assert ([230.0, 7.0], []) == (codes.tolist(), marks)


def test_a_number_outside_the_range_is_missing_and_told_in_the_files_own_unit():
    variable = NumberVariable(kind="number", label="X", unit="months", range=(0, 12))
    codes, (mark,) = code(["364", "400", "-1", "0"], variable, {"unit": "days"})

    assert [False, True, True, False] == np.isnan(codes).tolist()
    assert (FindingKind.OUT_OF_RANGE, ("400", "-1")) == (mark.kind, mark.values)
    assert "range 0 to 12 months" in mark.found


@pytest.mark.parametrize(
    "day",
    [
        "31-12-2017",
        datetime.date(2017, 12, 31),
        datetime.datetime(2017, 12, 31, tzinfo=datetime.UTC),
        datetime.datetime(2017, 12, 31),  # noqa: DTZ001 - as a file without time zones holds it
    ],
)
def test_a_day_is_a_day_as_text_or_as_a_type(day):
    codes, marks = code([day], DATE, dates="%d-%m-%Y")

    assert ([17531], []) == (codes.tolist(), marks)


def test_days_before_1970_are_negative():
    assert [-1] == code(["1969-12-31"], DATE)[0].tolist()


@given(
    st.dates(datetime.date(1900, 1, 1), TODAY),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d%b%Y"]),
)
def test_every_day_is_read_back(day, layout):
    codes, marks = code([day.strftime(layout)], DATE, dates=layout)

    # A day 0 of a program is asked about where it stands alone.
    assert [] == [mark for mark in marks if mark.kind is not FindingKind.PLACEHOLDER_DATE]
    assert day == datetime.date(1970, 1, 1) + datetime.timedelta(days=int(codes[0]))


NOT_A_DATE = (
    "Mend them. Where a text stands for something else, write it under data.columns.x.did_not_happen (an event that did not happen), "
    ".day_unknown (it happened, and nobody knows when) or .missing."
)


@pytest.mark.parametrize(
    ("texts", "advice"),
    [
        (
            ["13-02-2001", "31-12-2001"],
            (
                "They have the form %d-%m-%Y, so that '13-02-2001' is 2001-02-13: set data.columns.x.dates to "
                '["%Y-%m-%d", "%d-%m-%Y"].'
            ),
        ),
        (
            ["2001-02-13 00:00:00"],
            (
                "They have the form %Y-%m-%d %H:%M:%S, so that '2001-02-13 00:00:00' is 2001-02-13: set data.columns.x.dates to "
                '["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"].'
            ),
        ),
        (
            ["13-02-2001", "unknown"],
            NOT_A_DATE,
        ),
        (
            ["2001-02-30"],
            NOT_A_DATE,
        ),
    ],
)
def test_what_is_no_date_is_told_with_the_form_that_it_has(texts, advice):
    codes, (mark,) = code(["2001-01-01", *texts], DATE)

    assert [UNKNOWN_DAY] * len(texts) == codes[1:].tolist()
    assert (FindingKind.NOT_A_DATE, tuple(texts), advice) == (mark.kind, mark.values, mark.advice)


def test_dates_before_1900_and_after_today_are_impossible():
    codes, (mark,) = code(["1899-12-31", "1900-03-01", "2018-06-01", "2018-06-02"], DATE)

    assert (FindingKind.IMPOSSIBLE_DATE, ("1899-12-31", "2018-06-02")) == (mark.kind, mark.values)
    assert [True, False, False, True] == (codes == UNKNOWN_DAY).tolist()


def test_a_mark_names_the_column_where_it_is_called_otherwise():
    _, (mark,) = code(["7"], SEX, {"from": "geslacht"} | CODES)

    assert mark.found.startswith("x (column 'geslacht') holds codes")


def test_an_absent_variable_is_missing_for_everyone():
    assert [MISSING, MISSING] == absent_column(SEX, 2).codes.tolist()
    assert [NO_DATE, NO_DATE] == absent_column(DATE, 2).codes.tolist()
    assert np.isnan(absent_column(NUMBER, 2).codes).all()


def test_coding_an_absent_variable_is_a_fault():
    raw = Column.of(["1"])

    with pytest.raises(ValueError, match="absent"):
        code_column(
            raw, VariableColumn("x", SEX, None), CsvSettings(kind="csv", path=Path("x")), TODAY
        )


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.0", "1"),
        ("-0.0", "0"),
        ("10", "10"),
        ("100.00", "100"),
        ("1.50", "1.5"),
        ("01", "01"),
        ("A1", "A1"),
        ("1.", "1."),
    ],
)
def test_one_spelling_for_one_number(text, plain):
    assert plain == plain_code(text)


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [("1,5", ",", "1.5"), ("1.5", ",", None), ("1,5", ".", None), ("1,234,5", ",", None)],
)
def test_a_number_is_read_under_one_decimal_sign_only(text, decimal, number):
    assert number == decimal_text(text, decimal)


@given(st.lists(st.sampled_from(["1", "2", "7", "", None, "NA"])))
def test_every_row_is_coded_as_it_would_be_alone(values):
    together, _ = code(values, SEX, CODES)

    assert [code([value], SEX, CODES)[0][0] for value in values] == together.tolist()
