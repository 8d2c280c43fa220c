"""Time to the first of several events, from dates and from ready-made columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import PlanError
from riskset_common.planning.read import ReleasePlan
from riskset_common.study.codebook import Codebook, DatedEvent
from riskset_common.study.patients import MISSING, NO_DATE, Patients
from riskset_common.study.study import Site, Study
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.deriving.endpoints import derive
from riskset_node.records.deriving.first_events import happened

DATES = ("origin", "remission", "relapse", "died", "seen", "entered")

FIRST_OF = {
    "died_early": {"date": "died", "before": "remission"},
    "relapse": {"date": "relapse"},
    "died_in_remission": {"date": "died", "after": "remission"},
}


def study_of(
    endpoint: Mapping[str, object],
    *,
    grid_days: float = 1,
    unit: str = "days",
    time_unit: str = "days",
) -> Study:
    """A study whose one endpoint is this one."""
    variables: dict[str, object] = {name: {"kind": "date", "label": name} for name in DATES}
    variables |= {
        "time": {"kind": "number", "label": "Time", "unit": time_unit},
        "entry": {"kind": "number", "label": "Entry"},
        "status": {
            "kind": "category",
            "label": "S",
            "levels": {"0": "Alive", "1": "Dead", "2": "Relapse"},
        },
    }
    codebook = Codebook.model_validate({"codebook": "c", "version": 1, "variables": variables})
    plan = ReleasePlan.model_validate(
        {
            "plan": "p",
            "version": "1.0.0",
            "codebook": "c@1",
            "time": {"unit": unit, "grid_days": grid_days},
            "conventions": "r",
            "endpoints": {"E": {"label": "E"} | dict(endpoint)},
            "analyses": [{"id": "e", "kind": "kaplan_meier", "endpoint": "E"}],
        }
    )
    return Study(plan, codebook, (Site("s", "G"),))


def dated(rows, *, grid_days=1, unit="days", **changes):
    """Times of patients whose dates are these days; None is unknown."""
    endpoint = {"origin": "origin", "first_of": FIRST_OF, "censor": "seen"} | changes
    days = {
        name: np.array(
            [NO_DATE if row.get(name) is None else row[name] for row in rows], dtype=np.int64
        )
        for name in DATES
    }
    status = np.array([row.get("status", MISSING) for row in rows], dtype=np.int64)
    patients = Patients(len(rows), categories={"status": status}, dates=days)
    return derive("E", study_of(endpoint, grid_days=grid_days, unit=unit), patients)


def ready(times, statuses, entries=None, *, grid_days=1, unit="days", **changes):
    """Times of patients with ready-made columns."""
    endpoint = {
        "time": {"variable": "time"},
        "status": {"variable": "status", "events": {"death": ["1"], "relapse": ["2"]}},
    } | changes
    if entries is not None:
        endpoint.setdefault("entry", {"variable": "entry"})
    patients = Patients(
        len(times),
        categories={"status": np.array(statuses, dtype=np.int64)},
        numbers={
            "time": np.array(times, dtype=np.float64),
            "entry": np.array(times if entries is None else entries, dtype=np.float64),
        },
    )
    return derive("E", study_of(endpoint, grid_days=grid_days, unit=unit), patients)


def pairs(derived):
    """Time and event of each patient."""
    return list(zip(derived.times.time.tolist(), derived.times.event.tolist(), strict=True))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"origin": 100, "seen": 500}, (400, 0)),
        ({"origin": 100, "relapse": 150, "died": 300, "seen": 300}, (50, 2)),
        ({"origin": 100, "died": 130, "seen": 130}, (30, 1)),
        ({"origin": 100, "remission": 120, "died": 130, "seen": 130}, (30, 3)),
        ({"origin": 100, "remission": 130, "died": 130, "seen": 130}, (30, 3)),
        ({"origin": 100, "remission": 131, "died": 130, "seen": 131}, (30, 1)),
        ({"origin": 100, "seen": 100}, (0, 0)),
        ({"origin": 100, "died": 100, "seen": 100}, (0, 1)),
        ({"origin": 100}, (MISSING, MISSING)),
        ({"seen": 100, "died": 90}, (MISSING, MISSING)),
        ({"origin": 100, "relapse": 150}, (50, 2)),
    ],
)
def test_the_earliest_event_ends_the_time_and_else_last_contact_does(row, expected):
    derived = dated([row])

    assert [expected] == pairs(derived)
    assert () == derived.marks


@pytest.mark.parametrize("first", ["relapse", "died"])
def test_of_two_events_on_one_day_the_first_in_the_plan_counts(first):
    second = {"relapse": "died", "died": "relapse"}[first]
    order = {first: {"date": first}, second: {"date": second}}
    derived = dated([{"origin": 0, "relapse": 9, "died": 9, "seen": 9}], first_of=order)

    assert [(9, 1)] == pairs(derived)


def test_an_event_counts_only_where_its_conditions_hold():
    rows = [{"origin": 0, "relapse": 9, "seen": 20, "status": status} for status in (0, 1, MISSING)]
    derived = dated(rows, first_of={"relapse": {"date": "relapse", "where": {"status": ["1"]}}})

    assert [(20, 0), (9, 1), (20, 0)] == pairs(derived)


days = st.one_of(st.none(), st.integers(0, 40))


@given(st.lists(st.tuples(days, days), max_size=30))
def test_before_and_after_another_date_never_both_hold_and_never_both_miss(rows):
    died = np.array([NO_DATE if one is None else one for one, _ in rows], dtype=np.int64)
    other = np.array([NO_DATE if two is None else two for _, two in rows], dtype=np.int64)
    patients = Patients(len(rows), dates={"died": died, "remission": other})
    study = study_of({"origin": "origin", "first_of": FIRST_OF, "censor": "seen"})
    before = happened(DatedEvent(date="died", before="remission"), study, patients)
    after = happened(DatedEvent(date="died", after="remission"), study, patients)

    assert (died != NO_DATE).tolist() == (before ^ after).tolist()
    assert [
        one is not None and two is not None and two <= one for one, two in rows
    ] == after.tolist()


def one_patient(origin, remission, relapse, died, seen):
    """The endpoint of one patient, told in words; None where it is not known or a date is reversed."""
    if origin is None:
        return (MISSING, MISSING)
    events = []
    if died is not None and (remission is None or remission > died):
        events.append((died, 1))
    if relapse is not None:
        events.append((relapse, 2))
    if died is not None and remission is not None and remission <= died:
        events.append((died, 3))
    end, event = min(events, default=(seen, 0))
    return (MISSING, MISSING) if end is None or end < origin else (end - origin, event)


@given(st.lists(st.tuples(days, days, days, days, days), max_size=40))
def test_all_patients_at_once_have_the_endpoint_that_each_has_alone(rows):
    names = ("origin", "remission", "relapse", "died", "seen")
    derived = dated([dict(zip(names, row, strict=True)) for row in rows])

    assert [one_patient(*row) for row in rows] == pairs(derived)


def test_dates_before_the_origin_are_found_by_date():
    derived = dated(
        [
            {"origin": 100, "died": 90, "remission": 80, "seen": 120},
            {"origin": 100, "died": 91, "seen": 99},
            {"origin": 100, "seen": 120},
        ]
    )
    found = {
        mark.about: mark.rows.tolist()
        for mark in derived.marks
        if mark.kind is FindingKind.REVERSED_DATES
    }

    assert {
        ("died", "origin"): [True, True, False],
        ("seen", "origin"): [False, True, False],
    } == found


def test_an_event_before_the_origin_that_does_not_count_is_no_finding():
    first_of = {"relapse": {"date": "relapse", "where": {"status": ["1"]}}}
    derived = dated([{"origin": 100, "relapse": 90, "seen": 120, "status": 0}], first_of=first_of)

    assert () == derived.marks


def test_an_event_after_last_contact_counts_and_is_told():
    derived = dated([{"origin": 0, "died": 90, "seen": 80}, {"origin": 0, "died": 80, "seen": 80}])
    (mark,) = derived.marks

    assert [(90, 1), (80, 1)] == pairs(derived)
    assert (FindingKind.EVENT_AFTER_LAST_CONTACT, ("died", "seen"), [True, False]) == (
        mark.kind,
        mark.about,
        mark.rows.tolist(),
    )


def test_dates_between_two_steps_of_the_grid_are_told():
    derived = dated([{"origin": 0, "seen": 14}, {"origin": 0, "seen": 15}], grid_days=7)
    (mark,) = derived.marks

    assert 2 == derived.times.time[0]
    assert (FindingKind.OFF_GRID, [False, True], ("15.0",)) == (
        mark.kind,
        mark.rows.tolist(),
        mark.values,
    )


def test_who_came_under_observation_later_has_an_entry():
    rows = [{"origin": 100, "entered": entered, "seen": 150} for entered in (110, 100, 90, None)]
    derived = dated(rows, entry="entered")

    assert [10, 0, 0, MISSING] == derived.times.entry.tolist()
    assert [True, True, True, False] == derived.times.known.tolist()
    assert () == derived.marks


def test_an_entry_when_the_time_had_ended_is_told():
    rows = [{"origin": 100, "entered": entered, "seen": 150} for entered in (149, 150, 160)]
    (mark,) = dated(rows, entry="entered").marks

    assert (FindingKind.ENTRY_NOT_BEFORE_EXIT, [False, True, True]) == (
        mark.kind,
        mark.rows.tolist(),
    )


def test_ready_made_columns_give_time_and_event():
    derived = ready([5, 7, 9, np.nan, 3], [1, 0, 2, 1, MISSING])

    assert [(5, 1), (7, 0), (9, 2), (MISSING, MISSING), (MISSING, MISSING)] == pairs(derived)
    assert () == derived.marks


@pytest.mark.parametrize(
    ("time", "unit", "grid_days", "steps"),
    [
        (2.0, "weeks", 1, 14),
        (1.5, "months", 0.5 * 30.4375, 3),
        (0.6, "years", 36.525, 6),
        (12.0, "days", 0.5, 24),
    ],
)
def test_a_ready_made_time_is_put_on_the_grid_in_its_own_unit(time, unit, grid_days, steps):
    derived = derive(
        "E",
        study_of(
            {
                "time": {"variable": "time", "unit": unit},
                "status": {"variable": "status", "events": {"death": ["1"]}},
            },
            grid_days=grid_days,
            time_unit=unit,
        ),
        Patients(1, {"status": np.array([1])}, {"time": np.array([time])}),
    )

    assert [(steps, 1)] == pairs(derived)


def test_a_time_without_a_unit_has_the_codebooks_and_an_entry_has_the_times():
    derived = ready([28], [1], [14], unit="weeks")

    assert [(28, 1)] == pairs(derived)
    assert [14] == derived.times.entry.tolist()


def test_an_entry_has_the_unit_that_the_plan_gives_it():
    derived = ready([28], [1], [2], entry={"variable": "entry", "unit": "weeks"})

    assert [14] == derived.times.entry.tolist()


def test_a_plan_and_a_codebook_that_differ_about_the_unit_are_refused():
    with pytest.raises(
        PlanError, match="the plan takes time for months, but the codebook gives it in days"
    ):
        ready([5], [1], time={"variable": "time", "unit": "months"})


def test_a_negative_time_is_told_with_its_value():
    (mark,) = ready([-3, 0, 4], [1, 1, 1]).marks

    assert (FindingKind.NEGATIVE_TIME, [True, False, False], ("-3.0",)) == (
        mark.kind,
        mark.rows.tolist(),
        mark.values,
    )


def test_ready_made_times_off_the_grid_are_told_with_the_endpoint():
    (mark,) = ready([1.5, 2, 2.000000001], [1, 1, 1]).marks

    assert (FindingKind.OFF_GRID, [True, False, False], ("1.5",)) == (
        mark.kind,
        mark.rows.tolist(),
        mark.values,
    )
    assert mark.found.startswith("endpoint E: ")


def test_a_ready_made_entry_must_be_before_the_end_and_on_the_grid():
    derived = ready([5, 5, 5, 5, 5], [1, 1, 1, 1, 1], [4, 5, 2.5, -1, np.nan])

    assert [4, 5, 2, 0, MISSING] == derived.times.entry.tolist()
    assert [
        (FindingKind.OFF_GRID, [False, False, True, False, False]),
        (FindingKind.ENTRY_NOT_BEFORE_EXIT, [False, True, False, False, False]),
    ] == [(mark.kind, mark.rows.tolist()) for mark in derived.marks]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"origin": 0, "entered": 40, "relapse": 90, "seen": 100}, (40, 0)),
        ({"origin": 0, "entered": 90, "relapse": 90, "seen": 100}, (90, 2)),
        ({"origin": 0, "entered": 95, "relapse": 90, "seen": 100}, (90, 2)),
        ({"origin": 0, "entered": 40, "seen": 100}, (40, 0)),
        ({"origin": 0, "entered": 40}, (40, 0)),
        ({"origin": 0, "entered": 120, "seen": 100}, (100, 0)),
        ({"origin": 0, "seen": 100}, (100, 0)),
        ({"origin": 0, "relapse": 110, "seen": 100, "entered": 100}, (100, 0)),
        ({"origin": 0, "relapse": 110, "seen": 100}, (110, 2)),
    ],
)
def test_a_date_that_ends_observation_censors_what_comes_after_it(row, expected):
    assert [expected] == pairs(dated([row], censored_at="entered"))


def test_a_date_that_ends_observation_before_the_origin_is_told():
    (mark,) = dated([{"origin": 50, "entered": 40, "seen": 100}], censored_at=["entered"]).marks

    assert (FindingKind.REVERSED_DATES, ("entered", "origin")) == (mark.kind, mark.about)


def test_no_patients_have_an_empty_endpoint():
    assert [] == pairs(dated([]))
    assert [] == pairs(ready([], []))
