"""Newton's method on what evaluations open: the centre and every member compute the next coefficients, each for itself.

The last digits may differ from machine to machine. The centre therefore proposes its own next coefficients, and a member consents to
them where they agree with what it computed to a millionth of a standard error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start

ALIASED_SHARE = 1e-10
"""A column of which not more than this share is left after the columns before it is aliased: opened sums have 44 bits."""
ALIASED_INFORMATION = 2.0**-36
"""So is one with not more information than this."""
SAME_COEFFICIENT = 1e-6


def begin(model: BlindModel) -> NewtonState:
    """Before the first evaluation, at 0."""
    return start(
        model.n_columns,
        model.convergence,
        model.max_iterations,
        ALIASED_SHARE,
        ALIASED_INFORMATION,
    )


def go_on(model: BlindModel, state: NewtonState, sums: CoxSums) -> NewtonState | CoxFit:
    """The state after an evaluation, or the fit. After that at 0 the model's warm start is tried in place of Newton's step.

    Should the likelihood be lower there than at 0, the step is halved like any other.
    """
    reached = advance(state, sums)
    if isinstance(reached, NewtonState) and state.iterations == 0 and model.warm_start is not None:
        warm = np.where(reached.independent, model.warm_start, 0.0)
        return dataclasses.replace(reached, beta=tuple(warm.tolist()))
    return reached


def adopt(own: NewtonState | CoxFit, beta: Sequence[float]) -> NewtonState:
    """A member's state with the coefficients that the centre proposes; refused unless they are its own but for rounding."""
    if isinstance(own, CoxFit):
        raise ProtocolRefusal(
            "The fit has ended; a further evaluation has no reason and is refused."
        )
    if len(beta) != len(own.beta):
        raise ProtocolRefusal(
            f"{len(beta)} coefficients were proposed for a model of {len(own.beta)} columns."
        )
    allowed = SAME_COEFFICIENT * np.array(own.std_err_null or (0.0,))
    if not bool(np.all(np.abs(np.array(beta) - np.array(own.beta)) <= allowed)):
        raise ProtocolRefusal(
            "The proposed coefficients are not the next step from what was opened. Members consent to Newton's steps only."
        )
    return dataclasses.replace(own, beta=tuple(beta))
