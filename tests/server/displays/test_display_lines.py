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


def test_of_a_curve_released_in_joined_steps_only_what_was_released_is_shown(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.as_released(trial.study_results()["analyses"]["efs_risk"])
    drawn = lines(shown("efs_risk", results={"efs_risk": result}))
    low = drawn[0]
    landmark = result["groups"][0]["at"][0]

    assert [False] * 3 == [line.is_complete for line in drawn]
    assert ([0, 6], []) == number_times(drawn, [0, 1, 2], 10)
    assert ([0], []) == number_times(drawn, [0, 1, 2], 5)
    assert str(landmark["at_risk"]) == standing(low, 6).at_risk.text
    assert str(landmark["events_to"]) == standing(low, 6).events.text
    assert ("167", "0", "0") == tuple(
        cell.text
        for cell in (standing(low, 0).at_risk, standing(low, 0).censored, standing(low, 0).events)
    )
    assert "" == standing(low, 3).at_risk.text
    assert 100 * landmark["survival"] == pytest.approx(low.until(6.0).height[-1])


def test_numbers_at_risk_that_were_released_stand_at_the_marks_of_the_axis(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.as_released(trial.study_results()["analyses"]["efs_risk"])
    withheld = {"withheld": "minimum_at_risk 10"}
    for group in result["groups"]:
        group["numbers_at_risk"] = {"time": [1.0, 2.0, 3.0], "at_risk": [120, 90, withheld]}
    drawn = lines(shown("efs_risk", results={"efs_risk": result}))
    at = [standing(drawn[0], time) for time in (1, 2, 3)]

    assert ([0, 6], [1, 2, 3]) == number_times(drawn, [0, 1, 2, 3, 4, 5, 6], 10)
    assert ["120", "90", "withheld"] == [found.at_risk.text for found in at]
    assert {""} == {found.events.text for found in at} | {found.censored.text for found in at}


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
    assert ("Withheld under the disclosure rule minimum_at_risk 10.",) == at.at_risk.notes


def test_a_curve_stops_where_a_value_does_not_exist(
    trial: ModuleType, shown: Callable[..., Shown], exact: Any
) -> None:
    result = trial.study_results()["analyses"]["efs"]
    result["groups"][0]["curve"]["survival"][3] = None
    (line,) = lines(shown("efs", results={"efs": result}, plan=exact))

    assert 4 == line.time.size
