"""To how many digits a model is printed where rounded numbers are released: four significant digits of coefficients and standard errors."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from riskset_common.survival.arrays.shapes import FloatArray

SIGNIFICANT: Final = 4
"""Digits of coefficients and standard errors."""
SMALLEST_SHARE: Final = 0.01
"""A coefficient below this share of its standard error is printed as if it were so large: its further digits are noise."""
HALF: Final = 1e-9
"""Added before a number is rounded, in units of its last digit: a half that an arithmetic misses by its last bits is a half."""


def last_digit(value: FloatArray, digits: int = SIGNIFICANT) -> FloatArray:
    """The unit of the last of so many significant digits of each positive number."""
    unit: FloatArray = 10.0 ** (np.floor(np.log10(value)) - (digits - 1))
    return unit


def digits_of_coefficients(coef: FloatArray, std_err: FloatArray) -> FloatArray:
    """The unit of the last digit to which each coefficient is printed, in the coefficients' own units."""
    return last_digit(np.maximum(np.abs(coef), SMALLEST_SHARE * std_err))


def rounded_to(value: float, unit: float) -> float:
    """The nearest multiple of a unit that is a power of ten, as the double that its decimals stand for; NaN and infinity stay."""
    if not (math.isfinite(value) and math.isfinite(unit)):
        return value
    decimals = -round(math.log10(unit))
    whole = math.floor(value * 10.0**decimals + 0.5 + HALF)
    return whole / 10.0**decimals if decimals > 0 else float(whole * 10 ** (-decimals))


def significant(value: float, digits: int = SIGNIFICANT) -> float:
    """A number to so many significant digits; 0, NaN and infinity stay."""
    if value == 0 or not math.isfinite(value):
        return value
    return rounded_to(value, float(last_digit(np.array([abs(value)]), digits)[0]))
