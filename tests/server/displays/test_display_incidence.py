"""The figure and the table of cumulative incidence: lines by cause and group, tests by cause, and what was withheld."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from riskset_common.estimators.read_back import analysis_from_json, results_from_json
from riskset_server.displays.figures import curve
from riskset_server.displays.figures.lines import groups_of, lines
from riskset_server.displays.parts.display import WHOLE
from riskset_server.displays.tables import incidence
from riskset_server.report.methods import methods

ARMS = {"IB": 40, "ADE_MAE": 44}
CAUSES = ("relapse", "death_in_cr")
RULE = {"withheld": "minimum_at_risk 10"}


def cause_of(n: int, cause: int, at: list[float]) -> dict[str, Any]:
    """Every fourth patient, from the first or the second on, has the event of a cause, one patient a tenth of a year."""
    order = np.arange(n)
    events = (order % 4 == cause).astype(int)
    competing = (order % 4 == 1 - cause).astype(int)
    incidence_ = np.cumsum(events) / n
    time = (order + 1) / 10
    places = [int(np.searchsorted(time, each, side="right")) - 1 for each in at]
    values = {
        "incidence": incidence_,
        "std_err": np.sqrt(incidence_ * (1 - incidence_) / n),
        "lower": incidence_ / 2,
        "upper": np.minimum(1.5 * incidence_, 1),
    }
    return {
        "events": int(events.sum()),
        "at": [
            {"time": each, "at_risk": n - place - 1, "events_to": int(events[: place + 1].sum())}
            | {name: float(found[place]) for name, found in values.items()}
            for each, place in zip(at, places, strict=True)
        ],
        "curve": {
            "time": time.tolist(),
            "at_risk": (n - order).tolist(),
            "events": events.tolist(),
            "competing": competing.tolist(),
            "censored": (1 - events - competing).tolist(),
        }
        | {name: found.tolist() for name, found in values.items()},
    }


def result_of(at: list[float], *, tests: bool = True, grouped: bool = True) -> dict[str, Any]:
    """A cumulative_incidence entry of results.json."""
    arms = ARMS if grouped else {"": 84}
    groups = [
        {
            "level": {"arm": arm} if arm else {},
            "n": n,
            "events": n // 2,
            "causes": {name: cause_of(n, k, at) for k, name in enumerate(CAUSES)},
        }
        for arm, n in arms.items()
    ]
    test = {"name": "Gray", "strata": [], "statistic": 2.5, "df": 1, "p_value": 0.1138}
    test |= {"observed": [10.0, 11.0], "expected": [10.5, 10.5], "covariance": [[5.0, -5.0]] * 2}
    result = {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "causes": list(CAUSES),
        "n": 84,
        "events": 42,
        "missing": 3,
        "ci": "log-log",
        "level": 0.95,
        "groups": groups,
        "warnings": [],
    }
    by_cause = {"relapse": test, "death_in_cr": test | {"strata": ["sex"], "rho": 1.0}}
    return result | ({"tests": by_cause} if tests else {})


@pytest.fixture
def of(trial, shown):
    """What a display of one or several such results shows."""

    def make(*results: dict[str, Any], release: str = "exact", **display: Any) -> Any:
        names = [f"cif_{index}" for index in range(len(results))]
        analyses = [
            {"id": name, "kind": "cumulative_incidence", "endpoint": "EFS"}
            | ({"by": ["arm"]} if result["groups"][0]["level"] else {})
            for name, result in zip(names, results, strict=True)
        ]
        plan = trial.study_plan(analyses=analyses, displays=[], disclosure={"release": release})
        by_name = dict(zip(names, results, strict=True))
        return shown(*names, plan=plan, results=by_name, **display)

    return make


def test_each_cause_of_each_group_is_a_line_that_begins_at_nothing(of):
    result = result_of([3.0])
    found = lines(of(result))

    assert [
        "Relapse, IB",
        "Relapse, ADE+MAE",
        "Death in CR, IB",
        "Death in CR, ADE+MAE",
    ] == [line.label for line in found]
    for line, (cause, group) in zip(
        found, itertools.product(CAUSES, result["groups"]), strict=True
    ):
        exact = group["causes"][cause]["curve"]["incidence"]

        np.testing.assert_allclose([0, *(100 * f for f in exact)], line.height)


def test_one_colour_is_one_group_and_no_two_lines_have_the_same_dashes(of):
    found = lines(of(result_of([3.0])))

    assert [(0, 0), (1, 1), (0, 2), (1, 3)] == [
        (line.style.colour, line.style.dashes) for line in found
    ]
    assert ["IB", "ADE+MAE"] == [line.label for line in groups_of(found)]


def test_without_groups_each_cause_has_its_colour(of):
    found = lines(of(result_of([3.0], tests=False, grouped=False)))

    assert [("Relapse", 0), ("Death in CR", 1)] == [
        (line.label, line.style.colour) for line in found
    ]


def test_the_figure_prints_estimates_tests_and_patients_at_risk(of, misplaced):
    drawing = curve.draw(of(result_of([3.0]), at_risk=("at_risk", "events")))
    texts = [text.get_text() for text in drawing.figure.findobj(Text)]

    assert [] == misplaced(drawing)
    assert "Relapse: Gray's test P = .11 (1 df)" in texts
    assert "Death in CR: Gray's test, stratified by sex, P = .11 (1 df)" in texts
    assert "3-year incidence,\n% (SE)" in texts
    assert "Cumulative incidence (%)" in texts
    assert "No. at risk" in texts
    assert "Events" in texts
    assert 3 == texts.count("44"), "two causes inside, one row of patients at risk below"
    assert any("Aalen\N{EN DASH}Johansen" in line for line in drawing.legend)


def test_without_horizons_the_figure_shows_patients_and_events_only(of, misplaced):
    drawing = curve.draw(of(result_of([], tests=False, grouped=False)))
    texts = [text.get_text() for text in drawing.figure.findobj(Text)]

    assert [] == misplaced(drawing)
    assert {"No.", "Events", "84", "21"} <= set(texts)
    assert not any("Median" in text for text in texts)


def test_the_estimates_move_to_a_corner_that_no_curve_enters(of):
    result = result_of([3.0], tests=False, grouped=False)
    early = copy.deepcopy(result)
    for cause in early["groups"][0]["causes"].values():
        for name in ("incidence", "lower", "upper"):
            cause["curve"][name] = [0.98 * (k > 60) for k in range(84)]
    texts = [
        text
        for text in curve.draw(of(early)).figure.findobj(Text)
        if text.get_text() == "Events" and text.get_position()[1] > 0.5
    ]

    assert 1 == len(texts)
    assert texts[0].get_position()[0] * curve.draw(of(early)).figure.get_size_inches()[0] < (
        0.75 * WHOLE.width
    )


def test_the_table_has_a_row_for_each_group_below_each_cause(of):
    table = incidence.make(of(result_of([3.0, 4.0])))

    assert (
        "Event and group",
        "No.",
        "Events",
        "3-year incidence, % (SE)",
        "95% CI",
        "4-year incidence, % (SE)",
        "95% CI",
    ) == table.heads
    assert [
        ("Relapse", 0),
        ("IB", 1),
        ("ADE+MAE", 1),
        ("Death in CR", 0),
        ("IB", 1),
        ("ADE+MAE", 1),
    ] == [(row.label.text, row.indent) for row in table.rows]
    assert ["40", "10", "20.0 (6.3)", "10.0 to 30.0"] == [
        cell.text for cell in table.rows[1].cells[:4]
    ]
    assert "Gray's test of relapse: χ² = 2.50, 1 df, P = .11 (planned)." in table.notes
    assert (
        "Gray's test (rho = 1) of death in CR stratified by sex: χ² = 2.50, 1 df, P = .11 (planned)."
        in table.notes
    )
    assert "3 patients with missing values left out." in table.notes


def test_several_analyses_stand_below_their_titles(of):
    first, second = result_of([3.0]), result_of([3.0], tests=False, grouped=False)
    table = incidence.make(of(first, second | {"missing": 0}))
    found = lines(of(first, second))

    assert [0, 1, 2, 2, 1, 2, 2, 0, 1, 1] == [row.indent for row in table.rows]
    assert any("event-free survival by randomised arm: Gray" in note for note in table.notes)
    assert len({(line.style.colour, line.style.dashes) for line in found}) == len(found)


def test_what_was_withheld_is_said(of):
    result = result_of([3.0])
    small = result["groups"][0]
    result["groups"][0] = {
        name: found if name == "level" else RULE for name, found in small.items()
    }
    result["tests"] = dict.fromkeys(CAUSES, RULE)
    table = incidence.make(of(result, release="rounded"))
    drawing = curve.draw(of(result, release="rounded"))
    texts = [text.get_text() for text in drawing.figure.findobj(Text)]

    assert ["withheld"] * 4 == [cell.text for cell in table.rows[1].cells]
    assert "Relapse: Test withheld" in texts
    assert any("withheld under the disclosure rule minimum_at_risk 10" in n for n in table.notes)
    assert any("Withheld under the disclosure rule" in line for line in drawing.legend)


def test_a_figure_whose_first_incidence_is_withheld_is_one_of_incidences(of):
    shown = of(result_of([3.0]), result_of([3.0]))
    held = analysis_from_json({"kind": "cumulative_incidence", "warnings": [], "n": RULE})
    drawn = curve.draw(replace(shown, parts=(replace(shown.parts[0], result=held), shown.parts[1])))

    assert "Aalen\N{EN DASH}Johansen estimates; events of other kinds compete." in drawn.notes


def test_the_methods_name_estimator_test_and_cause(trial, of):
    display = of(result_of([3.0]))
    plan = display.words.plan.model_copy(deep=True)
    parts = {part.spec.id: part for part in display.parts}
    results = results_from_json(trial.study_results())
    text = " ".join(methods(results, parts, display.words))

    assert "Aalen\N{EN DASH}Johansen method with Aalen's standard errors" in text
    assert "Groups are compared by Gray's test (cif_0)." in text

    plan = trial.study_plan(
        analyses=[{"id": "rel", "kind": "kaplan_meier", "endpoint": "EFS", "cause": "relapse"}],
        displays=[],
    )
    result = trial.kaplan_meier_result({"all": trial.EVERYBODY}, None, [6]) | {"cause": "relapse"}
    part = type(display.parts[0])(plan.analyses[0], analysis_from_json(result))
    words = replace(display.words, plan=plan)
    text = " ".join(methods(results, {"rel": part}, words))

    assert "In rel the event is relapse, and patients with another event are censored" in text
    assert "Event-free survival, relapse as the event" == words.title(plan.analyses[0])


def test_a_curve_of_one_cause_is_freedom_from_it(trial, shown):
    plan = trial.study_plan(
        analyses=[{"id": "rel", "kind": "kaplan_meier", "endpoint": "EFS", "cause": "death_in_cr"}],
        displays=[],
    )
    result = trial.kaplan_meier_result({"all": trial.EVERYBODY}, None, [6])
    drawing = curve.draw(
        shown("rel", plan=plan, results={"rel": result | {"cause": "death_in_cr"}})
    )
    texts = [text.get_text() for text in drawing.figure.findobj(Text)]

    assert "Freedom from death in CR (%)" in texts
    assert "6-year freedom from death in CR,\n% (SE)" in texts
    assert any("of another kind are censored" in line for line in drawing.legend)
