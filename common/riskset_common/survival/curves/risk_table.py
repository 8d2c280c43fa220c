"""Counts at risk, with an event and censored on a grid of times, and the risk table made of them.

A site counts on the agreed grid, the centre adds the counts of all sites and makes risk tables; every estimator of a curve and
every log-rank test is a function of these integers, so that pooling them is exact in any order of the sites.

Conventions, the same in R and SAS: an event at t precedes a censoring at t, and a patient is at risk at t if entry < t <= time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.errors import ContradictionError, EstimationError
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray, IntArray, same_length

SAME_TIME = 1e-9
"""Times closer than this share of themselves are one time: it undoes the rounding of a change of unit, nothing more."""


@dataclass(frozen=True, eq=False)
class GridCounts:
    """Counts per group and step of the time grid; what a site sends, and, added over sites, what the centre estimates from.

    Attributes
    ----------
    events
        Patients whose time is this step and ends with an event of any kind, shape (n_groups, n_steps).
    censored
        Patients whose time is this step and who are censored, shape (n_groups, n_steps).
    entered
        Patients whose entry is this step, shape (n_groups, n_steps); they are at risk from the next step on. None where
        all patients are under observation from before step 0.
    """

    events: IntArray
    censored: IntArray
    entered: IntArray | None

    @property
    def at_risk(self) -> IntArray:
        """Patients at risk at each step, entry < step <= time, shape (n_groups, n_steps)."""
        return _at_risk(self.events + self.censored, self.entered)


@dataclass(frozen=True, eq=False)
class KindCounts:
    """Counts per kind of event, group and step of the time grid, where several kinds of event compete.

    Attributes
    ----------
    events
        Patients whose time is this step and ends with an event of this kind, shape (n_kinds, n_groups, n_steps).
    censored, entered
        As in `GridCounts`, shape (n_groups, n_steps).
    """

    events: IntArray
    censored: IntArray
    entered: IntArray | None

    @property
    def any_kind(self) -> GridCounts:
        """The same patients, an event of whatever kind being the event."""
        return GridCounts(self.events.sum(axis=0), self.censored, self.entered)


@dataclass(frozen=True, eq=False)
class RiskTable:
    """The risk table of one group: one row for each time at which somebody leaves.

    Attributes
    ----------
    time
        Ascending, in the unit of the analysis, shape (n_times,).
    at_risk, events, censored
        Patients, shape (n_times,).
    n
        Patients in all.
    """

    time: FloatArray
    at_risk: IntArray
    events: IntArray
    censored: IntArray
    n: int


def count_on_grid(
    time: IntArray,
    event: BoolArray,
    entry: IntArray | None,
    group: IntArray,
    n_groups: int,
    n_steps: int,
) -> GridCounts:
    """Count events, censorings and entries of every group at every step of the grid.

    Parameters
    ----------
    time
        Time of event or censoring, grid steps, 0 <= time < n_steps, shape (n_patients,).
    event
        True where the patient had the event, of whatever kind, shape (n_patients,).
    entry
        Time of coming under observation, grid steps, 0 <= entry < time, shape (n_patients,); None without left truncation.
    group
        Number of the patient's group, 0 <= group < n_groups, shape (n_patients,).
    """
    same_length(time=time, event=event, entry=entry, group=group)
    _refuse_outside("time", time, n_steps)
    _refuse_outside("group", group, n_groups)
    if entry is not None:
        _refuse_outside("entry", entry, n_steps)
        if bool(np.any(entry >= time)):
            raise EstimationError(
                f"Entry must lie before the time of event or censoring, but does not for "
                f"{int(np.sum(entry >= time))} patients. Correct their dates or leave them out."
            )
    had_event = event.astype(np.bool_)
    cell = group * n_steps + time

    def count(cells: IntArray) -> IntArray:
        counts = np.bincount(cells, minlength=n_groups * n_steps)
        return counts.astype(np.int64).reshape(n_groups, n_steps)

    return GridCounts(
        events=count(cell[had_event]),
        censored=count(cell[~had_event]),
        entered=None if entry is None else count(group * n_steps + entry),
    )


def count_kinds_on_grid(
    time: IntArray,
    kind: IntArray,
    entry: IntArray | None,
    group: IntArray,
    *,
    n_kinds: int,
    n_groups: int,
    n_steps: int,
) -> KindCounts:
    """Count events by kind, censorings and entries of every group at every step of the grid.

    Parameters
    ----------
    kind
        0 if the patient is censored, k if the event is of the k-th kind, shape (n_patients,).
    time, entry, group
        As for `count_on_grid`.
    """
    counts = count_on_grid(time, kind > 0, entry, group, n_groups, n_steps)
    _refuse_outside("kind", kind, n_kinds + 1)
    cell = ((kind - 1) * n_groups + group) * n_steps + time
    events = np.bincount(cell[kind > 0], minlength=n_kinds * n_groups * n_steps)
    return KindCounts(
        events=events.astype(np.int64).reshape(n_kinds, n_groups, n_steps),
        censored=counts.censored,
        entered=counts.entered,
    )


def risk_table(
    time: FloatArray, events: IntArray, censored: IntArray, entered: IntArray | None = None
) -> RiskTable:
    """Make the risk table of one group from its counts at ascending times.

    The times may be the whole grid or only those at which something happens. Rows on which nobody leaves are dropped, rows
    on which patients only enter among them, as survfit of R does.

    Parameters
    ----------
    time
        Ascending, in the unit of the analysis, shape (n_rows,).
    events, censored, entered
        Patients at each time, shape (n_rows,), as in `GridCounts`.
    """
    same_length(time=time, events=events, censored=censored, entered=entered)
    leaving = events + censored
    n = int(leaving.sum())
    if entered is not None and int(entered.sum()) != n:
        raise ContradictionError(
            f"{int(entered.sum())} patients enter the risk table but {n} leave it; "
            "entries and times must count the same patients."
        )
    kept = leaving > 0
    return RiskTable(
        time=np.asarray(time, dtype=np.float64)[kept],
        at_risk=_at_risk(leaving, entered)[kept],
        events=events[kept],
        censored=censored[kept],
        n=n,
    )


def number_at_risk_on_next_row(table: RiskTable, points: FloatArray) -> IntArray:
    """At risk on the first row at or after each point in time, 0 after the last, shape (n_points,).

    This is what R prints (summary.survfit with `times`). It is the number at risk at the point itself unless there is left truncation:
    then R's number holds for the time of the next row, and counts patients who enter between the point and that row.
    """
    return np.append(table.at_risk, 0)[rows_before(table.time, points)]


def is_followed(time: FloatArray, points: FloatArray) -> BoolArray:
    """Whether anybody was followed to each point in time or beyond, shape (n_points,); `time` are the rows of a risk table.

    Beyond the last row a curve is not known, unless everybody has had the event; summary.survfit of R leaves such times out.
    """
    return rows_before(time, points) < len(time)


def rows_before(time: FloatArray, points: FloatArray) -> IntArray:
    """How many rows lie before each point in time, a row at the point itself not counted, shape (n_points,)."""
    points = np.asarray(points, dtype=np.float64)
    return np.searchsorted(time, points - SAME_TIME * np.abs(points), side="left").astype(np.int64)


def rows_until(time: FloatArray, points: FloatArray) -> IntArray:
    """How many rows lie at or before each point in time, shape (n_points,)."""
    points = np.asarray(points, dtype=np.float64)
    return np.searchsorted(time, points + SAME_TIME * np.abs(points), side="right").astype(np.int64)


def _at_risk(leaving: IntArray, entered: IntArray | None) -> IntArray:
    """Number at risk at each time along the last axis: those who came before it and did not leave before it."""
    gone = np.cumsum(leaving, axis=-1) - leaving
    if entered is None:
        come: IntArray = leaving.sum(axis=-1, keepdims=True)
    else:
        come = np.cumsum(entered, axis=-1) - entered
    return come - gone


def _refuse_outside(name: str, values: IntArray, limit: int) -> None:
    outside = int(np.sum((values < 0) | (values >= limit)))
    if outside:
        raise EstimationError(
            f"{name} must lie in 0..{limit - 1}, but does not for {outside} of {len(values)} patients. "
            "Correct the records, or agree on a longer grid."
        )
