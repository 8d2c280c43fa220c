"""What everybody knows of any blind Cox model: its columns, their public ranges, and when its fit ends.

Covariates are standardised by public constants, x' = (x - centre) 2^-exponent with |x'| <= 1, which changes the coefficients by a power
of two and nothing else.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from riskset_common.errors import DataError, ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.formats.json_values import Json
from riskset_common.primitives.hashing import H
from riskset_common.survival.arrays.shapes import FloatArray, IntArray
from riskset_common.survival.regression.cox import Ties
from riskset_common.survival.regression.newton import Convergence

DECIMALS = (2, 3)


@dataclass(frozen=True)
class ModelOfColumns(ABC):
    """The part that all blind models have.

    Attributes
    ----------
    analysis
        The plan's name for it.
    ties, convergence, max_iterations
        As in `survival.regression.cox` and `survival.regression.newton`. Under the rule "digits" the model opens no more digits than a
        rounded release needs, see `digits.py`.
    n_patients
        N, patients analysed at all sites together, or a public bound of them.
    lower, upper
        The range of each column that the plan or codebook declares, length p.
    decimals
        Under the rule "digits", to how many decimals score and information are opened at coefficients of 0: those of the tests.
    """

    analysis: str
    ties: Ties
    convergence: Convergence
    max_iterations: int
    n_patients: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    decimals: int = field(default=2, kw_only=True)

    def __post_init__(self) -> None:
        if len(self.lower) != len(self.upper) or not self.lower:
            raise ProtocolRefusal("A blind model needs one range, and one start, for each column.")
        for low, high in zip(self.lower, self.upper, strict=True):
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ProtocolRefusal(
                    "A column's range must be two finite numbers in order. State it in the codebook."
                )
        if self.decimals not in DECIMALS:
            raise ProtocolRefusal(
                f"Score and information at coefficients of 0 are opened to {DECIMALS[0]} or {DECIMALS[1]} decimals, found {self.decimals}."
            )

    @property
    def n_columns(self) -> int:
        """p."""
        return len(self.lower)

    @property
    def has_few_digits(self) -> bool:
        """Whether no more digits are opened than a rounded release needs."""
        return self.convergence == "digits"

    @property
    @abstractmethod
    def most_events(self) -> int:
        """A public bound of the deaths of the model: their number where that is public."""

    @property
    @abstractmethod
    def length(self) -> int:
        """Numbers in a site's input to an evaluation."""

    @cached_property
    def centre(self) -> FloatArray:
        """Middle of each range, shape (p,)."""
        return np.array(self.lower) / 2 + np.array(self.upper) / 2

    @cached_property
    def exponent(self) -> IntArray:
        """The power of two that is not below half of each range, shape (p,)."""
        half = np.maximum(np.array(self.upper) - self.centre, self.centre - np.array(self.lower))
        mantissa, exponent = np.frexp(half)
        # frexp gives 1/2 <= mantissa < 1; a half range of 2^e itself needs no more than e.
        return np.where(half > 0, exponent - (mantissa == 0.5), 0).astype(np.int64)

    @cached_property
    def half_range(self) -> FloatArray:
        """The largest |x'| of each column, shape (p,), at most 1."""
        half = np.maximum(np.array(self.upper) - self.centre, self.centre - np.array(self.lower))
        scaled: FloatArray = np.ldexp(half, -self.exponent)
        return scaled

    def standardised(self, x: FloatArray) -> FloatArray:
        """x' of a site's patients, shape (n, p); refused where one lies outside of the declared range."""
        inside = (x >= np.array(self.lower)) & (x <= np.array(self.upper))
        if not bool(np.all(inside)):
            columns = ", ".join(str(column + 1) for column in np.flatnonzero(~inside.all(axis=0)))
            raise DataError(
                f"Model {self.analysis!r}: a patient's value lies outside of the range declared for column "
                f"{columns}. Correct the record, or the range in the codebook."
            )
        scaled: FloatArray = np.ldexp(x - self.centre, -self.exponent)
        return scaled

    def to_json(self) -> dict[str, Json]:
        """The model as a mapping of numbers, texts and lists."""
        few: dict[str, Json] = {"decimals": self.decimals} if self.has_few_digits else {}
        return few | {
            "analysis": self.analysis,
            "ties": self.ties,
            "convergence": self.convergence,
            "max_iterations": self.max_iterations,
            "n_patients": self.n_patients,
            "lower": list(self.lower),
            "upper": list(self.upper),
        }

    @cached_property
    def hash(self) -> bytes:
        """32 bytes over all of it."""
        return H(b"blind-model", canonical_json(self.to_json()))
