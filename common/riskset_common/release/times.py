"""Patients followed for an endpoint, counted on public days and marks: events on the days, leavers without one between the marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from riskset_common.release.counted import Counted, CountedArray, Identity, OwnNumbers, Total
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
        rows = self.n_rows(study)
        between = CountedArray((rows, len(self.marks) + 1))
        found = {
            "events": CountedArray((self.n_kinds(study), rows, len(self.days))),
            "left": between,
            "patients": CountedArray((rows,)),
        }
        return found | {"entered": between} if self.left_truncated else found

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
    gone = calculator.joined([none, happened.running_total()])[:, before]
    left = counts["left"].running_total()[:, : len(marks)]
    if counted.left_truncated:
        come = counts["entered"].running_total()[:, : len(marks)]
        return come - gone - left
    return counts["patients"].reshape(-1, 1) - gone - left


def _count(cells: Integers, shape: tuple[int, ...]) -> IntArray:
    size = int(np.prod(shape, dtype=np.int64))
    return np.bincount(cells, minlength=size).astype(np.int64).reshape(shape)
