"""A test of the log-rank family under a release of rounded numbers: what is computed on counts, opened, and released.

The verdict is public before anything of the test is computed: the groups' patients and events must be shown, and what is opened must
leave enough ways to give the events to the groups (`budget`). Then differences and covariances are rounded and opened, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.release.budget import (
    TOO_LARGE_A_DIFFERENCE,
    TOO_MANY_DIGITS,
    Compared,
    GroupCounts,
    bits,
    counts_of,
    enough,
    largest_chi_square,
    shares,
)
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Opens, Program
from riskset_common.release.tests.known import KnownEvents, known_bits
from riskset_common.release.tests.opened import (
    Units,
    asked,
    chi_square,
    differs_little,
    in_units,
    opened_sums,
    shortened,
)
from riskset_common.release.tests.site_sums import SiteSums
from riskset_common.release.times import LeavingTimes, at_risk
from riskset_common.results.sequences import real_numbers, real_rows
from riskset_common.results.shown import Shown, Withheld
from riskset_common.results.tests import FurtherTests, LogRankResult, PairTest
from riskset_common.survival.arrays.calculator import Calculator, Numbers
from riskset_common.survival.arrays.distributions import ChiSquareTest
from riskset_common.survival.arrays.shapes import IntArray
from riskset_common.survival.tests.group_sums import GroupSums, group_sums, pairs_of
from riskset_common.survival.tests.holm import holm
from riskset_common.survival.tests.log_rank import LogRankSums

ALL, PAIRS = "test of all groups", "tests of pairs"
LITTLE = "whether the groups differ little enough for the test to be told"


@dataclass(frozen=True)
class AskedTest:
    """A test as the plan asks for it.

    Attributes
    ----------
    compared
        Its groups, events and weights.
    counted
        What the sites count for it: leaving times by stratum and group (strata first), or their own sums of a test stratified by site.
    title
        Of the test, as results name it.
    strata
        The variables of its strata.
    levels
        Of each group.
    is_trend
        Whether it tests for a trend over the groups' order.
    """

    compared: Compared
    counted: LeavingTimes | SiteSums
    title: str
    strata: tuple[str, ...]
    levels: tuple[Mapping[str, str], ...]
    is_trend: bool = False


@dataclass(frozen=True)
class ReleasedTests:
    """The test of all groups, and those of pairs if the plan asks for them."""

    test: Shown[LogRankResult]
    pairs: Shown[FurtherTests] | None


def log_rank_program(
    given: Given, asked_for: AskedTest, known: Sequence[KnownEvents]
) -> Program[ReleasedTests]:
    """The tests of an analysis. `known` are the events of each group that the released curves tell, in the order of `levels`."""
    pairwise = asked_for.compared.pairwise
    room = room_of(given, asked_for.compared, known)
    if isinstance(room, Withheld):
        return ReleasedTests(room, room if pairwise else None)
    kept, units = room.counts.kept, Units.of(asked_for.compared.weighing, room.counts)
    if room.counts.compares_nothing:
        return _of_nothing(asked_for, kept, units)
    patients = given.facts.patients
    scale = asked_for.compared.weighing.scale(patients)
    found = _sums(given, asked_for, kept)
    little = differs_little(given.calculator, found[ALL], room.largest, patients)
    (verdict,) = yield [Opens(LITTLE, little)]
    if not verdict.all():
        return ReleasedTests(TOO_LARGE_A_DIFFERENCE, TOO_LARGE_A_DIFFERENCE if pairwise else None)
    opened = yield [
        ask
        for name, sums in found.items()
        for ask in asked(name, given.calculator, sums, units, (scale, scale**2))
    ]
    difference, covariance = opened[:2]
    test = _result(asked_for, opened_sums(difference, covariance, units), units, len(kept))
    if not pairwise:
        return ReleasedTests(test, None)
    return ReleasedTests(test, _pairs(asked_for, kept, opened[2], opened[3], units))


@dataclass(frozen=True)
class Room:
    """What a test may open: the counts of its groups, and the largest chi-square that may be told."""

    counts: GroupCounts
    largest: float


def room_of(given: Given, test: Compared, known: Sequence[KnownEvents]) -> Room | Withheld:
    """What a test may open, or the mark of the rule that holds it back."""
    counts = counts_of(test, given.study, given.cells)
    if isinstance(counts, Withheld):
        return counts
    if counts.compares_nothing:
        return Room(counts, 0.0)
    budget = shares(given.study, given.facts, given.cells).get(test.name)
    h = known_bits(given, test, counts, known)
    if not enough(h, budget):
        return TOO_MANY_DIGITS
    return Room(counts, largest_chi_square(h, bits(test, counts)))


def log_rank_implied(
    given: Given,
    asked_for: AskedTest,
    test: Shown[LogRankResult],
    pairs: Shown[FurtherTests] | None,
) -> dict[str, Opened]:
    """What the program must have opened, by the name of each ask, from what was released."""
    counts = counts_of(asked_for.compared, given.study, given.cells)
    if test == TOO_LARGE_A_DIFFERENCE:
        return {LITTLE: np.zeros(1, dtype=np.int64)}
    if isinstance(test, Withheld) or isinstance(counts, Withheld) or counts.compares_nothing:
        return {}
    units = Units.of(asked_for.compared.weighing, counts)
    found: dict[str, Opened] = {LITTLE: np.ones(1, dtype=np.int64)}
    found |= implied_sums(ALL, test.difference or (), test.covariance, units)
    if pairs is not None and not isinstance(pairs, Withheld):
        difference = np.array([-(pair.difference or 0.0) for pair in pairs.pairwise])
        variance = np.array([pair.variance or 0.0 for pair in pairs.pairwise])
        shape = (-1, 1)
        found[f"{PAIRS}: observed less expected events"] = in_units(
            difference, units.difference
        ).reshape(shape)
        found[f"{PAIRS}: covariances"] = in_units(-variance, units.covariance).reshape(shape)
    return found


def implied_sums(
    name: str,
    difference: Sequence[float],
    covariance: Shown[tuple[tuple[float, ...], ...]],
    units: Units,
) -> dict[str, Opened]:
    """What was opened of the sums of a test, from what was released of them."""
    rows = np.array(() if isinstance(covariance, Withheld) else covariance)
    between = np.array([rows[pair] for pair in pairs_of(len(difference))])
    return {
        f"{name}: observed less expected events": in_units(
            np.array(difference[1:]), units.difference
        ),
        f"{name}: covariances": in_units(between, units.covariance),
    }


def _of_nothing(asked_for: AskedTest, kept: Sequence[int], units: Units) -> ReleasedTests:
    """The tests of groups without an event, or of one group: their sums are 0."""
    k, pairs = len(kept), pairs_of(len(kept))
    sums = LogRankSums(np.zeros(k), np.zeros(k), np.zeros((k, k)))
    test = _result(asked_for, sums, units, k)
    if not asked_for.compared.pairwise:
        return ReleasedTests(test, None)
    none = np.zeros((len(pairs), 1), dtype=np.int64)
    return ReleasedTests(test, _pairs(asked_for, kept, none, none, units))


def _sums(given: Given, asked_for: AskedTest, kept: Sequence[int]) -> dict[str, GroupSums]:
    """The sums of the groups that hold patients, and of each pair of them, shape (n_pairs, ...)."""
    counted, pairwise = asked_for.counted, asked_for.compared.pairwise
    data, k = given.data[counted], len(asked_for.levels)
    if isinstance(counted, SiteSums):
        found = {ALL: _kept(data["difference"], data["covariance"], k, kept)}
        if pairwise:
            places = [pairs_of(k).index(pair) for pair in _pairs_among(kept)]
            chosen = np.array(places, dtype=np.int64)
            found[PAIRS] = GroupSums(
                data["pair_difference"][chosen].reshape(-1, 1),
                data["pair_covariance"][chosen].reshape(-1, 1),
            )
        return found
    n, d = _by_stratum(given.calculator, data, counted, k)
    weighing, patients = asked_for.compared.weighing, given.facts.patients
    rows = np.array(kept, dtype=np.int64)
    found = {ALL: group_sums(given.calculator, n[:, rows], d[:, rows], weighing, patients)}
    if pairwise:
        pairs = [np.array(pair, dtype=np.int64) for pair in _pairs_among(kept)]
        shape = (1, n.shape[0], 2, n.shape[2])
        n_pairs, d_pairs = (
            given.calculator.joined([each[:, pair].reshape(*shape) for pair in pairs], axis=0)
            for each in (n, d)
        )
        found[PAIRS] = group_sums(given.calculator, n_pairs, d_pairs, weighing, patients)
    return found


def _by_stratum(
    calculator: Calculator, data: Mapping[str, Numbers], counted: LeavingTimes, k: int
) -> tuple[Numbers, Numbers]:
    """At risk and events by stratum, group and day, shape (n_strata, k, n_days) each."""
    n = at_risk(calculator, data, counted)[:-1][:, days_of(counted)]
    d = data["events"].total(axis=0)[:-1]
    shape = n.shape[0] // k, k, len(counted.days)
    return n.reshape(*shape), d.reshape(*shape)


def days_of(counted: LeavingTimes) -> IntArray:
    """The places of the days among the marks."""
    return np.searchsorted(np.asarray(counted.marks), np.asarray(counted.days)).astype(np.int64)


def _kept(difference: Numbers, covariance: Numbers, k: int, kept: Sequence[int]) -> GroupSums:
    """The sums of some of k groups; the others hold nobody, so that theirs are 0."""
    # A difference is there of each group but the first; that of the first kept group follows from the others.
    others = np.array([group - 1 for group in kept[1:]], dtype=np.int64)
    places = np.array([pairs_of(k).index(pair) for pair in _pairs_among(kept)], dtype=np.int64)
    return GroupSums(difference[others], covariance[places])


def _pairs_among(kept: Sequence[int]) -> list[tuple[int, int]]:
    return [(kept[first], kept[second]) for first, second in pairs_of(len(kept))]


def _result(asked_for: AskedTest, sums: LogRankSums, units: Units, k: int) -> LogRankResult:
    scores = tuple(range(1, k + 1)) if asked_for.is_trend else None
    along = None if scores is None else np.array(scores, dtype=np.float64)
    test = chi_square(sums, units, along)
    return LogRankResult(
        shortened(test.statistic),
        test.df,
        shortened(test.p_value),
        asked_for.title,
        asked_for.strata,
        observed=None,
        expected=None,
        covariance=real_rows(sums.covariance),
        difference=real_numbers(sums.observed),
        scores=scores,
    )


def _pairs(
    asked_for: AskedTest,
    kept: Sequence[int],
    difference: Opened,
    covariance: Opened,
    units: Units,
) -> FurtherTests:
    """The tests of pairs; one that is never at risk together at an event has 0 degrees of freedom and is no part of Holm's number."""
    sums = [opened_sums(*pair, units) for pair in zip(difference, covariance, strict=True)]
    tests = [chi_square(each, units, None) for each in sums]
    adjusted = iter(holm([test.p_value for test in tests if _is_told(test)]))
    return FurtherTests(
        tuple(
            PairTest(
                groups=tuple(asked_for.levels[group] for group in pair),
                statistic=shortened(test.statistic),
                df=test.df,
                p_value=shortened(test.p_value),
                p_holm=shortened(next(adjusted)) if _is_told(test) else shortened(test.p_value),
                difference=float(each.observed[0]),
                variance=float(each.covariance[0, 0]),
            )
            for pair, test, each in zip(_pairs_among(kept), tests, sums, strict=True)
        )
    )


def _is_told(test: ChiSquareTest) -> bool:
    return test.df > 0 and test.p_value == test.p_value
