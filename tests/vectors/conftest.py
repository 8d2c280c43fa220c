"""The vectors beside this file, and the plain implementation that wrote them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def plain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plain_secure_sum", HERE / "plain_secure_sum.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def primitives() -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((HERE / "sa1_primitives.json").read_text("utf-8"))
    return vector
