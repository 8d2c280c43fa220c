"""What whole numbers may stand behind sums that are known: the least and the greatest that a hidden sum can be, exactly.

Hidden counts are unknown whole numbers, not negative. What results show of them are sums between bounds. A sum that nobody shows is
safe if some solution gives it 0 or k and more, and if two solutions give it different numbers. Each solution that is found says so for
many sums at once, so that few are needed.

References
----------
Fischetti M, Salazar JJ (2001), J Am Stat Assoc 96:84 (intervals of suppressed cells by whole-number programming). Huangfu Q, Hall JAJ
(2018), Math Program Comput 10:119 (HiGHS).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

Sum = Mapping[Hashable, int]
"""A sum of hidden counts: how often each is taken."""

_SOLVED: Final = 0
_NOTHING_FITS: Final = 2


@dataclass(frozen=True)
class Range:
    """The least and the greatest that a hidden sum can be."""

    least: int
    greatest: int


@dataclass
class System:
    """Sums of hidden counts that are known. Counts are named by whatever can be hashed."""

    largest: int
    """Above every count."""
    _places: dict[Hashable, int] = field(default_factory=dict)
    _sums: list[tuple[Sum, int, int]] = field(default_factory=list)

    def know(self, of: Sum, least: int, greatest: int) -> None:
        """Add that a sum lies between two numbers, inclusive."""
        for name in of:
            self._places.setdefault(name, len(self._places))
        self._sums.append((of, least, greatest))

    @property
    def names(self) -> tuple[Hashable, ...]:
        """The hidden counts."""
        return tuple(self._places)

    def solved(self, objective: Sum, *, greatest: bool) -> IntArray:
        """Counts that fit all that is known and make a sum least or greatest, in the order of `names`.

        Raises
        ------
        EstimationError
            Where nothing fits: what is shown contradicts itself.
        """
        sign = -1.0 if greatest else 1.0
        cost: FloatArray = np.zeros(len(self._places))
        for name, times in objective.items():
            cost[self._places[name]] += sign * times
        found = milp(
            cost,
            constraints=self._constraint(),
            integrality=np.ones(len(cost)),
            bounds=Bounds(0, self.largest),
        )
        if found.status == _NOTHING_FITS:
            raise EstimationError(
                "No whole numbers of patients give the released counts. Nothing is published; keep the run's folder and report it."
            )
        if found.status != _SOLVED:
            raise EstimationError(
                f"Whether released counts tell a withheld one was not decided ({found.message}). Nothing is published."
            )
        counts: FloatArray = found.x
        return np.rint(counts).astype(np.int64)

    def value(self, of: Sum, counts: IntArray) -> int:
        """A sum of counts that were solved."""
        return sum(times * int(counts[self._places[name]]) for name, times in of.items())

    def range(self, of: Sum) -> Range:
        """What a sum can be."""
        return Range(
            self.value(of, self.solved(of, greatest=False)),
            self.value(of, self.solved(of, greatest=True)),
        )

    def _constraint(self) -> LinearConstraint:
        rows = [
            (row, self._places[name], times)
            for row, (of, _, _) in enumerate(self._sums)
            for name, times in of.items()
        ]
        row, column, times = np.array(rows).reshape(-1, 3).T
        shape = (len(self._sums), len(self._places))
        matrix = csr_array((times.astype(np.float64), (row, column)), shape=shape)
        least, greatest = (
            np.array([bounds for _, *bounds in self._sums], dtype=np.float64).reshape(-1, 2).T
        )
        return LinearConstraint(matrix, least, greatest)


@dataclass(frozen=True)
class Told:
    """A hidden sum that the known ones tell: exactly, or to lie among the small numbers."""

    name: Hashable
    range: Range


def told(
    system: System,
    hidden: Mapping[Hashable, Sum],
    smallest: int,
    *,
    exactly: Iterable[Hashable] = (),
) -> list[Told]:
    """The hidden sums that can only be one of 1..k-1, and those among `exactly` that can only be one number; k is `smallest`."""
    wary = set(exactly)
    seen: dict[Hashable, set[int]] = {name: set() for name in hidden}

    def is_safe(name: Hashable) -> bool:
        values = seen[name]
        not_small = any(not 0 < value < smallest for value in values)
        return not_small and (name not in wary or len(values) > 1)

    def look(counts: IntArray) -> None:
        for name, of in hidden.items():
            if len(seen[name]) < 2 or not is_safe(name):
                seen[name].add(system.value(of, counts))

    found = []
    for name, of in hidden.items():
        for greatest in (True, False):
            if not is_safe(name):
                look(system.solved(of, greatest=greatest))
        if not is_safe(name):
            found.append(Told(name, Range(min(seen[name]), max(seen[name]))))
    return found
