"""The whole blind model against one pool of patients in the open."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.secure.blind.blind_parties import (
    Cohort,
    a_cohort,
    arithmetics,
    fit_blind,
    fit_pooled,
    model_of,
    shared,
    together,
)
from tests.examples import examples

from riskset_common.errors import EstimationError
from riskset_common.secure.blind.arithmetic.committee import PRESETS, Committee
from riskset_common.secure.blind.arithmetic.field import to_integers
from riskset_common.secure.blind.arithmetic.fixed_point import F, encode, to_real
from riskset_common.secure.blind.arithmetic.logarithm import COEFFICIENTS
from riskset_common.secure.blind.arithmetic.parts import K, Truncated
from riskset_common.secure.blind.arithmetic.reciprocal import (
    FACTOR_BITS,
    FreshStart,
    NearStart,
    correct,
    iterate,
)
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, open_shares
from riskset_common.secure.blind.cox.bounds import PublicPath, next_path
from riskset_common.secure.blind.cox.wanted import WantedHazard, WantedPhTest, log_times
from riskset_common.survival.regression.newton import CoxFit


def same_fit(expected: CoxFit, actual: CoxFit):
    assert expected.aliased.tolist() == actual.aliased.tolist()
    assert expected.df == actual.df
    kept = ~expected.aliased
    apart = np.abs(actual.coef - expected.coef)[kept] / expected.std_err[kept]

    assert np.max(apart, initial=0) < 1e-9
    np.testing.assert_allclose(actual.covariance, expected.covariance, rtol=1e-9, atol=1e-9)
    for name in ("log_likelihood", "log_likelihood_null", "score_statistic"):
        np.testing.assert_allclose(
            getattr(actual, name), getattr(expected, name), rtol=1e-9, atol=1e-10
        )
    for name in ("wald_statistic", "likelihood_ratio"):
        np.testing.assert_allclose(
            getattr(actual, name), getattr(expected, name), rtol=1e-9, atol=1e-9
        )


@examples(12)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_sites=st.integers(3, 8),
    ties=st.sampled_from(["efron", "breslow"]),
    left_truncated=st.booleans(),
    n_strata=st.sampled_from([0, 3]),
)
def test_any_split_into_sites_equals_one_pool(seed, n_sites, ties, left_truncated, n_strata):
    cohort = a_cohort(seed, left_truncated=left_truncated, n_strata=n_strata)
    site = np.random.default_rng(seed).integers(0, n_sites, len(cohort.time))
    model, outcome = fit_blind(cohort, site, n_sites, ties=ties)

    same_fit(fit_pooled(model, cohort, ties), outcome.fit)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_committee_fits_the_same_model(preset):
    cohort = a_cohort(3, n=80)
    site = np.arange(80) % 6
    model, outcome = fit_blind(cohort, site, 6, preset=preset)

    same_fit(fit_pooled(model, cohort), outcome.fit)


def test_sites_of_one_patient_each_equal_one_pool():
    cohort = a_cohort(4, n=30)
    model, outcome = fit_blind(cohort, np.arange(30), 30)

    same_fit(fit_pooled(model, cohort), outcome.fit)


def test_sites_without_patients_or_events_add_nothing():
    cohort = a_cohort(5, n=50)
    site = np.where(cohort.event, 0, 1)
    model, outcome = fit_blind(cohort, site, 4)

    same_fit(fit_pooled(model, cohort), outcome.fit)


def test_one_event_and_one_column():
    cohort = Cohort(
        time=np.array([1.0, 2.0, 2.0, 3.0]),
        event=np.array([False, True, False, False]),
        x=np.array([[0.0], [1.0], [3.0], [0.5]]),
    )
    model, outcome = fit_blind(cohort, np.arange(4) % 3, 3)

    same_fit(fit_pooled(model, cohort), outcome.fit)


def test_all_deaths_at_one_time():
    cohort = a_cohort(6, n=40, n_times=1)
    model, outcome = fit_blind(cohort, np.arange(40) % 3, 3)

    same_fit(fit_pooled(model, cohort), outcome.fit)


def test_a_constant_and_a_repeated_column_are_aliased():
    cohort = a_cohort(7, n=60)
    x = np.column_stack([cohort.x, np.full(60, 3.0), 2 * cohort.x[:, 0] - 1])
    model, outcome = fit_blind(Cohort(cohort.time, cohort.event, x), np.arange(60) % 3, 3)

    assert [False, False, True, True] == outcome.fit.aliased.tolist()
    same_fit(fit_pooled(model, Cohort(cohort.time, cohort.event, x)), outcome.fit)


def test_ranges_wider_than_the_values_change_nothing():
    cohort = a_cohort(8, n=60)
    model, outcome = fit_blind(cohort, np.arange(60) % 3, 3, lower=(-70.0, -1.0), upper=(30.0, 4.0))

    same_fit(fit_pooled(model, cohort), outcome.fit)


def test_a_warm_start_ends_at_the_same_maximum_in_fewer_rounds():
    cohort = a_cohort(9, n=200)
    site = np.arange(200) % 3
    _, cold = fit_blind(cohort, site, 3)
    near = tuple((cold.fit.coef + 1e-6).tolist())
    _, warm = fit_blind(cohort, site, 3, warm_start=near)

    same_fit(cold.fit, warm.fit)
    assert len(warm.carried) < len(cold.carried)
    assert warm.fit.iterations < cold.fit.iterations


def test_a_warm_start_that_lies_far_off_is_halved_back():
    cohort = a_cohort(9, n=100)
    model, outcome = fit_blind(cohort, np.arange(100) % 3, 3, warm_start=(3.0, -4.0))

    same_fit(fit_pooled(model, cohort), outcome.fit)


def test_rs_rule_of_convergence_stops_where_it_stops_in_the_open():
    cohort = a_cohort(10, n=80)
    model, outcome = fit_blind(cohort, np.arange(80) % 3, 3, convergence="r", max_iterations=20)
    pooled = fit_pooled(model, cohort)

    assert pooled.iterations == outcome.fit.iterations
    same_fit(pooled, outcome.fit)


def test_a_second_run_carries_the_same_bytes():
    cohort = a_cohort(11, n=30)
    runs = [fit_blind(cohort, np.arange(30) % 3, 3)[1].carried for _ in range(2)]

    assert runs[0] == runs[1]


def separated(n=40):
    time = np.arange(1.0, n + 1)
    x = (time <= n / 2).astype(float)
    return Cohort(time, time <= n / 2, x[:, np.newaxis])


def test_a_separating_covariate_is_named_monotone_as_in_the_open():
    model, outcome = fit_blind(separated(), np.arange(40) % 3, 3)

    assert [True] == outcome.fit.monotone.tolist()
    assert [True] == fit_pooled(model, separated()).monotone.tolist()


def test_a_range_far_too_wide_is_refused_instead_of_losing_digits():
    """The values span one unit of a range of 10^5: for all the bounds say, weights may differ by any factor."""
    cohort = a_cohort(12, n=40, p=1)
    with pytest.raises(EstimationError, match="Narrow the range"):
        fit_blind(cohort, np.arange(40) % 3, 3, lower=(-1e5,), upper=(1e5,))


def audited(monkeypatch, cohort, **fit):
    """The largest number of bits of any value before truncation, reconstructed from all members' shares."""
    held: dict[bytes, list] = {}
    found = []
    opening = Arithmetic.open

    def remembered(self, parts):
        together_held = held.setdefault(self.label, [])
        together_held.append([part.share for part in parts if isinstance(part, Truncated)])
        if len(together_held) == self.committee.size:
            for shares in zip(*held.pop(self.label), strict=True):
                values = to_integers(open_shares(self.committee, shares))
                found.append(max(abs(value) for value in values).bit_length())
        return opening(self, parts)

    with monkeypatch.context() as patch:
        patch.setattr(Arithmetic, "open", remembered)
        fit_blind(cohort, **fit)
    return found


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_no_value_before_truncation_reaches_its_bound(monkeypatch, ties):
    cohort = a_cohort(13, n=300, p=3, n_times=40)
    found = audited(monkeypatch, cohort, site=np.arange(300) % 3, n_sites=3, ties=ties)

    assert len(found) > 60
    assert 127 < max(found) <= 128 + FACTOR_BITS
    assert max(found) < K


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_what_is_wanted_besides_the_fit_stays_below_its_bounds(monkeypatch, ties):
    """The further values come last: g w, g² w, g v and H; then q and the sums with g; I⁻¹ q; the variance."""
    cohort = a_cohort(13, n=300, p=3, n_times=40)
    site = {"site": np.arange(300) % 3, "n_sites": 3, "ties": ties}
    slots = model_of(cohort).slot_times
    hazard = WantedHazard((15.0, 30.0), (-2.0, 1.0, 1.0))
    test = WantedPhTest("log", log_times(slots))
    plain = audited(monkeypatch, cohort, **site)
    found = audited(monkeypatch, cohort, **site, hazard=hazard, ph_test=test)[len(plain) :]
    model = model_of(cohort, ties, hazard=hazard)
    # B is below 2 at the fit.
    furthest = model.most_events * (1 + np.max(np.abs(model.hazard_at))) * math.exp(2)

    assert len(found) >= 10
    assert 120 < max(found) <= 128 + math.log2(furthest)
    assert max(found) < K


