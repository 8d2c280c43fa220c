"""Results of a heterogeneity analysis."""

from __future__ import annotations

from dataclasses import dataclass, field

from riskset_common.results.regression import FactorLevel
from riskset_common.results.shown import WHEN_ASKED, Shown
from riskset_common.results.tests import PrintedTest


@dataclass(frozen=True)
class Effect:
    """A pooled hazard ratio with its interval and Wald test; NaN where it was not asked because few sites have an estimate."""

    coef: float
    std_err: float
    hazard_ratio: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True)
class GroupEffect:
    """The fixed effect of a group of sites, and how many of them have an estimate."""

    level: str
    sites: int
    effect: Effect


@dataclass(frozen=True)
class HeterogeneityResult:
    """How much an effect differs among the sites. `sites` have an estimate of their own; n and events are of all sites."""

    kind: str
    endpoint: str
    cause: str | None = field(metadata=WHEN_ASKED)
    effect: str
    of_level: str
    reference: str
    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    ties: str
    strata: tuple[str, ...]
    level: float
    coefficients: int
    levels: tuple[FactorLevel, ...]
    sites: int
    fixed: Effect
    random: Effect
    test: PrintedTest
    i_squared: float
    tau_squared: float
    by: str | None = field(metadata=WHEN_ASKED)
    groups: tuple[GroupEffect, ...] | None = field(metadata=WHEN_ASKED)
    between: PrintedTest | None = field(metadata=WHEN_ASKED)
    warnings: tuple[str, ...]
