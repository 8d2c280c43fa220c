"""Masks: AES-256-CTR key streams added to a report, in place and in the order both sites of a pair agree on.

One key gives one stream (zero counter block; the key serves once). A report takes its counts' masks from the start of the stream and
its reals' masks from where the counts stopped, so that no byte masks two numbers. Counts take one word each. Reals go in chunks of
32,768: all low limbs of a chunk, then all its high limbs.

The loop runs over chunks and, inside, over keys: a chunk stays in the processor's cache while every peer's mask is added to it. What
the additions of low limbs carry over is counted in one byte per number and added to the high limbs once, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from numpy.typing import NDArray

from riskset_common.primitives.ring import WORD, Words

CHUNK = 1 << 15  # numbers; part of the protocol, because it orders the limbs of reals in the stream
_WORD_BYTES = 8
_BLOCK_BYTES = 16
_KEYS_AT_ONCE = 255  # so many carries fit into a byte
_ZEROS = bytes(CHUNK * _WORD_BYTES)


class _Stream:
    """The next words of one key's stream, written over a buffer that all streams of a call share."""

    def __init__(self, key: bytes, buffer: bytearray) -> None:
        self._cipher: CipherContext = Cipher(AES256(key), CTR(bytes(_BLOCK_BYTES))).encryptor()
        self._buffer = buffer

    def into_buffer(self, zeros: memoryview) -> None:
        self._cipher.update_into(zeros, self._buffer)


def add_masks(counts: Words, reals: Words, keys: Sequence[bytes]) -> None:
    """Add the stream of every key, in place.

    Parameters
    ----------
    counts
        Shape (n_counts,).
    reals
        Shape (2, n_reals), low and high limbs.
    keys
        Stream keys of 32 bytes, each used for this report alone.
    """
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        buffer = bytearray(len(_ZEROS) + _BLOCK_BYTES)
        streams = [_Stream(key, buffer) for key in keys[first : first + _KEYS_AT_ONCE]]
        words = np.frombuffer(buffer, WORD, count=CHUNK)
        _add_to_counts(counts, streams, words)
        _add_to_reals(reals, streams, words)


def subtract_masks(counts: Words, reals: Words, keys: Sequence[bytes]) -> None:
    """Subtract the stream of every key, in place: in two's complement ``y - k = ~(~y + k)``."""
    for words in (counts, reals):
        np.invert(words, out=words)
    add_masks(counts, reals, keys)
    for words in (counts, reals):
        np.invert(words, out=words)


def stream(key: bytes, length: int) -> bytes:
    """The first bytes of a key's stream, for a key that masks nothing."""
    return Cipher(AES256(key), CTR(bytes(_BLOCK_BYTES))).encryptor().update(bytes(length))


def _add_to_counts(counts: Words, streams: Sequence[_Stream], words: Words) -> None:
    for start in range(0, len(counts), CHUNK):
        part = counts[start : start + CHUNK]
        mask, zeros = words[: len(part)], memoryview(_ZEROS)[: len(part) * _WORD_BYTES]
        for stream in streams:
            stream.into_buffer(zeros)
            np.add(part, mask, out=part)


def _add_to_reals(reals: Words, streams: Sequence[_Stream], words: Words) -> None:
    wrapped = np.empty(CHUNK, np.bool_)
    for start in range(0, reals.shape[1], CHUNK):
        low, high = reals[:, start : start + CHUNK]
        mask, zeros = words[: len(low)], memoryview(_ZEROS)[: len(low) * _WORD_BYTES]
        wraps, carries = wrapped[: len(low)], np.zeros(len(low), np.uint8)
        for stream in streams:
            stream.into_buffer(zeros)
            np.add(low, mask, out=low)
            _count_wraps(low, mask, wraps, carries)
            stream.into_buffer(zeros)
            np.add(high, mask, out=high)
        np.add(high, carries, out=high)


def _count_wraps(
    low: Words, mask: Words, wraps: NDArray[np.bool_], carries: NDArray[np.uint8]
) -> None:
    """A sum of two words that ran over is smaller than either."""
    np.less(low, mask, out=wraps)
    np.add(carries, wraps.view(np.uint8), out=carries)
