"""The vectors of the building blocks, which a second implementation wrote, replayed by the product: shares, and the last label."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import together
from tests.vectors.write_blind_vectors import secret
from tests.vectors.write_block_vectors import (
    C_BITS,
    COMPARED,
    FACTORS,
    FRACTIONS,
    K_BITS,
    NUMBERS,
    PATH,
    ROUNDED,
    SIZE,
    START,
    THRESHOLDS,
    B,
)

from riskset_common.secure.blind.arithmetic import whole_reciprocal
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.comparison import at_least
from riskset_common.secure.blind.arithmetic.field import (
    LIMBS,
    from_bytes,
    to_bytes,
    to_integers,
)
from riskset_common.secure.blind.arithmetic.random_bits import random_bits
from riskset_common.secure.blind.arithmetic.root import RootPath, roots
from riskset_common.secure.blind.arithmetic.rounding import rounded
from riskset_common.secure.blind.arithmetic.running_products import running_products
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, open_shares
from riskset_common.secure.blind.arithmetic.whole_reciprocal import Path as Iteration
from riskset_common.secure.blind.arithmetic.whole_reciprocal import reciprocals
from riskset_common.secure.blind.arithmetic.zero_test import any_zero

VECTORS = json.loads((Path(__file__).parent / "blind_blocks.json").read_text(encoding="utf-8"))


def compared(member, x):
    bits = yield from random_bits(member, K_BITS * len(COMPARED))
    return (yield from at_least(member, x, K_BITS, THRESHOLDS, bits)).reshape(LIMBS, -1)


def small(member, x):
    rows = x.reshape(LIMBS, 3, -1).transpose(0, 2, 1)
    return (yield from any_zero(member, rows))


def nearest(member, x):
    bits = yield from random_bits(member, B * len(ROUNDED))
    return (yield from rounded(member, x, B, SIZE, Fraction(0), bits))


def inverted(member, n):
    return (yield from reciprocals(member, n, Iteration(START, tuple(FACTORS), 1.0)))


def multiplied(member, q):
    rows = q.reshape(LIMBS, 2, -1)
    return (yield from running_products(member, rows)).reshape(LIMBS, -1)


def rooted(member, v):
    numbers = {name: tuple(PATH[name]) for name in ("thresholds", "starts")}
    along = RootPath(PATH["size"], **numbers, steps=tuple(map(tuple, PATH["steps"])))
    bits = yield from random_bits(member, PATH["size"] * v.shape[1])
    return (yield from roots(member, v, along, bits))


BLOCKS = {
    "comparison": compared,
    "zero_test": small,
    "rounding": nearest,
    "reciprocals": inverted,
    "running_products": multiplied,
    "roots": rooted,
}


@pytest.fixture(
    params=VECTORS["committees"], ids=lambda each: f"{each['members']},{each['threshold']}"
)
def vector(request):
    return request.param


def replayed(vector, name):
    """What the members come to, and the label that follows."""
    committee = Committee(tuple(range(vector["members"])), vector["threshold"])
    members = [
        Arithmetic(
            committee,
            i,
            {subset: secret("key", subset) for subset in committee.subsets_of(i)},
            bytes.fromhex(VECTORS["first_label"]),
        )
        for i in committee.members
    ]
    given = [from_bytes(bytes.fromhex(each)) for each in vector[name]["shares"]]
    computations = [
        member.run(BLOCKS[name](member, share))
        for member, share in zip(members, given, strict=True)
    ]
    return committee, together(committee, computations), {member.label.hex() for member in members}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_that_of_the_vector(vector, name):
    _, outcomes, labels = replayed(vector, name)
    found = (
        list(map(bool, outcomes[0]))
        if name == "zero_test"
        else [to_bytes(each).hex() for each in outcomes]
    )

    assert {vector[name]["label"]} == labels
    assert vector[name]["result"] == found


def test_the_vectors_say_what_the_blocks_are_for(vector):
    def value(name):
        committee, outcomes, _ = replayed(vector, name)
        return to_integers(open_shares(committee, outcomes))

    n = len(vector["comparison"]["shares"])
    expected = [int(x >= t) for t in THRESHOLDS for x in COMPARED]

    assert n == vector["members"]
    assert expected == value("comparison")
    assert [True, True, False] == vector["zero_test"]["result"]
    assert [(x + 8) // 16 for x in ROUNDED] == value("rounding")
    products = np.cumprod(np.reshape(FRACTIONS, (2, -1)).astype(float) / 2.0**64, axis=1).ravel()
    assert np.max(np.abs(np.array(value("running_products"), float) / 2.0**64 - products)) < 1e-15
    assert whole_reciprocal.C_BITS == C_BITS
    assert len(NUMBERS) == len(value("reciprocals"))
