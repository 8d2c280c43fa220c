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

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray

Sum = Mapping[Hashable, int]
"""A sum of hidden counts: how often each is taken."""

_SOLVED: Final = 0
_NOTHING_FITS: Final = 2
_NEAR: Final = 1e-6
"""Numbers that differ by less are the same to the solver."""


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
        self.__dict__.pop("_constraint", None)

    @property
    def names(self) -> tuple[Hashable, ...]:
        """The hidden counts."""
        return tuple(self._places)

    def solved(self, objective: Sum, *, greatest: bool, whole: bool = True) -> FloatArray:
        """Counts that fit all that is known and make a sum least or greatest, in the order of `names`.

        Without the demand for whole numbers it is ten times as quick, and no sum comes out narrower than it is.

        Raises
        ------
        EstimationError
            Where nothing fits: what is shown contradicts itself.
        """
        cost = self.weights([objective]).toarray()[0] * (-1.0 if greatest else 1.0)
        found = milp(
            cost,
            constraints=self._constraint,
            integrality=np.full(len(cost), int(whole)),
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
        return np.rint(counts) if whole else counts

    def weights(self, sums: Sequence[Sum]) -> csr_array:
        """How often each sum takes each count, shape (n_sums, n_counts)."""
        terms = [
            (row, self._places[name], times)
            for row, of in enumerate(sums)
            for name, times in of.items()
        ]
        row, column, times = np.array(terms, dtype=np.int64).reshape(-1, 3).T
        shape = (len(sums), len(self._places))
        return csr_array((times.astype(np.float64), (row, column)), shape=shape)

    def range(self, of: Sum) -> Range:
        """What a sum can be."""
        least, greatest = (
            (self.weights([of]) @ self.solved(of, greatest=most))[0] for most in (False, True)
        )
        return Range(int(least), int(greatest))

    @cached_property
    def _constraint(self) -> LinearConstraint:
        matrix = self.weights([of for of, _, _ in self._sums])
        bounds = np.array([each for _, *each in self._sums], dtype=np.float64).reshape(-1, 2)
        return LinearConstraint(matrix, *bounds.T)


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
    exactly: Collection[Hashable] = (),
    whole: bool = True,
) -> list[Told]:
    """The hidden sums that can only be one of 1..k-1, and those among `exactly` that can only be one number; k is `smallest`.

    Parameters
    ----------
    whole
        Whether only whole numbers may stand behind the sums; without, a sum that is told for that reason alone is not found.
    """
    seen = _Seen(system, hidden, smallest, exactly, whole=whole)
    # All together first: most of them are answered by these two.
    for most in (True, False):
        seen.look(dict.fromkeys(system.names, 1), most=most)
    found = []
    for place, (name, of) in enumerate(hidden.items()):
        for most in (True, False):
            if not seen.is_safe[place]:
                seen.look(of, most=most)
        if not seen.is_safe[place]:
            found.append(Told(name, seen.range(place)))
    return found


class _Seen:
    """What the hidden sums were in the solutions so far."""

    def __init__(
        self,
        system: System,
        hidden: Mapping[Hashable, Sum],
        smallest: int,
        exactly: Collection[Hashable],
        *,
        whole: bool,
    ) -> None:
        self._system, self._smallest, self._whole = system, smallest, whole
        self._weights = system.weights(list(hidden.values()))
        self._wary = np.array([name in exactly for name in hidden], dtype=np.bool_)
        self._least = np.full(len(hidden), np.inf)
        self._greatest = np.full(len(hidden), -np.inf)

    @property
    def is_safe(self) -> BoolArray:
        """By sum: whether it was 0 or k and more, and, where one number is too much, not always the same."""
        not_small = (self._least < 1 - _NEAR) | (self._greatest > self._smallest - 1 + _NEAR)
        safe: BoolArray = not_small & (~self._wary | (self._greatest - self._least > _NEAR))
        return safe

    def look(self, of: Sum, *, most: bool) -> None:
        """Solve for a sum, and see what all of them are then."""
        values = self._weights @ self._system.solved(of, greatest=most, whole=self._whole)
        self._least = np.minimum(self._least, values)
        self._greatest = np.maximum(self._greatest, values)

    def range(self, place: int) -> Range:
        """What one of them was."""
        least, greatest = self._least[place] - _NEAR, self._greatest[place] + _NEAR
        return Range(int(np.ceil(least)), int(np.floor(greatest)))
