"""The flow of patients, as results have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from riskset_common.results.shown import Shown


@dataclass(frozen=True)
class FlowBox:
    """One box: the patients whose steps have these levels.

    Attributes
    ----------
    depth
        0 for all patients, 1 for a box below that, and so on.
    step, level
        The step that split it off, and its level there; both None for all patients, and `level` None where the step is not known.
    path
        Level at each step from the first to this one, None where the step is not known; steps that were passed over are not in it.
    n, percent
        Patients, and their percentage of the box above (None where nobody is there).
    """

    depth: int
    step: str | None
    level: str | None
    path: Mapping[str, str | None]
    n: Shown[int]
    percent: Shown[float] | None


@dataclass(frozen=True)
class FlowResult:
    """Boxes from all patients down, each before those that it splits into."""

    kind: str
    n: Shown[int]
    missing: Shown[int]
    steps: tuple[str, ...]
    boxes: tuple[FlowBox, ...]
    warnings: tuple[str, ...]


def families(boxes: Sequence[FlowBox]) -> Iterator[tuple[FlowBox, list[FlowBox]]]:
    """Every box that is split, from the first down, with the boxes that it is split into."""
    for index, above in enumerate(boxes):
        below = []
        for box in boxes[index + 1 :]:
            if box.depth <= above.depth:
                break
            if box.depth == above.depth + 1:
                below.append(box)
        if below:
            yield above, below
