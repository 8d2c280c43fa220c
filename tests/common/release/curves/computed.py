"""One analysis of a cohort under a release of rounded numbers, computed in the open: what it gives, and everything that was opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tests.common.estimators.cohorts import Cohort, study_of
from tests.common.release.rounded import computation, numbers_of

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.release.blank import Blank, Unseen
from riskset_common.release.curves.plan_times import Wanted, implied_by_times, times_program
from riskset_common.release.given import Given
from riskset_common.release.program import Ask, Opened, answered, in_the_open, run
from riskset_common.survival.arrays.calculator import InTheOpen

ROUNDED = {"release": "rounded", "release_step": 2, "minimum_sites": 3}


@dataclass(frozen=True)
class Computed:
    """The result, what everybody knows, and what was opened by the name of each ask: by its program, before it of times."""

    given: Given
    result: Any
    opened: Mapping[str, Opened]
    wanted: tuple[Wanted, ...]
    opened_of_times: Mapping[str, Opened]

    @property
    def implied(self) -> Mapping[str, Opened]:
        """What the result says of what was opened."""
        [spec] = self.given.study.plan.analyses
        return estimator_of(spec.kind).implied(spec, self.blank, self.result)

    @property
    def implied_of_times(self) -> Mapping[str, Opened]:
        """What the accepted times say of what was opened before."""
        return implied_by_times(self.wanted, self.blank, self.given.accepted)

    @property
    def blank(self) -> Given:
        """What is known where no number is: their shapes."""
        data = {
            counted: {name: Blank(*array.shape) for name, array in arrays.items()}
            for counted, arrays in self.given.data.items()
        }
        return replace(self.given, data=data, calculator=Unseen())

    def again(self, opened: Mapping[str, Opened]) -> Any:
        """The result where nothing is known but what was opened."""
        [spec] = self.given.study.plan.analyses
        program = estimator_of(spec.kind).program(spec, self.blank)
        return run(program, lambda ask: opened[ask.name])


def computed(
    analysis: Mapping[str, Any], cohort: Cohort, n_sites: int = 5, **disclosure: Any
) -> Computed:
    """The analysis, over the cohort's sites."""
    study = study_of(analysis, n_sites, disclosure=ROUNDED | disclosure)
    sites = cohort.patients(study)
    work, facts = computation(study, sites)
    data = numbers_of(work, facts, sites)
    verdicts = in_the_open(work.program(facts, data, InTheOpen())).verdicts
    given = Given(work.study, facts, data, InTheOpen(), verdicts.cells)
    wanted = work.curves(facts)
    of_times: dict[str, Opened] = {}
    accepted = run(times_program(wanted, given), _noting(of_times))
    given = replace(given, accepted=accepted)
    [spec] = study.plan.analyses
    opened: dict[str, Opened] = {}
    result = run(estimator_of(spec.kind).program(spec, given), _noting(opened))
    return Computed(given, result, opened, wanted, of_times)


def _noting(opened: dict[str, Opened]) -> Callable[[Ask], Opened]:
    def answer(ask: Ask) -> Opened:
        assert ask.name not in opened
        opened[ask.name] = answered(ask)
        return opened[ask.name]

    return answer


def same(one: Mapping[str, Opened], other: Mapping[str, Opened]) -> bool:
    """Whether the same was opened, ask by ask."""
    return one.keys() == other.keys() and all(
        np.array_equal(values.ravel(), np.ravel(other[name])) for name, values in one.items()
    )
