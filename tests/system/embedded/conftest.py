"""The small study of the end-to-end tests: in a fresh folder, and once run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from tests.system.end_to_end.small_study import SmallStudy, write_small_study


@pytest.fixture
def study(tmp_path: Path) -> SmallStudy:
    """A study that a test may change before it runs it."""
    return write_small_study(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """A study that was run; only to be read."""
    made = write_small_study(tmp_path_factory.mktemp("finished"))
    ended = made.run()
    if ended.exit_code != 0:
        raise AssertionError(ended.stderr)
    return made


@pytest.fixture
def quiet() -> Iterator[None]:
    """No log lines of what a test loses on purpose."""
    structlog.configure(processors=[_dropped])
    yield
    structlog.reset_defaults()


def _dropped(*_: object) -> str:
    raise structlog.DropEvent
