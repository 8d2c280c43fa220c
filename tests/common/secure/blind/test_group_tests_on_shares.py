"""Sums of the log-rank family and of Gray's test on shares are those of numpy: with ties, empty groups and strata, and nobody at risk."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort
from tests.common.release.tests.openly import facts_of, given_of, rounded_study
from tests.common.secure.blind.on_shares import (
    COMMITTEES,
    SMALLEST,
    program_on_shares,
    results,
    run,
)

from riskset_common.estimators.curves.cumulative_incidence import CumulativeIncidenceSpec
from riskset_common.estimators.curves.kaplan_meier import KaplanMeierSpec
from riskset_common.estimators.curves.rounded_test import asked_gray, asked_test
from riskset_common.release import budget
from riskset_common.release.given import Given
from riskset_common.release.program import in_the_open
from riskset_common.release.tests.gray_program import gray_program
from riskset_common.release.tests.log_rank_program import log_rank_program
from riskset_common.results.tests import LogRankResult
from riskset_common.survival.arrays.calculator import Clear, InTheOpen, clear
from riskset_common.survival.arrays.real_reciprocal import real_reciprocal
from riskset_common.survival.incidence.gray_sums import can_be_computed, gray_sums_of, gray_terms
from riskset_common.survival.tests.group_sums import group_sums
from riskset_common.survival.tests.weighing import Weighing

LARGEST = 128
FAMILY = [
    Weighing(),
    Weighing("gehan"),
    Weighing("tarone_ware"),
    Weighing("peto"),
    Weighing("modified_peto"),
    Weighing("fleming_harrington", 1, 0),
    Weighing("fleming_harrington", 0.5, 1.5),
]


def counts(seed, k=3, n_days=7, late=()):
    """At risk, events and competing events of two strata, the second of few patients; a group is empty in it, and many days have ties."""
    rng = np.random.default_rng(seed)
    leaving = rng.integers(0, 6, (2, k, n_days))
    leaving[1, 1:] = rng.integers(0, 2, (k - 1, n_days))
    leaving[1, 0] = 0
    leaving[..., list(late)] = 0
    events = rng.binomial(leaving, 0.5)
    competing = rng.binomial(leaving - events, 0.5)
    n = np.cumsum(leaving[..., ::-1], axis=-1)[..., ::-1]
    return n, events, competing


def compare(committee, values, formula, tolerance=1e-9):
    """A formula on shares and in the open."""
    hidden = results(committee, {name: (each, LARGEST) for name, each in values.items()}, formula)
    opened = formula(InTheOpen(), {name: Clear(each) for name, each in values.items()})
    for found, numbers in zip(hidden, opened, strict=True):
        np.testing.assert_allclose(found, clear(numbers), rtol=0, atol=tolerance)
    return [clear(numbers) for numbers in opened]


@pytest.mark.parametrize("weighing", FAMILY, ids=str)
def test_the_log_rank_family_gives_the_same_on_shares(weighing) -> None:
    # Nobody is at risk on the last two days.
    n, d, _ = counts(1, late=(5, 6))

    def formula(calculator, given):
        sums = group_sums(calculator, given["n"], given["d"], weighing, LARGEST)
        return [sums.difference, sums.covariance]

    # A root errs by 1e-10, and weighs up to 72 events.
    compare(SMALLEST, {"n": n, "d": d}, formula, tolerance=1e-8)


@pytest.mark.parametrize(
    "committee",
    [SMALLEST, *(pytest.param(each, marks=pytest.mark.slow) for each in COMMITTEES[1:])],
    ids=lambda committee: f"{committee.size},{committee.threshold}",
)
def test_grays_test_gives_the_same_on_shares_for_every_committee(committee) -> None:
    n, d, c = counts(4, k=2, n_days=6, late=(5,))

    def formula(calculator, given):
        terms = gray_terms(calculator, given["n"], given["d"], given["c"], LARGEST)
        sums = gray_sums_of(calculator, terms, 0.5, LARGEST)
        return [
            can_be_computed(calculator, terms),
            sums.difference,
            sums.covariance * LARGEST**2,
        ]

    verdict, *_ = compare(committee, {"n": n, "d": d, "c": c}, formula, tolerance=1e-7)
    assert [1] == verdict.tolist()


def test_what_grays_formula_does_not_hold_is_found_on_shares() -> None:
    # One group has all its events and is gone; then the other has its own: the incidence under the hypothesis passes 1.
    d = np.array([[[3, 3, 0, 0], [0, 0, 2, 2]]])
    n = np.cumsum(d[..., ::-1], axis=-1)[..., ::-1]

    def formula(calculator, given):
        terms = gray_terms(calculator, given["n"], given["d"], given["c"], LARGEST)
        return [can_be_computed(calculator, terms)]

    [verdict] = compare(SMALLEST, {"n": n, "d": d, "c": 0 * d}, formula)
    assert [0] == verdict.tolist()


def test_the_reciprocal_of_a_real_is_the_same_on_shares() -> None:
    x = np.exp(np.linspace(0, np.log(LARGEST), 9))

    def formula(calculator, given):
        return [real_reciprocal(calculator, given["x"], LARGEST)]

    compare(SMALLEST, {"x": x}, formula, tolerance=2.0**-50)


def program_at_members(given, program_of):
    """What a program of a test gives at every member, and in the open."""
    names = {
        f"{place} {name}": (counted, name)
        for place, counted in enumerate(given.data)
        for name in given.data[counted]
    }
    values = {
        key: (clear(given.data[counted][name]), float(given.facts.patients))
        for key, (counted, name) in names.items()
    }

    def computation(member, calculator, hidden):
        data: dict = {counted: {} for counted in given.data}
        for key, (counted, name) in names.items():
            data[counted][name] = hidden[key]
        on_shares = Given(given.study, given.facts, data, calculator, given.cells)
        return (yield from program_on_shares(member, program_of(on_shares)))

    found, _ = run(SMALLEST, values, computation)
    return found, in_the_open(program_of(given))


@pytest.mark.parametrize("strata", [{}, {"strata": ["sex"]}, {"strata": ["site"]}], ids=str)
def test_the_released_tests_are_the_same_to_the_last_digit(strata, monkeypatch) -> None:
    monkeypatch.setattr(budget, "MARGIN", -math.inf)
    monkeypatch.setattr(budget, "LEAST_BITS", -10_000)
    analysis = {"kind": "kaplan_meier", "endpoint": "EFS", "by": ["arm"], "test": "log_rank"}
    study = rounded_study(analysis | strata | {"pairwise": True}, 5)
    [spec] = study.plan.analyses
    assert isinstance(spec, KaplanMeierSpec)
    sites = random_cohort(7, n=60).patients(study)
    facts = facts_of(study, sites)
    [compared] = spec.compared(study)
    asked = asked_test(spec, compared, "log_rank", study, facts)
    given = given_of(study, sites, [asked.counted], facts)
    found, expected = program_at_members(
        given, lambda each: log_rank_program(each, asked, [{}] * 3)
    )

    assert [expected] * SMALLEST.size == found
    assert isinstance(expected.test, LogRankResult)


def test_the_released_gray_tests_are_the_same_to_the_last_digit(monkeypatch) -> None:
    monkeypatch.setattr(budget, "MARGIN", -math.inf)
    monkeypatch.setattr(budget, "LEAST_BITS", -10_000)
    analysis = {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "by": ["sex"],
        "test": "gray",
    }
    study = rounded_study(analysis, 5)
    [spec] = study.plan.analyses
    assert isinstance(spec, CumulativeIncidenceSpec)
    sites = random_cohort(9, n=50).patients(study)
    facts = facts_of(study, sites)
    asked = asked_gray(spec, spec.causes_of(study), spec.rho, study, facts)
    given = given_of(study, sites, [asked.counted], facts)
    known: dict = {cause: [{}] * 2 for cause in asked.causes}
    found, expected = program_at_members(given, lambda each: gray_program(each, asked, known))

    assert [expected] * SMALLEST.size == found
    assert {"relapse", "death"} == expected.keys()
