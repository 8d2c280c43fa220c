"""Characteristics of patients by group: counts and percentages of the known, numbers in mean and quartiles, and tests of the counts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from riskset_common.errors import EstimationError
from riskset_common.estimators.cohort.groups import group_codes, group_levels, group_name, n_groups
from riskset_common.estimators.disclosed import Disclosed, shows
from riskset_common.estimators.estimator import (
    Estimator,
    Request,
    Shape,
    State,
    Summary,
    Uses,
    counts,
    one,
)
from riskset_common.estimators.tables.numbers import (
    NumberRow,
    number_contradictions,
    number_problems,
    number_results,
    number_shapes,
    number_summary,
)
from riskset_common.release.cells import Counts, missing_cell
from riskset_common.release.counted import Counted
from riskset_common.release.facts import Facts
from riskset_common.release.followed import cohort_of
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Program, together
from riskset_common.release.tables.numbers import MOST_COMPARED, NumberSums, Row, too_many_compared
from riskset_common.release.tables.shown_counts import baseline_counts
from riskset_common.release.tables.tabulated import (
    column_sizes,
    missing_of,
    rows_of,
    table,
    unless_few,
)
from riskset_common.results.sequences import real_numbers, whole_numbers
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis, exact
from riskset_common.results.tables import BaselineNumber, BaselineResult, BaselineRow, MissingValues
from riskset_common.results.tests import ExactTest, NamedTest, named_test
from riskset_common.study.analysis import AnalysisSpec, Names, twice
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.patients import MISSING, Patients
from riskset_common.study.study import Study
from riskset_common.study.time_grid import exact as exact_decimal
from riskset_common.survival.tables.chi_square import pearson_test
from riskset_common.survival.tables.fisher import fisher_p_value

Rows = Annotated[
    tuple[str | NumberRow, ...],
    BeforeValidator(lambda found: [found] if isinstance(found, (str, dict)) else found),
]


class BaselineSpec(AnalysisSpec):
    """A table of characteristics: rows are levels of categories, or numbers; columns are groups."""

    kind: Literal["baseline"]
    by: Names = ()
    rows: Rows = Field(min_length=1)
    test: Literal["chi_square", "fisher"] | None = None

    def grouped_by(self) -> tuple[str, ...]:
        """The variables whose levels are the groups."""
        return self.by

    @property
    def characteristics(self) -> tuple[str, ...]:
        """The rows that are categories."""
        return tuple(row for row in self.rows if isinstance(row, str))

    @property
    def number_rows(self) -> tuple[NumberRow, ...]:
        """The rows that are numbers."""
        return tuple(row for row in self.rows if isinstance(row, NumberRow))


FISHER = "Fisher's exact"


class CountCells(State):
    """Count the patients of every cell."""


class Baseline(Estimator[BaselineSpec, CountCells, BaselineResult]):
    """Counts by level and group in one round."""

    kind = "baseline"
    spec = BaselineSpec
    state = CountCells
    result = BaselineResult
    discloses = Disclosed(
        counts=(
            shows("patients in every group", "n"),
            shows(
                "patients in every cell of the table, and those in whom a characteristic is missing",
                "cells",
            ),
            shows("patients without a group", "missing"),
        ),
        when={
            "a number is among the rows": (
                shows("in how many patients of each group it is known", "known"),
                shows("its sum and its sum of squares by group", "sums"),
            ),
            "its quartiles are asked": (shows("patients in each bin of its range", "bins"),),
        },
    )

    def problems(self, spec: BaselineSpec, study: Study) -> Iterator[str]:
        """A test without groups, a variable that is given twice, and numbers that cannot be summed."""
        uses = self.uses(spec)
        if spec.test is not None and not spec.by:
            yield "test compares groups, but `by` is missing."
        yield from twice("by and rows", (*uses.all_categories, *uses.all_numbers))
        yield from number_problems(spec.number_rows, study)

    def uses(self, spec: BaselineSpec) -> Uses:
        """Only the grouping must be known; a missing characteristic is a row of its own."""
        numbers = tuple(row.number for row in spec.number_rows)
        return Uses(
            categories=spec.by,
            partial_categories=spec.characteristics,
            partial_numbers=numbers,
        )

    def cells(self, spec: BaselineSpec, study: Study) -> Iterator[Counts]:
        """All counts of the table."""
        numbers = [row.number for row in spec.number_rows]
        return baseline_counts(study, cohort_of(spec), spec.by, spec.characteristics, numbers)

    def not_rounded(self, spec: BaselineSpec, study: Study) -> Iterator[str]:
        """Quartiles that take too many comparisons."""
        for row in spec.number_rows:
            if too_many_compared(_sums(spec, row, study, 0), study):
                yield (
                    f"rows: the quartiles of {row.number} take more than {MOST_COMPARED:,} comparisons of hidden counts. "
                    "Choose a wider bin_width, or fewer groups."
                )

    def uploads(self, spec: BaselineSpec, study: Study, facts: Facts) -> tuple[Counted, ...]:
        """The sums and bins of its numbers; its counts are counts of the plan."""
        return tuple(_sums(spec, row, study, facts.patients) for row in spec.number_rows)

    def program(
        self, spec: BaselineSpec, given: Given
    ) -> Program[BaselineResult | WithheldAnalysis]:
        """Counts as their verdicts say, tests of whole tables, and numbers."""
        rows = self._number_rows(spec, given)
        shown = unless_few(self._released(spec, given, {}))
        if isinstance(shown, WithheldAnalysis):
            return shown
        numbers = yield from together({name: row.program() for name, row in rows.items()})
        return self._released(spec, given, numbers)

    def implied(
        self, spec: BaselineSpec, given: Given, result: BaselineResult
    ) -> Mapping[str, Opened]:
        """The digits of its numbers."""
        rows = self._number_rows(spec, given)
        return {
            f"{number.variable}: {name}": opened
            for number in result.numbers
            for name, opened in rows[number.variable].implied(number).items()
        }

    def _number_rows(self, spec: BaselineSpec, given: Given) -> dict[str, Row]:
        study, bound = given.study, given.facts.patients
        return {row.number: Row(given, _sums(spec, row, study, bound)) for row in spec.number_rows}

    def _released(
        self, spec: BaselineSpec, given: Given, numbers: Mapping[str, BaselineNumber]
    ) -> BaselineResult:
        study, cells, cohort = given.study, given.cells, cohort_of(spec)
        sizes = column_sizes(study, cells, cohort, None, spec.by)
        tables = {name: table(study, cells, cohort, spec.by, name) for name in spec.characteristics}
        missing = {name: missing_of(each.unknown) for name, each in tables.items()}
        for name, row in self._number_rows(spec, given).items():
            missing[name] = missing_of(row.unknown)
        tests: dict[str, Shown[NamedTest | ExactTest]] = {}
        warnings: list[str] = []
        for name, each in tables.items():
            if spec.test is None:
                break
            whole = each.whole
            tests[name] = (
                whole if isinstance(whole, Withheld) else _tested(spec.test, name, whole, warnings)
            )
        return BaselineResult(
            kind="baseline",
            n=sizes[-1],
            missing=cells[missing_cell(study, cohort, None, spec.by)],
            by=" / ".join(spec.by) or None,
            columns=tuple(group_name(levels) for levels in group_levels(study, spec.by)),
            column_n=sizes[:-1],
            rows=tuple(row for name, each in tables.items() for row in rows_of(study, name, each)),
            numbers=tuple(numbers.values()),
            missing_values=missing,
            tests=tests,
            warnings=tuple(warnings),
        )

    def first(self, spec: BaselineSpec, study: Study) -> Request[BaselineSpec, CountCells]:
        """Ask for every cell at once."""
        return Request(spec, study, CountCells())

    def shapes(self, request: Request[BaselineSpec, CountCells]) -> Mapping[str, Shape]:
        """The patients without a group; those of each group; and for each characteristic its levels and 'not known', by group."""
        study, spec = request.study, request.spec
        columns = n_groups(study, spec.by)
        rows = sum(_n_rows(study, name) for name in spec.characteristics)
        shapes = {"missing": counts(), "n": counts(columns), "cells": counts(rows, columns)}
        return shapes | number_shapes(spec.number_rows, study, columns)

    def summarise(self, patients: Patients, request: Request[BaselineSpec, CountCells]) -> Summary:
        """Count this site's patients."""
        study, spec = request.study, request.spec
        cohort = self.analysed(patients, request)
        group = group_codes(study, cohort.patients, spec.by)
        columns = n_groups(study, spec.by)
        cells = [np.zeros((0, columns), dtype=np.int64)]
        for name in spec.characteristics:
            n_rows = _n_rows(study, name)
            level = cohort.patients.categories[name]
            row = np.where(level == MISSING, n_rows - 1, level)
            counted = np.bincount(row * columns + group, minlength=n_rows * columns)
            cells.append(counted.reshape(n_rows, columns))
        return {
            "missing": one(cohort.missing),
            "n": np.bincount(group, minlength=columns),
            "cells": np.concatenate(cells),
            **number_summary(spec.number_rows, study, cohort.patients, group, columns),
        }

    def next(self, request: Request[BaselineSpec, CountCells], pooled: Summary) -> BaselineResult:
        """Percentages and tests from the pooled counts."""
        study, spec = request.study, request.spec
        rows: list[BaselineRow] = []
        missing: dict[str, MissingValues] = {}
        tests: dict[str, NamedTest | ExactTest] = {}
        warnings: list[str] = []
        for name, cells in by_characteristic(request, pooled).items():
            known, unknown = cells[:-1], cells[-1]
            rows += _rows(name, study.levels(name), known)
            missing[name] = _unknown(unknown)
            if spec.test is not None:
                tests[name] = _tested(spec.test, name, known, warnings)
        numbers = number_results(spec.number_rows, study, pooled)
        for number in numbers:
            known_of = np.array([exact(n) for n in number.n[:-1]], dtype=np.int64)
            missing[number.variable] = _unknown(pooled["n"] - known_of)
        return BaselineResult(
            kind="baseline",
            n=int(pooled["n"].sum()),
            missing=int(pooled["missing"]),
            by=" / ".join(spec.by) or None,
            columns=tuple(group_name(levels) for levels in group_levels(study, spec.by)),
            column_n=whole_numbers(pooled["n"]),
            rows=tuple(rows),
            numbers=tuple(numbers),
            missing_values=missing,
            tests=tests,
            warnings=tuple(warnings),
        )

    def contradictions(
        self, request: Request[BaselineSpec, CountCells], pooled: Summary
    ) -> Iterator[str]:
        """Levels that do not add up to the patients of a column, nor bins to those in whom a number is known."""
        for variable, cells in by_characteristic(request, pooled).items():
            if not np.array_equal(cells.sum(axis=0), pooled["n"]):
                yield f"the levels of {variable} do not add up to the patients of each column"
        if request.spec.number_rows:
            yield from number_contradictions(request.spec.number_rows, request.study, pooled)

    def everyone(self, request: Request[BaselineSpec, CountCells], pooled: Summary) -> int:
        """The patients of all columns, and those without one."""
        del request
        return int(pooled["missing"]) + int(pooled["n"].sum())


