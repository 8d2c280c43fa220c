"""How one number reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.results.shown import Withheld
from riskset_server.displays.parts import cells
from riskset_server.displays.parts.cells import Cell

WITHHELD = {"withheld": "minimum_cell 5"}


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.39, ".39"),
        (0.386, ".39"),
        (0.0134, ".01"),
        (0.0052, ".005"),
        (0.0018, ".002"),
        (0.001, ".001"),
        (0.000999, "< .001"),
        (0.0, "< .001"),
        (0.046, ".046"),
        (0.0499, ".0499"),
        (0.05, ".05"),
        (0.0512, ".05"),
        (0.99, ".99"),
        (0.9951, "> .99"),
        (1.0, "> .99"),
    ],
)
def test_a_p_value_has_the_journals_digits(p: float, text: str) -> None:
    assert text == cells.p_digits(p)


@given(st.floats(0, 1))
def test_a_p_value_reads_on_its_own_side_of_five_percent(p: float) -> None:
    text = cells.p_digits(p)
    read = float(text.removeprefix("< ").removeprefix("> "))

    assert (p < 0.05) == (read < 0.05)
    assert not text.startswith("0")


def test_a_p_value_in_a_sentence_has_its_sign() -> None:
    assert ("P = .39", "P < .001") == (cells.p_phrase(0.39), cells.p_phrase(1e-9))


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.8799, "0.88"), (2.725, "2.73"), (12.0, "12.00"), (0.0312, "0.031"), (0.0, "< 0.001"), (1e8, "> 1,000")],
)  # fmt: skip
def test_a_hazard_ratio_has_two_decimals_unless_it_is_far_away(ratio: float, text: str) -> None:
    assert text == cells.hazard_ratio(ratio + 1e-9)


def test_a_negative_number_has_a_minus_and_a_zero_has_none() -> None:
    assert ("−0.5", "0.0") == (cells.percent(-0.5), cells.percent(-0.04))


def test_null_reads_as_absent_and_withheld_as_withheld_with_its_rule() -> None:
    assert Cell("—", (cells.UNDEFINED,)) == cells.cell(None, cells.count)
    assert cells.NOT_REACHED == cells.cell(None, cells.count, cells.NOT_REACHED)
    assert Cell("withheld", ("Withheld under the disclosure rule minimum_cell 5.",)) == cells.cell(
        Withheld("minimum_cell 5"), cells.count
    )
    assert Cell("1,912") == cells.cell(1912, cells.count)


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (Withheld("minimum_cell 5", "small"), "because there are some, but fewer than 5 (minimum_cell)"),
        (Withheld("minimum_cell 5", "protects"), "because with it a number below 5 could be worked out (minimum_cell)"),
        (Withheld("minimum_at_risk 10", "small"), "because fewer than 10 patients are behind it (minimum_at_risk)"),
        (Withheld("minimum_at_risk 10", "protects"), "because with it a number below 10 could be worked out (minimum_at_risk)"),
        (
            Withheld("bits 40", "small"),
            "because it would leave too few ways in which its events may lie in the groups (bits 40)",
        ),
        (
            Withheld("bits 40", "protects"),
            "because its groups differ so much that it would leave too few ways in which its events may lie in them (bits 40)",
        ),
        (
            Withheld("events_outside_largest_level 40", "small"),
            "because fewer than 40 events lie outside of the largest levels of its factors (events_outside_largest_level)",
        ),
        (
            Withheld("events_per_coefficient 10", "small"),
            "because there are fewer than 10 events for each coefficient (events_per_coefficient)",
        ),
        (
            Withheld("minimum_at_risk 10: stage", "small"),
            "because a level of stage has fewer than 10 patients (minimum_at_risk)",
        ),
        (
            Withheld("minimum_cell 5: stage", "protects"),
            "because with the numbers of stage one below 5 could be worked out (minimum_cell)",
        ),
        (
            Withheld("patients_per_level 10: arm:stage", "small"),
            "because a level of arm:stage has fewer than 10 patients (patients_per_level)",
        ),
        (
            Withheld("events_per_level 5: arm:stage", "small"),
            "because a level of arm:stage has fewer than 5 events (events_per_level)",
        ),
        (
            Withheld("deaths_on_a_day 15", "protects"),
            "because a day may have more than 15 deaths (deaths_on_a_day)",
        ),
        (Withheld("not computed on shares"), "because it is not computed on shares"),
        (Withheld("minimum_cell 5"), "under the disclosure rule minimum_cell 5"),
    ],
)  # fmt: skip
def test_a_reason_is_said_in_a_reader_s_words(mark: Withheld, said: str) -> None:
    assert said == cells.why_withheld(mark)
    assert f"Withheld {said}." == cells.withheld_note(mark)


def test_joined_cells_keep_their_footnotes_and_say_one_word_once() -> None:
    half = (Cell("2.1"), cells.NOT_REACHED)
    held = cells.withheld_cell(Withheld("r"))

    assert Cell("2.1 to NR", (), (cells.NR,)) == cells.joined(half, "{} to {}")
    assert held == cells.joined((held, held), "{} ({})")
    assert Cell("1.00 to 1.00") == cells.joined((Cell("1.00"), Cell("1.00")), "{} to {}")
