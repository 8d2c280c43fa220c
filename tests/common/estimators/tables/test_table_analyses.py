"""Tables of characteristics and of events: every patient in one cell, percentages of the known, and tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.common.estimators.cohorts import Cohort, cohorts, nobody, random_cohort
from tests.common.estimators.pooling import result_of

BASELINE = {"kind": "baseline", "by": "arm", "rows": ["sex", "hospital"], "test": "chi_square"}
EVENTS = {"kind": "event_table", "endpoint": "EFS", "by": "arm"}


@given(cohort=cohorts())
def test_every_patient_stands_in_one_cell_of_each_characteristic(cohort: Cohort) -> None:
    result = result_of(BASELINE, cohort, 1)
    missing = result["missing_values"]
    for name in ("sex", "hospital"):
        counts = [row["counts"] for row in result["rows"] if row["variable"] == name]

        assert result["column_n"] == np.sum([*counts, missing[name]["counts"]], axis=0).tolist()
    assert cohort.n == result["n"] + result["missing"]
    assert sum(result["column_n"]) == result["n"]


def test_a_cell_counts_who_has_the_level_in_the_group() -> None:
    cohort = random_cohort(1)
    rows = result_of(BASELINE, cohort, 5)["rows"]

    assert [
        [int(((cohort.sex == sex) & (cohort.arm == arm)).sum()) for arm in range(3)]
        for sex in range(2)
    ] == [row["counts"] for row in rows if row["variable"] == "sex"]
    assert ["male", "female"] == [row["level"] for row in rows if row["variable"] == "sex"]


def test_percentages_are_of_those_in_whom_the_characteristic_is_known() -> None:
    cohort = random_cohort(2)
    unknown = cohort.with_values(sex=np.where(np.arange(cohort.n) % 3 == 0, -1, cohort.sex))
    result = result_of(BASELINE, unknown, 5)
    male, female = (row for row in result["rows"] if row["variable"] == "sex")

    assert [100, 100, 100] == pytest.approx(np.add(male["percent"], female["percent"]))
    assert 100 == pytest.approx(male["total_percent"] + female["total_percent"])
    assert (
        int(((unknown.sex < 0) & (unknown.arm >= 0)).sum())
        == (result["missing_values"]["sex"]["total"])
    )


def test_a_column_of_nobody_has_counts_of_zero_and_no_percentages() -> None:
    cohort = random_cohort(3)
    result = result_of(BASELINE, cohort.with_values(arm=np.minimum(cohort.arm, 1)), 5)

    assert ["A", "B", "C"] == result["columns"]
    assert {(0, None)} == {(row["counts"][2], row["percent"][2]) for row in result["rows"]}
    assert 1 == result["tests"]["sex"]["df"]


def test_a_table_of_nobody_is_a_table() -> None:
    result = result_of(BASELINE, nobody(), 5)

    assert 0 == result["n"]
    assert {0} == {test["df"] for test in result["tests"].values()}
    assert {None} == {row["total_percent"] for row in result["rows"]}


def test_without_groups_there_is_one_column_and_no_test() -> None:
    result = result_of({"kind": "baseline", "rows": ["sex"]}, random_cohort(4), 5)

    assert ["all"] == result["columns"]
    assert {} == result["tests"]
    assert result["by"] is None


def test_groups_of_several_variables_are_named_by_all_their_levels() -> None:
    result = result_of(BASELINE | {"by": ["sex", "arm"], "rows": ["hospital"]}, random_cohort(5), 5)

    assert "sex / arm" == result["by"]
    assert ["male / A", "male / B", "male / C", "female / A"] == result["columns"][:4]


def test_events_are_counted_by_kind_and_group() -> None:
    cohort = random_cohort(6)
    result = result_of(EVENTS, cohort, 5)
    cells = [
        [int(((cohort.event == kind) & (cohort.arm == arm)).sum()) for arm in range(3)]
        for kind in range(3)
    ]

    assert ["relapse", "death"] == [row["event"] for row in result["rows"]]
    assert cells == [row["counts"] for row in (result["censored"], *result["rows"])]
    assert np.sum(cells, axis=0).tolist() == result["column_n"]
    assert int(np.sum(cells[1:])) == result["events"]
    assert [100, 100, 100] == pytest.approx(
        np.sum([row["percent"] for row in (result["censored"], *result["rows"])], axis=0)
    )


def test_patients_without_a_group_or_an_endpoint_are_missing_from_the_events() -> None:
    cohort = random_cohort(7)
    event = np.where(np.arange(cohort.n) % 5 == 0, -1, cohort.event)
    result = result_of(EVENTS, cohort.with_values(event=event), 5)

    assert int(((cohort.arm < 0) | (event < 0)).sum()) == result["missing"]
    assert cohort.n == result["n"] + result["missing"]


def test_an_endpoint_without_events_has_rows_of_zero() -> None:
    cohort = random_cohort(8)
    result = result_of(EVENTS, cohort.with_values(event=np.zeros(cohort.n, dtype=int)), 5)

    assert 0 == result["events"]
    assert [[0, 0, 0]] * 2 == [row["counts"] for row in result["rows"]]
