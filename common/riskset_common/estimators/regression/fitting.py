"""The fits of a Cox model between two rounds: the whole model and, side by side, its main effects alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.estimators.estimator import Shape, Summary, reals
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.terms import Column
from riskset_common.study.patients import Reals
from riskset_common.survival.arrays.triangles import symmetric
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start

LARGEST_REACH = 500.0
"""How far Newton's method goes: the sum of the sizes of all coefficients of scaled columns. Sites answer up to a little more."""

MAINS = "mains_"
"""What the names of the sums of the main effects begin with."""

THIRD_MOMENTS = "third_moments"
"""The array of the third moments of the covariates, for a penalty."""


def main_effects(columns: Sequence[Column]) -> list[int]:
    """Columns that belong to no interaction."""
    return [i for i, column in enumerate(columns) if len(column.parts) == 1]


def likelihood_shapes(p: int, before: str = "") -> dict[str, Shape]:
    """Log-likelihood, score (p,) and the upper triangle of the information of p columns."""
    sizes = {"log_likelihood": (), "score": (p,), "information": (p * (p + 1) // 2,)}
    return {before + name: reals(*size) for name, size in sizes.items()}


def pooled_sums(pooled: Summary, p: int, before: str = "") -> CoxSums:
    """The sums of p columns, whose names begin with `before`, as the mathematics takes them."""
    return CoxSums(
        log_likelihood=float(pooled[f"{before}log_likelihood"]),
        score=pooled[f"{before}score"],
        information=symmetric(pooled[f"{before}information"], p),
    )


@dataclass(frozen=True)
class Fitting:
    """A state of Newton's method until a fit is reached, then the fit; `mains` is None where interactions are not tested."""

    whole: NewtonState | CoxFit
    mains: NewtonState | CoxFit | None = None

    @classmethod
    def of(cls, spec: CoxSpec, columns: Sequence[Column]) -> Fitting:
        """Begin at coefficients of 0."""
        rule = spec.convergence, spec.iterations_at_most()
        whole = start(len(columns), *rule, reach=LARGEST_REACH)
        if spec.interaction_test is None:
            return cls(whole)
        return cls(whole, start(len(main_effects(columns)), *rule, reach=LARGEST_REACH))

    @property
    def beta(self) -> tuple[float, ...]:
        """Coefficients at which the sums of the whole model are wanted; empty once it is fitted."""
        return self.whole.beta if isinstance(self.whole, NewtonState) else ()

    @property
    def mains_beta(self) -> tuple[float, ...]:
        """The same of the main effects alone; empty, too, where those of the whole model hold them."""
        return self.mains.beta if isinstance(self.mains, NewtonState) and self._moved else ()

    @property
    def fit(self) -> CoxFit:
        """The fitted model."""
        if isinstance(self.whole, NewtonState):
            raise EstimationError("A result is of a model that is fitted.")
        return self.whole

    @property
    def mains_fit(self) -> CoxFit | None:
        """The fitted model of the main effects alone, where the interactions are tested."""
        return self.mains if isinstance(self.mains, CoxFit) else None

    @property
    def is_done(self) -> bool:
        """Whether nothing more is wanted."""
        return not (isinstance(self.whole, NewtonState) or isinstance(self.mains, NewtonState))

    def advanced(self, pooled: Summary, columns: Sequence[Column]) -> Fitting:
        """Take the pooled sums at `beta` and at `mains_beta`."""
        whole, mains = self.whole, self.mains
        if isinstance(whole, NewtonState):
            sums = pooled_sums(pooled, len(whole.beta))
            whole = advance(whole, sums)
            if isinstance(mains, NewtonState) and not self._moved:
                return Fitting(whole, advance(mains, _part(sums, main_effects(columns))))
        if isinstance(mains, NewtonState):
            mains = advance(mains, pooled_sums(pooled, len(mains.beta), MAINS))
        return Fitting(whole, mains)

    def penalised(self, sums: CoxSums, curvature: Reals) -> Fitting:
        """Take the sums of a penalised likelihood, whose curvature is known by itself; there is no model beside."""
        if isinstance(self.whole, CoxFit):
            raise EstimationError("A model that is fitted wants no more sums.")
        return Fitting(advance(self.whole, sums, curvature))

    @property
    def _moved(self) -> bool:
        """Whether coefficients are no longer 0, at which the sums of the main effects are a part of those of the whole model."""
        return not isinstance(self.whole, NewtonState) or self.whole.iterations > 0


def _part(sums: CoxSums, kept: Sequence[int]) -> CoxSums:
    return CoxSums(sums.log_likelihood, sums.score[kept], sums.information[np.ix_(kept, kept)])
