"""Tests of the log-rank family under a release of rounded numbers: the exact sums rounded, from opened numbers alone, over any split."""

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

from riskset_common.estimators.curves.rounded_test import asked_test
from riskset_common.release import budget
from riskset_common.release.tests.log_rank_program import log_rank_implied, log_rank_program
from riskset_common.release.tests.opened import Units
from riskset_common.results.shown import Withheld

WEIGHTED = [
    "log_rank",
    "gehan",
    "tarone_ware",
    "peto",
    "modified_peto",
    {"log_rank": {"rho": 1, "gamma": 0}},
    {"log_rank": {"rho": 0.5, "gamma": 1.5}},
    "trend",
    {"trend": "gehan"},
]
STRATA = [{}, {"strata": ["sex"]}, {"strata": ["site"]}, {"strata": ["site", "sex"]}]


def analysis_of(test, strata, **more):
    return {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "by": ["arm"],
        "test": test,
        **strata,
        **more,
    }


def program_of(study, given):
    """The program of the one test of a study."""
    [spec] = study.plan.analyses
    [compared] = spec.compared(study)
    asked = asked_test(spec, compared, spec.test, study, given.facts)
    return asked, log_rank_program(given, asked, [{}] * len(asked.levels))


def given_for(study, sites):
    facts = facts_of(study, sites)
    [spec] = study.plan.analyses
    [compared] = spec.compared(study)
    asked = asked_test(spec, compared, spec.test, study, facts)
    return given_of(study, sites, [asked.counted], facts)


def released(analysis, cohort, n_sites, **floors):
    """What is released, what was opened, and what the simulator makes of the released alone."""
    study = rounded_study(analysis, n_sites, **floors)
    given = given_for(study, cohort.patients(study))
    asked, program = program_of(study, given)
    found, opened = opened_by(program)
    implied = log_rank_implied(given, asked, found.test, found.pairs)

    assert opened.keys() == implied.keys()
    for name, values in opened.items():
        assert values.tolist() == implied[name].tolist()
    _, again = program_of(study, unseen(given))
    assert repr(found) == repr(told(again, implied))
    return found, given, asked


def check(analysis, cohort, n_sites=5):
    found, given, asked = released(analysis, cohort, n_sites)
    expected = exact_result(analysis, cohort, n_sites)
    counts = budget.counts_of(asked.compared, given.study, given.cells)
    assert isinstance(counts, budget.GroupCounts)
    units = Units.of(asked.compared.weighing, counts)
    test = expected["test"]
    deviation = np.array(test["observed"]) - np.array(test["expected"])

    assert rounded(deviation[1:], units.difference) == rounded(
        found.test.difference[1:], units.difference
    )
    if len(deviation):
        assert 0 == pytest.approx(sum(found.test.difference), abs=1e-6)
    above = np.triu_indices(len(deviation), 1)
    covariance = np.array(test["covariance"]).reshape(len(deviation), len(deviation))
    between = np.array(found.test.covariance).reshape(covariance.shape)
    assert rounded(covariance[above], units.covariance) == rounded(between[above], units.covariance)
    if analysis.get("pairwise"):
        check_pairs(expected["tests"]["pairwise"], found.pairs.pairwise)


def check_pairs(expected, found):
    assert [each["groups"] for each in expected] == [list(each.groups) for each in found]
    for exact, pair in zip(expected, found, strict=True):
        if math.isfinite(pair.statistic) and pair.variance > 3:
            assert exact["statistic"] == pytest.approx(pair.statistic, rel=0.02, abs=0.01)


@pytest.fixture(autouse=True)
def _enough_for_every_test(monkeypatch):
    """The small cohorts of these tests have too few events for the budget, which has tests of its own."""
    monkeypatch.setattr(budget, "MARGIN", -math.inf)
    monkeypatch.setattr(budget, "LEAST_BITS", -10_000)


