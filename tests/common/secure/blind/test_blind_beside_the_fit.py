"""The test of proportional hazards and the baseline hazard on shares, against their definitions on one pool of patients."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.secure.blind.blind_parties import (
    Cohort,
    a_cohort,
    fit_blind,
    fit_pooled,
    model_of,
    setup_of,
)
from tests.common.secure.blind.blind_session import Session
from tests.common.secure.blind.extended_model import hazards, time_scores
from tests.common.secure.blind.test_blind_cox import separated
from tests.examples import examples

from riskset_common.errors import EstimationError, PolicyRefusal, ProtocolRefusal
from riskset_common.secure.blind.arithmetic.committee import PRESETS
from riskset_common.secure.blind.arithmetic.reciprocal import FreshStart, NearStart
from riskset_common.secure.blind.cox import guards
from riskset_common.secure.blind.cox import hazard as blind_hazard
from riskset_common.secure.blind.cox.bounds import next_path, require_in_range
from riskset_common.secure.blind.cox.guards import require_wide_blocks
from riskset_common.secure.blind.cox.hazard import BlindHazard
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.cox.wanted import (
    WantedHazard,
    WantedPhTest,
    identity_times,
    log_times,
)
from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.secure.blind.protocol import BlindOutcome
from riskset_common.survival.regression.cox import cox_sums, prepare
from riskset_common.survival.regression.newton import CoxFit
from riskset_common.survival.regression.proportionality import TimeScores, proportionality_test
from riskset_common.wire.blind_messages import BlindAsk, BlindInput, BlindOpened, BlindShare

N_SITES = 3
COHORT = a_cohort(41, n=120, p=2, n_times=30)
SITE = np.arange(120) % N_SITES


def wanted_of(cohort: Cohort, *, times: tuple[float, ...] = (12.0, 24.0)) -> dict[str, Any]:
    """Test against time itself, and the hazard at two times and at covariates of 0."""
    slots = model_of(cohort).slot_times
    p = cohort.x.shape[1]
    return {
        "ph_test": WantedPhTest("identity", identity_times(slots)),
        "hazard": WantedHazard(times, (0.0,) * p),
    }


@cache
def fitted(*besides: str) -> tuple[BlindModel, BlindOutcome]:
    """The cohort at its three sites with these of `wanted_of`: fitted once for all tests that only read it."""
    wanted = wanted_of(COHORT)
    return fit_blind(COHORT, SITE, N_SITES, **{name: wanted[name] for name in besides})


def scores_of(outcome: BlindOutcome) -> TimeScores:
    assert outcome.further is not None
    assert outcome.further.ph_test is not None
    return outcome.further.ph_test


def hazard_of(outcome: BlindOutcome) -> BlindHazard:
    assert outcome.further is not None
    assert outcome.further.hazard is not None
    return outcome.further.hazard


def pooled_scores(model: BlindModel, cohort: Cohort, fit: CoxFit, ties: Any) -> TimeScores:
    """g runs from 0 to 1."""
    assert model.ph_test is not None
    return time_scores(model, cohort, model.ph_test.scaled.tolist(), np.nan_to_num(fit.coef), ties)


def pooled_information(model: BlindModel, cohort: Cohort, fit: CoxFit, ties: Any) -> np.ndarray:
    x = model.standardised(cohort.x)
    design = prepare(cohort.time, cohort.event, cohort.entry, x, cohort.strata, ties)
    return cox_sums(design, fit.coef).information


def check_further(model: BlindModel, cohort: Cohort, outcome: BlindOutcome, ties: Any = "efron"):
    fit, scores, hazard = fit_pooled(model, cohort, ties), scores_of(outcome), hazard_of(outcome)
    expected = pooled_scores(model, cohort, fit, ties)

    for field in dataclasses.fields(TimeScores):
        actual = getattr(scores, field.name)
        np.testing.assert_allclose(actual, getattr(expected, field.name), rtol=1e-9, atol=1e-9)
    cumulative, std_err = hazards(
        model, cohort, fit.coef, pooled_information(model, cohort, fit, ties), ties
    )
    np.testing.assert_allclose(hazard.cumulative, cumulative, rtol=1e-9)
    np.testing.assert_allclose(hazard.std_err, std_err, rtol=1e-9)


@examples(5)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_sites=st.integers(3, 6),
    ties=st.sampled_from(["efron", "breslow"]),
    left_truncated=st.booleans(),
    n_strata=st.sampled_from([0, 2]),
)
def test_any_split_into_sites_gives_what_one_pool_gives(
    seed, n_sites, ties, left_truncated, n_strata
):
    cohort = a_cohort(seed, n=240, n_times=25, left_truncated=left_truncated, n_strata=n_strata)
    site = np.random.default_rng(seed).integers(0, n_sites, len(cohort.time))
    wanted = wanted_of(cohort, times=(20.0,))
    model, outcome = fit_blind(cohort, site, n_sites, ties=ties, **wanted)

    check_further(model, cohort, outcome, ties)
    assert hazard_of(outcome).stratum.tolist() == sorted(set(model.slot_strata))


@pytest.mark.parametrize("preset", PRESETS[1:])
def test_every_committee_opens_the_same(preset):
    model, outcome = fit_blind(COHORT, np.arange(120) % 5, 5, preset=preset, **wanted_of(COHORT))

    check_further(model, COHORT, outcome)


def test_each_may_be_wanted_alone_and_costs_the_fit_nothing():
    """The fit is the same to the last bit, and of the messages only those of the last evaluation differ in number."""
    _, plain = fitted()
    model, test = fitted("ph_test")
    _, hazard = fitted("hazard")
    _, both = fitted("ph_test", "hazard")

    assert plain.further is None
    assert test.further is not None
    assert test.further.hazard is None
    assert hazard.further is not None
    assert hazard.further.ph_test is None
    shares = [len(outcome.carried) - len(plain.carried) for outcome in (test, hazard, both)]
    assert [3 * 6, 5 * 6, 5 * 6] == shares
    for outcome in (test, hazard, both):
        np.testing.assert_allclose(outcome.fit.coef, plain.fit.coef, rtol=1e-12)
    expected = pooled_scores(model, COHORT, test.fit, "efron")
    covariance = test.fit.covariance
    for columns in ([0], [1], [0, 1]):
        one = proportionality_test(expected, covariance, columns)
        for outcome in (test, both):
            found = proportionality_test(scores_of(outcome), covariance, columns)

            assert one.df == found.df
            assert one.statistic == pytest.approx(found.statistic, rel=1e-8)


def test_a_model_that_wants_nothing_is_hashed_as_ever():
    plain = model_of(COHORT)

    assert not {"ph_test", "hazard"} & set(plain.to_json())
    hashes = {plain.hash}
    for fields in (
        {"ph_test": wanted_of(COHORT)["ph_test"]},
        {"hazard": wanted_of(COHORT)["hazard"]},
        {"hazard": WantedHazard((12.0,), (0.0, 0.0))},
        {"hazard": WantedHazard((12.0,), (1.0, 0.0))},
        {"hazard": WantedHazard((12.0,), (0.0, 0.0), bits=10)},
    ):
        hashes.add(dataclasses.replace(plain, **fields).hash)
    assert len(hashes) == 6


def test_the_hazard_of_other_covariates_is_larger_by_their_hazard_ratio():
    at = (0.5, 1.0)
    wanted = WantedHazard((12.0, 24.0), at)
    model, moved = fit_blind(COHORT, SITE, N_SITES, hazard=wanted)
    _, at_zero = fitted("hazard")
    slope = moved.fit.coef * np.ldexp(1.0, -model.exponent)

    np.testing.assert_allclose(
        hazard_of(moved).cumulative,
        hazard_of(at_zero).cumulative * math.exp(float(slope @ at)),
        rtol=1e-9,
    )


def test_fewer_bits_are_opened_where_fewer_are_agreed():
    exact, rounded = (
        hazard_of(
            fit_blind(COHORT, SITE, N_SITES, hazard=WantedHazard((24.0,), (0.0, 0.5), bits=bits))[1]
        )
        for bits in (50, 10)
    )
    apart = np.abs(rounded.cumulative - exact.cumulative)

    assert np.all(apart < 2**-9)
    assert np.all(apart > 2**-20)
    np.testing.assert_allclose(rounded.std_err, exact.std_err, rtol=0.1)


def test_aliased_columns_take_no_part():
    x = np.column_stack([COHORT.x, np.full(120, 3.0)])
    wider = Cohort(COHORT.time, COHORT.event, x)
    wanted = wanted_of(COHORT)
    _, narrow = fitted("ph_test", "hazard")
    hazard = WantedHazard((12.0, 24.0), (0.0, 0.0, 3.0))
    _, wide = fit_blind(wider, SITE, N_SITES, ph_test=wanted["ph_test"], hazard=hazard)

    assert [False, False, True] == wide.fit.aliased.tolist()
    for name in ("cumulative", "std_err"):
        expected = getattr(hazard_of(narrow), name)
        np.testing.assert_allclose(getattr(hazard_of(wide), name), expected, rtol=1e-9)
    expected = proportionality_test(scores_of(narrow), narrow.fit.covariance, [0, 1])
    found = proportionality_test(scores_of(wide), wide.fit.covariance, [0, 1, 2])
    assert expected.df == found.df == 2
    assert expected.statistic == pytest.approx(found.statistic, rel=1e-8)


@pytest.mark.parametrize(
    "unfinished", ["too few iterations", "monotone", "no column"], ids=lambda each: each
)
def test_nothing_is_opened_of_a_model_without_finite_coefficients_at_the_maximum(unfinished):
    cohort = COHORT
    wanted: dict[str, Any] = {}
    if unfinished == "too few iterations":
        wanted["max_iterations"] = 1
    elif unfinished == "monotone":
        cohort = separated(44)
    else:
        cohort = dataclasses.replace(COHORT, x=np.ones((120, 1)))
    wanted |= wanted_of(cohort, times=(float(cohort.time[cohort.event].max()),))
    _, outcome = fit_blind(cohort, np.arange(len(cohort.time)) % N_SITES, N_SITES, **wanted)

    assert outcome.further is None


def test_times_are_ranked_by_their_logarithm_to_the_last_bit():
    slots = model_of(COHORT).slot_times
    found = log_times(slots)

    np.testing.assert_allclose(found, np.log(slots), rtol=1e-15)
    WantedPhTest("log", found).check(slots)
    with pytest.raises(EstimationError, match="time of 0"):
        log_times((0.0, 1.0))


def test_a_time_of_0_may_be_given_a_logarithm_of_its_own():
    found = log_times((0.0, 1.0, 2.0), least=0.5)
    WantedPhTest("log", found).check((0.0, 1.0, 2.0))

    assert [math.log(0.5), 0.0, math.log(2.0)] == list(found)
    with pytest.raises(ProtocolRefusal, match="not the log"):
        WantedPhTest("log", (found[0], 0.1, found[2])).check((0.0, 1.0, 2.0))
    with pytest.raises(ProtocolRefusal, match="not the identity"):
        WantedPhTest("identity", (0.5, 1.0, 2.0)).check((0.0, 1.0, 2.0))


# What is refused


@pytest.mark.parametrize(
    ("transform", "times", "match"),
    [
        ("km", (0.0, 0.1), "one finite transformed time for each"),
        ("km", (0.0, 0.1, math.nan), "one finite transformed time for each"),
        ("km", (0.0, 0.2, 0.1), "that grow with time"),
        ("rank", (1.0, 1.0, 1.0), "two that differ"),
        ("identity", (1.0, 2.0, 3.5), "not the identity"),
        ("log", (0.0, 0.5, 1.0), "not the log"),
    ],
)
def test_transformed_times_must_be_those_of_the_event_times(transform, times, match):
    with pytest.raises(ProtocolRefusal, match=match):
        WantedPhTest(transform, times).check((1.0, 2.0, 3.0))


def test_equal_times_of_two_strata_have_one_transformed_time():
    WantedPhTest("km", (0.0, 0.1, 0.0, 0.1)).check((1.0, 2.0, 1.0, 2.0))
    with pytest.raises(ProtocolRefusal, match="the same in every stratum"):
        WantedPhTest("km", (0.0, 0.1, 0.0, 0.2)).check((1.0, 2.0, 1.0, 2.0))


@pytest.mark.parametrize(
    ("hazard", "match"),
    [
        (WantedHazard((24.0, 12.0), (0.0, 0.0)), "in order"),
        (WantedHazard((math.inf,), (0.0, 0.0)), "in order"),
        (WantedHazard((12.0,), (0.0, 0.0), bits=51), "51 were asked"),
        (WantedHazard((12.0,), (0.0, 0.0), bits=7), "7 were asked"),
        (WantedHazard((12.0,), (0.0,)), "one covariate for each column"),
        (WantedHazard((12.0,), (0.0, 1e9)), "far outside"),
        (WantedHazard((12.0,), (math.nan, 0.0)), "far outside"),
    ],
)
def test_a_hazard_must_be_asked_in_a_way_that_can_be_computed(hazard, match):
    with pytest.raises(ProtocolRefusal, match=match):
        model_of(COHORT, hazard=hazard)


@pytest.mark.parametrize(
    ("times", "bits", "match"),
    [
        ((), 50, "0 are wanted"),
        (tuple(float(each) for each in range(1, 14)), 50, "13 are wanted"),
        ((1.0,), 50, "20 events at 10 different times"),
        ((0.5, 12.0), 50, "20 events at 10 different times"),
        ((12.0, 13.0), 50, "20 events at 10 different times"),
        ((12.0, 24.0), 20, "40 events at 10 different times"),
    ],
)
def test_times_of_a_hazard_are_few_and_far_apart(times, bits, match):
    with pytest.raises(PolicyRefusal, match=match):
        model_of(COHORT, hazard=WantedHazard(times, (0.0, 0.0), bits))


def test_every_stratum_needs_events_enough():
    strata = (COHORT.time > 3).astype(np.int64)
    with pytest.raises(PolicyRefusal, match="in every stratum"):
        model_of(dataclasses.replace(COHORT, stratum=strata), hazard=WantedHazard((24.0,), (0, 0)))


def test_blocks_are_wide_by_events_and_by_times():
    require_wide_blocks(2, [(20, 10), (21, 11)])
    for narrow in ((19, 10), (20, 9)):
        with pytest.raises(PolicyRefusal, match="fewer times"):
            require_wide_blocks(1, [narrow])
    with pytest.raises(PolicyRefusal, match="30 events"):
        require_wide_blocks(1, [(29, 20)], 30)
    assert (20, 10, 12) == (
        guards.EVENTS_PER_BLOCK,
        guards.TIMES_PER_BLOCK,
        guards.HAZARD_TIMES,
    )


def test_coefficients_at_which_a_hazard_would_not_fit_are_refused_before_a_step():
    near = model_of(COHORT, hazard=WantedHazard((24.0,), (0.0, 0.0)))
    far = model_of(COHORT, hazard=WantedHazard((24.0,), (0.0, 400.0)))
    beta = np.array([10.0, 5.0])

    require_in_range(near, beta)
    with pytest.raises(EstimationError, match="Narrow the range"):
        require_in_range(far, beta)


def test_a_start_from_the_last_evaluation_is_left_where_it_is_too_far_away():
    model = model_of(COHORT)
    there = np.array([9.0 / model.half_range[0], *np.zeros(model.n_columns - 1)])
    last = next_path(model, -there, None)

    assert isinstance(next_path(model, -there / 2, last).start, NearStart)
    assert isinstance(next_path(model, there, last).start, FreshStart)


def test_a_variance_that_does_not_fit_is_refused_and_not_opened(monkeypatch):
    monkeypatch.setattr(blind_hazard, "_LARGEST_VARIANCE_BITS", 1)
    with pytest.raises(EstimationError, match="too large for the blind computation"):
        fit_blind(COHORT, SITE, N_SITES, hazard=WantedHazard((24.0,), (100.0, 50.0)))


def test_the_centre_takes_no_more_and_no_less_than_the_fit_gives():
    session = Session(setup_of(model_of(COHORT, **wanted_of(COHORT)), N_SITES), COHORT)
    first = session.evaluated()
    longer = [_signed(session, each, each.body + each.body) for each in first]
    with pytest.raises(ProtocolRefusal, match="more or less"):
        session.centre.conclude(longer)
    last = first
    while session.centre.conclude(last) is None:
        session.centre.further = None
        last = session.evaluated()
        if last[0].length > first[0].length:
            cut = [_signed(session, each, each.body[: len(first[0].body)]) for each in last]
            with pytest.raises(ProtocolRefusal, match="more or less"):
                session.centre.conclude(cut)

    assert session.centre.further is not None


def _signed(session: Session, message: BlindOpened, body: bytes) -> BlindOpened:
    identity = session.parties[message.site_id].identity
    statement = session.setup.opened_statement(message.site_id, message.evaluation, body)
    return message.model_copy(
        update={"body": body, "length": len(body) // 32, "signature": identity.sign(statement)}
    )


# A member that is lost


class Restarting(BlindMember):
    """A member that is lost before some messages, and brought back from what was stored: questions, inputs and shares."""

    def __init__(self, session: Session, lost: tuple[int, ...] = ()):
        self.lost = lost
        self.stored: list[Callable[[BlindMember], Any]] = []
        self.sent: list[Any] = []
        self._session = session
        self._start()

    def _start(self) -> None:
        super().__init__(*self._session.belongings(0))

    def begin_evaluation(self, ask: BlindAsk, inputs: Sequence[BlindInput]) -> list[BlindShare]:
        self._take(lambda member: BlindMember.begin_evaluation(member, ask, inputs))
        sent: list[BlindShare] = self.sent[-1]
        return sent

    def receive(self, shares: Sequence[BlindShare]) -> list[BlindShare] | BlindOpened:
        self._take(lambda member: BlindMember.receive(member, shares))
        sent: list[BlindShare] | BlindOpened = self.sent[-1]
        return sent

    def _take(self, message: Callable[[BlindMember], Any]) -> None:
        if len(self.stored) in self.lost:
            self._start()
            for stored, earlier in zip(self.stored, self.sent, strict=True):
                assert earlier == stored(self)
        self.stored.append(message)
        self.sent.append(message(self))


def test_a_member_lost_at_any_stage_goes_on_to_the_same_bytes():
    """In the first evaluation, between two, and while what is wanted besides the fit is opened."""
    setup = setup_of(model_of(COHORT, **wanted_of(COHORT)), N_SITES)
    undisturbed, disturbed = Session(setup, COHORT), Session(setup, COHORT)
    undisturbed.members[0] = steady = Restarting(undisturbed)
    expected, n_messages = to_the_end(undisturbed), len(steady.sent)
    disturbed.members[0] = lost = Restarting(disturbed, (3, n_messages // 2, n_messages - 2))

    assert expected == to_the_end(disturbed)
    assert steady.sent == lost.sent


def to_the_end(session: Session) -> list[bytes]:
    opened = session.evaluated()
    while session.centre.conclude(opened) is None:
        opened = session.evaluated()
    return [each.to_bytes() for each in opened]
