"""Round numbers for a time axis and for an axis of hazard ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence

NICE_STEPS = {
    "days": (1, 2, 5, 7, 10, 20, 30, 50, 100, 200, 250, 500, 1000, 2000, 5000),
    "weeks": (1, 2, 4, 8, 13, 26, 52, 104, 260, 520),
    "months": (1, 2, 3, 6, 12, 24, 36, 60, 120),
    "years": (0.1, 0.25, 0.5, 1, 2, 5, 10, 20),
}
"""Steps that a reader counts in, by unit."""

MOST_STEPS, MOST_FRACTIONS = 12, 6
RATIOS = (1, 2, 5)


def nice_step(until: float, unit: str) -> float:
    """The smallest round step that divides the axis into twelve or fewer, of fractions six or fewer."""
    steps = NICE_STEPS[unit]
    fitting = (s for s in steps if until / s <= (MOST_STEPS if s >= 1 else MOST_FRACTIONS))
    return next(fitting, steps[-1])


def time_ticks(until: float, every: float) -> list[float]:
    """0, every, 2 every, ... up to and including `until`."""
    return [round(index * every, 10) for index in range(math.floor(until / every + 1e-9) + 1)]


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
