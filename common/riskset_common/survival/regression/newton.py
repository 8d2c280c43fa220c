"""Newton's method for a partial likelihood that is only seen in pooled sums, as pure functions between two rounds.

The centre starts with `start`, asks the sites for the sums at `state.beta`, and gives them to `advance`, which returns the next
state, with new coefficients to ask for, or the fit. States are frozen and survive JSON exactly.

Three rules of convergence are offered:

- "tight": steps until the next one is below 1e-10 standard errors in every coefficient; that step is still taken, so the fit is at
  the maximum to rounding.
- "r": the rule of coxph in R, which stops when the log-likelihood has changed by less than 1e-9 of itself, without a further step.
- "digits": for sums that are only seen to a few digits. Once a step is below a hundredth of a standard error, the sums where it leads
  are seen to the digits that the result needs (`is_closing`); if the step from there is below 1e-5 standard errors it is still taken, and
  ends the fit. What a further one would change is its square. The log-likelihood counts as unchanged if it moved by less than 2^-12.

All start at 0 and halve a step that lowers the log-likelihood. Columns that hold no information of their own at 0 (constant, or
spanned by earlier columns) are aliased: no coefficient, no degree of freedom. Where the log-likelihood has converged while
coefficients still run, it is monotone in them (Bryson and Johnson 1981): the fit says which, and its other numbers are valid.

What a coefficient could be told by may lie in risk sets that others have emptied by running away. Its variance is then beyond use:
more than 1e4 times that at coefficients of 0, with less than a hundredth of the information that one event can give about a column
whose values span about 1, as scaled columns do. Such a coefficient has no finite estimate either.

References
----------
Bryson MC, Johnson ME (1981), Technometrics 23:381. Cox DR, Hinkley DV (1974), Theoretical Statistics, section 9.3 (the three tests).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.survival.arrays.cholesky import ALIAS_TOLERANCE, Factor, factorise
from riskset_common.survival.arrays.shapes import BoolArray, FloatArray
from riskset_common.survival.regression.cox import CoxSums

Convergence = Literal["tight", "r", "digits"]

SMALL_STEP = 1e-10
"""A step below this many standard errors in every coefficient is the last ("tight")."""
CLOSING_STEP = 0.01
"""Where a step below this many standard errors leads, the fit may end ("digits")."""
LAST_STEP = 1e-5
"""There, a step below this many standard errors is the last."""
ROUNDING_STEP = 1e-7
"""A step below this many standard errors that no longer shrinks is the rounding of the sums, and the last as well."""
SAME_LIKELIHOOD = 1e-9
"""The share of itself by which a converged log-likelihood may still change: `eps` of coxph.control in R."""
ROUNDED_LIKELIHOOD = 1e-11
"""A fall of the log-likelihood by less than this share of itself is the rounding of the sums, and no reason to halve ("tight")."""
BEYOND_USE = 1e4
"""A variance of so many times that at coefficients of 0 is beyond use, if there is as little information as the next line says."""
LEAST_INFORMATION = 0.01
"""Information of a coefficient given the others, of columns that span about 1. One event gives up to a quarter."""
SEEN_LIKELIHOOD = 2.0**-12
"""A change of the log-likelihood that few digits do not show ("digits")."""
RUNNING_STEP = 0.1
"""A coefficient runs that would still change by this many standard errors (those at 0) although the likelihood has converged."""


@dataclass(frozen=True)
class NewtonState:
    """The state of the optimiser between two rounds; numbers and lists of numbers only.

    Attributes
    ----------
    beta
        The coefficients at which the next sums are wanted, length p.
    convergence, max_iterations, tolerance, floor, reach
        As given to `start`.
    iterations
        Evaluations asked for after the one at 0; halved steps count.
    halving
        True while a step is being halved.
    base, base_log_likelihood
        The best coefficients so far and their log-likelihood, length p.
    step_size
        Largest change, in standard errors, of the step that led from `base`.
    independent
        Columns that are not aliased, length p.
    std_err_null
        Standard error of each coefficient at 0 were it alone in the model, 1/√I_jj, 0 where aliased, length p.
    variance_null
        Variance of each coefficient at 0 in the whole model, 0 where aliased, length p.
    log_likelihood_null, score_statistic
        At 0.
    """

    beta: tuple[float, ...]
    convergence: Convergence
    max_iterations: int
    tolerance: float
    floor: float
    reach: float | None = None
    iterations: int = 0
    halving: bool = False
    base: tuple[float, ...] = ()
    base_log_likelihood: float = 0.0
    step_size: float = 0.0
    independent: tuple[bool, ...] = ()
    std_err_null: tuple[float, ...] = ()
    variance_null: tuple[float, ...] = ()
    log_likelihood_null: float = 0.0
    score_statistic: float = 0.0


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted Cox model. Aliased columns have NaN in `coef`, `std_err` and their rows and columns of `covariance`.

    Attributes
    ----------
    coef, std_err
        Log hazard ratios and their standard errors, shape (p,).
    covariance
        Inverse of the information, shape (p, p).
    log_likelihood_null, log_likelihood
        At 0 and at `coef`.
    score_statistic, wald_statistic, likelihood_ratio
        The three tests that all coefficients are 0, each with `df` degrees of freedom.
    iterations
        Evaluations after the one at 0.
    aliased
        Columns without information of their own, shape (p,).
    monotone
        Columns whose coefficient runs to infinity, or can be told by nothing that is left, shape (p,); it is given as far as it came.
    converged
        False where `max_iterations` were used up.
    """

    coef: FloatArray
    covariance: FloatArray
    std_err: FloatArray
    log_likelihood_null: float
    log_likelihood: float
    score_statistic: float
    wald_statistic: float
    likelihood_ratio: float
    df: int
    iterations: int
    aliased: BoolArray
    monotone: BoolArray
    converged: bool


