"""The small study of the end-to-end tests: in a fresh folder, and once run."""

from __future__ import annotations

from pathlib import Path

import pytest
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
