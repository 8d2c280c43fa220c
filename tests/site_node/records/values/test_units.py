"""Conversions that definition alone gives."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_node.records.values.units import conversion

FAMILIES = (
    ("hours", "days", "d", "weeks", "months", "mo", "years", "y"),
    ("10^9/L", "10*6/L", "x10^3/uL", "G/L", "K/µL", "/mm3", "cells/mL", "T/l"),
    ("g/L", "g/dL", "mg/dL", "µg/mL", "ng/l", "pg/mL"),
    ("mmol/L", "µmol/L", "mol/dL"),
    ("kg", "g", "mg"),
    ("%", "fraction", "1"),
    ("IU/L", "IU/mL"),
)


@pytest.mark.parametrize(
    ("of", "to", "factor"),
    [
        ("days", "months", Fraction(10000, 304375)),
        ("years", "months", Fraction(12)),
        ("weeks", "days", Fraction(7)),
        ("10^6/L", "10^9/L", Fraction(1, 1000)),
        ("/uL", "10^9/L", Fraction(1, 1000)),
        ("10^3/mm3", "G/L", Fraction(1)),
        ("g/dL", "g/L", Fraction(10)),
        ("mg/dL", "g/L", Fraction(1, 100)),
        ("cm", "m", Fraction(1, 100)),
        ("%", "fraction", Fraction(1, 100)),
        ("points", "points", Fraction(1)),
    ],
)
def test_a_unit_is_converted_exactly(of, to, factor):
    assert factor == conversion(of, to)


@pytest.mark.parametrize(
    ("of", "to"),
    [
        ("mmol/L", "mg/dL"),
        ("g/L", "10^9/L"),
        ("days", "g"),
        ("points", "score"),
        ("/", "10^9/L"),
        ("g/", "g/L"),
        ("10^9/week", "10^9/L"),
        ("m", "months"),
        ("IU/L", "U/L"),
    ],
)
def test_what_needs_a_substance_or_a_guess_is_not_converted(of, to):
    assert conversion(of, to) is None


@given(st.sampled_from(FAMILIES).flatmap(lambda family: st.tuples(*[st.sampled_from(family)] * 3)))
def test_conversions_of_one_family_compose(units):
    first, second, third = units
    there, on, direct = (
        conversion(first, second),
        conversion(second, third),
        conversion(first, third),
    )

    assert there is not None
    assert on is not None
    assert direct == there * on
