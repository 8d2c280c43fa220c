"""How much tests may tell: what is opened of the tests of a factor leaves very many ways to give the events to its groups.

The days of events are public, and so may be, for somebody, who was censored when. What is then secret is which group each event
belongs to. h is log2 of the ways to give the events to the groups that agree with what is released of them: the number of each group
between any two released times. b is log2 of how many values the opened numbers could have, of all tests of the factor. On average
2^(h - b) ways agree with the tests as well. A test is withheld unless h - b >= 40. A value with chi-square x is rarer than the commonest by
exp(-x/2): a test is also withheld if so many ways less its own b leave fewer than 2^20 (`largest_chi_square`).

Which tests share a budget is settled before any is made, from the plan and the released counts (`shares`): all that have a variable of
their groups in common and begin at one origin, whatever their endpoint, population and weights. If there is not enough for all,
the primary analyses come first, then the others in the plan's order; h is estimated there (`ways_at_best`), which decides who is tried.
Then each test of them is held to its own h, from the times that are released (`enough`).

What the numbers rest on
------------------------
40
    In every trial of 24 to 50 patients at least 2^20 patterns of the groups must agree with all that is released. h - b is an average
    over the values that could be opened, and 20 more bits leave room for those with chi-square up to 28.
2 decimals, 3 above 100 events in the smaller group
    A difference of 8 events with variance 18 gives chi-square to three digits. At seven digits one pattern of a small trial is left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Final, Protocol, runtime_checkable

from riskset_common.release.cells import Verdicts, group_cells
from riskset_common.release.facts import Facts, origin_of
from riskset_common.release.times import Cohort
from riskset_common.results.shown import Withheld
from riskset_common.study.study import Study
from riskset_common.survival.tests.weighing import Weighing

MARGIN: Final = 40
"""The bits that must be left: h - b."""

LEAST_BITS: Final = 20
"""The bits that are left of a test with the largest chi-square that is shown."""

TOO_MANY_DIGITS: Final = Withheld(f"bits {MARGIN}", "small")
"""The mark of a test that would leave too few ways to give the events to the groups."""


TOO_LARGE_A_DIFFERENCE: Final = Withheld(f"bits {MARGIN}", "protects")
"""The mark of a test whose groups differ so much that few ways to give the events to them agree with it."""


@dataclass(frozen=True)
class Compared:
    """A test between groups, as everybody knows it before it is made.

    Attributes
    ----------
    name
        Of the test, unique in the plan: its analysis, and its part or cause if it is one of several.
    endpoint, kinds
        Whose events are counted, and which of them; any if empty.
    cohort, by
        The patients, and the variables whose levels are the groups.
    pairwise
        Whether each pair of groups is tested besides.
    weighing
        Of the events.
    primary
        Whether the analysis is the plan's primary one: it is admitted before the others.
    made_of
        A variable of which one of those in `by` is made: tests of either share a budget.
    """

    name: str
    endpoint: str
    kinds: tuple[str, ...]
    cohort: Cohort
    by: tuple[str, ...]
    pairwise: bool = False
    weighing: Weighing = field(default_factory=Weighing)
    primary: bool = False
    made_of: tuple[str, ...] = ()

    @property
    def factors(self) -> frozenset[str]:
        """The variables by which tests share a budget."""
        return frozenset((*self.by, *self.made_of))


@runtime_checkable
class Compares(Protocol):
    """An analysis that tests groups."""

    def compared(self, study: Study) -> tuple[Compared, ...]:
        """Its tests, in order."""


@dataclass(frozen=True)
class GroupCounts:
    """The patients and events of each group of a test, as they are released, shape (n_groups,) each."""

    patients: tuple[int, ...]
    events: tuple[int, ...]

    @property
    def kept(self) -> list[int]:
        """The groups that hold patients."""
        return [group for group, n in enumerate(self.patients) if n > 0]

    @property
    def compares_nothing(self) -> bool:
        """Whether there are not two groups, or no event: all sums of the test are then 0, and nothing is opened for it."""
        return len(self.kept) < 2 or not any(self.events)

    @property
    def decimals(self) -> int:
        """Of observed less expected events and their covariance."""
        return decimals([self.events[group] for group in self.kept])


def decimals(events: Sequence[int]) -> int:
    """Decimals of observed less expected events and their covariance, by the events of the groups."""
    return 3 if min(events, default=0) > 100 else 2


def counts_of(test: Compared, study: Study, cells: Verdicts) -> GroupCounts | Withheld:
    """The counts of a test's groups, or the mark of one that is not shown: the test would tell it."""
    pairs = group_cells(study, test.cohort, test.endpoint, test.by, test.kinds)
    found: list[int] = []
    for cell in (*(n for n, _ in pairs), *(d for _, d in pairs)):
        shown = cells[cell]
        if isinstance(shown, Withheld):
            return shown
        found.append(shown)
    return GroupCounts(tuple(found[: len(pairs)]), tuple(found[len(pairs) :]))


@dataclass(frozen=True)
class _Considered:
    test: Compared
    ways: float
    bits: float

    def meets(self, other: _Considered, study: Study) -> bool:
        """Whether what is opened of the two adds up."""
        same = origin_of(study, self.test.endpoint) == origin_of(study, other.test.endpoint)
        return same and bool(self.test.factors & other.test.factors)


