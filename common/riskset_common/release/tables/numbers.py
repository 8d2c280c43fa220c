"""Numbers in a table on shares: mean and standard deviation from hidden sums, quartiles by comparing hidden counts of bins.

Nothing is opened of them but what is printed, three significant digits. In how many patients a number is known is a count of the plan,
and decides whether anything of it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np

from riskset_common.release.counted import Counted, CountedArray, Identity, OwnNumbers
from riskset_common.release.floors import Floors
from riskset_common.release.given import Given
from riskset_common.release.program import Ask, Opened, Program
from riskset_common.release.tables.counts import columns, number_cells
from riskset_common.release.tables.digits import Digits
from riskset_common.release.times import Cohort
from riskset_common.results.shown import Shown, Withheld
from riskset_common.results.tables import BaselineNumber
from riskset_common.study.patients import MISSING, Patients
from riskset_common.study.study import Study, cross
from riskset_common.survival.arrays.calculator import Numbers
from riskset_common.survival.tables.histograms import Bins, ranks, scale_of

FRACTION_BITS: Final = 40
"""Of a site's sums."""
QUANTILES: Final = {
    "lower_quartile": (Fraction(1, 4), 4),
    "median": (Fraction(1, 2), 2),
    "upper_quartile": (Fraction(3, 4), 4),
}
"""Each with the number of parts into which it cuts the patients: all of them must hold `minimum_cell`."""
MOST_COMPARED: Final = 20_000
"""Comparisons of hidden counts for the quartiles of one number: some 20 seconds of each member."""


@dataclass(frozen=True)
class NumberSums(Counted):
    """One number of a cohort by group: sums of scaled values and of their squares, and patients by bin.

    Attributes
    ----------
    cohort, by
        The patients, and the variables of which the groups are the combinations; who is in no group is not counted.
    variable
        The number.
    low, high
        Its range in the codebook: all values lie in it.
    width
        Of its bins; None where no quartiles are asked.
    patients
        A bound of the patients of all sites.
    """

    cohort: Cohort
    by: tuple[str, ...]
    variable: str
    low: float
    high: float
    width: Fraction | None
    patients: int

    @property
    def bins(self) -> Bins:
        """The bins of the range; those outside it hold nobody. Only where there is a width."""
        low, high = (Fraction(repr(end)) for end in (self.low, self.high))
        width = self.width or Fraction(1)
        ends = (math.floor(end / width + Fraction(1, 2)) for end in (low, high))
        return Bins(width, *ends)

    @property
    def n_bins(self) -> int:
        """How many lie within the range."""
        return self.bins.n - 2

    def _n_groups(self, study: Study) -> int:
        return math.prod(len(study.levels(name)) for name in self.by)

    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        """`known` (groups,), `sums` (2, groups), and `bins` (groups, bins) where quartiles are asked."""
        groups = self._n_groups(study)
        found = {
            "known": CountedArray((groups,)),
            "sums": CountedArray((2, groups), FRACTION_BITS, self.patients),
        }
        return (
            found if self.width is None else found | {"bins": CountedArray((groups, self.n_bins))}
        )

    def identities(self, study: Study) -> Iterator[Identity]:
        """Every patient in whom it is known is in a bin."""
        del study
        if self.width is not None:
            yield Identity((("bins", (1,)),), (("known", ()),))

    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        """This site's sums."""
        chosen = self.cohort.of(patients, study, None)
        sizes = [len(study.levels(name)) for name in self.by]
        group = cross((chosen.categories[name] for name in self.by), sizes, chosen.n)
        here = chosen.known(self.variable) & (group != MISSING)
        value, group = chosen.numbers[self.variable][here], group[here]
        groups = self._n_groups(study)
        middle, exponent = scale_of(self.low, self.high)
        scaled = np.ldexp(value - middle, -exponent)
        powers = (scaled, scaled**2)
        found: dict[str, np.ndarray] = {
            "known": np.bincount(group, minlength=groups),
            "sums": np.array([np.bincount(group, each, minlength=groups) for each in powers]),
        }
        if self.width is not None:
            # Reading the records refused what lies outside the range.
            place = np.clip(self.bins.places(value) - 1, 0, self.n_bins - 1)
            cells = np.bincount(group * self.n_bins + place, minlength=groups * self.n_bins)
            found["bins"] = cells.reshape(groups, self.n_bins)
        return found