@pytest.mark.parametrize("strata", STRATA, ids=str)
@pytest.mark.parametrize("test", WEIGHTED, ids=str)
def test_a_rounded_test_is_the_exact_one_rounded(test, strata) -> None:
    check(analysis_of(test, strata), random_cohort(7))


@examples(10)
@drawn(
    cohort=cohorts(),
    test=st.sampled_from(WEIGHTED),
    strata=st.sampled_from(STRATA),
    late=st.booleans(),
)
def test_so_it_is_over_any_split_with_ties_left_truncation_and_empty_groups(
    cohort, test, strata, late
) -> None:
    pairs = {} if "trend" in str(test) else {"pairwise": True}
    check(analysis_of(test, strata, endpoint="LATE" if late else "EFS", **pairs), cohort)


@pytest.mark.parametrize("cohort", [nobody(), all_tied(), censored(random_cohort(3))])
@pytest.mark.parametrize("test", WEIGHTED, ids=str)
def test_nobody_no_event_and_everybody_at_once_have_a_rounded_test(cohort, test) -> None:
    check(analysis_of(test, {}), cohort)


def test_pairs_are_tested_with_holms_adjustment_of_what_was_opened() -> None:
    found, _, _ = released(analysis_of("log_rank", {}, pairwise=True), random_cohort(7), 5)
    p_values = sorted(pair.p_value for pair in found.pairs.pairwise)

    assert 3 == len(p_values)
    assert min(pair.p_holm for pair in found.pairs.pairwise) == pytest.approx(
        min(3 * p_values[0], 1), rel=1e-3
    )
    check(analysis_of("log_rank", {}, pairwise=True), random_cohort(7))


@pytest.mark.parametrize("floors", [{"minimum_at_risk": 60}, {"minimum_cell": 60}])
def test_a_test_of_a_group_that_is_not_shown_is_withheld_and_nothing_is_opened(floors) -> None:
    study = rounded_study(analysis_of("log_rank", {}, pairwise=True), 5, **floors)
    given = given_for(study, random_cohort(7).patients(study))
    found, opened = opened_by(program_of(study, given)[1])

    assert Withheld("small", "small") == found.test
    assert found.test == found.pairs
    assert {} == opened


def test_of_a_cause_the_other_events_are_censorings() -> None:
    check(analysis_of("log_rank", {}, cause="relapse"), random_cohort(11))
    check(analysis_of("log_rank", {"strata": ["site"]}, cause="death"), random_cohort(11))


def test_no_chi_square_is_made_of_a_variance_of_a_few_units() -> None:
    cohort = random_cohort(5, n=12)
    found, _, _ = released(analysis_of("log_rank", {}), cohort, 5)
    tiny, _, _ = released(
        analysis_of("log_rank", {}),
        cohort.with_values(event=np.where(np.arange(12) == 0, 1, 0), arm=np.arange(12) // 11),
        5,
    )

    assert math.isfinite(found.test.statistic)
    assert 1 == tiny.test.df
    assert math.isnan(tiny.test.statistic)


@pytest.mark.parametrize("apart", [False, True])
def test_of_arms_whose_events_lie_apart_nothing_is_told(apart, monkeypatch) -> None:
    """All events of one arm, and then all of the other: the pattern follows from its extreme difference, though many others were there."""
    monkeypatch.setattr(budget, "MARGIN", 40)
    monkeypatch.setattr(budget, "LEAST_BITS", 20)
    arms = np.repeat([0, 1], 40) if apart else np.tile([0, 1], 40)
    cohort = random_cohort(1, n=80).with_values(
        time=np.arange(1, 81), event=np.ones(80, dtype=np.int64), arm=arms
    )
    found, given, asked = released(analysis_of("log_rank", {}), cohort, 5, minimum_cell=10)

    assert apart == (budget.TOO_LARGE_A_DIFFERENCE == found.test)
    assert apart == isinstance(found.test, Withheld)
    # Without released times between them both trials have as many ways.
    assert asked.compared.name in budget.shares(given.study, given.facts, given.cells)