def shares(study: Study, facts: Facts, cells: Verdicts) -> dict[str, float]:
    """Of each test of the plan that may be tried: b, the bits of all tests that share its budget, its own among them.

    A function of what is public and released, equal for everybody.
    """
    chosen: list[_Considered] = []
    for test in sorted(compared_in(study), key=lambda each: not each.primary):
        counts = counts_of(test, study, cells)
        if not isinstance(counts, Withheld) and not counts.compares_nothing:
            n_days = len(facts.days[origin_of(study, test.endpoint)].steps)
            candidate = _Considered(test, ways_at_best(counts, study, n_days), bits(test, counts))
            together = [*chosen, candidate]
            if all(
                each.ways - _spent(each, together, study) >= MARGIN
                for each in together
                if each.meets(candidate, study)
            ):
                chosen = together
    return {each.test.name: _spent(each, chosen, study) for each in chosen}


def _spent(each: _Considered, among: Sequence[_Considered], study: Study) -> float:
    return sum(other.bits for other in among if other.meets(each, study))


def enough(h: float, b: float | None) -> bool:
    """Whether a test may be opened: `h` by `ways`, b by `shares` (None of a test that is not among them)."""
    return b is not None and h - b >= MARGIN


def largest_chi_square(h: float, own: float) -> float:
    """Up to which chi-square 2^20 ways are left: `h` by `ways`, and the bits of the test itself by `bits`."""
    return 2 * math.log(2) * (h - own - LEAST_BITS)


def compared_in(study: Study) -> Iterator[Compared]:
    """All tests between groups of the plan, in its order."""
    for analysis in study.plan.analyses:
        if isinstance(analysis, Compares):
            yield from analysis.compared(study)


def bits(test: Compared, counts: GroupCounts) -> float:
    """log2 of how many values the opened numbers of a test could have.

    Of K groups with D events these are K - 1 differences and K (K - 1)/2 covariances, in units of `unit`; of each pair of groups one
    and one more. A difference is that of known observed events, if they are not weighted, and of expected ones between 0 and D; a
    covariance is at most D/4 in size.
    """
    events = [counts.events[group] for group in counts.kept]
    if counts.compares_nothing:
        return 0.0
    n = sum(counts.patients)
    found = _bits_of(sum(events), len(events), test.weighing, n, counts.decimals)
    if test.pairwise:
        found += sum(
            _bits_of(a + b, 2, test.weighing, n, counts.decimals)
            for a, b in combinations(events, 2)
        )
    return found


def _bits_of(events: int, k: int, weighing: Weighing, n: int, places: int) -> float:
    largest = weighing.largest(n)
    observed = 1 if weighing.name == "log_rank" else 2
    difference = observed * events * largest / float(unit(weighing, n, places))
    covariance = events / 4 * largest**2 / float(unit(weighing, n, places, squared=True))
    return (k - 1) * math.log2(difference + 1) + k * (k - 1) / 2 * math.log2(covariance + 1)


def unit(weighing: Weighing, n: int, places: int, *, squared: bool = False) -> Fraction:
    """Of what the opened differences (or, squared, covariances) are whole multiples: so many decimals where the largest weight is 1.

    If the weights of n patients are larger or smaller, the power of ten below the largest (or its square) takes the place of 1.
    """
    largest = weighing.largest(n) ** (2 if squared else 1)
    return Fraction(10) ** (math.floor(math.log10(largest) + 1e-9) - places)


def ways(blocks: Sequence[Sequence[int]], days: Sequence[int]) -> float:
    """h, log2 of the ways to give the events of each block to the groups.

    Parameters
    ----------
    blocks
        Events of each group between released times, shape (n_blocks, n_groups).
    days
        Public days in each block; if a block has more events than days they are taken to fall evenly on them.
    """
    return sum(
        _ways_of(tuple(events), max(n_days, 1)) for events, n_days in zip(blocks, days, strict=True)
    )


def _ways_of(events: tuple[int, ...], n_days: int) -> float:
    """The groups are taken off one by one: of the first so many ways among all events, of the second among the rest, ..."""
    total, found = sum(events), 0.0
    on_a_day = max(-(-total // n_days), 1)
    for own in sorted(events)[:-1]:
        found += math.log2(_ways_of_two(own, total - own, on_a_day))
        total -= own
    return found


@cache
def _ways_of_two(own: int, rest: int, on_a_day: int) -> int:
    """Tables of days by two groups with so many events, each day having `on_a_day`: the coefficient of x^own in a product of 1 + x + ..."""
    if on_a_day == 1:
        return math.comb(own + rest, own)
    found = [1] + [0] * own
    left = own + rest
    while left:
        several = min(on_a_day, left)
        left -= several
        found = [sum(found[max(0, place - several) : place + 1]) for place in range(own + 1)]
    return found[own]


def ways_at_best(counts: GroupCounts, study: Study, n_days: int) -> float:
    """h as if released times parted the events evenly, one after 2 k events of the smallest group: so they are found in practice."""
    events = [counts.events[group] for group in counts.kept]
    apart = 2 * study.plan.disclosure.minimum_cell
    n_blocks = max(min((each for each in events if each > 0), default=0) // apart, 1)
    blocks = [
        [each * (block + 1) // n_blocks - each * block // n_blocks for each in events]
        for block in range(n_blocks)
    ]
    total = max(sum(events), 1)
    return ways(blocks, [-(-sum(block) * n_days // total) for block in blocks])
