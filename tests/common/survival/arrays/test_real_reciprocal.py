"""Reciprocals of reals by sums and products: right from 1 to the largest, bounded below."""

from __future__ import annotations

import numpy as np
import pytest

from riskset_common.survival.arrays.calculator import InTheOpen, clear
from riskset_common.survival.arrays.real_reciprocal import real_reciprocal


@pytest.mark.parametrize("largest", [1, 2, 1024, 1 << 20])
def test_the_reciprocal_of_a_real_is_right_up_to_the_largest(largest) -> None:
    x = np.exp(np.linspace(0, np.log(largest), 50))
    calculator = InTheOpen()
    found = clear(real_reciprocal(calculator, calculator.real(x), largest))

    np.testing.assert_allclose(found, 1 / x, rtol=1e-13)


def test_below_1_it_is_bounded() -> None:
    calculator = InTheOpen()
    found = clear(real_reciprocal(calculator, calculator.real(np.array([0.0, 0.5])), 1024))

    assert bool(np.all((found >= 0) & (found <= 128)))


def test_a_largest_that_is_no_power_of_two_is_refused() -> None:
    calculator = InTheOpen()

    with pytest.raises(ValueError, match="1000 is none"):
        real_reciprocal(calculator, calculator.real(np.ones(1)), 1000)
