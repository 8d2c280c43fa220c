from __future__ import annotations

import hashlib

import pytest

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import (
    H,
    X,
    envelope_key,
    ephemeral_public,
    mask_key,
    pair_root,
    pair_seed,
)

A, B, SID = bytes(range(32)), bytes(range(32, 64)), b"s" * 32


def test_parts_of_a_hash_do_not_run_together():
    hashes = {H(b"ab", b"c"), H(b"a", b"bc"), H(b"abc"), H(b"abc", b""), H(b"", b"abc")}

    assert 5 == len(hashes)
    assert hashlib.sha256(b"\2" + bytes(7) + b"ab").digest() == H(b"ab")


def test_keys_of_one_secret_differ_by_purpose_and_have_the_length_asked_for():
    root = pair_root(A, 1, 2, ephemeral_public(B), SID)

    assert 4 == len({mask_key(root), envelope_key(root, 1, 2), envelope_key(root, 2, 1), root})
    assert 48 == len(X(root, b"coef", length=48))


def test_a_pair_has_another_key_in_another_session_or_under_other_numbers():
    public = ephemeral_public(B)
    roots = {
        pair_root(A, 1, 2, public, SID),
        pair_root(A, 1, 3, public, SID),
        pair_root(A, 2, 1, public, SID),
        pair_root(A, 1, 2, public, b"t" * 32),
    }

    assert 4 == len(roots)


def test_a_seed_has_255_bits_and_one_value_for_each_label():
    seeds = [pair_seed(A, bytes([i]) * 32) for i in range(64)]

    assert 64 == len(set(seeds))
    assert all(seed[31] < 0x80 for seed in seeds)


@pytest.mark.parametrize("point", [bytes(32), b"\1" + bytes(31)])
def test_a_point_of_low_order_is_refused(point):
    with pytest.raises(ProtocolRefusal, match="session key of site number 2"):
        pair_root(A, 1, 2, point, SID)
