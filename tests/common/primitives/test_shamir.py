from __future__ import annotations

import hashlib
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.prime_field import P
from riskset_common.primitives.shamir import combine, point, shares, weights
from riskset_common.secure.sums.deposits import SEALED_BYTES, open_pieces, seal, share_out

KEY = b"k" * 32


@given(
    secret=st.integers(0, P - 1),
    members=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=12, unique=True),
    drawn=st.data(),
)
def test_any_t_shares_give_the_secret(secret, members, drawn):
    threshold = drawn.draw(st.integers(1, len(members)))
    chosen = drawn.draw(st.permutations(members))[:threshold]
    written = secret.to_bytes(32, "little")

    held = dict(zip(members, shares(written, threshold, members, KEY), strict=True))

    assert written == combine(weights(chosen), {member: held[member] for member in chosen})


def test_fewer_than_t_shares_fit_every_secret():
    """For t - 1 shares and any secret there is one polynomial, so they say nothing: here the one through a secret of our own."""
    members, threshold = [1, 2, 3, 4], 3
    held = dict(zip(members, shares(b"\x07" * 32, threshold, members, KEY), strict=True))
    for two in combinations(members, 2):
        for secret in (0, 1, P - 1):
            known = {0: secret} | {
                point(member): int.from_bytes(held[member], "little") for member in two
            }

            assert 3 == len(known)
            assert secret == _at(known, 0)


def test_shares_do_not_repeat_under_another_key_or_secret():
    one = shares(b"\x01" * 32, 3, [1, 2, 3, 4], KEY)
    other = shares(b"\x01" * 32, 3, [1, 2, 3, 4], b"l" * 32)

    assert 8 == len({*one, *other})
    assert one == shares(b"\x01" * 32, 3, [1, 2, 3, 4], KEY)


def test_every_secret_and_round_has_a_polynomial_of_its_own():
    root, seed = b"r" * 32, b"\x05" * 32
    rounds = [
        share_out(root, label, {2: seed, 3: seed}, seed, [1, 2, 3], 2)
        for label in (b"a" * 32, b"b" * 32)
    ]
    pieces = [piece for shared in rounds for member in shared.values() for piece in member]

    assert 2 * 3 * 3 == len(set(pieces))


def test_a_piece_opens_for_its_member_round_and_place_only():
    pieces = [hashlib.sha256(bytes([k])).digest() for k in range(3)]
    sealed = seal(KEY, b"l" * 32, pieces)
    cut = {k: sealed[SEALED_BYTES * k : SEALED_BYTES * (k + 1)] for k in range(3)}

    assert dict(enumerate(pieces)) == open_pieces(KEY, b"l" * 32, cut, 1)
    for key, label, given_pieces in (
        (b"x" * 32, b"l" * 32, cut),
        (KEY, b"m" * 32, cut),
        (KEY, b"l" * 32, {0: cut[1]}),
        (KEY, b"l" * 32, {2: cut[1]}),
    ):
        with pytest.raises(ProtocolRefusal, match="A deposit of site number 1 cannot be opened"):
            open_pieces(key, label, given_pieces, 1)


def _at(known: dict[int, int], x: int) -> int:
    total = 0
    for i, value in known.items():
        term = value
        for j in known:
            if j != i:
                term = term * (x - j) * pow(i - j, -1, P) % P
        total += term
    return total % P
