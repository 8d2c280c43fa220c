"""How examples are chosen in every test, where its folders lie, which tests go to one worker together, and a log that is quiet."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from tests.workers import FederationsTogether

# The gate replays the same few examples, so that a red run means a change and not a draw; `make slow` replays four times as many,
# and `make search` draws new ones. No limit on the time of one, which depends on what else the machine does. A few are for the copy of
# the checkout in which tests/house adds an estimator.
settings.register_profile("few", max_examples=3, derandomize=True, deadline=None)
settings.register_profile("gate", max_examples=25, derandomize=True, deadline=None)
settings.register_profile("slow", max_examples=100, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes that must be free there: more than all tests leave at one time."""


def lay_folders_in_memory() -> None:
    """Temporary folders lie in memory where the machine has room: a node writes through to the disk at every step."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return
    if shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


lay_folders_in_memory()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FederationsTogether | None:
    """With `--dist=loadscope` a scope is what belongs together here."""
    if config.getoption("dist") != "loadscope":
        return None
    return FederationsTogether(config, log)


@pytest.fixture
def quiet() -> Iterator[None]:
    """No log lines of what a test loses on purpose."""
    structlog.configure(processors=[_dropped])
    yield
    structlog.reset_defaults()


def _dropped(*_: object) -> str:
    raise structlog.DropEvent
