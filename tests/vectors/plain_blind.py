"""The arithmetic of BC-2 a second time, in plain Python integers: what a member computes of its keys, its shares and what was opened.

Nothing of the product is imported. A vector is a list of integers modulo p.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from tests.vectors.plain_secure_sum import h, key_stream, u32, x

P = 2**255 - 19
K, SIGMA = 160, 80


def subsets(m: int, t: int) -> list[tuple[int, ...]]:
    return list(combinations(range(1, m + 1), m - t))


def stream(key: bytes, purpose: bytes, label: bytes, n: int) -> list[int]:
    """n numbers of 256 bits: all first words, then all second words, third and fourth."""
    content = key_stream(x(key, b"bc1", purpose, label), 32 * n)
    words = [int.from_bytes(content[8 * k : 8 * k + 8], "little") for k in range(4 * n)]
    return [sum(words[q * n + k] << (64 * q) for q in range(4)) for k in range(n)]


def weight(m: int, subset: tuple[int, ...], member: int) -> int:
    value = 1
    for j in range(1, m + 1):
        if j not in subset:
            value = value * (j - member) * pow(j, -1, P) % P
    return value


def zero(m: int, t: int, member: int, keys: dict, label: bytes, n: int) -> list[int]:
    found = [0] * n
    for subset in subsets(m, t):
        if member in subset:
            for degree in range(1, t + 1):
                psi = stream(keys[subset], b"zero" + u32(degree), label, n)
                factor = member**degree * weight(m, subset, member)
                found = [(a + factor * b) % P for a, b in zip(found, psi, strict=True)]
    return found


def truncation(
    m: int,
    t: int,
    member: int,
    keys: dict,
    label: bytes,
    share: list[int],
    bits: int,
    part: int = 0,
) -> tuple[list[int], list[int]]:
    """What a member sends to have a vector truncated, that part of its opening, and what it takes off afterwards."""
    label, n = h(b"part", label, u32(part)), len(share)
    sent = [
        (a + 2**K + b) % P for a, b in zip(share, zero(m, t, member, keys, label, n), strict=True)
    ]
    taken = [0] * n
    for subset in subsets(m, t):
        if member in subset:
            psi = [a % 2 ** (K + SIGMA) for a in stream(keys[subset], b"mask", label, n)]
            f = weight(m, subset, member)
            sent = [(a + f * b) % P for a, b in zip(sent, psi, strict=True)]
            taken = [(a + f * (b >> bits)) % P for a, b in zip(taken, psi, strict=True)]
    return sent, taken


def truncated(m: int, t: int, opened: list[int], taken: list[int], bits: int) -> list[int]:
    offset = 2 ** (K - bits) + len(subsets(m, t)) // 2
    return [((c >> bits) - offset - r) % P for c, r in zip(opened, taken, strict=True)]


def interpolated(shares: dict[int, list[int]], at: int = 0) -> list[int]:
    """The values at a point of the polynomials through the members' shares."""
    found = [0] * len(next(iter(shares.values())))
    for i, share in shares.items():
        above = below = 1
        for j in shares:
            if j != i:
                above, below = above * (at - j) % P, below * (i - j) % P
        c = above * pow(below, -1, P)
        found = [(a + c * b) % P for a, b in zip(found, share, strict=True)]
    return found


def upload(keys: list[bytes], label: bytes, values: list[float]) -> list[int]:
    """A site's masked input: whole numbers of 2^-64, rounded to the nearest, ties to even."""
    y = [round(Fraction(value) * 2**64) % P for value in values]
    for key in keys:
        y = [(a + b) % P for a, b in zip(y, stream(key, b"input", label, len(y)), strict=True)]
    return y


def bytes_of(vector: list[int]) -> str:
    return b"".join((value % P).to_bytes(32, "little") for value in vector).hex()


def next_label(label: bytes, opened: list[int]) -> bytes:
    return h(b"opened", label, bytes.fromhex(bytes_of(opened)))


Vectors = dict[int, list[int]]
"""Shares of a vector by member."""


def truncate_together(
    m: int, t: int, keys: dict, label: bytes, parts: list[tuple[Vectors, int]]
) -> tuple[list[Vectors], list[int], bytes]:
    """One opening of all members: the truncated vectors, what was opened, and the next label."""
    steps = {
        i: [
            truncation(m, t, i, keys, label, shares[i], bits, number)
            for number, (shares, bits) in enumerate(parts)
        ]
        for i in range(1, m + 1)
    }
    sent = {i: [value for each, _ in steps[i] for value in each] for i in steps}
    opened = interpolated({i: sent[i] for i in range(1, 2 * t + 2)})
    results, start = [], 0
    for number, (shares, bits) in enumerate(parts):
        end = start + len(shares[1])
        results.append(
            {
                i: truncated(m, t, opened[start:end], steps[i][number][1], bits)
                for i in range(1, m + 1)
            }
        )
        start = end
    return results, opened, next_label(label, opened)


def times(a: Vectors, b: Vectors) -> Vectors:
    return {i: [x * y % P for x, y in zip(a[i], b[i], strict=True)] for i in a}


def less_than(one: int, a: Vectors) -> Vectors:
    return {i: [(one - x) % P for x in a[i]] for i in a}


def more(a: Vectors, b: Vectors) -> Vectors:
    return {i: [(x + y) % P for x, y in zip(a[i], b[i], strict=True)] for i in a}


def iteration(
    m: int,
    t: int,
    keys: dict,
    label: bytes,
    A: Vectors,
    w: Vectors,
    unit: int,
    fine: int,
    rest: int,
) -> tuple[Vectors, list[Vectors], list[list[int]]]:
    """Goldschmidt's: nearly 1/A, the chain e, e^2, e^4, .., and what was opened. A w is in units of 2^-unit.

    Where `unit` is 159, w is the last reciprocal times a factor of 31 bits, which are truncated with the first opening.
    """
    parts = [(times(A, w), unit - 78), (times(A, w), unit - 64)]
    parts += [(w, 31)] if unit == 159 else []
    (finely, coarsely, *scaled), opened, label = truncate_together(m, t, keys, label, parts)
    [w] = scaled or [w]
    e, finer, all_opened = less_than(2**64, coarsely), less_than(2**78, finely), [opened]
    chain = [e]
    for _ in range(fine):
        square = times(finer, finer)
        (step, finer, below), opened, label = truncate_together(
            m, t, keys, label, [(times(w, e), 64), (square, 78), (square, 92)]
        )
        w, e = more(w, step), below
        chain.append(e)
        all_opened.append(opened)
    n = len(A[1])
    for _ in range(rest):
        both = {i: times(w, e)[i] + times(e, e)[i] for i in w}
        [products], opened, label = truncate_together(m, t, keys, label, [(both, 64)])
        w = more(w, {i: products[i][:n] for i in w})
        e = {i: products[i][n:] for i in w}
        chain.append(e)
        all_opened.append(opened)
    return w, chain, all_opened
