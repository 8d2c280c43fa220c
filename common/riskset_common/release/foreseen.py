"""What a plan alone says of its tests under a release of rounded numbers: which share a budget, and how many events they need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from riskset_common.release.budget import (
    MARGIN,
    Compared,
    GroupCounts,
    bits,
    compared_in,
    ways_at_best,
)
from riskset_common.release.facts import origin_of
from riskset_common.study.study import Study

_MOST_EVENTS = 1 << 16
_PATIENTS_AN_EVENT = 2


def foreseen(study: Study) -> Iterator[str]:
    """How many events in each group all tests of a factor need to be shown, and how many the first of them alone.

    As if groups were equally large, events fell on days of their own, and half of the patients had one.
    """
    for origin, tests in _sharing(study):
        of = " and ".join(dict.fromkeys(name for test in tests for name in test.by))
        names = ", ".join(test.name for test in tests)
        first, together = (_needed(study, tests[:n]) for n in (1, len(tests)))
        if len(tests) == 1:
            yield (
                f"test {names}: it is shown from about {first} events in each group of {of} on; below, it is withheld, because it would "
                "tell too much of who had which event."
            )
        else:
            yield (
                f"tests {names}: they compare {of} {_since(origin)}, and what is opened of them adds up. All are shown from about "
                f"{together} events in each group on, the first alone from {first}; where there are fewer, those named later are withheld. "
                "Name the one that matters first, or mark its analysis as primary."
            )


def _since(origin: str) -> str:
    """Where times begin, in words."""
    column = origin.removeprefix("time ")
    return f"from {origin} on" if column == origin else f"by the times in {column}"


def _sharing(study: Study) -> list[tuple[str, list[Compared]]]:
    """Tests that share a budget, in the order in which they are admitted."""
    found: list[tuple[str, list[Compared]]] = []
    for test in sorted(compared_in(study), key=lambda each: not each.primary):
        origin = origin_of(study, test.endpoint)
        near = [
            (place, tests)
            for place, tests in found
            if place == origin and any(test.factors & other.factors for other in tests)
        ]
        joined = [other for _, tests in near for other in tests]
        found = [each for each in found if each not in near]
        found.append((origin, [*joined, test]))
    return found


def _needed(study: Study, tests: Sequence[Compared]) -> int:
    """The fewest events in each group with which all of the tests are admitted."""
    low, high = 1, _MOST_EVENTS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _enough(study, tests, middle) else (middle + 1, high)
    return low


def _enough(study: Study, tests: Sequence[Compared], events: int) -> bool:
    counted = [_equal_groups(study, test, events) for test in tests]
    spent = sum(bits(test, counts) for test, counts in zip(tests, counted, strict=True))
    return all(
        ways_at_best(counts, study, sum(counts.events)) - spent >= MARGIN for counts in counted
    )


def _equal_groups(study: Study, test: Compared, events: int) -> GroupCounts:
    k = math.prod(len(study.levels(name)) for name in test.by if name in _known(study))
    k = max(k, 2)
    return GroupCounts((_PATIENTS_AN_EVENT * events,) * k, (events,) * k)


def _known(study: Study) -> frozenset[str]:
    """Variables whose levels the codebook has; a category of one analysis has two."""
    return frozenset((*study.codebook.variables, *study.codebook.derived, "site", "study_group"))
