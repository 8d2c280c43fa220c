"""Whole numbers that are not known, what is known of their sums, and what follows for each: integer programming, exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

MOST = 10_000
"""No count of these studies is larger."""


class Puzzle:
    """Counts by name, each from 0 up, and equations between them."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._low: list[float] = []
        self._high: list[float] = []
        self._sums: list[tuple[Mapping[str, int], float, float]] = []
        self._matrix: Any = None

    @property
    def names(self) -> list[str]:
        """All counts that were named."""
        return list(self._index)

    def count(self, name: str, value: object = None, *, low: int = 0, high: int = MOST) -> str:
        """A count, known if the value is a number; returns its name."""
        if name not in self._index:
            self._index[name] = len(self._low)
            self._low.append(0)
            self._high.append(MOST)
        if isinstance(value, (int, float)):
            low = high = int(value)
        self.between({name: 1}, low, high)
        return name

    def adds_up(self, total: str, parts: Iterable[str]) -> None:
        """The parts are all of the total."""
        terms = {total: -1}
        for part in parts:
            terms[part] = terms.get(part, 0) + 1
        self.between(terms, 0, 0)

    def at_least(self, larger: str, smaller: str, by: int = 0) -> None:
        """One count is not smaller than another and some more."""
        if larger != smaller:
            self.between({larger: 1, smaller: -1}, by, MOST)

    def between(self, terms: Mapping[str, int], low: float, high: float) -> None:
        """What is known of a sum."""
        for name in terms:
            if name not in self._index:
                self.count(name)
        if len(terms) == 1:
            [(name, factor)] = terms.items()
            if factor == 1:
                at = self._index[name]
                self._low[at] = max(self._low[at], low)
                self._high[at] = min(self._high[at], high)
                return
        self._sums.append((terms, low, high))

    def solution(self) -> dict[str, int]:
        """One set of counts that fits all that is known."""
        found = self._solve(np.zeros(len(self._low)))
        assert found is not None, "nothing fits what is known"
        return dict(zip(self._index, np.rint(found).astype(int).tolist(), strict=True))

    def most(self, name: str) -> int:
        """The largest value that a count can have."""
        return self._end(name, -1.0)

    def least(self, name: str) -> int:
        """The least value that a count can have."""
        return self._end(name, 1.0)

    def value(self, name: str) -> int | None:
        """The value of a count that follows from what is known; None if there are several."""
        least, most = self.least(name), self.most(name)
        return least if least == most else None

    def _end(self, name: str, sign: float) -> int:
        at = self._index[name]
        cost = np.zeros(len(self._low))
        cost[at] = sign
        found = self._solve(cost)
        assert found is not None, f"nothing fits what is known of {name}"
        return round(float(found[at]))

    def _solve(self, cost: np.ndarray) -> np.ndarray | None:
        if any(low > high for low, high in zip(self._low, self._high, strict=True)):
            return None
        if self._matrix is None or self._matrix.shape != (len(self._sums), len(self._low)):
            self._matrix = csr_array(self._sums_by_count())
        limits = np.array([(low, high) for _, low, high in self._sums]).reshape(-1, 2)
        constraints: Any = LinearConstraint(self._matrix, limits[:, 0], limits[:, 1])
        found = milp(
            cost,
            integrality=np.ones(len(self._low)),
            bounds=Bounds(np.array(self._low), np.array(self._high)),
            constraints=[constraints] if len(self._sums) else [],
        )
        return found.x if found.success else None

    def _sums_by_count(self) -> np.ndarray:
        matrix = np.zeros((len(self._sums), len(self._low)))
        for row, (terms, _, _) in enumerate(self._sums):
            for name, factor in terms.items():
                matrix[row, self._index[name]] = factor
        return matrix


def rounded_to(value: object, puzzle: Puzzle, terms: Mapping[str, int], step: int = 5) -> None:
    """A sum of counts that is shown to the nearest multiple of a step, or whole if it is the number of the group."""
    if isinstance(value, int):
        puzzle.between(terms, value - step // 2, value + step // 2)


def union(*times: Sequence[float]) -> list[float]:
    """All times, ascending."""
    return sorted({time for each in times for time in each})
