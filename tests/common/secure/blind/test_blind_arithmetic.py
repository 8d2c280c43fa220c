from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.secure.blind.blind_parties import arithmetics, secret, shared, together
from tests.examples import examples

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.primitives.prime_field import P, lagrange
from riskset_common.secure.blind.arithmetic.committee import PRESETS, Committee
from riskset_common.secure.blind.arithmetic.field import (
    add,
    constant,
    from_integers,
    from_words,
    multiply,
    same,
    to_bytes,
    to_integers,
    total,
)
from riskset_common.secure.blind.arithmetic.fixed_point import F, encode, to_fixed, to_real
from riskset_common.secure.blind.arithmetic.parts import SIGMA, K, Truncated
from riskset_common.secure.blind.arithmetic.random_shares import (
    stream_words,
    sum_of_streams,
    zero_share,
)
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, open_shares

committees = pytest.mark.parametrize(
    "committee", [Committee(tuple(range(10, 10 + m)), t) for m, t in PRESETS], ids=str
)


def values(word, n=200, bits=70):
    drawn = random.Random(word)
    return [drawn.randrange(-(2**bits), 2**bits) for _ in range(n)]


def revealed(committee, shares):
    members = arithmetics(committee, secret("reveal"))
    computations = [each.reveal(share) for each, share in zip(members, shares, strict=True)]
    return to_integers(together(committee, computations)[0])


@committees
def test_a_truncated_product_errs_by_less_than_the_number_of_subsets(committee):
    a, b = values("a"), values("b")
    members = arithmetics(committee)
    shares = zip(
        members,
        shared(committee, from_integers(a)),
        shared(committee, from_integers(b)),
        strict=True,
    )
    found = revealed(
        committee, together(committee, [each.product(x, y, F) for each, x, y in shares])
    )
    error = [abs(z - (x * y >> F)) for x, y, z in zip(a, b, found, strict=True)]

    assert max(error) <= len(committee.subsets)
    assert [1] * committee.size == [each.openings for each in members]


@committees
def test_several_vectors_are_truncated_by_different_bits_in_one_opening(committee):
    a = values("a", n=5, bits=150)
    bits = [14, 30, 64, 84, 88, 150]
    shares = shared(committee, from_integers(a))
    members = arithmetics(committee)
    computations = [
        each.truncate([Truncated(x, each_bits) for each_bits in bits])
        for each, x in zip(members, shares, strict=True)
    ]
    outcomes = together(committee, computations)
    for number, each_bits in enumerate(bits):
        found = revealed(committee, [outcome[number] for outcome in outcomes])

        assert max(abs(z - (x >> each_bits)) for x, z in zip(a, found, strict=True)) <= len(
            committee.subsets
        )


@committees
def test_two_computations_share_their_openings(committee):
    a, b = values("a", n=4), values("b", n=7)
    members = arithmetics(committee)
    both = [
        each.beside(
            partial(_squared, x),
            partial(_twice, y),
        )
        for each, x, y in zip(
            members,
            shared(committee, from_integers(a)),
            shared(committee, from_integers(b)),
            strict=True,
        )
    ]
    outcomes = together(committee, both)

    assert [2] * committee.size == [each.openings for each in members]
    expected = [(y * y >> F) ** 2 >> F for y in b]
    found = revealed(committee, [second for _, second in outcomes])
    # What the first product may be off by, the second multiplies by twice its factor.
    off = len(committee.subsets)
    bounds = [off + 1 + (2 * (y * y >> F) * off + off**2 >> F) for y in b]

    assert all(abs(z - w) <= most for z, w, most in zip(found, expected, bounds, strict=True))


def _squared(x, side: Arithmetic):
    return (yield from side.product(x, x, F))


def _twice(y, side: Arithmetic):
    square = yield from side.product(y, y, F)
    return (yield from side.product(square, square, F))


def test_two_computations_beside_each_other_draw_different_masks():
    committee = Committee((0, 1, 2), 1)
    x = from_integers([5])
    seen = []

    def remember(side):
        seen.append(side.label)
        return (yield from side.reveal(x))

    together(committee, [each.beside(remember, remember) for each in arithmetics(committee)])

    assert 2 == len(set(seen[:2]))


@committees
def test_what_a_member_draws_depends_on_all_that_was_opened(committee):
    members = arithmetics(committee)
    x = from_integers([1, 2, 3])
    computation = members[0].reveal(x)
    next(computation)
    before = members[0].label
    with pytest.raises(StopIteration):
        computation.send(from_integers([1, 2, 4]))

    other = arithmetics(committee)[0]
    computation = other.reveal(x)
    next(computation)
    with pytest.raises(StopIteration):
        computation.send(x)

    assert 3 == len({before, members[0].label, other.label})


