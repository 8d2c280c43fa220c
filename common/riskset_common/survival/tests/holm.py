"""Holm's adjustment of P values for the number of tests.

References
----------
Holm S (1979), Scand J Stat 6:65 (the sequentially rejective procedure, as adjusted P values).
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted P values: of m tests the i-th smallest P times m - i + 1, at least that of every smaller one, at most 1.

    Rejecting what lies below α keeps the probability of any wrong rejection at α, whatever the tests have to do with each other.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(largest, 1.0)
    return adjusted
