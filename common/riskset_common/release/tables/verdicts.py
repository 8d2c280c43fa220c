"""The verdicts of a plan's counts, reached on shares before any analysis: which are shown, which are small, and which protect those.

What is opened the verdicts say again. First one bit a count: whether it, or a count around it, is small. What lies within a small group
is not told apart. Then one bit a count of unknown values that is not small: whether it is 0, because most are. Then, as often as a
protector is too small, one bit a protector (`holding.py`). Last the counts that are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from riskset_common.release.cells import Cell, Verdicts
from riskset_common.release.counted import Data
from riskset_common.release.floors import Floors
from riskset_common.release.program import Among, Opened, Opens, Program
from riskset_common.release.tables.holding import Protector, Range, protectors
from riskset_common.release.tables.plan_cells import PlanCells, System, array_of
from riskset_common.release.tables.relations import independent
from riskset_common.results.shown import Reason, Shown, Withheld
from riskset_common.results.whole_file import HeldCount
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.arrays.shapes import IntArray

SMALL: Final = "counts that are small"
NOBODY: Final = "counts of nobody"
PROTECTORS: Final = "protectors that are too small"
SHOWN: Final = "counts that are shown"
"""Names of what is opened; protectors are asked for in rounds, counted from 1 behind the name."""


@dataclass(frozen=True)
class HeldCell:
    """A count that is not shown.

    Attributes
    ----------
    cell
        What it counts.
    reason
        `small`: below its floor, or within such a group; `protects`: what is shown would tell a small one with it.
    round
        In which round it was too small to protect, and was held besides; 0 of all others.
    """

    cell: Cell
    reason: Reason
    round: int = 0


@dataclass(frozen=True)
class PlanVerdicts:
    """What was found of the counts of a plan.

    Attributes
    ----------
    cells
        Of every cell its count, or the mark with its reason.
    held
        The counts that are not shown, each by its first cell, in the order of the plan.
    """

    cells: Verdicts
    held: tuple[HeldCell, ...]


def verdicts_program(
    plan_cells: PlanCells, study: Study, data: Data, calculator: Calculator
) -> Program[PlanVerdicts]:
    """Reach the verdicts of all counts of a plan."""
    system = plan_cells.system(study)
    if not system.n:
        return PlanVerdicts(dict.fromkeys(system.place, 0), ())
    own = data[plan_cells]
    counts = calculator.joined([own[array_of(place)].reshape(1) for place in range(system.n)])
    search = _Search(system, Floors.of(study.plan.disclosure))
    (bits,) = yield [search.small(counts)]
    search.found_small(bits)
    asked_for = search.may_be_nobody
    if len(asked_for):
        (empty,) = yield [Among(NOBODY, counts[asked_for].reshape(-1, 1), 0, 0)]
        search.found_nobody(empty)
    while asked := search.next_round():
        (too_small,) = yield [asked.ask(counts)]
        search.found_too_small(asked, too_small)
    shown = search.shown
    if not len(shown):
        return search.verdicts(np.zeros(0, dtype=np.int64))
    (opened,) = yield [Opens(SHOWN, counts[shown])]
    return search.verdicts(opened)


def held_counts(verdicts: PlanVerdicts) -> tuple[HeldCount, ...]:
    """The counts that are not shown, as results.json has them."""
    return tuple(
        HeldCount(
            conditions=dict(each.cell.conditions),
            without=dict(each.cell.without),
            followed=each.cell.followed,
            events=each.cell.events,
            landmark=None,
            reason=each.reason,
            step=each.round or None,
        )
        for each in verdicts.held
    )


def implied_by_verdicts(
    plan_cells: PlanCells, study: Study, verdicts: PlanVerdicts
) -> Mapping[str, Opened]:
    """What the program must have opened, by the name of each ask, worked out from the verdicts alone."""
    system = plan_cells.system(study)
    if not system.n:
        return {}
    held = {system.place[each.cell]: each for each in verdicts.held}
    small = {place for place, each in held.items() if each.reason == "small"}
    search = _Search(system, Floors.of(study.plan.disclosure))
    bits = np.array([place in small for place in range(system.n)], dtype=np.int64)
    found: dict[str, Opened] = {SMALL: bits}
    search.found_small(bits)
    asked_for = search.may_be_nobody
    if len(asked_for):
        cells = [verdicts.cells[system.names[place][0]] for place in asked_for]
        found[NOBODY] = np.array([each == 0 for each in cells], dtype=np.int64)
        search.found_nobody(found[NOBODY])
    while asked := search.next_round():
        too_small = np.array(
            [
                each.cell in held and held[each.cell].round == asked.round
                for each in asked.protectors
            ],
            dtype=np.int64,
        )
        found[asked.name] = too_small
        search.found_too_small(asked, too_small)
    if len(search.shown):
        values = [verdicts.cells[system.names[place][0]] for place in search.shown]
        found[SHOWN] = np.array(values, dtype=np.int64)
    return found


@dataclass(frozen=True)
class _Asked:
    """One round: the protectors of whom it is not known yet whether they are large enough."""

    round: int
    protectors: tuple[Protector, ...]

    @property
    def name(self) -> str:
        """What is asked, with its round."""
        return f"{PROTECTORS} {self.round}"

    def ask(self, counts: Numbers) -> Among:
        """Whether each, less what others add to it, is below what it needs."""
        width = max(len(each.factors) for each in self.protectors) + 1
        places = np.zeros((len(self.protectors), width), dtype=np.int64)
        factors = np.zeros_like(places)
        for row, each in enumerate(self.protectors):
            moved = [(each.cell, 1), *((other, -factor) for other, factor in each.factors)]
            for column, (place, factor) in enumerate(moved):
                places[row, column], factors[row, column] = place, factor
        without = (counts[places.ravel()].reshape(*places.shape) * factors).total()
        lowest = np.array([[-each.most_below] for each in self.protectors], dtype=np.int64)
        highest = np.array([[each.least - 1] for each in self.protectors], dtype=np.int64)
        return Among(self.name, without.reshape(-1, 1), lowest, highest)


@dataclass
class _Search:
    """What is held, from what was opened so far; the same at everybody who knows this."""

    system: System
    floors: Floors
    open_counts: dict[int, Range] = field(default_factory=dict)
    rounds: dict[int, int] = field(default_factory=dict)
    protecting: tuple[Protector, ...] = ()
    passed: set[Protector] = field(default_factory=set)
    round: int = 0
    _relations: IntArray | None = None

    @property
    def relations(self) -> IntArray:
        """Sums that are always 0; they are worked out where something is small."""
        return self.system.relations if self._relations is None else self._relations

    @property
    def may_be_nobody(self) -> IntArray:
        """Of which counts of unknown values it is asked whether anybody is there: those that are not small, nor within a small one.

        Where nothing is small, nothing is asked.
        """
        unknown = (place for place in range(self.system.n) if self.system.is_of_unknown(place))
        places = [place for place in unknown if place not in self.open_counts]
        return np.array(places if self.open_counts else [], dtype=np.int64)

    def found_nobody(self, bits: Opened) -> None:
        """Counts of nobody are shown, protect nobody, and what they were part of adds up without them."""
        relations = self.system.relations.copy()
        relations[:, self.may_be_nobody[np.flatnonzero(bits)]] = 0
        self._relations = independent(relations)

    def floor(self, place: int) -> int:
        """Below which a count is small."""
        by_name = {"minimum_cell": self.floors.smallest, "minimum_at_risk": self.floors.fewest}
        return by_name[self.system.least[place]]

    def small(self, counts: Numbers) -> Among:
        """Whether each count, or one around it, is small."""
        around = self.system.around
        width = max(len(each) for each in around) + 1
        places = np.zeros((self.system.n, width), dtype=np.int64)
        highest = np.zeros_like(places)
        for place, outer in enumerate(around):
            row = (place, *outer)
            places[place, : len(row)] = row
            highest[place, : len(row)] = [self.floor(each) - 1 for each in row]
        # Of a place that is not filled the highest is 0, and nothing lies within.
        return Among(SMALL, counts[places.ravel()].reshape(*places.shape), 1, highest)

    def found_small(self, bits: Opened) -> None:
        """Take in the first bits. What lies within a small count is at most as large, and may be nothing."""
        small = set(np.flatnonzero(bits).tolist())
        for place in sorted(small):
            outer = [each for each in self.system.around[place] if each in small]
            highest = min(self.floor(each) - 1 for each in (place, *outer))
            self.open_counts[place] = Range(0 if outer else 1, highest)

    def next_round(self) -> _Asked | None:
        """The protectors to be asked about; None where all that are needed are large enough."""
        while self.open_counts:
            floors = [self.floor(place) for place in range(self.system.n)]
            found = protectors(self.relations, self.open_counts, floors, self.system.order)
            if isinstance(found, int):
                self._also(found, floors[found] - 1)
                continue
            self.protecting = found
            unknown = tuple(each for each in found if not each.is_whole and each not in self.passed)
            if not unknown:
                return None
            self.round += 1
            return _Asked(self.round, unknown)
        return None

    def found_too_small(self, asked: _Asked, bits: Opened) -> None:
        """Those that are too small to protect must stay open themselves."""
        for each, bit in zip(asked.protectors, bits.tolist(), strict=True):
            if bit:
                self.rounds[each.cell] = asked.round
                self._also(each.cell, each.least - 1 + each.most_below)
            else:
                self.passed.add(each)

    def _also(self, place: int, highest: int) -> None:
        # That nobody is there was asked of counts of unknown values, and may be so of all others.
        lowest = self.floor(place) if self.system.is_of_unknown(place) else 0
        self.open_counts[place] = Range(lowest, highest, moves=False)

    @property
    def held(self) -> Mapping[int, Reason]:
        """What is not shown, and why."""
        protecting = [each.cell for each in self.protecting]
        found: dict[int, Reason] = dict.fromkeys(protecting, "protects")
        for place, span in self.open_counts.items():
            found[place] = "small" if span.moves else "protects"
        return found

    @property
    def shown(self) -> IntArray:
        """The places of what is shown, ascending."""
        return np.array(sorted(set(range(self.system.n)) - set(self.held)), dtype=np.int64)

    def verdicts(self, opened: Opened) -> PlanVerdicts:
        """The verdicts, once the counts that are shown were opened."""
        by_place: dict[int, Shown[int]] = dict(
            zip(self.shown.tolist(), opened.tolist(), strict=True)
        )
        by_place |= {place: self._mark(place, reason) for place, reason in self.held.items()}
        cells: dict[Cell, Shown[int]] = {
            cell: 0 if place is None else by_place[place]
            for cell, place in self.system.place.items()
        }
        held = tuple(
            HeldCell(self.system.names[place][0], reason, self.rounds.get(place, 0))
            for place, reason in sorted(self.held.items())
        )
        return PlanVerdicts(cells, held)

    def _mark(self, place: int, reason: Reason) -> Withheld:
        of_group = self.system.least[place] == "minimum_at_risk"
        mark = self.floors.few if of_group else self.floors.small
        return replace(mark, reason=reason)
