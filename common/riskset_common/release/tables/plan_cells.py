"""All counts of a plan as one system: each count once, what each site counts, what lies within what, and which sums are always 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from riskset_common.formats.canonical_json import content_hash
from riskset_common.release.cells import KNOWN, NO_EVENT, UNKNOWN, Cell, Counts, Least, Levels
from riskset_common.release.counted import Counted, CountedArray, Identity, OwnNumbers, Total
from riskset_common.release.tables.algebra import Algebra, as_conditions
from riskset_common.release.tables.relations import SPARE_PLACES, relations, whole_and_parts
from riskset_common.study.codebook import Codebook
from riskset_common.study.patients import MISSING, Bools, Patients
from riskset_common.study.plan import Plan
from riskset_common.study.study import Study
from riskset_common.survival.arrays.shapes import BoolArray, IntArray

FEW_PLACES = 4
"""Places at which two different counts have the same values about once in 10^37 pairs."""


class System:
    """The counts of a plan.

    Attributes
    ----------
    names
        Of each count, the cells that count it, in the order of the plan: plan and codebook prove them equal.
    place
        The place of each cell among the counts; None of a cell in which nobody can be.
    least
        Of each count the name of its floor.
    """

    def __init__(self, study: Study, counts: Sequence[Counts]) -> None:
        self._study = study
        proved = Algebra(study, FEW_PLACES, assumed=False)
        by_values: dict[bytes, int] = {}
        self.place: dict[Cell, int | None] = {}
        names: list[list[Cell]] = []
        self.least: list[Least] = []
        for each in counts:
            values = proved.vector(each.cell)
            place = by_values.setdefault(values.tobytes(), len(names)) if values.any() else None
            self.place[each.cell] = place
            if place is None:
                continue
            if place == len(names):
                names.append([])
                self.least.append(each.least)
            names[place].append(each.cell)
            if each.least == "minimum_at_risk":
                self.least[place] = each.least
        self.names = tuple(tuple(cells) for cells in names)

    @property
    def n(self) -> int:
        """How many counts there are."""
        return len(self.names)

    @cached_property
    def parts(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Counts, and other counts that together are the same in every site's records."""
        proved = Algebra(self._study, FEW_PLACES, assumed=False)
        return whole_and_parts(self.names, proved.vectors(self.names))

    @cached_property
    def relations(self) -> IntArray:
        """Sums that are always 0, those of plausible records among them, shape (n_relations, n)."""
        assumed = Algebra(self._study, self.n + SPARE_PLACES, assumed=True)
        return relations(self.names, assumed.vectors(self.names))

    @cached_property
    def around(self) -> tuple[tuple[int, ...], ...]:
        """Of each count those that hold all its patients and others, as their conditions show."""
        told = self._told_apart()
        owner = np.repeat(np.arange(self.n), [len(cells) for cells in self.names])
        # One lies within another if it leaves out whatever the other leaves out.
        within = (told.astype(np.float32) @ (~told).astype(np.float32).T) == 0
        found: list[set[int]] = [set() for _ in range(self.n)]
        for outer, inner in zip(*np.nonzero(within), strict=True):
            if owner[outer] != owner[inner]:
                found[owner[inner]].add(int(owner[outer]))
        return tuple(tuple(sorted(each - {place})) for place, each in enumerate(found))

    @cached_property
    def order(self) -> tuple[tuple[int, int], ...]:
        """Of each count how much is against its being a protector, and its place in the order in which they are chosen.

        Few patients have unknown values, so that these rarely protect; and a count that holds many others is missed by many analyses.
        The finer come first, then the later in the plan.
        """
        within = np.bincount(np.concatenate([*map(_places, self.around)]), minlength=self.n)
        finer = sorted(range(self.n), key=lambda place: (-self._n_conditions(place), -place))
        against = [
            2 * self.is_of_unknown(place) + int(within[place]) // 3 for place in range(self.n)
        ]
        return tuple(zip(against, np.argsort(finer).tolist(), strict=True))

    def is_of_unknown(self, place: int) -> bool:
        """Whether a count is of patients in whom something is not known."""
        return any(
            bool(cell.without) or any(UNKNOWN in levels for _, levels in cell.conditions)
            for cell in self.names[place]
        )

    def _n_conditions(self, place: int) -> int:
        return max(
            len(as_conditions(cell)) + bool(cell.events) - bool(cell.without)
            for cell in self.names[place]
        )

    def _told_apart(self) -> BoolArray:
        """By cell, which levels of which variables it leaves out, shape (n_cells, n_levels)."""
        cells = [as_conditions(cell) | _marks(cell) for names in self.names for cell in names]
        levels: dict[str, set[str]] = {}
        for conditions in cells:
            for name, wanted in conditions.items():
                levels.setdefault(name, set()).update(wanted)
        columns = [
            (name, level)
            for name in sorted(levels)
            for level in sorted({*levels[name], KNOWN, UNKNOWN})
        ]
        return np.array(
            [
                [_leaves_out(conditions.get(name), level) for name, level in columns]
                for conditions in cells
            ],
            dtype=np.bool_,
        ).reshape(len(cells), len(columns))


def _places(around: tuple[int, ...]) -> IntArray:
    return np.array(around, dtype=np.int64)


