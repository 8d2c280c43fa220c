"""What tables of patients and a flow say of their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from tests.server.disclosure.as_released import is_withheld
from tests.server.disclosure.puzzle import Puzzle

Json = Mapping[str, Any]


def _cells(
    puzzle: Puzzle, prefix: str, columns: Sequence[str], rows: Mapping[str, Json], whole: str
) -> None:
    """A table whose rows partition the patients of each column; a cell that is withheld in a column that is shown is not zero."""
    for name, row in rows.items():
        puzzle.count(f"{prefix}{name} all", row["total"])
        for index, column in enumerate(columns):
            counts = [each["counts"][index] for each in rows.values()]
            low = (
                1 if is_withheld(row["counts"][index]) and not all(map(is_withheld, counts)) else 0
            )
            puzzle.count(f"{prefix}{name} {column}", row["counts"][index], low=low)
        puzzle.adds_up(f"{prefix}{name} all", [f"{prefix}{name} {column}" for column in columns])
    for column in columns:
        puzzle.adds_up(f"{whole} {column}", [f"{prefix}{name} {column}" for name in rows])
    puzzle.adds_up(f"{whole} all", [f"{prefix}{name} all" for name in rows])


def _share(puzzle: Puzzle, cell: str, percent: object, of: str, count: object) -> None:
    """A percentage gives the count, or with it the number of which it is one."""
    if not isinstance(percent, (int, float)):
        return
    if isinstance(count, int) and percent > 0:
        puzzle.count(of, round(100 * count / percent))
    elif not isinstance(count, int):
        whole = puzzle.value(of)
        if whole is not None:
            puzzle.count(cell, round(percent * whole / 100))


def _columns(puzzle: Puzzle, result: Json) -> list[str]:
    columns = list(result["columns"])
    puzzle.count("n all", result["n"])
    for column, n in zip(columns, result["column_n"], strict=True):
        puzzle.count(f"n {column}", n)
    puzzle.adds_up("n all", [f"n {column}" for column in columns])
    return columns


def baseline(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    del at_risk
    columns = _columns(puzzle, result)
    for variable, found in groupby(result["rows"], key=lambda row: row["variable"]):
        rows = {row["level"]: row for row in found}
        missing = result["missing_values"][variable]
        _cells(puzzle, f"{variable} ", columns, rows | {"unknown": missing}, "n")
        for column in (*columns, "all"):
            parts = [f"{variable} {level} {column}" for level in rows]
            puzzle.adds_up(f"{variable} known {column}", parts)
        for level, row in rows.items():
            shown = zip(columns, row["percent"], row["counts"], strict=True)
            for column, percent, count in (*shown, ("all", row["total_percent"], row["total"])):
                of = f"{variable} known {column}"
                _share(puzzle, f"{variable} {level} {column}", percent, of, count)
    for number in result["numbers"]:
        name = number["variable"]
        missing = result["missing_values"][name]
        row = {"counts": number["n"][:-1], "total": number["n"][-1]}
        _cells(puzzle, f"{name} ", columns, {"known": row, "unknown": missing}, "n")


def event_table(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    del at_risk
    columns = _columns(puzzle, result)
    rows = {row["event"]: row for row in (*result["rows"], result["censored"])}
    _cells(puzzle, "", columns, rows, "n")
    puzzle.count("events", result["events"])
    puzzle.adds_up("events", [f"{row['event']} all" for row in result["rows"]])
    for name, row in rows.items():
        for column, percent, count in zip(columns, row["percent"], row["counts"], strict=True):
            _share(puzzle, f"{name} {column}", percent, f"n {column}", count)


def flow(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    """Boxes below one box add up to it; one that is withheld is not empty, unless all of them are withheld."""
    del at_risk
    boxes = result["boxes"]
    names = [repr(sorted(box["path"].items())) for box in boxes]
    for name, box in zip(names, boxes, strict=True):
        puzzle.count(name, box["n"])
    for index, box in enumerate(boxes):
        below = []
        for later in range(index + 1, len(boxes)):
            if boxes[later]["depth"] <= box["depth"]:
                break
            if boxes[later]["depth"] == box["depth"] + 1:
                below.append(names[later])
        if below:
            puzzle.adds_up(names[index], below)
        of_family = [boxes[names.index(name)]["n"] for name in below]
        for name in below:
            at = names.index(name)
            if is_withheld(boxes[at]["n"]) and not all(map(is_withheld, of_family)):
                puzzle.count(name, low=1)
            _share(puzzle, name, boxes[at]["percent"], names[index], boxes[at]["n"])
