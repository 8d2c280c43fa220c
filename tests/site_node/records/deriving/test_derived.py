"""Derived variables: cuts, periods, conditions over several variables with missing values, first events, recorded levels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.study.codebook import Codebook
from riskset_common.study.patients import MISSING, NO_DATE, Patients
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.deriving.derived import derive_variables

AGE = {"kind": "number", "label": "Age"}
DATE = {"kind": "date", "label": "Day"}
CUT = {
    "from": "age",
    "label": "Age",
    "cut": {"< 6": [None, 6], "6 to < 9": [6, 9], ">= 10": [10, None]},
}
RISK = {
    "label": "Risk group",
    "rules": {
        "LR": {"gene": ["germline"]},
        "MR": [
            {"gene": ["rearranged"], "young": ["no"]},
            {"gene": ["rearranged"], "many": ["no"], "response": ["good"]},
        ],
        "HR": [
            {"gene": ["rearranged"], "young": ["yes"], "many": ["yes"]},
            {"gene": ["rearranged"], "young": ["yes"], "response": ["poor"]},
        ],
    },
}
FACTORS = {
    "gene": ("germline", "rearranged"),
    "young": ("no", "yes"),
    "many": ("no", "yes"),
    "response": ("good", "poor"),
}


def category(*levels):
    return {"kind": "category", "label": "Category", "levels": {level: level for level in levels}}


def codebook(variables, **derived):
    return Codebook.model_validate(
        {"codebook": "c", "version": 1, "variables": variables, "derived": derived}
    )


def codes(words, patients, name="x", group="G"):
    return derive_variables(patients, words, group).codes[name].tolist()


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (5.999, 0),
        (6, 1),
        (8.999, 1),
        (9, MISSING),
        (9.999, MISSING),
        (10, 2),
        (-1e300, 0),
        (1e300, 2),
        (np.nan, MISSING),
    ],
)
def test_a_cut_holds_its_lower_bound_and_not_its_upper(age, code):
    patients = Patients(1, numbers={"age": np.array([age])})

    assert [code] == codes(codebook({"age": AGE}, x=CUT), patients)


@given(st.lists(st.floats(allow_infinity=False)))
def test_every_number_is_in_one_cut_or_in_none(ages):
    patients = Patients(len(ages), numbers={"age": np.array(ages, dtype=np.float64)})
    bounds = [(-np.inf, 6), (6, 9), (10, np.inf)]

    assert [
        next((code for code, (low, high) in enumerate(bounds) if low <= age < high), MISSING)
        for age in ages
    ] == codes(codebook({"age": AGE}, x=CUT), patients)


def test_a_study_group_outside_every_group_is_missing(site):
    found = {
        group: derive_variables(
            Patients(2, {"sex": np.zeros(2, dtype=np.int64)}, {"age": np.zeros(2)}),
            site.codebook(),
            group,
        )
        .codes["region"]
        .tolist()
        for group in ("COALL", "AIEOP", "SJCRH")
    }

    assert {"COALL": [0, 0], "AIEOP": [1, 1], "SJCRH": [MISSING, MISSING]} == found


def test_a_period_holds_its_first_day_and_not_its_last():
    days = np.array(
        [14609, 14610, 14974, 14975, NO_DATE]
    )  # 2009-12-31, 2010-01-01, 2010-12-31, 2011-01-01
    words = codebook(
        {"day": DATE},
        x={
            "from": "day",
            "label": "Year",
            "period": {"2010": ["2010-01-01", "2011-01-01"], "later": ["2011-01-01", None]},
        },
    )

    assert [MISSING, 0, 0, 1, MISSING] == codes(words, Patients(5, dates={"day": days}))


def test_days_between_two_dates_are_cut():
    words = codebook(
        {"a": DATE, "b": DATE},
        x={
            "from": "b",
            "since": "a",
            "label": "Days",
            "cut": {"short": [0, 10], "long": [10, None]},
        },
    )
    patients = Patients(4, dates={"a": np.array([0, 0, NO_DATE, 5]), "b": np.array([9, 10, 3, 4])})

    assert [0, 1, MISSING, MISSING] == codes(words, patients)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (("germline", None, None, None), 0),
        (("rearranged", "no", None, None), 1),
        (("rearranged", "yes", "yes", None), 2),
        (("rearranged", "yes", None, "poor"), 2),
        (("rearranged", None, "no", "good"), 1),
        (("rearranged", "yes", "no", None), MISSING),
        (("rearranged", None, "yes", None), MISSING),
        ((None, "no", None, None), MISSING),
    ],
)
def test_a_level_is_given_wherever_it_does_not_depend_on_what_is_missing(values, code):
    coded = {
        name: np.array([MISSING if value is None else FACTORS[name].index(value)])
        for name, value in zip(FACTORS, values, strict=True)
    }
    words = codebook({name: category(*levels) for name, levels in FACTORS.items()}, x=RISK)

    assert [code] == codes(words, Patients(1, coded))


def test_a_level_with_values_missing_is_the_one_that_every_completion_has():
    words = codebook({name: category(*levels) for name, levels in FACTORS.items()}, x=RISK)
    rows = np.array(list(product((MISSING, 0, 1), repeat=4)))
    found = codes(words, Patients(len(rows), dict(zip(FACTORS, rows.T, strict=True))))
    complete = {
        tuple(row): code
        for row, code in zip(rows.tolist(), found, strict=True)
        if MISSING not in row
    }
    given = [(row, code) for row, code in zip(rows.tolist(), found, strict=True) if code != MISSING]

    assert 16 == len(complete)
    assert 16 < len(given)
    for row, code in given:
        completions = product(*((0, 1) if value == MISSING else (value,) for value in row))

        assert {code} == {complete[completion] for completion in completions}


def test_an_open_earlier_level_leaves_a_later_one_open():
    words = codebook(
        {"a": category("1", "2"), "b": category("1", "2")},
        x={"label": "X", "rules": {"p": {"a": ["1"]}, "q": {"b": ["1"]}}},
    )
    patients = Patients(4, {"a": np.array([0, 1, MISSING, 1]), "b": np.array([0, 0, 0, 1])})

    assert [0, 1, MISSING, MISSING] == codes(words, patients)


def test_the_first_event_is_the_level_and_otherwise_the_one_named_for_none():
    event = {
        "label": "First",
        "first_of": {
            "died": {"date": "died", "before": "remission"},
            "relapse": {"date": "relapse"},
        },
    }
    dates = {
        "died": np.array([9, 9, NO_DATE, 5]),
        "relapse": np.array([7, NO_DATE, NO_DATE, 5]),
        "remission": np.array([5, 6, 5, NO_DATE]),
    }
    words = codebook(dict.fromkeys(dates, DATE), x={**event, "otherwise": "none"}, open=event)

    assert [1, 2, 2, 0] == codes(words, Patients(4, dates=dates))
    assert [1, MISSING, MISSING, 0] == codes(words, Patients(4, dates=dates), "open")


def test_the_recorded_level_holds_where_the_rule_has_none_and_is_told_where_it_differs():
    words = codebook(
        {"age": AGE, "said": category("old", "young")},
        x={
            "from": "age",
            "label": "X",
            "cut": {"young": [0, 6], "old": [6, 12]},
            "recorded": "said",
        },
    )
    patients = Patients(
        4, {"said": np.array([1, 1, 0, MISSING])}, {"age": np.array([1.0, 7.0, np.nan, 8.0])}
    )
    derived = derive_variables(patients, words, "G")
    (mark,) = derived.marks

    assert [0, 1, 1, 1] == derived.codes["x"].tolist()
    assert (FindingKind.DERIVED_DIFFERS, [False, True, False, False], ("old, not young",)) == (
        mark.kind,
        mark.rows.tolist(),
        mark.values,
    )


def test_variables_are_derived_after_those_that_they_are_made_of():
    words = codebook({"age": AGE}, late={"label": "L", "rules": {"y": {"x": ["< 6"]}}}, x=CUT)

    assert [0, MISSING] == codes(words, Patients(2, numbers={"age": np.array([1.0, 7.0])}), "late")
