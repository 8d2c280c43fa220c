"""Curves as numbers, and the patients left at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from riskset_server.displays.figures.lines import lines, number_times, standing
from riskset_server.displays.parts.display import Shown

LUNG = Path(__file__).parents[2] / "golden" / "ref" / "lung.json"
YEARS = [0, 0.5, 1, 2, 3, 4.25, 7, 9]


@pytest.fixture
def exact(trial: ModuleType) -> Any:
    return trial.study_plan(disclosure={"release": "exact"})


def reals(values: list[float]) -> list[float]:
    """Numbers as results hold them, where R writes a whole one without a point."""
    return [float(value) for value in values]


def lung_by_sex() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """R's curves of the lung data by sex as a result, and R's own numbers at 90, 180, 365 and 730 days."""
    analyses = json.loads(LUNG.read_text(encoding="utf-8"))["analyses"]
    found = next(entry for entry in analyses if entry["id"] == "lung/km_sex")["result"]["groups"]
    groups = [
        {
            "level": {"sex": level},
            "n": group["n"],
            "events": group["events"],
            "median": {"estimate": None, "lower": None, "upper": None},
            "quantiles": [],
            "at": [],
            "curve": {
                "time": reals(group["time"]),
                "at_risk": group["n_risk"],
                "events": group["n_event"],
                "censored": group["n_censor"],
                "survival": reals(group["surv"]),
                "std_err": [None] * len(group["time"]),
                "lower": reals(group["ci_log"]["lower"]),
                "upper": reals(group["ci_log"]["upper"]),
            },
        }
        for level, group in zip(("male", "female"), found, strict=True)
    ]
    result = {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "n": 228,
        "events": 165,
        "missing": 0,
        "groups": groups,
        "ci": "log",
        "level": 0.95,
        "warnings": [],
    }
    return result, found


def test_numbers_at_risk_equal_those_of_r(shown: Callable[..., Shown], exact: Any) -> None:
    result, found = lung_by_sex()
    drawn = lines(shown("efs_risk", results={"efs_risk": result}, plan=exact))

    for line, group in zip(drawn, found, strict=True):
        for horizon in group["horizons"]:
            at = standing(line, horizon["t"])

            assert horizon["n_risk"] == int(at.at_risk.text)
            assert horizon["n_risk"] + horizon["cum_event"] + horizon["cum_censor"] >= group["n"]


def test_steps_equal_those_of_r(shown: Callable[..., Shown], exact: Any) -> None:
    result, found = lung_by_sex()
    drawn = lines(shown("efs_risk", results={"efs_risk": result}, plan=exact))

    assert ["Male", "Female"] == [line.label for line in drawn]
    for line, group in zip(drawn, found, strict=True):
        np.testing.assert_allclose([0, *group["time"]], line.time)
        np.testing.assert_allclose([100, *(100 * s for s in group["surv"])], line.height)


def test_the_three_rows_are_those_of_the_patients_and_add_up(
    trial: ModuleType, shown: Callable[..., Shown], exact: Any
) -> None:
    for line, patients in zip(
        lines(shown("efs_risk", plan=exact)), trial.RISK_GROUPS.values(), strict=True
    ):
        for time in YEARS:
            days = 365.25 * time
            expected = (
                sum(patient.days >= days for patient in patients),
                sum(patient.days < days and not patient.event for patient in patients),
                sum(patient.days < days and patient.event for patient in patients),
            )
            at = standing(line, time)

            assert expected == (
                int(at.at_risk.text), int(at.censored.text), int(at.events.text)
            )  # fmt: skip
            assert len(patients) == sum(expected)


def test_a_patient_who_leaves_at_a_time_is_still_at_risk_then(
    trial: ModuleType, shown: Callable[..., Shown], exact: Any
) -> None:
    patients = [trial.Patient(10, True), trial.Patient(20, False), trial.Patient(30, True)]
    result = trial.kaplan_meier_result({"all": patients}, None, [], days_per_unit=1)
    (line,) = lines(shown("efs", results={"efs": result}, plan=exact))

    assert ["3", "2", "1", "0"] == [standing(line, time).at_risk.text for time in (10, 20, 30, 31)]
    assert ["0", "1", "1", "2"] == [standing(line, time).events.text for time in (10, 20, 30, 31)]


def test_a_curve_ends_at_the_last_time_with_enough_patients_at_risk(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    for line, patients in zip(lines(shown("efs_risk")), trial.RISK_GROUPS.values(), strict=True):
        tenth_from_the_last = sorted(patient.days for patient in patients)[-10] / 365.25

        assert pytest.approx(tenth_from_the_last) == line.end
        assert "<10" == standing(line, line.end + 0.01).at_risk.text
        assert "" == standing(line, line.end + 0.01).events.text


def test_a_curve_of_an_exact_release_goes_to_its_end(
    trial: ModuleType, shown: Callable[..., Shown], exact: Any
) -> None:
    for line, patients in zip(
        lines(shown("efs_risk", plan=exact)), trial.RISK_GROUPS.values(), strict=True
    ):
        assert pytest.approx(max(patient.days for patient in patients) / 365.25) == line.end


def test_until_cuts_a_curve_in_the_middle_of_a_step(shown: Callable[..., Shown]) -> None:
    line = lines(shown("efs"))[0]
    cut = line.until(2.001)
    last = int(np.flatnonzero(line.time <= 2.001)[-1])

    assert 2.001 == cut.end
    assert line.height[last] == cut.height[-1]
    assert line.end == line.until(100.0).end


def test_several_analyses_are_told_apart_by_endpoint_and_group(
    shown: Callable[..., Shown],
) -> None:
    labels = [line.label for line in lines(shown("efs", "os"))]
    grouped = [line.label for line in lines(shown("efs_risk", "dfs_arm"))]
    same = [line.label for line in lines(shown("efs", "efs_risk"))]

    assert ["EFS", "OS"] == labels
    assert ["EFS, Low", "EFS, Medium", "EFS, High", "DFS, IB", "DFS, ADE+MAE"] == grouped
    assert ["Event-free survival", "Event-free survival by risk group, Low"] == same[:2]


def test_released_points_are_joined_and_no_other_number_than_those_at_risk_is_given(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.as_released(trial.study_results()["analyses"]["efs_risk"])
    drawn = lines(shown("efs_risk", results={"efs_risk": result}))
    low, group = drawn[0], result["groups"][0]
    curve, landmark = group["curve"], group["at"][0]
    at = [standing(low, time) for time in (0, 6, 7.5)]

    assert [False] * 3 == [line.in_steps for line in drawn]
    assert ([0, 1, 2], [6]) == number_times(drawn, [0, 0.5, 1, 2], 10)
    assert ([0, 1, 2], []) == number_times(drawn, [0, 0.5, 1, 2], 5)
    assert ["167", str(landmark["at_risk"]), ""] == [found.at_risk.text for found in at]
    assert {""} == {found.events.text for found in at} | {found.censored.text for found in at}
    assert 100 * landmark["survival"] == pytest.approx(low.until(6.0).height[-1])
    middle = 50 * (curve["survival"][2] + curve["survival"][3])
    assert pytest.approx(middle) == low.until(3.5).height[-1]
    assert 3 == low.until(3.5).n_known


@pytest.mark.parametrize(
    ("events", "at_risk", "end"),
    [
        (9, [40, 30, 20, 10], 4.0),
        (9, [40, 30, 20, 5], 3.0),
        (9, [40, 30, 0, 0], 2.5),
        (11, [40, 30, 20, 10], 2.5),
        ({"withheld": "minimum_cell 5", "reason": "protects"}, [40, 30, 20, 10], 2.5),
    ],
    ids=["to the end", "not below ten", "no farther", "events to come", "events unknown"],
)
def test_a_curve_goes_on_flat_only_where_nothing_is_left_to_come(
    trial: ModuleType, shown: Callable[..., Shown], events: Any, at_risk: list[int], end: float
) -> None:
    few = {"withheld": "minimum_at_risk 10", "reason": "small"}
    known = [few if n < 10 else n for n in at_risk]
    last = max((time for time, n in zip((1.0, 2.0, 3.0, 4.0), at_risk, strict=True) if n >= 10))
    result = trial.as_released(trial.study_results()["analyses"]["efs"])
    result["groups"][0] |= {
        "events": events,
        "at": [],
        "curve": {
            "time": [1.0, 2.5, 3.5],
            "at_risk": [40, 25, few],
            "events_to": [6, 9, few],
            "survival": [0.85, 0.75, few],
            "std_err": [0.05, 0.06, few],
            "lower": [0.8, 0.7, few],
            "upper": [0.9, 0.8, few],
            "end": last,
        },
        "numbers_at_risk": {"time": [1.0, 2.0, 3.0, 4.0], "at_risk": known},
    }
    (line,) = lines(shown("efs", results={"efs": result}))

    assert (end, 2) == (line.end, line.n_known)
    assert pytest.approx(75) == line.height[-1]
    assert "<10" == standing(line, 4.0).at_risk.text or at_risk[-1] >= 10


def test_a_group_that_was_withheld_has_no_steps_and_says_so(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    exact_result = trial.kaplan_meier_result(
        {"LR": trial.cohort(9, 0.5, 3), "HR": trial.cohort(60, 0.5, 4)}, "risk_group", [2]
    )
    result = trial.as_released(exact_result)
    withheld, _ = lines(shown("efs_risk", results={"efs_risk": result}))
    at = standing(withheld, 0)

    assert [0.0] == list(withheld.time)
    assert ["withheld"] * 3 == [at.at_risk.text, at.censored.text, at.events.text]
    assert (
        "Withheld because fewer than 10 patients are behind it (minimum_at_risk).",
    ) == at.at_risk.notes


def test_a_curve_stops_where_a_value_does_not_exist(
    trial: ModuleType, shown: Callable[..., Shown], exact: Any
) -> None:
    result = trial.study_results()["analyses"]["efs"]
    result["groups"][0]["curve"]["survival"][3] = None
    (line,) = lines(shown("efs", results={"efs": result}, plan=exact))

    assert 4 == line.time.size
