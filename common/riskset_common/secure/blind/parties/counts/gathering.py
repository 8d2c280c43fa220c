"""Opening with the members that are there: all of a committee, or those that are left when one was lost."""

from __future__ import annotations

from collections.abc import Mapping

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.prime_field import lagrange
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    constant,
    dot,
    from_words,
    same,
    to_words,
)

Shares = Mapping[int, Elements]
"""Shares of degree 2t of one vector by number of the member, each of shape (9, n)."""


def open_present(committee: Committee, shares: Shares, names: Mapping[int, str]) -> Elements:
    """The value that the shares stand for, shape (9, n).

    Parameters
    ----------
    shares
        Of 2t + 1 members at least; every further one is a check.
    names
        Of the members, for messages.

    Raises
    ------
    ProtocolRefusal
        If the shares do not lie on one polynomial of degree 2t; it names the member whose share is wrong where two others are to spare.
    """
    if _agree(committee, shares):
        first = sorted(shares)[: 2 * committee.threshold + 1]
        return from_words(to_words(_at(shares, first, 0)))
    without = [
        {each: share for each, share in shares.items() if each != member} for member in shares
    ]
    wrong = [
        member
        for member, others in zip(shares, without, strict=True)
        if len(others) > 2 * committee.threshold + 1 and _agree(committee, others)
    ]
    who = f"that of {names[wrong[0]]!r} is wrong" if len(wrong) == 1 else "at least one is wrong"
    raise ProtocolRefusal(
        f"The members' shares contradict one another: {who}. The computation stops here; nothing was opened. Look at the stored messages "
        "of that member before you start again."
    )


def _agree(committee: Committee, shares: Shares) -> bool:
    """Whether all shares lie on one polynomial of degree 2t."""
    members = sorted(shares)
    first = members[: 2 * committee.threshold + 1]
    return all(same(_at(shares, first, member), shares[member]) for member in members[len(first) :])


def _at(shares: Shares, members: list[int], point: int) -> Elements:
    """The value at a point of the polynomials through some members' shares."""
    coefficients = lagrange(members, point)
    return dot(
        [
            (constant(factor), shares[member])
            for factor, member in zip(coefficients, members, strict=True)
        ]
    )
