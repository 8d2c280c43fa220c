"""The times of all curves of a plan: two analyses that tell of the same patients are released at times of one of them.

Each analysis by itself tells no few events between two of its times. But where two tell the events of the same patients (a group, the
sum of groups), the times of one may lie close to times of the other. So the analysis with fewer groups comes first, and the other takes
its times from among those. It is enough to look at the first that tells all that two have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.release.accepted import Accepted, AcceptedTimes
from riskset_common.release.cells import Cell, group_cells, unknown_cells
from riskset_common.release.curves.asks import Asks
from riskset_common.release.curves.frame import Frame, Spans, points, spans
from riskset_common.release.curves.people import ANY, People, Pick, kind_and_others
from riskset_common.release.facts import Facts, origin_of
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Program, together
from riskset_common.release.release_times import axis_times
from riskset_common.release.tables.algebra import PRIME, Algebra
from riskset_common.release.tables.relations import independent, null_space
from riskset_common.release.times import LeavingTimes
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.study import Study
from riskset_common.survival.arrays.shapes import IntArray

TimesAsks = Asks[AcceptedTimes]
SPARE_PLACES = 16
"""More places than there are counts, so that sums that are no relation are not taken for one."""


@dataclass(frozen=True)
class Wanted:
    """Curves that an analysis shows.

    Attributes
    ----------
    counted
        The patients, by groups.
    axis
        Times at which numbers at risk are told.
    at
        Times that the plan names, in its order.
    causes
        The first kinds of event, each of which has a curve; none of survival curves.
    """

    counted: LeavingTimes
    axis: tuple[float, ...]
    at: tuple[float, ...]
    causes: tuple[str, ...] = ()


def wanted(
    study: Study,
    facts: Facts,
    analysis: AnalysisSpec,
    counted: LeavingTimes,
    at: tuple[float, ...],
    causes: tuple[str, ...] = (),
) -> Wanted:
    """The curves of an analysis, numbers at risk at the times of the axes of its figures."""
    days = facts.days[origin_of(study, counted.endpoint)]
    return Wanted(counted, axis_times(study, analysis, days).time, at, causes)


def times_program(
    of_plan: Iterable[Wanted], given: Given, asks: TimesAsks | None = None
) -> Program[AcceptedTimes]:
    """The times of all curves of a plan, those first from which others are taken."""
    asks = TimesAsks() if asks is None else asks
    curves = in_order(merged(of_plan), given.study)
    frames = {each.counted: Frame.of(given, each.counted, each.axis, each.at) for each in curves}
    bases = bases_of(given, frames)
    found: dict[LeavingTimes, Accepted] = {}
    while len(found) < len(curves):
        ready = {
            f"curves {number}": each
            for number, each in enumerate(curves, start=1)
            if each.counted not in found and bases[each.counted] <= found.keys()
        }
        results = yield from together(
            {
                name: _accepted(name, each, frames, bases, found, asks)
                for name, each in ready.items()
            }
        )
        found |= {ready[name].counted: accepted for name, accepted in results.items()}
    return {each.counted: found[each.counted] for each in curves}


def implied_by_times(
    of_plan: Iterable[Wanted], given: Given, accepted: AcceptedTimes
) -> Mapping[str, Opened]:
    """What every ask of `times_program` must have been, from the times that are released."""
    asks = TimesAsks()
    return asks.told_by(times_program(of_plan, given, asks), accepted)


def merged(of_plan: Iterable[Wanted]) -> list[Wanted]:
    """Curves of the same patients by the same groups as one, with the times of all."""
    found: dict[LeavingTimes, Wanted] = {}
    for each in of_plan:
        before = found.get(each.counted, each)
        found[each.counted] = Wanted(
            each.counted,
            tuple(sorted({*before.axis, *each.axis, *each.at})),
            tuple(dict.fromkeys((*before.at, *each.at))),
            each.causes,
        )
    return list(found.values())


def in_order(curves: Sequence[Wanted], study: Study) -> list[Wanted]:
    """Those of any event first, then those with fewer groups; else as in the plan."""
    return sorted(curves, key=lambda each: (bool(each.counted.kinds), each.counted.n_rows(study)))


def _accepted(
    name: str,
    of: Wanted,
    frames: Mapping[LeavingTimes, Frame],
    bases: Mapping[LeavingTimes, frozenset[LeavingTimes]],
    found: Mapping[LeavingTimes, Accepted],
    asks: TimesAsks,
) -> Program[Accepted]:
    """The times of some curves, from among those of the curves that they are taken from."""
    counted, frame = of.counted, frames[of.counted]
    known = yield from spans(frame, asks, name, lambda result: result[counted].few)
    allowed = [
        frozenset(time for times in found[base].times.values() for time in times)
        for base in bases[counted]
    ]

    def search(cause: str, picks: Sequence[Pick]) -> Program[tuple[int, ...]]:
        whose = f" of {cause}" if cause else ""
        return points(
            frame,
            known,
            asks,
            f"a time among too few events{whose}, {name}",
            picks,
            frozenset(frame.places.time).intersection(*allowed),
            lambda result: result[counted].times[cause],
        )

    kinds = counted.n_kinds(frame.given.study)
    picks = {cause: kind_and_others(i, kinds) for i, cause in enumerate(of.causes)} or {"": (ANY,)}
    places = yield from together(
        {cause or "survival": search(cause, each) for cause, each in picks.items()}
    )
    times = {
        cause: tuple(frame.places.time[place] for place in places[cause or "survival"])
        for cause in picks
    }
    few = tuple(tuple(bool(each) for each in row) for row in known.few.tolist())
    return Accepted(frame.axis.time, few, frame.named, times)


def bases_of(
    given: Given, frames: Mapping[LeavingTimes, Frame]
) -> dict[LeavingTimes, frozenset[LeavingTimes]]:
    """From which curves the times of others are taken: of two with something in common the earlier, unless one before it tells it all."""
    spans_of = _told(given, frames)
    found: dict[LeavingTimes, frozenset[LeavingTimes]] = {}
    for place, counted in enumerate(frames):
        before = [each for each in list(frames)[:place] if each.endpoint == counted.endpoint]
        bases = set[LeavingTimes]()
        for base in before:
            both = _common(spans_of[base], spans_of[counted])
            if len(both) and not any(_within(both, spans_of[each]) for each in bases):
                bases.add(base)
        found[counted] = frozenset(bases)
    return found


def _told(given: Given, frames: Mapping[LeavingTimes, Frame]) -> dict[LeavingTimes, IntArray]:
    """Of each, the patients whose events its curves tell, as vectors; a group that is known to be empty is told as well."""
    cells = {
        counted: list(_cells(given, counted, frame.people)) for counted, frame in frames.items()
    }
    n_places = sum(map(len, cells.values())) + SPARE_PLACES
    algebra = Algebra(given.study, n_places, assumed=True)
    return {counted: algebra.vectors([[cell] for cell in each]) for counted, each in cells.items()}


def _cells(given: Given, counted: LeavingTimes, people: People) -> Iterator[Cell]:
    """Those whose events the curves tell, and those who are known to be nobody or to have none."""
    cells = group_cells(given.study, counted.cohort, counted.endpoint, counted.by)
    shown = {group.row for group in people.curves}
    if shown:
        yield from (
            patients
            for row, (patients, _) in enumerate(cells)
            if row in shown or given.cells[patients] == 0
        )
        if counted.by:
            where = (given.study, counted.cohort, counted.endpoint, counted.by)
            patients, events = unknown_cells(*where, counted.kinds if counted.censors else ())
            if given.cells[patients] == 0 or given.cells[events] == 0:
                yield patients


def _common(one: IntArray, other: IntArray) -> IntArray:
    """What both tell, a base."""
    if not len(one) or not len(other):
        return np.zeros((0, one.shape[1]), dtype=np.int64)
    one, other = independent(one), independent(other)
    factors = null_space(np.concatenate([one, other]))[:, : len(one)]
    sums = np.zeros((len(factors), one.shape[1]), dtype=np.int64)
    for column, row in zip(factors.T, one, strict=True):
        sums = (sums + column[:, np.newaxis] * row % PRIME) % PRIME
    return independent(sums)


def _within(rows: IntArray, base: IntArray) -> bool:
    """Whether all of some vectors are sums of others."""
    basis = independent(base)
    return len(independent(np.concatenate([basis, rows]))) == len(basis)


def frame_and_spans(given: Given, counted: LeavingTimes) -> tuple[Frame, Spans]:
    """The frame of curves whose times were found, and where the curves are known."""
    accepted = given.accepted[counted]
    frame = Frame.of(given, counted, accepted.axis, accepted.named)
    few = np.array(accepted.few, dtype=np.bool_).reshape(len(frame.curves), len(frame.axis))
    return frame, Spans.of(frame.axis, few, late=counted.left_truncated)


def places_of(frame: Frame, accepted: Accepted, cause: str = "") -> tuple[int, ...]:
    """The places of the frame that were accepted."""
    return tuple(frame.places.place(time) for time in accepted.times.get(cause, ()))
