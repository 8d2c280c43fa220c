"""The made-up trial, and what a display is made from."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from riskset_common.estimators.read_back import analysis_from_json
from riskset_common.study.displays import Display
from riskset_server.displays.parts import figure
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.words import Words
from riskset_server.kinds.kinds import words_of


@pytest.fixture(scope="session")
def trial() -> ModuleType:
    """The module `made_up_trial` beside this file."""
    spec = importlib.util.spec_from_file_location(
        "made_up_trial", Path(__file__).with_name("made_up_trial.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def words(trial: ModuleType) -> Words:
    return words_of(trial.study_plan(), trial.study_codebook())


@pytest.fixture(scope="session")
def shown(trial: ModuleType) -> Callable[..., Shown]:
    """Make what a display shows: names of analyses, and by name those of their results that differ from the trial's."""

    def make(
        *names: str, plan: Any = None, results: Any = None, title: str = "Title", **display: Any
    ) -> Shown:
        chosen = plan or trial.study_plan()
        found = trial.study_results()["analyses"] | (results or {})
        parts = tuple(
            Part(chosen.analysis(name), analysis_from_json(found[name])) for name in names
        )
        words = words_of(chosen, trial.study_codebook())
        return Shown(Display(figure="Fig", of=names, **display), title, parts, words)

    return make


@pytest.fixture(autouse=True)
def drawn_alike() -> Iterator[None]:
    """Every figure of these tests is drawn under the report's settings."""
    with figure.settings():
        yield


def boxes_of(drawing: figure.Drawing) -> list[tuple[str, Any]]:
    """Each text that is drawn, and its extent in points."""
    renderer = FigureCanvasAgg(drawing.figure).get_renderer()
    drawing.figure.draw_without_rendering()
    found = [text for text in drawing.figure.findobj(Text) if text.get_visible()]
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in found
        if text.get_text().strip()
    ]


@pytest.fixture(scope="session")
def misplaced() -> Callable[[figure.Drawing], list[tuple[str, ...]]]:
    """Give the pairs of texts of a figure that cover one another, and the texts that leave it."""

    def find(drawing: figure.Drawing) -> list[tuple[str, ...]]:
        boxes = boxes_of(drawing)
        width, height = drawing.figure.get_size_inches() * figure.POINTS_PER_INCH
        covering: list[tuple[str, ...]] = [
            (one, other)
            for (one, first), (other, second) in itertools.combinations(boxes, 2)
            if min(first.x1, second.x1) - max(first.x0, second.x0) > 0.3
            and min(first.y1, second.y1) - max(first.y0, second.y0) > 0.3
        ]
        leaving = [
            (text,)
            for text, box in boxes
            if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
        ]
        return covering + leaving

    return find
