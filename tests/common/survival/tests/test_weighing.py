"""Weights by name, as tests that open their sums take them."""

from __future__ import annotations

import numpy as np
import pytest

from riskset_common.survival.tests.log_rank import fleming_harrington, tarone_ware
from riskset_common.survival.tests.weighing import Weighing, open_weights


@pytest.mark.parametrize(
    ("weighing", "expected"),
    [
        (Weighing("tarone_ware"), tarone_ware),
        (Weighing("fleming_harrington", 1.0, 0.5), fleming_harrington(1.0, 0.5)),
    ],
)
def test_weights_of_a_name_are_those_of_its_function(weighing, expected) -> None:
    n, d = np.array([10.0, 7.0, 3.0]), np.array([1.0, 2.0, 1.0])

    np.testing.assert_array_equal(expected(n, d), open_weights(weighing)(n, d))
