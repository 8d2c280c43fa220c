"""The survival figure, by its artists."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.text import Text

from riskset_common.results.as_json import as_json
from riskset_server.displays.figures import curve
from riskset_server.displays.figures.lines import lines
from riskset_server.displays.parts import figure
from riskset_server.displays.parts.display import Shown

GROUPS = [
    *("DCOG", "UKCCSG", "FRALLE", "AIEOP", "COALL", "EORTC", "NOPHO", "BFM-A", "SJCRH"),
    *("DFCI", "CPH", "BFM-G", "ARG", "PINDA", "ANZCHOG", "HKPHOSG", "PPLLSG", "SEATTLE"),
]


def words_of(drawing: figure.Drawing) -> list[str]:
    texts = [text for text in drawing.figure.findobj(Text) if text.get_visible()]
    return [text.get_text() for text in texts if text.get_text().strip()]


def curves_of(drawing: figure.Drawing) -> list[Any]:
    """The lines of curves: in steps where results are exact, else straight from point to point, and marked there."""
    drawn = drawing.figure.axes[0].lines
    return [
        line for line in drawn if line.get_drawstyle() == "steps-post" or line.get_marker() == "o"
    ]


@pytest.fixture(
    scope="module",
    params=[
        "one",
        "several",
        "two",
        "three",
        "four",
        "eighteen",
        "few",
        "to_zero",
        "alike",
        "long",
        "released",
        "withheld",
    ],
)
def drawing(
    request: pytest.FixtureRequest, trial: ModuleType, shown: Callable[..., Shown]
) -> figure.Drawing:
    """Figures of every shape that a study may ask for."""
    exact = trial.study_plan(disclosure={"release": "exact"})
    made = trial.kaplan_meier_result
    patient, cohort = trial.Patient, trial.cohort
    eighteen = {
        name: cohort(30 + 5 * rank, 0.5, rank, cured=0.6 - 0.02 * rank)
        for rank, name in enumerate(GROUPS)
    }
    few = {"LR": cohort(9, 0.5, 3), "MR": cohort(24, 0.9, 5), "HR": cohort(30, 0.4, 6)}
    zero = {
        level: [patient(step * rank, True) for rank in range(1, 12)]
        for level, step in (("LR", 100), ("HR", 30))
    }
    alike = {level: cohort(80, 0.3, 1) for level in ("LR", "MR", "HR")}
    long = made({"LR": cohort(200, 0.1, 3), "MR" * 30: cohort(300, 0.2, 4)}, "risk_group", [6])
    for group in long["groups"]:
        for name in ("at_risk", "events", "censored"):
            group["curve"][name] = [1000 * found for found in group["curve"][name]]
        group |= {"n": 1000 * group["n"], "events": 1000 * group["events"]}
    cases: dict[str, Callable[[], Shown]] = {
        "one": lambda: shown("efs"),
        "several": lambda: shown("efs", "os", until=10, every=1),
        "two": lambda: shown("dfs_arm", until=8, at_risk=("at_risk",)),
        "three": lambda: shown("efs_risk", until=10),
        "four": lambda: shown("efs_kmt2a"),
        "eighteen": lambda: shown(
            "efs_risk", results={"efs_risk": made(eighteen, "study_group", [3, 6], p_value=0.003)}, plan=exact
        ),
        "few": lambda: shown("efs_risk", results={"efs_risk": made(few, "risk_group", [2])}, plan=exact),
        "to_zero": lambda: shown("efs_risk", results={"efs_risk": made(zero, "risk_group", [])}, plan=exact),
        "alike": lambda: shown("efs_risk", results={"efs_risk": made(alike, "risk_group", [1, 2, 3, 4, 5])}),
        "long": lambda: shown("efs_risk", results={"efs_risk": long}, every=0.25),
        "released": lambda: shown(
            "efs_risk", results={"efs_risk": trial.as_released(trial.study_results()["analyses"]["efs_risk"])}
        ),
        "withheld": lambda: shown(
            "efs_risk", results={"efs_risk": trial.as_released(made(few, "risk_group", [0.5, 1, 2]))}
        ),
    }  # fmt: skip
    with figure.settings():
        return curve.draw(cases[request.param]())


def test_no_text_covers_another_and_none_leaves_the_figure(
    drawing: figure.Drawing, misplaced: Callable[[figure.Drawing], list[tuple[str, ...]]]
) -> None:
    assert [] == misplaced(drawing)


def test_the_axis_of_survival_goes_from_nothing_to_all(drawing: figure.Drawing) -> None:
    assert (0, 100) == drawing.figure.axes[0].get_ylim()
    assert 0 == drawing.figure.axes[0].get_xlim()[0]


def test_no_curve_enters_the_estimates(drawing: figure.Drawing) -> None:
    axes = drawing.figure.axes[0]
    head = next(found for found in drawing.figure.texts if found.get_text() == "No.")
    renderer = FigureCanvasAgg(drawing.figure).get_renderer()
    box = head.get_window_extent(renderer).transformed(axes.transData.inverted())

    for line in curves_of(drawing):
        time, percent = (np.asarray(found) for found in line.get_data())
        inside = (time >= box.x0) & (time <= box.x1)

        assert not np.any(inside & (percent >= box.y0) & (percent <= box.y1))


def test_curves_are_drawn_as_their_numbers(shown: Callable[..., Shown]) -> None:
    subject = shown("efs_risk", until=6)
    expected = [line.until(6) for line in lines(subject)]
    drawn = curves_of(curve.draw(subject))

    assert 3 == len(drawn)
    for line, found in zip(expected, drawn, strict=True):
        np.testing.assert_array_equal(line.time, found.get_xdata())
        np.testing.assert_array_equal(line.height, found.get_ydata())
        assert (0, 100) == (found.get_xdata()[0], found.get_ydata()[0])
        assert 6 == found.get_xdata()[-1]


def test_nothing_is_drawn_in_the_plot_beyond_the_end_of_a_curve(
    drawing: figure.Drawing,
) -> None:
    """A leader to the label of a curve that ends before the others would be read as a curve that goes on."""
    right = drawing.figure.axes[0].get_position().x1
    strokes = [
        np.asarray(line.get_xdata(), dtype=np.float64)
        for line in drawing.figure.artists
        if isinstance(line, Line2D)
    ]
    to_labels = [x for x in strokes if x.max() > right + 1e-9]
    drawn = [line for line in curves_of(drawing) if len(np.asarray(line.get_xdata())) > 1]

    assert all(x.min() >= right - 1e-9 for x in to_labels)
    assert len(to_labels) == len(drawn)


def test_until_and_every_set_the_axis(shown: Callable[..., Shown]) -> None:
    axes = curve.draw(shown("efs", until=9, every=3)).figure.axes[0]

    assert (0, 9) == axes.get_xlim()
    assert [0, 3, 6, 9] == list(axes.get_xticks())
    assert "Time since diagnosis (years)" == axes.get_xlabel()
    assert "Event-free survival (%)" == axes.get_ylabel()


def test_at_risk_chooses_the_rows(trial: ModuleType, shown: Callable[..., Shown]) -> None:
    only = words_of(curve.draw(shown("dfs_arm", at_risk=("at_risk",))))
    all_three = words_of(curve.draw(shown("dfs_arm")))

    assert "No. at risk" in only
    assert not {"Censored", "Events at"} & set(only)
    assert ["At risk", "Censored", "Events"] * 2 == [
        word for word in all_three if word in ("At risk", "Censored", "Events")
    ][-6:]


def test_numbers_at_risk_stand_below_their_times(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    drawing = curve.draw(shown("efs", until=10, every=2))
    axes = drawing.figure.axes[0]
    width = drawing.figure.get_size_inches()[0] * figure.POINTS_PER_INCH
    for time in (0, 2, 4, 6, 8, 10):
        expected = sum(patient.days >= 365.25 * time for patient in trial.EVERYBODY)
        x = axes.transData.transform((time, 0))[0]
        below = [
            found.get_text()
            for found in drawing.figure.texts
            if abs(found.get_position()[0] * width - x) < 0.1
            and found.get_horizontalalignment() == "center"
        ]

        assert str(expected) == below[0]


def test_the_figure_prints_estimates_errors_and_the_test(shown: Callable[..., Shown]) -> None:
    subject = shown("dfs_arm")
    found = words_of(curve.draw(subject))
    at = as_json(subject.only.result)["groups"][0]["at"][1]

    assert "6-year DFS,\n% (SE)" in found
    assert f"{100 * at['survival']:.1f} ({100 * at['std_err']:.1f})" in found
    assert "Log-rank, stratified by sex, P = .47 (1 df)" in found


def test_a_post_hoc_test_says_so(shown: Callable[..., Shown]) -> None:
    assert "Log-rank P = .002 (3 df, post hoc)" in words_of(curve.draw(shown("efs_kmt2a")))


def test_without_horizons_the_medians_are_printed(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.kaplan_meier_result({"all": trial.cohort(300, 0.1, 2, cured=0.9)}, None, [])
    found = words_of(curve.draw(shown("efs", results={"efs": result})))

    assert "Median (CI),\nyears" in found
    assert "NR" in found


def test_a_withheld_number_is_named_in_the_figure_and_its_rule_below(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    few = {"LR": trial.cohort(9, 0.5, 3), "HR": trial.cohort(60, 0.4, 6)}
    result = trial.as_released(trial.kaplan_meier_result(few, "risk_group", [2]))
    drawing = curve.draw(shown("efs_risk", results={"efs_risk": result}))

    assert "withheld" in words_of(drawing)
    assert 1 == len(curves_of(drawing))
    assert (
        "Withheld because fewer than 10 patients are behind it (minimum_at_risk)."
        in drawing.legend[0]
    )
    assert "No curve is drawn for Low." in drawing.legend[0]


def test_narrow_columns_abbreviate_withheld_and_explain_it(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    few = {"LR": trial.cohort(9, 0.5, 3), "HR": trial.cohort(60, 0.4, 6)}
    exact_result = trial.kaplan_meier_result(
        few, "risk_group", [0.25 * step for step in range(1, 14)]
    )
    drawing = curve.draw(shown("efs_risk", results={"efs_risk": trial.as_released(exact_result)}))

    assert "w" in words_of(drawing)
    assert "w, withheld" in drawing.legend[1]


def test_every_two_curves_differ_in_colour_or_dashes_and_the_first_in_both() -> None:
    styles = [(figure.colour(rank), str(figure.dashes(rank))) for rank in range(42)]

    assert 42 == len(set(styles))
    assert (
        6 == len({dashes for _, dashes in styles[:6]}) == len({colour for colour, _ in styles[:6]})
    )


def test_colours_are_dark_enough_to_print_in_grey() -> None:
    def luminance(colour: str) -> float:
        red, green, blue = (int(to_hex(colour)[at : at + 2], 16) / 255 for at in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert max(map(luminance, figure.COLOURS)) < 0.75


def test_no_censored_patient_is_marked_on_a_curve(shown: Callable[..., Shown]) -> None:
    for line in curve.draw(shown("efs_risk")).figure.axes[0].lines:
        assert "None" == line.get_marker()


def test_intervals_are_shaded_for_few_curves_only(shown: Callable[..., Shown]) -> None:
    assert 3 == len(curve.draw(shown("efs_risk")).figure.axes[0].collections)
    assert 0 == len(curve.draw(shown("efs_kmt2a")).figure.axes[0].collections)


def test_the_same_results_give_the_same_bytes(shown: Callable[..., Shown]) -> None:
    one, other = (curve.draw(shown("dfs_arm")) for _ in range(2))

    assert figure.svg(one) == figure.svg(other)
    assert figure.png(one) == figure.png(other)
    assert figure.svg(one) == figure.svg(one)


def test_settings_of_the_machine_do_not_show(shown: Callable[..., Shown]) -> None:
    import matplotlib

    plain = figure.svg(curve.draw(shown("dfs_arm")))
    with (
        matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "svg.hashsalt": "x"}),
        figure.settings(),
    ):
        other = figure.svg(curve.draw(shown("dfs_arm")))

    assert plain == other


def test_text_stays_text_and_a_dollar_a_dollar(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    groups = {"$a_1$ & <b>": trial.cohort(50, 0.3, 1), "x": trial.cohort(50, 0.3, 2)}
    result = trial.kaplan_meier_result(groups, "risk_group", [])
    text = figure.svg(curve.draw(shown("efs_risk", results={"efs_risk": result}))).decode()

    assert ">$a_1$ &amp; &lt;b&gt;</text>" in text
    assert "font-family: 'DejaVu Sans', Verdana, sans-serif" in text
    assert "<dc:date>" not in text


def test_an_inline_figure_has_its_own_ids_and_no_addresses(shown: Callable[..., Shown]) -> None:
    text = figure.inline_svg(curve.draw(shown("efs")), "figure-efs")

    assert text.startswith('<svg role="img" aria-labelledby="figure-efs-title"')
    assert "http" not in text
    assert 'id="' in text
    assert text.count('id="') == text.count('id="figure-efs-')
    assert text.count("url(#") == text.count("url(#figure-efs-")
    assert text.count('href="#') == text.count('href="#figure-efs-')


def test_an_analysis_without_patients_is_an_empty_figure(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.kaplan_meier_result({"all": []}, None, [6])
    drawing = curve.draw(shown("efs", results={"efs": result}))

    assert [] == curves_of(drawing)
    assert "No curve is drawn for EFS." in drawing.legend[0]


def test_tests_of_several_analyses_are_told_apart_and_one_may_be_withheld(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.study_results()["analyses"]["dfs_arm"]
    result["test"] = {"withheld": "minimum_cell 5"}
    drawing = curve.draw(shown("efs_risk", "dfs_arm", results={"dfs_arm": result}))
    found = words_of(drawing)

    assert "EFS: Log-rank P < .001 (2 df)" in found
    assert "DFS: Test withheld" in found
    assert "Withheld under the disclosure rule minimum_cell 5." in drawing.legend[0]
    assert "Survival (%)" == drawing.figure.axes[0].get_ylabel()


def test_of_many_horizons_the_last_are_printed(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.kaplan_meier_result({"all": trial.EVERYBODY}, None, [1, 2, 3, 4, 5, 6])
    found = words_of(curve.draw(shown("efs", results={"efs": result})))

    assert [f"{year}-year EFS,\n% (SE)" for year in (3, 4, 5, 6)] == [
        word for word in found if word.endswith("% (SE)")
    ]


def test_a_display_prints_the_horizons_that_it_names(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.kaplan_meier_result({"all": trial.EVERYBODY}, None, [6, 1, 2, 3])
    found = words_of(curve.draw(shown("efs", results={"efs": result}, horizons=(6,))))

    assert ["6-year EFS,\n% (SE)"] == [word for word in found if word.endswith("% (SE)")]
