"""The calculator of open numbers, and that of numbers of which only the shape is known: every operation gives the same shape."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.release.blank import Blank, Unseen
from riskset_common.survival.arrays.calculator import Calculator, Clear, InTheOpen, Numbers, clear


def every_operation(calculator: Calculator, n: Numbers, q: Numbers) -> list[Numbers]:
    """Results of all operations on whole numbers 1..9 and fractions, both of shape (2, 3, 4)."""
    return [
        n + q,
        n - 1,
        3 - n,
        3 + n,
        2 * n,
        -n,
        n * np.arange(4),
        n[:, 0],
        n[..., np.array([0, 0, 3])],
        n[1, :, None],
        n.reshape(6, -1),
        n.transpose(2, 0, 1),
        n[:1].broadcast_to(5, 3, 4),
        n.total(),
        n.total(0),
        n.running_total(),
        calculator.joined([n, q[..., :1]]),
        calculator.joined([n, n], axis=0),
        calculator.inner(n, q),
        calculator.reciprocal(n, 9),
        calculator.running_product(q),
        calculator.root(q, 1.0),
        calculator.at_most(q, n),
        calculator.at_most(n, 4),
        calculator.rounded(q, 1000),
        calculator.rounded(n, Fraction(1, 5)),
        calculator.fraction(q, "they are"),
        calculator.whole(np.arange(3)),
        calculator.real(np.ones((2, 2))),
    ]


def test_shapes_are_the_same_without_the_numbers() -> None:
    rng = np.random.default_rng(0)
    n, q = Clear(rng.integers(1, 10, (2, 3, 4))), Clear(rng.random((2, 3, 4)))
    found = every_operation(InTheOpen(), n, q)
    unseen = every_operation(Unseen(), Blank(2, 3, 4), Blank(2, 3, 4))

    assert [each.shape for each in found] == [each.shape for each in unseen]


@given(st.integers(-(10**6), 10**6), st.sampled_from([1, 10, 1000, Fraction(1, 5)]))
def test_halves_are_rounded_up_also_where_the_last_digits_miss_them(whole, units) -> None:
    half = (whole + 0.5) / units * (1 - 1e-16)
    rounded = InTheOpen().rounded(Clear(np.array([float(half)])), units)

    assert [whole + 1] == clear(rounded).tolist()


def test_a_reciprocal_of_0_is_0_and_a_stated_bound_that_does_not_hold_is_told() -> None:
    calculator = InTheOpen()

    assert [0.0, 0.5] == clear(calculator.reciprocal(Clear(np.array([0, 2])), 2)).tolist()
    with pytest.raises(AssertionError, match="patients are counted: a number is larger"):
        calculator.bounded(Clear(np.array([3])), 2, "patients are counted")


def test_nobody_looks_at_numbers_that_are_hidden() -> None:
    with pytest.raises(TypeError, match="no values to look at"):
        clear(Blank(2))
