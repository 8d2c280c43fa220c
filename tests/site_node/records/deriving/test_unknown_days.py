"""Dates of events on an unknown day: what every possible day leaves the same is given, and what hangs on the day is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from riskset_common.planning.read import ReleasePlan
from riskset_common.study.codebook import Codebook
from riskset_common.study.patients import MISSING, NO_DATE, UNKNOWN_DAY, Patients
from riskset_common.study.study import Site, Study
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.deriving.derived import derive_variables
from riskset_node.records.deriving.endpoints import derive

DATES = ("origin", "remission", "relapse", "died", "left", "seen", "entered")
KNOWN = (6, 9, 12)
POSSIBLE = range(19)
"""Every order of two unknown days among the known ones and each other is possible within these, and so is every tie."""

RELAPSE = {"relapse": {"date": "relapse"}}
DIED = {"died": {"date": "died"}}
FIRST_OF: dict[str, dict[str, dict[str, Any]]] = {
    "one": DIED,
    "two": {**RELAPSE, **DIED},
    "both sides": {
        "early": {"date": "died", "before": "remission"},
        **RELAPSE,
        "late": {"date": "died", "after": "remission"},
    },
    "one side": {"late": {"date": "relapse", "after": "remission"}, **DIED},
    "of each other": {"remission": {"date": "remission"}, "relapse": {"date": "relapse", "after": "remission"}},
    "reversed": {"relapse": {"date": "relapse", "after": "remission"}, "remission": {"date": "remission"}},
    "before": {"relapse": {"date": "relapse", "before": "died"}, **DIED},
    "itself": {"relapse": {"date": "relapse", "after": "relapse"}, "died": {"date": "died", "before": "died"}},
    "one date": {"first": {"date": "relapse"}, "second": {"date": "relapse", "after": "died"}},
    "conditions": {"relapse": {"date": "relapse", "where": {"sort": ["a"]}}, **DIED},
}  # fmt: skip


def study_of(endpoint: Mapping[str, object], derived: Mapping[str, object] | None = None) -> Study:
    """A study of these dates, with one endpoint and one derived variable."""
    variables: dict[str, object] = {name: {"kind": "date", "label": name} for name in DATES}
    variables["sort"] = {"kind": "category", "label": "Sort", "levels": {"a": "A", "b": "B"}}
    book: dict[str, object] = {"codebook": "c", "version": 1, "variables": variables}
    if derived is not None:
        book["derived"] = {"first": {"label": "First"} | dict(derived)}
    plan = ReleasePlan.model_validate(
        {
            "plan": "p",
            "version": "1.0.0",
            "codebook": "c@1",
            "time": {"unit": "days"},
            "conventions": "r",
            "endpoints": {
                "E": {"label": "E", "origin": "origin", "censor": "seen"} | dict(endpoint)
            },
            "analyses": [{"id": "e", "kind": "kaplan_meier", "endpoint": "E"}],
        }
    )
    return Study(plan, Codebook.model_validate(book), (Site("s", "G"),))


def patients_of(rows: list[dict[str, int]], sort: int = 0) -> Patients:
    """Patients with these days; what is not named did not happen."""
    dates = {
        name: np.array([row.get(name, NO_DATE) for row in rows], dtype=np.int64) for name in DATES
    }
    return Patients(
        len(rows), categories={"sort": np.full(len(rows), sort, dtype=np.int64)}, dates=dates
    )


def every_possible(row: dict[str, int]) -> list[dict[str, int]]:
    """The row with every possible day for each that is unknown."""
    unknown = [name for name, day in row.items() if day == UNKNOWN_DAY]
    return [
        row | dict(zip(unknown, days, strict=True))
        for days in product(POSSIBLE, repeat=len(unknown))
    ]


def answers(study: Study, rows: list[dict[str, int]], sort: int) -> list[tuple[int, int]]:
    """Time and event of each patient."""
    times = derive("E", study, patients_of(rows, sort)).times
    known = times.known
    return [
        (int(time), int(event)) if here else (MISSING, MISSING)
        for time, event, here in zip(times.time, times.event, known, strict=True)
    ]


def the_one(found: list[Any], missing: Any) -> Any:
    """What all say, or that it is missing."""
    return found[0] if len(set(found)) == 1 else missing


@st.composite
def rows(draw: st.DrawFn) -> dict[str, int]:
    """A patient with an origin, in whom each date is known, unknown, or none; two are unknown at most."""
    days = st.sampled_from((NO_DATE, UNKNOWN_DAY, *KNOWN, *KNOWN))
    row = {name: draw(days) for name in DATES[1:6]}
    unknown = [name for name, day in row.items() if day == UNKNOWN_DAY]
    return row | dict.fromkeys(unknown[2:], NO_DATE) | {"origin": 5}


@pytest.mark.parametrize("first_of", FIRST_OF)
@examples(40)
@given(
    row=rows(),
    stops=st.sampled_from([(), ("left",)]),
    horizon=st.sampled_from([None, 1, 4, 7]),
    sort=st.sampled_from([0, 1, MISSING]),
)
def test_an_endpoint_is_what_every_possible_day_makes_it_and_else_missing(
    first_of: str, row: dict[str, int], stops: tuple[str, ...], horizon: int | None, sort: int
) -> None:
    study = study_of(
        {"first_of": FIRST_OF[first_of], "censored_at": stops, "horizon": horizon},
    )
    expected = the_one(answers(study, every_possible(row), sort), (MISSING, MISSING))

    assert [expected] == answers(study, [row], sort)


@pytest.mark.parametrize("first_of", FIRST_OF)
@examples(40)
@given(row=rows(), otherwise=st.sampled_from([None, "none"]), until=st.sampled_from([None, 10]))
def test_a_derived_level_is_what_every_possible_day_makes_it_and_else_missing(
    first_of: str, row: dict[str, int], otherwise: str | None, until: int | None
) -> None:
    study = study_of({"first_of": DIED}, {"first_of": FIRST_OF[first_of], "otherwise": otherwise})
    last = {} if until is None else {"until": until}

    def levels(found: list[dict[str, int]]) -> list[int]:
        # What lies after the day on which the records are read has not happened.
        as_read = [
            {
                name: NO_DATE if until is not None and day > until else day
                for name, day in each.items()
            }
            for each in found
        ]
        codes = derive_variables(patients_of(as_read), study.codebook, "G", **last).codes
        return [int(code) for code in codes["first"]]

    assert [the_one(levels(every_possible(row)), MISSING)] == levels([row])


def one(row: dict[str, int], **endpoint: object) -> tuple[int, int]:
    [found] = answers(study_of({"first_of": {**RELAPSE, **DIED}} | endpoint), [row], 0)
    return found


def test_a_death_on_an_unknown_day_is_neither_an_event_nor_a_censoring() -> None:
    assert (MISSING, MISSING) == one({"origin": 5, "died": UNKNOWN_DAY, "seen": 12})


def test_overall_survival_is_known_where_only_the_day_of_the_relapse_is_not() -> None:
    row = {"origin": 5, "relapse": UNKNOWN_DAY, "died": 9, "seen": 12}

    assert (MISSING, MISSING) == one(row)
    assert (4, 1) == one(row, first_of=DIED)


def test_a_known_death_stands_where_the_day_of_last_contact_is_unknown() -> None:
    assert (4, 2) == one({"origin": 5, "died": 9, "seen": UNKNOWN_DAY})
    assert (MISSING, MISSING) == one({"origin": 5, "seen": UNKNOWN_DAY})


def test_a_condition_that_hangs_on_an_unknown_day_leaves_the_event_open() -> None:
    rule = {"from": "died", "since": "origin", "cut": {"early": [None, 4], "late": [4, None]}}
    early = {"early": {"date": "died", "where": {"first": ["early"]}}}
    study = study_of({"first_of": early}, rule)
    rows = [{"origin": 5, "died": day, "seen": 12} for day in (UNKNOWN_DAY, 7, 11, NO_DATE)]
    patients = patients_of(rows)
    codes = derive_variables(patients, study.codebook, "G").codes
    times = derive("E", study, replace(patients, categories=codes)).times

    assert [MISSING, 2, 7, 7] == times.time.tolist()
    assert [MISSING, 1, 0, 0] == times.event.tolist()


@pytest.mark.parametrize("name", ["origin", "entered"])
def test_there_is_no_time_from_an_origin_or_an_entry_on_an_unknown_day(name: str) -> None:
    row = {"origin": 5, "entered": 6, "died": 9, "seen": 12}

    assert (4, 2) == one(row, entry="entered")
    assert (MISSING, MISSING) == one(row | {name: UNKNOWN_DAY}, entry="entered")


def test_an_unknown_day_is_before_no_origin_and_after_no_last_contact() -> None:
    row = dict.fromkeys(DATES, UNKNOWN_DAY) | {"origin": 5}
    study = study_of({"first_of": {**RELAPSE, **DIED}, "censored_at": "left"})

    assert () == derive("E", study, patients_of([row])).marks


def test_a_known_date_that_is_reversed_is_told_beside_an_unknown_one() -> None:
    row = {"origin": 5, "relapse": 3, "died": UNKNOWN_DAY, "seen": 12}
    [mark] = derive("E", study_of({"first_of": {**RELAPSE, **DIED}}), patients_of([row])).marks

    assert FindingKind.REVERSED_DATES == mark.kind


@pytest.mark.parametrize(
    "rule",
    [
        {"from": "died", "period": {"early": [None, "1970-01-10"], "late": ["1970-01-10", None]}},
        {"from": "died", "since": "origin", "cut": {"early": [None, 4], "late": [4, None]}},
        {"from": "seen", "since": "died", "cut": {"early": [None, 4], "late": [4, None]}},
    ],
)
def test_a_period_and_a_cut_of_days_are_missing_on_an_unknown_day(rule: dict[str, object]) -> None:
    study = study_of({"first_of": DIED}, rule)
    row = {"origin": 5, "died": UNKNOWN_DAY, "seen": 12}
    codes = derive_variables(patients_of([row, row | {"died": 9}]), study.codebook, "G").codes

    assert MISSING == codes["first"][0]
    assert MISSING != codes["first"][1]
