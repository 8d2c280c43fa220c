"""Which tables and figures a report has."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import ModuleType

import pytest

from riskset_common.errors import PlanError
from riskset_server.kinds import kinds
from riskset_server.kinds.kinds import KINDS, kind_of
from riskset_server.kinds.placing import placed


def test_the_plans_displays_are_placed_under_its_own_words(trial: ModuleType) -> None:
    found = placed(trial.study_plan(trial.DISPLAYS))

    assert [
        ("Data Supplement 1", "Data_Supplement_1", "table"),
        ("Data Supplement 2", "Data_Supplement_2", "table"),
        ("Data Supplement 3", "Data_Supplement_3", "table"),
        ("Data Supplement 4", "Data_Supplement_4", "table"),
        ("Fig 2A", "Fig_2A", "curve"),
        ("Fig 2B", "Fig_2B", "curve"),
        ("Fig 3B", "Fig_3B", "curve"),
        ("Table 1", "Table_1", "table"),
        ("Table 2", "Table_2", "table"),
        ("Fig S1", "Fig_S1", "forest"),
    ] == [(one.heading, one.stem, one.made_by.drawn_as) for one in found]


def test_a_plan_without_displays_shows_each_analysis_by_default(trial: ModuleType) -> None:
    found = placed(trial.study_plan())

    assert [
        ("Table 1", "followup", "table"),
        ("Table 2", "table1", "table"),
        ("Table 3", "events", "table"),
        ("Figure 1", "efs", "curve"),
        ("Figure 2", "os", "curve"),
        ("Figure 3", "efs_risk", "curve"),
        ("Table 4", "efs_risk", "table"),
        ("Figure 4", "efs_kmt2a", "curve"),
        ("Table 5", "efs_kmt2a", "table"),
        ("Figure 5", "dfs_arm", "curve"),
        ("Table 6", "dfs_arm", "table"),
        ("Table 7", "cox_all", "table"),
        ("Figure 6", "cox_all", "forest"),
        ("Table 8", "cox_arm", "table"),
        ("Figure 7", "cox_arm", "forest"),
    ] == [(one.heading, one.stem, one.made_by.drawn_as) for one in found]


@pytest.mark.parametrize(
    ("display", "message"),
    [
        ("{figure: Fig 1, of: table1}", "no figure shows a baseline, only kaplan_meier, cumulative_incidence, cox."),
        ("{table: T, of: [efs, cox_all]}", "different kinds: cox, kaplan_meier. Give each kind a display"),
        ("{figure: F, of: efs, as: forest}", "a kaplan_meier as a figure is drawn as 'curve', not 'forest'"),
        ("{table: T, of: [table1, table2]}", "shows several analyses. Give each baseline a table of its own."),
        ("{table: '///', of: efs_risk}", "give it a letter or digit"),
    ],
)  # fmt: skip
def test_a_display_that_cannot_be_made_is_refused(
    trial: ModuleType, display: str, message: str
) -> None:
    extra = "  - {id: table2, kind: baseline, rows: [sex]}\n"

    with pytest.raises(PlanError, match=message):
        placed(trial.study_plan(f"{extra}displays:\n  - {display}\n"))


def test_of_several_figures_of_a_kind_a_display_names_one(
    trial: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    forest = kind_of("cox").figures
    several = [replace(kind, figures=(*kind.figures, *forest)) for kind in KINDS]
    monkeypatch.setattr(kinds, "KINDS", several)
    displays = "displays:\n  - {figure: Fig 1, of: efs, as: forest}\n  - {figure: Fig 2, of: efs}\n"

    found = placed(trial.study_plan(displays))

    assert ["forest", "curve"] == [one.made_by.drawn_as for one in found]
    with pytest.raises(PlanError, match="is drawn as 'curve' or 'forest', not 'consort'"):
        placed(trial.study_plan("displays: [{figure: Fig 1, of: efs, as: consort}]"))


def test_two_displays_in_one_file_are_refused(trial: ModuleType) -> None:
    displays = "displays:\n  - {figure: Fig 1, of: efs}\n  - {figure: fig_1, of: os}\n"

    with pytest.raises(PlanError, match="'Fig 1' and 'fig_1' would be written to the same file"):
        placed(trial.study_plan(displays))


def test_a_table_and_a_figure_may_share_a_name(trial: ModuleType) -> None:
    displays = "displays:\n  - {figure: A, of: efs_risk}\n  - {table: A, of: efs_risk}\n"

    assert 2 == len(placed(trial.study_plan(displays)))


def test_a_name_cannot_leave_the_folder(trial: ModuleType) -> None:
    (found,) = placed(trial.study_plan("displays:\n  - {figure: ../../etc/x, of: efs}\n"))

    assert "etc_x" == found.stem


def test_matplotlib_is_not_imported_before_a_figure_is_drawn() -> None:
    code = "import sys, riskset_server.report; print('matplotlib' in sys.modules, 'jinja2' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert "False False" == printed.stdout.strip()