def _marks(cell: Cell) -> dict[str, frozenset[str]]:
    """What a cell is without, as one more condition that no other has."""
    return {f"without {cell.without!r}": frozenset(("met",))} if cell.without else {}


def _leaves_out(wanted: frozenset[str] | None, level: str) -> bool:
    """Whether a condition leaves out the patients of a level; KNOWN is every level but UNKNOWN."""
    if wanted is None:
        return False
    if KNOWN in wanted:
        return level == UNKNOWN and UNKNOWN not in wanted
    return level not in wanted


@dataclass(frozen=True)
class PlanCells(Counted):
    """What sites count for the tables of a plan, and for the minima of all analyses.

    Attributes
    ----------
    counts
        All counts that some analysis shows.
    """

    counts: tuple[Counts, ...]

    @cached_property
    def _hash(self) -> int:
        return hash(self.counts)

    def __hash__(self) -> int:
        return self._hash

    def system(self, study: Study) -> System:
        """The counts as a system, worked out once for a study."""
        return _system(self.counts, _Named(study))

    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        """Each count by itself."""
        return {array_of(place): CountedArray(()) for place in range(self.system(study).n)}

    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        """This site's counts."""
        system, mask = self.system(study), _Masks(patients, study)
        return {
            array_of(place): np.array(np.count_nonzero(mask.of(names[0])), dtype=np.int64)
            for place, names in enumerate(system.names)
        }

    def identities(self, study: Study) -> Iterator[Identity]:
        """Every count that is the sum of others."""
        for whole, parts in self.system(study).parts:
            yield Identity(((array_of(whole), ()),), tuple((array_of(part), ()) for part in parts))

    def totals(self, study: Study) -> Iterator[Total]:
        """The patients whom other things counted split."""
        system = self.system(study)
        for each in self.counts:
            place = system.place[each.cell]
            if each.total is not None and place is not None:
                yield Total(each.total, array_of(place), ())


def array_of(place: int) -> str:
    """The name of a count's array."""
    return f"count {place}"


def merged(counts: Iterable[Counts]) -> tuple[Counts, ...]:
    """Each cell once, in the order in which it was first named; with the higher floor where it is named with two."""
    found: dict[Cell, Counts] = {}
    for each in counts:
        before = found.get(each.cell)
        if before is None:
            found[each.cell] = each
        else:
            floor: Least = (
                "minimum_at_risk"
                if "minimum_at_risk" in (before.least, each.least)
                else "minimum_cell"
            )
            found[each.cell] = Counts(
                each.cell, floor, each.total if before.total is None else before.total
            )
    return tuple(found.values())


class _Object:
    """An object as a key of its own: the same only as itself."""

    def __init__(self, value: Plan | Codebook) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Object) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


@lru_cache(maxsize=32)
def _hash_of(each: _Object) -> str:
    return content_hash(each.value).hex()


class _Named:
    """A study that is the same key as an equal one."""

    def __init__(self, study: Study) -> None:
        self.study = study
        written = (_hash_of(_Object(study.plan)), _hash_of(_Object(study.codebook)))
        self._key = (*written, study.sites)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Named) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=8)
def _system(counts: tuple[Counts, ...], named: _Named) -> System:
    return System(named.study, counts)


class _Masks:
    """Which of a site's patients meet a condition, each worked out once."""

    def __init__(self, patients: Patients, study: Study) -> None:
        self._patients, self._study = patients, study
        self._kept: dict[tuple[str, tuple[str, ...]], Bools] = {}
        self._had: dict[tuple[str, tuple[str, ...]], Bools] = {}

    def of(self, cell: Cell) -> Bools:
        """The patients whom a cell counts, shape (n,)."""
        found = self._all(cell.conditions)
        if cell.followed:
            key = cell.followed, cell.events
            if key not in self._had:
                self._had[key] = self._event(*key)
            found &= self._had[key]
        return found & ~self._all(cell.without) if cell.without else found

    def _all(self, levels: Levels) -> Bools:
        found = np.ones(self._patients.n, dtype=np.bool_)
        for name, wanted in levels:
            if (name, wanted) not in self._kept:
                self._kept[name, wanted] = self._one(name, wanted)
            found &= self._kept[name, wanted]
        return found

    def _one(self, name: str, wanted: tuple[str, ...]) -> Bools:
        if name in self._study.plan.endpoints and name not in self._patients.categories:
            return self._patients.endpoints[name].known
        known = self._patients.known(name)
        if name not in self._patients.categories:
            return known if KNOWN in wanted else ~known
        levels = self._study.levels(name)
        places = [levels.index(level) for level in wanted if level in levels]
        found: Bools = np.isin(self._patients.categories[name], places)
        return found | ~known if UNKNOWN in wanted else found

    def _event(self, endpoint: str, kinds: tuple[str, ...]) -> Bools:
        times = self._patients.endpoints[endpoint]
        if not kinds:
            return times.known
        listed = (NO_EVENT, *self._study.endpoint(endpoint).events)
        places = [place for place, kind in enumerate(listed) if kind in kinds]
        found: Bools = np.isin(times.event, places) & times.known & (times.event != MISSING)
        return found