def start(
    n_columns: int,
    convergence: Convergence,
    max_iterations: int,
    tolerance: float = ALIAS_TOLERANCE,
    floor: float = 0.0,
    reach: float | None = None,
) -> NewtonState:
    """Begin at 0.

    Parameters
    ----------
    n_columns
        Number of coefficients p.
    convergence
        "tight", "r" or "digits".
    max_iterations
        Evaluations allowed after the one at 0.
    tolerance, floor
        Which columns are aliased, see `cholesky.factorise`. Where the sums carry more rounding than double precision, set both
        above it.
    reach
        A step is halved until the sizes of all coefficients add up to no more; None for no bound.
    """
    if convergence not in get_args(Convergence):
        raise EstimationError(
            f"Convergence is 'tight', 'r' or 'digits', but {convergence!r} was asked."
        )
    if max_iterations < 1:
        raise EstimationError(f"At least 1 iteration must be allowed, found {max_iterations}.")
    return NewtonState((0.0,) * n_columns, convergence, max_iterations, tolerance, floor, reach)


def is_closing(state: NewtonState) -> bool:
    """Whether the sums that are asked may end a fit under the rule "digits": the step that led there was small.

    Those at 0, and the first after it, never may: from the latter it is seen again which columns are aliased.
    """
    return state.iterations > 1 and not state.halving and state.step_size <= CLOSING_STEP


