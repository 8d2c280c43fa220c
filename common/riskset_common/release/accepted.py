"""What was found of the times of curves before any curve is released: where few are at risk, and which times are accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from riskset_common.release.counted import Counted


@dataclass(frozen=True)
class Accepted:
    """The times of the curves of some patients by groups; in the plan's unit.

    Attributes
    ----------
    axis
        Times at which numbers at risk are told, ascending.
    few
        By group with a curve, in the order of its rows, whether fewer than enough are at risk at each of them.
    named
        Times that the plan names, in its order.
    times
        By cause the times that were accepted, ascending; a survival curve has no cause and stands under "".
    """

    axis: tuple[float, ...]
    few: tuple[tuple[bool, ...], ...]
    named: tuple[float, ...]
    times: Mapping[str, tuple[float, ...]]


AcceptedTimes: TypeAlias = Mapping[Counted, Accepted]
"""Those of all curves of a plan, by what is counted for them: the same patients by the same groups have the same times."""
