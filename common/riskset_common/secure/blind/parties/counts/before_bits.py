"""What is opened of uploads 1 and 2, as programs: day sets, how large the sites are, and widths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from riskset_common.release.counted import Ceiling
from riskset_common.release.facts import DaySet, Facts
from riskset_common.release.program import Among, Ask, Opened, Opens, Program
from riskset_common.secure.blind.parties.counts.layout import Name
from riskset_common.secure.blind.parties.counts.uploads import PATIENTS, ceiling_at
from riskset_common.secure.blind.parties.counts.work import Origin
from riskset_common.survival.arrays.calculator import Numbers

Pooled = Mapping[Name, Numbers]
"""Sums of one upload over all sites, by part."""


class Told(NamedTuple):
    """What upload 1 gives: the facts, and the bits of the largest number of patients of a site."""

    facts: Facts
    width: int


def day_sets(origins: Sequence[Origin], pooled: Pooled, n_sites: int) -> Program[Told]:
    """Open how many sites have patients up to which power of two, then the day set of each origin that has enough events.

    Of a day one bit is opened: whether any site has an event on it.
    """
    asks: list[Ask] = [Opens("sites by power of two of their patients", pooled[PATIENTS])]
    few = [place for place, origin in enumerate(origins) if origin.least_events]
    for place in few:
        least = origins[place].least_events
        name = f"fewer than {least} events after {origins[place].days.origin}"
        asks.append(Among(name, pooled[place, "events"], 0, least - 1))
    sites, *verdicts = yield asks
    hidden = {place for place, bit in zip(few, verdicts, strict=True) if bit}
    told = [place for place in range(len(origins)) if place not in hidden]
    bits: Sequence[Opened] = ()
    if told:
        bits = yield [
            Among(
                f"no event after {origins[place].days.origin}", _rows(pooled[place, "days"]), 0, 0
            )
            for place in told
        ]
    none = dict(zip(told, bits, strict=True))
    days = {}
    for place, origin in enumerate(origins):
        n_steps = origin.days.n_steps
        steps = np.flatnonzero(none[place] == 0) if place in none else np.arange(n_steps)
        days[origin.days.origin] = DaySet(tuple(steps.tolist()), n_steps, told=place in none)
    width = _highest(sites)
    return Told(Facts(days, max(1, n_sites * ((1 << width) - 1))), width)


def widths(ceilings: Sequence[Ceiling], pooled: Pooled) -> Program[tuple[int, ...]]:
    """Open for each ceiling how many sites need which power of two; the bits that the largest needs."""
    if not ceilings:
        return ()
    opened = yield [
        Opens(f"{place}: sites by power of two of {ceiling}", pooled[ceiling_at(place)])
        for place, ceiling in enumerate(ceilings)
    ]
    return tuple(map(_highest, opened))


def _rows(x: Numbers) -> Numbers:
    return x.reshape(-1, 1)


def _highest(sites: Opened) -> int:
    """The highest mark that some site has set."""
    return int(np.max(np.flatnonzero(sites), initial=0))
