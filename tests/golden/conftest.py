"""R's golden numbers: the analyses that a test can ask for, and the patients that belong to each.

A test that takes one of `KINDS`, such as `kaplan_meier` or `cumulative_incidence`, as an argument runs once for every reference of
that kind that is not out of scope.
"""

from __future__ import annotations

import csv
import functools
import itertools
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHIPPED = Path(__file__).parent
BESIDE = Path(__file__).parents[2].parent / "shared" / "reference"

KINDS = {
    "kaplan_meier": "km",
    "reverse_kaplan_meier": "reverse_km",
    "log_rank": "logrank",
    "cox": "cox",
    "table": "table",
    "cumulative_incidence": "cif",
    "fine_gray": "fine_gray",
}

OUT_OF_SCOPE: dict[str, Callable[[dict[str, Any]], bool]] = {
    "patients count once: there are no weights": lambda spec: bool(spec.get("weights")),
    "ties are Efron's or Breslow's, never exact": lambda spec: spec.get("ties") == "exact",
}

GRIDS = (1.0, 0.5, 0.1, 0.01, 0.001)

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


@dataclass(frozen=True)
class Patients:
    """The patients of an analysis as texts, column by column, and the agreed grid of their times."""

    columns: dict[str, list[str]]

    def numbers(self, column: str) -> np.ndarray:
        return np.array([float(text) for text in self.columns[column]], dtype=np.float64)

    def labels(self, columns: list[str] | None, joined: str) -> np.ndarray:
        """Levels of several columns, joined to one text per patient; "all" without a column."""
        if not columns:
            return np.full(len(self), "all")
        rows = zip(*(self.columns[column] for column in columns), strict=True)
        return np.array([joined.join(row) for row in rows])

    def happened(self, event: dict[str, Any]) -> np.ndarray:
        """Whether each patient had the event of a response."""
        return np.array([is_one_of(text, event["values"]) for text in self.columns[event["col"]]])

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class Reference:
    """One analysis and R's result."""

    folder: Path
    analysis: dict[str, Any]

    @property
    def spec(self) -> Any:
        return self.analysis["spec"]

    @property
    def result(self) -> Any:
        return self.analysis["result"]

    def patients(self, columns: list[str]) -> Patients:
        """The subset of the analysis, complete in the columns that it uses."""
        rows = read_csv(self.folder / "data" / f"{self.analysis['dataset']}.csv")
        rows = [row for row in rows if all(fits(row, rule) for rule in self.spec["subset"])]
        if self.spec.get("note"):
            rows = landmark(rows, self.spec["note"])
        rows = [row for row in rows if all(row[column] != "" for column in columns)]
        return Patients({column: [row[column] for row in rows] for column in columns})

    def response(self) -> list[str]:
        """The columns of the response."""
        response = self.spec["response"]
        names = (response["time"], response.get("start"), response["event"]["col"])
        return [name for name in names if name]

    def times(self, patients: Patients) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Time, event and entry of each patient, in the unit of the data."""
        response = self.spec["response"]
        entry = response.get("start")
        return (
            patients.numbers(response["time"]),
            patients.happened(response["event"]),
            patients.numbers(entry) if entry else None,
        )


@functools.cache
def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@functools.cache
def analyses() -> list[Reference]:
    """All analyses: of the sets shipped here, and of the further ones beside the checkout."""
    paths = {path.stem: path for folder in (BESIDE, SHIPPED) for path in folder.glob("ref/*.json")}
    found = []
    for path in sorted(paths.values()):
        content = json.loads(path.read_text(encoding="utf-8"))
        if "analyses" in content:
            found += [Reference(path.parents[1], each) for each in content["analyses"]]
    return [each for each in found if each.analysis["kind"] in KINDS.values()]


@functools.cache
def references() -> list[Reference]:
    """The analyses in scope."""
    return [each for each in analyses() if not any(out(each.spec) for out in OUT_OF_SCOPE.values())]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for argument, kind in KINDS.items():
        if argument in metafunc.fixturenames:
            cases = [each for each in references() if each.analysis["kind"] == kind]
            metafunc.parametrize(argument, cases, ids=[each.analysis["id"] for each in cases])


def is_one_of(text: str, values: list[float | str]) -> bool:
    return any(
        text == value if isinstance(value, str) else float(text) == value for value in values
    )


def fits(row: dict[str, str], rule: dict[str, Any]) -> bool:
    """Whether a row belongs to a subset; a missing value never does."""
    text: str = row[rule["col"]]
    value: Any = rule.get("value")
    if text == "" or rule["op"] == "notna":
        return text != ""
    if rule["op"] == "in":
        return is_one_of(text, value if isinstance(value, list) else [value])
    if isinstance(value, str):
        return (text == value) is (rule["op"] == "==")
    return COMPARISONS[rule["op"]](float(text), value)


def landmark(rows: list[dict[str, str]], note: str) -> list[dict[str, str]]:
    """Patients still followed at a landmark, and whether they were exposed by then; other notes change nothing."""
    found = re.match(r"landmark (\S+): keep (\S+) > .*exposed_by_landmark = \((\S+) <=", note)
    if not found:
        return rows
    at, time, exposure = float(found[1]), found[2], found[3]
    return [
        {**row, "exposed_by_landmark": str(int(row[exposure] != "" and float(row[exposure]) <= at))}
        for row in rows
        if row[time] != "" and float(row[time]) > at
    ]


@dataclass(frozen=True)
class Grid:
    """A time grid on which all times of an analysis lie."""

    step: float
    n_steps: int

    @classmethod
    def of(cls, *times: np.ndarray | None) -> Grid:
        all_times = np.concatenate([each for each in times if each is not None])
        for step in GRIDS:
            if np.all(np.abs(all_times / step - np.rint(all_times / step)) < 1e-6):
                return cls(step, int(np.rint(all_times.max() / step)) + 1)
        raise AssertionError(f"no grid of {GRIDS} holds all times")

    def steps(self, times: np.ndarray) -> np.ndarray:
        return np.rint(times / self.step).astype(np.int64)

    @property
    def times(self) -> np.ndarray:
        return np.arange(self.n_steps) * self.step


def numbers(values: Any) -> Any:
    """R's numbers: null is NaN, "Inf" and "-Inf" are infinities; lists become arrays."""
    if isinstance(values, list):
        return np.array([numbers(each) for each in values], dtype=np.float64)
    return math.nan if values is None else float(values)


