"""Patients followed for an endpoint, counted on public days and marks: events on the days, leavers without one between the marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskset_common.release.counted import (
    Ceiling,
    Counted,
    CountedArray,
    Identity,
    Level,
    OwnNumbers,
    Running,
    Total,
)
from riskset_common.release.facts import endpoints_of, origin_of
from riskset_common.study.patients import MISSING, EndpointTimes, Integers, Patients
from riskset_common.study.study import Study, cross
from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.arrays.shapes import IntArray


@dataclass(frozen=True)
class Cohort:
    """Patients of an analysis: chosen by conditions, of whom the variables and the endpoint are known.

    Attributes
    ----------
    population
        Its name in the plan, if any.
    where
        Further conditions: variables and the levels of which one must be met.
    complete
        Variables that must be known.
    """

    population: str | None = None
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    complete: tuple[str, ...] = ()

    def of(self, patients: Patients, study: Study, endpoint: str | None) -> Patients:
        """These of a site's patients."""

        def choose() -> Patients:
            chosen = study.chosen(
                patients, self.population, {name: list(levels) for name, levels in self.where}
            )
            return patients.rows(chosen & patients.complete(self.complete, endpoint))

        return patients.keep((self, endpoint), choose)


LEAST_EVENTS, LEAST_LEAVERS = 3, 7
"""No site says a smaller ceiling, so that one of an origin with few patients tells nothing of them."""


@dataclass(frozen=True)
class EventsOnADay(Ceiling):
    """The most events of an endpoint of an origin on one day, but at least `LEAST_EVENTS`: the bound on ties."""

    origin: str

    def __str__(self) -> str:
        return f"the most events on a day after {self.origin}"

    def of(self, patients: Patients, study: Study) -> int:
        """Over all patients, days and endpoints of this site."""
        found = LEAST_EVENTS
        for times in _all_times(patients, study, self.origin):
            found = max(found, _most(times.time[(times.event > 0) & (times.time != MISSING)]))
        return found


@dataclass(frozen=True)
class LeaversBetween(Ceiling):
    """The most patients whose time to an endpoint of an origin ends between two marks, but at least `LEAST_LEAVERS`.

    Those after the last mark do not count: many may be left.
    """

    origin: str
    marks: tuple[int, ...]

    def __str__(self) -> str:
        return f"the most who leave between two of {len(self.marks)} marks after {self.origin}"

    def of(self, patients: Patients, study: Study) -> int:
        """Over all patients, gaps between marks and endpoints of this site."""
        found = LEAST_LEAVERS
        for times in _all_times(patients, study, self.origin):
            gap = np.searchsorted(self.marks, times.time[times.time != MISSING], side="right")
            found = max(found, _most(gap[gap < len(self.marks)]))
        return found


def _all_times(patients: Patients, study: Study, origin: str) -> Iterator[EndpointTimes]:
    """Of all patients, for each endpoint of an origin."""
    for name in endpoints_of(study, origin):
        yield patients.endpoints[name]


def _most(places: Integers) -> int:
    """How often the most frequent number comes."""
    return int(np.max(np.bincount(places), initial=0))


