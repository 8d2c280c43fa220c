"""Counts that may be shown, by what they count: one count has one verdict in the whole plan."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Literal, TypeAlias

from riskset_common.release.times import Cohort
from riskset_common.results.shown import Shown
from riskset_common.study.study import Study

Levels: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""Conditions: variables, and the levels of which a patient has one."""

Least: TypeAlias = Literal["minimum_cell", "minimum_at_risk"]
"""A floor of the plan, by name."""

UNKNOWN: Final = "?"
"""The level of a condition that stands for a missing value; no level of a codebook is called so."""
KNOWN: Final = "*"
"""The level of a condition that stands for any value of a number or a date."""
NO_EVENT: Final = "-"
"""The kind of event of patients who are followed and have none."""


@dataclass(frozen=True, order=True)
class Cell:
    """A count of patients. It is made by the functions of this module, which bring the same conditions into the same form.

    Attributes
    ----------
    conditions
        Variables and the levels of which a patient has one, in the order of their names; UNKNOWN stands for a missing value, KNOWN
        for any other of a number or date.
    followed
        The endpoint that the patients are followed for, if the count is of those in whom it is known, else empty.
    events
        Kinds of event of that endpoint that are counted, NO_EVENT for those without one; empty where patients are.
    without
        Conditions which the patients do not all meet, each as those of `conditions`; the name of an endpoint stands for its being known.
        Empty where there are none.
    """

    conditions: Levels
    followed: str = ""
    events: tuple[str, ...] = ()
    without: Levels = ()


NOBODY: Final = Cell((("site", ()),))
"""The cell of nobody: patients of none of the sites."""


@dataclass(frozen=True)
class Counts:
    """A count that an analysis would show, and how large it must be.

    Attributes
    ----------
    cell
        What is counted.
    least
        By name the floor below which it is small: `minimum_cell`, or `minimum_at_risk` where more than the number itself is shown of
        these patients.
    total
        The key of the sum (`release/counted.py`) by which a split of the same patients says how many there are; None if none does.
    """

    cell: Cell
    least: Least = "minimum_cell"
    total: Hashable = None


Verdicts: TypeAlias = Mapping[Cell, Shown[int]]
"""Of every cell of the plan: its count, or the rule that holds it back with its reason."""


def patients_cell(
    study: Study, cohort: Cohort, endpoint: str | None = None, levels: Levels = ()
) -> Cell:
    """The patients of a cohort who have these levels; those in whom the endpoint is known, if there is one."""
    conditions = _chosen(study, cohort)
    for name, wanted in (*((name, _known(study, name)) for name in cohort.complete), *levels):
        _add(conditions, name, wanted)
    return Cell(_in_order(study, conditions), endpoint or "")


def events_cell(
    study: Study, cohort: Cohort, endpoint: str, kinds: Sequence[str] = (), levels: Levels = ()
) -> Cell:
    """Of these patients those with one of these kinds of event, of any if none is named; NO_EVENT are those without."""
    listed = study.endpoint(endpoint).events
    wanted = set(kinds or listed)
    kinds = tuple(kind for kind in (*listed, NO_EVENT) if kind in wanted)
    return replace(patients_cell(study, cohort, endpoint, levels), events=kinds)


def missing_cell(
    study: Study, cohort: Cohort, endpoint: str | None = None, by: Sequence[str] = ()
) -> Cell:
    """The patients chosen by a cohort's conditions who are no complete case: a variable, a group or the endpoint is not known."""
    wanted = {name: _known(study, name) for name in (*cohort.complete, *by)}
    if endpoint is not None:
        wanted[endpoint] = (KNOWN,)
    if not wanted:
        return NOBODY
    return Cell(_in_order(study, _chosen(study, cohort)), without=tuple(sorted(wanted.items())))


def groups(study: Study, by: Sequence[str]) -> Iterator[Levels]:
    """The levels of each combination, the first variable varying slowest; one without levels if there is no variable."""
    for levels in product(*(study.levels(name) for name in by)):
        yield tuple((name, (level,)) for name, level in zip(by, levels, strict=True))


