"""Shares of random numbers that nobody sends: each member computes its own from keys it holds and a label all members have.

For each set A of members that holds a common key, ``psi_A`` is the AES-256-CTR stream of the key ``X(K_A, "bc1", purpose, label)``
(zero counter block, the key serves once). Member i's share of the random number R = sum over all A of psi_A is

    R_i = sum over the sets A that hold i of f_A(i) psi_A.

Whoever lacks one key lacks one summand, and t members together lack the key of the set of all others: to them R is random. A sharing of
0 of degree 2t is the sum of i^l f_A(i) psi_{A,l} over A and l = 1..t, with streams of their own.

A stream of n numbers of four words is n first words, n second words, n third words and n fourth words, each 8 bytes, little endian.
A short stream, for masks of bits, has 12 bytes a number: n low words of 8 bytes, then n high ones of 4, of which the lowest 28 bits count.

References
----------
Cramer R, Damgård I, Ishai Y (2005), TCC, LNCS 3378:342, sections 3 and 4 (pseudo-random secret sharing, and of zero).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from riskset_common.primitives.hashing import X, u32
from riskset_common.primitives.prime_field import P
from riskset_common.primitives.strict_fields import ELEMENT_BYTES, SHORT_BYTES
from riskset_common.secure.blind.arithmetic.committee import Committee, Subset
from riskset_common.secure.blind.arithmetic.field import (
    WORDS,
    Elements,
    Words,
    combination,
    constant,
    from_halves,
    from_words,
    multiply,
)

SubsetKeys = Mapping[Subset, bytes]

_WORD = np.dtype("<u8")
_HALF = np.dtype("<u4")
_BLOCK = bytes(16)
_HALF_BITS, _LOW_HALF = np.uint64(32), np.uint64((1 << 32) - 1)
_SHORT_MASK = np.uint64((1 << 28) - 1)


def stream_words(key: bytes, purpose: bytes, label: bytes, length: int) -> Words:
    """The numbers psi of one key, below 2^256, shape (4, length)."""
    content = _stream(key, purpose, label, length * ELEMENT_BYTES)
    return np.frombuffer(content, _WORD).reshape(WORDS, length)


def zero_share(
    committee: Committee, member: int, keys: SubsetKeys, label: bytes, n: int
) -> Elements:
    """A member's share of n zeros, degree 2t."""
    parts = {
        subset: zero_part(committee, member, key, [(label, n)]) for subset, key in keys.items()
    }
    return weighted(committee, member, parts)


def short_words(key: bytes, purpose: bytes, label: bytes, length: int) -> Words:
    """The numbers of one key's short stream, below 2^92, shape (2, length)."""
    words = short_from_bytes(_stream(key, purpose, label, length * SHORT_BYTES))
    words[1] &= _SHORT_MASK
    return words


def short_from_bytes(content: bytes) -> Words:
    """Numbers of 12 bytes each, shape (2, n)."""
    n = len(content) // SHORT_BYTES
    low, high = content[: 8 * n], content[8 * n :]
    return np.stack([np.frombuffer(low, _WORD), np.frombuffer(high, _HALF).astype(np.uint64)])


def short_sum_to_bytes(summands: Iterable[Words]) -> bytes:
    """The sums of some numbers of two words, as 12 bytes each; every sum must be below 2^96."""
    columns = [np.zeros(1, np.uint64)] * 3
    for words in summands:
        parts = words[0] & _LOW_HALF, words[0] >> _HALF_BITS, words[1]
        columns = [column + part for column, part in zip(columns, parts, strict=True)]
    low, middle, high = columns
    middle = middle + (low >> _HALF_BITS)
    high = high + (middle >> _HALF_BITS)
    word = (low & _LOW_HALF) | (middle << _HALF_BITS)
    return word.astype(_WORD).tobytes() + high.astype(_HALF).tobytes()


def zero_part(
    committee: Committee, member: int, key: bytes, vectors: Sequence[tuple[bytes, int]]
) -> Elements:
    """One key's part of sharings of zeros, before the weight f_A(i): sum of i^l psi_{A,l} over l = 1..t.

    Of several vectors, each with a label and a length of its own, shape (9, sum of the lengths).
    """
    powers = []
    for l in range(1, committee.threshold + 1):
        words = [stream_words(key, b"zero" + u32(l), label, n) for label, n in vectors]
        powers.append((member**l, from_words(np.concatenate(words, axis=1))))
    return combination(powers)


def weighted(committee: Committee, member: int, parts: Mapping[Subset, Elements]) -> Elements:
    """Sum of f_A(i) x_A over a member's sets A: its share of the sum of all x_A, shape (9, n).

    The f_A(i) are small whole numbers over a common denominator, so that one product in the field is enough.
    """
    terms = [(committee.numerator(subset, member), x) for subset, x in parts.items()]
    return multiply(combination(terms), constant(pow(committee.denominator, -1, P)))


def sum_of_streams(keys: Iterable[bytes], purpose: bytes, label: bytes, length: int) -> Elements:
    """The sum of the streams of many keys, as elements, shape (9, length); so the masks of all sites come off together."""
    columns = np.zeros((2 * WORDS, length), np.uint64)
    for key in keys:
        halves = np.frombuffer(_stream(key, purpose, label, length * ELEMENT_BYTES), _HALF)
        # A word is its low half, then its high half.
        columns += halves.reshape(WORDS, length, 2).transpose(0, 2, 1).reshape(2 * WORDS, length)
    return from_halves(columns)


def _stream(key: bytes, purpose: bytes, label: bytes, n_bytes: int) -> bytes:
    cipher = Cipher(AES256(X(key, b"bc1", purpose, label)), CTR(_BLOCK)).encryptor()
    return cipher.update(bytes(n_bytes))