@dataclass(frozen=True)
class LeavingTimes(Counted):
    """Events and leavers of a cohort by group. The last row of groups holds patients of whom the group is not known.

    At mark j the patients at risk are those whose time is `marks[j]` or later: all who came, less the events on earlier days, less
    the leavers of earlier columns of `left` and of column j. An event precedes a leaver of the same step.

    Attributes
    ----------
    endpoint
        The endpoint that is followed.
    kinds
        Events that are told apart, in order, all others being one more kind if there are others; empty if any event is the event.
    censors
        Whether the others are censorings (a cause-specific analysis) and no kind of their own.
    cohort
        The patients.
    by
        The variables whose combinations of levels are the groups.
    days
        Steps on which there may be events, ascending: the day set of the origin.
    marks
        Steps at which numbers at risk are known, ascending; they hold the days.
    left_truncated
        Whether patients come under observation after the origin.
    """

    endpoint: str
    kinds: tuple[str, ...]
    censors: bool
    cohort: Cohort
    by: tuple[str, ...]
    days: tuple[int, ...]
    marks: tuple[int, ...]
    left_truncated: bool = False

    def __str__(self) -> str:
        among = self.cohort.population or "all patients"
        groups = f" by {', '.join(self.by)}" if self.by else ""
        return f"times to {self.endpoint}{groups}, {among}"

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Worked out once: days and marks are many, and a program looks its counts up often."""
        return hash(
            (self.endpoint, self.kinds, self.censors, self.cohort, self.by, self.days, self.marks)
        )

    def n_kinds(self, study: Study) -> int:
        """Kinds of event that are told apart."""
        others = set(study.endpoint(self.endpoint).events) - set(self.kinds)
        return max(len(self.kinds) + bool(others and not self.censors and self.kinds), 1)

    def n_rows(self, study: Study) -> int:
        """Groups, and the patients of whom the group is not known; one row without groups."""
        groups = int(np.prod([len(study.levels(name)) for name in self.by], dtype=np.int64))
        return groups + 1 if self.by else 1

    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        """`events` (kinds, rows, days), `left` and, under left truncation, `entered` (rows, marks + 1), and `patients` (rows,)."""
        rows, origin = self.n_rows(study), origin_of(study, self.endpoint)
        between = (rows, len(self.marks) + 1)
        days = (self.n_kinds(study), rows, len(self.days))
        found = {
            "events": CountedArray(days, ceiling=EventsOnADay(origin)),
            "left": CountedArray(
                between, ceiling=LeaversBetween(origin, self.marks), but_for_the_last=True
            ),
            "patients": CountedArray((rows,)),
        }
        if not self.left_truncated:
            return found
        more = {"entered": CountedArray(between), "staying": CountedArray((rows, len(self.marks)))}
        return found | more

    def levels(self, study: Study) -> Iterator[Level]:
        """Under left truncation, who stays after the events of a mark: else a site could count leavers before they entered."""
        del study
        if self.left_truncated:
            columns = tuple(range(1, len(self.marks) + 1))
            on_days = np.searchsorted(np.asarray(self.days), np.asarray(self.marks), side="right")
            events = Running("events", (0,), tuple(on_days.tolist()), -1)
            came, gone = Running("entered", (), columns, 1), Running("left", (), columns, -1)
            yield Level("staying", (came, gone, events))

    def identities(self, study: Study) -> Iterator[Identity]:
        """In each row those who leave are those who are there, and so are those who enter."""
        del study
        left = (("events", (0, 2)), ("left", (1,)))
        yield Identity(left, (("patients", ()),))
        if self.left_truncated:
            yield Identity((("entered", (1,)),), (("patients", ()),))

    def totals(self, study: Study) -> Iterator[Total]:
        """The patients of the cohort, their events by day, their leavers and entries by mark: the same in every split by groups."""
        del study
        followed = (self.endpoint, self.cohort)
        yield Total(("patients", *followed), "patients", (0,))
        # Events that are censorings here are events in another analysis, so that these sums belong to the kinds.
        censored = self.kinds if self.censors else ()
        yield Total(("events", *followed, self.days, censored), "events", (0, 1))
        yield Total(("left", *followed, self.marks, censored), "left", (0,))
        if self.left_truncated:
            yield Total(("entered", *followed, self.marks), "entered", (0,))

    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        """This site's counts."""
        _, times, row = self.grouped(patients, study)
        kind, rows = times.event, self.n_rows(study)
        marks, n_columns = np.asarray(self.marks, dtype=np.int64), len(self.marks) + 1
        column = np.searchsorted(marks, times.time, side="right")
        had = kind > 0
        found = {
            "events": self._events(times, kind, row, study),
            "left": _count(row[~had] * n_columns + column[~had], (rows, n_columns)),
            "patients": _count(row, (rows,)),
        }
        if self.left_truncated:
            entry = times.entry if times.entry is not None else np.zeros_like(times.time)
            # Who enters at a step is at risk from the next one on: at the first mark that lies after the step.
            came = np.searchsorted(marks, entry, side="right")
            found["entered"] = _count(row * n_columns + came, (rows, n_columns))
            there = np.cumsum(found["entered"] - found["left"], axis=1)[:, :-1]
            happened = np.cumsum(_with_none(found["events"].sum(axis=0)), axis=1)
            found["staying"] = there - happened[:, np.searchsorted(self.days, marks, side="right")]
        return found

    def grouped(self, patients: Patients, study: Study) -> tuple[Patients, EndpointTimes, Integers]:
        """This site's patients, their times with the kinds that are told apart (0 is censored), and their rows, shape (n,)."""
        chosen = self.cohort.of(patients, study, self.endpoint)
        times = chosen.endpoints[self.endpoint]
        kinds = EndpointTimes(times.time, self._kind(chosen, study), times.entry)
        return chosen, kinds, self._row(chosen, study)

    def _kind(self, patients: Patients, study: Study) -> Integers:
        event = patients.endpoints[self.endpoint].event
        if not self.kinds:
            return np.minimum(event, 1)
        known = {name: code for code, name in enumerate(self.kinds, start=1)}
        other = 0 if self.censors else len(self.kinds) + 1
        codes = [0, *(known.get(name, other) for name in study.endpoint(self.endpoint).events)]
        return np.array(codes, dtype=np.int64)[event]

    def _row(self, patients: Patients, study: Study) -> Integers:
        sizes = [len(study.levels(name)) for name in self.by]
        code = cross((patients.categories[name] for name in self.by), sizes, patients.n)
        return np.where(code == MISSING, self.n_rows(study) - 1, code)

    def _events(
        self, times: EndpointTimes, kind: Integers, row: Integers, study: Study
    ) -> IntArray:
        """Events by kind, row and day."""
        shape = (self.n_kinds(study), self.n_rows(study), len(self.days))
        days, had = np.asarray(self.days, dtype=np.int64), kind > 0
        day = np.searchsorted(days, times.time[had])
        return _count(((kind[had] - 1) * shape[1] + row[had]) * shape[2] + day, shape)


def at_risk(
    calculator: Calculator, counts: Mapping[str, Numbers], counted: LeavingTimes
) -> Numbers:
    """Patients at risk at each mark, shape (rows, marks): those with entry < mark <= time."""
    happened = counts["events"].total(axis=0)
    marks, days = np.asarray(counted.marks), np.asarray(counted.days)
    before = np.searchsorted(days, marks, side="left")
    none = calculator.whole(np.zeros((happened.shape[0], 1), dtype=np.int64))
    if counted.left_truncated:
        after = np.searchsorted(days, marks, side="right")
        on_the_mark = np.where(after > before, after, 0)
        return counts["staying"] + calculator.joined([none, happened])[:, on_the_mark]
    gone = calculator.joined([none, happened.running_total()])[:, before]
    left = counts["left"].running_total()[:, : len(marks)]
    return counts["patients"].reshape(-1, 1) - gone - left


def _with_none(events: IntArray) -> IntArray:
    """The events after a column of none."""
    return np.pad(events, ((0, 0), (1, 0)))


def _count(cells: Integers, shape: tuple[int, ...]) -> IntArray:
    size = int(np.prod(shape, dtype=np.int64))
    return np.bincount(cells, minlength=size).astype(np.int64).reshape(shape)
