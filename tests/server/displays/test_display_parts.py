"""Tables and figures of analyses that are made of curves and models: univariate and landmark analyses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.estimators.pooling import pool

from riskset_common.estimators.read_back import analysis_from_json
from riskset_common.results.as_json import as_json
from riskset_common.results.whole_file import (
    CodebookReference,
    PlanReference,
    Results,
    SecureComputation,
)
from riskset_common.study.displays import Display
from riskset_server.displays.parts import figure
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.tables import univariate
from riskset_server.kinds import landmark
from riskset_server.kinds.kinds import words_of
from riskset_server.report.methods import methods

UNIVARIATE = {
    "kind": "univariate",
    "endpoint": "EFS",
    "factors": ["arm", "sex"],
    "at": [20],
    "test": "gehan",
    "strata": ["site"],
}
WHOLE = Results(
    schema=1,
    plan=PlanReference("made-up", "1.0.0", "0" * 64),
    codebook=CodebookReference("made-up@1", "0" * 64),
    sites=("a",),
    lost_sites=(),
    secure=SecureComputation("strict", 3, (), 0, None),
    released_to="coordinating centre",
    rounds=2,
    analyses={},
)
LANDMARK = {"kind": "landmark", "endpoint": "EFS", "at": 12, "exposure": "dose"}


def shown(
    analysis: dict[str, Any], hold: Callable[[Any], object] = lambda _: None, **changes: Any
) -> Shown:
    """The display of one analysis of a made-up trial, in which `hold` puts marks in the place of values."""
    study = study_of(analysis, 5)
    result = pool(study, random_cohort(41).with_values(**changes).patients(study)).result
    hold(result)
    words = words_of(study.plan, study.codebook)
    [spec] = study.plan.analyses
    display = Display(table="Table 1", of=(spec.id,))
    return Shown(display, words.title(spec), (Part(spec, analysis_from_json(result)),), words)


def said(subject: Shown) -> str:
    """The methods section of a display's analysis."""
    part = subject.only
    return "\n".join(methods(WHOLE, {part.spec.id: part}, subject.words))


def test_univariate_analyses_read_as_in_the_journal() -> None:
    subject = shown(UNIVARIATE)
    table = univariate.make(subject)
    arm = as_json(subject.only.result)["factors"][0]
    b = arm["curves"]["groups"][1]
    term = arm["model"]["terms"][0]

    assert "Univariate analyses of EFS" == table.title
    assert ("Factor", "No.", "Events", "20-day EFS, % (SE)", "HR (95% CI)", "P") == table.heads
    assert ["All patients", "Arm", "A", "B", "C", "Sex", "Male", "Female"] == [
        row.label.text for row in table.rows
    ]
    assert [0, 0, 1, 1, 1, 0, 1, 1] == [row.indent for row in table.rows]
    assert ["1", ""] == [cell.text for cell in table.rows[2].cells[-2:]]
    assert [
        str(b["n"]),
        str(b["events"]),
        f"{100 * b['at'][0]['survival']:.1f} ({100 * b['at'][0]['std_err']:.1f})",
        f"{term['hazard_ratio']:.2f} ({term['lower']:.2f} to {term['upper']:.2f})",
        "",
    ] == [cell.text for cell in table.rows[3].cells]
    assert table.rows[1].cells[-1].text.startswith(".")
    assert (
        "P values are of the Gehan test, stratified by site, two-sided (planned), not adjusted for their number."
        == table.notes[0]
    )
    assert table.notes[1].startswith("Hazard ratios are of Cox models of one factor each")


def test_a_table_without_models_has_no_hazard_ratios() -> None:
    bare = {"kind": "univariate", "endpoint": "EFS", "factors": ["sex"]}
    table = univariate.make(shown(bare))

    assert ("Factor", "No.", "Events", "P") == table.heads
    assert (("No.", "number of patients"),) == table.abbreviations
    assert () == table.notes
    assert {""} == {row.cells[-1].text for row in table.rows}


