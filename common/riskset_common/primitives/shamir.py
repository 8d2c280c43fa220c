"""Shamir's secret sharing (1979) over the field of 2^255 - 19 elements, with coefficients that follow from a key.

A secret is the value at 0 of a polynomial of degree t - 1; a member's share is its value at the member's own point. All sets of t shares
give the secret, and t - 1 are independent of it. The coefficients are derived and not drawn, so that a report which is sent again
is the same to the byte: a second polynomial for one secret would let shares of the two be mixed, and would use a sealing key twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from riskset_common.primitives.masks import stream
from riskset_common.primitives.prime_field import P, lagrange

SHARE_BYTES = 32
_COEFFICIENT_BYTES = (
    48  # 129 bits more than the field has, so that reduction leaves no bias that anyone could see
)


def point(site_id: int) -> int:
    """Where a member's share is taken: its number plus one, because the secret itself is taken at 0."""
    return site_id + 1


def shares(
    secret: bytes, threshold: int, members: Sequence[int], coefficient_key: bytes
) -> list[bytes]:
    """One share of 32 bytes for each member, in order. Run by a site.

    ``f(x) = secret + a_1 x + ... + a_{t-1} x^{t-1} mod P``; a_l is the l-th 48 bytes of the key's stream, reduced.

    Parameters
    ----------
    secret
        32 bytes, little endian, below 2^255.
    threshold
        t, the number of shares that give the secret back.
    coefficient_key
        32 bytes that serve for this secret alone.
    """
    drawn = stream(coefficient_key, _COEFFICIENT_BYTES * (threshold - 1))
    coefficients = [
        int.from_bytes(drawn[start : start + _COEFFICIENT_BYTES], "little") % P
        for start in range(0, len(drawn), _COEFFICIENT_BYTES)
    ]
    descending = [*reversed(coefficients), int.from_bytes(secret, "little")]
    return [_evaluated(descending, point(member)) for member in members]


def weights(members: Sequence[int]) -> dict[int, int]:
    """Lagrange's weights at 0, by member: ``w_i = prod_{j != i} x_j / (x_j - x_i)``. One set serves for every secret."""
    return dict(zip(members, lagrange([point(each) for each in members], 0), strict=True))


def combine(weight: Mapping[int, int], held: Mapping[int, bytes]) -> bytes:
    """The secret from the shares of exactly the members that have a weight, 32 bytes. Run by the centre."""
    total = sum(each * int.from_bytes(held[member], "little") for member, each in weight.items())
    return (total % P).to_bytes(SHARE_BYTES, "little")


def _evaluated(descending: Sequence[int], x: int) -> bytes:
    value = 0
    for coefficient in descending:
        value = (value * x + coefficient) % P
    return value.to_bytes(SHARE_BYTES, "little")
