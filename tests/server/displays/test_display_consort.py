"""The flow of patients as a table and as a CONSORT diagram: every box where it belongs, and no text over another."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.lines import Line2D

from riskset_server.displays.figures import consort
from riskset_server.displays.figures.tree import Box, Standing, standing, wrapped
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.parts.figure import Drawing
from riskset_server.displays.tables import flow

EXTRA = "  - {id: patients, kind: flow, steps: [enrolled, risk_group, arm]}\n"
WITHHELD = {"withheld": "minimum_cell 5"}


def box(*path: tuple[str, str | None], n: Any, percent: Any) -> dict[str, Any]:
    step, level = path[-1] if path else (None, None)
    return {
        "depth": len(path),
        "step": step,
        "level": level,
        "path": dict(path),
        "n": n,
        "percent": percent,
    }


def result(*boxes: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "flow",
        "n": boxes[0]["n"],
        "missing": 0,
        "steps": ["risk_group", "arm"],
        "boxes": list(boxes),
        "warnings": [],
    }


MEDIUM, HIGH = ("risk_group", "MR"), ("risk_group", "HR")
PATIENTS = result(
    box(n=651, percent=100.0),
    box(("risk_group", "LR"), n=167, percent=25.65),
    box(MEDIUM, n=320, percent=49.16),
    box(MEDIUM, ("arm", "IB"), n=119, percent=37.19),
    box(MEDIUM, ("arm", "ADE_MAE"), n=120, percent=37.5),
    box(MEDIUM, ("arm", None), n=81, percent=25.31),
    box(HIGH, n=164, percent=25.19),
    box(HIGH, ("arm", "IB"), n=42, percent=25.61),
    box(HIGH, ("arm", "ADE_MAE"), n=WITHHELD, percent=WITHHELD),
    box(HIGH, ("arm", None), n=WITHHELD, percent=WITHHELD),
    box(("risk_group", None), n=0, percent=0.0),
)


@pytest.fixture
def patients(trial: ModuleType, shown: Callable[..., Shown]) -> Callable[..., Shown]:
    def make(found: dict[str, Any] = PATIENTS) -> Shown:
        return shown("patients", plan=trial.study_plan(EXTRA), results={"patients": found})

    return make


def words_of(drawing: Drawing) -> list[str]:
    return [text.get_text().replace("\N{NO-BREAK SPACE}", " ") for text in drawing.figure.texts]


def lines_of(drawing: Drawing) -> list[Line2D]:
    found: list[Line2D] = drawing.figure.findobj(Line2D)
    return found


def test_the_table_indents_each_box_below_the_one_it_is_split_from(
    patients: Callable[..., Shown],
) -> None:
    assert """\
Patients,No.,%
All patients,651,
  Risk group: Low,167,25.6
  Risk group: Medium,320,49.2
    Randomised arm: IB,119,37.2
    Randomised arm: ADE+MAE,120,37.5
    Randomised arm not known,81,25.3
  Risk group: High,164,25.2
    Randomised arm: IB,42,25.6
    Randomised arm: ADE+MAE,withheld [a],withheld [a]
    Randomised arm not known,withheld [a],withheld [a]
