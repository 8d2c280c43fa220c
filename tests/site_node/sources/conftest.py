"""Sources that are no file: a database server that runs while they are tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.postgres_server import Postgres, postgres

from riskset_node.sources.sql import SqlSettings


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server, started in the worker that needs it."""
    with postgres() as running:
        yield running


@pytest.fixture
def sql_settings(tmp_path: Path) -> Callable[..., SqlSettings]:
    """Settings whose URL is in a file that its owner alone can read, as the documentation says."""

    def make(url: str, **more: object) -> SqlSettings:
        secret = tmp_path / "trial-db.url"
        secret.write_text(url + "\n", encoding="utf-8")
        secret.chmod(0o600)
        given = {"kind": "sql", "url": f"file:{secret}", **more}
        return SqlSettings.model_validate(given)

    return make
