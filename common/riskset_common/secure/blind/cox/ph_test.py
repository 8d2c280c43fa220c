"""The sums of the test of proportional hazards on shares, at the coefficients of a fit.

With g of each event time as public whole numbers of 2^-40 between 0 and 1, and w, v and C of each term as in `evaluation.py`:

    u   = sum over deaths of x g - sum of weight g v
    I_1 = sum of weight (C (g w) - (g v) v'),    I_2 = sum of weight (C (g² w) - (g v) (g v)')

One opening makes g w, g² w and g v as shares. The sums over all event times are truncated to 50 and 44 fractional bits, as score and
information are, and opened: 2 p (p + 1)/2 + p numbers.
"""

from __future__ import annotations

import numpy as np

from riskset_common.secure.blind.arithmetic.field import Elements, from_integers, multiply
from riskset_common.secure.blind.arithmetic.fixed_point import F, to_real
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.cox.digits import INFORMATION_BITS, SCORE_BITS
from riskset_common.secure.blind.cox.evaluation import HiddenTerms, information_share, score_share
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.cox.opened import opened_integers
from riskset_common.secure.blind.cox.wanted import G_BITS, WantedPhTest
from riskset_common.survival.arrays.triangles import symmetric
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import CoxFit
from riskset_common.survival.regression.proportionality import TimeScores


def n_time_scores(model: BlindModel) -> int:
    """How many numbers the test opens."""
    p = model.n_columns
    return p + p * (p + 1)


def open_time_scores(
    arithmetic: Arithmetic, model: BlindModel, wanted: WantedPhTest, hidden: HiddenTerms
) -> Opening[Elements]:
    """u, and the upper triangles of I_1 and I_2, shape (9, n_time_scores(model)). Three openings."""
    g = np.array(wanted.whole, dtype=object)[model.terms.slot].tolist()
    squared = [(each * each + (1 << (G_BITS - 1))) >> G_BITS for each in g]
    once, twice = from_integers(g), from_integers(squared)
    products = [multiply(hidden.w, once), multiply(hidden.w, twice)]
    products += [multiply(each, once) for each in hidden.v]
    gw, ggw, *gv = yield from arithmetic.truncate([Truncated(each, G_BITS) for each in products])
    first = information_share(model, hidden, gw, gv, hidden.v)
    second = information_share(model, hidden, ggw, gv, gv)
    results = yield from arithmetic.truncate(
        [
            Truncated(score_share(model, hidden.g_events, gv), F - SCORE_BITS),
            Truncated(np.concatenate([first, second], axis=1), 2 * F - INFORMATION_BITS),
        ]
    )
    opened = yield from arithmetic.reveal(np.concatenate(results, axis=1))
    return opened


def time_scores_of(model: BlindModel, sums: CoxSums, fit: CoxFit, opened: Elements) -> TimeScores:
    """The opened numbers, for `regression.proportionality`.

    Newton's last step is not evaluated any more. What it would change of u is I_1 I⁻¹ U, to first order, and is taken off.

    Parameters
    ----------
    sums, fit
        Score and information of the model at the same coefficients, and the fit that they ended.
    """
    p, numbers = model.n_columns, opened_integers(opened)
    first, second = np.split(to_real(numbers[p:], INFORMATION_BITS), 2)
    information = symmetric(first, p)
    step = np.nan_to_num(fit.covariance) @ sums.score
    return TimeScores(
        score=to_real(numbers[:p], SCORE_BITS) - information @ step,
        information=information,
        squared=symmetric(second, p),
    )
