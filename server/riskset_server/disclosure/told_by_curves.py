"""Whether the released curves of a plan, all together, tell of fewer than k patients with an event in some time, or of a group on a day.

For each endpoint, every group that is followed has hidden counts: events of each kind, and leavers without one, between all times that
results name. What is known of them: what is shown; that groups and those of whom the group is not known add up to all; that events fall
on the days that are public; and that patients of a part are patients of the whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from riskset_common.release.cells import Cell
from riskset_common.release.facts import DaySet, origin_of
from riskset_common.release.release_times import times_on
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.study import Study
from riskset_server.disclosure.released_curves import Row, Rows, rows_of
from riskset_server.disclosure.solver import Sum, System, Told, told

LEFT = "left"
"""The name of leavers without an event, among the kinds of event."""


@dataclass(frozen=True)
class Events:
    """A hidden sum, for whoever reads what is told: events of some kinds, of whom, after one time and up to another."""

    analysis: str
    cell: Cell
    kinds: tuple[str, ...]
    after: float
    until: float


@dataclass(frozen=True)
class Spans:
    """The time after an origin, cut at every time that results name.

    Attributes
    ----------
    bounds
        Steps at which a span begins, ascending from 0.
    has_days
        Whether there may be an event in each span.
    """

    bounds: tuple[int, ...]
    has_days: tuple[bool, ...]

    def before(self, step: int) -> range:
        """The spans before a step that is a bound."""
        return range(bisect_left(self.bounds, step))


def told_by_curves(
    study: Study,
    days: Mapping[str, DaySet],
    results: Mapping[str, ReleasedResult],
    patients: int,
    *,
    whole: bool = True,
) -> Iterator[Told]:
    """What is told by curves that must not be: numbers of events from 1 to k - 1.

    Parameters
    ----------
    patients
        A number above that of all.
    whole
        As in `solver.told`.
    """
    found = [
        rows
        for name, result in results.items()
        for rows in rows_of(study, study.plan.analysis(name), result)
    ]
    for endpoint in dict.fromkeys(rows.endpoint for rows in found):
        of = [rows for rows in found if rows.endpoint == endpoint]
        system, hidden = _Endpoint(study, days[origin_of(study, endpoint)], endpoint, of).system(
            patients
        )
        yield from told(system, hidden, study.plan.disclosure.minimum_cell, whole=whole)


class _Endpoint:
    """All curves of one endpoint."""

    def __init__(self, study: Study, days: DaySet, endpoint: str, found: Sequence[Rows]) -> None:
        self._grid, self._found = study.grid, found
        every = study.endpoint(endpoint).events
        self._part_of = _parted(every, [kinds for _, row in self._rows() for kinds in row.kinds])
        self._kinds = tuple(dict.fromkeys(self._part_of.values()))
        times = {each.time for _, row in self._rows() for each in row.counted}
        times |= {each.time for _, row in self._rows() for each in row.at_risk}
        times |= {time for _, row in self._rows() for time in row.times}
        self._times = times_on(self._grid, times)
        bounds = sorted({0, *(step + 1 for step in self._times.until), *self._times.since})
        last = [*bounds[1:], days.n_steps + 1]
        has_days = tuple(
            any(begin <= day < end for day in days.steps)
            for begin, end in zip(bounds, last, strict=True)
        )
        self._spans = Spans(tuple(bounds), has_days)

    def _rows(self) -> Iterator[tuple[Rows, Row]]:
        return ((rows, row) for rows in self._found for row in rows.rows)

    def system(self, patients: int) -> tuple[System, dict[Hashable, Sum]]:
        """What is known, and the sums that must not be told."""
        system = System(patients)
        for rows in self._found:
            self._add_up(system, rows)
            for row in rows.rows:
                self._know(system, row)
        cells = dict.fromkeys(
            cell
            for rows in self._found
            for cell in (rows.everybody, *(row.cell for row in rows.rows))
        )
        for part in cells:
            for whole in cells:
                if part != whole and _is_part(part, whole):
                    self._within(system, part, whole)
        return system, dict(self._hidden())

    def _each(self) -> Iterator[tuple[str, int]]:
        """Kinds of event, and leavers, by span; without events where there can be none."""
        for span, may_have in enumerate(self._spans.has_days):
            yield from ((kind, span) for kind in self._kinds if may_have)
            yield LEFT, span

    def _add_up(self, system: System, rows: Rows) -> None:
        for kind, span in self._each():
            total: dict[Hashable, int] = {(rows.everybody, kind, span): -1}
            for row in rows.rows:
                name = (row.cell, kind, span)
                total[name] = total.get(name, 0) + 1
            if any(total.values()):
                system.know(total, 0, 0)

    def _within(self, system: System, part: Cell, whole: Cell) -> None:
        for kind, span in self._each():
            system.know({(whole, kind, span): 1, (part, kind, span): -1}, 0, system.largest)

    def _know(self, system: System, row: Row) -> None:
        if row.n is not None:
            system.know({(row.cell, kind, span): 1 for kind, span in self._each()}, row.n, row.n)
        for kinds, events in zip(row.kinds, row.events, strict=True):
            if events is not None:
                of = self._events(row.cell, kinds or self._kinds, range(len(self._spans.bounds)))
                system.know(of or {(row.cell, LEFT, 0): 0}, events, events)
        for each in row.counted:
            until = self._times.until[self._times.place(each.time)] + 1
            of = self._events(row.cell, each.kinds, self._spans.before(until))
            system.know(of or {(row.cell, LEFT, 0): 0}, each.events, each.events)
        for at in row.at_risk:
            since = self._times.since[self._times.place(at.time)]
            gone = self._spans.before(since)
            still: dict[Hashable, int] = {
                (row.cell, kind, span): 1 for kind, span in self._each() if span not in gone
            }
            system.know(still, at.least, at.most)

    def _events(
        self, cell: Cell, kinds: Iterable[str], spans: Iterable[int]
    ) -> dict[Hashable, int]:
        parts = dict.fromkeys(self._part_of.get(kind, kind) for kind in kinds)
        return {
            (cell, part, span): 1 for part in parts for span in spans if self._spans.has_days[span]
        }

    def _hidden(self) -> Iterator[tuple[Events, Sum]]:
        """Events of each group between neighbouring times that results name, up to each of them, and after each of them."""
        ends = [step + 1 for step in self._times.until]
        for rows, row in self._rows():
            for kinds in dict.fromkeys((self._kinds, *row.kinds)):
                for begin, end in _periods(len(ends)):
                    spans = range(
                        0 if begin < 0 else len(self._spans.before(ends[begin])),
                        len(self._spans.bounds)
                        if end == len(ends)
                        else len(self._spans.before(ends[end])),
                    )
                    of = self._events(row.cell, kinds or self._kinds, spans)
                    if of:
                        after = 0.0 if begin < 0 else self._times.time[begin]
                        until = float("inf") if end == len(ends) else self._times.time[end]
                        yield (
                            Events(rows.analysis, row.cell, kinds or self._kinds, after, until),
                            of,
                        )


def _periods(n: int) -> Iterator[tuple[int, int]]:
    """Neighbouring times, from the begin (-1) to each, and from each to the end (n)."""
    yield from ((place - 1, place) for place in range(n + 1))
    yield from ((-1, place) for place in range(1, n + 1))
    yield from ((place, n) for place in range(n - 1))


def _parted(every: Sequence[str], asked: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """Kinds of event that no row tells apart bear the name of the first of them."""
    first: dict[tuple[bool, ...], str] = {}
    return {kind: first.setdefault(tuple(kind in kinds for kinds in asked), kind) for kind in every}


def _is_part(part: Cell, whole: Cell) -> bool:
    """Whether the patients of one cell are among those of another, by their conditions alone."""
    if (part.followed, part.events) != (whole.followed, whole.events) or whole.without:
        return False
    wanted = dict(part.conditions)
    return all(set(wanted.get(name, ("",))) <= set(levels) for name, levels in whole.conditions)
