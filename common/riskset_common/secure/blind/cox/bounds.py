"""Public bounds on the hidden numbers: how large they can be, how near a start is, and when a step is refused.

With standardised covariates, |x' β| <= B = sum of |β_j| h_j (h the half range of a column), every weight lies in e^-B..e^B. So

    e^-B <= A <= d N e^B,    |d S1 - l D1| <= A,    1/A <= e^B,

and when β changes by Δ, every weight and with it every A changes by a factor within e^±b, b = sum of |Δ_j| h_j.
A step at coefficients whose bounds do not fit is refused before anything is computed: masks would hide less than promised, and digits
would be lost. Coefficients that run to infinity (separation) end here at the latest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.secure.blind.arithmetic.fixed_point import ONE, F, to_real
from riskset_common.secure.blind.arithmetic.parts import K
from riskset_common.secure.blind.arithmetic.reciprocal import (
    FACTOR_BITS,
    FINE_BITS,
    FreshStart,
    NearStart,
)
from riskset_common.secure.blind.cox.columns import ModelOfColumns
from riskset_common.secure.blind.cox.model import BlindModel, HiddenDeaths
from riskset_common.secure.blind.cox.within_sites import SiteStratifiedModel, require_within_reach
from riskset_common.survival.arrays.shapes import FloatArray

CoxModel = BlindModel | SiteStratifiedModel
"""Either of the models that are computed on shares."""
LARGEST_BITS = 36
"""A sum over a risk set may reach 2^36: its reciprocal then keeps 28 bits, those of ordinary risk sets 50 and more."""
_ENOUGH = 23.0
"""A start is squared until what is missing is below e^-23; Newton's correction squares it once more."""
_LEAST_FACTOR = 1 << 6
LOG_BITS = 30
"""Fractional bits of the public part of a logarithm that hidden deaths are multiplied by: every member must take the same number."""
EXACT_ENOUGH = 2.0**-40
"""Where the rounding of its starts may have changed a log A by more, a fresh start is preferred if that loses less."""
_COARSE = 2.0**-10
"""Where 1 - e is not below this, 64 bits of e leave 54 of log(1 - e)."""


def spread(model: ModelOfColumns, beta: FloatArray) -> float:
    """The largest |x' β| that the declared ranges allow, B."""
    return float(np.abs(beta) @ model.half_range)


def require_in_range(model: CoxModel, beta: FloatArray) -> None:
    """Raise unless every hidden number fits at these coefficients. Run by every party before a step."""
    B = spread(model, beta)
    if isinstance(model, SiteStratifiedModel):
        require_within_reach(model, B)
        return
    d = model.most_ties if model.ties == "efron" else 1
    sums = math.log2(d * _most_at_risk(model)) + B * math.log2(math.e)
    products = 129 + B * math.log2(math.e)
    totals = 136 + math.log2(model.most_events * (1 + B))
    if model.hazard is not None:
        # q of `hazard.py`, whose degree is reduced in units of 2^-128.
        furthest = float(np.max(np.abs(model.hazard_at)))
        hazards = 128 + math.log2(model.most_events * (1 + furthest)) + B * math.log2(math.e)
        totals = max(totals, hazards)
    if not (sums <= LARGEST_BITS and max(products, totals) < K):
        raise EstimationError(
            f"Model {model.analysis!r}: at the coefficients reached, weights of patients could differ by a factor of e^{2 * B:.0f}, "
            "more than the blind computation holds. Either the likelihood is monotone (a covariate separates those with an event), or "
            "a declared range is far wider than the values. Narrow the range in the codebook, or merge rare levels."
        )


