"""The building blocks of blind arithmetic a second time, in plain Python integers: all members of a committee, opening by opening.

Nothing of the product is imported. A vector is a list of integers modulo p for each member.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.vectors.plain_blind import (
    SIGMA,
    K,
    P,
    Vectors,
    bytes_of,
    interpolated,
    next_label,
    stream,
    subsets,
    times,
    weight,
    zero,
)
from tests.vectors.plain_secure_sum import h, u32

F = 64


@dataclass
class Members:
    """A committee, the label of its next opening, and how often its members drew besides."""

    m: int
    t: int
    keys: dict[tuple[int, ...], bytes]
    label: bytes
    draws: int = 0

    def shared(self, kept: Callable[[int], int], purpose: bytes, label: bytes, n: int) -> Vectors:
        """Shares of the sums of all keys' numbers, each after `kept`."""
        found = {i: [0] * n for i in range(1, self.m + 1)}
        for subset in subsets(self.m, self.t):
            psi = stream(self.keys[subset], purpose, label, n)
            for i in subset:
                f = weight(self.m, subset, i)
                found[i] = [(a + f * kept(b)) % P for a, b in zip(found[i], psi, strict=True)]
        return found

    def open(self, *parts: tuple[str, Vectors, int]) -> list:
        """One opening of parts ("cut", shares, bits), ("exact", shares, 0) and ("public", shares, 0)."""
        sent: Vectors = {i: [] for i in range(1, self.m + 1)}
        masks = []
        for number, (kind, shares, _) in enumerate(parts):
            label, n = h(b"part", self.label, u32(number)), len(shares[1])
            purpose, size, lift = {
                "cut": (b"mask", K + SIGMA, 2**K),
                "exact": (b"field", 256, 0),
                "public": (b"", 0, 0),
            }[kind]
            hiding = self.shared(_lowest(size), purpose, label, n)
            masks.append((purpose, size, label))
            for i in sent:
                zeros = zero(self.m, self.t, i, self.keys, label, n)
                rows = zip(shares[i], hiding[i], zeros, strict=True)
                sent[i] += [(a + b + c + lift) % P for a, b, c in rows]
        opened = interpolated({i: sent[i] for i in range(1, 2 * self.t + 2)})
        self.label = next_label(self.label, opened)
        results: list[list[int] | Vectors] = []
        start = 0
        for (kind, shares, bits), (purpose, size, label) in zip(parts, masks, strict=True):
            n = len(shares[1])
            c, start = opened[start : start + n], start + n
            if kind == "public":
                results.append(c)
                continue
            removed = self.shared(_without(bits, size), purpose, label, n)
            offset = 2 ** (K - bits) + len(subsets(self.m, self.t)) // 2 if kind == "cut" else 0
            results.append(
                {
                    i: [((x >> bits) - offset - y) % P for x, y in zip(c, removed[i], strict=True)]
                    for i in removed
                }
            )
        return results

    def drawn(self) -> bytes:
        """A label that serves once."""
        self.draws += 1
        return h(b"draw", self.label, u32(self.draws))

    def constant(self, value: int, n: int) -> Vectors:
        return {i: [value % P] * n for i in range(1, self.m + 1)}


def _without(lowest: int, bits: int) -> Callable[[int], int]:
    return lambda x: x % 2**bits >> lowest


def _lowest(bits: int) -> Callable[[int], int]:
    return lambda x: x % 2**bits


def mixed(*terms: tuple[int, Vectors]) -> Vectors:
    """Sum of whole numbers times vectors."""
    return {
        i: [
            sum(c * x for c, x in zip((c for c, _ in terms), row, strict=True)) % P
            for row in zip(*(v[i] for _, v in terms), strict=True)
        ]
        for i in terms[0][1]
    }


def joined(vectors: Sequence[Vectors]) -> Vectors:
    return {i: [x for each in vectors for x in each[i]] for i in vectors[0]}


def cut(vectors: Vectors, start: int, end: int) -> Vectors:
    return {i: x[start:end] for i, x in vectors.items()}


