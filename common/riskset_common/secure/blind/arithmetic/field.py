"""Arithmetic in F_p, p = 2^255 - 19, on whole vectors: each element is nine limbs of 29 bits.

Elements have shape (9, ...): axis 0 holds the limbs, least first, the other axes are those of the vector. Limbs may stand above 2^29,
by less than 2^13, and numbers above p; only `to_words` gives the one form in which elements are sent, compared and hashed: four 64-bit
words, little endian, below p.

A product is nine multiplications of rows, added up in columns. A column of one product stays below 9 (2^29 + 2^13)^2 < 2^61.2, so
that six products fit into a word before anything is carried. 2^261 = 2^6 2^255 is 64 * 19 = 1216 modulo p, by which the upper half
folds into the lower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from riskset_common.primitives.prime_field import P
from riskset_common.primitives.strict_fields import ELEMENT_BYTES

LIMBS = 9
LIMB_BITS = 29
WORDS = 4

Elements = NDArray[np.uint64]
Words = NDArray[np.uint64]

_WORD = np.dtype("<u8")
_HALF = np.dtype("<u4")
_MASK = np.uint64((1 << LIMB_BITS) - 1)
_SHIFT = np.uint64(LIMB_BITS)
_FOLD = np.uint64(1216)
_TOP_BITS = np.uint64(255 - LIMB_BITS * (LIMBS - 1))
_TOP_MASK = np.uint64((1 << 23) - 1)
_PRODUCTS_AT_ONCE = 6
_CHUNK = 2048  # elements; the columns of so many stay in the processor's cache


def from_words(words: Words) -> Elements:
    """Elements of whole numbers below 2^256 in up to four words, shape (n_words, ...)."""
    n_words = len(words)
    limbs = np.empty((LIMBS, *words.shape[1:]), np.uint64)
    for k in range(LIMBS):
        word, shift = divmod(LIMB_BITS * k, 64)
        if word >= n_words:
            limbs[k] = 0
            continue
        np.right_shift(words[word], np.uint64(shift), out=limbs[k])
        if shift > 64 - LIMB_BITS and word + 1 < n_words:
            limbs[k] |= words[word + 1] << np.uint64(64 - shift)
    limbs[:-1] &= _MASK
    return limbs


def to_words(elements: Elements) -> Words:
    """The four words of each element, below p, shape (4, ...)."""
    limbs = _canonical(elements)
    words = np.zeros((WORDS, *limbs.shape[1:]), np.uint64)
    for k in range(LIMBS):
        word, shift = divmod(LIMB_BITS * k, 64)
        words[word] |= limbs[k] << np.uint64(shift)
        if shift > 64 - LIMB_BITS and word + 1 < WORDS:
            words[word + 1] |= limbs[k] >> np.uint64(64 - shift)
    return words


def words_to_bytes(words: Words) -> bytes:
    """Words of a vector, shape (4, n), as 32 bytes an element."""
    return np.ascontiguousarray(words.T, dtype=_WORD).tobytes()


def words_from_bytes(content: bytes) -> Words:
    """The words of elements of 32 bytes each, shape (4, n)."""
    return np.ascontiguousarray(np.frombuffer(content, _WORD).reshape(-1, WORDS).T)


def to_bytes(elements: Elements) -> bytes:
    """A vector, shape (9, n), as 32 bytes an element, each below p."""
    return words_to_bytes(to_words(elements))


def from_bytes(content: bytes) -> Elements:
    """The vector that bytes hold, shape (9, n)."""
    return from_words(words_from_bytes(content))


def from_halves(columns: Words) -> Elements:
    """Elements of numbers given as eight columns of weight 2^(32 k), each column below 2^56."""
    limbs = zeros(columns.shape[1])
    for k, column in enumerate(columns):
        limb, shift = divmod(32 * k, LIMB_BITS)
        # The low part of a column stays below 2^29 after its shift; the rest belongs to the next limbs.
        kept = np.uint64(LIMB_BITS - shift)
        limbs[limb] += (column & ((np.uint64(1) << kept) - np.uint64(1))) << np.uint64(shift)
        if limb + 1 < LIMBS:
            limbs[limb + 1] += column >> kept
    return total(limbs[..., np.newaxis])


def sum_of_bytes(contents: Iterable[bytes], length: int) -> Elements:
    """The sum of many vectors given as bytes, fewer than 2^24 of them, shape (9, length)."""
    columns = np.zeros((length, 2 * WORDS), np.uint64)
    for content in contents:
        columns += np.frombuffer(content, _HALF).reshape(length, 2 * WORDS)
    return from_halves(columns.T)


def from_integers(values: Iterable[int]) -> Elements:
    """Whole numbers of any size and sign as elements, shape (9, n)."""
    return from_bytes(b"".join((value % P).to_bytes(ELEMENT_BYTES, "little") for value in values))


def to_integers(elements: Elements) -> list[int]:
    """The whole numbers in (-p/2, p/2) that a vector stands for."""
    content = to_bytes(elements)
    found = (
        int.from_bytes(content[start : start + ELEMENT_BYTES], "little")
        for start in range(0, len(content), ELEMENT_BYTES)
    )
    return [value - P if value > P // 2 else value for value in found]


def constant(value: int) -> Elements:
    """One element, shape (9, 1), that every operation spreads over a vector."""
    return from_integers([value])


def zeros(*shape: int) -> Elements:
    """Elements of 0."""
    return np.zeros((LIMBS, *shape), np.uint64)


def add(a: Elements, b: Elements) -> Elements:
    """a + b."""
    return _by_chunks(lambda x, y: _carried(x + y), a, b)


def subtract(a: Elements, b: Elements) -> Elements:
    """a - b."""
    return _by_chunks(lambda x, y: _carried(x + (_multiple_of_p(x.ndim, y.ndim) - y)), a, b)


def scale(a: Elements, factors: NDArray[np.int64]) -> Elements:
    """Each element times a whole number in 0..2^30, of the vector's shape or one that spreads over it."""
    return settled(a * factors.astype(np.uint64))


