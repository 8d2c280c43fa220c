"""What one member sees of all that is opened, over programs that hold every operation: nothing of a factor, and no stream twice.

A product of two shares of degree 1 has the coefficient slope_a slope_b. A member knows its own shares a(1) and b(1); of small numbers it
tries all pairs. Each sent vector carries a sharing of zero, so that its coefficient says nothing; without it the attack reads both factors.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.common.secure.blind.member_views import Nodes, View
from tests.common.secure.blind.on_shares import COMMITTEES, SMALLEST, run
from tests.common.secure.blind.test_blind_expressions import every_operation, signed, values_of

from riskset_common.primitives.prime_field import P
from riskset_common.release.program import Among, Opens
from riskset_common.secure.blind.arithmetic import random_shares, shares
from riskset_common.secure.blind.arithmetic.field import (
    combination,
    to_integers,
    zeros,
)
from riskset_common.secure.blind.arithmetic.fixed_point import F
from riskset_common.secure.blind.arithmetic.parts import K
from riskset_common.secure.blind.expressions.evaluation import evaluate
from riskset_common.secure.blind.expressions.hidden import Hidden
from riskset_common.secure.blind.expressions.wave import answered_on_shares

committees = pytest.mark.parametrize(
    "committee", COMMITTEES[:2], ids=lambda c: f"{c.size},{c.threshold}"
)
LARGEST = 1000


def everything(member, calculator, given):
    """All operations, all ways to ask."""
    wanted = every_operation(calculator, signed(calculator, given))
    whole = [each for each in wanted if isinstance(each, Hidden) and not each.real]
    yield from evaluate(member, [each for each in wanted if isinstance(each, Hidden)], 2000)
    small = [each for each in whole if each.interval.size < 2.0**62]
    yield from answered_on_shares(
        member,
        [
            *(Opens(f"number {k}", each) for k, each in enumerate(small)),
            Among("small", given["n"], 1, 4),
            Among("small again", given["n"], 1, 4),
        ],
    )


def top_coefficients(committee, shares_) -> list[int]:
    """Of each element, the differences of order 2t of members 1..2t+1: the highest coefficient times a constant."""
    order = 2 * committee.threshold
    signs = [(-1) ** (order - i) * int(_choose(order, i)) for i in range(order + 1)]
    return [x % P for x in to_integers(combination(list(zip(signs, shares_, strict=False))))]


def _choose(n: int, k: int) -> int:
    found = 1
    for i in range(k):
        found = found * (n - i) // (i + 1)
    return found


def no_zeros(committee, member, key, vectors):
    """In place of a sharing of zero: nothing."""
    del committee, member, key
    return zeros(sum(n for _, n in vectors))


@committees
def test_no_vector_that_is_sent_has_the_coefficient_of_what_it_hides(committee, monkeypatch):
    view = View(committee, monkeypatch)
    run(committee, values_of(11), everything)
    fresh: Counter[int] = Counter()
    for hiding, sent in zip(view.hiding, view.sent, strict=True):
        own, seen = (top_coefficients(committee, each) for each in (hiding, sent))
        fresh.update((b - a) % P for a, b in zip(own, seen, strict=True))

    assert len(view.sent) > 30
    assert sum(fresh.values()) > 10_000
    # Every element is moved by a number of its own, and none by 0.
    assert fresh[0] == 0
    assert 1 == max(fresh.values())


def test_without_sharings_of_zero_every_coefficient_is_that_of_what_is_hidden(monkeypatch):
    monkeypatch.setattr(shares, "zero_part", no_zeros)
    view = View(SMALLEST, monkeypatch)
    run(SMALLEST, values_of(11), everything)
    for hiding, sent in zip(view.hiding, view.sent, strict=True):
        assert top_coefficients(SMALLEST, hiding) == top_coefficients(SMALLEST, sent)


def factors_read(monkeypatch) -> tuple[list[list[tuple[int, int]]], list[tuple[int, int]]]:
    """What member 1 finds of 8 products of two numbers below 1,000 each, and what they are."""
    rng = np.random.default_rng(12)
    a, b = rng.integers(1, LARGEST, 8), rng.integers(1, LARGEST, 8)
    view = View(SMALLEST, monkeypatch)
    own = {}

    def computation(member, calculator, given):
        if member.member == 1:
            own.update({name: to_integers(x.share) for name, x in given.items()})
        yield from evaluate(member, [given["a"] * given["b"]])

    run(SMALLEST, {"a": (a, LARGEST), "b": (b, LARGEST)}, computation)
    (seen,) = (top_coefficients(SMALLEST, sent) for sent in view.sent)
    found = []
    for q2, a1, b1 in zip(seen, own["a"], own["b"], strict=True):
        # The second difference is twice the coefficient, which is (a(1) - a) (b(1) - b).
        q = q2 * pow(2, -1, P)
        fitting = ((a0, (b1 - q * pow(a1 - a0, -1, P)) % P) for a0 in range(LARGEST))
        found.append([(a0, b0) for a0, b0 in fitting if b0 < LARGEST])
    return found, list(zip(a.tolist(), b.tolist(), strict=True))


def test_one_member_reads_no_factor(monkeypatch):
    found, _ = factors_read(monkeypatch)

    assert [[]] * 8 == found


def test_without_sharings_of_zero_it_reads_both_factors_of_all_products(monkeypatch):
    monkeypatch.setattr(shares, "zero_part", no_zeros)
    found, truth = factors_read(monkeypatch)

    assert [[each] for each in truth] == found


@committees
def test_no_stream_is_drawn_twice_in_a_run(committee, monkeypatch):
    """Of each key, purpose and label; a key's m - t members draw the same streams, once each."""
    drawn: Counter[tuple[bytes, bytes, bytes]] = Counter()
    plain = random_shares.stream_words

    def remembered(key, purpose, label, length):
        drawn[key, purpose, label] += 1
        return plain(key, purpose, label, length)

    monkeypatch.setattr(random_shares, "stream_words", remembered)
    monkeypatch.setattr(shares, "stream_words", remembered)
    run(committee, values_of(13), everything)

    assert len(drawn) > 1000
    assert {committee.size - committee.threshold} == set(drawn.values())


@pytest.mark.parametrize("extreme", ["random", "largest", "least"])
def test_every_number_stays_within_its_public_bounds(extreme, monkeypatch):
    """Each node of the graph, put together from all members' shares; and each product before it is truncated, which stays below 2^160."""
    values = values_of(14)
    for name, (array, largest) in list(values.items()):
        end = {
            "random": array,
            "largest": np.full_like(array, largest),
            "least": np.zeros_like(array),
        }
        values[name] = (end[extreme], largest)
    values["n"] = (np.maximum(values["n"][0], 1), 70)
    nodes = Nodes(monkeypatch)
    view = View(SMALLEST, monkeypatch)
    run(SMALLEST, values, lambda member, *more: nodes.watched(member, everything(member, *more)))

    assert nodes.check(SMALLEST) > 70
    largest = view.largest_before_truncation()

    assert 2 ** (2 * F - 1) < largest < 2**K or extreme == "least"
