"""Time to an endpoint for each patient: from dates, the first of several events; or from ready-made columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import get_args

import numpy as np

from riskset_common.errors import PlanError
from riskset_common.study.codebook import Codebook, DatedEvent, NumberVariable
from riskset_common.study.patients import (
    MISSING,
    NO_DATE,
    Bools,
    EndpointTimes,
    Integers,
    Patients,
    Reals,
)
from riskset_common.study.plan import Endpoint, StatusColumn, TimeColumn, TimeUnit
from riskset_common.study.study import Study, meets
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Mark


@dataclass(frozen=True)
class DerivedEndpoint:
    """One endpoint's times, and what is wrong with the rows they come from."""

    times: EndpointTimes
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class _Span:
    """A time for each patient before it is put on the grid.

    Attributes
    ----------
    time
        Time since the origin in units of `days_per_unit` days, NaN unknown, shape (n,).
    about
        The variables that it comes from.
    """

    time: Reals
    days_per_unit: Fraction
    about: tuple[str, ...]


def derive(name: str, study: Study, patients: Patients) -> DerivedEndpoint:
    """Derive an endpoint of the plan. Patients without an origin, time or status have none, which is no finding."""
    endpoint = study.endpoint(name)
    if endpoint.origin is not None and endpoint.censor is not None:
        return _from_dates(name, endpoint, endpoint.origin, endpoint.censor, study, patients)
    if endpoint.time is not None and endpoint.status is not None:
        return _from_columns(name, endpoint, endpoint.time, endpoint.status, study, patients)
    raise PlanError(f"endpoints.{name}: gives neither dates nor ready-made columns.")


@dataclass(frozen=True)
class FirstEvents:
    """Which of several dated events came first in each patient.

    Attributes
    ----------
    code
        0 where none happened, else the place of the first, counted from 1, shape (n,).
    date
        Its day, shape (n,); without meaning where none happened.
    by_date
        Patients in whom an event of that date variable happened, each of shape (n,).
    """

    code: Integers
    date: Integers
    by_date: Mapping[str, Bools]


def first_events(
    events: Iterable[DatedEvent], words: Study | Codebook, patients: Patients, among: Bools
) -> FirstEvents:
    """Each patient's first event. If two fall on one day, the one listed first in the plan counts."""
    date = np.full(patients.n, np.iinfo(np.int64).max)
    code = np.zeros(patients.n, dtype=np.int64)
    by_date: dict[str, Bools] = {}
    for place, event in enumerate(events, start=1):
        days = patients.dates[event.date]
        here = among & happened(event, words, patients)
        by_date[event.date] = by_date.get(event.date, False) | here
        # Earlier, not as early: of two events on one day the first in the plan is the one.
        first = here & (days < date)
        date, code = np.where(first, days, date), np.where(first, place, code)
    return FirstEvents(code, date, by_date)


def happened(event: DatedEvent, words: Study | Codebook, patients: Patients) -> Bools:
    """Patients in whom a dated event happened under its conditions, shape (n,).

    `after: other` holds where the other date is known and not later; `before: other` everywhere else, so that for each event one of
    the two holds, and never both.
    """
    date = patients.dates[event.date]
    known: Bools = (date != NO_DATE) & meets(words, patients, event.where)
    other = event.after or event.before
    if other is None:
        return known
    since = (patients.dates[other] != NO_DATE) & (patients.dates[other] <= date)
    held: Bools = known & (since if event.after is not None else ~since)
    return held


def _from_dates(
    name: str, endpoint: Endpoint, origin: str, censor: str, study: Study, patients: Patients
) -> DerivedEndpoint:
    begun = patients.known(origin)
    first = first_events((endpoint.first_of or {}).values(), study, patients, begun)
    end, event = _ended(
        first, patients.dates[censor], [patients.dates[each] for each in endpoint.censored_at]
    )
    ends = (*first.by_date, *endpoint.censored_at, censor)
    span = _Span(days_between(patients.dates[origin], end), Fraction(1), (*ends, origin))
    entry = None
    if isinstance(endpoint.entry, str):
        days = days_between(patients.dates[origin], patients.dates[endpoint.entry])
        entry = _Span(days, Fraction(1), (endpoint.entry,))
    times, marks = _on_the_grid(name, study, span, event, entry)
    stopped = {each: begun & patients.known(each) for each in endpoint.censored_at}
    date_marks = _date_marks(patients, first.by_date, stopped, origin, censor)
    return DerivedEndpoint(times, (*date_marks, *marks))


def _ended(
    first: FirstEvents, last: Integers, stops: Iterable[Integers]
) -> tuple[Integers, Integers]:
    """Day of the end and code of the event; a day in `stops` censors whatever comes later, and not what comes on it."""
    never = np.iinfo(np.int64).max
    stop = np.full(last.shape, never)
    for days in stops:
        stop = np.minimum(stop, np.where(days == NO_DATE, never, days))
    censored = np.where(last == NO_DATE, stop, np.minimum(stop, last))
    censored[censored == never] = NO_DATE
    # A last contact ends nothing: an event after it was reported later, and counts.
    is_event = (first.code > 0) & (first.date <= stop)
    return np.where(is_event, first.date, censored), np.where(is_event, first.code, 0)


def days_between(start: Integers, end: Integers) -> Reals:
    """Days between two dates, NaN where one is unknown, shape (n,)."""
    known = (start != NO_DATE) & (end != NO_DATE)
    days = np.full(start.shape, np.nan)
    days[known] = end[known] - start[known]
    return days


