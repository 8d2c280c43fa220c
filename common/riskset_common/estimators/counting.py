"""Events and censorings on the agreed time grid, by group: what Kaplan-Meier curves and log-rank tests are made of.

Two rounds. The first finds how long a grid is needed without showing the longest follow-up: each site marks the power of two
above its last step. The second counts. Counts of whole steps are integers, so the pooled curve is the same over any split.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.estimator import Shape, State, Summary, counts
from riskset_common.patients import EndpointTimes, Integers
from riskset_common.survival.risk_table import GridCounts, count_on_grid

N_LENGTHS = 48
MAXIMUM_CELLS = 2**26
"""Cells of one array of counts (512 MB); a longer or finer grid is a mistake in the plan."""


class AskCounts(State):
    """First how long the grid must be (`n_steps` is None), then the counts on it."""

    n_steps: int | None = Field(default=None, ge=1)


def length_shapes() -> dict[str, Shape]:
    """The first round: sites by the power of two above their last step."""
    return {"lengths": counts(N_LENGTHS)}


def length_marks(times: EndpointTimes) -> dict[str, NDArray[np.int64]]:
    """One in the place k of the smallest 2^k above this site's last step; nothing for a site without patients."""
    marks = np.zeros(N_LENGTHS, dtype=np.int64)
    if times.time.size:
        marks[min(int(times.time.max()).bit_length(), N_LENGTHS - 1)] = 1
    return {"lengths": marks}


def grid_length(pooled: Summary, rows: int) -> int:
    """Steps of the shortest power-of-two grid that holds every site's last step.

    Raises
    ------
    EstimationError
        Where `rows` groups on that grid would be more cells than can sensibly be counted.
    """
    used = np.flatnonzero(pooled["lengths"])
    n_steps = 2 ** int(used[-1]) if used.size else 1
    if n_steps * rows > MAXIMUM_CELLS:
        raise EstimationError(
            f"The follow-up spans up to {n_steps:,} steps of the time grid for {rows:,} groups, more than can be counted. "
            "Choose a coarser time.grid_days in the plan, or fewer groups."
        )
    return n_steps


def count_shapes(rows: int, n_steps: int, *, left_truncated: bool) -> dict[str, Shape]:
    """The second round: events and censorings, and entries under left truncation, each (rows, n_steps).

    Raises
    ------
    ProtocolRefusal
        Where the grid is not one that `grid_length` gives.
    """
    if n_steps * rows > MAXIMUM_CELLS or n_steps.bit_count() != 1:
        raise ProtocolRefusal(
            f"The round asks for counts on {n_steps:,} steps in {rows:,} groups; a grid has a power of two of steps, and at most "
            f"{MAXIMUM_CELLS:,} cells. The centre must run this release."
        )
    names = ("events", "censored", "entered") if left_truncated else ("events", "censored")
    return {name: counts(rows, n_steps) for name in names}


def count_summary(
    times: EndpointTimes, group: Integers, rows: int, n_steps: int
) -> Mapping[str, NDArray[np.int64]]:
    """This site's counts on the grid. A site whose last step lies beyond it (its records have changed) is refused."""
    found = count_on_grid(times.time, times.event > 0, times.entry, group, rows, n_steps)
    summary = {"events": found.events, "censored": found.censored}
    return summary if found.entered is None else summary | {"entered": found.entered}


def pooled_counts(pooled: Summary) -> GridCounts:
    """The counts of all sites, as they were asked for by `count_shapes`."""
    return GridCounts(pooled["events"], pooled["censored"], pooled.get("entered"))
