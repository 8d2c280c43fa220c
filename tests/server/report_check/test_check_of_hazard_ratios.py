"""Hazard ratio, interval and P: what was printed from one coefficient always agrees, and what was not is found."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_server.displays.parts.cells import hazard_ratio, p_digits
from riskset_server.report_check.hazard_ratios import disagreement, ratios

Z = 1.959963984540054

HEADS = ["Variable", "HR", "95% CI", "P"]


def printed(coefficient: float, std_err: float) -> tuple[str, tuple[str, str], str]:
    """A coefficient as the tables print it."""
    lower, upper = (math.exp(coefficient + sign * Z * std_err) for sign in (-1, 1))
    p = math.erfc(abs(coefficient / std_err) / math.sqrt(2))
    return (
        hazard_ratio(math.exp(coefficient)),
        (hazard_ratio(lower), hazard_ratio(upper)),
        p_digits(p),
    )


@given(st.floats(-2, 2), st.floats(0.02, 0.9))
def test_what_was_printed_from_one_coefficient_agrees(coefficient, std_err):
    ratio, limits, p = printed(coefficient, std_err)

    assert "" == disagreement(ratio, limits, p, Z)


@given(st.floats(0.2, 2), st.floats(0.05, 0.5), st.floats(1.1, 1.5))
def test_a_hazard_ratio_that_is_a_tenth_too_large_is_found(coefficient, std_err, factor):
    _, limits, p = printed(coefficient, std_err)
    ratio = hazard_ratio(factor * math.exp(coefficient))

    assert "HR" in disagreement(ratio, limits, p, Z)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (["A", "1.57", "1.23 to 2.00", "< .001"], ""),
        (["A", "1.57", "1.23 to 2.00", ".04"], "P .04 does not follow from HR 1.57, 1.23 to 2.00"),
        (["A", "1.05", "0.83 to 1.33", "< .001"], "P < .001 does not follow"),
        (["A", "1.05", "0.83 to 1.33", "> .99"], "P > .99 does not follow"),
        (["A", "1.00", "0.80 to 1.25", "> .99"], ""),
        (["A", "1.57", "1.23 to 1.50", ".003"], "HR 1.57 lies outside of 1.23 to 1.50"),
        (["A", "1.30", "1.23 to 2.00", "< .001"], "HR 1.30 is not the middle of 1.23 to 2.00"),
        (["A", "1.57 [a]", "1.23 to 2.00", ".04 [b]"], ""),
        (["A", "1", "", ""], ""),
        (["A", "withheld", "withheld", "withheld"], ""),
        (["A", "0.001", "0.000 to 0.900", ".02"], ""),
        (["A", "20.00", "2.20 to 1,800.00", ".02"], "HR 20.00 is not the middle"),
    ],
)
def test_a_row_of_a_table(row, problem):
    found = [each.what for each in ratios("table", [HEADS, row])]

    assert bool(problem) == bool(found)
    assert all(what.startswith(problem) for what in found)


def test_interval_and_ratio_may_stand_in_one_cell_and_p_with_the_factor():
    heads = ["Factor", "No.", "HR (90% CI)", "P"]
    good = ["A", "12", "1.57 (1.28 to 1.92)", ""]
    bad = ["A", "12", "1.57 (1.50 to 1.92)", ""]
    (found,) = ratios("tables/T.csv", [heads, good, bad])

    assert "tables/T.csv, row 'A'" == found.where


def test_a_published_row_that_cannot_be_right_is_found():
    (found,) = ratios("Table 2", [HEADS, ["t(4;11)", "1.21", "1.02 to 2.04", ".04"]])

    assert found.what.startswith("HR 1.21 is not the middle of 1.02 to 2.04")


def test_a_table_without_hazard_ratios_has_none():
    assert [] == list(ratios("table", [["Group", "No."], ["A", "3"]]))