def test_outliers_stay_below_the_bound_as_well(monkeypatch):
    cohort = a_cohort(14, n=100, p=2)
    x = cohort.x.copy()
    x[0, 0] = 40.0
    found = audited(
        monkeypatch,
        Cohort(cohort.time, cohort.event, x),
        site=np.arange(100) % 3,
        n_sites=3,
    )

    assert max(found) <= 128 + FACTOR_BITS < K


def test_the_polynomial_is_the_logarithm_to_sixteen_digits():
    for x in np.linspace(0, 1, 501):
        exact = math.log1p(x)
        found = math.fsum(c / 2**64 * float(x) ** k for k, c in enumerate(COEFFICIENTS))

        assert abs(found - exact) < 5e-16


@pytest.mark.parametrize("spread", [0.0, 2.0, 6.0])
def test_reciprocals_and_logarithms_of_hidden_numbers(spread):
    """Whatever A lies within the public bounds, 1/A is right in the last places, from a fresh start and from a near one."""
    cohort = a_cohort(15, n=40, p=1)
    model = model_of(cohort, "breslow")
    beta = np.array([spread])
    path = next_path(model, beta, None)
    assert path.start is not None
    fresh = path.start
    committee = Committee((0, 1, 2), 1)
    bound = model.n_patients * math.exp(spread)
    n_terms = len(model.terms.slot)
    A = np.geomspace(math.exp(-spread), bound, n_terms)
    shares = shared(committee, encode(A))

    def run(member, share):
        first = yield from iterate(member, share, fresh, None)
        w = yield from correct(member, share, first.w)
        near = PublicPath(beta, path.start, 0.0, 0.0)
        start = next_path(model, beta + 0.3, near).start
        assert isinstance(start, NearStart)
        second = yield from iterate(member, share, start, w)
        return (yield from member.reveal(w)), (yield from correct(member, share, second.w))

    outcomes = together(
        committee, [run(m, s) for m, s in zip(arithmetics(committee), shares, strict=True)]
    )
    found = to_real(to_integers(outcomes[0][0]), F)

    assert isinstance(path.start, FreshStart)
    np.testing.assert_allclose(found, 1 / A, rtol=1e-14, atol=2.0**-61)


