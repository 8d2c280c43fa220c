"""Which times of an axis have a mark, and round numbers for an axis of hazard ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence

RATIOS = (1, 2, 5)


def apart(wanted: Sequence[float], others: Sequence[float], gap: float) -> list[float]:
    """Of `wanted`, those that keep a distance of `gap` from the one before; then of `others`, those that keep it from all."""
    kept: list[float] = []
    for time in wanted:
        if not kept or time - kept[-1] >= gap * (1 - 1e-9):
            kept.append(time)
    for time in others:
        if all(abs(time - other) >= gap * (1 - 1e-9) for other in kept):
            kept.append(time)
    return sorted(kept)


def ratio_ticks(low: float, high: float) -> list[float]:
    """Round ratios within [low, high]: halves and doubles where the axis is short, else 1, 2, 5, 10, ..."""
    if high / low <= 40:
        powers = range(math.ceil(math.log2(low) - 1e-9), math.floor(math.log2(high) + 1e-9) + 1)
        return [2.0**power for power in powers]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    wide = high / low > 2000
    found = (ratio * 10.0**decade for decade in decades for ratio in ((1,) if wide else RATIOS))
    return [ratio for ratio in found if low * (1 - 1e-9) <= ratio <= high * (1 + 1e-9)]
