"""Known answers of the key derivation, the masks and the fixed point, given by both implementations."""

from __future__ import annotations

import numpy as np

from riskset_common.primitives import hashing
from riskset_common.primitives.masks import add_masks
from riskset_common.primitives.ring import encode_reals


def test_both_sites_of_a_pair_derive_the_known_keys(primitives):
    a, b = bytes.fromhex(primitives["priv_a"]), bytes.fromhex(primitives["priv_b"])
    sid, label = bytes.fromhex(primitives["SID"]), bytes.fromhex(primitives["label"])

    root = hashing.pair_root(a, 1, 2, hashing.ephemeral_public(b), sid)
    key = hashing.mask_key(root)
    seed = hashing.pair_seed(key, label)

    assert primitives["K_ab"] == root.hex()
    assert root == hashing.pair_root(b, 2, 1, hashing.ephemeral_public(a), sid)
    assert primitives["K_mask"] == key.hex()
    assert primitives["pairseed"] == seed.hex()
    assert primitives["prg_key"] == hashing.stream_key(seed).hex()


def test_the_plain_implementation_derives_the_known_keys(plain, primitives):
    a, b = bytes.fromhex(primitives["priv_a"]), bytes.fromhex(primitives["priv_b"])
    sid, label = bytes.fromhex(primitives["SID"]), bytes.fromhex(primitives["label"])

    root = plain.pair_root(a, 1, 2, plain.x25519_public(b), sid)

    assert primitives["K_ab"] == root.hex()
    assert primitives["prg_key"] == plain.pair_stream_key(root, label).hex()


def test_counts_alone_take_the_known_mask(plain, primitives):
    key = bytes.fromhex(primitives["prg_key"])
    counts = np.zeros(4, np.uint64)

    add_masks(counts, np.zeros((2, 0), np.uint64), [key])

    assert primitives["mask64"] == counts.tolist()
    assert (primitives["mask64"], []) == plain.mask(key, 4, 0)


def test_reals_alone_take_the_known_mask(plain, primitives):
    key = bytes.fromhex(primitives["prg_key"])
    low, high = primitives["mask128_lo"], primitives["mask128_hi"]
    reals = np.zeros((2, 4), np.uint64)

    add_masks(np.zeros(0, np.uint64), reals, [key])

    assert [low, high] == reals.tolist()
    assert ([], [a | b << 64 for a, b in zip(low, high, strict=True)]) == plain.mask(key, 0, 4)


def test_reals_are_the_known_fixed_point_numbers(plain, primitives):
    for text, expected in primitives["fix80"].items():
        low, high = encode_reals(np.array([float(text)]), 1)

        assert int(expected, 16) == int(low[0]) | int(high[0]) << 64
        assert int(expected, 16) == plain.fixed_point(float(text))