def multiply(a: Elements, b: Elements) -> Elements:
    """The product of each element of a with that of b."""
    return dot([(a, b)])


def dot(pairs: Sequence[tuple[Elements, Elements]]) -> Elements:
    """The sum of several products, reduced once: sum of a b over the pairs (a, b), element by element."""
    shape = np.broadcast_shapes(*(each.shape for pair in pairs for each in pair))
    if len(shape) != 2 or shape[1] <= _CHUNK:
        return _reduced(_columns(pairs, shape))
    result = np.empty(shape, np.uint64)
    for start in range(0, shape[1], _CHUNK):
        part = slice(start, start + _CHUNK)
        cut = [(_part(a, part), _part(b, part)) for a, b in pairs]
        chunk = (LIMBS, len(range(*part.indices(shape[1]))))
        result[:, part] = _reduced(_columns(cut, chunk))
    return result


def inner(a: Elements, b: Elements) -> Elements:
    """Sum of products along the last axis: shapes (9, ..., n) and (9, ..., n) give (9, ...)."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    columns = np.zeros((2 * LIMBS, *shape[1:-1]), np.uint64)
    for start in range(0, shape[-1], _CHUNK):
        part = slice(start, start + _CHUNK)
        cut = a[..., part], b[..., part]
        chunk = _columns([cut], np.broadcast_shapes(cut[0].shape, cut[1].shape))
        columns += _carried_columns(chunk).sum(axis=-1)
    return _reduced(_carried_columns(columns))


def total(a: Elements, axis: int = -1) -> Elements:
    """Sum along an axis of the vector (not axis 0)."""
    return settled(a.sum(axis=axis))


def running_total(a: Elements) -> Elements:
    """Sums from the first to each element along the last axis."""
    return settled(np.cumsum(a, axis=-1, dtype=np.uint64))


def settled(limbs: Elements) -> Elements:
    """Elements of limbs below 2^63, as sums of limbs times small whole numbers leave them."""
    return _by_chunks(lambda x: _carried(_carried(_carried(x))), limbs)


def combination(terms: Sequence[tuple[int, Elements]]) -> Elements:
    """Sum of c x over pairs of a whole number and a vector; the numbers together stay below 2^30 in size."""
    factors = [c for c, _ in terms]
    if sum(map(abs, factors)) >= 1 << 30:
        raise ValueError("The factors of a combination stay below 2^30 together.")
    return _by_chunks(lambda *vectors: _combined(factors, vectors), *(x for _, x in terms))


def _combined(factors: Sequence[int], vectors: Sequence[Elements]) -> Elements:
    """The positive terms less the negative ones."""
    up, down = (
        [(abs(c), x) for c, x in zip(factors, vectors, strict=True) if c * sign > 0]
        for sign in (1, -1)
    )
    shape = np.broadcast_shapes(*(x.shape for x in vectors))
    positive = _weighed(up) if up else zeros(*(1,) * (len(shape) - 1))
    if down:
        negative = _multiple_of_p(len(shape)) - _weighed(down)
        positive = _carried(positive + negative)
    return positive if positive.shape == shape else np.broadcast_to(positive, shape).copy()


def _weighed(terms: Sequence[tuple[int, Elements]]) -> Elements:
    """Sum of c x, 0 < c: one carry is enough for four vectors, two for 2^30."""
    found = terms[0][1] * np.uint64(terms[0][0])
    for c, x in terms[1:]:
        found = found + (x if c == 1 else x * np.uint64(c))
    found = _carried(found)
    return found if sum(c for c, _ in terms) <= 4 else _carried(found)


def _by_chunks(operation: Callable[..., Elements], *vectors: Elements) -> Elements:
    """An operation that works element by element, on so many at once as the processor's cache holds."""
    shape = np.broadcast_shapes(*(x.shape for x in vectors))
    n = int(np.prod(shape[1:], dtype=np.int64))
    if n <= _CHUNK or any(x.size != LIMBS and x.shape != shape for x in vectors):
        return operation(*vectors)
    flat = [x.reshape(LIMBS, -1) for x in vectors]
    result = np.empty((LIMBS, n), np.uint64)
    for start in range(0, n, _CHUNK):
        part = slice(start, start + _CHUNK)
        result[:, part] = operation(*(_part(x, part) for x in flat))
    return result.reshape(shape)


