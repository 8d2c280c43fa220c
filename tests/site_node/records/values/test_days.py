"""Days: what stands for none, what happened on an unknown day, moments, and dates that software writes for an empty cell."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.study.codebook import DateVariable
from riskset_common.study.patients import NO_DATE, UNKNOWN_DAY, day_number
from riskset_node.columns import ColumnMap
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.values.column import Column
from riskset_node.records.values.column_reading import ColumnReading
from riskset_node.records.values.days import code_days
from riskset_node.sources.csv import CsvSettings

TODAY = datetime.date(2026, 6, 1)
ALIVE = datetime.date(2222, 2, 2)


def code(values, column=None, *, required=False, **settings):
    """Days and marks of a column with these values."""
    source = CsvSettings(kind="csv", path=Path("x"), **settings)
    reading = ColumnReading("x", ColumnMap.model_validate({"from": "x"} | (column or {})), source)
    variable = DateVariable(kind="date", label="X", required=required)
    return code_days(Column.of(values), reading, variable, TODAY)


def kinds(coded):
    return [mark.kind for mark in coded.marks]


@pytest.mark.parametrize(
    "value",
    [
        "02.02.2222",
        ALIVE,
        datetime.datetime(2222, 2, 2),  # noqa: DTZ001 - as a file without time zones holds it
        datetime.datetime(2222, 2, 2, tzinfo=datetime.UTC),
    ],
)
@pytest.mark.parametrize("token", ["2222-02-02", "02.02.2222", "2222-02-02 00:00:00"])
@pytest.mark.parametrize("key", ["missing", "did_not_happen", "day_unknown"])
def test_a_date_that_is_listed_is_meant_however_it_is_stored(value, token, key):
    coded = code([value, "01.03.2019"], {key: [token]}, dates="%d.%m.%Y")

    assert [] == kinds(coded)
    assert (UNKNOWN_DAY if key == "day_unknown" else NO_DATE) == coded.days[0]


def test_an_event_that_did_not_happen_and_one_on_an_unknown_day_are_two():
    coded = code(["", "no", "unknown"], {"did_not_happen": ["no"], "day_unknown": ["unknown"]})

    assert [NO_DATE, NO_DATE, UNKNOWN_DAY] == coded.days.tolist()
    assert [] == kinds(coded)


@pytest.mark.parametrize("empty", ["", None, "NA", "."])
def test_a_sign_for_missing_beside_empty_cells_must_be_explained(empty):
    coded = code([empty, "unknown", "2019-01-01"], {"missing": ["unknown"]})

    assert [FindingKind.UNCLEAR_MISSING] == kinds(coded)
    assert ("unknown",) == coded.marks[0].values


def test_so_must_two_signs_in_the_list_of_the_source():
    coded = code(["unk", "none", "2019-01-01"], missing=["", "unk", "none"])

    assert [FindingKind.UNCLEAR_MISSING] == kinds(coded)


def test_a_word_alone_may_say_that_nobody_knows_the_day():
    assert [FindingKind.UNCLEAR_MISSING] == kinds(
        code(["unknown", "2019-01-01"], {"missing": ["unknown"]})
    )


def test_one_sign_alone_says_that_there_is_none():
    coded = code(["99-99-9999", "2019-01-01"], {"missing": ["99-99-9999"]})

    assert [] == kinds(coded)
    assert NO_DATE == coded.days[0]


def test_of_a_required_date_every_sign_says_the_same():
    assert [] == kinds(code(["", "unknown"], {"missing": ["unknown"]}, required=True))


def test_a_text_that_is_no_date_is_an_unknown_day_and_not_a_patient_without_the_event():
    coded = code(["about 2019", ""])

    assert [UNKNOWN_DAY, NO_DATE] == coded.days.tolist()
    assert [FindingKind.NOT_A_DATE] == kinds(coded)


@pytest.mark.parametrize("zone", [datetime.UTC, None])
def test_midnight_in_another_zone_is_a_finding_until_node_yaml_names_the_zone(zone):
    evening = datetime.datetime(2018, 11, 27, 23, tzinfo=zone)

    assert [FindingKind.NOT_A_DAY] == kinds(code([evening]))
    assert [day_number(datetime.date(2018, 11, 28))] == code(
        [evening], {"moments": "Europe/Vienna"}
    ).days.tolist()
    assert [day_number(datetime.date(2018, 11, 27))] == code(
        [evening], {"moments": "local"}
    ).days.tolist()


@given(
    st.dates(datetime.date(1980, 1, 1), datetime.date(2025, 12, 31)),
    st.sampled_from(["Europe/Vienna", "America/New_York", "Asia/Tokyo", "UTC", "Asia/Kolkata"]),
)
def test_a_day_stored_as_its_midnight_in_utc_is_that_day_or_a_finding(day, zone):
    import zoneinfo

    local = datetime.datetime.combine(day, datetime.time.min, zoneinfo.ZoneInfo(zone))
    if (
        local.astimezone(datetime.UTC).astimezone(local.tzinfo) != local
        or local.utcoffset() is None
    ):
        return
    stored = local.astimezone(datetime.UTC)
    for moment in (stored, stored.replace(tzinfo=None)):
        plain, named = code([moment]), code([moment], {"moments": zone})

        assert [day_number(day)] == named.days.tolist()
        assert [FindingKind.NOT_A_DAY] == kinds(plain) or [day_number(day)] == plain.days.tolist()


def test_a_day_that_was_stored_as_a_day_is_not_moved_by_a_zone():
    midnight = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)

    assert [FindingKind.NOT_A_DAY] == kinds(code([midnight], {"moments": "America/New_York"}))


@pytest.mark.parametrize("zone", ["Europe/Vienna", "America/New_York"])
def test_a_moment_without_a_zone_that_is_no_midnight_there_is_another_day_only_in_one_reading(zone):
    late = datetime.datetime(2018, 5, 1, 23 if zone == "Europe/Vienna" else 2, 30)  # noqa: DTZ001
    noon = datetime.datetime(2018, 5, 1, 12)  # noqa: DTZ001
    coded = code([late, noon], {"moments": zone})

    assert [FindingKind.NOT_A_DAY] == kinds(coded)
    assert f"in {zone}" in coded.marks[0].advice
    assert [UNKNOWN_DAY, day_number(datetime.date(2018, 5, 1))] == coded.days.tolist()


@pytest.mark.parametrize("zone", ["Europe/Vienna", "America/New_York"])
def test_a_moment_at_the_end_of_the_calendar_is_impossible_in_every_zone(zone):
    last = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    first = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)
    found = kinds(code([last, first, "2019-01-01"], {"moments": zone}))

    assert FindingKind.IMPOSSIBLE_DATE in found
    assert {FindingKind.IMPOSSIBLE_DATE, FindingKind.NOT_A_DAY} >= set(found)
    assert [] == kinds(code([last], {"moments": zone, "did_not_happen": ["9999-12-31"]}))


@pytest.mark.parametrize("zero", ["1900-01-01", "1904-01-01", "1960-01-01", "1970-01-01"])
def test_day_0_of_a_program_is_a_finding_where_all_other_days_are_far(zero):
    coded = code([zero, "2019-03-01", "2018-05-07"])

    assert [FindingKind.PLACEHOLDER_DATE] == kinds(coded)
    assert (zero,) == coded.marks[0].values


def test_days_0_of_two_programs_do_not_make_each_other_likely():
    zeros = ("1960-01-01", "1970-01-01", "1900-01-01", "1904-01-01")

    assert zeros == code([*zeros, "2019-03-01", "2018-05-07"]).marks[0].values


@pytest.mark.parametrize("zero", ["1960-01-01", "1970-01-01"])
def test_it_is_a_day_like_others_where_they_are_near(zero):
    assert [] == kinds(code([zero, "1962-03-01", "1968-05-07", "1975-01-01"]))


def test_any_day_of_two_patients_far_from_all_others_is_a_finding():
    assert [FindingKind.PLACEHOLDER_DATE] == kinds(code(["1911-11-11", "1911-11-11", "2019-03-01"]))
    assert [] == kinds(code(["1911-11-11", "2019-03-01"]))
    assert [] == kinds(code(["2019-03-01", "2019-03-01", "1991-03-01"]))


@pytest.mark.parametrize(
    "never", ["1899-12-30", "1899-12-31", "9999-12-31", "2222-02-02", "1582-10-14"]
)
def test_a_day_on_which_nobody_was_seen_is_impossible(never):
    coded = code([never, "2019-03-01"])

    assert [FindingKind.IMPOSSIBLE_DATE] == kinds(coded)
    assert UNKNOWN_DAY == coded.days[0]
    assert "did_not_happen" in coded.marks[0].advice


def test_dates_without_a_day_are_completed_and_counted():
    coded = code(["2019-03", "2019-04-07", ""], {"dates": ["%Y-%m-%d", "%Y-%m"], "day": 15})

    assert [
        day_number(datetime.date(2019, 3, 15)),
        day_number(datetime.date(2019, 4, 7)),
        NO_DATE,
    ] == (coded.days.tolist())
    assert [True, False, False] == coded.completed.tolist()


def test_a_text_that_two_forms_read_as_two_days_is_no_date():
    coded = code(["03/04/2019", "31/12/2018", "12/31/2018"], {"dates": ["%d/%m/%Y", "%m/%d/%Y"]})

    assert ("03/04/2019",) == coded.marks[0].values
    assert "as different days" in coded.marks[0].advice


@pytest.mark.parametrize(
    ("text", "forms"),
    [("40317", ["%d%m%y", "excel"]), ("2012018", ["%m%d%Y", "%Y%j"]), ("1217", ["%m%y", "sas"])],
)
def test_nor_is_one_that_is_a_date_in_one_form_and_may_have_lost_its_zero_or_its_day_in_another(
    text, forms
):
    for order in (forms, forms[::-1]):
        coded = code([text], {"dates": order, "day": 15})

        assert [FindingKind.NOT_A_DATE] == kinds(coded)
        advice = coded.marks[0].advice
        assert "dropped the leading zero" in advice or "as different days" in advice


def test_a_year_of_four_digits_loses_no_zero():
    assert [] == kinds(code(["2012018", "20180131"], {"dates": ["%Y%m%d", "%Y%j"]}))


def test_a_number_that_stands_for_nothing_is_no_day_of_a_calendar():
    coded = code(
        [datetime.date(1987, 5, 18), "9999", "10000"], {"dates": ["sas"]}, missing=["9999"]
    )

    assert [day_number(datetime.date(1987, 5, 18)), NO_DATE] == coded.days.tolist()[:2]


@pytest.mark.parametrize("form", ["sas", "r"])
@pytest.mark.parametrize("sign", ["-1", "-9", "99", "-999", "9999"])
def test_a_number_that_people_write_for_missing_is_no_day_number_far_from_all_others(form, sign):
    coded = code([sign, "18184", "17900"], {"dates": [form]})

    assert [FindingKind.PLACEHOLDER_DATE] == kinds(coded)
    assert (sign,) == coded.marks[0].values
    assert [] == kinds(code([sign, "18184"], {"dates": [form], "day_unknown": [sign]}))
    assert [] == kinds(code(["9999", "9000", "10400"], {"dates": [form]}))


@pytest.mark.parametrize(
    ("texts", "forms", "said"),
    [
        (["1"], "excel", "Mend them."),
        (["99", "-9"], "%Y-%m-%d", "Mend them."),
        (["2019-03-02", "2019-03"], "%Y-%m-%d", 'x.dates to ["%Y-%m-%d", "%Y-%m"], and day to the'),
        (["2019-03-02", "28.11.2018"], "%Y-%m-%d", 'x.dates to ["%Y-%m-%d", "%d.%m.%Y"]'),
        (["2019-03-02", "3/4/2019"], "%Y-%m-%d", 'set data.columns.x.dates to "%Y-%m-%d" and it'),
        (["2019", "1998"], "%Y-%m-%d", "A year alone tells no day."),
        (["43432", "43700"], "%Y-%m-%d", "day numbers of excel, so that '43432' is 2018-11-28"),
        (["8082019", "10152019"], "%m%d%Y", "dropped the leading zero"),
        (["28/11/2018"], "%Y-%m-%d", 'data.source.dates to "%d/%m/%Y"'),
        (
            ["03/04/2019"],
            "%Y-%m-%d",
            'several forms: \'03/04/2019\' under "%d/%m/%Y" (2019-04-03), "%m/%d/%Y" (2019-03-04)',
        ),
        (["20500"], "%Y-%m-%d", '"excel" (1956-02-15), "sas" (2016-02-16), "r" (2026-02-16)'),
        (["2019-03"], "%Y-%m-%d", "day to the day that completes a month"),
    ],
)
def test_the_advice_names_the_form_that_the_texts_have(texts, forms, said):
    coded = code([*texts], dates=forms)

    assert said in coded.marks[0].advice
