"""The groups of an analysis of curves: who has a curve, and of whom no few events may be told at its times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.release.cells import (
    Cell,
    group_cells,
    groups,
    missing_cell,
    patients_cell,
    unknown_cells,
)
from riskset_common.release.cells import events_cell as cell_of_events
from riskset_common.release.floors import Floors
from riskset_common.release.given import Given
from riskset_common.release.times import LeavingTimes
from riskset_common.results.shown import Shown, Withheld
from riskset_common.survival.arrays.calculator import Numbers


@dataclass(frozen=True)
class Group:
    """A group that holds patients, as far as may be known.

    Attributes
    ----------
    row
        Its row of the counts.
    level
        The levels of the variables.
    n, events
        Its patients and their events of any kind.
    of_kind
        The events of each kind that is told apart, in order; none where any event is the event.
    """

    row: int
    level: Mapping[str, str]
    n: Shown[int]
    events: Shown[int]
    of_kind: tuple[Shown[int], ...]

    @property
    def is_held(self) -> bool:
        """Whether a number of its events is not shown."""
        return any(isinstance(events, Withheld) for events in (self.events, *self.of_kind))


@dataclass(frozen=True)
class People:
    """The groups of an analysis.

    Attributes
    ----------
    n, events, missing
        Patients of all groups, their events, and patients who were left out.
    groups
        Those that hold patients.
    empty
        The levels of those that are known to hold none.
    curves
        Which of the groups have a curve.
    rest
        Rows of the patients without a curve: unless they are known to have no event, they are one more group that is protected.
    is_rest_held
        Whether a number of their events is not shown.
    """

    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    groups: tuple[Group, ...]
    empty: tuple[Mapping[str, str], ...]
    curves: tuple[Group, ...]
    rest: tuple[int, ...]
    is_rest_held: bool

    def mark(self, group: Group, floors: Floors) -> Withheld:
        """Why a group has no curve."""
        return group.n if isinstance(group.n, Withheld) else floors.few


def people_of(given: Given, counted: LeavingTimes, floors: Floors) -> People:
    """The groups of an analysis by the verdicts of the plan's counts."""
    study, cells = given.study, given.cells
    where = (study, counted.cohort, counted.endpoint, counted.by)
    kinds = counted.kinds if counted.censors else ()
    found = _groups(given, counted)
    held = tuple(group for group in found if group.n != 0)
    curves = tuple(group for group in held if isinstance(group.n, int) and group.n >= floors.fewest)
    known = tuple((name, tuple(study.levels(name))) for name in counted.by)
    everyone = patients_cell(study, counted.cohort, counted.endpoint, known)
    events = cell_of_events(study, counted.cohort, counted.endpoint, kinds, known)
    unknown, their_events = _unknown(given, counted, kinds)
    without = [group for group in held if group not in curves]
    return People(
        cells[everyone],
        cells[events],
        cells[missing_cell(*where)],
        groups=held,
        empty=tuple(group.level for group in found if group.n == 0),
        curves=curves,
        rest=(
            *(group.row for group in without if group.events != 0),
            *((len(found),) if unknown != 0 and their_events != 0 else ()),
        ),
        is_rest_held=isinstance(their_events, Withheld) or any(each.is_held for each in without),
    )


def _groups(given: Given, counted: LeavingTimes) -> list[Group]:
    """All groups, also those that hold nobody."""
    where = (given.study, counted.cohort, counted.endpoint, counted.by)
    of_all = group_cells(*where, counted.kinds if counted.censors else ())
    told = () if counted.censors else counted.kinds
    of_kind = [group_cells(*where, (kind,)) for kind in told]
    return [
        Group(
            row,
            {name: level for name, (level,) in levels},
            given.cells[patients],
            given.cells[events],
            tuple(given.cells[each[row][1]] for each in of_kind),
        )
        for row, (levels, (patients, events)) in enumerate(
            zip(groups(given.study, counted.by), of_all, strict=True)
        )
    ]


def _unknown(
    given: Given, counted: LeavingTimes, kinds: Sequence[str]
) -> tuple[Shown[int], Shown[int]]:
    """Patients of whom the group is not known, and their events."""
    if not counted.by:
        return 0, 0
    where = (given.study, counted.cohort, counted.endpoint, counted.by)
    patients, events = (given.cells[cell] for cell in unknown_cells(*where, kinds))
    return patients, events