def far_apart(seed: int) -> Cohort:
    """Patients with skewed covariates, whose weights differ by a factor of more than e^12."""
    random = np.random.default_rng(seed)
    n = 300
    x = np.column_stack([random.random(n) ** 4, random.random(n) ** 5, random.random(n) < 0.3])
    rate = np.exp(x @ np.array([9.0, 8.0, 0.5]) - 4)
    died, left = random.exponential(600 / rate), random.exponential(900, n)
    return Cohort(
        time=np.ceil(np.minimum(np.minimum(died, left), 2000)),
        event=died <= np.minimum(left, 2000),
        x=x.astype(float),
    )


def log_likelihood(model, cohort: Cohort, beta: np.ndarray) -> np.longdouble:
    """Efron's, in extended precision."""
    eta = model.standardised(cohort.x).astype(np.longdouble) @ beta.astype(np.longdouble)
    weight, found = np.exp(eta), np.longdouble(0)
    for time in np.unique(cohort.time[cohort.event]):
        dead = cohort.event & (cohort.time == time)
        d, at_risk = np.count_nonzero(dead), weight[cohort.time >= time].sum()
        left = [at_risk - np.longdouble(k) / d * weight[dead].sum() for k in range(d)]
        found += eta[dead].sum() - np.log(np.array(left)).sum()
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_a_log_likelihood_has_eleven_digits_where_weights_differ_by_e_to_the_12(seed):
    cohort = far_apart(seed)
    # The codebook's ranges are wider than the values, so that the public bounds are far from the hidden numbers.
    wide, rank = (1.8, 1.8, 1.0), np.arange(len(cohort.time))
    model, found = fit_blind(cohort, rank % 3, 3, upper=wide)
    _, again = fit_blind(cohort, rank % 4, 4, upper=wide)
    eta = model.standardised(cohort.x) @ found.fit.coef
    exact = float(log_likelihood(model, cohort, found.fit.coef))
    exact_null = float(log_likelihood(model, cohort, np.zeros(3)))

    assert np.ptp(eta) > 12
    for outcome in (found, again):
        assert abs(outcome.fit.log_likelihood / exact - 1) < 1e-12
        assert abs(outcome.fit.log_likelihood_null / exact_null - 1) < 1e-12
        assert abs(outcome.fit.likelihood_ratio - 2 * (exact - exact_null)) < 1e-9


def test_a_near_start_needs_the_last_reciprocals():
    member = arithmetics(Committee((0, 1, 2), 1))[0]
    with pytest.raises(ValueError, match="last coefficients"):
        next(iterate(member, encode(np.ones(3)), NearStart(1 << 30, 2, 0), None))
