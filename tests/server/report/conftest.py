"""The made-up trial of the displays' tests, and its report built once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from riskset_common.estimators.read_back import results_from_json
from riskset_server.report import build_report


@pytest.fixture(scope="session")
def trial() -> ModuleType:
    """The module `made_up_trial` of the displays' tests."""
    path = Path(__file__).parents[1] / "displays" / "made_up_trial.py"
    spec = importlib.util.spec_from_file_location("made_up_trial", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def built(trial: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report with ten displays."""
    out = tmp_path_factory.mktemp("report")
    build_report(
        results_from_json(trial.study_results()),
        trial.study_plan(trial.DISPLAYS),
        trial.study_codebook(),
        out,
    )
    return out


@pytest.fixture(scope="session")
def page(built: Path) -> str:
    return (built / "report.html").read_text(encoding="utf-8")
