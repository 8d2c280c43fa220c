"""What a plan says and probably does not mean: told, and not refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.common.study.infant_trial import codebook_yaml, plan_yaml, study

from riskset_common.errors import PlanError
from riskset_common.planning.check import check_plan
from riskset_common.planning.doubts import doubts


def changed_plan(**fields: Any) -> dict[str, Any]:
    curve = {"id": "x", "kind": "kaplan_meier", "endpoint": "OS"}
    return plan_yaml() | {"analyses": [curve | fields], "displays": []}


def test_the_plan_of_the_trial_leaves_no_doubt() -> None:
    assert [] == list(doubts(study()))


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"a": [0, 50], "b": [55, 65]}, "from 50 to 55, between 'a' and 'b', lies no level"),
        ({"b": [55, None], "a": [None, 50]}, "from 50 to 55, between 'a' and 'b', lies no level"),
        ({"a": [None, 50], "b": [50, 65]}, None),
    ],
)
def test_patients_between_two_levels_are_told_of(bounds: dict[str, Any], said: str | None) -> None:
    codebook = codebook_yaml()
    codebook["derived"]["age_new"] = {"from": "age", "label": "Age", "cut": bounds}
    found = list(doubts(study(codebook=codebook)))

    assert (said is None) == (found == [])
    assert said is None or f"codebook: derived.age_new: {said}" in found[0].replace(".0", "")


def test_a_level_that_no_study_group_has_is_told_of() -> None:
    codebook = codebook_yaml()
    codebook["derived"]["region"] = {
        "from": "study_group",
        "label": "Region",
        "groups": {"north": ["Nowhere"]},
    }
    [found] = list(doubts(study(codebook=codebook)))

    assert (
        "derived.region.groups.north: no site of the roster has the study_group 'Nowhere'" in found
    )


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ([5, 3], ["at does not ascend. Write [3.0, 5.0]."]),
        ([3, 60], ["at: 60 years is longer than any follow-up."]),
        ([3, 5], []),
    ],
)
def test_times_that_are_a_slip_are_told_of(at: list[float], said: list[str]) -> None:
    found = list(doubts(study(changed_plan(at=at))))

    assert len(said) == len(found)
    assert all(part in line for part, line in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"at": [1, 4, 6]}, "at: 6 lies beyond the horizon of endpoint OS (5 years)"),
        ({"rmean": 5.5}, "rmean: 5.5 lies beyond the horizon of endpoint OS (5 years)"),
        ({"at": [5], "rmean": 5}, None),
        (
            {"kind": "landmark", "exposure": "date_remission", "at": 5},
            "at: 5 is the horizon of endpoint OS, and no later event counts.",
        ),
        (
            {"kind": "landmark", "exposure": "date_remission", "at": 1, "horizons": [6, 7]},
            "horizons: 6, 7 lies beyond the horizon",
        ),
        (
            {"kind": "cox", "terms": [{"factor": "sex"}], "baseline_hazard": {"at": [4, 8]}},
            "baseline_hazard.at: 8 lies beyond the horizon",
        ),
    ],
)
def test_a_time_beyond_the_horizon_of_its_endpoint_is_told_of(
    fields: dict[str, Any], said: str | None
) -> None:
    plan = changed_plan(**fields)
    plan["endpoints"]["OS"]["horizon"] = 5
    found = list(doubts(study(plan)))

    assert (said is None) == (found == [])
    assert said is None or said in found[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("date_remission", "leaves out every patient without date_remission"),
        ("date_diagnosis", None),
    ],
)
def test_a_condition_on_a_day_that_some_patients_do_not_have_is_told_of(
    name: str, said: str | None
) -> None:
    plan = changed_plan(where={f"{name}.day": ["known"]})
    plan["populations"] = {"exact": {"label": "E", "where": {f"{name}.day": ["known"]}}}
    codebook = codebook_yaml()
    codebook["variables"]["date_diagnosis"]["required"] = True
    found = list(doubts(study(plan, codebook)))

    assert (0 if said is None else 2) == len(found)
    assert all(said is not None and said in each for each in found)


def test_two_analyses_with_one_title_are_told_of() -> None:
    plan = changed_plan(title="Survival")
    plan["analyses"].append(plan["analyses"][0] | {"id": "y"})

    assert [
        "analyses x, y have one title, 'Survival'. Give each its own, or readers cannot tell them apart."
    ] == list(doubts(study(plan)))


def test_days_that_lie_between_the_steps_of_the_grid_are_refused() -> None:
    plan = plan_yaml()
    plan["time"] |= {"grid_days": 30}

    with pytest.raises(
        PlanError, match=r"time\.grid_days is 30, but the endpoint is made of dates"
    ):
        check_plan(study(plan))


def test_a_time_whose_unit_nobody_knows_is_refused() -> None:
    codebook, plan = codebook_yaml(), plan_yaml()
    codebook["variables"]["wait"] = {"kind": "number", "label": "Wait", "unit": "jahre"}
    status = {"variable": "sex", "events": {"death": ["male"]}}
    plan["endpoints"]["ready"] = {"label": "R", "time": {"variable": "wait"}, "status": status}

    with pytest.raises(
        PlanError, match=r"wait has the unit 'jahre' in the codebook, which is none of time"
    ):
        check_plan(study(plan, codebook))
    plan["endpoints"]["ready"]["time"]["unit"] = "years"
    check_plan(study(plan, codebook))
