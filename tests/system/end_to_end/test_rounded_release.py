"""A whole run of the lung trial under the default disclosure rules: no small number anywhere, and a report that says what is withheld."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.runs import finished_run, plan_with, policies_with

from riskset_common.estimators.read_back import results_from_json
from riskset_common.results.as_json import to_text
from riskset_server.report.run_files import read_run
from riskset_server.report_check import check_report

SMALLEST = 5
COUNTS = {
    "n",
    "events",
    "missing",
    "total",
    "counts",
    "column_n",
    "events_to",
}
"""Names under which numbers of patients stand in a result."""


@pytest.fixture(scope="module")
def out() -> Path:
    """The finished folder."""
    rounded = policies_with(release="rounded", minimum_sites=5)
    return finished_run("lung", plan_with(disclosure={"release": "rounded"}), rounded)


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found["analyses"]  # type: ignore[no-any-return]  # JSON


def counts_in(found: Any, place: str = "", *, counted: bool = False) -> Iterator[tuple[str, float]]:
    """Every number of patients, and where it stands."""
    if isinstance(found, dict):
        for name, item in found.items():
            here = counted or name in COUNTS
            yield from counts_in(item, f"{place}.{name}", counted=here)
    elif isinstance(found, list):
        for item in found:
            yield from counts_in(item, place, counted=counted)
    elif counted and isinstance(found, (int, float)):
        yield place, found


def test_the_results_read_back_as_they_were_written(out: Path) -> None:
    written = (out / "results.json").read_text(encoding="utf-8")

    assert written == to_text(results_from_json(json.loads(written)))


def test_no_number_of_patients_is_small(out: Path) -> None:
    counted = list(counts_in(results(out)))

    assert 100 < len(counted)
    assert [] == [(place, count) for place, count in counted if 0 < count < SMALLEST]


def test_the_two_patients_of_the_lung_trial_that_stood_alone_are_held_back(out: Path) -> None:
    """One man had ECOG 3, and in one man ECOG is not known."""
    table = results(out)["table1"]
    by_level = {row["level"]: row for row in table["rows"] if row["variable"] == "ecog"}
    small = {"withheld": "minimum_cell 5", "reason": "small"}

    assert small == by_level["3"]["counts"][0] == table["missing_values"]["ecog"]["counts"][0]
    assert [small, small] == [by_level["3"]["total"], table["missing_values"]["ecog"]["total"]]
    assert [71, 57] == table["rows"][0]["counts"]
    assert "withheld" in table["tests"]["ecog"]


def test_the_counts_that_no_analysis_shows_are_named(out: Path) -> None:
    held = json.loads((out / "results.json").read_text(encoding="utf-8"))["held_counts"]
    alone = [each for each in held if each["conditions"] == {"ecog": ["3"], "sex": ["male"]}]

    assert ["small"] == [each["reason"] for each in alone]
    assert {"small", "protects"} == {each["reason"] for each in held}


def test_curves_are_known_at_public_times_with_enough_events_between_them(out: Path) -> None:
    seen = 0
    for result in results(out).values():
        groups = result.get("groups", ())
        for group in groups if isinstance(groups, list) else ():
            curve = group["curve"]
            points = [point for point in zip(*map(curve.get, CURVE), strict=True) if shown(point)]
            seen += len(points)
            events = [0, *(point[1] for point in points)]

            assert all(
                more == fewer or more >= fewer + SMALLEST for fewer, more in pairwise(events)
            )
            for before, point in zip(events, points, strict=False):
                at_risk, upto, survival, lower, upper = point
                assert at_risk >= 10
                assert 0 == at_risk % 5 or at_risk in (group["n"] - before, group["n"] - upto)
                assert survival == round(survival, 3)
                assert (lower, upper) == (round(lower, 2), round(upper, 2))

    assert 10 <= seen


CURVE = ("at_risk", "events_to", "survival", "lower", "upper")


def shown(point: tuple[Any, ...]) -> bool:
    return not any(isinstance(value, dict) for value in point)


def test_the_report_says_what_is_withheld_and_agrees_with_itself(out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")

    assert "Withheld because there are some, but fewer than 5 (minimum_cell)." in page
    assert "Withheld because with it a number below 5 could be worked out (minimum_cell)." in page
    assert "Each site sent its counts as random shares to a committee of" in page
    cells: set[str] = set()
    for path in (out / "tables").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            cells |= {cell for row in csv.reader(lines) for cell in row}
    assert any("withheld" in cell for cell in cells)
    assert not any("nan" in cell.split() or "None" in cell for cell in cells)
    assert [] == check_report(out, read_run(out))
