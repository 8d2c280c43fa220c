"""The two rings in which sites' numbers are added: whole counts in Z/2^64, reals in Z/2^128 with 80 fractional bits.

Addition in a ring is exact and does not depend on the order of arrival, so a pooled sum is the same to the last bit on every run.
Words are unsigned 64-bit, little endian. Counts have shape (length,); reals have shape (2, length), row 0 the low limbs and row 1
the high ones. Negative numbers are two's complement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskset_common.errors import EstimationError, ProtocolRefusal

WORD = np.dtype("<u8")
Words = NDArray[np.uint64]

FRACTION_BITS = 80
COUNT_BITS = 62  # the pooled count stays below 2^62, two bits under the ring: noise shows as a number out of range
REAL_BITS = 127 - FRACTION_BITS


def encode_counts(values: NDArray[np.int64], parties: int) -> Words:
    """Counts of one of `parties` sites as ring elements, shape (length,); each below 2^62 / parties in size."""
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise ProtocolRefusal(
            f"Counts must be a vector of whole numbers; found {values.ndim} dimensions of {values.dtype}."
        )
    limit = (1 << COUNT_BITS) // parties
    if values.size and (int(values.max()) >= limit or int(values.min()) <= -limit):
        raise EstimationError(
            f"A count is too large to be added over {parties} sites without running over 2^{COUNT_BITS}. "
            "Look for a wrong unit or a code read as a number."
        )
    return values.astype(np.int64).view(np.uint64).astype(WORD, copy=False)


def decode_counts(words: Words) -> NDArray[np.int64]:
    """Pooled counts, shape (length,). A number that no sum can reach is what masks leave that did not cancel."""
    values = words.astype(np.uint64).view(np.int64)
    limit = 1 << COUNT_BITS
    if values.size and (int(values.max()) >= limit or int(values.min()) <= -limit):
        raise ProtocolRefusal(
            "The masks did not cancel: the pooled counts are noise. A site masked with other keys or under another question; "
            "nothing about any site can be read from this. Start a new session."
        )
    return values


def encode_reals(values: NDArray[np.float64], parties: int) -> Words:
    """Reals of one of `parties` sites as fixed point, value * 2^80, shape (2, length).

    A double whose lowest bit is 2^-80 or more is represented exactly; a finer one is rounded to the nearest, ties to even. Each must
    be finite and below 2^47 / parties in size.
    """
    if values.ndim != 1 or values.dtype != np.float64:
        raise ProtocolRefusal(
            f"Reals must be a vector of float64; found {values.ndim} dimensions of {values.dtype}."
        )
    size = np.abs(values)
    if not np.all(np.isfinite(size)):
        raise EstimationError(
            "A sum is not a number or infinite, and cannot be pooled. Look for a covariate far from its range."
        )
    if size.size and float(size.max()) >= (1 << REAL_BITS) // parties:
        raise EstimationError(
            f"A sum is too large to be added over {parties} sites without running over 2^{REAL_BITS}. "
            "Standardise the covariates with constants nearer to their values."
        )
    high = np.floor(np.ldexp(size, FRACTION_BITS - 64))
    # Exact: both terms are made of bits of one mantissa. rint cannot reach 2^64, because a remainder
    # of 2^53 or more has no fraction left to round.
    low = np.rint(np.ldexp(size, FRACTION_BITS) - np.ldexp(high, 64))
    words = np.stack([low.astype(WORD), high.astype(WORD)])
    return np.where(np.signbit(values), _negative(words), words)


def decode_reals(words: Words) -> NDArray[np.float64]:
    """The double nearest to each element, ties to even, shape (length,)."""
    negative = (words[1] >> np.uint64(63)).astype(bool)
    low, high = np.where(negative, _negative(words), words)
    # frexp may find one bit more than `high` has, where `high` rounds up to a power of two; the 63 bits
    # that are then left of 64 still hold the 53 of a double, one to round by and one to break ties.
    bits = np.frexp(high.astype(np.float64))[1]
    shift = np.clip(64 - bits, 0, 63).astype(np.uint64)
    top = (high << shift) | (low >> (np.uint64(63) - shift) >> np.uint64(1))
    lost = (low << shift) != 0
    wide = np.ldexp((top | lost).astype(np.float64), 64 - FRACTION_BITS - shift.astype(np.int64))
    narrow = np.ldexp(low.astype(np.float64), -FRACTION_BITS)
    size: NDArray[np.float64] = np.where(high == 0, narrow, wide)
    np.negative(size, out=size, where=negative)
    return size


def add_counts(total: Words, term: Words) -> None:
    """Add counts in place."""
    np.add(total, term, out=total)


def add_reals(total: Words, term: Words) -> None:
    """Add fixed-point reals in place: the low limbs, then the high ones with the carry."""
    np.add(total[0], term[0], out=total[0])
    carry = total[0] < term[0]
    np.add(total[1], term[1], out=total[1])
    np.add(total[1], carry.view(np.uint8), out=total[1])


def _negative(words: Words) -> Words:
    """Two's complement of two-limb elements."""
    low = ~words[0] + np.uint64(1)
    high = ~words[1] + (low == 0).view(np.uint8)
    return np.stack([low, high])
