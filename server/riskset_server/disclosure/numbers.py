"""The release of numbers in a table of characteristics: means and quartiles with enough patients behind them.

A mean is a sum of patients' values, and a quartile is one patient's value; both are shown rounded, and only if enough patients are
behind them. The mean of all gives the mean of a group that is held back, so it is held with it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from riskset_common.results.shown import Shown, exact
from riskset_common.results.tables import BaselineNumber, MissingValues
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.table import held_back, without
from riskset_server.disclosure.withheld import fewest_patients, small_count, too_few_patients

NUMBER_DIGITS = 3
"""Digits of a released mean, standard deviation, median or quartile."""

HALVES, QUARTERS = 2, 4
"""Into how many parts a median or a quartile cuts the patients; each must hold `minimum_cell` of them, as must all behind a mean."""


def released_number(
    number: BaselineNumber,
    unknown: MissingValues,
    columns: frozenset[int],
    disclosure: Disclosure,
) -> tuple[BaselineNumber, MissingValues]:
    """A number and the patients in whom it is not known, under the disclosure rules; `columns` are held back as a whole."""
    rule, counts = small_count(disclosure), [exact(n) for n in number.n]
    *known, total = counts
    not_known = [exact(n) for n in unknown.counts]
    held = held_back([known, not_known], columns, disclosure.minimum_cell)
    few = {index for index, n in enumerate(known) if 0 < n < fewest_patients(disclosure)}

    def released(values: Sequence[Shown[float]], parts: int) -> tuple[Shown[float], ...]:
        return _released(values, counts, parts, columns | few, disclosure)

    def in_parts(
        values: Sequence[Shown[float]] | None, parts: int
    ) -> tuple[Shown[float], ...] | None:
        return None if values is None else released(values, parts)

    shown = BaselineNumber(
        variable=number.variable,
        n=(
            *(rule if held.holds(0, index) else n for index, n in enumerate(known)),
            rule if 0 in held.rows else total,
        ),
        mean=released(number.mean, 1),
        std_dev=released(number.std_dev, 1),
        median=in_parts(number.median, HALVES),
        lower_quartile=in_parts(number.lower_quartile, QUARTERS),
        upper_quartile=in_parts(number.upper_quartile, QUARTERS),
    )
    missing = MissingValues(
        counts=tuple(rule if held.holds(1, index) else n for index, n in enumerate(not_known)),
        total=rule if 1 in held.rows else unknown.total,
    )
    return shown, missing


def _released(
    values: Sequence[Shown[float]],
    counts: Sequence[int],
    parts: int,
    hidden: Collection[int],
    disclosure: Disclosure,
) -> tuple[Shown[float], ...]:
    """One statistic by column, that of all patients last; `counts` are the patients in whom the number is known."""
    smallest = disclosure.minimum_cell
    *known, total = counts
    held = set(hidden)
    held |= {index for index, n in enumerate(known) if 0 < n < parts * smallest}
    if held or 0 < total < max(parts * smallest, fewest_patients(disclosure)):
        held.add(len(known))
    rounded = [_rounded(exact(value)) for value in values]
    return without(rounded, held, too_few_patients(disclosure))


def _rounded(value: float) -> float:
    return float(f"{value:.{NUMBER_DIGITS}g}")
