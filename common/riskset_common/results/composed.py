"""Analyses made of curves and models, as results have them. A part may be withheld as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import WHEN_ASKED, Measured, Shown, WithheldAnalysis


@dataclass(frozen=True)
class FactorResult:
    """One factor: its curves and test, and its model. Complete cases of this factor."""

    factor: str
    curves: KaplanMeierResult | WithheldAnalysis
    model: CoxResult | WithheldAnalysis | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class UnivariateResult(Measured):
    """Univariate analyses; `n`, `events` and `missing` are of all patients, whatever is known of their factors."""

    kind: str
    endpoint: str
    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    ci: str
    level: float
    strata: tuple[str, ...]
    all_patients: KaplanMeierResult
    factors: tuple[FactorResult, ...]
    warnings: tuple[str, ...]

    def names(self) -> Iterator[tuple[str, Collection[str], Iterable[str]]]:
        """The groups of a factor are its levels."""
        for index, each in enumerate(self.factors):
            groups = each.curves.groups if isinstance(each.curves, KaplanMeierResult) else ()
            for group in groups:
                yield f"factors[{index}].curves.groups[].level", group.level, (each.factor,)


@dataclass(frozen=True)
class LandmarkResult:
    """A landmark analysis; `ended` are the patients of the population whose follow-up does not span the landmark."""

    kind: str
    endpoint: str
    at: float
    exposure: str
    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    ended: Shown[int]
    curves: KaplanMeierResult | WithheldAnalysis | None = field(metadata=WHEN_ASKED)
    model: CoxResult | WithheldAnalysis | None = field(metadata=WHEN_ASKED)
    warnings: tuple[str, ...]