def advance(
    state: NewtonState, sums: CoxSums, curvature: FloatArray | None = None
) -> NewtonState | CoxFit:
    """Take the pooled sums at `state.beta`, and ask for the next or give the fit.

    Parameters
    ----------
    curvature
        The derivative of the negative score where the information is not that, as under a penalty, shape (p, p). It may be known
        roughly only. A penalised likelihood is not monotone.
    """
    p = len(state.beta)
    if sums.score.shape != (p,) or sums.information.shape != (p, p):
        raise EstimationError(
            f"Sums for {p} coefficients were asked, but the score has the shape {sums.score.shape} and the "
            f"information {sums.information.shape}."
        )
    if state.iterations == 0:
        state = _with_null(state, sums)
    factor = _factor(state, sums)
    step = _step(state, sums, factor, curvature)
    size = _step_size(step, factor)
    still = np.zeros_like(step)
    gone = _beyond_use(state, factor) & (curvature is None)
    running = gone | (np.abs(step) > RUNNING_STEP * np.array(state.std_err_null))
    shrinks = 10 if curvature is None else 1
    if _is_finite(sums) and _is_last_step(state, size, shrinks):
        return _fit(state, sums, factor, step, converged=True, running=gone)
    if (
        curvature is None
        and _is_flat(state, sums)
        and (state.convergence == "r" or bool(running.any()))
    ):
        return _fit(state, sums, factor, still, converged=True, running=running)
    if state.iterations == state.max_iterations:
        return _fit(state, sums, factor, still, converged=False, running=running)
    return _asking_next(state, sums, step, size)


def _asking_next(state: NewtonState, sums: CoxSums, step: FloatArray, size: float) -> NewtonState:
    """Ask for the sums half way back where the log-likelihood has fallen, else at the end of the step."""
    if _has_fallen(state, sums):
        middle = (np.array(state.beta) + np.array(state.base)) / 2
        return dataclasses.replace(
            state, beta=_numbers(middle), iterations=state.iterations + 1, halving=True
        )
    return dataclasses.replace(
        state,
        beta=_numbers(_within_reach(state, step)),
        iterations=state.iterations + 1,
        halving=False,
        base=state.beta,
        base_log_likelihood=sums.log_likelihood,
        step_size=size,
    )


def _within_reach(state: NewtonState, step: FloatArray) -> FloatArray:
    """Where a step leads, or a part of it that is halved until it is within reach."""
    beta = np.array(state.beta)
    if state.reach is not None and np.isfinite(step).all():
        while np.abs(beta + step).sum() > state.reach:
            step = step / 2
    return beta + step


def _with_null(state: NewtonState, sums: CoxSums) -> NewtonState:
    """Keep what the sums at 0 say: log-likelihood, score test, which columns are aliased, and the scale of the others."""
    if not _is_finite(sums):
        raise EstimationError(
            "The log-likelihood at coefficients of 0, its score or its information is not finite. "
            "Look for covariates of extreme size."
        )
    factor = factorise(sums.information, state.tolerance, state.floor)
    std_err = np.zeros(len(state.beta))
    std_err[factor.independent] = factor.scale
    return dataclasses.replace(
        state,
        independent=tuple(factor.independent.tolist()),
        std_err_null=_numbers(std_err),
        variance_null=_numbers(np.nan_to_num(np.diag(factor.inverse()), nan=0.0)),
        log_likelihood_null=sums.log_likelihood,
        score_statistic=factor.quadratic(sums.score),
    )


def _factor(state: NewtonState, sums: CoxSums) -> Factor:
    """Factorise the information over the columns that are not aliased."""
    independent = np.array(state.independent, dtype=np.bool_)
    information = np.where(np.outer(independent, independent), sums.information, 0.0)
    return factorise(information, state.tolerance)


def _step_size(step: FloatArray, factor: Factor) -> float:
    """The largest component of a step in standard errors."""
    kept = factor.independent
    std_err = np.sqrt(np.diag(factor.inverse())[kept])
    return float(np.max(np.abs(step[kept]) / std_err, initial=0.0))


def _is_finite(sums: CoxSums) -> bool:
    numbers = (sums.log_likelihood, sums.score, sums.information)
    return all(bool(np.all(np.isfinite(each))) for each in numbers)


