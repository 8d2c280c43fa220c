"""Gray's tests under a release of rounded numbers: the exact sums rounded, from opened numbers alone, or no result and why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from tests.common.estimators.cohorts import all_tied, censored, cohorts, nobody, random_cohort
from tests.common.release.tests.openly import (
    exact_result,
    facts_of,
    given_of,
    opened_by,
    rounded,
    rounded_study,
    told,
    unseen,
)
from tests.examples import examples

from riskset_common.estimators.curves.cumulative_incidence import CumulativeIncidenceSpec
from riskset_common.estimators.curves.rounded_test import asked_gray
from riskset_common.release import budget
from riskset_common.release.tests.gray_program import (
    OUT_OF_BOUNDS,
    gray_implied,
    gray_program,
    gray_warnings,
)
from riskset_common.release.tests.known import KnownEvents
from riskset_common.release.tests.opened import Units
from riskset_common.results.shown import Withheld

RHO = ["gray", {"gray": {"rho": 1}}, {"gray": {"rho": 0.5}}]


def analysis_of(test="gray", **more):
    return {"kind": "cumulative_incidence", "endpoint": "EFS", "by": ["arm"], "test": test, **more}


def released(analysis, cohort, n_sites=5, **floors):
    """What is released and opened; the simulator makes the same result of what follows from the released alone."""
    study = rounded_study(analysis, n_sites, **floors)
    [spec] = study.plan.analyses
    assert isinstance(spec, CumulativeIncidenceSpec)
    sites = cohort.patients(study)
    facts = facts_of(study, sites)
    asked = asked_gray(spec, spec.causes_of(study), spec.rho, study, facts)
    given = given_of(study, sites, [asked.counted], facts)
    known: dict[str, list[KnownEvents]] = {cause: [{}] * asked.n_groups for cause in asked.causes}
    found, opened = opened_by(gray_program(given, asked, known))
    implied = gray_implied(given, asked, found)

    assert opened.keys() == implied.keys()
    for name, values in opened.items():
        assert values.tolist() == implied[name].tolist()
    assert repr(found) == repr(told(gray_program(unseen(given), asked, known), implied))
    return found, opened, given, asked


def check(analysis, cohort):
    """Each cause's rounded test is the exact one rounded; how many have one."""
    found, _, given, asked = released(analysis, cohort)
    exact = exact_result(analysis, cohort, 5)["tests"]
    n_found = 0
    for cause, test in zip(asked.causes, asked.compared, strict=True):
        rounded_test, counts = found[cause], budget.counts_of(test, given.study, given.cells)
        if rounded_test == OUT_OF_BOUNDS:
            assert f"Gray's test of {cause} has no result" in next(gray_warnings(found))
            continue
        n_found += 1
        assert isinstance(counts, budget.GroupCounts)
        units = Units.of(test.weighing, counts)
        deviation = np.array(exact[cause]["observed"]) - np.array(exact[cause]["expected"])
        k = len(deviation)
        above = np.triu_indices(k, 1)

        assert rounded(deviation[1:], units.difference) == rounded(
            rounded_test.difference[1:], units.difference
        )
        assert rounded(
            np.array(exact[cause]["covariance"]).reshape(k, k)[above], units.covariance
        ) == rounded(np.array(rounded_test.covariance).reshape(k, k)[above], units.covariance)
    return n_found


@pytest.fixture(autouse=True)
def _enough_for_every_test(monkeypatch):
    """The small cohorts of these tests have too few events for the budget, which has tests of its own."""
    monkeypatch.setattr(budget, "MARGIN", -math.inf)
    monkeypatch.setattr(budget, "LEAST_BITS", -10_000)


@pytest.mark.parametrize("strata", [{}, {"strata": ["sex"]}], ids=str)
@pytest.mark.parametrize("test", RHO, ids=str)
def test_a_rounded_test_is_the_exact_one_rounded(test, strata) -> None:
    assert 2 == check(analysis_of(test, **strata), random_cohort(7))


def test_of_one_cause_the_others_compete() -> None:
    assert 1 == check(analysis_of(causes=["death"]), random_cohort(8))


@examples(10)
@drawn(cohort=cohorts(), test=st.sampled_from(RHO), strata=st.sampled_from([[], ["sex"]]))
def test_so_it_is_over_any_split_with_ties_and_empty_groups(cohort, test, strata) -> None:
    check(analysis_of(test, strata=strata), cohort)


@pytest.mark.parametrize("cohort", [nobody(), all_tied(), censored(random_cohort(3))])
def test_nobody_no_event_and_everybody_at_once(cohort) -> None:
    check(analysis_of(), cohort)


def test_where_the_bounds_of_the_formula_do_not_hold_there_is_no_result_and_a_sentence() -> None:
    # Arm A has relapses alone and is then gone; arm B follows with relapses alone: the incidence under the hypothesis passes 1.
    early, late = np.arange(1, 41), np.arange(101, 121)
    cohort = random_cohort(1, n=60)
    found, opened, *_ = released(
        analysis_of(causes=["relapse"]),
        cohort.with_values(
            time=np.concatenate((early, late)),
            event=np.ones(60, dtype=np.int64),
            arm=np.repeat([0, 1], [40, 20]),
        ),
    )

    assert {"relapse": OUT_OF_BOUNDS} == found
    assert [[0]] == [values.tolist() for values in opened.values()]
    assert "has no result" in next(gray_warnings(found))


def test_a_test_of_a_group_that_is_not_shown_is_withheld_and_nothing_is_opened() -> None:
    found, opened, *_ = released(analysis_of(), random_cohort(7), minimum_at_risk=60)

    assert [Withheld("small", "small")] * 2 == list(found.values())
    assert {} == opened
