"""The flow of patients through a study: who came to which step, as the boxes of a CONSORT diagram (Schulz et al. 2010).

The steps are a chain of categories. Each splits every box of the step before it into one box for each of its levels, and one for the
patients in whom it is not known. Where a step is known of nobody in a box, it does not apply there and is passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from riskset_common.estimators.disclosed import Disclosed, shows
from riskset_common.estimators.estimator import (
    Estimator,
    Request,
    Shape,
    State,
    Summary,
    Uses,
    counts,
)
from riskset_common.release.cells import Counts
from riskset_common.release.followed import cohort_of
from riskset_common.release.given import Given
from riskset_common.release.program import Opened, Program
from riskset_common.release.tables.shown_counts import flow_counts
from riskset_common.release.tables.tabulated import flow, unless_few
from riskset_common.results.flow import FlowBox, FlowResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.study.analysis import AnalysisSpec, Names, twice
from riskset_common.study.patients import MISSING, Patients
from riskset_common.study.study import Study

ENROLLED = "enrolled"
"""The step at which everybody is; it may come first, and needs no variable."""

MAXIMUM_BOXES = 1_000
"""Boxes that there may be at all depths, where each is a count of the plan with a verdict of its own."""

MAXIMUM_CELLS = 20_000
"""Combinations of levels of all steps; more than that is no diagram."""


class FlowSpec(AnalysisSpec):
    """A chain of steps."""

    kind: Literal["flow"]
    steps: Names = Field(min_length=1)

    @property
    def splits(self) -> tuple[str, ...]:
        """The steps that split: all but `enrolled` in the first place."""
        return self.steps[1:] if self.steps[0] == ENROLLED else self.steps


class CountFlow(State):
    """Count the patients of every combination of levels."""


FlowRequest = Request[FlowSpec, CountFlow]


class Flow(Estimator[FlowSpec, CountFlow, FlowResult]):
    """Counts by all combinations of steps in one round."""

    kind = "flow"
    spec = FlowSpec
    state = CountFlow
    result = FlowResult
    discloses = Disclosed(
        counts=(
            shows(
                "patients in every combination of levels of all steps, those in whom a step is not known included",
                "cells",
            ),
        )
    )

    def problems(self, spec: FlowSpec, study: Study) -> Iterator[str]:
        """Steps that are given twice or split nothing, and a chain of too many combinations."""
        yield from twice("steps", spec.steps)
        if spec.steps[0] == ENROLLED and study.codebook.levels(ENROLLED) is not None:
            yield (
                "steps: enrolled in the first place means all patients, but the codebook has a variable of this name. "
                "Give that variable another name."
            )
        if not spec.splits:
            yield "steps: enrolled alone splits nobody. Name a category."
        cells = math.prod(_sizes(study, spec.splits))
        if cells > MAXIMUM_CELLS:
            yield (
                f"steps: the levels of all steps have {cells:,} combinations, of which at most {MAXIMUM_CELLS:,} are counted. "
                "Name fewer steps, or join levels in the codebook."
            )

    def uses(self, spec: FlowSpec) -> Uses:
        """Every step; where one is not known is part of the answer."""
        return Uses(partial_categories=spec.splits)

    def cells(self, spec: FlowSpec, study: Study) -> Iterator[Counts]:
        """Every box that there may be."""
        return flow_counts(study, cohort_of(spec), spec.splits)

    def not_rounded(self, spec: FlowSpec, study: Study) -> Iterator[str]:
        """Too many boxes that there may be."""
        boxes = sum(
            math.prod(_sizes(study, spec.splits[:n])) for n in range(1, len(spec.splits) + 1)
        )
        if boxes > MAXIMUM_BOXES:
            yield (
                f"steps: there may be {boxes:,} boxes, of which at most {MAXIMUM_BOXES:,} are counted under release: rounded. "
                "Name fewer steps, or join levels in the codebook."
            )

    def program(self, spec: FlowSpec, given: Given) -> Program[FlowResult | WithheldAnalysis]:
        """The boxes that are shown; nothing is opened for them."""
        yield from ()
        return unless_few(flow(given.study, given.cells, cohort_of(spec), spec.splits))

    def implied(self, spec: FlowSpec, given: Given, result: FlowResult) -> Mapping[str, Opened]:
        """Nothing is opened for it."""
        del spec, given, result
        return {}

    def first(self, spec: FlowSpec, study: Study) -> FlowRequest:
        """Ask for every combination at once."""
        return Request(spec, study, CountFlow())

    def shapes(self, request: FlowRequest) -> Mapping[str, Shape]:
        """Patients by the levels of all steps, `not known` the last of each."""
        return {"cells": counts(*_sizes(request.study, request.spec.splits))}

    def summarise(self, patients: Patients, request: FlowRequest) -> Summary:
        """Count this site's patients."""
        here = self.analysed(patients, request).patients
        sizes = _sizes(request.study, request.spec.splits)
        cell = np.zeros(here.n, dtype=np.int64)
        for name, size in zip(request.spec.splits, sizes, strict=True):
            level = here.categories[name]
            cell = cell * size + np.where(level == MISSING, size - 1, level)
        return {"cells": np.bincount(cell, minlength=math.prod(sizes)).reshape(sizes)}

    def next(self, request: FlowRequest, pooled: Summary) -> FlowResult:
        """Boxes from the pooled counts."""
        cells = pooled["cells"]
        n = int(cells.sum())
        top = FlowBox(depth=0, step=None, level=None, path={}, n=n, percent=100.0 if n else None)
        return FlowResult(
            kind="flow",
            n=n,
            missing=0,
            steps=request.spec.splits,
            boxes=(top, *_below(request.study, request.spec.splits, cells, top)),
            warnings=(),
        )

    def everyone(self, request: FlowRequest, pooled: Summary) -> int:
        """The patients of all cells."""
        del request
        return int(pooled["cells"].sum())


def _sizes(study: Study, steps: Sequence[str]) -> tuple[int, ...]:
    """Levels of each step, and one more for `not known`."""
    return tuple(len(study.levels(name)) + 1 for name in steps)


def _below(
    study: Study, steps: Sequence[str], cells: NDArray[np.int64], above: FlowBox
) -> Iterator[FlowBox]:
    """Boxes into which the remaining steps split one; `cells` has one axis for each of these steps."""
    if not steps or above.n == 0:
        return
    step, *rest = steps
    by_level = cells.reshape(len(cells), -1).sum(axis=1).tolist()
    if by_level[-1] == above.n:
        yield from _below(study, rest, cells[-1], above)
        return
    levels: list[Any] = [*study.levels(step), None]
    for level, n, inside in zip(levels, by_level, cells, strict=True):
        box = FlowBox(
            depth=above.depth + 1,
            step=step,
            level=level,
            path={**above.path, step: level},
            n=n,
            percent=100.0 * n / above.n,
        )
        yield box
        yield from _below(study, rest, inside, box)
