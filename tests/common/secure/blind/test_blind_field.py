from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from riskset_common.primitives.prime_field import P
from riskset_common.secure.blind.arithmetic.field import (
    add,
    constant,
    dot,
    from_bytes,
    from_integers,
    from_words,
    inner,
    multiply,
    same,
    scale,
    subtract,
    sum_of_bytes,
    to_bytes,
    to_integers,
    to_words,
    total,
    zeros,
)

EDGES = [0, 1, P - 1, P - 19, P // 2, P // 2 + 1, 2**255 - 20, 2**232, 2**29 - 1, 2**254]
whole = st.one_of(st.sampled_from(EDGES), st.integers(0, P - 1))
vectors = st.lists(st.tuples(whole, whole), min_size=1, max_size=30)


def centred(values):
    """As `to_integers` gives them."""
    return [value - P if (value := each % P) > P // 2 else value for each in values]


def ints(pairs):
    a, b = zip(*pairs, strict=True)
    return list(a), list(b)


@given(pairs=vectors)
def test_sums_differences_and_products_are_those_of_whole_numbers(pairs):
    a, b = ints(pairs)
    A, B = from_integers(a), from_integers(b)

    assert centred(a) == to_integers(A)
    assert centred([x + y for x, y in pairs]) == to_integers(add(A, B))
    assert centred([x - y for x, y in pairs]) == to_integers(subtract(A, B))
    assert centred([x * y for x, y in pairs]) == to_integers(multiply(A, B))


@given(pairs=vectors, steps=st.lists(st.sampled_from(["add", "subtract", "multiply"]), max_size=12))
def test_results_may_be_used_again_without_end(pairs, steps):
    a, b = ints(pairs)
    A, B = from_integers(a), from_integers(b)
    for step in steps:
        match step:
            case "add":
                A, a = add(A, B), [x + y for x, y in zip(a, b, strict=True)]
            case "subtract":
                A, a = subtract(B, A), [y - x for x, y in zip(a, b, strict=True)]
            case _:
                A, a = multiply(A, A), [x * x for x in a]
        a = [x % P for x in a]

    assert centred(a) == to_integers(A)
    assert A.max() < 2**29 + 2**13


@examples(20)
@given(pairs=vectors, terms=st.integers(1, 15))
def test_a_sum_of_products_is_reduced_once(pairs, terms):
    a, b = ints(pairs)
    A, B = from_integers(a), from_integers(b)

    assert centred([terms * x * y for x, y in pairs]) == to_integers(dot([(A, B)] * terms))
    assert centred([sum(x * y for x, y in pairs)]) == to_integers(inner(A, B)[:, np.newaxis])
    assert centred([sum(a)]) == to_integers(total(A)[:, np.newaxis])


@given(pairs=st.lists(st.tuples(whole, st.integers(0, 2**30)), min_size=1, max_size=30))
def test_elements_are_scaled_by_small_whole_numbers(pairs):
    a, factors = ints(pairs)

    assert centred([x * y for x, y in pairs]) == to_integers(
        scale(from_integers(a), np.array(factors))
    )


def test_long_vectors_are_computed_in_pieces():
    a = from_integers(range(5000))

    assert [7 * value for value in range(5000)] == to_integers(multiply(constant(7), a))
    assert [sum(value**2 for value in range(5000))] == to_integers(inner(a, a)[:, np.newaxis])


def test_axes_beyond_the_first_stay_apart():
    a = from_integers(range(6)).reshape(9, 2, 3)
    b = np.broadcast_to(from_integers([1, 10, 100])[:, np.newaxis], a.shape)

    assert [210, 543] == to_integers(inner(a, b))
    assert np.array_equal(multiply(a, b), multiply(b, a))
    assert [0] * 4 == to_integers(zeros(4))


@given(values=st.lists(whole, min_size=1, max_size=10))
def test_bytes_are_little_endian_and_below_p(values):
    written = b"".join(value.to_bytes(32, "little") for value in values)

    assert written == to_bytes(from_integers(values))
    assert same(from_integers(values), from_bytes(written))


@pytest.mark.parametrize("beyond", [P, P + 1, 2**255 - 1, 2**255, 2**256 - 1])
def test_numbers_of_256_bits_are_taken_modulo_p(beyond):
    words = np.array([[beyond >> (64 * k) & (2**64 - 1)] for k in range(4)], np.uint64)

    assert (beyond % P).to_bytes(32, "little") == to_bytes(from_words(words))


@given(value=st.integers(0, 2**128 - 1))
def test_fewer_words_are_smaller_numbers(value):
    words = np.array([[value & (2**64 - 1)], [value >> 64]], np.uint64)

    assert [value] == to_integers(from_words(words))
    assert [0, 0] == to_words(from_words(words))[2:, 0].tolist()


@given(vectors_given=st.lists(st.lists(whole, min_size=3, max_size=3), min_size=1, max_size=40))
def test_many_vectors_given_as_bytes_add_up(vectors_given):
    contents = [to_bytes(from_integers(vector)) for vector in vectors_given]
    expected = centred([sum(column) for column in zip(*vectors_given, strict=True)])

    assert expected == to_integers(sum_of_bytes(contents, 3))