def random_bits(members: Members, n: int) -> Vectors:
    """The exclusive or of one bit of each key: 256 bits of a number, the lowest first."""
    label, waiting = members.drawn(), []
    for subset in subsets(members.m, members.t):
        numbers = stream(members.keys[subset], b"bits", label, -(-n // 256))
        bits = [numbers[k // 256] >> (k % 256) & 1 for k in range(n)]
        waiting.append(
            {
                i: [weight(members.m, subset, i) * b % P if i in subset else 0 for b in bits]
                for i in range(1, members.m + 1)
            }
        )
    while len(waiting) > 1:
        half = len(waiting) // 2
        x, y = joined(waiting[:half]), joined(waiting[half : 2 * half])
        (both,) = members.open(("exact", times(x, y), 0))
        either = mixed((1, x), (1, y), (-2, both))
        waiting = [cut(either, k * n, (k + 1) * n) for k in range(half)] + waiting[2 * half :]
    return waiting[0]


def any_zero(members: Members, rows: Sequence[Vectors]) -> list[bool]:
    """Whether some of the vectors is 0, at each place."""
    n = len(rows[0][1])
    rho = members.shared(_lowest(256), b"random", members.drawn(), n)
    waiting = [rho, *rows]
    while len(waiting) > 2:
        half = len(waiting) // 2
        # Pairs of the first and the second half, row by row.
        a, b = (
            {i: [waiting[k][i][r] for r in range(n) for k in part] for i in rho}
            for part in (range(half), range(half, 2 * half))
        )
        (product,) = members.open(("exact", times(a, b), 0))
        done = [{i: product[i][k::half] for i in product} for k in range(half)]
        waiting = done + waiting[2 * half :]
    (opened,) = members.open(("public", times(*waiting), 0))
    return [x == 0 for x in opened]


def low_bits(
    members: Members, y: Vectors, k: int, above: int, offsets: Sequence[int], bits: Vectors
) -> list[Vectors]:
    """(y - o) mod 2^k for each o."""
    n = len(y[1])
    r = [cut(bits, b * n, (b + 1) * n) for b in range(k)]
    low = mixed(*((2**b, r[b]) for b in range(k)))
    high = members.shared(_lowest(SIGMA + above + 1), b"high", members.drawn(), n)
    parts = [("public", mixed((1, y), (1, low), (2**k, high)), 0)]
    pairs = k // 2
    if pairs:
        lower, upper = joined(r[0 : 2 * pairs : 2]), joined(r[1 : 2 * pairs : 2])
        parts.append(("exact", times(lower, upper), 0))
    opened, *products = members.open(*parts)
    both = [cut(products[0], b * n, (b + 1) * n) for b in range(pairs)] if pairs else []
    places = [(o, j) for o in offsets for j in range(n)]
    c = [(opened[j] - o) % P for o, j in places]
    spread = [{i: [x[i][j] for _, j in places] for i in x} for x in r]
    spread_both = [{i: [x[i][j] for _, j in places] for i in x} for x in both]
    less, equal = _blocks(members, c, k, spread, spread_both)
    while len(less) > 1:
        half = len(less) // 2
        a = joined([*equal[1 : 2 * half : 2], *equal[3 : 2 * half : 2]])
        b = joined([*less[0 : 2 * half : 2], *equal[2 : 2 * half : 2]])
        (product,) = members.open(("exact", times(a, b), 0))
        size = len(places)
        done = [cut(product, k_ * size, (k_ + 1) * size) for k_ in range(2 * half - 1)]
        merged = [mixed((1, less[2 * k_ + 1]), (1, done[k_])) for k_ in range(half)]
        less = [*merged, *less[2 * half :]]
        equal = [equal[0], *done[half:], *equal[2 * half :]]
    n_places = len(places)
    known = {i: [x % 2**k for x in c] for i in range(1, members.m + 1)}
    lows = {i: [low[i][j] for _, j in places] for i in low}
    found = mixed((1, known), (-1, lows), (2**k, less[0]))
    return [cut(found, s, s + n) for s in range(0, n_places, n)]


def _blocks(
    members: Members, c: list[int], k: int, r: list[Vectors], both: list[Vectors]
) -> tuple[list[Vectors], list[Vectors]]:
    """Of each pair of bits, and a last single one: whether c is below r, and whether they are equal."""
    less, equal = [], []
    for b in range(0, k, 2):
        one: list[Vectors] = [{}, {}]
        for i in range(1, members.m + 1):
            rows: tuple[list[int], list[int]] = ([], [])
            for j, number in enumerate(c):
                cl, ch = number >> b & 1, number >> (b + 1) & 1
                rl = r[b][i][j]
                if b + 1 == k:
                    rows[0].append((1 - cl) * rl % P)
                    rows[1].append((rl if cl else 1 - rl) % P)
                    continue
                rh, x = r[b + 1][i][j], both[b // 2][i][j]
                same_high_and_rl = x if ch else rl - x
                rows[0].append(((1 - ch) * rh + (1 - cl) * same_high_and_rl) % P)
                of = {(1, 1): x, (1, 0): rh - x, (0, 1): rl - x, (0, 0): 1 - rh - rl + x}
                rows[1].append(of[ch, cl] % P)
            one[0][i], one[1][i] = rows
        less.append(one[0])
        equal.append(one[1])
    return less, equal


def at_least(
    members: Members, x: Vectors, k: int, thresholds: Sequence[int], bits: Vectors
) -> list[Vectors]:
    """1 where x is at least the threshold."""
    n = len(x[1])
    lifted = mixed((1, x), (1, members.constant(2**k, n)))
    found = low_bits(members, lifted, k, 1, thresholds, bits)
    unit = pow(2**k, -1, P)
    return [
        mixed((unit, lifted), (-unit, members.constant(o, n)), (-unit, low))
        for o, low in zip(thresholds, found, strict=True)
    ]


def rounded(members: Members, x: Vectors, b: int, size: int, bits: Vectors) -> Vectors:
    """floor(x / 2^b + 1/2)."""
    n = len(x[1])
    lifted = mixed((1, x), (1, members.constant(2**size + 2 ** (b - 1), n)))
    (low,) = low_bits(members, lifted, b, size + 2 - b, [0], bits)
    unit = pow(2**b, -1, P)
    return mixed((unit, lifted), (-unit, low), (-1, members.constant(2 ** (size - b), n)))


def reciprocals(
    members: Members, n: Vectors, start: int, factors: Sequence[int], c_bits: int
) -> Vectors:
    """1/n, units of 2^-64, by Chebyshev's iteration and one step of Newton's."""
    size = len(n[1])
    one = members.constant(2**F, size)
    w = members.constant(start, size)
    e = mixed((1, one), (-start, n))
    for c in factors:
        p = joined([times(w, mixed((1, one), (1, e))), times(e, e)])
        (both,) = members.open(("cut", mixed((c, p)), F + c_bits))
        moved = members.constant(2**F - c * 2 ** (F - c_bits), size)
        w, e = cut(both, 0, size), mixed((1, cut(both, size, 2 * size)), (1, moved))
    (nearly,) = members.open(("exact", times(n, w), 0))
    (last,) = members.open(("cut", times(w, mixed((1, one), (-1, nearly))), F))
    return mixed((1, w), (1, last))


def running_products(members: Members, q: Vectors, rows: int, length: int) -> Vectors:
    """Products from the first to each of a row; rows lie one after another."""
    level = 0
    while 1 << level < length:
        second = [k for k in range(length) if k >> level & 1]
        pairs = [
            (row * length + k, row * length + (k >> level << level) - 1)
            for row in range(rows)
            for k in second
        ]
        product = {i: [x[a] * x[b] % P for a, b in pairs] for i, x in q.items()}
        (done,) = members.open(("cut", product, F))
        for i, x in q.items():
            for (a, _), value in zip(pairs, done[i], strict=True):
                x[a] = value
        level += 1
    return q


def roots(members: Members, v: Vectors, path: dict, bits: Vectors) -> Vectors:
    """sqrt(v), units of 2^-64, with the public numbers of a path."""
    reached = at_least(members, v, path["size"], path["thresholds"], bits)
    y = mixed(*zip(path["starts"], reached, strict=True))
    (g,) = members.open(("cut", times(v, y), F))
    n = len(v[1])
    for a, b in path["steps"]:
        (s,) = members.open(("cut", mixed((b, times(g, y))), F + path["b_bits"]))
        t = mixed((1, members.constant(a, n)), (-1, s))
        (both,) = members.open(("cut", joined([times(g, t), times(y, t)]), F))
        g, y = cut(both, 0, n), cut(both, n, 2 * n)
    (square,) = members.open(("cut", times(g, g), F))
    (missing,) = members.open(("cut", times(mixed((1, v), (-1, square)), y), F + 1))
    return mixed((1, g), (1, missing))


def content(vectors: Vectors) -> list[str]:
    return [bytes_of(vectors[i]) for i in vectors]
