"""Models of which few digits are opened: deaths on shares, and models within sites, against one pool of patients in the open."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.secure.blind.blind_parties import (
    Cohort,
    a_cohort,
    arithmetics,
    channels_of,
    deaths_of,
    fit_on_shares,
    fit_pooled,
    hidden_model_of,
    identity_of,
    own_design,
    secret,
    setup_of,
    shared,
    together,
    within_sites_model_of,
)
from tests.examples import examples

from riskset_common.errors import EstimationError, ProtocolRefusal, RecordsFailed
from riskset_common.secure.blind.arithmetic.committee import PRESETS, Committee
from riskset_common.secure.blind.arithmetic.field import from_integers, to_integers
from riskset_common.secure.blind.arithmetic.fixed_point import ONE
from riskset_common.secure.blind.arithmetic.parts import K, Revealed, Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, open_shares
from riskset_common.secure.blind.cox.bounds import PublicPath, next_path, require_in_range
from riskset_common.secure.blind.cox.digits import ON_THE_WAY, at_zero, digits_of
from riskset_common.secure.blind.cox.hidden_deaths import death_shares
from riskset_common.secure.blind.cox.model import HiddenDeaths
from riskset_common.secure.blind.cox.newton import begin, go_on
from riskset_common.secure.blind.cox.opened import cox_sums_of, n_opened
from riskset_common.secure.blind.parties.centre import BlindCentre
from riskset_common.secure.blind.parties.keys import accept_keys, make_keys
from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.secure.blind.parties.site import BlindSite, answer
from riskset_common.survival.regression.cox import CoxSums, cox_sums
from riskset_common.survival.regression.newton import CoxFit, NewtonState
from riskset_common.survival.regression.printed_digits import (
    digits_of_coefficients,
    rounded_to,
    significant,
)
from riskset_common.wire.blind_messages import BlindAsk


def same_digits(model, expected: CoxFit, actual: CoxFit):
    """What is printed is the same, but where the exact number lies within a hundredth of its last digit of a half."""
    assert actual.converged
    assert expected.aliased.tolist() == actual.aliased.tolist()
    assert expected.df == actual.df
    kept = ~expected.aliased
    scale = np.ldexp(1.0, -model.exponent)[kept]
    coef, std_err = expected.coef[kept] * scale, expected.std_err[kept] * scale
    unit = digits_of_coefficients(coef, std_err)

    assert np.all(np.abs(actual.coef[kept] * scale - coef) < 0.01 * unit)
    assert np.all(np.abs(actual.std_err[kept] * scale / std_err - 1) < 1e-5)
    assert abs(actual.log_likelihood - expected.log_likelihood) < 1e-4
    assert abs(actual.log_likelihood_null - expected.log_likelihood_null) < 1e-4


@examples(4)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_sites=st.integers(3, 6),
    ties=st.sampled_from(["efron", "breslow"]),
    left_truncated=st.booleans(),
    n_strata=st.sampled_from([0, 3]),
)
def test_any_split_into_sites_equals_one_pool(seed, n_sites, ties, left_truncated, n_strata):
    """The day set has days before, between and after the deaths of these patients, at some of which nobody is at risk."""
    cohort = a_cohort(seed, 60, left_truncated=left_truncated, n_strata=n_strata)
    model = hidden_model_of(cohort, ties, days=[0.0, 0.5, *range(1, 24)])
    site = np.random.default_rng(seed).integers(0, n_sites, len(cohort.time))
    outcome = fit_on_shares(model, cohort, site, n_sites)

    assert 0 in deaths_of(model, cohort)
    same_digits(model, fit_pooled(model, cohort, ties), outcome.fit)


@pytest.mark.parametrize(
    ("preset", "ties"),
    [
        pytest.param(preset, ties, marks=pytest.mark.slow if preset[0] == 5 and slow else ())
        for ties, slow in (("breslow", False), ("efron", True))
        for preset in PRESETS
    ],
)
def test_every_committee_fits_the_same_model(preset, ties):
    cohort = a_cohort(3, n=40, p=1)
    model = hidden_model_of(cohort, ties)
    outcome = fit_on_shares(model, cohort, np.arange(40) % 6, 6, preset)

    same_digits(model, fit_pooled(model, cohort, ties), outcome.fit)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_sites_of_one_patient_and_a_bound_of_ties_above_them(ties):
    cohort = a_cohort(4, n=24, p=1, n_times=60)
    model = hidden_model_of(cohort, ties, most=7)
    outcome = fit_on_shares(model, cohort, np.arange(24), 24)

    same_digits(model, fit_pooled(model, cohort, ties), outcome.fit)


def test_single_deaths_need_no_sums_over_those_who_die():
    cohort = a_cohort(5, n=60, n_times=10_000)
    model = hidden_model_of(cohort, "efron", days=[0.5, *sorted(set(cohort.time))])

    assert 1 == model.most_ties
    assert 0 == len(model.terms.tied)
    same_digits(
        model,
        fit_pooled(model, cohort),
        fit_on_shares(model, cohort, np.arange(60) % 3, 3).fit,
    )


def test_an_empty_stratum_adds_nothing():
    cohort = a_cohort(6, n=60, n_strata=2)
    one_more = replace(cohort, stratum=cohort.strata)
    model = hidden_model_of(one_more)
    days = sorted(set(model.slot_times))
    strata = (0, 1, 2)
    model = replace(
        model,
        slot_strata=tuple(s for s in strata for _ in days),
        slot_times=tuple(days) * len(strata),
    )

    same_digits(
        model,
        fit_pooled(model, cohort),
        fit_on_shares(model, cohort, np.arange(60) % 3, 3).fit,
    )


def test_ties_on_every_day():
    cohort = a_cohort(7, n=120, n_times=6)
    for ties in ("efron", "breslow"):
        model = hidden_model_of(cohort, ties)

        assert min(deaths_of(model, cohort)) > 1
        outcome = fit_on_shares(model, cohort, np.arange(120) % 3, 3)
        same_digits(model, fit_pooled(model, cohort, ties), outcome.fit)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_model_within_sites_equals_one_that_is_stratified_by_site(preset):
    cohort = a_cohort(8, n=150)
    site = np.arange(150) % 6
    model = within_sites_model_of(cohort)
    outcome = fit_on_shares(model, cohort, site, 6, preset)

    same_digits(model, fit_pooled(model, replace(cohort, stratum=site)), outcome.fit)


def test_a_constant_and_a_repeated_column_are_aliased():
    cohort = a_cohort(7, n=120)
    binary = (cohort.x > np.median(cohort.x, axis=0)).astype(float)
    x = np.column_stack([binary, np.full(120, 3.0), 2 * binary[:, 0] - 1])
    cohort = replace(cohort, x=x)
    site = np.arange(120) % 3
    model = hidden_model_of(cohort)
    of_sites = within_sites_model_of(cohort)

    same_digits(model, fit_pooled(model, cohort), fit_on_shares(model, cohort, site, 3).fit)
    within = fit_pooled(of_sites, replace(cohort, stratum=site))
    same_digits(of_sites, within, fit_on_shares(of_sites, cohort, site, 3).fit)


def test_a_column_that_the_digits_do_not_tell_from_another_is_refused():
    """Two columns that differ in one patient of very many: too little for the digits at 0, and more than a repeated column has."""
    cohort = a_cohort(9, n=1500, p=1, n_times=30)
    near = cohort.x[:, 0].copy()
    near[0] = 1 - near[0]
    cohort = replace(cohort, x=np.column_stack([cohort.x, near]))
    model = hidden_model_of(cohort, "breslow")

    with pytest.raises(EstimationError, match="do not tell whether"):
        fit_on_shares(model, cohort, np.arange(1500) % 3, 3)


# What is opened


def opened_by(monkeypatch, model, cohort, site, n_sites=3):
    """The fit, the numbers that members open to one another and that are no masks, and every value before it is cut, in bits."""
    revealed: list[list[int]] = []
    bits: list[int] = []
    held: dict[bytes, list] = {}
    opening, rounding = Arithmetic.open, list[list[int]]()

    def remembered(self, parts):
        together_held = held.setdefault(self.label, [])
        together_held.append(parts)
        if len(together_held) == self.committee.size:
            for part in zip(*held.pop(self.label), strict=True):
                values = to_integers(open_shares(self.committee, [each.share for each in part]))
                if isinstance(part[0], Revealed):
                    (rounding if len(parts) > 1 else revealed).append(values)
                elif isinstance(part[0], Truncated):
                    bits.append(max(abs(value) for value in values).bit_length())
        return opening(self, parts)

    with monkeypatch.context() as patch:
        patch.setattr(Arithmetic, "open", remembered)
        fit = fit_on_shares(model, cohort, site, n_sites).fit
    return fit, revealed, bits


@pytest.mark.parametrize("kind", ["efron", "breslow", "within"])
def test_nothing_is_opened_beyond_the_digits_that_are_named(monkeypatch, kind):
    """Whoever is told what was opened comes to the same fit, and each number is that of the pool to its unit and no further."""
    cohort = a_cohort(11, n=120, p=2, n_times=40)
    site = np.arange(120) % 3
    within = kind == "within"
    model = within_sites_model_of(cohort) if within else hidden_model_of(cohort, kind)
    fit, revealed, _ = opened_by(monkeypatch, model, cohort, site)
    strata = site if within else cohort.strata
    design = own_design(model, replace(cohort, stratum=strata), np.arange(120))
    state: NewtonState | CoxFit = begin(model)
    last: CoxSums | None = None
    path: PublicPath | None = None
    asked = []
    for numbers in revealed:
        assert isinstance(state, NewtonState)
        beta = np.array(state.beta)
        digits, path = digits_of(model, state, last), next_path(model, beta, path)
        last = cox_sums_of(model, digits, from_integers(numbers), path.known(model))
        state = go_on(model, state, last)
        exact = cox_sums(design, beta)
        upper = np.triu_indices(model.n_columns)
        expected = [*exact.score * digits.score, *exact.information[upper] * digits.information]
        asked.append(digits)

        assert n_opened(model) == len(numbers)
        assert np.abs(np.array(expected) - numbers[1:]).max() < 4
        assert abs(exact.log_likelihood - last.log_likelihood) < 8 / digits.likelihood
    assert isinstance(state, CoxFit)
    assert state.coef.tolist() == fit.coef.tolist()
    assert at_zero(2) == asked[0]
    assert ON_THE_WAY == asked[1]
    assert ON_THE_WAY.likelihood == asked[-1].likelihood
    assert 2**8 <= asked[-1].score <= 2**30
    assert 2**8 <= asked[-1].information <= 2**24


@pytest.mark.parametrize("kind", ["efron", "breslow", "within"])
@pytest.mark.parametrize("decimals", [2, 3])
def test_score_and_information_at_0_are_those_of_the_log_rank_test_rounded(
    monkeypatch, kind, decimals
):
    """Of columns of 0 and 1: O - E and V to two decimals, halves up."""
    cohort = a_cohort(12, n=180, p=1, n_times=50)
    site = np.arange(180) % 3
    within = kind == "within"
    model = within_sites_model_of(cohort) if within else hidden_model_of(cohort, kind)
    model = replace(model, decimals=decimals)
    _, revealed, _ = opened_by(monkeypatch, model, cohort, site)
    strata = site if within else cohort.strata
    design = own_design(model, replace(cohort, stratum=strata), np.arange(180))
    sums = cox_sums(design, np.zeros(1))
    of_test = [float(sums.score[0]) / 2, float(sums.information[0, 0]) / 4]
    expected = [math.floor(each * 10**decimals + 0.5) for each in of_test]

    assert expected == revealed[0][1:]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_no_value_before_truncation_reaches_its_bound(monkeypatch, ties):
    cohort = a_cohort(13, n=90, p=2, n_times=20)
    model = hidden_model_of(cohort, ties, days=[0.5, *range(1, 30)])
    _, _, bits = opened_by(monkeypatch, model, cohort, np.arange(90) % 3)

    assert len(bits) > 60
    assert 127 < max(bits) < K


@pytest.mark.parametrize(("ties", "most"), [("efron", 1), ("efron", 5), ("breslow", 40)])
def test_what_follows_from_hidden_deaths(ties, most):
    """Which terms are none, d and l of the others, and the sum of d log d, for every d up to the bound; the vectors have all committees."""
    cohort = a_cohort(14, n=60, n_times=60)
    days = list(range(1, most + 2))
    d = list(range(most + 1))
    model = replace(
        hidden_model_of(cohort, ties),
        slot_strata=(0,) * len(days),
        slot_times=tuple(map(float, days)),
        deaths=HiddenDeaths(most),
    )
    committee = Committee((0, 1, 2), 1)

    def run(member, share):
        found = yield from death_shares(member, model, share)
        whole = [found.none, found.whole, found.taken, found.logarithms]
        return (yield from member.reveal(np.concatenate(whole, axis=1)))

    shares = shared(committee, from_integers(d))
    opened = together(
        committee, [run(m, s) for m, s in zip(arithmetics(committee), shares, strict=True)]
    )
    *found, logarithms = to_integers(opened[0])
    terms = [(k, l) for k in d for l in range(most if ties == "efron" else 1)]
    none = [int(k <= l) for k, l in terms]
    if ties == "efron":
        whole = [k * (k > l) for k, l in terms]
        taken = [l * (k > l) for k, l in terms]

        assert [*none, *whole, *taken] == found
        assert math.fsum(k * math.log(k) for k in d if k) == pytest.approx(logarithms / ONE)
    else:
        assert none == found
        assert 0 == logarithms


# Who takes part


COHORT = a_cohort(15, n=60)
MODEL = hidden_model_of(COHORT)
WITHIN = within_sites_model_of(COHORT)


def test_coefficients_that_nobody_consented_to_are_refused():
    for model in (MODEL, WITHIN):
        setup = setup_of(model, 3)
        site = BlindSite(setup, 0, secret("site", 0))
        design = own_design(model, COHORT, np.arange(60))
        asked = BlindAsk(setup=setup.hash, evaluation=1, beta=(0.1, 0.2), consents=())
        with pytest.raises(ProtocolRefusal, match="awaited"):
            answer(site, asked, design, identity=identity_of(0))
        zero = BlindAsk(setup=setup.hash, evaluation=0, beta=(0.1, 0.0), consents=())
        with pytest.raises(ProtocolRefusal, match="coefficients of 0"):
            answer(site, zero, design, identity=identity_of(0))


def member_of(setup, deaths):
    keys = [
        make_keys(setup, identity_of(i), i, secret("site", i), channels_of(i, 3)) for i in range(3)
    ]
    accepted = accept_keys(setup, 0, secret("site", 0), channels_of(0, 3), keys)
    return BlindMember(setup, accepted, identity_of(0), 0, channels_of(0, 3), deaths)


def test_a_member_brings_deaths_to_a_model_that_hides_them_and_to_no_other():
    shares = from_integers(deaths_of(MODEL, COHORT))
    member_of(setup_of(MODEL, 3), shares)
    for model, brought in ((MODEL, None), (WITHIN, shares)):
        with pytest.raises(ProtocolRefusal, match="shares of the deaths"):
            member_of(setup_of(model, 3), brought)


def test_a_model_with_hidden_deaths_is_bound_to_the_counts_that_gave_them():
    setup = setup_of(MODEL, 3)
    with pytest.raises(ProtocolRefusal, match="its label is missing"):
        dataclasses.replace(setup, counts=b"")
    assert setup.hash != dataclasses.replace(setup, counts=secret("others")).hash


def test_sums_are_of_the_kind_of_model_that_is_asked():
    setup = setup_of(MODEL, 3)
    centre = BlindCentre(setup)
    site = BlindSite(setup, 0, secret("site", 0))
    with pytest.raises(RecordsFailed):
        answer(
            site, centre.ask([]), own_design(MODEL, COHORT, np.arange(60)), identity=identity_of(0)
        )


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"deaths": HiddenDeaths(0)}, "Choose a finer grid"),
        ({"deaths": HiddenDeaths(128)}, "Choose a finer grid"),
        ({"convergence": "tight"}, "opens few digits"),
        ({"decimals": 4}, "2 or 3 decimals"),
    ],
)
def test_a_model_with_hidden_deaths_that_cannot_be_is_refused(changed, match):
    with pytest.raises(ProtocolRefusal, match=match):
        replace(MODEL, **changed)


@pytest.mark.parametrize(
    ("changed", "match"),
    [({"convergence": "tight"}, "few digits"), ({"n_patients": 1 << 22}, "up to")],
)
def test_a_model_within_sites_that_cannot_be_is_refused(changed, match):
    with pytest.raises(ProtocolRefusal, match=match):
        replace(WITHIN, **changed)


def test_a_model_within_sites_whose_ranges_are_far_too_wide_is_refused():
    """Its information is 0 to the digits at coefficients of 0, and not to those of the next evaluation."""
    wide = replace(WITHIN, lower=(-300.0, 0.0), upper=(300.0, 1.0))
    with pytest.raises(EstimationError, match="Narrow its range"):
        fit_on_shares(wide, COHORT, np.arange(60) % 3, 3)
    with pytest.raises(EstimationError, match="Narrow the range"):
        require_in_range(WITHIN, np.array([1000.0, 0.0]))


def test_numbers_are_printed_to_four_significant_digits():
    assert 0.5679 == significant(0.56789)
    assert 123500.0 == significant(123456.0)
    assert 0.0 == significant(0.0)
    assert math.isnan(rounded_to(math.nan, 0.1))
    assert 12.35 == rounded_to(12.345, 0.01)
    units = digits_of_coefficients(np.array([0.5, 1e-6]), np.array([0.2, 0.2]))

    assert [1e-4, 1e-6] == pytest.approx(units.tolist())


def test_separated_cohort_is_named_monotone():
    """Whoever has the covariate dies first: the coefficient runs."""
    time = np.arange(1.0, 81)
    x = (time <= 40).astype(float)
    cohort = Cohort(time, time <= 40, x[:, np.newaxis])
    outcome = fit_on_shares(hidden_model_of(cohort), cohort, np.arange(80) % 3, 3)

    assert [True] == outcome.fit.monotone.tolist()
