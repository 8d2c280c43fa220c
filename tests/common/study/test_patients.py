"""Patients as arrays: what is missing, who is chosen, and a digest of everything known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.study.infant_trial import study

from riskset_common.study.patients import NO_DATE, EndpointTimes, Patients
from riskset_common.study.study import Site, cross, meets


def integers(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


FOUR = Patients(
    n=4,
    categories={"sex": integers(0, 1, -1, 1), "arm": integers(0, 1, 1, -1)},
    numbers={"age": np.array([1.0, np.nan, 3.0, 4.0])},
    dates={"date_death": integers(NO_DATE, 10, 20, 30)},
    endpoints={
        "OS": EndpointTimes(integers(5, 6, -1, 8), integers(1, 0, 1, -1)),
        "LATE": EndpointTimes(integers(5, 6, 7, 8), integers(1, 0, 1, 2), integers(0, -1, 2, 3)),
    },
)


@pytest.mark.parametrize(
    ("names", "endpoint", "expected"),
    [
        ([], None, [1, 1, 1, 1]),
        (["sex"], None, [1, 1, 0, 1]),
        (["age"], None, [1, 0, 1, 1]),
        (["date_death"], None, [0, 1, 1, 1]),
        (["sex", "arm", "age"], None, [1, 0, 0, 0]),
        ([], "OS", [1, 1, 0, 0]),
        ([], "LATE", [1, 0, 1, 1]),
        (["sex"], "LATE", [1, 0, 0, 1]),
    ],
)
def test_complete_cases_have_every_variable_and_the_endpoint(
    names: list[str], endpoint: str | None, expected: list[int]
) -> None:
    assert expected == FOUR.complete(names, endpoint).astype(int).tolist()


def test_some_of_the_patients_keep_everything_known_of_them() -> None:
    some = FOUR.rows(np.array([True, False, False, True]))

    assert 2 == some.n
    assert [0, 1] == some.categories["sex"].tolist()
    assert [1.0, 4.0] == some.numbers["age"].tolist()
    assert [NO_DATE, 30] == some.dates["date_death"].tolist()
    assert [5, 8] == some.endpoints["LATE"].time.tolist()
    assert [0, 3] == some.endpoints["LATE"].entry.tolist()  # type: ignore[union-attr]  # there is one
    assert some.endpoints["OS"].entry is None


CHANGES: dict[str, Any] = {
    "a level": {"categories": {"sex": integers(0, 1, -1, 0), "arm": integers(0, 1, 1, -1)}},
    "a name": {"categories": {"sexe": integers(0, 1, -1, 1), "arm": integers(0, 1, 1, -1)}},
    "two names": {"categories": {"arm": integers(0, 1, -1, 1), "sex": integers(0, 1, 1, -1)}},
    "a number": {"numbers": {"age": np.array([1.0, np.nan, 3.0, 4.5])}},
    "a missing number": {"numbers": {"age": np.array([1.0, 2.0, 3.0, 4.0])}},
    "a date": {"dates": {"date_death": integers(NO_DATE, 10, 20, 31)}},
    "an entry": {
        "endpoints": {**FOUR.endpoints}
        | {"OS": EndpointTimes(integers(5, 6, -1, 8), integers(1, 0, 1, -1), integers(0, 0, 0, 0))}
    },
    "an event": {
        "endpoints": {**FOUR.endpoints}
        | {"OS": EndpointTimes(integers(5, 6, -1, 8), integers(2, 0, 1, -1))}
    },
    "no patients": {"n": 0, "categories": {}, "numbers": {}, "dates": {}, "endpoints": {}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_digest_changes_with_whatever_is_known(change: dict[str, Any]) -> None:
    assert FOUR.digest() != replace(FOUR, **change).digest()


def test_a_digest_is_that_of_the_values_not_of_how_they_are_kept() -> None:
    turned = replace(
        FOUR,
        categories={name: FOUR.categories[name] for name in ("arm", "sex")},
        numbers={"age": np.array([1.0, 0, np.nan, 0, 3.0, 0, 4.0, 0])[::2]},
    )

    assert FOUR.digest() == turned.digest()
    assert 32 == len(FOUR.digest())


def test_what_is_kept_is_built_once_and_by_its_key() -> None:
    patients = replace(FOUR, _kept={})
    built: list[str] = []

    def build() -> int:
        built.append("again")
        return len(built)

    assert [1, 1, 2] == [patients.keep(key, build) for key in ("a", "a", ("a", 1))]
    assert not FOUR.rows(np.ones(4, dtype=np.bool_))._kept


TRIAL = study()


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, [1, 1, 1, 1]),
        ({"sex": ["male"]}, [1, 0, 0, 0]),
        ({"sex": ["male", "female"]}, [1, 1, 0, 1]),
        ({"sex": ["female"], "arm": ["ADE_MAE"]}, [0, 1, 0, 0]),
        ({"sex": []}, [0, 0, 0, 0]),
    ],
)
def test_conditions_are_met_by_who_has_one_of_the_levels_of_each(
    conditions: dict[str, list[str]], expected: list[int]
) -> None:
    assert expected == meets(TRIAL, FOUR, conditions).astype(int).tolist()


def test_a_population_and_further_conditions_hold_together() -> None:
    assert [True, True, True, False] == TRIAL.chosen(FOUR, "randomised", {}).tolist()
    assert [False, True, False, False] == (
        TRIAL.chosen(FOUR, "randomised", {"sex": ["female"]}).tolist()
    )


def test_sites_and_study_groups_are_levels_in_the_order_of_their_names() -> None:
    two_of_one = replace(TRIAL, sites=(Site("a", "Z"), Site("b", "Y"), Site("c", "Z")))

    assert ("a", "b", "c") == two_of_one.levels("site")
    assert ("Y", "Z") == two_of_one.levels("study_group") == two_of_one.study_groups
    assert not two_of_one.one_site_a_group
    assert TRIAL.one_site_a_group
    with pytest.raises(KeyError):
        TRIAL.levels("age")


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 1), st.integers(-1, 3)), max_size=20))
def test_a_combination_has_one_code_and_is_missing_where_a_part_is(
    rows: list[tuple[int, int, int]],
) -> None:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T

    assert [-1 if min(row) < 0 else (row[0] * 2 + row[1]) * 4 + row[2] for row in rows] == cross(
        columns, (3, 2, 4), len(rows)
    ).tolist()


def test_the_combination_of_nothing_is_one_group() -> None:
    assert [0, 0, 0] == cross([], [], 3).tolist()
