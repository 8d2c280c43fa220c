"""Figures of rounded runs, at which readers took their own numbers: rows that do not add up, and curves drawn flat that fall later."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.runs import finished_run

from riskset_common.planning.read import read_plan
from riskset_common.study.codebook import read_codebook
from riskset_server.displays.figures.lines import Line, lines
from riskset_server.displays.parts.display import Shown
from riskset_server.kinds.kinds import words_of
from riskset_server.report.blocks import parts_of
from riskset_server.report.run_files import read_run
from riskset_server.report_check import check_report
from riskset_server.report_check.printed import texts_of_svg

FILES = Path(__file__).parent / "figures"
CENSORED_ROW = FILES / "30-censored-row-rounded"
FLAT_THEN_FALLS = FILES / "31-rounded-curve-flat-then-falls"


def truth(folder: Path, arm: str = "") -> list[tuple[int, int]]:
    """Time and event of each patient."""
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not arm or row["arm"] == arm]
    return [(int(row["time"]), int(row["status"])) for row in rows]


def survival(patients: list[tuple[int, int]], time: float) -> float:
    """Kaplan and Meier's estimate in percent, from the patients' own times."""
    s = 100.0
    for t in sorted({t for t, event in patients if event and t <= time}):
        at_risk = sum(other >= t for other, _ in patients)
        s *= 1 - sum(other == t for other, event in patients if event) / at_risk
    return s


def figure_of(study: Path) -> tuple[Path, tuple[Line, ...], list[str]]:
    """The folder of a run, the curves of its figure, and what is printed in it."""
    out = finished_run(study)
    run = read_run(out)
    plan, codebook = read_plan(study / "plan.yaml"), read_codebook(study / "codebook.yaml")
    parts = tuple(parts_of(run.results, plan).values())
    drawn = lines(Shown(plan.displays[0], "F1", parts, words_of(plan, codebook)))
    printed = texts_of_svg((out / "figures" / "F1.svg").read_bytes())
    return out, drawn, [text.words for text in printed]


@pytest.mark.parametrize("study", [CENSORED_ROW, FLAT_THEN_FALLS], ids=lambda each: each.name)
def test_the_report_of_a_rounded_run_agrees_with_itself(study: Path) -> None:
    out = finished_run(study)

    assert [] == check_report(out, read_run(out))


def test_rows_that_would_not_add_up_are_left_out() -> None:
    _, (line,), printed = figure_of(CENSORED_ROW)
    found = line.curve.numbers_at_risk
    patients = truth(CENSORED_ROW)

    assert found is not None
    assert "At risk" in printed
    assert not {"Censored", "Events at"} & set(printed)
    for time, n in zip(found.time, found.at_risk, strict=True):
        true = sum(t >= time for t, _ in patients)
        assert (isinstance(n, int) and abs(n - true) <= 2) or true < 10


def test_points_of_a_curve_are_the_true_ones_and_nothing_is_drawn_flat_before_it_falls() -> None:
    _, (line,), _ = figure_of(CENSORED_ROW)
    patients = truth(CENSORED_ROW)
    heights = list(zip(line.time, line.height, strict=True))[: line.n_known + 1]

    assert {0, 12, 24} <= {time for time, _ in heights} <= {0, 12, 24, 36}
    for time, height in heights:
        assert pytest.approx(survival(patients, time), abs=0.05) == height
    assert sorted({height for _, height in heights}, reverse=True) == [h for _, h in heights]
    assert all(
        survival(patients, line.end) == survival(patients, time)
        for time in line.time[line.n_known + 1 :]
    )


def test_a_curve_of_which_no_point_may_be_shown_is_not_drawn() -> None:
    out, drawn, printed = figure_of(FLAT_THEN_FALLS)
    results: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    groups = results["analyses"]["km"]["groups"]

    assert [1, 1] == [line.time.size for line in drawn]
    assert {"33", "40", "<10"} <= set(printed)
    assert {"minimum_cell 5"} == {group["at"][0]["survival"]["withheld"] for group in groups}
    assert "No curve is drawn for Control and New." in (out / "report.html").read_text("utf-8")
