"""Endpoints that are cut at a horizon: what comes later does not count, and who is followed longer is censored there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.site_node.records.deriving.test_endpoints import dated, pairs, ready, study_of

from riskset_common.errors import PlanError
from riskset_common.planning.check import check_plan
from riskset_common.study.patients import MISSING


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"origin": 0, "relapse": 10, "seen": 20}, (10, 2)),
        ({"origin": 0, "relapse": 12, "seen": 20}, (12, 2)),
        ({"origin": 0, "relapse": 13, "seen": 20}, (12, 0)),
        ({"origin": 0, "seen": 12}, (12, 0)),
        ({"origin": 0, "seen": 11}, (11, 0)),
        ({"origin": 0, "died": 30}, (12, 0)),
        ({"origin": 0}, (MISSING, MISSING)),
        ({"seen": 9}, (MISSING, MISSING)),
    ],
)
def test_time_ends_at_the_horizon_and_later_events_do_not_count(
    row: dict[str, int], expected: tuple[int, int]
) -> None:
    assert [expected] == pairs(dated([row], horizon=12))


def test_a_ready_made_time_is_cut_in_the_unit_of_the_plan() -> None:
    days = [77, 84, 91, 91, np.nan]
    found = ready(days, [1, 2, 0, 2, 1], unit="weeks", grid_days=7, horizon=12)

    assert [(11, 1), (12, 2), (12, 0), (12, 0), (MISSING, MISSING)] == pairs(found)


def test_a_horizon_between_two_steps_keeps_patients_at_risk_until_it() -> None:
    rows = [{"origin": 0, "relapse": day, "seen": day} for day in (1826, 1827, 1828)]
    rows += [{"origin": 0, "seen": day} for day in (1826, 1827, 1828)]
    study_in_years = {"horizon": 5, "unit": "years"}

    assert [(1826, 2), (1827, 0), (1827, 0), (1826, 0), (1827, 0), (1827, 0)] == pairs(
        dated(rows, **study_in_years)
    )


def test_who_comes_under_observation_at_the_horizon_or_later_has_no_endpoint() -> None:
    rows = [{"origin": 0, "entered": day, "relapse": 30, "seen": 30} for day in (-1, 11, 12, 13)]
    found = dated(rows, entry="entered", horizon=12)

    assert [(12, 0), (12, 0), (MISSING, MISSING), (MISSING, MISSING)] == pairs(found)
    assert [True, True, False, False] == found.times.known.tolist()
    assert () == found.marks


@given(
    times=st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0, 1, 2])), min_size=1),
    horizon=st.floats(1, 45),
)
def test_a_time_is_the_smaller_of_it_and_the_horizon(
    times: list[tuple[int, int]], horizon: float
) -> None:
    whole = [time for time, _ in times]
    found = ready(whole, [status for _, status in times], horizon=horizon)

    for (time, status), (cut, event) in zip(times, pairs(found), strict=True):
        assert (status if time <= horizon else 0) == event
        assert time == cut if time <= horizon else horizon <= cut < Fraction(horizon) + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon": 0.5}, "horizon: 0.5 days are less than one step of the time grid"),
        ({"horizon": 0}, "horizon"),
    ],
)
def test_a_horizon_that_no_time_is_within_is_refused(changes: dict[str, Any], message: str) -> None:
    endpoint = {"origin": "origin", "first_of": {"d": {"date": "died"}}, "censor": "seen"}

    with pytest.raises((PlanError, ValueError), match=message):
        check_plan(study_of(endpoint | changes))
