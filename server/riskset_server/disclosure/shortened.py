"""Reals of a model or a test, to seven significant digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from riskset_common.results.tests import PrintedTest

SIGNIFICANT_DIGITS = 7
"""Digits of a released coefficient or test: what a journal prints and more, and fewer than read a single patient back."""


def real(value: float) -> float:
    """One real; NaN stays."""
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")


def reals(values: Sequence[float]) -> tuple[float, ...]:
    """Several."""
    return tuple(map(real, values))


def rows(values: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """A matrix."""
    return tuple(map(reals, values))


def test(found: PrintedTest) -> PrintedTest:
    """A test, whose degrees of freedom are a whole number."""
    return PrintedTest(statistic=real(found.statistic), df=found.df, p_value=real(found.p_value))


def tests(found: Mapping[str, PrintedTest]) -> Mapping[str, PrintedTest]:
    """Tests by name."""
    return {name: test(each) for name, each in found.items()}
