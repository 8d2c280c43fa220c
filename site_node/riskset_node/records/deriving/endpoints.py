"""Time to an endpoint for each patient: from dates, the first of several events; or from ready-made columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import get_args

import numpy as np

from riskset_common.errors import PlanError
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.patients import (
    MISSING,
    NO_DATE,
    UNKNOWN_DAY,
    Bools,
    EndpointTimes,
    Integers,
    Patients,
    Reals,
)
from riskset_common.study.plan import Endpoint, StatusColumn, TimeColumn, TimeUnit
from riskset_common.study.study import Study
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.deriving.cutoff import as_it_stood, later_origins, seen_until
from riskset_node.records.deriving.first_events import NEVER, FirstEvents, first_events
from riskset_node.records.deriving.horizon import horizon_days, within_horizon
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
    """Derive an endpoint of the plan. Patients without an origin, time or status have none, which is no finding.

    Nor has one in whom it hangs on a day that is unknown; one whose endpoint is the same for every possible day has it.
    """
    endpoint = study.endpoint(name)
    if endpoint.origin is not None and endpoint.censor is not None:
        found = _from_dates(name, endpoint, endpoint.origin, endpoint.censor, study, patients)
    elif endpoint.time is not None and endpoint.status is not None:
        found = _from_columns(name, endpoint, endpoint.time, endpoint.status, study, patients)
    else:
        raise PlanError(f"endpoints.{name}: gives neither dates nor ready-made columns.")
    return replace(found, times=within_horizon(study, endpoint, found.times))


def _from_dates(
    name: str, endpoint: Endpoint, origin: str, censor: str, study: Study, patients: Patients
) -> DerivedEndpoint:
    on = study.plan.censored_on
    events = (endpoint.first_of or {}).values()
    last = seen_until(patients.dates[censor], [patients.dates[event.date] for event in events], on)
    recorded, patients = patients, as_it_stood(patients, on)
    start, begun = patients.dates[origin], patients.known(origin)
    stop = _stop(patients, endpoint.censored_at)
    first = first_events(events, study, patients, begun, stop)
    end = _ended(first, last, stop)
    end = _surely_ended(first, end, start, horizon_days(study, endpoint))
    ends = (*first.by_date, *endpoint.censored_at, censor)
    span = _Span(days_between(start, end), Fraction(1), (*ends, origin))
    entry = None
    if isinstance(endpoint.entry, str):
        days = days_between(start, patients.dates[endpoint.entry])
        entry = _Span(days, Fraction(1), (endpoint.entry,))
    times, marks = _on_the_grid(name, study, span, first.code, entry)
    stopped = {each: begun & patients.known(each) for each in endpoint.censored_at}
    seen = replace(patients, dates={**patients.dates, censor: last})
    date_marks = (
        *later_origins(recorded, origin, on),
        *_date_marks(seen, first.by_date, stopped, origin, censor),
    )
    return DerivedEndpoint(times, (*date_marks, *marks))


def _stop(patients: Patients, names: Iterable[str]) -> Integers:
    """The day that censors whatever comes later, and not what comes on it: `NEVER` without one, `UNKNOWN_DAY` where one is unknown."""
    stop = np.full(patients.n, NEVER)
    for name in names:
        # An unknown day lies below every other, so that it stays.
        days = patients.dates[name]
        stop = np.minimum(stop, np.where(days == NO_DATE, NEVER, days))
    return stop


def _ended(first: FirstEvents, last: Integers, stop: Integers) -> Integers:
    """Day of the end: of the first event, or else of last contact or of what censors before, shape (n,).

    A last contact ends nothing: an event after it was reported later, and counts.
    """
    censored = np.where(last == NO_DATE, stop, np.minimum(stop, last))
    end = np.where(first.code > 0, first.date, np.where(censored == NEVER, NO_DATE, censored))
    return np.where(stop == UNKNOWN_DAY, UNKNOWN_DAY, end)


def _surely_ended(
    first: FirstEvents, end: Integers, start: Integers, horizon: float | None
) -> Integers:
    """The same end, unknown where it hangs on an unknown day.

    It does not in patients whom every possible day leaves under observation beyond the horizon (days from `start`).
    """
    if not first.unclear.any():
        return end
    beyond = np.zeros(end.shape, dtype=np.bool_)
    if horizon is not None:
        cut = start + horizon
        # Where one of two events surely happened, nobody is censored at last contact.
        end = np.where(first.some_happened & (first.code == 0), first.earliest, end)
        followed = (end > cut) | ((end == cut) & (first.code == 0))
        beyond = (first.earliest > cut) & (end > UNKNOWN_DAY) & followed
    return np.where(first.unclear & ~beyond, UNKNOWN_DAY, end)


def days_between(start: Integers, end: Integers) -> Reals:
    """Days between two dates, NaN where one is unknown, shape (n,)."""
    known = (start > UNKNOWN_DAY) & (end > UNKNOWN_DAY)
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
                f"Correct one of the two dates.{_if_completed(patients, (name, origin), before)}",
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


def _if_completed(patients: Patients, names: Iterable[str], rows: Bools) -> str:
    """What to do where the order hangs on a day that the site set itself."""
    nowhere = np.zeros(patients.n, dtype=np.bool_)
    completed = [name for name in names if (patients.approximate.get(name, nowhere) & rows).any()]
    if not completed:
        return ""
    return (
        f" Days of {' and '.join(completed)} were completed: find the true days out. If the key day set them, another may be written at "
        "that column."
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
