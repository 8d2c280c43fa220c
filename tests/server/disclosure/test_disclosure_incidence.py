"""The disclosure rules of cumulative incidence: blocks by cause, and a table of kinds of event by group."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.disclosure.as_released import is_withheld, release

from riskset_common.study.plan import Disclosure

ROUNDED = Disclosure()
CELL, AT_RISK = {"withheld": "minimum_cell 5"}, {"withheld": "minimum_at_risk 10"}
Leaving = list[tuple[int, int, int]]
"""Relapses, deaths and censorings at the times 1, 2, ..."""


def cause_of(leaving: Leaving, cause: int, at: tuple[float, ...]) -> dict[str, Any]:
    """One cause of a group, its numbers by the plainest loop."""
    left = sum(map(sum, leaving))
    names = ("time", "at_risk", "events", "competing", "censored", "incidence", "std_err")
    curve: dict[str, list[Any]] = {name: [] for name in (*names, "lower", "upper")}
    free, height, events_to = 1.0, 0.0, 0
    landmarks = {
        time: {"time": time, "at_risk": 0, "events_to": 0, "incidence": 0.0}
        | {"std_err": 0.0123456, "lower": 0.1, "upper": 0.9}
        for time in at
    }
    for time, kinds in enumerate(leaving, start=1):
        events, competing, censored = kinds[cause], kinds[1 - cause], kinds[2]
        for each in landmarks.values():
            each["at_risk"] = left if each["time"] == time else each["at_risk"]
        if sum(kinds):
            height += free * events / left
            free *= 1 - (events + competing) / left
            row = (float(time), left, events, competing, censored, height, 0.0123456, 0.1, 0.9)
            for values, value in zip(curve.values(), row, strict=True):
                values.append(value)
        left, events_to = left - sum(kinds), events_to + events
        for each in landmarks.values():
            if each["time"] >= time:
                each |= {"events_to": events_to, "incidence": height}
    return {"events": events_to, "at": list(landmarks.values()), "curve": curve}


def result_of(
    *groups: Leaving, causes: tuple[str, ...] = ("relapse", "death"), at: tuple[float, ...] = ()
) -> dict[str, Any]:
    found = [
        {
            "level": {"arm": str(index)},
            "n": sum(map(sum, leaving)),
            "events": sum(relapses + deaths for relapses, deaths, _ in leaving),
            "causes": {
                name: cause_of(leaving, ("relapse", "death").index(name), at) for name in causes
            },
        }
        for index, leaving in enumerate(groups)
    ]
    k = len(found)
    test = {"name": "Gray", "statistic": 4.123456789012, "df": k - 1, "p_value": 0.0423456789012}
    test |= {"strata": [], "observed": [1.0] * k, "expected": [1.0] * k}
    return {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "causes": list(causes),
        "n": sum(group["n"] for group in found),
        "events": sum(group["events"] for group in found),
        "missing": 0,
        "ci": "log",
        "level": 0.95,
        "groups": found,
        "tests": {name: test | {"covariance": [[1.0] * k] * k} for name in causes},
        "warnings": [],
    }


LARGE: Leaving = [(1, 1, 1)] * 20


def test_an_exact_release_changes_nothing() -> None:
    result = result_of(LARGE, [(1, 0, 0)])

    assert result == release(result, Disclosure(release="exact"))


def test_curves_come_in_blocks_of_their_own_events_and_end_with_the_patients_at_risk() -> None:
    released = release(result_of(LARGE, LARGE, at=(10.0, 19.0)), ROUNDED)
    relapse = released["groups"][0]["causes"]["relapse"]

    assert [5.0, 10.0, 15.0] == relapse["curve"]["time"]
    assert [5, 5, 5] == relapse["curve"]["events"]
    assert all(
        count % 5 == 0 for name in ("competing", "censored") for count in relapse["curve"][name]
    )
    assert relapse["curve"]["incidence"] == [round(f, 3) for f in relapse["curve"]["incidence"]]
    assert 10 == relapse["at"][0]["events_to"]
    assert [AT_RISK] * 6 == [found for name, found in relapse["at"][1].items() if name != "time"]
    assert 4.123457 == released["tests"]["death"]["statistic"]


@given(
    st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=8, max_size=40),
    st.lists(st.integers(0, 41).map(float), max_size=4, unique=True).map(tuple),
)
def test_between_two_shown_numbers_of_events_of_a_cause_lie_none_or_enough(
    leaving: Leaving, at: tuple[float, ...]
) -> None:
    leaving = [*leaving, (2, 2, 8)]
    result = result_of(leaving, at=at)
    group = release(result, ROUNDED)["groups"][0]
    for name in ("relapse", "death"):
        cause, exact = group["causes"], result["groups"][0]["causes"][name]
        if is_withheld(cause):
            return
        shown = cause[name]
        blocks = {0, *accumulate(shown["curve"]["events"])}
        counted = {each["events_to"] for each in shown["at"] if not is_withheld(each["events_to"])}
        counted |= {shown["events"]} if not is_withheld(shown["events"]) else set()
        seen = {
            before["events_to"]
            for landmark, before in zip(shown["at"], exact["at"], strict=True)
            if not is_withheld(landmark["incidence"])
        }
        for known in (blocks | counted, blocks | seen):
            assert all(after - before >= 5 for before, after in pairwise(sorted(known)))


def test_few_events_of_a_cause_are_withheld_with_what_would_give_them_away() -> None:
    few: Leaving = [(1, 0, 0)] * 3 + [(0, 1, 1)] * 20
    released = release(result_of(few, LARGE), ROUNDED)
    first, second = released["groups"]

    assert CELL == first["causes"]["relapse"]["events"]
    assert [] == first["causes"]["relapse"]["curve"]["time"]
    assert CELL == first["events"]
    assert CELL == first["causes"]["death"]["events"]
    assert (20, 40) == (second["causes"]["relapse"]["events"], second["events"])
    assert CELL == released["events"]
    assert [CELL] * 3 == [
        released["tests"]["relapse"][name] for name in ("observed", "expected", "covariance")
    ]


def test_few_events_that_the_plan_does_not_name_cannot_be_had_as_the_rest() -> None:
    few: Leaving = [(1, 0, 1)] * 20 + [(0, 1, 0)] * 3
    released = release(result_of(few, LARGE, causes=("relapse",)), ROUNDED)

    assert CELL == released["groups"][0]["events"]
    assert CELL == released["groups"][0]["causes"]["relapse"]["events"]
    assert 40 == released["groups"][1]["events"]


@pytest.mark.parametrize(
    ("small", "rule"), [([(1, 1, 1)] * 3, AT_RISK), ([(1, 1, 0)] * 2, AT_RISK)]
)
def test_a_small_group_shows_nothing_but_its_level(small: Leaving, rule: dict[str, str]) -> None:
    released = release(result_of(small, LARGE, LARGE), ROUNDED)

    assert {"level": {"arm": "0"}, "n": rule, "events": rule, "causes": rule} == (
        released["groups"][0]
    )
    assert CELL == released["events"]


def test_a_group_whose_number_would_give_a_tiny_one_away_is_withheld_too() -> None:
    released = release(result_of([(1, 1, 0)], LARGE, [(1, 1, 2)] * 30), ROUNDED)

    assert [AT_RISK, CELL] == [group["n"] for group in released["groups"][:2]]
    assert 120 == released["groups"][2]["n"]
    assert {"relapse": CELL, "death": CELL} == released["tests"]


def test_without_a_test_there_is_none_after_release() -> None:
    result = result_of(LARGE)
    del result["tests"]

    assert "tests" not in release(result, ROUNDED)
