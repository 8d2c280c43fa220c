"""What a reader of results.json knows of the patients behind one analysis: the sums that plan, codebook and docs/results.md state.

`known(result, at_risk=...)` reads a result as JSON, exact or released, and puts all that it says into a `Puzzle`. Counts have the same
names whichever it is, so the exact result says what is true of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from tests.server.disclosure.as_released import is_withheld
from tests.server.disclosure.known_curves import (
    cumulative_incidence,
    kaplan_meier,
    left_out,
    patients,
    univariate,
)
from tests.server.disclosure.known_tables import baseline, event_table, flow
from tests.server.disclosure.puzzle import Puzzle, rounded_to

Json = Mapping[str, Any]


def known(result: Json, *, at_risk: bool) -> Puzzle:
    """All that one analysis shows.

    `at_risk` says whether numbers at risk are used: with late entry they do not follow from those who left.
    """
    puzzle = Puzzle()
    if not is_withheld(result.get("n")) or result["kind"] == "landmark":
        READERS[result["kind"]](puzzle, result, at_risk)
    left_out(puzzle, "missing", result.get("missing"))
    return puzzle


def _model(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    """Levels of each term, and the cells of an interaction by both of its factors."""
    del at_risk
    patients(puzzle, "all", result["n"], result["events"])
    if "competing" in result:
        puzzle.count("all competing", result["competing"])
        puzzle.adds_up("all without", ["all competing", "all neither"])
    levels = [] if is_withheld(result["levels"]) else result["levels"]
    names: dict[str, list[str]] = {}
    for term, rows in groupby(levels, key=lambda level: level["term"]):
        for row in rows:
            name = f"{term}={row['level']}"
            names.setdefault(term, []).append(name)
            patients(puzzle, name, row["n"], row["events"])
        for what in ("n", "events", "without"):
            puzzle.adds_up(f"all {what}", [f"{name} {what}" for name in names[term]])
    for term, cells in names.items():
        _margins(puzzle, names, term, cells)


def _margins(
    puzzle: Puzzle, names: Mapping[str, Sequence[str]], term: str, cells: Sequence[str]
) -> None:
    factors = term.split(":")
    for place, factor in enumerate(factors if len(factors) == 2 else ()):
        for level in names.get(factor, ()):
            value = level.removeprefix(f"{factor}=")
            of_level = [
                cell for cell in cells if cell.removeprefix(f"{term}=").split(":")[place] == value
            ]
            for what in ("n", "events", "without") if of_level else ():
                puzzle.adds_up(f"{level} {what}", [f"{cell} {what}" for cell in of_level])


def _landmark_analysis(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    """The curves or the model, and those whose follow-up had ended."""
    left_out(puzzle, "ended", result["ended"])
    puzzle.count("all n", result["n"])
    puzzle.count("all events", result["events"])
    inner = result.get("curves") or result.get("model")
    if inner is None or is_withheld(inner) or is_withheld(inner["n"]):
        return
    kaplan_meier(puzzle, inner, at_risk) if "curves" in result else _model(puzzle, inner, at_risk)
    left_out(puzzle, "missing", inner["missing"])


def _follow_up(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    """Those with an event, followed to the closing date, and not; those who had left by a time."""
    patients(puzzle, "all", result["n"], result["events"])
    for name, point in result["at"].items():
        if point is not None:
            ended = puzzle.count(f"ended at {name}")
            puzzle.at_least("all without", ended)
            rounded_to(point["ended"], puzzle, {ended: 1})
            followed = puzzle.count(f"at risk at {name}")
            puzzle.at_least("all n", followed)
            rounded_to(point["at_risk"], puzzle, {followed: 1})
            if at_risk:
                before = [f"{what} before {name}" for what in ("events", "ended")]
                puzzle.adds_up("all n", [followed, *before])
                puzzle.at_least("all events", before[0])
                puzzle.at_least(ended, before[1])
    if result.get("completeness") is not None:
        puzzle.count("incomplete", result["completeness"]["incomplete"])
        puzzle.adds_up("all without", ["incomplete", "followed"])


READERS: dict[str, Callable[[Puzzle, Json, bool], None]] = {
    "kaplan_meier": kaplan_meier,
    "cumulative_incidence": cumulative_incidence,
    "univariate": univariate,
    "cox": _model,
    "fine_gray": _model,
    "heterogeneity": _model,
    "landmark": _landmark_analysis,
    "follow_up": _follow_up,
    "baseline": baseline,
    "event_table": event_table,
    "flow": flow,
}

ROUNDED = re.compile(r"\bat risk at |\bbefore |\bended at | without to ")
"""Counts that are released rounded, or only help to solve the others."""
BY_TIME = re.compile(r" events (to|after) ")
"""Counts up to a time, and after it."""


def solved(
    exact: Mapping[str, Any], released: Mapping[str, Any], smallest: int, *, entry: bool
) -> Iterator[str]:
    """Small counts that follow from what is released, with their intervals."""
    truth = known(without_curves(exact), at_risk=False).solution()
    with_at_risk, without = (known(released, at_risk=each) for each in (not entry, False))
    for name in with_at_risk.names:
        if ROUNDED.search(name) or not 0 < truth.get(name, 0) < smallest:
            continue
        puzzle = without if BY_TIME.search(name) else with_at_risk
        most = puzzle.most(name)
        assert truth[name] <= most, f"{name} is {truth[name]}, found at most {most}"
        if most < smallest - 1 or (most == smallest - 1 and puzzle.least(name) > 1):
            yield f"{name} is {truth[name]}, and {puzzle.least(name)} to {most} follows"


def without_curves(value: Any) -> Any:
    """An exact result without the steps of its curves, which say nothing more of its counts."""
    if isinstance(value, Mapping):
        none = {"withheld": "not needed"}
        return {
            key: none if key == "curve" else without_curves(each) for key, each in value.items()
        }
    return [without_curves(each) for each in value] if isinstance(value, list) else value
