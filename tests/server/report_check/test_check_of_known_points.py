"""Points of a rounded curve that do not fit together, or not with what else is shown, are found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from riskset_common.estimators.read_back import analysis_from_json
from riskset_common.formats.strict_yaml import parse_yaml
from riskset_common.planning.read import ReleasePlan
from riskset_server.displays.parts.display import Part
from riskset_server.report_check.known_points import misfits

FEW = {"withheld": "minimum_at_risk 10", "reason": "small"}
PLAN = """
plan: p
version: 1.0.0
codebook: c@1
time: {unit: years}
conventions: r
endpoints:
  OS: {label: OS, time: {variable: t}, status: {variable: s, events: {death: [dead]}}}
analyses:
  - {id: km, kind: kaplan_meier, endpoint: OS, at: [2]}
"""
GROUP: dict[str, Any] = {
    "n": 60,
    "events": 20,
    "median": {"estimate": None, "lower": None, "upper": None},
    "quantiles": [],
    "at": [
        {"time": 2.0, "at_risk": 45, "events_to": 12, "survival": 0.79, "std_err": 0.05, "lower": 0.68, "upper": 0.88}
    ],
    "curve": {
        "time": [1.0, 2.0, 3.5, 5.0],
        "at_risk": [55, 45, 25, FEW],
        "events_to": [6, 12, 20, FEW],
        "survival": [0.9, 0.79, 0.6, FEW],
        "std_err": [0.04, 0.05, 0.07, FEW],
        "lower": [0.79, 0.68, 0.46, FEW],
        "upper": [0.95, 0.88, 0.74, FEW],
        "end": 4.0,
    },
    "level": {},
    "numbers_at_risk": {"time": [1.0, 2.0, 4.0, 5.0], "at_risk": [55, 45, 15, FEW]},
}  # fmt: skip


def found(change: Callable[[dict[str, Any]], object]) -> list[str]:
    group = copy.deepcopy(GROUP)
    change(group)
    result = {
        "kind": "kaplan_meier", "endpoint": "OS", "n": 60, "events": 20, "missing": 0, "ci": "log", "level": 0.95,
        "groups": [group], "warnings": [],
    }  # fmt: skip
    plan = ReleasePlan.model_validate(parse_yaml(PLAN, "plan.yaml"))
    parts = {"km": Part(plan.analysis("km"), analysis_from_json(result))}
    return [f"{each.where}: {each.what}" for each in misfits(parts, plan)]


def test_points_that_fit_are_accepted() -> None:
    assert [] == found(lambda group: group)
    assert [] == found(lambda group: group.update(events=FEW))


@pytest.mark.parametrize(
    ("name", "place", "value", "said"),
    [
        ("time", 1, 0.5, "0.5 comes after 1"),
        ("events_to", 0, 13, "do not fit -1 events between them"),
        ("events_to", 1, 6, "0.9 at 1 and 0.79 at 2 do not fit 0 events between them"),
        ("survival", 2, 0.8, "0.79 at 2 and 0.8 at 3.5 do not fit 8 events between them"),
        ("lower", 2, 0.61, "0.6 at 3.5 lies outside of 0.61 to 0.74"),
        ("upper", 0, 0.89, "0.9 at 1 lies outside of 0.79 to 0.89"),
        ("events_to", 2, 21, "21 events to 3.5 are more than the 20 of the group"),
        ("at_risk", 1, 60, "60 at risk at 2 and 6 events before it are more than the 60 of the group"),
        ("at_risk", 1, 40, "40 at risk at 2 are 45 below the figure"),
        ("survival", 1, 0.78, "0.79 at 2 is 0.78 on the curve"),
        ("events_to", 1, 11, "12 at 2 is 11 on the curve"),
    ],
)  # fmt: skip
def test_points_that_do_not_fit_are_named(name: str, place: int, value: float, said: str) -> None:
    def change(group: dict[str, Any]) -> None:
        group["curve"][name][place] = value

    said_of = found(change)

    assert any(each.startswith("km, all: ") and said in each for each in said_of), said_of


def test_a_curve_ends_with_the_last_number_at_risk() -> None:
    (early,) = found(lambda group: group["curve"].update(end=2.0))
    (none,) = found(lambda group: group["curve"].update(end=None))

    assert "the curve ends at 2, and not where the last number at risk is shown" in early
    assert "the curve ends at nan" in none


def test_a_curve_with_few_patients_at_every_time_has_no_end() -> None:
    def change(group: dict[str, Any]) -> None:
        group["curve"] |= {"end": None, "at_risk": [FEW] * 4}
        group["numbers_at_risk"]["at_risk"] = [FEW] * 4

    assert [] == found(change)


def test_an_estimate_where_the_curve_has_no_point_is_named() -> None:
    (said,) = found(lambda group: group["at"][0].update(time=3.0))

    assert "0.79 is given at 3, where the curve has no point" in said
