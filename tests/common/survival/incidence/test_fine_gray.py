"""The subdistribution hazard: by its definition risk set by risk set, where it is a Cox model, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError
from riskset_common.survival.incidence.fine_gray import (
    CensoringCurve,
    censoring_curve,
    own_censoring_curves,
    prepare_subdistribution,
)
from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.score_residuals import residual_products, score_residuals

TIES = ["efron", "breslow"]


def kinds_of(seed, patients):
    """Some of the events are of a competing kind."""
    competing = np.random.default_rng(seed).random(len(patients.time)) < 0.5
    return np.where(patients.event, np.where(competing, 2, 1), 0)


def free_of_censoring(time, kind, t, inside):
    """G(t-), patient by patient: events leave before censorings."""
    g = 1.0
    for u in np.unique(time[inside & (kind == 0) & (time < t)]):
        at_risk = np.sum(inside & (time >= u)) - np.sum(inside & (time == u) & (kind > 0))
        g *= 1 - np.sum(inside & (time == u) & (kind == 0)) / at_risk
    return g


def by_definition(patients, kind, beta, ties, *, pooled):
    """Log-likelihood, score and information, and each patient's share in the score (Geskus 2011; Efron 1977)."""
    n, p = patients.x.shape
    log_likelihood, shares, information = 0.0, np.zeros((n, p)), np.zeros((p, p))
    for stratum in np.unique(patients.stratum):
        inside = patients.stratum == stratum
        whole = np.ones(n, dtype=bool) if pooled else inside
        for t in np.unique(patients.time[inside & (kind == 1)]):
            weight = np.where(inside & (patients.time >= t), 1.0, 0.0)
            for i in np.flatnonzero(inside & (kind == 2) & (patients.time < t)):
                weight[i] = free_of_censoring(patients.time, kind, t, whole) / free_of_censoring(
                    patients.time, kind, patients.time[i], whole
                )
            dead = inside & (kind == 1) & (patients.time == t)
            d = int(dead.sum())
            log_likelihood += float((patients.x[dead] @ beta).sum())
            for l in range(d):
                share = np.where(dead, 1 - l / d if ties == "efron" else 1.0, 1.0)
                w = weight * share * np.exp(patients.x @ beta)
                mean = w @ patients.x / w.sum()
                log_likelihood -= math.log(w.sum())
                centred = patients.x - mean
                information += (centred.T * w) @ centred / w.sum()
                shares += dead[:, np.newaxis] * centred / d - w[:, np.newaxis] * centred / w.sum()
    return log_likelihood, shares, information


@pytest.mark.parametrize("pooled", [True, False])
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 30),
    n_strata=st.integers(1, 3),
    ties=st.sampled_from(TIES),
)
def test_the_sums_follow_the_definition(cohort, seed, n, n_strata, ties, pooled):
    patients = cohort(seed, n, 2, n_strata=n_strata)
    kind = kinds_of(seed, patients)
    beta = np.random.default_rng(seed).normal(size=2)
    everyone = np.zeros(n, dtype=np.int64)
    curves = own_censoring_curves(patients.time, kind, everyone if pooled else patients.stratum)
    ready = prepare_subdistribution(
        patients.time,
        kind,
        patients.x,
        patients.stratum,
        ties,
        curves.get(0, curves) if pooled else curves,
    )
    found = cox_sums(ready, beta)
    log_likelihood, shares, information = by_definition(patients, kind, beta, ties, pooled=pooled)
    residuals = score_residuals(ready, beta)

    assert log_likelihood == pytest.approx(found.log_likelihood, rel=1e-10, abs=1e-11)
    np.testing.assert_allclose(found.score, shares.sum(axis=0), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(found.information, information, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(residuals.sum(axis=1), found.score, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(
        residual_products(ready, beta), shares.T @ shares, rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize("ties", TIES)
def test_without_competing_events_it_is_a_cox_model(cohort, ties):
    patients = cohort(1, 40, 2, n_strata=2)
    cox = prepare(patients.time, patients.event, None, patients.x, patients.stratum, ties)
    kind = patients.event.astype(np.int64)
    curves = own_censoring_curves(patients.time, kind, patients.stratum)
    ready = prepare_subdistribution(patients.time, kind, patients.x, patients.stratum, ties, curves)
    beta = np.array([0.5, -1.0])
    one, other = cox_sums(cox, beta), cox_sums(ready, beta)

    assert one.log_likelihood == pytest.approx(other.log_likelihood)
    np.testing.assert_allclose(other.information, one.information)


def test_without_censoring_nobody_with_a_competing_event_ever_leaves(cohort):
    patients = cohort(2, 40, 2)
    kind = np.maximum(kinds_of(2, patients), 1)
    curves = own_censoring_curves(patients.time, kind, patients.stratum)
    ready = prepare_subdistribution(
        patients.time, kind, patients.x, patients.stratum, "efron", curves
    )
    for_ever = prepare(
        np.where(kind == 2, 99, patients.time),
        kind == 1,
        None,
        patients.x,
        patients.stratum,
        "efron",
    )
    beta = np.array([0.2, 0.1])

    assert cox_sums(for_ever, beta).log_likelihood == pytest.approx(
        cox_sums(ready, beta).log_likelihood
    )


def test_the_censoring_distribution_falls_after_the_events_of_its_time():
    curve = censoring_curve(np.array([1, 2, 5]), np.array([2, 1, 0]), np.array([1, 0, 2]))

    np.testing.assert_array_equal([1, 5], curve.steps)
    np.testing.assert_allclose(curve.after, [3 / 4, 0])
    np.testing.assert_allclose(curve.before(np.array([0, 1, 2, 5, 6])), [1, 1, 3 / 4, 3 / 4, 0])


def test_a_patient_observed_when_nobody_can_be_is_refused():
    gone = CensoringCurve(np.array([1]), np.array([0.0]))
    time, kind = np.array([3, 4]), np.array([2, 1])

    with pytest.raises(EstimationError, match="not those whose censorings were counted"):
        prepare_subdistribution(time, kind, np.zeros((2, 1)), np.zeros(2, np.int64), "efron", gone)


@given(seed=st.integers(0, 2**32 - 1), ties=st.sampled_from(TIES))
def test_score_residuals_of_a_left_truncated_cox_model_add_up_to_the_score(cohort, seed, ties):
    patients = cohort(seed, 20, 2, n_strata=2, left_truncated=True)
    ready = prepare(
        patients.time, patients.event, patients.entry, patients.x, patients.stratum, ties
    )
    beta = np.array([0.3, -0.4])

    np.testing.assert_allclose(
        score_residuals(ready, beta).sum(axis=1), cox_sums(ready, beta).score, atol=1e-10
    )
