"""What must be equal in every site's own upload: sums of its arrays, each tested by one random combination.

References
----------
Schwartz JT (1980), J ACM 27:701: a combination with random weights of sums that are not all 0 is 0 with probability 1/p.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.release.counted import Counted, Identity
from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    Elements,
    add,
    inner,
    subtract,
    total,
    zeros,
)
from riskset_common.secure.blind.parties.counts.layout import Layout, Name, Part
from riskset_common.study.study import Study


@dataclass(frozen=True)
class Term:
    """An array, summed over some of its axes, added or taken off.

    With `until`, running totals along what is then its last axis: for each place, how many of its numbers are in them, ascending.
    """

    name: Name
    axes: tuple[int, ...]
    sign: int = 1
    until: tuple[int, ...] | None = None

    def shape(self, parts: Mapping[Name, Part]) -> tuple[int, ...]:
        """Of the sums."""
        whole = parts[self.name].shape
        left = tuple(size for axis, size in enumerate(whole) if axis not in self.axes)
        return left if self.until is None else (*left[:-1], len(self.until))


@dataclass(frozen=True)
class Equation:
    """Sums of arrays that together give one number, in each place of what is left of their axes."""

    terms: tuple[Term, ...]
    equals: int = 0

    def shape(self, parts: Mapping[Name, Part]) -> tuple[int, ...]:
        """Of the places.

        Raises
        ------
        ValueError
            If the sums have different shapes, or are of reals.
        """
        shapes = {term.shape(parts) for term in self.terms}
        if len(shapes) != 1 or any(parts[term.name].signed for term in self.terms):
            raise ValueError("An equation holds between sums of counts that have one shape.")
        return shapes.pop()


def one_of(name: Name) -> Equation:
    """Exactly one mark of an array is set."""
    return Equation((Term(name, (0,)),), equals=1)


def identities(place: int, counted: Counted, study: Study) -> Iterator[Equation]:
    """What holds within one thing counted."""
    for identity in counted.identities(study):
        yield _equation(place, identity)
    for level in counted.levels(study):
        running = [
            Term((place, term.array), term.axes, term.sign, term.until) for term in level.terms
        ]
        yield Equation((*running, Term((place, level.array), (), -1)))


def _equation(place: int, identity: Identity) -> Equation:
    left = [Term((place, array), axes) for array, axes in identity.left]
    right = [Term((place, array), axes, -1) for array, axes in identity.right]
    return Equation((*left, *right))


@dataclass(frozen=True)
class Shared:
    """Sums with the same key: each as thing counted, array and axes. Where one is a number of patients, it is declared."""

    terms: tuple[Term, ...]
    declared: bool


def shared_totals(counted: Sequence[Counted], study: Study) -> tuple[Shared, ...]:
    """Sums that several splits of the same patients have in common, or that are declared, in the order in which they first come."""
    found: dict[Hashable, list[Term]] = {}
    whole: dict[Hashable, bool] = {}
    for place, each in enumerate(counted):
        arrays = each.arrays(study)
        for sums in each.totals(study):
            found.setdefault(sums.key, []).append(Term((place, sums.array), sums.axes))
            whole[sums.key] = len(sums.axes) == len(arrays[sums.array].shape)
    return tuple(
        Shared(tuple(terms), whole[key])
        for key, terms in found.items()
        if whole[key] or len(terms) > 1
    )


def equal_totals(shared: Shared, declared: Name | None) -> Iterator[Equation]:
    """Each of the sums is the declared number, or the first of them."""
    first = Term(declared, (), -1) if declared is not None else _off(shared.terms[0])
    for term in shared.terms if declared is not None else shared.terms[1:]:
        yield Equation((term, first))


def _off(term: Term) -> Term:
    return Term(term.name, term.axes, -1)


class Combination:
    """One random combination of equations, as a weight of every number of an upload.

    Attributes
    ----------
    weights
        Shape (9, numbers of the layout).
    constant
        What the combination gives if all equations hold, shape (9,).
    """

    def __init__(self, layout: Layout, equations: Iterable[Equation], random: Elements) -> None:
        """`random` holds one element for each place of each equation in order, shape (9, n_places)."""
        self.weights: Elements = zeros(layout.n_numbers)
        self.constant: Elements = zeros()
        start = 0
        for equation in equations:
            shape = equation.shape(layout.parts)
            size = int(np.prod(shape, dtype=np.int64))
            u = random[:, start : start + size]
            start += size
            for term in equation.terms:
                self._add(layout, term, u.reshape(LIMBS, *shape))
            for _ in range(equation.equals):
                self.constant = add(self.constant, total(u))

    def _add(self, layout: Layout, term: Term, u: Elements) -> None:
        part, place = layout.parts[term.name], layout.number_places[term.name]
        if term.until is not None:
            u = _running(u, term.until, part.shape[-1])
        spread = np.expand_dims(u, tuple(axis + 1 for axis in sorted(term.axes)))
        weights = np.broadcast_to(spread, (LIMBS, *part.shape)).reshape(LIMBS, -1)
        with_sign = add if term.sign > 0 else subtract
        self.weights[:, place] = with_sign(self.weights[:, place], weights)

    def of(self, numbers: Elements, place: slice) -> Elements:
        """The combination of some of an upload's numbers, shape (9,)."""
        return inner(numbers, self.weights[:, place])


def n_places(layout: Layout, equations: Iterable[Equation]) -> int:
    """Places of all equations: so many random elements their combination needs."""
    return sum(int(np.prod(each.shape(layout.parts), dtype=np.int64)) for each in equations)


def _running(u: Elements, until: tuple[int, ...], n: int) -> Elements:
    """The weight of each of n numbers that are in running totals of these weights: the sum over the totals that hold it."""
    later = zeros(*u.shape[1:-1], len(until) + 1)
    for place in reversed(range(len(until))):
        later[..., place] = add(later[..., place + 1], u[..., place])
    # A number is in all totals from the first on that reaches beyond it.
    return later[..., np.searchsorted(until, np.arange(n), side="right")]
