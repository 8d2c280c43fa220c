"""Fixed numbers of some, fixed numbers of each kind, and times whose cumulative hazard is what was asked."""

from __future__ import annotations

import numpy as np
import pytest
from deploy.studies.interfant06.synthetic.drawing import deal, pick, waiting_time
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 50))
def test_as_many_are_picked_as_asked_and_only_among_those_who_may(seed, n, number):
    rng = np.random.default_rng(seed)
    among = rng.random(n) < 0.6
    chosen = pick(rng, among, number)

    assert min(number, among.sum()) == chosen.sum()
    assert not (chosen & ~among).any()


def test_a_higher_score_is_picked_more_often():
    rng = np.random.default_rng(1)
    among = np.ones(2, dtype=bool)
    score = np.log([1.0, 3.0])
    share = np.mean([pick(rng, among, 1, score)[1] for _ in range(4000)])

    assert share == pytest.approx(0.75, abs=0.03)


@given(st.integers(0, 2**32), st.lists(st.integers(0, 6), min_size=1, max_size=5))
def test_each_kind_is_dealt_as_often_as_asked(seed, counts):
    rng = np.random.default_rng(seed)
    among = np.zeros(sum(counts) + 3, dtype=bool)
    among[rng.permutation(among.size)[: sum(counts)]] = True
    dealt = deal(rng, among, counts)

    assert counts == [int((dealt == kind).sum()) for kind in range(len(counts))]
    assert (dealt[~among] == -1).all()


def test_counts_that_do_not_fit_are_refused():
    with pytest.raises(EstimationError, match=r"2 infants cannot be dealt into 3 places"):
        deal(np.random.default_rng(1), np.ones(2, dtype=bool), (1, 2))


@given(
    st.integers(0, 2**32),
    st.lists(st.floats(0.05, 2), min_size=1, max_size=5),
    st.floats(0.1, 3),
)
def test_the_cumulative_hazard_until_the_time_is_the_one_that_was_drawn(seed, hazards, width):
    rng = np.random.default_rng(seed)
    starts = [width * k for k in range(len(hazards))]
    u = rng.random(50)
    time = waiting_time(u, starts, np.tile(hazards, (50, 1)))
    ends = [*starts[1:], np.inf]
    reached = sum(
        hazard * np.clip(np.minimum(time, end) - begin, 0, None)
        for hazard, begin, end in zip(hazards, starts, ends, strict=True)
    )

    assert reached == pytest.approx(-np.log(u))


def test_without_hazard_the_time_never_comes():
    assert np.isinf(waiting_time(np.array([0.5]), (0.0,), np.zeros((1, 1)))).all()