def _step(
    state: NewtonState, sums: CoxSums, factor: Factor, curvature: FloatArray | None
) -> FloatArray:
    """Newton's step; by the information where the curvature is not that of a maximum."""
    if curvature is None:
        return factor.solve(sums.score)
    curved = _factor(state, dataclasses.replace(sums, information=curvature))
    whole = bool(np.array_equal(curved.independent, factor.independent))
    return (curved if whole else factor).solve(sums.score)


def _is_last_step(state: NewtonState, size: float, shrinks: int) -> bool:
    """Whether the step from `state.beta` reaches the maximum to rounding; without any column there is no other step.

    `shrinks` is by how much steps grow smaller until they are rounding.
    """
    if not any(state.independent):
        return True
    if state.convergence == "digits":
        return is_closing(state) and size <= LAST_STEP
    at_rounding = (
        size <= ROUNDING_STEP and state.iterations > 0 and size > state.step_size / shrinks
    )
    return state.convergence == "tight" and (size <= SMALL_STEP or at_rounding)


def _is_flat(state: NewtonState, sums: CoxSums) -> bool:
    """Whether the last whole step has left the log-likelihood as it was, or no step can change it."""
    if state.convergence == "digits":
        if state.iterations == 0 or state.halving:
            return False
        return abs(sums.log_likelihood - state.base_log_likelihood) <= SEEN_LIKELIHOOD
    # A likelihood of 1 (every death was certain) is approached from below without end: there the change itself counts.
    unit = 1.0 if state.convergence == "tight" else 0.0
    if unit and _is_finite(sums) and -sums.log_likelihood <= SAME_LIKELIHOOD:
        return True
    if state.iterations == 0 or state.halving:
        return False
    change = abs(sums.log_likelihood - state.base_log_likelihood)
    return change <= SAME_LIKELIHOOD * max(abs(sums.log_likelihood), unit)


def _has_fallen(state: NewtonState, sums: CoxSums) -> bool:
    if not _is_finite(sums):
        return True
    size = abs(state.base_log_likelihood)
    rounding = {"tight": ROUNDED_LIKELIHOOD * size, "digits": SEEN_LIKELIHOOD}
    least = state.base_log_likelihood - rounding.get(state.convergence, 0.0)
    return state.iterations > 0 and sums.log_likelihood < least


def _fit(
    state: NewtonState,
    sums: CoxSums,
    factor: Factor,
    step: FloatArray,
    *,
    converged: bool,
    running: BoolArray,
) -> CoxFit:
    """The fit at `state.beta`, or a last step from there."""
    aliased = ~np.array(state.independent, dtype=np.bool_)
    beta = np.array(state.beta) + step
    covariance = factor.inverse()
    with np.errstate(
        invalid="ignore", over="ignore"
    ):  # sums may have overflowed where nothing converged
        wald_statistic = float(beta @ sums.information @ beta)
    # A column that was informative at 0 and is not any more has run away as well.
    lost = ~aliased & ~factor.independent
    return CoxFit(
        coef=np.where(aliased, math.nan, beta),
        covariance=covariance,
        std_err=np.sqrt(np.diag(covariance)),
        log_likelihood_null=state.log_likelihood_null,
        log_likelihood=sums.log_likelihood,
        score_statistic=state.score_statistic,
        wald_statistic=wald_statistic,
        likelihood_ratio=2 * (sums.log_likelihood - state.log_likelihood_null),
        df=int(np.sum(~aliased)),
        iterations=state.iterations,
        aliased=aliased,
        monotone=lost | (running & ~aliased),
        converged=converged,
    )


def _beyond_use(state: NewtonState, factor: Factor) -> BoolArray:
    """Columns whose variance says that nothing is left to tell their coefficient by, shape (p,)."""
    variance, null = np.diag(factor.inverse()), np.array(state.variance_null)
    beyond: BoolArray = (variance > BEYOND_USE * null) & (variance * LEAST_INFORMATION > 1)
    return beyond


def _numbers(values: FloatArray) -> tuple[float, ...]:
    return tuple(values.tolist())
