"""A Cox model whose risk sets lie within sites, on shares: only its pooled log-likelihood, score and information are opened.

Each site computes its own sums at coefficients that the members consented to, and hides them like the sums over risk sets of a pooled
model. The members add them up and open the totals to the digits of `digits.py`: nobody sees more of them than a rounded release needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.formats.json_values import Json
from riskset_common.secure.blind.arithmetic.field import Elements, constant, multiply
from riskset_common.secure.blind.arithmetic.fixed_point import ONE
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.cox.columns import ModelOfColumns
from riskset_common.secure.blind.cox.digits import Digits
from riskset_common.secure.blind.cox.opened import n_opened, open_sums
from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.regression.cox import CoxDesign, cox_sums

WIDEST = 300.0
"""exp of so much is a number, and so is its inverse, for every patient at risk."""
_MOST_PATIENTS = 1 << 21
"""Log-likelihoods of so many patients fit under a mask at the widest coefficients."""


@dataclass(frozen=True)
class SiteStratifiedModel(ModelOfColumns):
    """A Cox model stratified by site as all parties agree on it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.has_few_digits:
            raise ProtocolRefusal(
                "A model within sites is computed on shares only where few digits of it are opened."
            )
        if self.n_patients > _MOST_PATIENTS:
            raise ProtocolRefusal(
                f"A model within sites is computed on shares for up to {_MOST_PATIENTS} patients, found a bound of {self.n_patients}."
            )

    @property
    def most_events(self) -> int:
        """Every patient may die."""
        return self.n_patients

    @property
    def length(self) -> int:
        """Numbers in a site's input: log-likelihood, score, and the upper triangle of the information."""
        return n_opened(self)

    def to_json(self) -> dict[str, Json]:
        """The model as a mapping of numbers, texts and lists."""
        return super().to_json() | {"within": "sites"}


def require_within_reach(model: SiteStratifiedModel, B: float) -> None:
    """Raise where the coefficients may make a site's weights too large, B as of `bounds.spread`. Run by every party before a step."""
    if not B <= WIDEST:
        raise EstimationError(
            f"Model {model.analysis!r}: at the coefficients reached, weights of patients could differ by a factor of e^{2 * B:.0f}. Either "
            "the likelihood is monotone (a covariate separates those with an event), or a declared range is far wider than the values. "
            "Narrow the range in the codebook, or merge rare levels."
        )


def own_sums(design: CoxDesign, beta: FloatArray) -> FloatArray:
    """A site's log-likelihood, score and information, shape (model.length,). They must not leave the site but masked."""
    sums = cox_sums(design, beta)
    upper = sums.information[np.triu_indices(len(beta))]
    return np.concatenate([[sums.log_likelihood], sums.score, upper])


def open_own_sums(
    arithmetic: Arithmetic, model: SiteStratifiedModel, digits: Digits, sums: Elements
) -> Opening[Elements]:
    """The totals over the sites, opened. Run by every committee member.

    Parameters
    ----------
    sums
        Shares of them, shape (9, model.length), in units of 2^-64.
    """
    p, one = model.n_columns, constant(ONE)
    likelihood, score, information = np.split(sums, [1, 1 + p], axis=1)
    return (
        yield from open_sums(
            arithmetic, digits, multiply(likelihood, one), score, multiply(information, one)
        )
    )
