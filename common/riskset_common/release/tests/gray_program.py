"""Gray's tests under a release of rounded numbers: what is computed on counts, opened, and released, for each cause.

The verdict of a test is public before anything of it is computed, as of a log-rank test. Then one bit says whether its numbers stay within
the bounds that the formula has on shares; if not, the test has no result. Then differences and covariances are rounded and opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np

from riskset_common.release.budget import (
    TOO_LARGE_A_DIFFERENCE,
    Compared,
    GroupCounts,
    counts_of,
)
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Opens, Program
from riskset_common.release.tests.known import KnownEvents
from riskset_common.release.tests.log_rank_program import (
    LITTLE,
    Room,
    days_of,
    implied_sums,
    room_of,
)
from riskset_common.release.tests.opened import (
    Units,
    asked,
    chi_square,
    differs_little,
    opened_sums,
    shortened,
)
from riskset_common.release.times import LeavingTimes, at_risk
from riskset_common.results.sequences import real_numbers, real_rows
from riskset_common.results.shown import NO_RESULT, Shown, Withheld
from riskset_common.results.tests import GrayResult
from riskset_common.survival.arrays.calculator import Numbers
from riskset_common.survival.incidence.gray_sums import (
    GrayTerms,
    can_be_computed,
    gray_sums_of,
    gray_terms,
)
from riskset_common.survival.tests.log_rank import LogRankSums

OUT_OF_BOUNDS: Final = Withheld(NO_RESULT)
"""The mark of a test whose numbers pass the bounds that the formula has on shares."""

GrayTests: TypeAlias = Mapping[str, Shown[GrayResult]]
"""By cause."""


@dataclass(frozen=True)
class AskedGray:
    """Gray's tests as the plan asks for them.

    Attributes
    ----------
    compared
        The test of each cause, in their order.
    counted
        Leaving times by stratum and group (strata first), the causes being the first kinds of event.
    strata
        The variables of their strata.
    n_groups
        Of each stratum.
    rho
        Of the weight (1 - F0(t-))^rho.
    """

    compared: tuple[Compared, ...]
    counted: LeavingTimes
    strata: tuple[str, ...]
    n_groups: int
    rho: float

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes, one of each test."""
        return tuple(test.kinds[0] for test in self.compared)


def gray_program(
    given: Given, asked_for: AskedGray, known: Mapping[str, Sequence[KnownEvents]]
) -> Program[GrayTests]:
    """The tests of an analysis. `known` are the events of each cause and group that the released curves tell."""
    found: dict[str, Shown[GrayResult]] = {}
    admitted: dict[str, Room] = {}
    for cause, test in zip(asked_for.causes, asked_for.compared, strict=True):
        room = room_of(given, test, known[cause])
        if isinstance(room, Withheld):
            found[cause] = room
        elif room.counts.compares_nothing:
            found[cause] = _of_nothing(asked_for, room.counts)
        else:
            admitted[cause] = room
    if admitted:
        found |= yield from _computed(given, asked_for, admitted)
    return {cause: found[cause] for cause in asked_for.causes}


def gray_implied(given: Given, asked_for: AskedGray, tests: GrayTests) -> dict[str, Opened]:
    """What the program must have opened, by the name of each ask, from what was released."""
    found: dict[str, Opened] = {}
    for cause, test in zip(asked_for.causes, asked_for.compared, strict=True):
        counts, released = counts_of(test, given.study, given.cells), tests[cause]
        if released in (OUT_OF_BOUNDS, TOO_LARGE_A_DIFFERENCE):
            found[_verdict(cause)] = np.array([released != OUT_OF_BOUNDS], dtype=np.int64)
        if released == TOO_LARGE_A_DIFFERENCE:
            found[_little(cause)] = np.zeros(1, dtype=np.int64)
        if isinstance(released, Withheld) or isinstance(counts, Withheld):
            continue
        if not counts.compares_nothing:
            found[_verdict(cause)] = np.ones(1, dtype=np.int64)
            found[_little(cause)] = np.ones(1, dtype=np.int64)
            units = Units.of(test.weighing, counts)
            found |= implied_sums(cause, released.difference or (), released.covariance, units)
    return found


