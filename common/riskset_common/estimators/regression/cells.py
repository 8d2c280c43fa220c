"""Patients and events behind each level of a Cox model's terms, and behind each cell of its interactions.

A coefficient that rests on few patients can be read back to them, so a release has to know these numbers. A number may be a factor in
disguise: one that is coded with two whole numbers. Which values a number has at a site must not show, so patients are counted at a few
fixed codes and at all other values; only where the pool has two codes and nothing else are these taken for levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskset_common.estimators.regression.terms import Term, levels_of
from riskset_common.study.patients import Bools, Integers, Patients
from riskset_common.study.study import Study, cross

CODES = (-1, 0, 1, 2)
"""Values of a number at which patients are counted one by one; all other values are one more cell."""


@dataclass(frozen=True)
class Cells:
    """A term, or a pair of terms that interact, and the names of what it is counted by.

    Attributes
    ----------
    terms
        One term, or two.
    names
        Levels of a factor, or codes of a number and None for other values, for each of `terms`.
    """

    terms: tuple[Term, ...]
    names: tuple[tuple[str | None, ...], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cells of each term."""
        return tuple(len(names) for names in self.names)

    @property
    def term(self) -> str:
        """Name of the term, as `Column.term` has it."""
        return ":".join(term.name for term in self.terms)


def cells_of(
    terms: Sequence[Term], interactions: Sequence[Sequence[str]], study: Study
) -> list[Cells]:
    """What is counted: every term as written, then every interaction."""
    by_name = {term.name: term for term in terms}
    chosen: list[tuple[Term, ...]] = [(term,) for term in terms]
    chosen += [tuple(by_name[name] for name in names) for names in interactions]
    return [Cells(each, tuple(_names(term, study) for term in each)) for each in chosen]


def n_cells(term_cells: Sequence[Cells]) -> int:
    """How many cells there are together."""
    return sum(prod(each.sizes) for each in term_cells)


def count_cells(term_cells: Sequence[Cells], patients: Patients, event: Bools) -> NDArray[np.int64]:
    """Patients, and events, of every cell; shape (2, n_cells)."""
    counted: list[NDArray[np.int64]] = [np.zeros((2, 0), dtype=np.int64)]
    for each in term_cells:
        codes = [_codes(term, patients) for term in each.terms]
        code, size = cross(codes, each.sizes, patients.n), prod(each.sizes)
        counted.append(
            np.stack([np.bincount(code, minlength=size), np.bincount(code[event], minlength=size)])
        )
    return np.concatenate(counted, axis=1)


def named_cells(
    term_cells: Sequence[Cells], counted: NDArray[np.int64]
) -> Mapping[tuple[str, str], tuple[int, int]]:
    """Patients and events by term and level; of a number only if it has two codes and nothing else.

    A level of an interaction joins those of its terms with a colon, as `Column.level` does.
    """
    split = np.split(counted, np.cumsum([prod(each.sizes) for each in term_cells])[:-1], axis=1)
    tables = [part.reshape(2, *each.sizes) for each, part in zip(term_cells, split, strict=True)]
    shown = {
        each.term: _levels(each.terms[0], each.names[0], table[0])
        for each, table in zip(term_cells, tables, strict=True)
        if len(each.terms) == 1
    }
    named: dict[tuple[str, str], tuple[int, int]] = {}
    for each, table in zip(term_cells, tables, strict=True):
        for place in np.ndindex(*each.sizes):
            names = [names[at] for names, at in zip(each.names, place, strict=True)]
            if all(name in shown[term.name] for name, term in zip(names, each.terms, strict=True)):
                key = each.term, ":".join(str(name) for name in names)
                named[key] = (int(table[0][place]), int(table[1][place]))
    return named


def cell_contradictions(
    term_cells: Sequence[Cells], pooled: Mapping[str, NDArray[Any]]
) -> Iterator[str]:
    """The terms and interactions whose cells do not add up to all patients and events, in words."""
    totals = np.array([pooled["n"], pooled["events"]])
    if totals[1] > totals[0]:
        yield "more events than patients"
    start = 0
    for cells in term_cells:
        end = start + n_cells([cells])
        if not np.array_equal(pooled["by_level"][:, start:end].sum(axis=1), totals):
            yield f"the levels of {cells.term} do not add up to all patients and events"
        start = end


def _names(term: Term, study: Study) -> tuple[str | None, ...]:
    if term.number is None:
        return levels_of(term, study)
    return (*(str(code) for code in CODES), None)


def _codes(term: Term, patients: Patients) -> Integers:
    """Place of each patient's value among the cells of a term, shape (n,)."""
    if term.number is None:
        return patients.categories[term.name]
    value = patients.numbers[term.name]
    place = np.full(patients.n, len(CODES), dtype=np.int64)
    for index, code in enumerate(CODES):
        place[value == code] = index
    return place


def _levels(term: Term, names: Sequence[str | None], n: NDArray[Any]) -> Sequence[str | None]:
    """The cells that count as levels of a term; none of a number with other values or with more than two codes."""
    if term.number is None:
        return names
    used = [name for name, patients in zip(names, n.tolist(), strict=True) if patients]
    return used if len(used) <= 2 and None not in used else ()