@dataclass(frozen=True)
class Pick:
    """Events that are looked at.

    Attributes
    ----------
    events
        Makes them, by row and day, of events by kind, row and day.
    total
        How many a group has, as far as it is shown.
    """

    events: Callable[[Numbers], Numbers]
    total: Callable[[Group], Shown[int]]


def any_event(events: Numbers) -> Numbers:
    """Events of any kind by row and day."""
    return events.total(axis=0)


ANY = Pick(any_event, lambda group: group.events)


@dataclass(frozen=True, eq=False)
class Row:
    """Events by day of some who are protected.

    Attributes
    ----------
    events
        Shape (n_days,).
    is_held
        Whether their number is not shown.
    may_be_0
        Whether they may have none in an interval in which the day set has some: who is left between several groups gives no day of the
        interval to one of them.
    """

    events: Numbers
    is_held: bool
    may_be_0: bool = False


def kind_and_others(kind: int, n_kinds: int) -> tuple[Pick, ...]:
    """The events of a kind, and those of all others if there are others."""
    of_kind = Pick(lambda events: events[kind], lambda group: group.of_kind[kind])
    if n_kinds == 1:
        return (of_kind,)
    return of_kind, Pick(lambda events: events.total(axis=0) - events[kind], _others(kind))


def _others(kind: int) -> Callable[[Group], Shown[int]]:
    def others(group: Group) -> Shown[int]:
        events, of_kind = group.events, group.of_kind[kind]
        if isinstance(events, Withheld):
            return events
        return of_kind if isinstance(of_kind, Withheld) else events - of_kind

    return others


def protected(given: Given, counted: LeavingTimes, people: People, pick: Pick) -> Iterator[Row]:
    """Events of all who are protected.

    They are the groups with a curve, the patients without one together, and for each group those of a wider cohort of the plan who
    are not in it: times at which both are released would tell of the difference. Who is shown to have no such event at all needs no
    protection: that no day is theirs is told.
    """
    events = pick.events(given.data[counted]["events"])
    watched = [group for group in people.curves if pick.total(group) != 0]
    for group in watched:
        yield Row(events[group.row], group.is_held)
    if people.rest:
        rest = events[np.array(people.rest)].total(axis=0)
        yield Row(rest, people.is_rest_held, may_be_0=len(watched) > 1)
    done = set[tuple[Cell, Cell]]()
    for row, cell, own in _curves_of(given, counted):
        for other in given.data:
            if not (isinstance(other, LeavingTimes) and _counts_alike(other, counted)):
                continue
            for wider_row, wider, all_of_them in _curves_of(given, other):
                if (cell, wider) in done or all_of_them == own or not _is_part(cell, wider):
                    continue
                done.add((cell, wider))
                theirs = pick.events(given.data[other]["events"])[wider_row]
                held = isinstance(own, Withheld) or isinstance(all_of_them, Withheld)
                yield Row(theirs - events[row], held)


def _counts_alike(other: LeavingTimes, counted: LeavingTimes) -> bool:
    """Whether two are about the same events on the same days."""
    mine, theirs = (
        (each.endpoint, each.kinds, each.censors, each.days) for each in (counted, other)
    )
    return other != counted and mine == theirs


def _curves_of(
    given: Given, counted: LeavingTimes
) -> Iterator[tuple[int, Cell, Shown[int] | None]]:
    """The rows whose curve an analysis may show, with their patients, and their events as far as they are shown."""
    kinds = counted.kinds if counted.censors else ()
    cells = group_cells(given.study, counted.cohort, counted.endpoint, counted.by, kinds)
    for row, (patients, events) in enumerate(cells):
        # What no analysis shows has no verdict; and of nobody there is nothing to tell.
        if given.cells.get(patients, 0) != 0 and events in given.cells:
            yield row, patients, given.cells[events]


def _is_part(cell: Cell, wider: Cell) -> bool:
    """Whether all patients of a cell are of another by their conditions, and not the other way round."""
    narrow = dict(cell.conditions)
    return cell.conditions != wider.conditions and all(
        name in narrow and set(narrow[name]) <= set(levels) for name, levels in wider.conditions
    )
