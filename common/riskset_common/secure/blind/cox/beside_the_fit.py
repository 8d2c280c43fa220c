"""The quantities that a blind model opens besides its fit, in the evaluation that ends it.

Each member follows Newton's method by itself. When what was opened ends the fit, converged and with all coefficients finite, it goes
on, with the shares it holds, to what the model says is wanted: nobody asks for it, and at other coefficients no member takes part. Test and
hazard share their openings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from riskset_common.secure.blind.arithmetic.field import Elements, to_integers
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.cox.bounds import CoxModel
from riskset_common.secure.blind.cox.evaluation import HiddenTerms
from riskset_common.secure.blind.cox.hazard import BlindHazard, hazard_of, n_hazards, open_hazard
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.cox.opened import n_opened
from riskset_common.secure.blind.cox.ph_test import (
    n_time_scores,
    open_time_scores,
    time_scores_of,
)
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import CoxFit, NewtonState
from riskset_common.survival.regression.proportionality import TimeScores


@dataclass(frozen=True, eq=False)
class BlindFurther:
    """What was opened besides the fit; None where it is not wanted.

    Attributes
    ----------
    ph_test
        For `regression.proportionality`, in standardised covariates and g between 0 and 1, which change no test.
    hazard
        The cumulative baseline hazard.
    """

    ph_test: TimeScores | None
    hazard: BlindHazard | None


def n_further(model: CoxModel, reached: NewtonState | CoxFit) -> int:
    """How many numbers are opened besides, after an evaluation that led to a further state or to the fit."""
    if (
        not isinstance(model, BlindModel)
        or not isinstance(reached, CoxFit)
        or not reached.converged
    ):
        return 0
    if reached.df == 0 or bool(reached.monotone.any()):
        return 0
    test = 0 if model.ph_test is None else n_time_scores(model)
    return test + (0 if model.hazard is None else n_hazards(model, model.hazard))


def open_further(
    arithmetic: Arithmetic, model: BlindModel, hidden: HiddenTerms, opened: Elements, fit: CoxFit
) -> Opening[Elements]:
    """What is wanted of a model, opened. Run by every committee member.

    Parameters
    ----------
    hidden, opened
        Of the evaluation that ended the fit.
    """
    computations = []
    if model.ph_test is not None:
        computations.append(
            partial(open_time_scores, model=model, wanted=model.ph_test, hidden=hidden)
        )
    if model.hazard is not None:
        information = to_integers(opened)[1 + model.n_columns : n_opened(model)]
        computations.append(
            partial(
                open_hazard,
                model=model,
                wanted=model.hazard,
                hidden=hidden,
                information=information,
                aliased=fit.aliased,
            )
        )
    if len(computations) == 1:
        return (yield from computations[0](arithmetic))
    both = yield from arithmetic.beside(*computations)
    return np.concatenate(both, axis=1)


def further_of(
    model: CoxModel, beta: Sequence[float], sums: CoxSums, fit: CoxFit, further: Elements
) -> BlindFurther | None:
    """What was opened besides the sums at β that ended the fit; None where nothing was."""
    if not isinstance(model, BlindModel) or further.shape[1] == 0:
        return None
    n_test = 0 if model.ph_test is None else n_time_scores(model)
    test, hazard = further[:, :n_test], further[:, n_test:]
    return BlindFurther(
        None if model.ph_test is None else time_scores_of(model, sums, fit, test),
        None if model.hazard is None else hazard_of(model, model.hazard, beta, hazard),
    )
