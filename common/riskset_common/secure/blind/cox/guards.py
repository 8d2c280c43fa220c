"""Conditions before a blind model opens a baseline hazard, whatever the plan releases."""

from __future__ import annotations

from collections.abc import Sequence

from riskset_common.errors import PolicyRefusal

HAZARD_TIMES = 12
EVENTS_PER_BLOCK = 20
TIMES_PER_BLOCK = 10


def require_wide_blocks(
    n_times: int, blocks: Sequence[tuple[int, int]], least_events: int = EVENTS_PER_BLOCK
) -> None:
    """Raise unless a baseline hazard is wanted at few times that lie far apart. Run by every party, whatever the plan releases.

    The step of a hazard at one event time is the reciprocal of a sum over its risk set. A block adds up many of them.

    Parameters
    ----------
    n_times
        How many times.
    blocks
        For each stratum and time the events after the time before, and at how many different times they happened.
    least_events
        Events that each block needs, should it be more than `EVENTS_PER_BLOCK`.
    """
    if not 0 < n_times <= HAZARD_TIMES:
        raise PolicyRefusal(
            f"A baseline hazard is opened at 1 to {HAZARD_TIMES} times, but {n_times} are wanted. Choose fewer."
        )
    least = max(least_events, EVENTS_PER_BLOCK)
    if any(events < least or times < TIMES_PER_BLOCK for events, times in blocks):
        raise PolicyRefusal(
            f"Between two times of a baseline hazard, and before the first, there must be {least} events at {TIMES_PER_BLOCK} "
            "different times in every stratum. Choose fewer times, further apart, or fewer digits."
        )
