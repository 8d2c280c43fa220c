"""The baseline hazard of a blind model at a few times: how a plan asks for it, and how it is printed.

In a model whose risk sets lie within sites every site has a baseline hazard of its own, which is not shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from pydantic import Field

from riskset_common.estimators.cohort.groups import group_levels
from riskset_common.estimators.on_shares import HazardEntries
from riskset_common.estimators.regression.terms import Column
from riskset_common.formats.strict_model import StrictModel
from riskset_common.results.regression import HazardRow, PrintedHazard
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.study import Study
from riskset_common.study.time_grid import exact


class BaselineHazardSpec(StrictModel):
    """The times, in the plan's unit, and the values of the numbers among the terms; factors are at their reference levels."""

    at: tuple[float, ...] = Field(min_length=1)
    numbers: Mapping[str, float] = {}

    def problems(self, names: Sequence[str], study: Study) -> Iterator[str]:
        """Times that are not in order, and numbers without a value within their range."""
        if list(self.at) != sorted(set(self.at)) or not all(0 <= t < math.inf for t in self.at):
            yield f"baseline_hazard.at must hold times in order, each once; found {list(self.at)}."
        for name in self.numbers:
            if name not in names:
                yield f"baseline_hazard.numbers holds {name}, which is no number among the terms."
        for name in names:
            variable = study.codebook.variables[name]
            value = self.numbers.get(name)
            if value is None:
                yield f"baseline_hazard.numbers has no value of {name}: say for which one the hazard is wanted."
            elif isinstance(variable, NumberVariable) and variable.range is not None:
                low, high = variable.range
                if not low <= value <= high:
                    yield f"baseline_hazard.numbers: {name} {value} is not within its range {low} to {high}."

    def steps(self, study: Study) -> tuple[int, ...]:
        """The last step of the time grid that is not after each time."""
        return tuple(math.floor(exact(time) / study.grid.units_per_step) for time in self.at)

    def covariates(self, columns: Sequence[Column]) -> tuple[float, ...]:
        """The value of each column of the design."""
        return tuple(
            math.prod(
                0.0 if part.level is not None else self.numbers[part.variable]
                for part in column.parts
            )
            for column in columns
        )


def printed_hazard(
    spec: BaselineHazardSpec, strata: Sequence[str], study: Study, entries: HazardEntries
) -> PrintedHazard:
    """The entries by name."""
    levels = list(group_levels(study, strata))
    return PrintedHazard(
        dict(spec.numbers),
        tuple(
            HazardRow(
                stratum=levels[int(entries.stratum[k])],
                time=spec.at[int(entries.place[k])],
                cumulative_hazard=float(entries.cumulative[k]),
                std_err=float(entries.std_err[k]),
            )
            for k in np.lexsort((entries.place, entries.stratum))
        ),
    )
