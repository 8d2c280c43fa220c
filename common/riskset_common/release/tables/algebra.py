"""What plan and codebook imply of counts: each count as a vector, so that counts whose vectors add up add up in every set of patients.

A patient is a combination of values of base variables: categories, numbers and dates cut at every bound of the codebook, and for what
follows from an order of dates the variable itself. Every derived variable is a function of some of them. If the base variables are
drawn independently, a count is expected to be a polynomial in their probabilities, linear in those of each variable. Two sums of counts
are equal in every set of patients if and only if their polynomials are; and polynomials that agree at random places of a large
prime field are the same (Schwartz 1980, J ACM 27:701; Zippel 1979). A count's vector holds its values at such places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.release.cells import KNOWN, NO_EVENT, UNKNOWN, Cell, Levels
from riskset_common.study.codebook import Conditions, Derived
from riskset_common.study.plan import Endpoint
from riskset_common.study.study import Study
from riskset_common.survival.arrays.shapes import BoolArray, IntArray

PRIME = 2**31 - 1
MOST_STATES = 100_000
"""Combinations of base variables on which one count may depend together."""
MISSING = -1
VALUES = "values of "
"""In front of a number or date as a base variable."""
ENDPOINT = "@"
"""In front of an endpoint's name where it stands as a variable: the kind of event of those in whom it is known."""


@dataclass(frozen=True, eq=False)
class Function:
    """A variable as a function of base variables: the place of its level for each combination of their states, -1 where missing.

    `codes` has one axis for each base, in the order of `bases`.
    """

    bases: tuple[str, ...]
    codes: IntArray
    levels: tuple[str, ...]


