"""The forest plot, by its artists."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.lines import Line2D

from riskset_server.displays.figures import forest
from riskset_server.displays.parts import figure
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.parts.effects import effects

WITHHELD = {"withheld": "minimum_cell 5"}


def x_of(line: Line2D) -> list[float]:
    return [float(found) for found in np.asarray(line.get_xdata())]


def intervals_of(drawing: figure.Drawing) -> list[tuple[float, ...]]:
    drawn = [line for line in drawing.figure.axes[0].lines if line.get_color() == forest.COLOUR]
    return [tuple(x_of(line)) for line in drawn if len(x_of(line)) == 2]


def markers_of(drawing: figure.Drawing, marker: str) -> list[float]:
    lines = drawing.figure.axes[0].lines
    return [x_of(line)[0] for line in lines if line.get_marker() == marker]


def words_of(drawing: figure.Drawing) -> list[str]:
    return [found.get_text() for found in drawing.figure.texts]


@pytest.fixture
def odd(trial: ModuleType) -> dict[str, Any]:
    """A model with an aliased, a monotone and a far-away term, and one that has no estimate."""
    result: dict[str, Any] = trial.cox_result(trial.COX_ALL)
    rows = result["terms"]
    rows[1] |= {"monotone": True, "hazard_ratio": 1e8, "lower": 0.0, "upper": None}
    rows[3] |= {
        "aliased": True,
        "hazard_ratio": None,
        "lower": None,
        "upper": None,
        "p_value": None,
    }
    rows[4] |= dict.fromkeys(("hazard_ratio", "lower", "upper", "p_value"))
    rows[5] |= {"hazard_ratio": 20.0, "lower": 2.2, "upper": 1800.0}
    result["levels"] = [
        {"term": "kmt2a", "level": level, "n": 100 + rank, "events": WITHHELD if rank == 2 else 20}
        for rank, level in enumerate(("germline", "t_4_11", "t_9_11", "other"))
    ]
    return result


def test_hazard_ratios_and_intervals_are_drawn_as_their_numbers(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    drawing = forest.draw(shown("cox_all"))
    rows = trial.COX_ALL

    assert "log" == drawing.figure.axes[0].get_xscale()
    assert [row["hazard_ratio"] for row in rows] == markers_of(drawing, "s")
    assert [(row["lower"], row["upper"]) for row in rows] == intervals_of(drawing)


def test_reference_levels_are_diamonds_at_one(shown: Callable[..., Shown]) -> None:
    assert [1.0] * 4 == markers_of(forest.draw(shown("cox_all")), "D")


def test_each_row_is_at_the_height_of_its_label(shown: Callable[..., Shown]) -> None:
    drawing = forest.draw(shown("cox_all"))
    axes, height = drawing.figure.axes[0], drawing.figure.get_size_inches()[1] * 72
    y_of = {found.get_text(): found.get_position()[1] * height for found in drawing.figure.texts}
    squares = [line for line in axes.lines if line.get_marker() == "s"]
    labels = ("t(4;11)", "t(9;11)", "Other rearranged", "< 6", "B-lineage: CD10-", "Female")

    for label, square in zip(labels, squares, strict=False):
        drawn = axes.transData.transform((1, float(np.asarray(square.get_ydata())[0])))[1]

        assert pytest.approx(drawn, abs=0.5) == y_of[label]


def test_texts_stand_in_columns_beside_the_plot(shown: Callable[..., Shown]) -> None:
    found = words_of(forest.draw(shown("cox_all")))

    assert {"HR (95% CI)", "P", "KMT2A status", "Germline", "1"} <= set(found)
    assert "2.73 (1.79 to 4.16)" in found
    assert "Age at diagnosis, months (per unit)" in found


def test_what_has_no_estimate_is_not_drawn_but_explained(
    odd: dict[str, Any], shown: Callable[..., Shown]
) -> None:
    drawing = forest.draw(shown("cox_all", results={"cox_all": odd}))
    found = words_of(drawing)

    assert 4 == len(intervals_of(drawing))
    assert ("— [a]", "— [b]", "— [c]") == tuple(dict.fromkeys(w for w in found if "[" in w))
    assert (
        "[a] — No finite estimate: the likelihood is monotone in this term or in one that leaves nothing to tell it by.",
        "[b] — No coefficient: the term is constant or follows from earlier terms.",
        "[c] — Not estimable from these patients.",
    ) == drawing.legend[-3:]


def test_an_interval_beyond_the_axis_ends_in_an_arrow(
    odd: dict[str, Any], shown: Callable[..., Shown]
) -> None:
    drawing = forest.draw(shown("cox_all", results={"cox_all": odd}))

    assert [32.0] == markers_of(drawing, ">")
    assert [] == markers_of(drawing, "<")
    assert (2.2, 32.0) in intervals_of(drawing)
    assert "20.00 (2.20 to > 1,000)" in words_of(drawing)


def test_patients_and_events_of_levels_are_shown_where_known(
    odd: dict[str, Any], shown: Callable[..., Shown]
) -> None:
    found = words_of(forest.draw(shown("cox_all", results={"cox_all": odd})))

    assert {"No.", "Events", "100", "103", "withheld"} <= set(found)
    assert "No." not in words_of(forest.draw(shown("cox_all")))


def test_several_models_stand_below_their_titles(shown: Callable[..., Shown]) -> None:
    subject = shown("cox_arm", "cox_all")

    assert [
        "Cox model of disease-free survival: randomly assigned (intention to treat)",
        "Cox model of event-free survival",
    ] == [effect.label.text for effect in effects(subject) if effect.is_title]
    assert 10 == len(intervals_of(forest.draw(subject)))


def test_no_text_covers_another_and_none_leaves_the_figure(
    odd: dict[str, Any],
    shown: Callable[..., Shown],
    misplaced: Callable[[figure.Drawing], list[tuple[str, ...]]],
) -> None:
    for subject in (
        shown("cox_all"),
        shown("cox_arm", "cox_all"),
        shown("cox_all", results={"cox_all": odd}),
    ):
        assert [] == misplaced(forest.draw(subject))


def test_the_axis_always_holds_one(shown: Callable[..., Shown]) -> None:
    low, high = forest.axis_range([])

    assert low < 1 < high
    assert math.log2(high).is_integer()


def test_an_estimate_beyond_the_axis_is_an_arrow_without_a_square(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.cox_result(trial.COX_ARM)
    result["terms"][0] |= {"hazard_ratio": 0.001, "lower": 0.0001, "upper": 0.01}
    drawing = forest.draw(shown("cox_arm", results={"cox_arm": result}))

    assert [1 / 32] == markers_of(drawing, "<")
    assert 2 == len(markers_of(drawing, "s"))
    assert "0.001 (< 0.001 to 0.010)" in words_of(drawing)
