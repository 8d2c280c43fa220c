"""Figures of several panels: what a plan may ask, where each panel stands, and what is said below them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text
from pydantic import ValidationError

from riskset_common.errors import PlanError
from riskset_common.estimators.read_back import analysis_from_json
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.study.displays import Display
from riskset_server.displays.figures import curve, forest
from riskset_server.displays.figures.panels import composed
from riskset_server.displays.parts import figure
from riskset_server.displays.parts.display import PANEL, Part
from riskset_server.kinds.kinds import words_of
from riskset_server.kinds.placing import Panels, placed
from riskset_server.report.blocks import blocks

PLAN = """\
displays:
  - figure: Fig 2
    title: Outcome
    panels:
      - {of: [efs, os], title: All patients, until: 10, every: 2, at_risk: [at_risk]}
      - {of: efs_risk, until: 10}
      - {of: cox_all, as: forest, title: A title that is much longer than the drawing below it could ever be wide so that it runs on}
"""


@pytest.fixture(scope="module")
def parts(trial):
    plan = trial.study_plan(PLAN)
    found = trial.study_results()["analyses"]
    return {spec.id: Part(spec, analysis_from_json(found[spec.id])) for spec in plan.analyses}


def block_of(trial, parts):
    (made,) = blocks(parts, words_of(trial.study_plan(PLAN), trial.study_codebook()))
    return made


def places(drawing: figure.Drawing) -> dict[str, tuple[float, float]]:
    """Where each text stands, in inches from the lower left corner."""
    width, height = drawing.figure.get_size_inches()
    return {
        text.get_text(): (text.get_position()[0] * width, text.get_position()[1] * height)
        for text in drawing.figure.texts
    }


def test_a_figure_of_panels_is_placed_as_one_figure(trial):
    (found,) = placed(trial.study_plan(PLAN))

    assert ("Fig 2", "Fig_2", "figure") == (found.heading, found.stem, found.word)
    assert isinstance(found.made_by, Panels)
    assert ["curve", "curve", "forest"] == [maker.drawn_as for maker in found.made_by.makers]


def test_panels_are_lettered_and_no_text_covers_another(trial, parts, misplaced):
    drawing = block_of(trial, parts).drawing
    found = places(drawing)

    assert [] == misplaced(drawing)
    assert found["A"][1] == found["B"][1] > found["C"][1]
    assert found["A"][0] == found["C"][0] < found["B"][0]
    assert {"All patients", "Event-free survival by risk group"} <= set(found)


def test_plots_beside_each_other_begin_at_one_height(trial, parts):
    first, second, _ = block_of(trial, parts).drawing.figure.axes

    assert first.get_position().y1 == pytest.approx(second.get_position().y1)


def test_a_panel_draws_the_numbers_of_a_figure_of_its_own(trial, parts, shown):
    own = curve.draw(shown("efs_risk", until=10)).figure
    panel = block_of(trial, parts).drawing.figure.axes[1]
    drawn = [np.asarray(line.get_xydata()).tolist() for line in panel.lines]

    assert [np.asarray(line.get_xydata()).tolist() for line in own.axes[0].lines] == drawn
    assert panel.get_window_extent().width == pytest.approx(PANEL.width * 72)


def test_what_holds_for_one_panel_says_which_and_what_holds_for_all_is_said_once(shown):
    drawn = {"A": curve.draw(shown("efs")), "B": curve.draw(shown("os")), "C": forest.draw(shown("cox_all"))}  # fmt: skip
    note, abbreviations = composed("Title", drawn).legend

    assert note.startswith("NOTE. A, B: Kaplan\N{EN DASH}Meier estimates.")
    assert "C: Diamonds are reference levels." in note
    assert 1 == abbreviations.count("CI, confidence interval")
    assert not composed("Title", {"A": drawn["A"], "B": drawn["A"]}).legend[0].startswith("NOTE. A")


def test_a_panel_of_which_everything_is_withheld_leaves_the_others_their_letters(trial, parts):
    held = WithheldAnalysis("kaplan_meier", {"n": Withheld("minimum_at_risk 10")})
    some = parts | {"efs_risk": Part(parts["efs_risk"].spec, held)}
    made = block_of(trial, some)
    texts = [text.get_text() for text in made.drawing.figure.findobj(Text)]

    assert {"A", "C"} <= set(texts)
    assert "B" not in texts
    assert made.notices == (
        "Event-free survival by risk group: Withheld under the disclosure rule minimum_at_risk 10.",
    )


@pytest.mark.parametrize(("columns", "across"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_columns_say_how_many_panels_stand_side_by_side(shown, columns, across):
    drawn = {letter: curve.draw(shown("efs")) for letter in "ABC"}
    found = places(composed("Title", drawn, columns))

    assert across == len({found[letter][0] for letter in "ABC"})
    assert -(-3 // across) == len({found[letter][1] for letter in "ABC"})


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"figure": "F"}, "give either of, or panels"),
        ({"figure": "F", "of": "efs", "panels": [{"of": "os"}]}, "give either of, or panels"),
        ({"table": "T", "panels": [{"of": "os"}]}, "a table has no panels"),
        ({"figure": "F", "of": "efs", "columns": 2}, "columns are those of panels"),
        ({"figure": "F", "panels": [{"of": "os"}], "until": 3, "as": "curve"}, "as, until: write it in the panels"),
        ({"figure": "F", "panels": [{"of": []}]}, "at least 1 item"),
    ],
)  # fmt: skip
def test_panels_that_say_nothing_or_too_much_are_refused(written, message):
    with pytest.raises(ValidationError, match=message):
        Display.model_validate(written)


def test_a_panel_that_cannot_be_drawn_is_named_by_its_letter(trial):
    plan = trial.study_plan("displays:\n  - {figure: F, panels: [{of: efs}, {of: table1}]}\n")

    with pytest.raises(
        PlanError, match="figure 'F', panel B shows table1: no figure shows a baseline"
    ):
        placed(plan)


def test_a_plan_names_the_panel_whose_analysis_is_unknown(trial):
    with pytest.raises(ValidationError, match="display 'F' shows 'efs_rik', which is no analysis"):
        trial.study_plan("displays:\n  - {figure: F, panels: [{of: efs}, {of: efs_rik}]}\n")


def test_curves_end_where_the_display_says_and_all_numbers_stay(trial, shown):
    exact = trial.study_plan(disclosure={"release": "exact"})
    all_of_it = curve.draw(shown("efs_risk", plan=exact, until=10))
    cut = curve.draw(shown("efs_risk", plan=exact, until=10, minimum_at_risk=30))
    ends = [np.asarray(line.get_xdata())[-1] for line in cut.figure.axes[0].lines]
    patients = [trial.RISK_GROUPS[group] for group in ("LR", "MR", "HR")]

    for end, group in zip(ends, patients, strict=True):
        assert 30 <= sum(patient.days / 365.25 >= end for patient in group) <= 31
    assert [text.get_text() for text in all_of_it.figure.texts] == [
        text.get_text() for text in cut.figure.texts
    ]
    assert "Curves end where fewer than 30 patients remain at risk." in cut.legend[0]
