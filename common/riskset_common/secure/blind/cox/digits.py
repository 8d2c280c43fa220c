"""To how many digits an evaluation is opened.

A plan that releases exact numbers, for validation on public data, opens 40, 50 and 44 bits after the point of log-likelihood, score and
information. One that releases rounded numbers opens

    at coefficients of 0    16 bits, and of score and information what the tests show: 2 decimals or 3, of columns
                            that run from 0 to 1, so that score and information of a factor are O - E and V of its log-rank test
    on the way              16, 20 and 20 bits
    where the fit may end   16, and of score and information what four significant digits of coefficients and standard errors need

With V the inverse of the information at the coefficients before, an error of the score below e moves coefficient a by less than
e sum_b |V_ab|, and an error of the information below e moves V_aa by less than e (sum_b |V_ab|)^2. Each may move what is printed by a
256th of its last digit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from riskset_common.secure.blind.cox.columns import ModelOfColumns
from riskset_common.survival.arrays.cholesky import factorise
from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import NewtonState, is_closing
from riskset_common.survival.regression.printed_digits import digits_of_coefficients, last_digit

LIKELIHOOD_BITS, SCORE_BITS, INFORMATION_BITS = 40, 50, 44
"""Of a plan that releases exact numbers."""
_PRINTED_SHARE = 256
_LEAST_BITS, _MOST_BITS = 8, 40


@dataclass(frozen=True)
class Digits:
    """The units of what is opened: a number x is opened as x times its unit, cut to a whole number.

    Cut numbers err by a few units. Where `is_rounded`, score and information are rounded exactly, halves up.
    """

    likelihood: int
    score: int
    information: int
    is_rounded: bool = False

    def numbers(self) -> tuple[int, ...]:
        """All three."""
        return self.likelihood, self.score, self.information


EXACT = Digits(1 << LIKELIHOOD_BITS, 1 << SCORE_BITS, 1 << INFORMATION_BITS)
ON_THE_WAY = Digits(1 << 16, 1 << 20, 1 << 20)


def at_zero(decimals: int) -> Digits:
    """Those at coefficients of 0; x' has twice the width of a column that runs from 0 to 1."""
    return Digits(ON_THE_WAY.likelihood, 10**decimals // 2, 10**decimals // 4, is_rounded=True)


def digits_of(model: ModelOfColumns, state: NewtonState, last: CoxSums | None) -> Digits:
    """Those of the evaluation that `state` asks for. Run by every party; all must come to the same.

    Parameters
    ----------
    last
        What was opened at the evaluation before; None before the first.
    """
    if not model.has_few_digits:
        return EXACT
    if state.iterations == 0 or last is None:
        return at_zero(model.decimals)
    if not is_closing(state):
        return ON_THE_WAY
    return _where_it_may_end(model, state, last)


def _where_it_may_end(model: ModelOfColumns, state: NewtonState, last: CoxSums) -> Digits:
    kept = np.array(state.independent, dtype=np.bool_)
    factor = factorise(np.where(np.outer(kept, kept), last.information, 0.0))
    if not bool(factor.independent.any()):
        return ON_THE_WAY
    independent = factor.independent
    V = factor.inverse()[np.ix_(independent, independent)]
    # In the columns' own units, in which coefficients are printed.
    scale = np.ldexp(1.0, -model.exponent[independent])
    std_err = np.sqrt(np.diag(V)) * scale
    coef = np.array(state.beta)[independent] * scale
    reach = np.abs(V).sum(axis=1)
    of_score = digits_of_coefficients(coef, std_err) / scale / reach
    of_information = 2 * np.sqrt(np.diag(V)) * last_digit(std_err) / scale / reach**2
    return Digits(ON_THE_WAY.likelihood, _unit(of_score), _unit(of_information))


def _unit(allowed: FloatArray) -> int:
    """The power of two whose inverse is below a 256th of everything that is allowed."""
    bits = math.ceil(math.log2(_PRINTED_SHARE / float(allowed.min())))
    return 1 << min(max(bits, _LEAST_BITS), _MOST_BITS)
