"""Numbers in a table of characteristics: mean and standard deviation from sums, median and quartiles from counts by bin.

A bin holds the values that are nearest to a multiple of its width, so that quantiles are exact where all values are such multiples,
and off by half a width at most elsewhere. The bins span the codebook's range, whatever the patients' values are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.estimators.estimator import Shape, Summary, counts, reals
from riskset_common.formats.strict_model import StrictModel
from riskset_common.results.sequences import real_numbers, whole_numbers
from riskset_common.results.tables import BaselineNumber
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.patients import Integers, Patients
from riskset_common.study.study import Study
from riskset_common.study.time_grid import exact
from riskset_common.survival.tables.histograms import (
    Bins,
    Definition,
    bins_between,
    mean_and_deviation,
    quantile,
    scale_of,
)

MAXIMUM_BINS = 10_000
QUARTILES = {
    "lower_quartile": Fraction(1, 4),
    "median": Fraction(1, 2),
    "upper_quartile": Fraction(3, 4),
}


class NumberRow(StrictModel):
    """A number as a row: `{number: name}`, with median and quartiles where it has a `bin_width`."""

    number: str
    bin_width: float | None = Field(default=None, gt=0)


def bins_of(row: NumberRow, study: Study) -> Bins | None:
    """The bins of a row; None without a `bin_width`."""
    if row.bin_width is None:
        return None
    return bins_between(exact(row.bin_width), *map(exact, _range(row, study) or (0.0, 0.0)))


def number_problems(rows: Sequence[NumberRow], study: Study) -> Iterator[str]:
    """Numbers without a range, and too many bins."""
    for row in rows:
        if _range(row, study) is None:
            yield (
                f"rows: {row.number} has no range in the codebook, which its sums and bins need. "
                "Write range: [lowest, highest] there."
            )
            continue
        bins = bins_of(row, study)
        if bins is not None and bins.n > MAXIMUM_BINS:
            yield (
                f"rows: bin_width {row.bin_width:g} makes {bins.n:,} bins of the range of {row.number}, at most {MAXIMUM_BINS:,} "
                "are counted. Choose a wider bin."
            )


def number_shapes(rows: Sequence[NumberRow], study: Study, columns: int) -> dict[str, Shape]:
    """Patients whose number is known, sums of scaled values and of their squares, and counts by bin; each by group."""
    if not rows:
        return {}
    bins = sum(found.n for row in rows if (found := bins_of(row, study)) is not None)
    return {
        "known": counts(len(rows), columns),
        "sums": reals(2, len(rows), columns),
        "bins": counts(bins, columns),
    }


def number_summary(
    rows: Sequence[NumberRow], study: Study, patients: Patients, group: Integers, columns: int
) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
    """This site's share; `group` has shape (n,)."""
    if not rows:
        return {}
    known = np.zeros((len(rows), columns), dtype=np.int64)
    sums = np.zeros((2, len(rows), columns))
    binned = [np.zeros((0, columns), dtype=np.int64)]
    for index, row in enumerate(rows):
        here = patients.known(row.number)
        value, of = patients.numbers[row.number][here], group[here]
        known[index] = np.bincount(of, minlength=columns)
        middle, exponent = _scale(row, study)
        scaled = np.ldexp(value - middle, -exponent)
        for power in (1, 2):
            sums[power - 1, index] = np.bincount(of, weights=scaled**power, minlength=columns)
        bins = bins_of(row, study)
        if bins is not None:
            cell = bins.places(value) * columns + of
            binned.append(np.bincount(cell, minlength=bins.n * columns).reshape(bins.n, columns))
    return {"known": known, "sums": sums, "bins": np.concatenate(binned)}


def number_contradictions(
    rows: Sequence[NumberRow], study: Study, pooled: Summary
) -> Iterator[str]:
    """Where the patients in whom a number is known are not those in its bins, or more than there are in a column."""
    begin = 0
    for row, known in zip(rows, pooled["known"], strict=True):
        if bool((known > pooled["n"]).any()):
            yield f"{row.number} is known of more patients than there are in a column"
        bins = bins_of(row, study)
        if bins is not None:
            if not np.array_equal(pooled["bins"][begin : begin + bins.n].sum(axis=0), known):
                yield f"the bins of {row.number} do not add up to the patients in whom it is known"
            begin += bins.n


def number_results(
    rows: Sequence[NumberRow], study: Study, pooled: Summary
) -> list[BaselineNumber]:
    """Every number from the pooled sums."""
    results: list[BaselineNumber] = []
    begin = 0
    for index, row in enumerate(rows):
        bins = bins_of(row, study)
        n_bins = 0 if bins is None else bins.n
        counted = _with_total(pooled["bins"][begin : begin + n_bins])
        begin += n_bins
        n = _with_total(pooled["known"][index])
        moments = [
            _in_units(row, study, int(patients), total, squares)
            for patients, total, squares in zip(
                n, *(_with_total(pooled["sums"][power, index]) for power in (0, 1)), strict=True
            )
        ]
        quartiles = {} if bins is None else _quartiles(counted, bins, study.plan.conventions)
        mean, std_dev = np.array(moments).T
        results.append(
            BaselineNumber(
                variable=row.number,
                n=whole_numbers(n),
                mean=real_numbers(mean),
                std_dev=real_numbers(std_dev),
                median=quartiles.get("median"),
                lower_quartile=quartiles.get("lower_quartile"),
                upper_quartile=quartiles.get("upper_quartile"),
            )
        )
    return results


def _quartiles(
    counted: NDArray[np.int64], bins: Bins, definition: Definition
) -> dict[str, tuple[float, ...]]:
    values = bins.values
    return {
        name: tuple(quantile(column, values, p, definition) for column in counted.T)
        for name, p in QUARTILES.items()
    }


def _with_total(by_group: NDArray[Any]) -> NDArray[Any]:
    """The groups along the last axis, and their sum at its end."""
    return np.concatenate((by_group, by_group.sum(axis=-1, keepdims=True)), axis=-1)


def _in_units(
    row: NumberRow, study: Study, n: int, total: float, squares: float
) -> tuple[float, float]:
    """Mean and standard deviation in the codebook's unit."""
    middle, exponent = _scale(row, study)
    mean, deviation = mean_and_deviation(n, float(total), float(squares))
    return middle + math.ldexp(mean, exponent), math.ldexp(deviation, exponent)


def _scale(row: NumberRow, study: Study) -> tuple[float, int]:
    """The middle of the range, and the power of two that brings the distance from it below one."""
    return scale_of(*(_range(row, study) or (0.0, 1.0)))


def _range(row: NumberRow, study: Study) -> tuple[float, float] | None:
    variable = study.codebook.variables[row.number]
    return variable.range if isinstance(variable, NumberVariable) else None