def _sums(spec: BaselineSpec, row: NumberRow, study: Study, patients: int) -> NumberSums:
    """What sites count of a number under a rounded release."""
    variable = study.codebook.variables[row.number]
    low, high = (isinstance(variable, NumberVariable) and variable.range) or (0.0, 1.0)
    width = None if row.bin_width is None else exact_decimal(row.bin_width)
    return NumberSums(cohort_of(spec), spec.by, row.number, low, high, width, patients)


def _unknown(counted: NDArray[np.int64]) -> MissingValues:
    """Patients in whom a characteristic is not known, from their numbers by group."""
    return MissingValues(whole_numbers(counted), int(counted.sum()))


def by_characteristic(
    request: Request[BaselineSpec, CountCells], pooled: Summary
) -> dict[str, NDArray[np.int64]]:
    """The counts of each characteristic: its levels, then 'not known', by group, shape (n_levels + 1, n_groups)."""
    rows = request.spec.characteristics
    if not rows:
        return {}
    ends = np.cumsum([_n_rows(request.study, name) for name in rows])
    return dict(zip(rows, np.split(pooled["cells"], ends[:-1]), strict=True))


def _tested(
    test: Literal["chi_square", "fisher"],
    name: str,
    known: NDArray[np.int64],
    warnings: list[str],
) -> NamedTest | ExactTest:
    """The test of one characteristic; without P, and with a warning, where the exact test would go through too many tables."""
    if test == "chi_square":
        return named_test("chi-square", pearson_test(known).test)
    try:
        p_value = fisher_p_value(known)
    except EstimationError as error:
        warnings.append(f"{name}: {error}")
        p_value = math.nan
    return ExactTest(p_value=p_value, name=FISHER, statistic=None, df=None)


def _n_rows(study: Study, name: str) -> int:
    """Levels of a characteristic, and one row for 'not known'."""
    return len(study.levels(name)) + 1


def _rows(name: str, levels: tuple[str, ...], known: NDArray[np.int64]) -> list[BaselineRow]:
    column_totals = known.sum(axis=0)
    total = int(column_totals.sum())
    return [
        BaselineRow(
            variable=name,
            level=level,
            counts=whole_numbers(cells),
            percent=real_numbers(percent(cells, column_totals)),
            total=int(cells.sum()),
            total_percent=float(percent(cells.sum(), np.int64(total))),
        )
        for level, cells in zip(levels, known, strict=True)
    ]


def percent(
    part: NDArray[np.int64] | np.int64, whole: NDArray[np.int64] | np.int64
) -> NDArray[np.float64]:
    """100 part / whole, NaN where the whole is empty."""
    safe = np.where(np.asarray(whole) > 0, whole, 1)
    return np.where(np.asarray(whole) > 0, 100.0 * np.asarray(part) / safe, np.nan)