def _date_marks(
    patients: Patients,
    by_date: Mapping[str, Bools],
    stopped: Mapping[str, Bools],
    origin: str,
    censor: str,
) -> Iterator[Mark]:
    """Dates in the wrong order. The events of one date are taken together, so that two endpoints find the same."""
    start, last = patients.dates[origin], patients.dates[censor]
    ends = {**stopped, **by_date, censor: patients.known(censor) & patients.known(origin)}
    for name, rows in ends.items():
        before = rows & (patients.dates[name] < start)
        if before.any():
            yield Mark(
                FindingKind.REVERSED_DATES,
                (name, origin),
                before,
                f"{name} lies before {origin}",
                "Correct one of the two dates.",
            )
    for name, rows in by_date.items():
        late = rows & patients.known(censor) & (patients.dates[name] > last)
        if late.any():
            yield Mark(
                FindingKind.EVENT_AFTER_LAST_CONTACT,
                (name, censor),
                late,
                f"{name} lies after {censor}",
                f"The event counts. Bring {censor} up to date, because other endpoints are censored there.",
            )


def _from_columns(
    name: str,
    endpoint: Endpoint,
    time: TimeColumn,
    status: StatusColumn,
    study: Study,
    patients: Patients,
) -> DerivedEndpoint:
    unit = _unit(name, time, study, study.plan.time.unit)
    span = _span(time.variable, unit, study, patients)
    entry = None
    if isinstance(endpoint.entry, TimeColumn):
        entry_unit = _unit(name, endpoint.entry, study, unit)
        entry = _span(endpoint.entry.variable, entry_unit, study, patients)
    levels = study.levels(status.variable)
    code_of_level = np.zeros(len(levels) + 1, dtype=np.int64)
    for code, members in enumerate(status.events.values(), start=1):
        for level in members:
            code_of_level[levels.index(level)] = code
    # A missing status is level -1: the last entry.
    code_of_level[-1] = MISSING
    event = code_of_level[patients.categories[status.variable]]
    times, marks = _on_the_grid(name, study, span, event, entry)
    return DerivedEndpoint(times, (*_negative_mark(name, span), *marks))


def _span(variable: str, unit: TimeUnit, study: Study, patients: Patients) -> _Span:
    return _Span(patients.numbers[variable], study.plan.time.days_in(unit), (variable,))


def _unit(name: str, column: TimeColumn, study: Study, otherwise: TimeUnit) -> TimeUnit:
    """Unit of a ready-made time: as the plan says there, as the codebook says, or else `otherwise`."""
    variable = study.codebook.variables[column.variable]
    recorded = variable.unit if isinstance(variable, NumberVariable) else None
    known = next((unit for unit in get_args(TimeUnit) if unit == recorded), None)
    if column.unit is not None and known is not None and column.unit != known:
        raise PlanError(
            f"endpoints.{name}: the plan takes {column.variable} for {column.unit}, but the codebook gives it in "
            f"{known}. Let both say the same."
        )
    return column.unit or known or otherwise


def _negative_mark(name: str, span: _Span) -> Iterator[Mark]:
    negative = span.time < 0
    if negative.any():
        yield Mark(
            FindingKind.NEGATIVE_TIME,
            span.about,
            negative,
            f"endpoint {name}: the time {', '.join(span.about)} is negative",
            "Correct it; time is counted from the origin.",
            _shown(span.time[negative]),
        )


def _on_the_grid(
    name: str, study: Study, span: _Span, event: Integers, entry: _Span | None
) -> tuple[EndpointTimes, list[Mark]]:
    """Whole steps of the grid; a patient whose time, event or entry is not known, or negative, has no endpoint."""
    steps, marks = _steps(name, study, span)
    known = (steps != MISSING) & (event != MISSING)
    time, event = np.where(known, steps, MISSING), np.where(known, event, MISSING)
    if entry is None:
        return EndpointTimes(time, event), marks
    # Who came under observation before the origin is observed from the origin.
    observed = _Span(np.maximum(entry.time, 0.0), entry.days_per_unit, entry.about)
    entered, more = _steps(name, study, observed)
    late = known & (entered != MISSING) & (entered >= time)
    if late.any():
        mark = Mark(
            FindingKind.ENTRY_NOT_BEFORE_EXIT,
            (*entry.about, *span.about),
            late,
            f"endpoint {name}: the patient came under observation ({', '.join(entry.about)}) when the time had ended",
            "Correct the entry or the end; who was never at risk under observation has no place in this endpoint.",
        )
        more.append(mark)
    return EndpointTimes(time, event, entered), [*marks, *more]


def _steps(name: str, study: Study, span: _Span) -> tuple[Integers, list[Mark]]:
    """Steps of the grid, -1 where the time is unknown or negative, and a mark on times between two steps."""
    steps, off = study.grid.steps(span.time, span.days_per_unit)
    off &= span.time >= 0
    steps = np.where(span.time >= 0, steps, MISSING)
    if not off.any():
        return steps, []
    step = f"{study.plan.time.grid_days:g} days"
    mark = Mark(
        FindingKind.OFF_GRID,
        span.about,
        off,
        f"endpoint {name}: times are not whole steps of {step}",
        "Correct the times, or ask the centre for a plan whose time.grid_days fits them.",
        _shown(span.time[off]),
    )
    return steps, [mark]


def _shown(times: Reals) -> tuple[str, ...]:
    return tuple(repr(float(time)) for time in np.unique(times))
