"""Numbers at risk at the round times of an axis: rounded, few, and none where hardly anybody is left."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.disclosure.as_released import release

from riskset_common.study.displays import Display
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.axis import RoundTimes

AT_RISK = {"withheld": "minimum_at_risk 10"}
ROUNDED = Disclosure()


class PlanWith:
    """The unit and the displays of a plan, which is all that is looked at."""

    def __init__(self, *displays: dict[str, Any], unit: str = "years") -> None:
        self.displays = [Display.model_validate({"figure": "F", **each}) for each in displays]
        self.time = type("Time", (), {"unit": unit})


def group_of(leaving: list[int], level: str = "A") -> dict[str, Any]:
    """A group in which at each whole time some patients have the event."""
    at_risk = [sum(leaving[index:]) for index in range(len(leaving))]
    survival = [(left - gone) / sum(leaving) for left, gone in zip(at_risk, leaving, strict=True)]
    nothing = [0.01] * len(leaving)
    return {
        "level": {"arm": level},
        "n": sum(leaving),
        "events": sum(leaving),
        "median": {"estimate": None, "lower": None, "upper": None},
        "quantiles": [],
        "at": [],
        "curve": {
            "time": [float(time) for time in range(1, len(leaving) + 1)],
            "at_risk": at_risk,
            "events": leaving,
            "censored": [0] * len(leaving),
            "survival": survival,
            "std_err": nothing,
            "lower": nothing,
            "upper": nothing,
        },
    }


def curves(*groups: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "kaplan_meier",
        "endpoint": "OS",
        "ci": "log",
        "n": sum(group["n"] for group in groups),
        "events": sum(group["events"] for group in groups),
        "missing": 0,
        "level": 0.95,
        "groups": list(groups),
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("displays", "steps"),
    [
        ([], ()),
        ([{"of": "other", "every": 2}], ()),
        ([{"of": "os", "every": 2}, {"of": ["other", "os"], "until": 10}], (2, 1)),
        ([{"of": "os", "every": 2}, {"of": "os", "every": 2, "until": 30}], (2,)),
        ([{"panels": [{"of": "os", "every": 3}, {"of": "other", "every": 4}]}], (3,)),
    ],
)
def test_the_steps_are_those_of_the_displays_that_show_the_analysis(
    displays: list[dict[str, Any]], steps: tuple[float, ...]
) -> None:
    plan: Any = PlanWith(*displays)

    assert RoundTimes("years", steps) == RoundTimes.of(plan, "os")


def test_the_axis_of_a_panel_is_one_of_its_analysis() -> None:
    plan: Any = PlanWith({"panels": [{"of": "efs", "every": 1}, {"of": ["efs", "os"], "every": 2}]})

    assert RoundTimes("years", (2.0,)) == RoundTimes.of(plan, "os")
    assert RoundTimes("years", (1.0, 2.0)) == RoundTimes.of(plan, "efs")


def test_times_are_few_and_round() -> None:
    assert [1, 2, 3, 4, 5, 6, 7, 8] == RoundTimes("years").until(8.7)
    assert [100, 182, 200, 300, 364, 400, 500, 546, 600] == RoundTimes("days", (182.0,)).until(601)
    assert [30 * index for index in range(1, 9)] == RoundTimes("days", (1.0,)).until(250)


def test_numbers_are_rounded_and_end_where_few_are_left() -> None:
    released = release(
        curves(group_of([8] * 10), group_of([7] * 11, "B")), ROUNDED, RoundTimes("years")
    )
    first, second = (group["numbers_at_risk"] for group in released["groups"])

    at_risk = [AT_RISK if left < 10 else 5 * round(left / 5) for left in range(80, 0, -8)]

    assert first["time"] == second["time"] == [float(time) for time in range(1, 11)]
    assert at_risk == first["at_risk"]
    assert [75, 70, 65, 55, 50, 40, 35, 30, 20, 15] == second["at_risk"]


def test_a_group_that_ends_early_says_that_few_are_left() -> None:
    released = release(
        curves(group_of([10, 10, 10, 4]), group_of([8] * 12, "B")), ROUNDED, RoundTimes("years")
    )

    assert [34, 25, 15, AT_RISK, AT_RISK] == released["groups"][0]["numbers_at_risk"]["at_risk"][:5]


def test_a_group_that_is_withheld_has_none() -> None:
    released = release(
        curves(group_of([5, 4]), group_of([20] * 5, "B"), group_of([20] * 5, "C")),
        ROUNDED,
        RoundTimes("years"),
    )

    assert [False, True, True] == ["numbers_at_risk" in group for group in released["groups"]]


def test_an_exact_release_and_one_without_an_axis_have_none() -> None:
    result = curves(group_of([8] * 10))
    exact = release(result, Disclosure(release="exact"), RoundTimes("years"))

    assert result == exact
    assert "numbers_at_risk" not in release(result, ROUNDED)["groups"][0]


def test_curves_at_a_landmark_have_them_and_what_is_no_curve_has_not() -> None:
    inner = curves(group_of([8] * 10), group_of([9] * 10, "B"))
    landmark = {
        "kind": "landmark",
        "endpoint": "OS",
        "at": 0.5,
        "exposure": "transplant",
        "n": 170,
        "events": 170,
        "missing": 0,
        "ended": 0,
        "curves": inner,
        "warnings": [],
    }
    released = release(landmark, ROUNDED, RoundTimes("years"))
    few = release(landmark | {"n": 4}, ROUNDED, RoundTimes("years"))

    assert "numbers_at_risk" in released["curves"]["groups"][0]
    assert {"withheld": "minimum_at_risk 10"} == few["curves"]


def test_causes_share_the_numbers_of_their_group() -> None:
    whole = group_of([16] * 6)
    points = whole["curve"]
    incidence = {
        name: points[name] for name in ("time", "at_risk", "events", "std_err", "lower", "upper")
    }
    cause = {
        "events": 48,
        "at": [],
        "curve": incidence
        | {"events": [8] * 6, "competing": [8] * 6, "censored": [0] * 6, "incidence": [0.1] * 6},
    }
    group = {"level": {}, "n": 96, "events": 96, "causes": {"relapse": cause, "death": cause}}
    result = {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "ci": "log",
        "level": 0.95,
        "n": 96,
        "events": 96,
        "missing": 0,
        "causes": ["relapse", "death"],
        "groups": [group],
        "warnings": [],
    }
    [released] = release(result, ROUNDED, RoundTimes("years"))["groups"]

    assert {"time": [1, 2, 3, 4, 5, 6], "at_risk": [95, 80, 65, 50, 30, 15]} == released[
        "numbers_at_risk"
    ]
