"""Events and censorings on the agreed time grid, by group: what Kaplan-Meier curves and log-rank tests are made of.

Two rounds. The first finds how long a grid is needed without showing the longest follow-up: each site marks the power of two
above its last step. The second counts. Counts of whole steps are integers, so the pooled curve is the same over any split.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.estimator import (
    AnyRequest,
    Shape,
    State,
    Summary,
    counts,
)
from riskset_common.study.patients import EndpointTimes, Integers
from riskset_common.survival.curves.risk_table import (
    GridCounts,
    KindCounts,
    count_kinds_on_grid,
    count_on_grid,
)

Found = TypeVar("Found")

N_LENGTHS = 48
MAXIMUM_CELLS = 2**26
"""Cells of one array of counts (512 MB); a longer or finer grid is a mistake in the plan."""

BY_STEP = "_by_step"
"""What the names of counts end in if a question asks other sums with them."""


COUNTED = frozenset({"lengths", "events", "censored", "entered", "missing"})
"""Names of what is counted, beside which a test may ask sums of its own."""


class AskCounts(State):
    """First how long the grid must be (`n_steps` is None), then the counts on it.

    `counted` asks only the further sums, if another analysis of the round asks the counts.
    """

    n_steps: int | None = Field(default=None, ge=1)
    counted: bool = False

    @model_validator(mode="after")
    def _a_length_first(self) -> Self:
        if self.counted and self.n_steps is None:
            raise ValueError("nothing stands beside the length of the grid.")
        return self

    def unless_counted(self, found: Mapping[str, Found]) -> dict[str, Found]:
        """Shapes or arrays without those that another analysis asks."""
        return {
            name: each for name, each in found.items() if not (self.counted and name in COUNTED)
        }


LENGTHS: Final = "lengths"
"""The array of the first round, from which both sides know how long the grid is."""


def require_length(request: AnyRequest, n_steps: int, rows: int) -> None:
    """Raise `ProtocolRefusal` unless a grid of this length is the one that the checked lengths of all sites give. Run by a site."""
    awaited = grid_length(request.checked(LENGTHS), rows)
    if n_steps != awaited:
        raise ProtocolRefusal(
            f"The round asks analysis {request.spec.id} on a grid of {n_steps:,} steps; the lengths that all sites counted give "
            f"{awaited:,}. The centre must run this release."
        )


def length_shapes() -> dict[str, Shape]:
    """The first round: sites by the power of two above their last step."""
    return {LENGTHS: counts(N_LENGTHS)}


def length_marks(times: EndpointTimes) -> dict[str, NDArray[np.int64]]:
    """One in the place k of the smallest 2^k above this site's last step; nothing for a site without patients."""
    marks = np.zeros(N_LENGTHS, dtype=np.int64)
    if times.time.size:
        marks[min(int(times.time.max()).bit_length(), N_LENGTHS - 1)] = 1
    return {LENGTHS: marks}


def grid_length(pooled: Summary, rows: int) -> int:
    """Steps of the shortest power-of-two grid that holds every site's last step.

    Raises
    ------
    EstimationError
        Where `rows` groups on that grid would be more cells than can sensibly be counted.
    """
    used = np.flatnonzero(pooled[LENGTHS])
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


def step_shapes(n_steps: int, *, left_truncated: bool) -> dict[str, Shape]:
    """Counts of all patients together beside other sums: events and censorings at each step, and entries, each (1, n_steps)."""
    shapes = count_shapes(1, n_steps, left_truncated=left_truncated)
    return {name + BY_STEP: shape for name, shape in shapes.items()}


def step_names(*, left_truncated: bool) -> tuple[str, ...]:
    """Names of these counts."""
    return tuple(step_shapes(1, left_truncated=left_truncated))


def step_summary(times: EndpointTimes, n_steps: int) -> dict[str, NDArray[np.int64]]:
    """This site's counts as `step_shapes` has them."""
    nobody = np.zeros(len(times.time), dtype=np.int64)
    found = count_summary(times, nobody, 1, n_steps)
    return {name + BY_STEP: values for name, values in found.items()}


def pooled_steps(pooled: Summary) -> GridCounts:
    """The counts of all sites, as they were asked for by `step_shapes`."""
    return pooled_counts({name.removesuffix(BY_STEP): each for name, each in pooled.items()})


def count_kinds_shapes(
    n_kinds: int, rows: int, n_steps: int, *, left_truncated: bool
) -> dict[str, Shape]:
    """As `count_shapes`, with the events of each of several kinds: (n_kinds, rows, n_steps)."""
    found = count_shapes(n_kinds * rows, n_steps, left_truncated=left_truncated)
    return {
        name: counts(n_kinds, rows, n_steps) if name == "events" else counts(rows, n_steps)
        for name in found
    }


def count_kinds_summary(
    times: EndpointTimes, group: Integers, n_kinds: int, rows: int, n_steps: int
) -> Mapping[str, NDArray[np.int64]]:
    """This site's counts on the grid, events by kind; `times.event` is 0 or the number of the kind."""
    kind_counts = count_kinds_on_grid(
        times.time,
        times.event,
        times.entry,
        group,
        n_kinds=n_kinds,
        n_groups=rows,
        n_steps=n_steps,
    )
    summary = {"events": kind_counts.events, "censored": kind_counts.censored}
    return summary if kind_counts.entered is None else summary | {"entered": kind_counts.entered}


def pooled_kinds(pooled: Summary, k: int) -> tuple[KindCounts, KindCounts]:
    """The counts of all sites, as they were asked for by `count_kinds_shapes`: by stratum and group, and by k groups alone."""
    by_row = KindCounts(pooled["events"], pooled["censored"], pooled.get("entered"))
    entered = None if by_row.entered is None else over_strata(by_row.entered, k)
    return by_row, KindCounts(
        over_strata(by_row.events, k), over_strata(by_row.censored, k), entered
    )


def over_strata(counted: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Counts of k groups, shape (..., k, n_steps), from those of one stratum after the other, (..., n_strata k, n_steps)."""
    by_stratum = counted.reshape(*counted.shape[:-2], -1, k, counted.shape[-1])
    added: NDArray[np.int64] = by_stratum.sum(axis=-3)
    return added


def pooled_counts(pooled: Summary) -> GridCounts:
    """The counts of all sites, as they were asked for by `count_shapes`."""
    return GridCounts(pooled["events"], pooled["censored"], pooled.get("entered"))