def level_groups(study: Study, variable: str) -> Iterator[Levels]:
    """The levels of a variable, and last those in whom it is not known."""
    for level in (*study.levels(variable), UNKNOWN):
        yield ((variable, (level,)),)


def group_cells(
    study: Study, cohort: Cohort, endpoint: str, by: Sequence[str], kinds: Sequence[str] = ()
) -> list[tuple[Cell, Cell]]:
    """Patients followed and those of them with an event, by group in the order of `groups`."""
    return [
        (
            patients_cell(study, cohort, endpoint, levels),
            events_cell(study, cohort, endpoint, kinds, levels),
        )
        for levels in groups(study, by)
    ]


def unknown_cells(
    study: Study, cohort: Cohort, endpoint: str, by: Sequence[str], kinds: Sequence[str] = ()
) -> tuple[Cell, Cell]:
    """Patients followed of whom the group is not known, and those of them with an event."""
    if len(by) == 1:
        levels = ((by[0], (UNKNOWN,)),)
        return (
            patients_cell(study, cohort, endpoint, levels),
            events_cell(study, cohort, endpoint, kinds, levels),
        )
    without = tuple(sorted((name, _known(study, name)) for name in by))
    return (
        replace(patients_cell(study, cohort, endpoint), without=without),
        replace(events_cell(study, cohort, endpoint, kinds), without=without),
    )


def level_cells(
    study: Study, cohort: Cohort, endpoint: str, variable: str, kinds: Sequence[str] = ()
) -> list[tuple[Cell, Cell]]:
    """The same by the levels of one variable, those in whom it is not known last."""
    return [
        (
            patients_cell(study, cohort, endpoint, levels),
            events_cell(study, cohort, endpoint, kinds, levels),
        )
        for levels in level_groups(study, variable)
    ]


def followed_counts(
    study: Study, cohort: Cohort, endpoint: str, by: Sequence[str], kinds: Sequence[str] = ()
) -> Iterator[Counts]:
    """What an analysis of an endpoint shows: patients, events and those without by group, all of them, and who is missing."""
    known = tuple((name, tuple(study.levels(name))) for name in by)
    yield Counts(missing_cell(study, cohort, endpoint, by))
    if by:
        yield from (Counts(cell) for cell in unknown_cells(study, cohort, endpoint, by, kinds))
    everybody = patients_cell(study, cohort, endpoint)
    yield Counts(everybody, "minimum_at_risk", ("patients", endpoint, cohort))
    others = set(study.endpoint(endpoint).events) - set(kinds) if kinds else set()
    for levels in dict.fromkeys((known, *groups(study, by))):
        yield Counts(patients_cell(study, cohort, endpoint, levels), "minimum_at_risk")
        yield Counts(events_cell(study, cohort, endpoint, kinds, levels))
        yield Counts(events_cell(study, cohort, endpoint, (*others, NO_EVENT), levels))


def _chosen(study: Study, cohort: Cohort) -> dict[str, tuple[str, ...]]:
    conditions: dict[str, tuple[str, ...]] = {}
    population = cohort.population
    chosen = {} if population is None else study.plan.populations[population].where
    for name, levels in (*chosen.items(), *cohort.where):
        _add(conditions, name, tuple(levels))
    return conditions


def _add(conditions: dict[str, tuple[str, ...]], name: str, levels: tuple[str, ...]) -> None:
    """One condition more; of two on one variable the levels that both allow."""
    before = conditions.get(name)
    conditions[name] = (
        levels if before is None else tuple(level for level in before if level in levels)
    )


def _known(study: Study, name: str) -> tuple[str, ...]:
    """Every level of a category; KNOWN of a number or date."""
    is_category = name in ("site", "study_group") or study.codebook.levels(name) is not None
    return tuple(study.levels(name)) if is_category else (KNOWN,)


def _in_order(study: Study, conditions: Mapping[str, tuple[str, ...]]) -> Levels:
    """Conditions by name, levels in the order of the codebook; without what everybody meets."""
    found = []
    for name, wanted in sorted(conditions.items()):
        listed = (*_known(study, name), UNKNOWN)
        levels = tuple(level for level in listed if level in wanted)
        if levels != listed:
            found.append((name, levels))
    return tuple(found)