class Algebra:
    """Vectors of the counts of one study.

    Parameters
    ----------
    study
        Plan and codebook; where the sites are known, what follows from them.
    n_places
        Length of the vectors: more than there are counts.
    assumed
        Whether what holds of plausible records is taken for true: nobody misses a required variable; an endpoint and a derived variable
        that are the first of the same dated events tell the same event. That may hold more counts back, and makes no two counts one.
    """

    def __init__(self, study: Study, n_places: int, *, assumed: bool) -> None:
        self._study, self._assumed = study, assumed
        self._functions: dict[str, Function] = {}
        self._sizes: dict[str, int] = {}
        self._weights: dict[str, IntArray] = {}
        self._factors: dict[tuple[tuple[str, frozenset[str]], ...], IntArray] = {}
        self._n_places = n_places

    def vector(self, cell: Cell) -> IntArray:
        """A count's values at the places, shape (n_places,), from 0 to `PRIME` - 1."""
        conditions = as_conditions(cell)
        whole = self._product(conditions)
        if not cell.without:
            return whole
        met = dict(conditions)
        for name, levels in cell.without:
            is_endpoint = name in self._study.plan.endpoints and levels == (KNOWN,)
            key = ENDPOINT + name if is_endpoint else name
            met[key] = met[key] & frozenset(levels) if key in met else frozenset(levels)
        return (whole - self._product(met)) % PRIME

    def vectors(self, names: Sequence[Sequence[Cell]]) -> IntArray:
        """Those of counts, each by the first of its names, shape (n, n_places)."""
        found = [self.vector(cells[0]) for cells in names]
        return np.array(found, dtype=np.int64).reshape(len(names), self._n_places)

    def _product(self, conditions: Mapping[str, frozenset[str]]) -> IntArray:
        """Conditions that share no base variable are independent: their values are multiplied."""
        found = np.ones(self._n_places, dtype=np.int64)
        for part in self._components(conditions):
            key = tuple(
                sorted(((name, conditions[name]) for name in part), key=lambda each: each[0])
            )
            if key not in self._factors:
                self._factors[key] = self._factor(key)
            found = found * self._factors[key] % PRIME
        return found

    def _components(self, conditions: Mapping[str, frozenset[str]]) -> list[list[str]]:
        parts: list[tuple[set[str], list[str]]] = []
        for name in sorted(conditions):
            bases, names = set(self._function(name).bases), [name]
            apart = []
            for other_bases, other_names in parts:
                if bases & other_bases:
                    bases, names = bases | other_bases, names + other_names
                else:
                    apart.append((other_bases, other_names))
            parts = [*apart, (bases, names)]
        return [names for _, names in parts]

    def _factor(self, conditions: Sequence[tuple[str, frozenset[str]]]) -> IntArray:
        """The probability at each place that all of these conditions are met."""
        functions = [(self._function(name), wanted) for name, wanted in conditions]
        bases = tuple(sorted({base for function, _ in functions for base in function.bases}))
        sizes = [self._sizes[base] for base in bases]
        _require_few(sizes, ", ".join(name for name, _ in conditions))
        met = np.ones(sizes, dtype=np.bool_)
        for function, wanted in functions:
            met &= _spread(_among(function, wanted), function.bases, bases)
        last, *before = reversed(bases)
        found: IntArray = np.tensordot(met.astype(np.int64), self._weight(last), axes=1) % PRIME
        for base in before:
            found = (found * self._weight(base) % PRIME).sum(axis=-2) % PRIME
        return found

    def _weight(self, base: str) -> IntArray:
        """Probabilities of a base variable's states at the places, which add up to 1, shape (n_states, n_places)."""
        if base not in self._weights:
            seed = int.from_bytes(base.encode(), "big")
            drawn = np.random.default_rng(seed).integers(
                0, PRIME, (self._sizes[base], self._n_places), dtype=np.int64
            )
            last = -1
            if self._assumed and self._is_required(base):
                # Nobody misses it: the state before the missing one takes the rest.
                drawn[-1], last = 0, -2
            drawn[last] = 0
            drawn[last] = (1 - drawn.sum(axis=0)) % PRIME
            self._weights[base] = drawn
        return self._weights[base]

    def _is_required(self, base: str) -> bool:
        variable = self._study.codebook.variables.get(base.removeprefix(VALUES))
        return variable is not None and variable.required

    def _function(self, name: str) -> Function:
        if name not in self._functions:
            self._functions[name] = self._made(name)
        return self._functions[name]

    def _made(self, name: str) -> Function:
        codebook = self._study.codebook
        if name.startswith(ENDPOINT):
            return self._endpoint(name.removeprefix(ENDPOINT))
        if name in ("site", "study_group"):
            return self._of_site(name)
        if name in codebook.derived:
            return self._derived(name, codebook.derived[name])
        if codebook.levels(name) is not None:
            return self._plain(name, codebook.levels(name) or ())
        edges = self._edges(name)
        return self._base(VALUES + name, (KNOWN,), [0] * (len(edges) + 1))

    def _base(self, base: str, levels: Sequence[str], states: Sequence[int]) -> Function:
        """A variable that depends on one base: `states` are the places of its levels, and one more state is missing."""
        self._sizes[base] = len(states) + 1
        return Function((base,), np.array([*states, MISSING], dtype=np.int64), tuple(levels))

    def _plain(self, base: str, levels: Sequence[str]) -> Function:
        return self._base(base, levels, range(len(levels)))

    def _of_site(self, name: str) -> Function:
        if not self._study.sites:
            named = {
                member
                for derived in self._study.codebook.derived.values()
                if derived.source == "study_group"
                for group in (derived.groups or {}).values()
                for member in group
            }
            return self._plain(name, tuple(sorted(named)))
        levels = self._study.levels(name)
        of_site = [
            levels.index(site.name if name == "site" else site.study_group)
            for site in self._study.sites
        ]
        return self._base("site", levels, of_site)

    def _derived(self, name: str, derived: Derived) -> Function:
        found = self._ruled_by(name, derived)
        if derived.recorded is None:
            return found
        recorded = self._function(derived.recorded)
        places = np.array([*(derived.levels.index(each) for each in recorded.levels), MISSING])
        (own, other), bases, _ = self._together([found, recorded], name)
        return Function(bases, np.where(own == MISSING, places[other], own), derived.levels)

    def _ruled_by(self, name: str, derived: Derived) -> Function:
        if derived.groups is not None:
            source = self._function(derived.source or "")
            members = list(derived.groups.values())
            place = [
                next((k for k, group in enumerate(members) if level in group), MISSING)
                for level in source.levels
            ]
            codes = np.array([*place, MISSING], dtype=np.int64)[source.codes]
            return Function(source.bases, codes, derived.levels)
        if derived.rules is not None:
            return self._by_rules(name, derived)
        if derived.first_of is not None:
            events = [each.model_dump(mode="json") for each in derived.first_of.values()]
            return self._first(events, derived.levels, told=derived.otherwise is not None)
        cut: Mapping[str, tuple[object, object]] = derived.cut or derived.period or {}
        key = _key(derived)
        edges = self._edges(key)
        states = []
        for low, _ in pairwise([None, *edges, None]):
            states.append(_place(low, cut))
        return self._base(VALUES + key, derived.levels, states)

    def _first(
        self, events: Sequence[Mapping[str, object]], levels: Sequence[str], *, told: bool
    ) -> Function:
        """The first of some dated events: one base for all variables that are the first of the same."""
        base = f"first of {_text(events)}"
        n = len(events)
        self._sizes[base] = n + 2
        codes = [*range(n), n if told else MISSING, MISSING]
        return Function((base,), np.array(codes, dtype=np.int64), tuple(levels))

    def _edges(self, name: str) -> list[object]:
        """All bounds at which the codebook cuts a number, a date or the days between two, ascending."""
        found: set[object] = set()
        for derived in self._study.codebook.derived.values():
            cut: Mapping[str, tuple[object, object]] = derived.cut or derived.period or {}
            if cut and _key(derived) == name:
                found |= {edge for ends in cut.values() for edge in ends if edge is not None}
        return sorted(found)  # type: ignore[type-var]  # Either numbers or dates, which compare among themselves.

    def _by_rules(self, name: str, derived: Derived) -> Function:
        """The first level that surely holds, where every level before it surely does not, as sites derive it."""
        rules = derived.rules or {}
        named = dict.fromkeys(key for either in rules.values() for each in either for key in each)
        functions = {key: self._function(key) for key in named}
        arrays, bases, shape = self._together(list(functions.values()), name)
        values = dict(zip(named, arrays, strict=True))
        codes, open_still = np.full(shape, MISSING), np.ones(shape, dtype=np.bool_)
        for code, alternatives in enumerate(rules.values()):
            true, false = np.zeros(shape, dtype=np.bool_), np.ones(shape, dtype=np.bool_)
            for condition in alternatives:
                holds, fails = _decided(condition, values, functions)
                true, false = true | holds, false & fails
            codes = np.where(open_still & true, code, codes)
            open_still &= false
        return Function(bases, codes, derived.levels)

    def _together(
        self, functions: Sequence[Function], name: str
    ) -> tuple[list[IntArray], tuple[str, ...], tuple[int, ...]]:
        """The codes of some functions over the bases of all of them."""
        bases = tuple(sorted({base for each in functions for base in each.bases}))
        shape = tuple(self._sizes[base] for base in bases)
        _require_few(shape, name)
        spread = [
            np.broadcast_to(_spread(each.codes, each.bases, bases), shape) for each in functions
        ]
        return spread, bases, shape

    def _endpoint(self, name: str) -> Function:
        endpoint = self._study.endpoint(name)
        levels = (*endpoint.events, NO_EVENT)
        if self._assumed and endpoint.first_of is not None and _is_whole(endpoint):
            events = [each.model_dump(mode="json") for each in endpoint.first_of.values()]
            return self._first(events, levels, told=True)
        alike = endpoint.model_dump(mode="json", exclude={"label"})
        return self._plain(f"endpoint {_text(alike)}", levels)


