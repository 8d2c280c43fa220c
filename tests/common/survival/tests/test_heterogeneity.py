"""Effects pooled from sums over sites: by their definitions, and where there is nothing to pool."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.tests.heterogeneity import (
    EffectSums,
    between,
    heterogeneity,
    pooled_effect,
    site_terms,
    site_terms_random,
)

EFFECTS = st.lists(st.tuples(st.floats(-2, 2), st.floats(0.05, 2)), min_size=2, max_size=12)


def sums_of(effects) -> EffectSums:
    return EffectSums(
        len(effects), *np.sum([site_terms(*each) for each in effects], axis=0).tolist()
    )


@given(EFFECTS)
def test_sums_give_what_the_definitions_give(effects):
    b, v = np.array(effects).T
    w, k = 1 / v, len(b)
    fixed = (w * b).sum() / w.sum()
    q = (w * (b - fixed) ** 2).sum()
    sums = sums_of(effects)
    found = heterogeneity(sums)
    tau = max(0.0, (q - (k - 1)) / (w.sum() - (w**2).sum() / w.sum()))
    weights = [site_terms_random(coef, variance, tau) for coef, variance in effects]
    random = pooled_effect(*np.sum(weights, axis=0).tolist())

    assert fixed == pytest.approx(pooled_effect(sums.w, sums.wb).coef, abs=1e-12)
    assert w.sum() ** -0.5 == pytest.approx(pooled_effect(sums.w, sums.wb).std_err)
    assert (q, k - 1) == (pytest.approx(found.q.statistic, abs=1e-9), found.q.df)
    assert tau == pytest.approx(found.tau_squared, abs=1e-9)
    assert (max(0.0, (q - (k - 1)) / q) if q > 1e-9 else 0) == pytest.approx(
        found.i_squared, abs=1e-9
    )
    assert (b / (v + tau)).sum() / (1 / (v + tau)).sum() == pytest.approx(random.coef, abs=1e-9)


def test_sites_of_one_effect_do_not_differ():
    found = heterogeneity(sums_of([(0.5, 0.25)] * 5))

    assert (0.0, 0.0, 0.0) == (found.q.statistic, found.i_squared, found.tau_squared)


@pytest.mark.parametrize("k", [0, 1])
def test_of_fewer_than_two_sites_nothing_can_be_said(k):
    found = heterogeneity(EffectSums(k, 0.0, 0.0, 0.0, 0.0))

    assert math.isnan(found.q.statistic)
    assert math.isnan(found.i_squared)
    assert math.isnan(found.tau_squared)
    assert math.isnan(pooled_effect(0.0, 0.0).coef)


def test_what_lies_between_groups_is_what_does_not_lie_within():
    low, high = [(0.1, 0.2), (0.3, 0.1)], [(1.1, 0.3), (0.9, 0.2), (1.0, 0.1)]
    parts, whole = (
        [sums_of(low), sums_of(high), EffectSums(0, 0.0, 0.0, 0.0, 0.0)],
        sums_of(low + high),
    )
    within = sum(heterogeneity(part).q.statistic for part in parts[:2])
    found = between(parts, whole)

    assert heterogeneity(whole).q.statistic - within == pytest.approx(found.statistic)
    assert 1 == found.df
