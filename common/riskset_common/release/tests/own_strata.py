"""The strata of a test that lie within one site: its own patients, counted on the grid of their own times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.study.patients import EndpointTimes, Integers
from riskset_common.survival.curves.risk_table import (
    KindCounts,
    count_kinds_on_grid,
    count_on_grid,
)


@dataclass(frozen=True)
class Stratum:
    """At risk and events of k groups at ascending times, each of shape (k, n_times)."""

    at_risk: Integers
    events: Integers


def own_steps(times: EndpointTimes) -> tuple[EndpointTimes, int]:
    """Times on the grid of these patients' own times, which is as long as they are many, and its number of steps.

    Step 0 is before the first time: there belong those who have come by then.
    """
    steps, row = np.unique(times.time, return_inverse=True)
    entry = None if times.entry is None else np.searchsorted(steps, times.entry, side="right")
    return EndpointTimes(row + 1, times.event, entry), len(steps) + 1


def own_strata(times: EndpointTimes, group: Integers, stratum: Integers, k: int) -> list[Stratum]:
    """The strata within one site; `group` and `stratum` have shape (n,), and every patient has a group."""
    found = []
    for code in np.unique(stratum):
        own, n_steps = own_steps(times.rows(stratum == code))
        counts = count_on_grid(
            own.time, own.event > 0, own.entry, group[stratum == code], k, n_steps
        )
        found.append(Stratum(counts.at_risk, counts.events))
    return found


def own_strata_of_kinds(
    times: EndpointTimes, group: Integers, stratum: Integers, *, n_kinds: int, k: int
) -> list[KindCounts]:
    """The strata within one site, events by kind; `times.event` is 0 or the number of the kind."""
    strata = []
    for code in np.unique(stratum):
        own, n_steps = own_steps(times.rows(stratum == code))
        strata.append(
            count_kinds_on_grid(
                own.time,
                own.event,
                own.entry,
                group[stratum == code],
                n_kinds=n_kinds,
                n_groups=k,
                n_steps=n_steps,
            )
        )
    return strata
