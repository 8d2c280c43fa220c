"""Programs of tests on sums that lie open: what they are given, what they open, and the exact test that they must round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from tests.common.estimators.cohorts import Cohort, study_of
from tests.common.estimators.pooling import pool

from riskset_common.release.blank import Blank, Unseen
from riskset_common.release.budget import compared_in
from riskset_common.release.cells import Cell, group_cells
from riskset_common.release.counted import Counted
from riskset_common.release.facts import DaySet, Facts, endpoints_of, origin_of
from riskset_common.release.followed import leaving_times
from riskset_common.release.given import Given
from riskset_common.release.program import Ask, Opened, Opens, Program, answered, run
from riskset_common.results.shown import Shown, Withheld
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import NUDGE, Clear, InTheOpen

Result = TypeVar("Result")

NO_FLOORS = {"release": "rounded", "minimum_cell": 1, "minimum_at_risk": 1}


def rounded_study(analysis: Mapping[str, Any], n_sites: int, **floors: int) -> Study:
    """A study that releases rounded numbers of one analysis."""
    return study_of(analysis, n_sites, disclosure=NO_FLOORS | floors)


def facts_of(study: Study, sites: Sequence[Patients]) -> Facts:
    """The public facts: days with an event of any endpoint of each origin."""
    days = {}
    for origin in dict.fromkeys(
        origin_of(study, spec.endpoint_name() or "") for spec in study.plan.analyses
    ):
        steps: set[int] = set()
        last = 0
        for name in endpoints_of(study, origin):
            for patients in sites:
                times = patients.endpoints[name]
                steps.update(times.time[times.event > 0].tolist())
                last = max(last, int(times.time.max(initial=0)))
        days[origin] = DaySet(tuple(sorted(steps)), 1 << last.bit_length(), told=True)
    return Facts(days, 1 << max(sum(each.n for each in sites), 1).bit_length())


def summed(study: Study, counted: Counted, sites: Sequence[Patients]) -> dict[str, np.ndarray]:
    """The sums over the sites, of the promised shapes and within the promised bounds."""
    found = [counted.of(patients, study) for patients in sites]
    promised = counted.arrays(study)
    for own in found:
        assert {name: each.shape for name, each in promised.items()} == {
            name: each.shape for name, each in own.items()
        }
        for name, each in promised.items():
            assert each.largest is None or bool(np.all(np.abs(own[name]) <= each.largest))
    return {name: np.asarray(sum(own[name] for own in found)) for name in promised}


def cells_of(study: Study, facts: Facts, sites: Sequence[Patients]) -> dict[Cell, Shown[int]]:
    """The patients and events of the groups of every test; those below the plan's floors are withheld."""
    found: dict[Cell, Shown[int]] = {}
    floors = study.plan.disclosure
    for test in compared_in(study):
        counted = leaving_times(
            study, facts, test.cohort, test.endpoint, test.by, cause=next(iter(test.kinds), None)
        )
        sums = summed(study, counted, sites)
        events = sums["events"][0] if test.kinds else sums["events"].sum(axis=0)
        numbers = zip(sums["patients"].tolist(), events.sum(axis=1).tolist(), strict=True)
        pairs = group_cells(study, test.cohort, test.endpoint, test.by, test.kinds)
        for pair, counts in zip(pairs, list(numbers)[:-1], strict=True):
            least = (floors.minimum_at_risk, floors.minimum_cell)
            for cell, count, smallest in zip(pair, counts, least, strict=True):
                found[cell] = Withheld("small", "small") if 0 < count < smallest else count
    return found


def given_of(
    study: Study, sites: Sequence[Patients], counted: Iterable[Counted], facts: Facts
) -> Given:
    """What a program is given, all of it open."""
    data = {
        each: {name: Clear(values) for name, values in summed(study, each, sites).items()}
        for each in counted
    }
    return Given(study, facts, data, InTheOpen(), cells_of(study, facts, sites))


def unseen(given: Given) -> Given:
    """The same where nobody sees a number."""
    data = {
        counted: {name: Blank(*each.shape) for name, each in arrays.items()}
        for counted, arrays in given.data.items()
    }
    return Given(given.study, given.facts, data, Unseen(), given.cells)


def opened_by(program: Program[Result]) -> tuple[Result, dict[str, Opened]]:
    """The result, and everything that was opened for it, by the name of its ask."""
    found: dict[str, Opened] = {}

    def answer(ask: Ask) -> Opened:
        assert ask.name not in found
        found[ask.name] = answered(ask)
        return found[ask.name]

    return run(program, answer), found


def told(program: Program[Result], opened: Mapping[str, Opened]) -> Result:
    """The result of a program that is only told what was opened."""

    def answer(ask: Ask) -> Opened:
        shape = ask.x.shape if isinstance(ask, Opens) else ask.x.shape[:-1]
        assert shape == opened[ask.name].shape
        return opened[ask.name]

    return run(program, answer)


def exact_result(analysis: Mapping[str, Any], cohort: Cohort, n_sites: int) -> dict[str, Any]:
    """The result under an exact release."""
    study = study_of(analysis, n_sites)
    return pool(study, cohort.patients(study)).result


def rounded(values: Any, unit: Fraction) -> list[int]:
    """Exact numbers as whole multiples of a unit, rounded as programs round."""
    scaled = np.asarray(values, dtype=np.float64) * unit.denominator / unit.numerator
    return [int(each) for each in np.floor(scaled + 0.5 + NUDGE).ravel()]