[a] Withheld under the disclosure rule minimum_cell 5.,,
NOTE. Indented patients are part of those above. Percentages are of the box above.,,
"Abbreviations: No., number of patients.",,
""" == flow.make(patients()).csv()


def test_the_boxes_say_who_is_in_them(patients: Callable[..., Shown]) -> None:
    found = words_of(consort.draw(patients()))

    assert "All patients (n = 651)" == found[0]
    assert "Low (n = 167)" in found
    assert "IB (n = 119)" in found
    assert "ADE+MAE (withheld [a])" in " ".join(" ".join(found).split())
    assert not any("Risk group" in text for text in found)


def test_what_is_withheld_is_explained_below(patients: Callable[..., Shown]) -> None:
    assert (
        "NOTE. Groups without patients are left out.",
        "[a] Withheld under the disclosure rule minimum_cell 5.",
    ) == consort.draw(patients()).legend


def test_ends_of_the_flow_stand_together_in_one_box(patients: Callable[..., Shown]) -> None:
    drawing = consort.draw(patients())
    places = [text.get_position() for text in drawing.figure.texts]
    place = dict(zip(words_of(drawing), places, strict=True))

    assert place["IB (n = 119)"][0] == place["ADE+MAE (n = 120)"][0]
    assert place["IB (n = 119)"][1] > place["ADE+MAE (n = 120)"][1]


def test_no_text_covers_another(
    patients: Callable[..., Shown], misplaced: Callable[..., list[tuple[str, ...]]]
) -> None:
    assert [] == misplaced(consort.draw(patients()))


def test_nobody_is_one_box(patients: Callable[..., Shown]) -> None:
    drawing = consort.draw(patients(result(box(n=0, percent=None))))

    assert ["All patients (n = 0)"] == words_of(drawing)


def wide(n_groups: int) -> dict[str, Any]:
    boxes = [box(n=1000, percent=100.0)]
    for index in range(n_groups):
        first = ("risk_group", f"group {index} of a long name that needs several lines")
        boxes += [
            box(first, n=90, percent=9.0),
            box(first, ("arm", "IB"), n=50, percent=55.6),
            box(first, ("arm", "ADE_MAE"), n=40, percent=44.4),
        ]
    return result(*boxes)


@pytest.mark.parametrize("n_groups", [1, 2, 3, 9])
def test_many_groups_have_room(
    n_groups: int, patients: Callable[..., Shown], misplaced: Callable[..., list[tuple[str, ...]]]
) -> None:
    drawing = consort.draw(patients(wide(n_groups)))

    assert [] == misplaced(drawing)
    assert drawing.figure.get_size_inches()[0] < 11


def test_a_tree_that_is_too_wide_grows_to_the_right(patients: Callable[..., Shown]) -> None:
    def heads(drawing: Drawing) -> set[str]:
        return {str(line.get_marker()) for line in lines_of(drawing)} - {"None", ""}

    few, many = (consort.draw(patients(wide(n))) for n in (2, 9))

    assert {"v"} == heads(few)
    assert {">"} == heads(many)


def test_every_arrow_ends_at_the_box_below(patients: Callable[..., Shown]) -> None:
    drawing = consort.draw(patients(wide(2)))
    boxes = [line for line in lines_of(drawing) if len(np.asarray(line.get_xdata())) == 5]
    arrows = [line for line in lines_of(drawing) if len(np.asarray(line.get_xdata())) == 4]
    tops = {
        (round(float(np.mean(x[:2])), 9), round(float(y[0]), 9))
        for x, y in ((np.asarray(one.get_xdata()), np.asarray(one.get_ydata())) for one in boxes)
    }
    ends = {
        (
            round(float(np.asarray(one.get_xdata())[-1]), 9),
            round(float(np.asarray(one.get_ydata())[-1]), 9),
        )
        for one in arrows
    }

    assert 7 == len(boxes)
    assert 6 == len(arrows)
    assert ends < tops


trees = st.recursive(
    st.builds(
        Box, st.lists(st.text("abc ", min_size=1, max_size=9), min_size=1, max_size=3).map(tuple)
    ),
    lambda below: st.builds(
        Box, st.just(("a box",)), st.lists(below, min_size=1, max_size=4).map(tuple)
    ),
    max_leaves=12,
)


@given(tree=trees)
def test_no_two_boxes_touch(tree: Box) -> None:
    top, _ = standing(tree, gap=0.3)
    placed = list(top.all())

    def apart(one: Standing, other: Standing) -> bool:
        return (
            abs(one.x - other.x) >= (one.width + other.width) / 2 + 0.15
            or abs(one.y - other.y) >= (one.height + other.height) / 2 + 0.15
        )

    assert all(apart(one, other) for i, one in enumerate(placed) for other in placed[:i])
    assert min(each.x - each.width / 2 for each in placed) > -1e-9
    assert min(each.y - each.height / 2 for each in placed) > -1e-9


def test_a_word_that_is_too_long_has_a_line_to_itself() -> None:
    assert ("a", "Donaudampfschifffahrtsgesellschaft", "b") == wrapped(
        "a Donaudampfschifffahrtsgesellschaft b", 0.5
    )
