"""What released curves tell of the groups' events, and how many ways to give the events to the groups agree with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from riskset_common.release.budget import Compared, GroupCounts, ways
from riskset_common.release.facts import origin_of
from riskset_common.release.given import Given
from riskset_common.release.release_times import times_on
from riskset_common.results.shown import Shown, Withheld

KnownEvents: TypeAlias = Mapping[float, Shown[int]]
"""Of one group: the events until each time of the plan's unit at which something of its curve is released."""


def known_bits(
    given: Given, test: Compared, counts: GroupCounts, known: Sequence[KnownEvents]
) -> float:
    """h: log2 of the ways to give the events to the groups that agree with their numbers until each time.

    Where a time is known of some of the groups only, its numbers count as if they were opened for the test.
    """
    kept = [group for group in counts.kept if counts.events[group] > 0]
    if len(kept) < 2:
        return 0.0
    shown = [
        {time: n for time, n in known[group].items() if not isinstance(n, Withheld)}
        for group in kept
    ]
    common = sorted(set.intersection(*map(set, shown)))
    of_some = sum(
        (len(each) - len(common)) * math.log2(counts.events[group] + 1)
        for group, each in zip(kept, shown, strict=True)
    )
    until = times_on(given.study.grid, common).until
    days = np.asarray(given.facts.days[origin_of(given.study, test.endpoint)].steps)
    n_days = np.diff([0, *np.searchsorted(days, until, side="right").tolist(), len(days)])
    reached = [
        [0] * len(kept),
        *([each[time] for each in shown] for time in common),
        [counts.events[group] for group in kept],
    ]
    blocks = [
        [after - before for before, after in zip(*pair, strict=True)] for pair in pairwise(reached)
    ]
    return ways(blocks, n_days.tolist()) - of_some