def too_many_compared(sums: NumberSums, study: Study) -> bool:
    """Whether the quartiles of a number take more comparisons than are made."""
    if sums.width is None:
        return False
    per_column = 2 * len(QUANTILES) * sums.n_bins
    return per_column * len(columns(study, sums.by)) > MOST_COMPARED


@dataclass(frozen=True)
class _Value:
    """One statistic of one column, which is computed: the groups that the column holds, and how many patients it is of."""

    statistic: str
    place: int
    groups: tuple[int, ...]
    n: int

    @property
    def name(self) -> str:
        """What is opened, in words."""
        return f"{self.statistic} of column {self.place + 1}"


class Row:
    """One number of a table: which of its values are computed follows from the verdicts of the plan's counts."""

    def __init__(self, given: Given, sums: NumberSums) -> None:
        self._given, self._sums = given, sums
        cells = [
            number_cells(given.study, sums.cohort, column, sums.variable)
            for column in columns(given.study, sums.by)
        ]
        self.known: tuple[Shown[int], ...] = tuple(given.cells[known] for known, _ in cells)
        """In how many patients of each group it is known, and last of all."""
        self.unknown: tuple[Shown[int], ...] = tuple(given.cells[unknown] for _, unknown in cells)

    @property
    def _statistics(self) -> tuple[str, ...]:
        quantiles = () if self._sums.width is None else tuple(QUANTILES)
        return ("mean", "std_dev", *quantiles)

    def program(self) -> Program[BaselineNumber]:
        """Open what is shown of the number."""
        asks: list[Ask] = []
        for value in self._computed():
            asks += self._asks(value)
        opened = iter((yield asks) if asks else ())
        found = {}
        for value in self._computed():
            (printed,) = self._digits(value.statistic).values(next(opened), next(opened))
            found[value.statistic, value.place] = printed
        return self._result(found)

    def implied(self, row: BaselineNumber) -> dict[str, Opened]:
        """What the program must have opened, from the row that it gave."""
        found: dict[str, Opened] = {}
        for value in self._computed():
            printed = getattr(row, value.statistic)[value.place]
            digits, places = self._digits(value.statistic).implied([printed])
            name = f"{self._sums.variable}: {value.name}"
            found[f"{name}: digits"], found[f"{name}: places"] = digits, places
        return found

    def _state(self, statistic: str, place: int) -> int | Withheld:
        """Of how many patients the statistic of a column is; or the mark, where they are too few or a group's is not shown."""
        n, floors = self.known[place], Floors.of(self._given.study.plan.disclosure)
        if isinstance(n, Withheld):
            return n
        parts = QUANTILES[statistic][1] if statistic in QUANTILES else 1
        if 0 < n < parts * floors.smallest:
            return floors.few
        if place == len(self.known) - 1:
            # The mean of all gives that of the one group that is held.
            of_groups = [self._state(statistic, group) for group in range(place)]
            held = [each for each in of_groups if isinstance(each, Withheld)]
            return replace(held[0], reason="protects") if held else n
        return n

    def _computed(self) -> Iterator[_Value]:
        last = len(self.known) - 1
        for statistic in self._statistics:
            for place in range(len(self.known)):
                n = self._state(statistic, place)
                if isinstance(n, int) and n >= (2 if statistic == "std_dev" else 1):
                    groups = tuple(range(last)) if place == last else (place,)
                    yield _Value(statistic, place, groups, n)

    def _result(self, found: Mapping[tuple[str, int], float]) -> BaselineNumber:
        def shown(statistic: str) -> tuple[Shown[float], ...]:
            states = [self._state(statistic, place) for place in range(len(self.known))]
            return tuple(
                state if isinstance(state, Withheld) else found.get((statistic, place), math.nan)
                for place, state in enumerate(states)
            )

        asked = self._statistics
        return BaselineNumber(
            variable=self._sums.variable,
            n=self.known,
            mean=shown("mean"),
            std_dev=shown("std_dev"),
            median=shown("median") if "median" in asked else None,
            lower_quartile=shown("lower_quartile") if "lower_quartile" in asked else None,
            upper_quartile=shown("upper_quartile") if "upper_quartile" in asked else None,
        )

    def _digits(self, statistic: str) -> Digits:
        low, high = (Fraction(repr(end)) for end in (self._sums.low, self._sums.high))
        if statistic == "std_dev":
            # No set of values from a range has more than 0.71 of its width as standard deviation.
            return Digits.within(Fraction(0), high - low)
        if statistic in QUANTILES:
            width = self._sums.bins.width
            ends = self._sums.bins.first * width, self._sums.bins.last * width
            return Digits.within(*ends, finest=width)
        return Digits.within(low, high)

    def _asks(self, value: _Value) -> tuple[Ask, Ask]:
        calculator, name = self._given.calculator, f"{self._sums.variable}: {value.name}"
        digits = self._digits(value.statistic)
        if value.statistic in QUANTILES:
            hidden, scale = self._quantile(value)
            return digits.asks(calculator, name, hidden, scale)
        hidden = self._mean(value) if value.statistic == "mean" else self._deviation(value)
        return digits.asks(calculator, name, hidden)

    def _moments(self, value: _Value) -> tuple[Numbers, Numbers]:
        """The means of scaled values and of their squares, each of shape (1,)."""
        calculator = self._given.calculator
        sums = self._given.data[self._sums]["sums"][:, np.array(value.groups)].total(axis=1)
        bounded = calculator.bounded(sums, value.n, "scaled values lie from -1 to 1")
        share = calculator.bounded(
            bounded * calculator.real(np.array([1 / value.n])), 1.0, "so their mean does"
        )
        return share[0:1], share[1:2]

    def _mean(self, value: _Value) -> Numbers:
        calculator = self._given.calculator
        middle, exponent = scale_of(self._sums.low, self._sums.high)
        mean, _ = self._moments(value)
        scaled = mean * calculator.real(np.array([math.ldexp(1.0, exponent)]))
        return scaled + calculator.real(np.array([middle]))

    def _deviation(self, value: _Value) -> Numbers:
        """The root of (mean of squares - square of mean) n / (n - 1)."""
        calculator = self._given.calculator
        _, exponent = scale_of(self._sums.low, self._sums.high)
        mean, squares = self._moments(value)
        spread = calculator.bounded(
            squares - mean * mean, 1.0, "squares of scaled values lie from 0 to 1"
        )
        unbiased = spread * calculator.real(np.array([value.n / (value.n - 1)]))
        root = calculator.root(unbiased, 2.0)
        return root * calculator.real(np.array([math.ldexp(1.0, exponent)]))

    def _quantile(self, value: _Value) -> tuple[Numbers, Fraction]:
        """The quantile as a whole number, shape (1,), and the unit that it counts."""
        p, _ = QUANTILES[value.statistic]
        rank, after, g = ranks(value.n, p, self._given.study.plan.conventions)
        low, high = self._multiple(value, rank), self._multiple(value, after)
        hidden = low * (g.denominator - g.numerator) + high * g.numerator
        return hidden, self._sums.bins.width / g.denominator

    def _multiple(self, value: _Value, rank: int) -> Numbers:
        """Which multiple of the width the value of a rank is: the first, and one more for each bin up to which fewer patients lie."""
        calculator = self._given.calculator
        counts = self._given.data[self._sums]["bins"][np.array(value.groups)].total(axis=0)
        fewer = calculator.at_most(counts.running_total(), rank - 1)
        return fewer.total().reshape(1) + self._sums.bins.first
