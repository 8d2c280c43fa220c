"""Numbers in a table on shares: mean and standard deviation from hidden sums, quartiles by comparing hidden counts of bins.

Nothing is opened of them but what is printed, three significant digits. In how many patients a number is known is a count of the plan,
and decides whether anything of it is computed; where it is held only because few values are missing, it stays hidden in what is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np

from riskset_common.release.cells import patients_cell
from riskset_common.release.counted import Counted, CountedArray, Identity, OwnNumbers
from riskset_common.release.floors import Floors
from riskset_common.release.given import Given
from riskset_common.release.program import Ask, Opened, Program
from riskset_common.release.tables.digits import Digits
from riskset_common.release.tables.shown_counts import columns, number_cells
from riskset_common.release.times import Cohort
from riskset_common.results.shown import Shown, Withheld
from riskset_common.results.tables import BaselineNumber
from riskset_common.study.patients import MISSING, Patients
from riskset_common.study.study import Study, cross
from riskset_common.survival.arrays.calculator import Numbers
from riskset_common.survival.tables.histograms import Bins, scale_of

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
    """One statistic of one column, which is computed: the groups that the column holds."""

    statistic: str
    place: int
    groups: tuple[int, ...]

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
        self._sizes = tuple(
            given.cells[patients_cell(given.study, sums.cohort, None, column)]
            for column in columns(given.study, sums.by)
        )

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

    def _at_least(self, place: int) -> int | Withheld:
        """In how many patients of a column the number is known, or at the least; the mark where that cannot be said."""
        n, unknown, size = self.known[place], self.unknown[place], self._sizes[place]
        if not isinstance(n, Withheld):
            return n
        if n.reason == "small" or isinstance(size, Withheld):
            return n
        if isinstance(unknown, Withheld) and unknown.reason == "small":
            return size - Floors.of(self._given.study.plan.disclosure).smallest + 1
        return n

    def _state(self, statistic: str, place: int) -> int | Withheld:
        """Of how many patients the statistic of a column is; or the mark, where they are too few or a group's is not shown."""
        n, floors = self._at_least(place), Floors.of(self._given.study.plan.disclosure)
        if isinstance(n, Withheld):
            return n
        is_shown = not isinstance(self.known[place], Withheld)
        parts = QUANTILES[statistic][1] if statistic in QUANTILES else 1
        if n < max(parts * floors.smallest, floors.fewest, 2) and not (is_shown and not n):
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
                if isinstance(n, int) and n > 0:
                    groups = tuple(range(last)) if place == last else (place,)
                    yield _Value(statistic, place, groups)

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

    def _n(self, value: _Value) -> Numbers:
        """In how many patients the number is known, shape (1,); hidden where it is not shown."""
        calculator, n = self._given.calculator, self.known[value.place]
        if not isinstance(n, Withheld):
            return calculator.whole(np.array([n]))
        known = self._given.data[self._sums]["known"][np.array(value.groups)].total().reshape(1)
        return calculator.bounded(known, self._sums.patients, "no more than all patients")

    def _moments(self, value: _Value) -> tuple[Numbers, Numbers]:
        """The means of scaled values and of their squares, each of shape (1,)."""
        calculator = self._given.calculator
        sums = self._given.data[self._sums]["sums"][:, np.array(value.groups)].total(axis=1)
        bounded = calculator.bounded(
            sums,
            self._sums.patients,
            "scaled values lie from -1 to 1, of no more than all patients",
        )
        share = calculator.reciprocal(self._n(value), self._sums.patients)
        means = calculator.bounded(bounded * share, 1.0, "so their mean does")
        return means[0:1], means[1:2]

    def _mean(self, value: _Value) -> Numbers:
        calculator = self._given.calculator
        middle, exponent = scale_of(self._sums.low, self._sums.high)
        mean, _ = self._moments(value)
        scaled = mean * calculator.real(np.array([math.ldexp(1.0, exponent)]))
        return scaled + calculator.real(np.array([middle]))

    def _deviation(self, value: _Value) -> Numbers:
        """The root of (mean of squares - square of mean) n / (n - 1)."""
        calculator, n = self._given.calculator, self._n(value)
        _, exponent = scale_of(self._sums.low, self._sums.high)
        mean, squares = self._moments(value)
        spread = calculator.bounded(
            squares - mean * mean, 1.0, "squares of scaled values lie from 0 to 1"
        )
        share = calculator.reciprocal(n - 1, self._sums.patients)
        root = calculator.root(
            calculator.bounded(spread + spread * share, 2.0, "n / (n - 1) is 2 at most"), 2.0
        )
        return root * calculator.real(np.array([math.ldexp(1.0, exponent)]))

    def _quantile(self, value: _Value) -> tuple[Numbers, Fraction]:
        """The quantile as a whole number, shape (1,), and the unit that it counts.

        With h = n p (SAS) or (n - 1) p (R): SAS takes the mean of the first bins up to which h patients or more, and more than h,
        lie. R takes the first bins up to which more than h, and more than h + 1, lie, the second with the weight of what h has after
        its whole number (see `histograms.ranks`).
        """
        calculator, bins = self._given.calculator, self._sums.bins
        p, _ = QUANTILES[value.statistic]
        counts = self._given.data[self._sums]["bins"][np.array(value.groups)].total(axis=0)
        below = counts.running_total() * p.denominator
        if self._given.study.plan.conventions == "sas":
            at = self._n(value) * p.numerator
            low, high = self._bins_with(below, at - 1), self._bins_with(below, at)
            return low + high + 2 * bins.first, bins.width / 2
        at = (self._n(value) - 1) * p.numerator
        low, high = self._bins_with(below, at), self._bins_with(below, at + p.denominator)
        whole = calculator.rounded(at * 2 - (p.denominator - 1), Fraction(1, 2 * p.denominator))
        rest = at - whole * p.denominator
        apart = high - low
        return (low + bins.first) * p.denominator + rest * apart, bins.width / p.denominator

    def _bins_with(self, below: Numbers, most: Numbers) -> Numbers:
        """How many bins have at most so many patients up to their end, shape (1,): the place of the first that has more.

        Of the last bin it is not asked, so that there is always one.
        """
        fewer = self._given.calculator.at_most(below[: self._sums.n_bins - 1], most)
        return fewer.total().reshape(1)
