"""Released curves: joined steps, no end, no beginning, and nothing between two shown points but enough events."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.disclosure.as_released import is_withheld, released_curve

from riskset_common.study.plan import Disclosure

RULES = Disclosure()
AT_RISK, CELL = {"withheld": "minimum_at_risk 10"}, {"withheld": "minimum_cell 5"}


def group_of(steps: list[tuple[int, int]], at: tuple[float, ...] = (), **more: object) -> dict:
    """A group with (events, censored) at the times 1, 2, ...; its curve by the plainest loop."""
    left = sum(map(sum, steps))
    n, survival, total = left, 1.0, 0
    curve: dict[str, list] = {
        name: []
        for name in (
            "time",
            "at_risk",
            "events",
            "censored",
            "survival",
            "std_err",
            "lower",
            "upper",
        )
    }
    for time, (events, censored) in enumerate(steps, start=1):
        if events + censored == 0:
            continue
        survival *= 1 - events / left
        shown = (float(time), left, events, censored, survival, 0.0123456, survival / 2, None)
        for name, value in zip(curve, shown, strict=True):
            curve[name].append(value)
        left -= events + censored
        total += events
    landmarks = [
        {
            "time": time,
            "at_risk": sum(sum(step) for number, step in enumerate(steps, 1) if number >= time),
            "events_to": sum(
                events for number, (events, _) in enumerate(steps, 1) if number <= time
            ),
            "survival": math.prod(
                (
                    1 - events / at_risk
                    for when, events, at_risk in zip(
                        curve["time"], curve["events"], curve["at_risk"], strict=True
                    )
                    if when <= time
                ),
                start=1.0,
            ),
            "std_err": 0.0123456,
            "lower": 0.1,
            "upper": 0.9,
        }
        for time in at
    ]
    reached = [
        time for time, value in zip(curve["time"], curve["survival"], strict=True) if value <= 0.5
    ]
    median = {"estimate": reached[0] if reached else None, "lower": None, "upper": None}
    return {
        "level": {"arm": "A"},
        "n": n,
        "events": total,
        "median": median,
        "quantiles": [median | {"p": 0.5}],
        "at": landmarks,
        "curve": curve,
    } | more


steps_of_curves = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=60
).filter(lambda steps: sum(map(sum, steps)) >= 10)
times_of_plans = st.lists(st.integers(0, 61).map(float), max_size=5, unique=True).map(tuple)


@given(steps_of_curves, times_of_plans, st.sampled_from([1, 3, 5, 8]))
def test_between_two_shown_numbers_of_events_lie_none_or_enough(
    steps: list[tuple[int, int]], at: tuple[float, ...], smallest: int
) -> None:
    group = group_of(steps, at)
    shown = released_curve(group, Disclosure(minimum_cell=smallest))
    # Of few events the caller withholds the number.
    known = {0} | ({group["events"]} if group["events"] >= smallest else set())
    for index in range(len(shown["curve"]["events"])):
        known.add(sum(shown["curve"]["events"][: index + 1]))
    exact = {landmark["time"]: landmark for landmark in group["at"]}
    for landmark in shown["at"]:
        if not is_withheld(landmark["events_to"]):
            known.add(landmark["events_to"])

    assert all(after - before >= smallest for before, after in pairwise(sorted(known)))
    seen = {0} | {
        exact[landmark["time"]]["events_to"]
        for landmark in shown["at"]
        if not is_withheld(landmark["survival"])
    }
    blocks = {sum(shown["curve"]["events"][: i + 1]) for i in range(len(shown["curve"]["events"]))}
    assert all(after - before >= smallest for before, after in pairwise(sorted(seen | blocks)))


@given(steps_of_curves, times_of_plans)
def test_a_block_ends_at_the_exact_survival_where_enough_are_at_risk(
    steps: list[tuple[int, int]], at: tuple[float, ...]
) -> None:
    group = group_of(steps, at)
    curve = released_curve(group, RULES)["curve"]
    for index, time in enumerate(curve["time"]):
        place = group["curve"]["time"].index(time)

        assert 10 <= group["curve"]["at_risk"][place]
        assert round(group["curve"]["survival"][place], 3) == curve["survival"][index]
        assert 2 >= abs(group["curve"]["at_risk"][place] - curve["at_risk"][index])
        for count in (curve["at_risk"][index], curve["censored"][index]):
            assert 0 == count % 5 or group["n"] == count


@given(steps_of_curves, times_of_plans)
def test_a_time_outside_of_what_is_shown_is_withheld(
    steps: list[tuple[int, int]], at: tuple[float, ...]
) -> None:
    group = group_of(steps, at)
    shown = released_curve(group, RULES)
    exact, released = group["median"]["estimate"], shown["median"]["estimate"]
    if exact is None:
        assert released is None
        return
    place = group["curve"]["time"].index(exact)
    behind = sum(group["curve"]["events"][: place + 1])
    if group["curve"]["at_risk"][place] < 10:
        # Where there were too few events as well, either rule may be named.
        assert released in (AT_RISK, CELL)
    else:
        assert released == (exact if behind >= 5 else CELL)


def test_steps_are_merged_truncated_and_rounded() -> None:
    group = group_of([(1, 0)] * 7 + [(0, 3)] + [(2, 0)] * 3 + [(1, 0)] * 12)
    curve = released_curve(group, RULES)["curve"]

    assert 28 == group["n"]
    assert [5.0, 10.0, 14.0] == curve["time"]
    assert [25, 15, 10] == curve["at_risk"]
    assert [5, 6, 5] == curve["events"]
    assert [0, 5, 0] == curve["censored"]
    assert [0.821, 0.583, 0.375] == curve["survival"]
    assert [0.012] * 3 == curve["std_err"]
    assert [None] * 3 == curve["upper"]


def test_a_last_block_that_would_leave_few_events_behind_is_not_shown() -> None:
    group = group_of([(1, 0)] * 10 + [(0, 30)] + [(1, 0)] * 3)
    curve = released_curve(group, RULES)["curve"]

    assert 13 == group["events"]
    assert [5.0] == curve["time"]


def test_a_curve_stops_where_few_are_at_risk_even_if_more_enter_later() -> None:
    group = group_of([(5, 0), (0, 5), (5, 0), (5, 20)])
    group["curve"]["at_risk"] = [40, 8, 30, 25]
    shown = released_curve(
        group | {"median": {"estimate": 3.0, "lower": None, "upper": None}}, RULES
    )

    assert [1.0] == shown["curve"]["time"]
    assert AT_RISK == shown["median"]["estimate"]


def test_a_group_with_too_few_patients_keeps_its_level_only() -> None:
    shown = released_curve(group_of([(9, 0)]), RULES)

    assert {"arm": "A"} == shown.pop("level")
    assert all(value == AT_RISK for value in shown.values())


def test_a_landmark_shortly_after_another_is_withheld_and_the_first_is_shown() -> None:
    group = group_of([(1, 0)] * 20 + [(0, 30)], (6.0, 8.0, 12.0))
    first, second, third = released_curve(group, RULES)["at"]

    assert [6, CELL, 12] == [each["events_to"] for each in (first, second, third)]
    assert [0.88, CELL, 0.76] == [each["survival"] for each in (first, second, third)]
    assert [45, 45, 40] == [each["at_risk"] for each in (first, second, third)]


@pytest.mark.parametrize("times", [(9.0, 6.0, 3.0), (6.0, 9.0, 3.0)])
def test_of_landmarks_near_one_another_the_one_named_first_is_shown(
    times: tuple[float, ...],
) -> None:
    group = group_of([(1, 0)] * 30 + [(0, 1)] * 20, times)
    first, *others = released_curve(group, RULES)["at"]

    assert times[0] == first["events_to"]
    assert [CELL, CELL] == [each["survival"] for each in others]


def test_events_before_a_landmark_are_withheld_where_few_come_after() -> None:
    (landmark,) = released_curve(group_of([(1, 0)] * 12 + [(0, 40)], (9.0,)), RULES)["at"]

    assert CELL == landmark["events_to"]
    assert 0.827 == landmark["survival"]


def test_a_landmark_with_few_at_risk_keeps_its_time_only() -> None:
    (landmark,) = released_curve(group_of([(1, 0)] * 12, (5.0,)), RULES)["at"]

    assert 5.0 == landmark.pop("time")
    assert all(value == AT_RISK for value in landmark.values())


def test_many_quantiles_do_not_draw_the_exact_curve() -> None:
    quantiles = [
        {"p": p / 100, "estimate": 20.0, "lower": 6.0, "upper": None} for p in range(40, 61)
    ]
    group = group_of([(1, 0)] * 50, quantiles=quantiles)
    shown = released_curve(group, RULES)["quantiles"]

    assert [0.4, 0.5, 0.6] == [each["p"] for each in shown if each["estimate"] == 20.0]
    assert all(each["lower"] == CELL for each in shown if each["estimate"] != 20.0)


def test_the_first_event_is_no_limit_of_an_interval() -> None:
    median = {"estimate": 20.0, "lower": 4.0, "upper": 41.0}
    shown = released_curve(group_of([(1, 0)] * 50, median=median), RULES)["median"]

    assert {"estimate": 20.0, "lower": CELL, "upper": 41.0} == shown


def test_a_restricted_mean_has_four_digits_and_ends_within_the_curve() -> None:
    mean = {"tau": 30.0, "estimate": 21.123456, "std_err": 1.2345678}
    shown = released_curve(group_of([(1, 0)] * 50, rmean=mean), RULES)
    beyond = released_curve(group_of([(1, 0)] * 50, rmean=mean | {"tau": 42.0}), RULES)

    assert {"tau": 30.0, "estimate": 21.12, "std_err": 1.235} == shown["rmean"]
    assert AT_RISK == beyond["rmean"]
