"""What the whole protocol promises: exact sums for all, and noise for whoever sees less than all."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.ring import add_counts, add_reals
from riskset_common.secure.sums.reporting import NO_ROUND
from riskset_common.secure.sums.site_session import accept_keys
from riskset_common.wire.messages import Report, words_of


@st.composite
def rounds(draw):
    """Answers of 1 to 5 sites in 1 to 3 rounds, up to the edges of the rings."""
    n_sites = draw(st.integers(1, 5))
    limit = 2**62 // n_sites
    count = st.integers(1 - limit, limit - 1)
    real_limit = float(2**47 // n_sites)
    real = st.floats(-real_limit, real_limit, exclude_min=True, exclude_max=True)
    on_grid = real.map(lambda v: v if v == 0 or abs(v) >= 2.0**-28 else 0.0)
    asked = []
    for _ in range(draw(st.integers(1, 3))):
        n_counts, n_reals = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        asked.append(
            {
                i: (
                    np.array(draw(st.lists(count, min_size=n_counts, max_size=n_counts)), np.int64),
                    np.array(
                        draw(st.lists(on_grid, min_size=n_reals, max_size=n_reals)), np.float64
                    ),
                )
                for i in range(n_sites)
            }
        )
    return asked


@given(asked=rounds())
def test_the_opened_sums_are_exact(consortium, question, asked):
    outcome = consortium(len(asked[0])).run([question(answers) for answers in asked])

    for answers, pooled in zip(asked, outcome.pooled, strict=True):
        counts = [site[0].tolist() for site in answers.values()]
        reals = [site[1].tolist() for site in answers.values()]
        exact = [sum(map(Fraction, column), Fraction(0)) for column in zip(*reals, strict=True)]

        assert [sum(column) for column in zip(*counts, strict=True)] == pooled.counts.tolist()
        assert [float(value) for value in exact] == pooled.reals.tolist()
        assert tuple(answers) == pooled.participants


def test_eighteen_sites_pool_more_than_a_chunk(consortium, question):
    rng = np.random.default_rng(18)
    answers = {i: (rng.integers(0, 100, 33_000), rng.normal(size=33_000)) for i in range(18)}

    (pooled,) = consortium(18).run([question(answers)], minimum_sites=18).pooled

    assert np.array_equal(sum(counts for counts, _ in answers.values()), pooled.counts)
    np.testing.assert_allclose(
        sum(reals for _, reals in answers.values()), pooled.reals, rtol=1e-12, atol=1e-12
    )


def test_a_session_of_one_opens_its_own_numbers_where_the_minimum_permits(consortium, question):
    alone = {0: (np.array([3]), np.array([0.5]))}
    outcome = consortium(1).run([question(alone)], minimum_sites=1)

    assert ([3], [0.5]) == (outcome.pooled[0].counts.tolist(), outcome.pooled[0].reals.tolist())
    with pytest.raises(ProtocolRefusal, match="sums over 2 or more only"):
        consortium(1).run([question(alone)], minimum_sites=2)


def test_a_split_request_leaves_noise(consortium):
    study = consortium(3)
    setup, _, states = study.joined()
    to_all = study.request(setup, 50, 50, questions=b'{"beta":[1]}')
    to_one = study.request(setup, 50, 50, questions=b'{"beta":[2]}')
    answers = study.zeros(50, 50)

    reports = study.reports(states, {0: to_all, 1: to_all, 2: to_one}, answers)

    assert 2 == len({answer.label for answer in reports.values()})
    with pytest.raises(ProtocolRefusal, match="'site 2' answered another question"):
        study.pool(setup, to_all, reports.values())
    assert_noise(reports.values())


def test_sites_that_were_shown_different_keys_leave_noise(consortium):
    study = consortium(3)
    states, advertisements = study.advertised()
    first, second = advertisements[:2], advertisements
    for i, shown in ((0, first), (1, second), (2, second)):
        keys = study.joined()[1].model_copy(
            update={"advertisements": tuple(shown), "degree": len(shown) - 1}
        )
        states[i] = accept_keys(states[i], keys, rule=study.rule, minimum_sites=1)
    answers = study.zeros(50, 50)
    requests = {i: study.request(state.setup, 50, 50) for i, state in states.items()}

    reports = study.reports(states, requests, answers)

    assert 2 == len({answer.label for answer in reports.values()})
    assert_noise(reports.values())
    assert_noise([reports[0], reports[1]])


def test_any_report_fewer_leaves_noise(consortium):
    study = consortium(4)
    setup, _, states = study.joined()
    reports = study.reports(states, study.request(setup, 50, 50), study.zeros(50, 50))

    for missing in reports:
        assert_noise(answer for i, answer in reports.items() if i != missing)


def test_bytes_of_a_masked_report_are_uniform(consortium):
    study = consortium(2)
    setup, _, states = study.joined()
    answers = study.zeros(100_000, 50_000)

    reports = study.reports(states, study.request(setup, 100_000, 50_000), answers)

    for answer in reports.values():
        seen = np.bincount(np.frombuffer(answer.body, np.uint8), minlength=256)
        expected = len(answer.body) / 256
        chi_square = float(np.sum((seen - expected) ** 2) / expected)

        # 255 degrees of freedom: mean 255, standard deviation 22.6.
        assert 255 - 5 * 22.6 < chi_square < 255 + 5 * 22.6


def test_no_two_rounds_and_no_two_sessions_share_a_mask(consortium):
    masks = []
    for word in ("first", "second"):
        study = consortium(3, word)
        setup, _, states = study.joined()
        after = NO_ROUND
        for number in (1, 2):
            request = study.request(setup, 60, 60, number=number, after=after)
            masks += study.reports(states, request, study.zeros(60, 60)).values()
            after = masks[-1].label
    words = np.concatenate([np.frombuffer(answer.body, np.uint64) for answer in masks])

    assert 12 * 180 == len(words)
    assert len(words) == len(np.unique(words))


def test_what_the_centre_receives_holds_no_number_of_a_site(consortium, question):
    poison_counts, poison_real = [0x1DEA_DBEE_F123_4567, 0x2BAD_CAFE_89AB_CDEF], 1.2345678901
    answers = {i: (np.array(poison_counts) // 3 + i, np.full(2, poison_real + i)) for i in range(3)}

    outcome = consortium(3).run([question(answers)])

    received = b"".join(outcome.received)
    assert 6 == len(outcome.received)
    for counts, reals in answers.values():
        for value in counts:
            assert value.tobytes() not in received
        for value in reals:
            assert value.tobytes() not in received
            assert int(Fraction(value) * 2**80).to_bytes(16, "little")[:8] not in received


def assert_noise(reports) -> None:
    """The sum of these reports of zeros has no zero left, and as many high bits set as a fair coin."""
    bodies: list[Report] = list(reports)
    counts, reals = np.zeros(50, np.uint64), np.zeros((2, 50), np.uint64)
    for answer in bodies:
        more_counts, more_reals = words_of(answer.masked, answer.counts_length)
        add_counts(counts, more_counts)
        add_reals(reals, more_reals)
    words = np.concatenate([counts, *reals])
    high_bits = int(np.sum(words >> np.uint64(63)))

    assert 150 == len(np.unique(words))
    assert 0 not in words
    # A binomial of 150 throws: mean 75, standard deviation 6.1.
    assert 75 - 5 * 6.1 < high_bits < 75 + 5 * 6.1