@dataclass(frozen=True, eq=False)
class PublicPath:
    """What everybody knows of an evaluation.

    Attributes
    ----------
    beta
        The coefficients, shape (p,).
    start
        How its reciprocals start; None of a model within sites, which has none.
    log_public
        The public part of the sum of weight log A: -log w0, or -log(factor) on top of the last one's.
    error
        By how much the rounding of the starts may have changed a log A at most, up to a small factor.
    """

    beta: FloatArray
    start: FreshStart | NearStart | None
    log_public: float
    error: float

    def log_public_each(self, n_terms: int) -> int:
        """The public part of each log A where all terms have the same, in whole numbers of 2^-30."""
        return round(math.ldexp(self.log_public / n_terms, LOG_BITS))

    def numbers(self, model: CoxModel) -> tuple[int, ...]:
        """The whole numbers that all members must take alike."""
        if self.start is None or isinstance(model, SiteStratifiedModel):
            return ()
        start = self.start
        public = start.reciprocal if isinstance(start, FreshStart) else (start.factor,)
        each = (self.log_public_each(model.n_slots),) if model.weights_are_hidden else ()
        return (*public, *each)

    def known(self, model: CoxModel) -> float:
        """The public part of the log-likelihood."""
        if isinstance(model, SiteStratifiedModel):
            return 0.0
        if isinstance(model.deaths, HiddenDeaths):
            return 0.0 if model.weights_are_hidden else -self.log_public
        return (
            float(model.terms.weight @ np.log(model.terms.factor.astype(np.float64)))
            - self.log_public
        )


def next_path(model: CoxModel, beta: FloatArray, last: PublicPath | None) -> PublicPath:
    """The public part of the evaluation at `beta`, after the `last` one. Run by every party for itself; refused out of range."""
    require_in_range(model, beta)
    if isinstance(model, SiteStratifiedModel):
        return PublicPath(beta, None, 0.0, 0.0)
    fresh, squarings = _fresh(model, beta)
    near = None if last is None else _near(model, beta, last, squarings)
    if near is None:
        return fresh
    # A near start costs less, and keeps what the starts before it have lost.
    return near if near.error <= max(EXACT_ENOUGH, fresh.error) else fresh


def _fresh(model: BlindModel, beta: FloatArray) -> tuple[PublicPath, int]:
    """Start from public numbers; and how often that is squared."""
    B = spread(model, beta)
    N, hidden = _most_at_risk(model), isinstance(model.deaths, HiddenDeaths)
    # A is never below e^-2B / 2N of the bound of its start, d times less where d is hidden and may be 1.
    least = math.exp(-2 * B) / (2 * N * (int(model.terms.factor.max()) if hidden else 1))
    # A power of two, so that no two machines' last digits can part it.
    bound = 1 << math.ceil(math.log2(N) + B * math.log2(math.e))
    reciprocal = tuple(ONE // (int(d) * bound) for d in model.terms.factor)
    squarings = _squarings(least)
    start = FreshStart(reciprocal, squarings, _fine(least, squarings))
    log_public = -float(model.terms.weight @ np.log(to_real(reciprocal, F)))
    return PublicPath(beta, start, log_public, _rounding(least)), squarings


def _most_at_risk(model: BlindModel) -> int:
    """N, and one more where 1 is added on days without a death."""
    return model.n_patients + int(isinstance(model.deaths, HiddenDeaths))


def _near(
    model: BlindModel, beta: FloatArray, last: PublicPath, squarings_at_most: int
) -> PublicPath | None:
    """Start from the last reciprocals; None where they are too far away, or a fresh start costs less."""
    b = spread(model, beta - last.beta)
    factor = math.floor(math.exp(-b) * (1 << FACTOR_BITS))
    if factor < _LEAST_FACTOR:
        return None
    real = factor / (1 << FACTOR_BITS)
    least = math.exp(-b) * real
    squarings = _squarings(least)
    if squarings > squarings_at_most:
        return None
    start = NearStart(factor, squarings, _fine(least, squarings))
    log_public = last.log_public - float(model.terms.weight.sum()) * math.log(real)
    return PublicPath(beta, start, log_public, last.error + _rounding(least))


def _squarings(least: float) -> int:
    """How often 1 - least is squared until it is below e^-23."""
    missing = -math.log1p(-min(least, 1 - 2.0**-40))
    return max(1, math.ceil(math.log2(_ENOUGH / missing)))


def _fine(least: float, squarings: int) -> int:
    """How many of the squarings 1 - e may begin below `_COARSE`: each doubles it, but for the last bits."""
    return min(squarings, max(0, math.ceil(math.log2(_COARSE / least))))


def _rounding(least: float) -> float:
    """The last bit of e as a share of the least 1 - e."""
    return 2.0**-FINE_BITS / least