def test_missing_factors_and_missing_hazard_ratios_are_explained() -> None:
    cohort = random_cohort(41)
    nobody_else = np.where(cohort.arm == 2, 0, np.where(np.arange(150) == 3, -1, cohort.arm))
    event = np.where(nobody_else == 1, 0, cohort.event)
    table = univariate.make(shown(UNIVARIATE, arm=nobody_else, event=event))

    assert "—" == table.rows[3].cells[-2].text
    assert "No finite estimate" in table.rows[3].cells[-2].notes[0]
    assert any(note.startswith("Arm: ") and "left out" in note for note in table.notes)


def test_what_is_withheld_reads_withheld() -> None:
    def hold(result: Any) -> None:
        result["factors"][1]["curves"]["test"] = mark

    mark = {"withheld": "bits 40", "reason": "small"}
    row = univariate.make(shown(UNIVARIATE, hold)).rows[-3]

    assert ("Sex", "withheld") == (row.label.text, row.cells[-1].text)
    assert row.cells[-1].notes[0].startswith("Withheld because it would leave too few ways")


def test_landmark_curves_have_their_table_their_figure_and_their_note() -> None:
    asked = LANDMARK | {"horizons": [30], "test": "trend"}
    subject = shown(asked)
    table = landmark.make(subject)
    with figure.settings():
        drawn = landmark.draw(subject)
    ended = as_json(subject.only.result)["ended"]

    assert "Landmark analysis of EFS" == table.title
    assert ["Not exposed", "Exposed"] == [row.label.text for row in table.rows[:2]]
    assert (
        "Landmark at 12 days: patients still followed then, by dose until then." == table.notes[0]
    )
    assert f"Patients whose follow-up does not span the landmark: {ended}." == table.notes[1]
    assert any("Log-rank test for trend: " in note for note in table.notes)
    assert drawn.legend[0].startswith("NOTE. Landmark at 12 days")
    assert "still followed after 12 days, by dose until then" in said(subject)


def test_a_landmark_model_has_the_table_and_the_forest_plot_of_a_model() -> None:
    subject = shown(LANDMARK | {"terms": [{"number": "age"}], "strata": ["site"]})
    table = landmark.make(subject)
    with figure.settings():
        drawn = landmark.draw(subject)

    assert ["Dose, by 12 days", "Not exposed", "Exposed", "Age, years (per unit)"] == [
        row.label.text for row in table.rows
    ]
    assert drawn.figure.axes


def test_a_landmark_model_of_few_events_is_withheld_and_its_display_says_so() -> None:
    def hold(result: Any) -> None:
        names = [name for name in result["model"] if name not in ("kind", "warnings")]
        result["model"] |= {
            key: {"withheld": "events_per_level 5: dose_by_landmark", "reason": "small"}
            for key in names
        }

    asked = LANDMARK | {"terms": [{"number": "age"}], "strata": ["site"]}
    subject = shown(asked, hold)
    table = landmark.make(subject)
    with figure.settings():
        drawn = landmark.draw(subject)
    rule = (
        "Withheld because a level of dose_by_landmark has fewer than 5 events (events_per_level)."
    )

    assert [["withheld"] * 3] == [[cell.text for cell in row.cells] for row in table.rows]
    assert [rule] == [footnote.text for footnote in table.footnotes()]
    assert any(rule in line for line in drawn.legend)
    assert drawn.figure.axes


def test_only_a_landmark_analysis_is_shown_as_one() -> None:
    with pytest.raises(TypeError, match="is a univariate, and no LandmarkSpec"):
        landmark.make(shown(UNIVARIATE))


def test_the_methods_tell_of_factors_one_at_a_time() -> None:
    text = said(shown(UNIVARIATE))
    bare = said(shown({"kind": "univariate", "endpoint": "EFS", "factors": ["sex"]}))

    assert "Kaplan–Meier estimates by level and the Gehan test. Tests, and Cox models" in text
    assert "estimates by level." in bare
