"""Differences between groups from what is released of them: anything else would tell more digits of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from riskset_common.results.curves import GroupCurve
from riskset_common.results.shown import Shown, Withheld
from riskset_common.results.tests import Contrast, ContrastOf
from riskset_common.survival.tests.difference import difference

Known = Shown[tuple[float, float]]
"""An estimate and its standard error."""


def released_contrasts(
    groups: Sequence[GroupCurve],
    asked: Sequence[ContrastOf],
    at: Sequence[float],
    tau: float | None,
    level: float,
) -> tuple[Contrast, ...]:
    """Every group against the first, at the times `at` and up to `tau`; `level` is that of the limits."""
    return tuple(
        _contrast(of, group, groups[0], time, level)
        for of in asked
        for group in groups[1:]
        for time in _times(of, at, tau)
    )


def _times(of: ContrastOf, at: Sequence[float], tau: float | None) -> Iterator[float]:
    if of == "survival":
        yield from at
    elif tau is not None:
        yield tau


def _contrast(
    of: ContrastOf, group: GroupCurve, reference: GroupCurve, time: float, level: float
) -> Contrast:
    here, there = (_known(each, of, time) for each in (group, reference))
    if isinstance(here, Withheld) or isinstance(there, Withheld):
        mark = here if isinstance(here, Withheld) else there
        if not isinstance(mark, Withheld):
            raise TypeError("One of the two is withheld.")
        return Contrast(mark, mark, mark, mark, mark, of, time, group.level, reference.level)
    found = difference(*here, *there, level)
    return Contrast(
        estimate=found.estimate,
        std_err=found.std_err,
        lower=found.lower,
        upper=found.upper,
        p_value=found.p_value,
        of=of,
        time=time,
        group=group.level,
        reference=reference.level,
    )


def _known(group: GroupCurve, of: ContrastOf, time: float) -> Known:
    if of == "rmean":
        mean = group.rmean
        if isinstance(mean, Withheld):
            return mean
        return (math.nan, math.nan) if mean is None else (mean.estimate, mean.std_err)
    if isinstance(group.at, Withheld):
        return group.at
    landmark = next(each for each in group.at if each.time == time)
    survival, std_err = landmark.survival, landmark.std_err
    if isinstance(survival, Withheld):
        return survival
    return std_err if isinstance(std_err, Withheld) else (survival, std_err)