def test_with_spare_members_a_wrong_share_is_noticed():
    committee = Committee((0, 1, 2, 3, 4), 1)
    for wrong in range(5):
        shares = shared(committee, from_integers([5, 6, 7]))
        squares = [multiply(share, share) for share in shares]

        assert [25, 36, 49] == to_integers(open_shares(committee, squares))
        squares[wrong] = add(squares[wrong], constant(1))
        with pytest.raises(ProtocolRefusal, match="contradict"):
            open_shares(committee, squares)


@committees
def test_shares_of_zero_stand_for_zero_and_show_nothing(committee):
    keys = {subset: secret("key", subset) for subset in committee.subsets}
    shares = [
        zero_share(committee, i, {s: keys[s] for s in committee.subsets_of(i)}, b"label", 50)
        for i in committee.members
    ]

    assert [0] * 50 == to_integers(open_shares(committee, shares))
    assert all(0 not in to_integers(share) for share in shares)


@committees
def test_any_t_shares_of_a_mask_lack_a_key(committee):
    for lacking in committee.subsets:
        outside = [member for member in committee.members if member not in lacking]

        assert committee.threshold == len(outside)
        assert all(lacking not in committee.subsets_of(member) for member in outside)
        assert all(0 == committee.indicator(lacking, member) for member in outside)
        points = [0, *lacking[: committee.threshold]]
        known = [1, *(committee.indicator(lacking, member) for member in points[1:])]
        for member in outside:
            foretold = sum(
                c * value for c, value in zip(lagrange(points, member), known, strict=True)
            )

            assert foretold % P == 0


def test_masks_of_many_keys_add_up():
    keys = [secret(k) for k in range(40)]
    one_by_one = [from_words(stream_words(key, b"input", b"label", 30)) for key in keys]

    assert same(total(np.stack(one_by_one, axis=-1)), sum_of_streams(keys, b"input", b"label", 30))


def test_masked_values_look_uniform():
    """Chi-square over the bytes of what a member sends, 255 degrees of freedom: 340 is passed once in 4,000 keys."""
    committee = Committee((0, 1, 2), 1)
    share = next(arithmetics(committee)[0].product(from_integers([0] * 2000), constant(0), F)).share
    counted = np.bincount(np.frombuffer(to_bytes(share), np.uint8).reshape(-1, 32)[:, :31].ravel())
    expected = 2000 * 31 / 256

    assert float(((counted - expected) ** 2 / expected).sum()) < 340


def test_the_mask_has_sigma_bits_more_than_what_it_hides():
    assert 80 == SIGMA
    assert 2 ** (K + SIGMA) * 10 < P


def test_only_the_presets_compute():
    for size, threshold in ((1, 0), (3, 0), (4, 1), (7, 3)):
        with pytest.raises(ProtocolRefusal, match="not one that riskset computes with"):
            Committee(tuple(range(size)), threshold)
    with pytest.raises(ProtocolRefusal, match="once"):
        Committee((2, 1, 3), 1)
    with pytest.raises(ProtocolRefusal, match="not in the committee"):
        Committee((1, 2, 3), 1).member(4)


def test_a_member_needs_exactly_its_own_keys():
    committee = Committee((0, 1, 2), 1)
    with pytest.raises(ProtocolRefusal, match="exactly the subsets"):
        Arithmetic(committee, 1, dict.fromkeys(committee.subsets, b""), b"label")


@examples(50)
@given(
    value=st.one_of(
        st.floats(-(2.0**61), 2.0**61), st.floats(-1, 1), st.floats(-(2.0**-50), 2.0**-50)
    )
)
def test_reals_are_encoded_to_the_nearest_fixed_point(value):
    numerator, denominator = value.as_integer_ratio()
    (found,) = to_integers(encode(np.array([value])))

    assert 2 * abs(found * denominator - numerator * 2**F) <= denominator
    assert abs(to_fixed(value) - found) <= 1
    assert abs(to_real([found], F)[0] - value) <= 2.0**-64


def test_doubles_without_finer_digits_are_encoded_exactly():
    drawn = np.ldexp(np.random.default_rng(1).integers(-(2**53), 2**53, 500), -11).astype(float)

    assert [to_fixed(value) for value in drawn] == to_integers(encode(drawn))
    assert drawn.tolist() == to_real(to_integers(encode(drawn)), F).tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf, 2.0**62])
def test_what_does_not_fit_is_not_encoded(value):
    with pytest.raises(EstimationError, match="too large"):
        encode(np.array([0.0, value]))
