"""Programs of curves at the members of a committee give the released results of numbers that lie open, and open the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import Cohort, random_cohort
from tests.common.release.curves.computed import Computed, computed
from tests.common.secure.blind.blind_parties import arithmetics, shared, together
from tests.common.secure.blind.on_shares import COMMITTEES, SMALLEST, program_on_shares

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.release.curves.plan_times import Wanted, times_program
from riskset_common.release.given import Given
from riskset_common.release.program import Program
from riskset_common.results.as_json import as_json
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import from_integers
from riskset_common.secure.blind.expressions.on_shares import OnShares
from riskset_common.survival.arrays.calculator import clear

ANALYSES: dict[str, dict[str, Any]] = {
    "survival by sex": {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "by": "sex",
        "at": [8],
        "rmean": 12,
        "quantiles": [0.25],
        "contrast": ["survival", "rmean"],
    },
    "survival after late entry": {"kind": "kaplan_meier", "endpoint": "LATE", "at": [8]},
    "incidence": {"kind": "cumulative_incidence", "endpoint": "EFS", "at": [8]},
    "follow-up": {"kind": "follow_up", "endpoint": "EFS", "completeness": "age"},
}


def short(seed: int, n: int) -> Cohort:
    """Patients who are followed for at most 20 steps."""
    cohort = random_cohort(seed, n=n)
    time = np.minimum(cohort.time, 20)
    return cohort.with_values(time=time, entry=np.minimum(cohort.entry, time - 1) // 4)


COHORTS = {
    "usual": short(11, 260),
    "all have the event": short(12, 120).with_values(event=np.ones(120, dtype=np.int64)),
}


def both(spec: Any, wanted: tuple[Wanted, ...], given: Given) -> Program[Any]:
    """The times of the curves, then the analysis."""
    accepted = yield from times_program(wanted, given)
    return (yield from estimator_of(spec.kind).program(spec, replace(given, accepted=accepted)))


def on_shares(committee: Committee, open_: Computed) -> list[Any]:
    """What the program gives at each member."""
    [spec] = open_.given.study.plan.analyses
    members, computations = arithmetics(committee), []
    dealt = {
        (counted, name): shared(committee, from_integers(map(int, clear(x).ravel())))
        for counted, arrays in open_.given.data.items()
        for name, x in arrays.items()
    }
    for number, member in enumerate(members):
        calculator, data = OnShares(member), {}
        for counted, arrays in open_.given.data.items():
            data[counted] = {
                name: calculator.hidden(
                    dealt[counted, name][number], x.shape, max(2**10, int(clear(x).max(initial=0)))
                )
                for name, x in arrays.items()
            }
        given = Given(open_.given.study, open_.given.facts, data, calculator, open_.given.cells)
        computations.append(program_on_shares(member, both(spec, open_.wanted, given)))
    return together(committee, computations)


@pytest.mark.parametrize(
    "committee",
    [SMALLEST, *(pytest.param(each, marks=pytest.mark.slow) for each in COMMITTEES[1:])],
    ids=lambda committee: f"{committee.size},{committee.threshold}",
)
@pytest.mark.parametrize(
    "cohort", ["usual", pytest.param("all have the event", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("analysis", ANALYSES)
def test_members_release_what_is_released_in_the_open(analysis, cohort, committee) -> None:
    open_ = computed(ANALYSES[analysis], COHORTS[cohort])
    found = on_shares(committee, open_)

    assert len(open_.opened) > 1
    assert [as_json(open_.result)] * committee.size == [as_json(each) for each in found]
