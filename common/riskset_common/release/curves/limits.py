"""Confidence limits of released probabilities, derived from what is released of them, and the limits of quantiles that follow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from riskset_common.release.curves.quantiles import gap_around
from riskset_common.results.shown import Shown, Withheld
from riskset_common.survival.arrays.calculator import NUDGE
from riskset_common.survival.curves.kaplan_meier import LimitKind, probability_limits
from riskset_common.survival.incidence.cumulative_incidence import incidence_limits

PERCENT = 100
"""Limits are given in so many parts: the third decimal of what is derived from rounded numbers would often be wrong."""


def limits(
    probability: Sequence[float], std_err: Sequence[float], kind: LimitKind, level: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Lower and upper limits of released probabilities to whole percents; NaN where they do not exist."""
    lower, upper = probability_limits(np.array(probability), np.array(std_err), kind, level)
    return _percents(lower.tolist()), _percents(upper.tolist())


def incidence_limits_of(
    probability: Sequence[float], std_err: Sequence[float], kind: LimitKind, level: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The same of released cumulative incidences."""
    lower, upper = incidence_limits(np.array(probability), np.array(std_err), kind, level)
    return _percents(lower.tolist()), _percents(upper.tolist())


def _percents(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(
        value if math.isnan(value) else math.floor(value * PERCENT + 0.5 + NUDGE) / PERCENT
        for value in values
    )


def quantile_limits(
    times: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
    p: float,
    beyond: Withheld | float,
    before: Withheld,
) -> tuple[Shown[float], Shown[float]]:
    """Limits of a quantile (Brookmeyer and Crowley 1982): where the released limits of the curve have fallen to 1 - p.

    They fall somewhere between two released times. The lower limit is the earlier of them, the upper the later, so that the interval is
    never too short.

    Parameters
    ----------
    times, lower, upper
        Released times and limits there.
    beyond
        What stands for a limit that is not reached at any of these times.
    before
        What stands for a lower limit before the first of them that is not the origin.
    """
    found: list[Shown[float]] = []
    for limit, is_lower in ((lower, True), (upper, False)):
        known = [
            (time, each) for time, each in zip(times, limit, strict=True) if not math.isnan(each)
        ]
        parts = [round(each * PERCENT) for _, each in known]
        gap = gap_around([time for time, _ in known], parts, PERCENT, p)
        if gap is None:
            found.append(beyond)
        elif is_lower:
            found.append(gap.after or before)
        else:
            found.append(gap.until)
    return found[0], found[1]
