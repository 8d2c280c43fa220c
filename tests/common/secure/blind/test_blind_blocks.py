"""The building blocks on shares give what whole numbers and numpy give, in the openings they say, for every committee."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.secure.blind.blind_parties import arithmetics, secret, shared, together
from tests.examples import examples

from riskset_common.primitives.prime_field import P
from riskset_common.secure.blind.arithmetic.committee import PRESETS, Committee
from riskset_common.secure.blind.arithmetic.comparison import (
    LARGEST_BITS,
    at_least,
    low_bits,
    openings_of_low_bits,
)
from riskset_common.secure.blind.arithmetic.field import (
    combination,
    constant,
    from_int64,
    from_integers,
    multiply,
    to_integers,
)
from riskset_common.secure.blind.arithmetic.fixed_point import ONE, F, to_fixed, to_real
from riskset_common.secure.blind.arithmetic.parts import Exact, K, Revealed, Truncated
from riskset_common.secure.blind.arithmetic.random_bits import openings_of_bits, random_bits
from riskset_common.secure.blind.arithmetic.root import LEAST, root_path, roots
from riskset_common.secure.blind.arithmetic.rounding import rounded, scaling
from riskset_common.secure.blind.arithmetic.running_products import (
    openings_of_products,
    running_products,
)
from riskset_common.secure.blind.arithmetic.whole_reciprocal import LARGEST, path, reciprocals
from riskset_common.secure.blind.arithmetic.zero_test import any_zero, openings_of_zero_test

COMMITTEES = [Committee(tuple(range(10, 10 + m)), t) for m, t in PRESETS]
committees = pytest.mark.parametrize(
    "committee", COMMITTEES, ids=lambda c: f"{c.size},{c.threshold}"
)
SMALLEST = COMMITTEES[0]


def computed(committee, block, *vectors):
    """What a block gives at every member, run on shares of vectors of whole numbers; and how many openings it took."""
    members = arithmetics(committee)
    dealt = [shared(committee, from_integers(each)) for each in vectors]
    outcomes = together(
        committee,
        [
            member.run(block(member, *(each[i] for each in dealt)))
            for i, member in enumerate(members)
        ],
    )
    return outcomes, members[0].openings


def value(committee, outcomes):
    """The whole numbers that the members' shares stand for, flat."""
    flat = [each.reshape(9, -1) for each in outcomes]
    members = arithmetics(committee, secret("value"))
    opened = together(committee, [m.reveal(s) for m, s in zip(members, flat, strict=True)])
    return to_integers(opened[0])


def with_bits(number, steps):
    """A block that is given so many random bits of its own."""

    def block(member, *vectors):
        bits = yield from random_bits(member, number)
        return (yield from steps(member, *vectors, bits))

    return block


@committees
def test_parts_of_an_opening_are_cut_exact_or_public(committee):
    a = [3 << 80, -5 << 70, 2**150, 0]

    def block(_member, x):
        return (
            yield [
                Truncated(x, 64),
                Exact(x),
                Revealed(x),
                Exact(multiply(x, constant(7))),
                Truncated(x, 14),
            ]
        )

    outcomes, openings = computed(committee, block, a)
    cut, exact, public, sevenfold, less = zip(*outcomes, strict=True)

    assert 1 == openings
    assert a == value(committee, exact)
    assert [7 * each for each in a] == value(committee, sevenfold)
    assert all(a == to_integers(each) for each in public)
    for found, bits in ((cut, 64), (less, 14)):
        off = [abs(y - (x >> bits)) for x, y in zip(a, value(committee, found), strict=True)]

        assert max(off) <= len(committee.subsets)


@committees
def test_random_bits_are_bits_that_nobody_chose(committee):
    outcomes, openings = computed(committee, partial(_bits, n=1000))
    found = value(committee, outcomes)

    assert openings_of_bits(committee) == openings
    assert {0, 1} == set(found)
    # Five standard deviations of 1,000 throws.
    assert abs(sum(found) - 500) < 80


def _bits(member, n):
    return (yield from random_bits(member, n))