def as_conditions(cell: Cell) -> dict[str, frozenset[str]]:
    """What all patients of a cell meet, besides that they do not meet all of `without`; the endpoint is a variable among the others."""
    found = {name: frozenset(levels) for name, levels in cell.conditions}
    if cell.followed:
        found[ENDPOINT + cell.followed] = frozenset(cell.events or (KNOWN,))
    return found


def as_levels(conditions: Mapping[str, frozenset[str]]) -> Levels:
    """Conditions as they are written, levels in the order of the alphabet."""
    return tuple((name, tuple(sorted(levels))) for name, levels in sorted(conditions.items()))


def _text(written: object) -> str:
    """The same text for the same definition, in whatever order its conditions were written or sent."""
    return canonical_json(written).decode()


def _is_whole(endpoint: Endpoint) -> bool:
    """Whether every dated event counts, whenever it came."""
    return endpoint.horizon is None and not endpoint.censored_at and endpoint.entry is None


def _key(derived: Derived) -> str:
    """What is cut: a number, a date, or the days between two dates."""
    return (
        derived.source or "" if derived.since is None else f"{derived.source} since {derived.since}"
    )


def _place(low: object, cut: Mapping[str, tuple[object, object]]) -> int:
    """The level whose bounds hold what lies between an edge (None: below all) and the next one."""
    for place, (bottom, top) in enumerate(cut.values()):
        begun = bottom is None or (low is not None and not low < bottom)  # type: ignore[operator]  # As in `_edges`.
        ended = top is not None and low is not None and not low < top  # type: ignore[operator]
        if begun and not ended:
            return place
    return MISSING


def _among(function: Function, wanted: frozenset[str]) -> BoolArray:
    """Whether a combination has one of the levels."""
    if wanted == {KNOWN}:
        known: BoolArray = function.codes != MISSING
        return known
    places = [place for place, level in enumerate(function.levels) if level in wanted]
    return np.isin(function.codes, [*places, MISSING] if UNKNOWN in wanted else places)


def _decided(
    condition: Conditions, values: Mapping[str, IntArray], functions: Mapping[str, Function]
) -> tuple[BoolArray, BoolArray]:
    """Where a condition surely holds, and where it surely does not."""
    shape = next(iter(values.values())).shape
    holds, fails = np.ones(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for name, wanted in condition.items():
        places = [functions[name].levels.index(level) for level in wanted]
        here = np.isin(values[name], places)
        holds, fails = holds & here, fails | (~here & (values[name] != MISSING))
    return holds, fails


def _spread(values: np.ndarray, own: Sequence[str], bases: Sequence[str]) -> np.ndarray:
    """Values with an axis of length 1 for each base that they do not depend on."""
    sizes = iter(values.shape)
    return values.reshape([next(sizes) if base in own else 1 for base in bases])


def _require_few(sizes: Sequence[int], what: str) -> None:
    if prod(sizes) > MOST_STATES:
        raise EstimationError(
            f"{what}: what is counted depends on {prod(sizes):,} combinations of values, and at most {MOST_STATES:,} are gone through to "
            "see which numbers follow from others. Use rules with fewer variables, or fewer bounds."
        )
