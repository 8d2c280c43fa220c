from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.primitives.masks import CHUNK, add_masks, subtract_masks

KEYS = [bytes([i]) * 32 for i in range(4)]
WORDS = st.lists(st.integers(0, 2**64 - 1), max_size=9)


def stream(key: bytes, n_words: int) -> np.ndarray:
    cipher = Cipher(AES256(key), CTR(bytes(16))).encryptor()
    return np.frombuffer(cipher.update(bytes(8 * n_words)), np.uint64)


def as_integers(reals: np.ndarray) -> list[int]:
    low, high = reals.tolist()
    return [a | b << 64 for a, b in zip(low, high, strict=True)]


@pytest.mark.parametrize("n_counts", [0, 1, 5, CHUNK - 1, CHUNK, CHUNK + 1])
@pytest.mark.parametrize("n_reals", [0, 1, CHUNK, CHUNK + 2])
def test_no_byte_of_a_stream_masks_two_numbers(n_counts, n_reals):
    counts, reals = np.zeros(n_counts, np.uint64), np.zeros((2, n_reals), np.uint64)

    add_masks(counts, reals, KEYS[:1])

    words = stream(KEYS[0], n_counts + 2 * n_reals)
    first = min(n_reals, CHUNK)
    chunks = np.split(words[n_counts:], [first, 2 * first, n_reals + first])
    assert np.array_equal(words[:n_counts], counts)
    assert np.array_equal(np.concatenate([chunks[0], chunks[2]]), reals[0])
    assert np.array_equal(np.concatenate([chunks[1], chunks[3]]), reals[1])


@given(WORDS, st.lists(st.integers(0, 2**128 - 1), max_size=9))
def test_masks_are_added_in_the_ring_and_taken_off_again(counts, reals):
    y = np.array(counts, np.uint64)
    z = np.array([[v % 2**64 for v in reals], [v >> 64 for v in reals]], np.uint64)
    one = np.zeros_like(y), np.zeros_like(z)
    add_masks(*one, KEYS[:1])
    other = np.zeros_like(y), np.zeros_like(z)
    add_masks(*other, KEYS[1:2])

    add_masks(y, z, KEYS[:2])
    both = [
        (v + a + b) % 2**128
        for v, a, b in zip(reals, as_integers(one[1]), as_integers(other[1]), strict=True)
    ]

    assert both == as_integers(z)
    subtract_masks(y, z, KEYS[:1])
    subtract_masks(y, z, KEYS[1:2])
    assert counts == y.tolist()
    assert reals == as_integers(z)


def test_more_peers_than_carries_fit_into_a_byte():
    keys = [i.to_bytes(32, "little") for i in range(600)]
    counts, reals = np.zeros(3, np.uint64), np.full((2, 3), 2**64 - 1, np.uint64)

    add_masks(counts, reals, keys)

    words = [stream(key, 9).tolist() for key in keys]
    masks = [[w[3 + k] | w[6 + k] << 64 for k in range(3)] for w in words]
    assert [sum(w[k] for w in words) % 2**64 for k in range(3)] == counts.tolist()
    assert [(sum(m[k] for m in masks) - 1) % 2**128 for k in range(3)] == as_integers(reals)


def test_without_keys_nothing_is_masked():
    counts, reals = np.arange(3, dtype=np.uint64), np.ones((2, 2), np.uint64)

    add_masks(counts, reals, [])
    subtract_masks(counts, reals, [])

    assert [0, 1, 2] == counts.tolist()
    assert [[1, 1], [1, 1]] == reals.tolist()