@committees
@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_a_zero_test_tells_whether_some_factor_is_0(committee, n):
    rows = np.random.default_rng(n).integers(0, n + 2, (40, n))

    def block(member, x):
        return (yield from any_zero(member, x.reshape(9, *rows.shape)))

    outcomes, openings = computed(committee, block, rows.ravel().tolist())

    assert openings_of_zero_test(n) == openings
    for found in outcomes:
        assert np.any(rows == 0, axis=1).tolist() == found.tolist()


@committees
@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 13, 40, 64, 159])
def test_a_comparison_is_that_of_whole_numbers(committee, k):
    end = 2**k
    x = [-end, -end + 1, -1, 0, 1 % end, end - 1, end // 2, -(end // 2), 12345 % end, -(777 % end)]

    outcomes, openings = computed(
        committee,
        with_bits(k * len(x), lambda m, v, bits: at_least(m, v, k, [0], bits)),
        x,
    )

    assert [int(each >= 0) for each in x] == value(committee, outcomes)
    assert openings_of_bits(committee) + openings_of_low_bits(k) == openings


@examples(10)
@given(
    x=st.lists(st.integers(0, 999), min_size=1, max_size=30),
    thresholds=st.lists(st.integers(0, 1000), min_size=1, max_size=5),
)
def test_several_thresholds_are_compared_with_one_opened_number(x, thresholds):
    outcomes, _ = computed(
        SMALLEST,
        with_bits(10 * len(x), lambda m, v, bits: at_least(m, v, 10, thresholds, bits)),
        x,
    )

    assert [int(v >= t) for t in thresholds for v in x] == value(SMALLEST, outcomes)


def test_a_number_of_too_many_bits_is_not_compared():
    member, x = arithmetics(SMALLEST)[0], from_integers([0])
    with pytest.raises(ValueError, match="162 bits is compared; 161 are hidden"):
        next(low_bits(member, x, LARGEST_BITS + 1, 1, (0,), x))


@committees
def test_numbers_are_rounded_to_the_nearest_whole_one_and_halves_up(committee):
    b, size = 36, 50
    half, step = 1 << (b - 1), 1 << b
    x = [0, half, half - 1, -half, -half - 1, 7 * step + half, -3 * step, step - 1, -(2**50) + 1]

    outcomes, openings = computed(
        committee,
        with_bits(b * len(x), lambda m, v, bits: rounded(m, v, b, size, Fraction(0), bits)),
        x,
    )

    assert [(each + half) >> b for each in x] == value(committee, outcomes)
    assert openings_of_bits(committee) + openings_of_low_bits(b) == openings


def test_a_half_that_is_missed_by_less_than_the_nudge_is_rounded_up():
    b, nudge = 36, Fraction(1, 10**9)
    half, little = 1 << (b - 1), int(nudge * (1 << b))
    x = [half - little, half - little - 1, half]
    outcomes, _ = computed(
        SMALLEST, with_bits(b * 3, lambda m, v, bits: rounded(m, v, b, 40, nudge, bits)), x
    )

    assert [1, 0, 1] == value(SMALLEST, outcomes)


@examples(15)
@given(
    numbers=st.lists(st.integers(-5000, 5000), min_size=1, max_size=40),
    units=st.sampled_from([Fraction(1, 5), Fraction(3, 7), Fraction(1, 2), Fraction(1000, 3)]),
)
def test_whole_numbers_times_fractions_are_rounded_exactly(numbers, units):
    by = scaling(units, 5000)
    size = (5000 * abs(by.factor)).bit_length()
    outcomes, _ = computed(
        SMALLEST,
        with_bits(
            by.b * len(numbers),
            lambda m, v, bits: rounded(
                m, multiply(v, constant(by.factor)), by.b, size, by.nudge, bits
            ),
        ),
        numbers,
    )

    nearest = [math.floor(each * units + Fraction(1, 2)) for each in numbers]

    assert nearest == value(SMALLEST, outcomes)


@committees
@pytest.mark.parametrize("largest", [1, 2, 3, 70, 1024, 18 * 1023])
def test_reciprocals_of_whole_numbers_are_right_to_2_to_the_minus_59(committee, largest):
    numbers = sorted({*range(1, min(largest, 70) + 1), largest, largest // 2 + 1})
    along = path(largest)
    outcomes, openings = computed(committee, lambda m, n: reciprocals(m, n, along), [*numbers, 0])
    *found, of_zero = value(committee, outcomes)

    assert along.openings == openings
    assert max(abs(n * r - ONE) / n for n, r in zip(numbers, found, strict=True)) < 2.0 ** (F - 59)
    assert 0 <= of_zero / ONE <= along.at_zero


def test_1024_reciprocals_take_11_openings_and_larger_numbers_are_refused():
    assert 11 == path(1024).openings
    assert all(path(1 << k).before_truncation * 2.0 ** (2 * F) < 2.0 ** (K - 2) for k in range(22))
    with pytest.raises(ValueError, match="2097152 is the largest"):
        path(LARGEST + 1)


@committees
@pytest.mark.parametrize("largest", [0.0, 0.25, 1.0, 500.0, 2.0**24])
def test_roots_are_right_to_1e_10_and_0_of_0(committee, largest):
    end = largest or 2.0**-48
    reals = [end * x for x in (1.0, 0.9999, 0.5, 2.0**-8, 0.004, 1e-3, 1e-6, 1e-9)]
    reals = [x for x in [*reals, 1e-12, 1e-15] if 2.0 ** (LEAST + 1) < x <= end]
    fixed = [to_fixed(x) for x in reals]
    along = root_path(largest)
    outcomes, openings = computed(
        committee,
        with_bits(along.size * (len(reals) + 2), lambda m, v, bits: roots(m, v, along, bits)),
        [*fixed, 0, -3],
    )
    *found, of_zero, of_less = to_real(value(committee, outcomes), F)

    assert along.openings + openings_of_bits(committee) == openings
    error = np.abs(np.array(found) - np.sqrt(reals))
    assert np.all(error < np.where(np.array(reals) < 2.0**-48, 1e-9, 1e-10))
    assert max(abs(of_zero), abs(of_less)) < 1e-15


def test_a_root_of_larger_numbers_is_refused():
    with pytest.raises(ValueError, match="is the largest"):
        root_path(2.0**25)


@committees
@pytest.mark.parametrize("length", [2, 3, 7, 16, 33])
def test_running_products_are_those_of_numpy(committee, length):
    q = np.random.default_rng(length).random((4, length))
    q[0], q[1, length // 2] = 1, 0
    fixed = [to_fixed(float(each)) for each in q.ravel()]

    def block(member, x):
        return (yield from running_products(member, x.reshape(9, *q.shape)))

    outcomes, openings = computed(committee, block, fixed)
    found = to_real(value(committee, outcomes), F).reshape(q.shape)

    assert 0 == openings_of_products(1)
    assert openings_of_products(length) == openings
    assert np.max(np.abs(found - np.cumprod(q, axis=1))) < 2e-16


@given(
    numbers=st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=9),
    bits=st.integers(0, 128),
    factors=st.tuples(st.integers(-(2**29), 2**29), st.integers(-(2**28), 2**28)),
)
def test_whole_numbers_become_elements_and_combine(numbers, bits, factors):
    elements = from_int64(np.array(numbers), bits)
    found = combination([(factors[0], elements), (factors[1], constant(5))])

    assert [(n << bits) % P for n in numbers] == [n % P for n in to_integers(elements)]
    assert [(factors[0] * (n << bits) + factors[1] * 5) % P for n in numbers] == [
        n % P for n in to_integers(found)
    ]


@pytest.mark.parametrize(
    "factors", [(1, 1, 1, 1), (2**30 - 1,), (-(2**28), 2**29, 1), (-4,), (3, -2)]
)
def test_sums_of_the_largest_limbs_are_carried_far_enough(factors):
    """Of more elements than are taken at once, each limb as large as a carry leaves it."""
    full = np.full((9, 5000), 2**29 + 2**13 - 1, np.uint64)
    found = combination([(factor, full) for factor in factors])
    (one,) = to_integers(full[:, :1])

    assert int(found.max()) < 2**29 + 2**13
    assert {sum(factors) * one % P} == {x % P for x in to_integers(found)}


def test_factors_that_are_too_large_together_are_refused():
    with pytest.raises(ValueError, match="below 2\\^30 together"):
        combination([(2**29, constant(1)), (-(2**29), constant(1))])
