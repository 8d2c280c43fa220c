"""The partial likelihood: as the papers define it, differentiated numerically, and at the edges."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.regression.cox import cox_sums, prepare

TIES = ["efron", "breslow"]

cohorts = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "n": st.integers(0, 40),
        "p": st.integers(0, 3),
        "n_times": st.integers(1, 15),
        "n_strata": st.integers(1, 5),
        "left_truncated": st.booleans(),
    }
)


def design_of(patients, ties="efron"):
    return prepare(
        patients.time, patients.event, patients.entry, patients.x, patients.stratum, ties
    )


def sums_of(patients, beta, ties="efron"):
    return cox_sums(design_of(patients, ties), np.asarray(beta, dtype=float))


def check_equal(expected, found, rel=1e-10):
    log_likelihood, score, information = expected
    scale = max(1.0, float(np.max(np.abs(information), initial=0.0)))

    assert log_likelihood == pytest.approx(found.log_likelihood, rel=rel, abs=1e-11)
    np.testing.assert_allclose(found.score, score, rtol=rel, atol=1e-11 * scale)
    np.testing.assert_allclose(found.information, information, rtol=rel, atol=1e-11 * scale)


def as_tuple(sums):
    return sums.log_likelihood, sums.score, sums.information


@given(cohorts, st.sampled_from(TIES))
def test_the_sums_follow_the_definition(cohort, by_definition, spec, ties):
    patients = cohort(**spec)
    beta = np.random.default_rng(spec["seed"]).normal(size=spec["p"])

    check_equal(by_definition(patients, beta, ties), sums_of(patients, beta, ties))


@given(cohorts, st.sampled_from(TIES))
def test_an_offset_is_a_covariate_whose_coefficient_is_1(cohort, spec, ties):
    patients = cohort(**(spec | {"p": spec["p"] + 1}))
    beta = np.random.default_rng(spec["seed"]).normal(size=spec["p"])
    offset, x = patients.x[:, 0], patients.x[:, 1:]
    moved = prepare(
        patients.time, patients.event, patients.entry, x, patients.stratum, ties, offset
    )
    whole = sums_of(patients, [1.0, *beta], ties)

    check_equal(
        (whole.log_likelihood, whole.score[1:], whole.information[1:, 1:]), cox_sums(moved, beta)
    )


@given(cohorts, st.sampled_from(TIES), st.integers(0, 2**32 - 1))
def test_sums_of_any_parts_that_keep_strata_whole_add_up(cohort, spec, ties, seed):
    patients = cohort(**spec)
    beta = np.full(spec["p"], 0.3)
    site_of_stratum = np.random.default_rng(seed).integers(0, 3, size=spec["n_strata"])
    first, *others = (
        sums_of(patients.rows(site_of_stratum[patients.stratum] == site), beta, ties)
        for site in range(3)
    )
    pooled = first
    for other in others:
        pooled = pooled + other

    check_equal(as_tuple(sums_of(patients, beta, ties)), pooled)


@given(cohorts, st.sampled_from(TIES))
def test_the_order_of_the_patients_does_not_matter(cohort, spec, ties):
    patients = cohort(**spec)
    order = np.random.default_rng(spec["seed"]).permutation(spec["n"])
    beta = np.full(spec["p"], -0.4)

    check_equal(as_tuple(sums_of(patients, beta, ties)), sums_of(patients.rows(order), beta, ties))


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("left_truncated", [False, True])
def test_score_and_information_are_the_derivatives(cohort, ties, left_truncated):
    patients = cohort(7, 80, 3, n_strata=2, left_truncated=left_truncated)
    design = design_of(patients, ties)
    beta, step = np.array([0.4, -0.7, 0.2]), 1e-5
    sums = cox_sums(design, beta)
    shifts = step * np.eye(3)
    after = [cox_sums(design, beta + shift) for shift in shifts]
    before = [cox_sums(design, beta - shift) for shift in shifts]
    slope = [
        (b.log_likelihood - a.log_likelihood) / (2 * step)
        for a, b in zip(before, after, strict=True)
    ]
    bend = [-(b.score - a.score) / (2 * step) for a, b in zip(before, after, strict=True)]

    np.testing.assert_allclose(sums.score, slope, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(sums.information, bend, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("n_times", [1, 2, 5])
def test_huge_ties(cohort, by_definition, ties, n_times):
    patients = cohort(3, 300, 2, n_times=n_times)
    beta = np.array([0.5, -1.0])

    check_equal(by_definition(patients, beta, ties), sums_of(patients, beta, ties))


@pytest.mark.parametrize("n", [0, 1, 25])
@pytest.mark.parametrize("p", [0, 2])
def test_without_an_event_the_sums_are_zero(cohort, n, p):
    patients = cohort(5, n, p, n_strata=3)
    censored = dataclasses.replace(patients, event=np.zeros(n, dtype=bool))
    found = sums_of(censored, np.ones(p))

    assert 0.0 == found.log_likelihood
    assert [0.0] * p == found.score.tolist()
    assert (p, p) == found.information.shape


def test_a_single_patient_says_nothing(cohort):
    patients = dataclasses.replace(cohort(5, 1, 2), event=np.array([True]))
    found = sums_of(patients, [3.0, -2.0])

    assert (0.0, [0.0, 0.0]) == (found.log_likelihood, found.score.tolist())
    assert [[0.0, 0.0], [0.0, 0.0]] == found.information.tolist()


def test_a_stratum_of_a_single_patient_adds_nothing(cohort):
    patients = cohort(6, 30, 2)
    lone = dataclasses.replace(
        patients, stratum=np.concatenate(([1], patients.stratum[1:])), event=patients.event | True
    )
    rest = lone.rows(lone.stratum == 0)

    check_equal(as_tuple(sums_of(rest, [0.1, 0.2])), sums_of(lone, [0.1, 0.2]), rel=1e-13)


def test_without_covariates_the_log_likelihood_remains(cohort, by_definition):
    patients = cohort(8, 30, 0)

    check_equal(by_definition(patients, np.zeros(0), "efron"), sums_of(patients, []))


@pytest.mark.parametrize("left_truncated", [False, True])
def test_a_common_offset_of_a_thousand_million_changes_nothing(cohort, left_truncated):
    patients = cohort(9, 200, 3, n_strata=3, left_truncated=left_truncated)
    # Eighths survive the addition of the offset exactly.
    plain = dataclasses.replace(patients, x=np.rint(patients.x * 8) / 8)
    shifted = dataclasses.replace(plain, x=plain.x + 1e9)
    beta = [0.5, -0.3, 0.8]

    check_equal(as_tuple(sums_of(plain, beta)), sums_of(shifted, beta), rel=1e-13)


def test_a_constant_column_has_no_information_at_all(cohort):
    patients = cohort(10, 50, 2, n_strata=2)
    patients.x[:, 1] = np.where(patients.stratum == 0, 0.1, 1e9 + 0.3)
    found = sums_of(patients, [0.4, 5.0])

    assert 0.0 == found.score[1]
    assert [0.0, 0.0] == found.information[1].tolist()


@pytest.mark.parametrize("left_truncated", [False, True])
def test_a_small_stratum_keeps_its_digits_beside_a_huge_one(cohort, left_truncated):
    huge = cohort(11, 3000, 2, n_times=400, left_truncated=left_truncated)
    small = cohort(12, 20, 2, left_truncated=left_truncated)
    huge.x[:, 0] = huge.x[:, 0] * 1e3 + 1e9
    huge.x[:, 1] = 0
    small.x[:, 0] = 0
    both = dataclasses.replace(
        huge,
        time=np.concatenate((huge.time, small.time)),
        event=np.concatenate((huge.event, small.event)),
        entry=np.concatenate((huge.entry, small.entry)) if left_truncated else None,
        x=np.concatenate((huge.x, small.x)),
        stratum=np.repeat([0, 1], [3000, 20]),
    )
    beta = [0.1, 0.7]
    alone, beside = sums_of(small, beta), sums_of(both, beta)

    assert alone.score[1] == pytest.approx(beside.score[1], rel=1e-13)
    assert alone.information[1, 1] == pytest.approx(beside.information[1, 1], rel=1e-13)


def test_a_light_risk_set_keeps_its_digits_beside_heavy_patients_who_enter_later(by_definition):
    # The two early patients weigh e^-30 of the two who enter after the first event.
    time, entry = np.array([2, 4, 6, 7]), np.array([0, 0, 3, 3])
    x = np.array([[0.0], [1.0], [31.0], [30.0]])
    event, stratum = np.array([True, False, True, True]), np.zeros(4, dtype=np.int64)
    found = cox_sums(prepare(time, event, entry, x, stratum, "efron"), np.ones(1))
    # S1/S0 of the first event is e/(1 + e) of the distance 1, of the second e/(1 + e).
    share = np.e / (1 + np.e)

    assert 0 - share + 1 - share == pytest.approx(found.score[0], rel=1e-12)
    assert 2 * share * (1 - share) == pytest.approx(found.information[0, 0], rel=1e-12)


def test_many_small_strata_are_matched_pairs():
    # 50,000 pairs, the first of each dies first: the likelihood of a logistic regression without intercept.
    n = 50_000
    difference = np.random.default_rng(13).normal(size=n)
    x = np.stack((difference, np.zeros(n)), axis=1).reshape(-1, 1)
    time, event = np.tile([1, 2], n), np.tile([True, False], n)
    found = cox_sums(prepare(time, event, None, x, np.repeat(np.arange(n), 2), "efron"), np.ones(1))
    probability = 1 / (1 + np.exp(-difference))

    assert np.log(probability).sum() == pytest.approx(found.log_likelihood, rel=1e-12)
    assert (difference * (1 - probability)).sum() == pytest.approx(found.score[0], rel=1e-10)


def test_times_may_be_real_numbers_or_whole_ones_of_any_size(cohort):
    patients = cohort(14, 60, 2, left_truncated=True)
    days = sums_of(patients, [0.1, 0.2])
    for unit in (1 / 365.25, 1_000_003):
        other = dataclasses.replace(
            patients, time=patients.time * unit, entry=patients.entry * unit
        )

        check_equal(as_tuple(days), sums_of(other, [0.1, 0.2]), rel=1e-13)


def test_coefficients_far_off_give_a_likelihood_that_is_not_finite(cohort):
    patients = cohort(15, 30, 1)
    patients.x[:] = np.arange(30)[:, None] * 1000.0

    assert not np.isfinite(sums_of(patients, [10.0]).log_likelihood)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": np.array([[1.0], [np.nan]])}, "must be finite"),
        ({"x": np.array([1.0, 2.0])}, r"found \(2,\)"),
        ({"time": np.array([1.0, np.inf])}, "must be finite"),
        ({"entry": np.array([0, 2])}, "for 1 patients"),
        ({"ties": "exact"}, "'exact' was asked"),
    ],
)
def test_patients_who_cannot_be_used_are_refused(changed, message):
    given_columns = {
        "time": np.array([1, 2]),
        "event": np.array([True, False]),
        "entry": None,
        "x": np.zeros((2, 1)),
        "stratum": np.zeros(2, dtype=np.int64),
        "ties": "efron",
    }
    with pytest.raises(EstimationError, match=message):
        prepare(**{**given_columns, **changed})


def test_coefficients_of_another_design_are_refused(cohort):
    with pytest.raises(EstimationError, match=r"3 columns, but β has the shape \(2,\)"):
        sums_of(cohort(16, 20, 3), [1.0, 2.0])
