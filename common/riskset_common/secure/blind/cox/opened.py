"""What an evaluation opens, and what everybody reads from it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    constant,
    multiply,
    to_integers,
)
from riskset_common.secure.blind.arithmetic.fixed_point import F
from riskset_common.secure.blind.arithmetic.parts import Truncated
from riskset_common.secure.blind.arithmetic.random_bits import random_bits
from riskset_common.secure.blind.arithmetic.rounding import rounded
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.cox.columns import ModelOfColumns
from riskset_common.secure.blind.cox.digits import INFORMATION_BITS, Digits
from riskset_common.survival.arrays.calculator import NUDGE
from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.arrays.triangles import symmetric
from riskset_common.survival.regression.cox import CoxSums

_SPARE_BITS = 36
"""Bits after the point of what is rounded."""
_SIZE_BITS = 84
"""What is rounded is below 2^84 in units of its last bit: 500 times a score of 2^38."""
_LARGEST_OPENED = 1 << (INFORMATION_BITS + 60)


def n_opened(model: ModelOfColumns) -> int:
    """How many numbers an evaluation opens."""
    return 1 + model.n_columns + model.n_columns * (model.n_columns + 1) // 2


def open_sums(
    arithmetic: Arithmetic,
    digits: Digits,
    likelihood: Elements,
    score: Elements,
    information: Elements,
) -> Opening[Elements]:
    """Log-likelihood, score and information to their digits, shape (9, n_opened(model)). Two openings, and those of a rounding.

    Parameters
    ----------
    likelihood, score, information
        Shares of degree 2t or less in units of 2^-128, 2^-64 and 2^-128.
    """
    if digits.is_rounded:
        return (yield from _rounded(arithmetic, digits, likelihood, score, information))
    results = yield from arithmetic.truncate(
        [
            _cut(likelihood, 2 * F, digits.likelihood),
            _cut(score, F, digits.score),
            _cut(information, 2 * F, digits.information),
        ]
    )
    return (yield from arithmetic.reveal(np.concatenate(results, axis=1)))


def _rounded(
    arithmetic: Arithmetic,
    digits: Digits,
    likelihood: Elements,
    score: Elements,
    information: Elements,
) -> Opening[Elements]:
    """Score and information rounded exactly, with the same nudge as everything else that is rounded."""
    cut, *several = yield from arithmetic.truncate(
        [
            _cut(likelihood, 2 * F, digits.likelihood),
            _cut(score, F, digits.score << _SPARE_BITS),
            _cut(information, 2 * F, digits.information << _SPARE_BITS),
        ]
    )
    x = np.concatenate(several, axis=1)
    bits = yield from arithmetic.run(random_bits(arithmetic, _SPARE_BITS * x.shape[1]))
    whole = yield from arithmetic.run(
        rounded(arithmetic, x, _SPARE_BITS, _SIZE_BITS, Fraction(NUDGE), bits)
    )
    return (yield from arithmetic.reveal(np.concatenate([cut, whole], axis=1)))


def _cut(share: Elements, bits: int, unit: int) -> Truncated:
    """A share in units of 2^-bits that becomes one in the inverse of `unit`."""
    twos = (unit & -unit).bit_length() - 1
    odd = unit >> twos
    return Truncated(share if odd == 1 else multiply(share, constant(odd)), bits - twos)


def cox_sums_of(model: ModelOfColumns, digits: Digits, opened: Elements, known: float) -> CoxSums:
    """The opened numbers as log-likelihood, score and information; noise is refused.

    Parameters
    ----------
    opened
        Shape (9, n_opened(model)).
    known
        The public part of the log-likelihood.
    """
    p, numbers = model.n_columns, opened_integers(opened)
    return CoxSums(
        log_likelihood=float(in_units(numbers[:1], digits.likelihood)[0]) + known,
        score=in_units(numbers[1 : 1 + p], digits.score),
        information=symmetric(in_units(numbers[1 + p :], digits.information), p),
    )


def in_units(numbers: Sequence[int], unit: int) -> FloatArray:
    """Whole numbers divided by their unit, as the nearest doubles."""
    return np.array([number / unit for number in numbers], dtype=np.float64)


def opened_integers(opened: Elements) -> list[int]:
    """What was opened, as whole numbers; noise is refused."""
    numbers = to_integers(opened)
    if any(abs(number) > _LARGEST_OPENED for number in numbers):
        raise ProtocolRefusal(
            "What was opened is noise: members were given different inputs, keys or coefficients. Nothing about any site can be read "
            "from it. Start a new session."
        )
    return numbers