def gray_warnings(tests: GrayTests) -> Iterator[str]:
    """Why tests have no result, in words."""
    for cause, test in tests.items():
        if test == OUT_OF_BOUNDS:
            yield (
                f"Gray's test of {cause} has no result: towards the end so few patients are at risk that its incidence under the "
                "hypothesis, or its correction for events on one day, passes the bounds within which it is computed on shares."
            )


def _computed(
    given: Given, asked_for: AskedGray, admitted: Mapping[str, Room]
) -> Program[dict[str, Shown[GrayResult]]]:
    """The test of each cause that is admitted: whether it can be computed, whether it may be told, and then its sums."""
    largest = 1 << given.facts.patients.bit_length()
    terms = {
        cause: _terms(given, asked_for, cause, room.counts.kept, largest)
        for cause, room in admitted.items()
    }
    within = yield from _told(
        {_verdict(cause): can_be_computed(given.calculator, each) for cause, each in terms.items()}
    )
    found: dict[str, Shown[GrayResult]] = {
        cause: OUT_OF_BOUNDS for cause in terms if not within[_verdict(cause)]
    }
    sums = {
        cause: gray_sums_of(given.calculator, each, asked_for.rho, largest)
        for cause, each in terms.items()
        if cause not in found
    }
    little = yield from _told(
        {
            _little(cause): differs_little(
                given.calculator, each, admitted[cause].largest, largest, 1 / largest
            )
            for cause, each in sums.items()
        }
    )
    found |= {cause: TOO_LARGE_A_DIFFERENCE for cause in sums if not little[_little(cause)]}
    left = {cause: each for cause, each in sums.items() if cause not in found}
    units = {
        cause: Units.of(test.weighing, admitted[cause].counts)
        for cause, test in zip(asked_for.causes, asked_for.compared, strict=True)
        if cause in left
    }
    # Differences have no scale, and covariances the square of the bound of patients.
    scales = Fraction(1), Fraction(largest) ** 2
    asks = [
        ask
        for cause, each in left.items()
        for ask in asked(cause, given.calculator, each, units[cause], scales)
    ]
    opened = iter((yield asks) if asks else ())
    for cause in left:
        difference, covariance = next(opened), next(opened)
        of_cause = opened_sums(difference, covariance, units[cause])
        found[cause] = _result(asked_for, of_cause, units[cause])
    return found


def _told(bits: Mapping[str, Numbers]) -> Program[dict[str, bool]]:
    """Bits that become public, by name."""
    opened = (yield [Opens(name, bit) for name, bit in bits.items()]) if bits else ()
    return {name: bool(found[0]) for name, found in zip(bits, opened, strict=True)}


def _terms(
    given: Given, asked_for: AskedGray, cause: str, kept: Sequence[int], largest: int
) -> GrayTerms:
    """The terms of the groups that hold patients."""
    counted, k = asked_for.counted, asked_for.n_groups
    data, rows = given.data[counted], np.array(kept, dtype=np.int64)
    n = at_risk(given.calculator, data, counted)[:-1][:, days_of(counted)]
    of_cause = data["events"][asked_for.causes.index(cause)][:-1]
    competing = data["events"].total(axis=0)[:-1] - of_cause
    shape = n.shape[0] // k, k, len(counted.days)

    def chosen(x: Numbers) -> Numbers:
        return x.reshape(*shape)[:, rows]

    return gray_terms(given.calculator, chosen(n), chosen(of_cause), chosen(competing), largest)


def _of_nothing(asked_for: AskedGray, counts: GroupCounts) -> GrayResult:
    k = len(counts.kept)
    sums = LogRankSums(np.zeros(k), np.zeros(k), np.zeros((k, k)))
    return _result(asked_for, sums, Units.of(asked_for.compared[0].weighing, counts))


def _result(asked_for: AskedGray, sums: LogRankSums, units: Units) -> GrayResult:
    test = chi_square(sums, units, None)
    return GrayResult(
        shortened(test.statistic),
        test.df,
        shortened(test.p_value),
        "Gray",
        asked_for.strata,
        observed=None,
        expected=None,
        covariance=real_rows(sums.covariance),
        difference=real_numbers(sums.observed),
        rho=asked_for.rho or None,
    )


def _little(cause: str) -> str:
    return f"{cause}: {LITTLE}"


def _verdict(cause: str) -> str:
    return f"{cause}: whether its numbers stay within their bounds"
