"""Round numbers that a reader counts in, on an axis of time."""

from __future__ import annotations

import math

NICE_STEPS = {
    "days": (1, 2, 5, 7, 10, 20, 30, 50, 100, 200, 250, 500, 1000, 2000, 5000),
    "weeks": (1, 2, 4, 8, 13, 26, 52, 104, 260, 520),
    "months": (1, 2, 3, 6, 12, 24, 36, 60, 120),
    "years": (0.1, 0.25, 0.5, 1, 2, 5, 10, 20),
}
"""Steps that a reader counts in, by unit."""

MOST_STEPS, MOST_FRACTIONS = 12, 6


def nice_step(until: float, unit: str) -> float:
    """The smallest round step that divides the axis into twelve or fewer, of fractions six or fewer."""
    steps = NICE_STEPS[unit]
    fitting = (s for s in steps if until / s <= (MOST_STEPS if s >= 1 else MOST_FRACTIONS))
    return next(fitting, steps[-1])


def time_ticks(until: float, every: float) -> list[float]:
    """0, every, 2 every, ... up to and including `until`."""
    return [round(index * every, 10) for index in range(math.floor(until / every + 1e-9) + 1)]