def from_int64(values: NDArray[np.int64], bits: int = 0) -> Elements:
    """Whole numbers of either sign times 2^bits, bits <= 128, shape (9, n)."""
    place, shift = divmod(bits, 64)
    size = np.abs(values).astype(np.uint64)
    words = np.zeros((WORDS, len(size)), np.uint64)
    words[place] = size << np.uint64(shift)
    if shift:
        words[place + 1] = size >> np.uint64(64 - shift)
    elements = from_words(words)
    return np.where(values < 0, subtract(zeros(len(size)), elements), elements)


def same(a: Elements, b: Elements) -> bool:
    """Whether two vectors hold the same elements."""
    return bool(np.array_equal(to_words(a), to_words(b)))


def _part(a: Elements, part: slice) -> Elements:
    return a if a.shape[1] == 1 else a[:, part]


def _columns(
    pairs: Sequence[tuple[Elements, Elements]], shape: tuple[int, ...]
) -> NDArray[np.uint64]:
    """Columns of weight 2^(29 k), k = 0..17, of the sum of the products."""
    columns = np.zeros((2 * LIMBS, *shape[1:]), np.uint64)
    for number, (a, b) in enumerate(pairs, start=1):
        for i in range(LIMBS):
            columns[i : i + LIMBS] += a[i] * b
        if number % _PRODUCTS_AT_ONCE == 0:
            columns = _carried_columns(columns)
    return columns


def _carried_columns(columns: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Columns below 2^29 + 2^35 each; the last one takes what is left."""
    carried = columns & _MASK
    carried[1:] += columns[:-1] >> _SHIFT
    carried[-1] += columns[-1] & ~_MASK
    return carried


def _reduced(columns: NDArray[np.uint64]) -> Elements:
    columns = _carried_columns(columns)
    return _carried(_carried(columns[:LIMBS] + columns[LIMBS:] * _FOLD))


def _carried(limbs: Elements) -> Elements:
    """One pass of carries, all limbs at once. From limbs below 2^31.4 it leaves less than 2^29 + 2^13."""
    high = limbs >> _SHIFT
    carried = limbs & _MASK
    carried[1:] += high[:-1]
    carried[0] += high[-1] * _FOLD
    return carried


def _canonical(elements: Elements) -> Elements:
    """Limbs below 2^29 of a number below p."""
    limbs = elements.copy()
    for _ in range(3):
        _carry_in_order(limbs)
        limbs[0] += (limbs[-1] >> _TOP_BITS) * np.uint64(19)
        limbs[-1] &= _TOP_MASK
    # The number is below 2^255. It is p or more exactly if 19 more reach 2^255.
    _carry_in_order(limbs)
    beyond = limbs.copy()
    beyond[0] += np.uint64(19)
    _carry_in_order(beyond)
    reaches = (beyond[-1] >> _TOP_BITS).astype(np.bool_)
    beyond[-1] &= _TOP_MASK
    return np.where(reaches, beyond, limbs)


def _carry_in_order(limbs: Elements) -> None:
    for k in range(LIMBS - 1):
        limbs[k + 1] += limbs[k] >> _SHIFT
        limbs[k] &= _MASK


def _spread(value: int) -> Elements:
    """Limbs of a multiple of p, each between 2^30 and 2^31, from which any limb can be taken."""
    limbs = [value >> (LIMB_BITS * k) & int(_MASK) for k in range(LIMBS)]
    limbs[-1] = value >> (LIMB_BITS * (LIMBS - 1))
    for k in range(LIMBS - 1):
        limbs[k] += 2 << LIMB_BITS
        limbs[k + 1] -= 2
    return np.array(limbs, np.uint64)


_MULTIPLE = _spread(P * 192)


def _multiple_of_p(*dimensions: int) -> Elements:
    return _MULTIPLE.reshape(LIMBS, *(1,) * (max(dimensions) - 1))
