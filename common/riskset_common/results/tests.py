"""Tests as they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from riskset_common.results.shown import WHEN_ASKED, Measured, Shown, Withheld, sized
from riskset_common.survival.arrays.distributions import ChiSquareTest

ContrastOf = Literal["survival", "rmean"]
"""What two groups differ in: survival at a time, or the restricted mean."""


@dataclass(frozen=True)
class PrintedTest:
    """A statistic that is chi-square distributed under the null hypothesis, and its P."""

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True)
class NamedTest(PrintedTest):
    """A test with the name under which it is printed."""

    name: str


@dataclass(frozen=True)
class ExactTest:
    """A test that has no statistic."""

    p_value: float
    name: str
    statistic: None
    df: None


@dataclass(frozen=True)
class GroupsTest(NamedTest, Measured):
    """A test between groups; the sequences run over those that hold patients.

    `observed` and `expected` events are weighted where the test weighs them, and so is their `difference`; `covariance`, shape
    (n_groups, n_groups), is of observed minus expected. Released rounded are the difference and the covariance, of which the test is
    made; exact, the observed and the expected.
    """

    strata: tuple[str, ...]
    observed: Shown[tuple[float, ...]] | None = field(metadata=WHEN_ASKED)
    expected: Shown[tuple[float, ...]] | None = field(metadata=WHEN_ASKED)
    covariance: Shown[tuple[tuple[float, ...], ...]]
    difference: tuple[float, ...] | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)

    def lengths(self) -> Iterator[tuple[str, int, int]]:
        """One entry a group; the covariance has as many rows and columns."""
        rows = () if isinstance(self.covariance, Withheld) else self.covariance
        by_row = {f"covariance[{index}]": row for index, row in enumerate(rows)}
        found = list(
            sized(
                observed=self.observed,
                expected=self.expected,
                difference=self.difference,
                covariance=self.covariance,
                **by_row,
            )
        )
        for name, length in found:
            yield name, length, found[0][1]


@dataclass(frozen=True)
class LogRankResult(GroupsTest):
    """A test of the log-rank family. `scores` are the places of the groups on the scale of a test for trend."""

    scores: tuple[int, ...] | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class GrayResult(GroupsTest):
    """Gray's test of one cause; weighted where `rho` is not 0."""

    rho: float | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class PairTest(Measured):
    """A test of two groups; `p_holm` is adjusted for the number of pairs.

    `difference` and `variance` are of the first group's observed minus expected events, which only a release of rounded numbers tells.
    """

    groups: tuple[Mapping[str, str], ...]
    statistic: Shown[float]
    df: Shown[int]
    p_value: Shown[float]
    p_holm: Shown[float]
    difference: float | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)
    variance: float | None = field(default=None, kw_only=True, metadata=WHEN_ASKED)

    def lengths(self) -> Iterator[tuple[str, int, int]]:
        """Two groups."""
        yield "groups", len(self.groups), 2


@dataclass(frozen=True)
class FurtherTests:
    """Tests beside that of all groups."""

    pairwise: tuple[PairTest, ...]


@dataclass(frozen=True)
class Contrast:
    """`group` minus `reference` in survival at `time`, or in the restricted mean up to `time`; NaN where it does not exist."""

    estimate: Shown[float]
    std_err: Shown[float]
    lower: Shown[float]
    upper: Shown[float]
    p_value: Shown[float]
    of: ContrastOf
    time: float
    group: Mapping[str, str]
    reference: Mapping[str, str]


def printed_test(test: ChiSquareTest) -> PrintedTest:
    """A test as it is printed."""
    return PrintedTest(test.statistic, test.df, test.p_value)


def named_test(name: str, test: ChiSquareTest) -> NamedTest:
    """A test as it is printed under a name."""
    return NamedTest(test.statistic, test.df, test.p_value, name)
