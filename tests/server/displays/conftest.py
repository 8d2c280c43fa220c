"""The made-up trial, and what a display is made from."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from riskset_common.plan import Display
from riskset_server.displays import figure
from riskset_server.displays.display import Part, Shown
from riskset_server.displays.words import Words

Draw = Callable[..., figure.Drawing]


@pytest.fixture(scope="session")
def trial() -> ModuleType:
    """The module `made_up_trial` beside this file."""
    spec = importlib.util.spec_from_file_location(
        "made_up_trial", Path(__file__).with_name("made_up_trial.py")
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def words(trial: ModuleType) -> Words:
    return Words(trial.study_plan(), trial.study_codebook())


@pytest.fixture
def shown(trial: ModuleType) -> Callable[..., Shown]:
    """Make what a display shows: names of analyses, and by name those of their results that differ from the trial's."""

    def make(
        *names: str, plan: Any = None, results: Any = None, title: str = "Title", **display: Any
    ) -> Shown:
        chosen = plan or trial.study_plan()
        found = trial.study_results()["analyses"] | (results or {})
        parts = tuple(Part(chosen.analysis(name), found[name]) for name in names)
        words = Words(chosen, trial.study_codebook())
        return Shown(Display(figure="Fig", of=names, **display), title, parts, words)

    return make


@pytest.fixture(autouse=True)
def drawn_alike() -> Iterator[None]:
    """Every figure of these tests is drawn under the report's settings."""
    with figure.settings():
        yield
