"""Differences between groups at the times that a plan names: in survival, and in the restricted mean, each against the first group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator

from riskset_common.estimators.curves.survival_curve import GroupCurve
from riskset_common.study.analysis import one_or_more
from riskset_common.survival.tests.difference import Difference, difference

ContrastOf = Literal["survival", "rmean"]
Contrasted = Annotated[tuple[ContrastOf, ...], BeforeValidator(one_or_more)]
"""What is compared: survival at every time of `at`, the restricted mean, or both."""


@dataclass(frozen=True)
class Contrast(Difference):
    """`group` minus `reference` in survival at `time`, or in the restricted mean up to `time`."""

    of: ContrastOf
    time: float
    group: Mapping[str, str]
    reference: Mapping[str, str]


def contrasts(
    groups: Sequence[GroupCurve], asked: Sequence[ContrastOf], level: float
) -> list[Contrast]:
    """Every group that holds patients against the first of them, time by time; `level` is that of the limits."""
    return [
        Contrast(**vars(found), of=of, time=time, group=group.level, reference=groups[0].level)
        for of in asked
        for group in groups[1:]
        for time, found in _differences(of, group, groups[0], level)
    ]


def _differences(
    of: ContrastOf, group: GroupCurve, reference: GroupCurve, level: float
) -> Iterator[tuple[float, Difference]]:
    if of == "survival":
        for here, there in zip(group.at, reference.at, strict=True):
            yield (
                here.time,
                difference(here.survival, here.std_err, there.survival, there.std_err, level),
            )
    elif group.rmean is not None and reference.rmean is not None:
        here_mean, there_mean = group.rmean, reference.rmean
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
