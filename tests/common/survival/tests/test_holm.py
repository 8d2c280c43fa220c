"""Holm's adjustment: the numbers of R's p.adjust, and what any adjustment must keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.survival.tests.holm import holm


def test_the_adjusted_values_are_those_of_r() -> None:
    # p.adjust(c(0.04, 0.01, 0.03, 0.5), "holm")
    assert [0.09, 0.04, 0.09, 0.5] == pytest.approx(holm([0.04, 0.01, 0.03, 0.5]), rel=1e-15)


def test_one_test_needs_no_adjustment_and_none_gives_none() -> None:
    assert [0.3] == holm([0.3])
    assert [] == holm([])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_adjusted_values_are_not_smaller_keep_their_order_and_are_at_most_one(
    p_values: list[float],
) -> None:
    adjusted = holm(p_values)
    in_order = [q for _, q in sorted(zip(p_values, adjusted, strict=True))]

    assert in_order == sorted(adjusted)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
