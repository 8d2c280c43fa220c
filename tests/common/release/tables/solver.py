"""What follows for a plan's counts from everything that is released or opened of them: whole-number programming."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from tests.common.release.tables.plan_tables import Counted

from riskset_common.release.floors import Floors
from riskset_common.release.tables.algebra import PRIME
from riskset_common.release.tables.relations import signed
from riskset_common.release.tables.verdicts import NOBODY, SMALL, _Search
from riskset_common.survival.arrays.shapes import IntArray

MOST = 10_000
"""No count of these studies is larger."""


class Solver:
    """All that an adversary knows who has results.json, every opened bit, plan and codebook: the true counts are one solution of it.

    Parameters
    ----------
    nested
        Whether it is used that a count is no larger than one that holds all its patients.
    bits
        Whether it is used what was opened of protectors, and that none of them is small.
    """

    def __init__(self, found: Counted, *, nested: bool = True, bits: bool = True) -> None:
        self._system = found.cells.system(found.study)
        floors = Floors.of(found.study.plan.disclosure)
        by_name = {"minimum_cell": floors.smallest, "minimum_at_risk": floors.fewest}
        self._floor = [by_name[name] for name in self._system.least]
        self.n = self._system.n
        self._held, self._truth = found.held, found.truth
        self._rows: list[tuple[Mapping[int, int], float, float]] = []
        self._low, self._high = np.zeros(self.n), np.full(self.n, float(MOST))
        self._know_what_is_shown(found.opened)
        for factors in whole_factors(self._system.relations):
            self._know(dict(enumerate(factors.tolist())), 0, 0)
        for inner, around in enumerate(self._system.around if nested else ()):
            for outer in around:
                if {inner, outer} & self._held.keys():
                    self._know({outer: 1, inner: -1}, 0, MOST)
        self._not_small: list[int] = []
        if bits:
            self._know_protectors(found)
            self._not_small = [place for place, why in self._held.items() if why == "protects"]
        self._matrix, self._least, self._most = self._constraints()

    def _know(self, factors: Mapping[int, int], low: float, high: float) -> None:
        row = {place: factor for place, factor in factors.items() if factor}
        value = sum(factor * int(self._truth[place]) for place, factor in row.items())
        assert low <= value <= high, "what is taken as known is not true"
        if row.keys() & self._held.keys():
            self._rows.append((row, low, high))

    def _know_what_is_shown(self, opened: Mapping[str, IntArray]) -> None:
        small = {place for place, why in self._held.items() if why == "small"}
        assert small == set(np.flatnonzero(opened[SMALL]).tolist())
        # A count of unknown values that is held and not small is not 0 either: that was opened.
        somebody = {place for place in self._held if self._system.is_of_unknown(place)} - small
        for place in range(self.n):
            around = [each for each in self._system.around[place] if each in small]
            if place not in self._held:
                self._low[place] = self._high[place] = self._truth[place]
            elif place in somebody:
                self._low[place] = self._floor[place]
            elif place in small:
                self._low[place] = 0 if around else 1
                self._high[place] = min(self._floor[each] - 1 for each in (place, *around))

    def _know_protectors(self, found: Counted) -> None:
        """Of each protector that was asked whether it is large enough, what was said."""
        search = _Search(self._system, Floors.of(found.study.plan.disclosure))
        search.found_small(found.opened[SMALL])
        if NOBODY in found.opened:
            search.found_nobody(found.opened[NOBODY])
        while asked := search.next_round():
            bits = found.opened[asked.name]
            for each, too_small in zip(asked.protectors, bits.tolist(), strict=True):
                row = {each.cell: 1, **{other: -factor for other, factor in each.factors}}
                low, high = (-MOST, each.least - 1) if too_small else (each.least, MOST)
                self._know(row, low, high)
            search.found_too_small(asked, bits)

    def is_solved(self, place: int) -> bool:
        """Whether a count can have no other value than its own. That somebody is there at all is not asked of those where nobody is."""
        own = int(self._truth[place])
        return own > 0 and self._best(place, -1.0) == own == self._best(place, 1.0)

    def solved(self) -> list[int]:
        """The counts that are held and not 0, and can have no other value."""
        return [place for place in self._held if self.is_solved(place)]

    def _best(self, place: int, sign: float) -> int:
        n_all = self.n + len(self._not_small)
        cost = np.zeros(n_all)
        cost[place] = sign
        low = np.concatenate([self._low, np.zeros(len(self._not_small))])
        high = np.concatenate([self._high, np.ones(len(self._not_small))])
        found = milp(
            cost,
            integrality=np.ones(n_all),
            bounds=Bounds(low, high),
            constraints=[LinearConstraint(self._matrix, self._least, self._most)],
        )
        assert found.success, "nothing fits what is known"
        return round(float(found.x[place]))

    def _constraints(self) -> tuple[csr_array, list[float], list[float]]:
        rows = [*self._rows, ({0: 1}, 0, MOST)]
        # A protector is no small count: it is 0, or its floor or more, as one more whole number says.
        for index, place in enumerate(self._not_small):
            rows.append(({place: 1, self.n + index: -self._floor[place]}, 0, MOST))
            rows.append(({place: -1, self.n + index: MOST}, 0, MOST))
        entries = [
            (at, place, factor)
            for at, (row, _, _) in enumerate(rows)
            for place, factor in row.items()
        ]
        at, places, factors = zip(*entries, strict=True)
        matrix = csr_array(
            (factors, (at, places)), shape=(len(rows), self.n + len(self._not_small))
        )
        return matrix, [low for _, low, _ in rows], [high for _, _, high in rows]


def whole_factors(relations: IntArray) -> Iterable[IntArray]:
    """The same sums with whole factors of which none is large."""
    for row in relations:
        yield next(
            found
            for multiple in range(1, 100)
            if np.abs(found := signed(row * multiple % PRIME)).max(initial=0) < 1_000
        )
