"""How long a node waits before it asks the centre again."""

from __future__ import annotations

SHORTEST_PAUSE, LONGEST_PAUSE, PAUSE_OF_IDLE_TIME = 0.05, 2.0, 0.15
"""Seconds, seconds, and the part of the time without work that is waited after it."""


def pause_after(busy_at: float, now: float) -> float:
    """Seconds to wait before asking again, where the centre does not hold the question: short after work, long when idle."""
    return min(max(SHORTEST_PAUSE, PAUSE_OF_IDLE_TIME * (now - busy_at)), LONGEST_PAUSE)
