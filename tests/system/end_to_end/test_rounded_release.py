"""A whole run of the lung trial under the default disclosure rules: no small number anywhere, and a report that says what is withheld."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.runs import finished_run, plan_with

from riskset_common.estimators.read_back import results_from_json
from riskset_common.results.as_json import to_text

SMALLEST = 5
COUNTS = {
    "n",
    "events",
    "missing",
    "total",
    "counts",
    "column_n",
    "at_risk",
    "events_to",
    "observed",
}
"""Names under which numbers of patients stand in a result."""


@pytest.fixture(scope="module")
def out() -> Path:
    """The finished folder."""
    return finished_run("lung", plan_with(disclosure={"release": "rounded"}))


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
    rule = {"withheld": "minimum_cell 5"}

    assert [rule, 0] == by_level["3"]["counts"] == table["missing_values"]["ecog"]["counts"]
    assert [rule, 21] == by_level["2"]["counts"]
    assert rule == table["tests"]["ecog"]
    assert all(row["percent"][0] == rule for row in by_level.values())
    assert [71, 57] == table["rows"][0]["counts"]
    assert rule == results(out)["os_ecog"]["missing"]


def test_curves_are_in_blocks_and_end_where_few_are_at_risk(out: Path) -> None:
    for name, result in results(out).items():
        for group in result.get("groups", ()):
            curve = group["curve"]

            assert curve["time"], name
            assert min(curve["events"]) >= SMALLEST
            assert min(curve["at_risk"]) >= 10
            assert all(count % 5 == 0 for count in curve["at_risk"] + curve["censored"])
            assert curve["survival"] == [round(value, 3) for value in curve["survival"]]


def test_models_are_shown_in_seven_digits(out: Path) -> None:
    terms = [term for name in ("cox", "cox_interaction") for term in results(out)[name]["terms"]]

    assert 10 == len(terms)
    for term in terms:
        assert term["coef"] == float(f"{term['coef']:.7g}")


def test_the_report_says_what_is_withheld(out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")

    assert "Withheld under the disclosure rule minimum_cell 5." in page
    assert "Withheld under the disclosure rule minimum_at_risk 10." in page
    cells: set[str] = set()
    for path in (out / "tables").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            cells |= {cell for row in csv.reader(lines) for cell in row}
    assert any("withheld" in cell for cell in cells)
    assert not any("nan" in cell.split() or "None" in cell for cell in cells)
    assert 4 <= len(list((out / "figures").glob("*.svg")))
