"""Risk sets that are empty before the last patients come under observation: the curve then says less than it seems to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from riskset_common.estimators.cohort.groups import group_levels, group_name
from riskset_common.release.curves.emptied import GOES_ON
from riskset_common.study.study import Study
from riskset_common.survival.arrays.shapes import IntArray
from riskset_common.survival.curves.risk_table import GridCounts


def emptied_warnings(
    counts: GridCounts, study: Study, by: Sequence[str], stays: str
) -> Iterator[str]:
    """What a reader of the curves should know of each group whose risk set is empty while patients are still to come.

    Parameters
    ----------
    counts
        By group of `by`, shape (n_groups, n_steps).
    stays
        What is so for ever if all who were at risk had an event.
    """
    if counts.entered is None:
        return
    for index, levels in enumerate(group_levels(study, by)):
        leaving = counts.events[index] + counts.censored[index]
        found = _emptied(counts.at_risk[index], counts.events[index], leaving)
        if found is None:
            continue
        step, all_had_event = found
        more = int(leaving[step + 1 :].sum())
        # Who comes at a step is at risk from the next one on.
        again = step + 1 + int(np.argmax(counts.entered[index, step:] > 0))
        begin, end = (f"{time:.6g}" for time in study.grid.times(np.array([step, again])))
        named = f" of {group_name(levels)}" if by else ""
        yield (
            f"Nobody{named} was at risk from {begin} to {end} {study.plan.time.unit}, and {more} more came under observation later: "
            f"{stays if all_had_event else GOES_ON}."
        )


def _emptied(at_risk: IntArray, events: IntArray, leaving: IntArray) -> tuple[int, bool] | None:
    """The step at which all who are at risk leave although others come later, and whether all had an event, which counts more."""
    is_last = np.cumsum(leaving) == leaving.sum()
    empties = (leaving > 0) & (leaving == at_risk) & ~is_last
    for steps, all_had_event in ((empties & (events == at_risk), True), (empties, False)):
        if steps.any():
            return int(np.argmax(steps)), all_had_event
    return None
