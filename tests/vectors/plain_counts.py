"""The uploads of counts of BC-2 a second time, in plain Python integers: labels, bits, masks, the two tests of a site, signed statements.

Nothing of the product is imported. An array is a list of numbers in the order of rows; an upload is a list of arrays.
"""

from __future__ import annotations

from tests.vectors.plain_blind import P, stream, subsets, weight
from tests.vectors.plain_secure_sum import h, key_stream, u32, x

PREFIX = b"riskset/sa1/"


def setup_hash(
    session: bytes,
    roster: bytes,
    participants: list[int],
    members: list[int],
    threshold: int,
    checked: bool,
    work: bytes,
) -> bytes:
    committee = h(b"committee", u32(*members), u32(threshold))
    return h(b"counts", session, roster, u32(*participants), committee, u32(checked), work)


def upload_label(setup: bytes, upload: int, opened: list[bytes]) -> bytes:
    return h(b"counts-upload", setup, u32(upload), *opened)


def wave_statement(setup: bytes, wave: int, label: bytes, body: bytes) -> bytes:
    return PREFIX + b"counts-wave" + h(setup, u32(wave), label, body)


def strike_statement(setup: bytes, place: int, lost: int) -> bytes:
    return PREFIX + b"counts-strike" + h(setup, u32(place, lost))


def input_key(setup: bytes, secret: bytes, subset: tuple[int, ...]) -> bytes:
    return x(secret, b"bc1", b"input", setup, u32(*subset))


def short_stream(key: bytes, label: bytes, n: int) -> list[int]:
    """n numbers of 92 bits: all low words of 8 bytes, then all high ones of 4, of which the lowest 28 bits count."""
    content = key_stream(x(key, b"bc1", b"input", label), 12 * n)
    low = [int.from_bytes(content[8 * k : 8 * k + 8], "little") for k in range(n)]
    rest = content[8 * n :]
    high = [int.from_bytes(rest[4 * k : 4 * k + 4], "little") % 2**28 for k in range(n)]
    return [a + (b << 64) for a, b in zip(low, high, strict=True)]


def short_bytes(numbers: list[int]) -> str:
    """Numbers below 2^96 as they are sent, hexadecimal."""
    low = b"".join((number % 2**64).to_bytes(8, "little") for number in numbers)
    return (low + b"".join((number >> 64).to_bytes(4, "little") for number in numbers)).hex()


def bits_of(numbers: list[int], width: int) -> list[int]:
    """All lowest bits, then all next ones."""
    return [number >> k & 1 for k in range(width) for number in numbers]


def real_as_whole(value: float, width: int, fraction_bits: int) -> int:
    """A whole number of 2^-fraction_bits, halves up, lifted by half the width so that it is not negative."""
    numerator, denominator = value.as_integer_ratio()
    nearest: int = (2 * numerator * 2**fraction_bits + denominator) // (2 * denominator)
    return nearest + (1 << (width - 1))


def masked(bits: list[int], setup: bytes, secret: bytes, label: bytes, m: int, t: int) -> list[int]:
    sent = list(bits)
    for subset in subsets(m, t):
        mask = short_stream(input_key(setup, secret, subset), label, len(bits))
        sent = [a + b for a, b in zip(sent, mask, strict=True)]
    return sent


def share_of(
    sent: list[int], setup: bytes, secret: bytes, label: bytes, m: int, t: int, member: int
) -> list[int]:
    """A member's share of a site's bits: what it sent, less the member's shares of the masks."""
    share = list(sent)
    for subset in subsets(m, t):
        if member in subset:
            mask = short_stream(input_key(setup, secret, subset), label, len(sent))
            f = weight(m, subset, member)
            share = [(a - f * b) % P for a, b in zip(share, mask, strict=True)]
    return share


def coefficients(label: bytes, n_bits: int, n_places: int) -> tuple[list[int], list[int]]:
    """c of each bit, 128 bits, and u of each place of each equation."""
    seed = h(b"counts-check", label)
    c = [each % 2**128 for each in stream(seed, b"bits", label, n_bits)]
    return c, stream(seed, b"sums", label, n_places)


def numbers_of(bits: list[int], sizes: list[tuple[int, int]]) -> list[list[int]]:
    """The numbers of each array from its bits, (n, width) for each; the lift of reals is left in."""
    arrays, start = [], 0
    for n, width in sizes:
        rows = [bits[start + k * n : start + (k + 1) * n] for k in range(width)]
        arrays.append([sum(2**k * row[i] for k, row in enumerate(rows)) % P for i in range(n)])
        start += n * width
    return arrays


def tests(
    bits: list[int],
    arrays: list[list[int]],
    c: list[int],
    u: list[int],
    equations: list[list[tuple[int, list[int]]]],
    equals: list[int],
) -> tuple[int, int]:
    """The two numbers of a site. An equation is a list of (sign, places) by place of the numbers of all arrays."""
    of_bits = sum(a * b * (b - 1) for a, b in zip(c, bits, strict=True)) % P
    numbers = [number for array in arrays for number in array]
    of_sums = 0
    for r, (equation, right) in enumerate(zip(equations, equals, strict=True)):
        left = sum(sign * numbers[place] for sign, places in equation for place in places)
        of_sums += u[r] * (left - right)
    return of_bits, of_sums % P
