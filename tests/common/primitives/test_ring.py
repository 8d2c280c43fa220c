from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.primitives.ring import (
    add_counts,
    add_reals,
    decode_counts,
    decode_reals,
    encode_counts,
    encode_reals,
)

PARTIES = st.integers(1, 1000)


@given(PARTIES, st.data())
def test_counts_add_up_exactly(parties, data):
    limit = 2**62 // parties
    values = st.lists(st.integers(1 - limit, limit - 1), min_size=3, max_size=3)
    sites = data.draw(st.lists(values, min_size=1, max_size=min(parties, 20)))
    total = np.zeros(3, np.uint64)
    for site in sites:
        add_counts(total, encode_counts(np.array(site), parties))

    assert [sum(column) for column in zip(*sites, strict=True)] == decode_counts(total).tolist()


@given(PARTIES, st.data())
def test_reals_add_up_to_the_double_nearest_to_the_exact_sum(parties, data):
    limit = float(2**47 // parties)
    value = st.floats(-limit, limit, exclude_min=True, exclude_max=True)
    on_grid = value.map(lambda v: v if v == 0 or abs(v) >= 2.0**-28 else 0.0)
    values = st.lists(on_grid, min_size=3, max_size=3)
    sites = data.draw(st.lists(values, min_size=1, max_size=min(parties, 20)))
    total = np.zeros((2, 3), np.uint64)
    for site in sites:
        add_reals(total, encode_reals(np.array(site), parties))

    exact = [sum(map(Fraction, column), Fraction(0)) for column in zip(*sites, strict=True)]
    assert [float(value) for value in exact] == decode_reals(total).tolist()


@given(st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=8), st.randoms())
def test_the_order_of_arrival_does_not_change_a_bit(values, random):
    def total(order):
        words = np.zeros((2, 1), np.uint64)
        for value in order:
            add_reals(words, encode_reals(np.array([value]), 10))
        return words.tolist()

    shuffled = random.sample(values, len(values))

    assert total(values) == total(shuffled)


def test_all_sites_at_the_edge_still_fit():
    for parties in (1, 2, 3, 18, 1000):
        count, real = 2**62 // parties - 1, np.nextafter(float(2**47 // parties), 0)
        counts, reals = np.zeros(2, np.uint64), np.zeros((2, 2), np.uint64)
        for _ in range(parties):
            add_counts(counts, encode_counts(np.array([count, -count]), parties))
            add_reals(reals, encode_reals(np.array([real, -real]), parties))

        assert [parties * count, -parties * count] == decode_counts(counts).tolist()
        assert [
            float(parties * Fraction(real)),
            float(-parties * Fraction(real)),
        ] == decode_reals(reals).tolist()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("parties", [1, 3, 18])
def test_a_count_over_the_edge_is_refused_without_being_named(parties, sign):
    value = sign * (2**62 // parties)
    with pytest.raises(EstimationError) as caught:
        encode_counts(np.array([0, value]), parties)

    assert str(abs(value)) not in str(caught.value)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("parties", [1, 3, 18])
def test_a_real_over_the_edge_is_refused_without_being_named(parties, sign):
    value = sign * float(2**47 // parties)
    with pytest.raises(EstimationError) as caught:
        encode_reals(np.array([0, value]), parties)

    assert str(abs(int(value))) not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(EstimationError, match="not a number or infinite"):
        encode_reals(np.array([1.0, value]), 3)


@pytest.mark.parametrize(
    "values", [np.array([1.0]), np.array([True]), np.array([[1]]), np.array(1)]
)
def test_counts_must_be_a_vector_of_whole_numbers(values):
    with pytest.raises(ProtocolRefusal, match="Counts must be a vector of whole numbers"):
        encode_counts(values, 3)


@pytest.mark.parametrize(
    "values", [np.array([1]), np.array([1], np.float32), np.array([[1.0]]), np.array(1.0)]
)
def test_reals_must_be_a_vector_of_doubles(values):
    with pytest.raises(ProtocolRefusal, match="Reals must be a vector of float64"):
        encode_reals(values, 3)


@pytest.mark.parametrize("word", [2**62, 2**63, 2**64 - 2**62])
def test_a_pooled_count_that_no_sum_can_reach_is_refused_as_noise(word):
    with pytest.raises(ProtocolRefusal, match="masks did not cancel"):
        decode_counts(np.array([0, word], np.uint64))


def test_empty_vectors_pass():
    assert [] == decode_counts(encode_counts(np.empty(0, np.int64), 3)).tolist()
    assert [] == decode_reals(encode_reals(np.empty(0), 3)).tolist()


def test_encoding_leaves_the_numbers_of_the_site_alone():
    counts, reals = np.array([1, -2]), np.array([0.5, -0.25])
    encode_counts(counts, 2)[:] = 0
    encode_reals(reals, 2)[:] = 0

    assert ([1, -2], [0.5, -0.25]) == (counts.tolist(), reals.tolist())
