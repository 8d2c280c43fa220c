"""Differences between groups at the times that a plan names: in survival, and in the restricted mean, each against the first group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BeforeValidator

from riskset_common.results.curves import GroupCurve
from riskset_common.results.shown import exact
from riskset_common.results.tests import Contrast, ContrastOf
from riskset_common.study.analysis import one_or_more
from riskset_common.survival.tests.difference import Difference, difference

Contrasted = Annotated[tuple[ContrastOf, ...], BeforeValidator(one_or_more)]
"""What is compared: survival at every time of `at`, the restricted mean, or both."""


def contrasts(
    groups: Sequence[GroupCurve], asked: Sequence[ContrastOf], level: float
) -> tuple[Contrast, ...]:
    """Every group that holds patients against the first of them, time by time; `level` is that of the limits."""
    return tuple(
        Contrast(
            estimate=estimated.estimate,
            std_err=estimated.std_err,
            lower=estimated.lower,
            upper=estimated.upper,
            p_value=estimated.p_value,
            of=of,
            time=time,
            group=group.level,
            reference=groups[0].level,
        )
        for of in asked
        for group in groups[1:]
        for time, estimated in _differences(of, group, groups[0], level)
    )


def _differences(
    of: ContrastOf, group: GroupCurve, reference: GroupCurve, level: float
) -> Iterator[tuple[float, Difference]]:
    if of == "survival":
        for here, there in zip(exact(group.at), exact(reference.at), strict=True):
            yield (
                here.time,
                difference(
                    exact(here.survival),
                    exact(here.std_err),
                    exact(there.survival),
                    exact(there.std_err),
                    level,
                ),
            )
    elif group.rmean is not None and reference.rmean is not None:
        here_mean, there_mean = exact(group.rmean), exact(reference.rmean)
        yield (
            here_mean.tau,
            difference(
                here_mean.estimate,
                here_mean.std_err,
                there_mean.estimate,
                there_mean.std_err,
                level,
            ),
        )
