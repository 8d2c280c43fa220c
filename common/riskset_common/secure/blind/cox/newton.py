"""Newton's method on what evaluations open: the centre and every member compute the next coefficients, each for itself.

The last digits may differ from machine to machine. The centre therefore proposes its own next coefficients, and a member consents to
them where they agree with what it computed to a millionth of a standard error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.secure.blind.cox.bounds import CoxModel
from riskset_common.secure.blind.cox.digits import ON_THE_WAY, at_zero
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.survival.arrays.cholesky import factorise
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import CoxFit, NewtonState, advance, start

ALIASED_SHARE = 1e-10
"""A column of which not more than this share is left after the columns before it is aliased: opened sums have 44 bits."""
ALIASED_INFORMATION = 2.0**-36
"""So is one with not more information than this."""
FEW_ALIASED_SHARE = 1 / 256
"""The share where few digits are opened."""
FEW_ALIASED_INFORMATION = 16
"""The information there, in units of the last digit that is opened at 0."""
TOLD_APART = 1 / 1024
"""Where few digits are opened, what is aliased at 0 must leave less of a column than this at the next evaluation, and nothing else may."""
SAME_COEFFICIENT = 1e-6


def begin(model: CoxModel) -> NewtonState:
    """Before the first evaluation, at 0."""
    share, information = ALIASED_SHARE, ALIASED_INFORMATION
    if model.has_few_digits:
        share = FEW_ALIASED_SHARE
        information = FEW_ALIASED_INFORMATION / at_zero(model.decimals).information
    return start(model.n_columns, model.convergence, model.max_iterations, share, information)


def go_on(model: CoxModel, state: NewtonState, sums: CoxSums) -> NewtonState | CoxFit:
    """The state after an evaluation, or the fit. After that at 0 the model's warm start is tried in place of Newton's step.

    Should the likelihood be lower there than at 0, the step is halved like any other.

    Raises
    ------
    EstimationError
        Where few digits are opened, and those at 0 did not tell which columns are aliased.
    """
    if model.has_few_digits and state.iterations == 1:
        _require_told_apart(model, state, sums)
    reached = advance(state, sums)
    if not isinstance(model, BlindModel):
        return reached
    if isinstance(reached, NewtonState) and state.iterations == 0 and model.warm_start is not None:
        warm = np.where(reached.independent, model.warm_start, 0.0)
        return dataclasses.replace(reached, beta=tuple(warm.tolist()))
    return reached


def _require_told_apart(model: CoxModel, state: NewtonState, sums: CoxSums) -> None:
    """Raise unless more digits, at other coefficients, name the same columns as aliased."""
    # Diagonal elements that rounding alone makes are no information.
    least = FEW_ALIASED_INFORMATION / ON_THE_WAY.information
    clear = factorise(sums.information, TOLD_APART, least)
    if tuple(clear.independent.tolist()) != state.independent:
        raise EstimationError(
            f"Model {model.analysis!r}: a column holds so little information besides the columns before it that the digits which are "
            "opened do not tell whether it holds any. Narrow its range in the codebook, merge rare levels, or leave the term out."
        )


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
