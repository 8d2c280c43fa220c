"""Placing labels beside the ends of lines: as near to each end as possible without overlap."""

from __future__ import annotations

from collections.abc import Sequence


def spread(
    wanted: Sequence[float], heights: Sequence[float], low: float, high: float
) -> list[float]:
    """Centres of labels in the order given, none overlapping, all within [low, high], nearest to `wanted` in least squares.

    Labels that would overlap move together as a block around the mean of what they want (pool adjacent violators, Ayer et al
    1955), so labels that have room stay exactly where they are wanted. Lengths are in any one unit.

    Raises
    ------
    ValueError
        Where the labels together are taller than the room for them.
    """
    if sum(heights) > high - low + 1e-9:
        raise ValueError(f"labels {sum(heights):.3f} tall do not fit into {high - low:.3f}.")
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], -index))
    # Distance of each centre from the lower edge of a block that holds the labels so far.
    centre, below = [], 0.0
    for index in order:
        centre.append(below + heights[index] / 2)
        below += heights[index]
    blocks: list[list[float]] = []  # mean of (wanted - centre), number of labels
    for rank, index in enumerate(order):
        blocks.append([wanted[index] - centre[rank], 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            before, size_before = blocks[-1]
            blocks[-1] = [
                (before * size_before + mean * size) / (size_before + size),
                size_before + size,
            ]
    shifts = [mean for mean, size in blocks for _ in range(int(size))]
    placed = [0.0] * len(wanted)
    for rank, index in enumerate(order):
        # A shift that keeps the labels below above `low`, and those above below `high`.
        shift = min(max(shifts[rank], low), high - below)
        placed[index] = centre[rank] + shift
    return placed