@dataclass(frozen=True)
class Design:
    """The columns of a Cox model in R's order, with R's names, and the columns of each term."""

    names: list[str]
    x: np.ndarray
    terms: dict[str, list[int]]


def design_of(terms: list[dict[str, Any]], patients: Patients) -> Design:
    """Treatment contrasts, main effects before interactions, the first factor of an interaction varying fastest."""
    blocks: dict[str, dict[str, np.ndarray]] = {}
    for term in sorted(terms, key=lambda term: term["type"] == "interaction"):
        if term["type"] == "numeric":
            blocks[term["col"]] = {term["col"]: patients.numbers(term["col"])}
        elif term["type"] == "factor":
            values = np.array(patients.columns[term["col"]])
            levels = [str(level) for level in term["levels"][1:]]
            blocks[term["col"]] = {
                f"{term['col']}{level}": (values == level).astype(np.float64) for level in levels
            }
        else:
            parts = [blocks[name] for name in reversed(term["of"])]
            products = {}
            for chosen in itertools.product(*parts):
                columns = [part[name] for part, name in zip(parts, chosen, strict=True)]
                products[":".join(reversed(chosen))] = np.prod(columns, axis=0)
            blocks[":".join(term["of"])] = products
    names = [name for block in blocks.values() for name in block]
    columns = [column for block in blocks.values() for column in block.values()]
    place = {name: position for position, name in enumerate(names)}
    return Design(
        names,
        np.stack(columns, axis=1),
        {term: [place[name] for name in block] for term, block in blocks.items()},
    )


@pytest.fixture
def shipped() -> list[Reference]:
    return [each for each in references() if each.folder == SHIPPED]


@pytest.fixture
def left_out() -> dict[str, int]:
    """How many shipped analyses each reason leaves out."""
    mine = [each for each in analyses() if each.folder == SHIPPED]
    return {reason: sum(out(each.spec) for each in mine) for reason, out in OUT_OF_SCOPE.items()}


@pytest.fixture
def grid_of() -> Callable[..., Grid]:
    return Grid.of


@pytest.fixture
def as_numbers() -> Callable[[Any], Any]:
    return numbers


@pytest.fixture
def design() -> Callable[[list[dict[str, Any]], Patients], Design]:
    return design_of
