"""The database of the centre: opened by URL, and brought to the newest form of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from riskset_common.errors import InputError
from riskset_common.programs.secret_files import append


class Database:
    """An open database. Several programs may have it open: the commands, and the driver of a run."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: all of it is written when the block ends, or nothing where it raises."""
        with Session(self._engine) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Open the database at `url` and migrate it to the newest form.

    Raises
    ------
    InputError
        Where the URL is none, or the database cannot be reached.
    """
    try:
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            _close_file(engine.url.database)
            event.listen(engine, "connect", _careful)
        migrate(engine)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, DBAPIError) as error:
        raise InputError(
            f"store: the database cannot be opened ({type(error).__name__}: {str(error).splitlines()[0]}). "
            "Write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        ) from error
    return Database(engine)


def _close_file(path: str | None) -> None:
    """The file of a SQLite database, for its owner alone: it holds every opening. SQLite gives its neighbours the same mode."""
    if path and path != ":memory:":
        with suppress(
            OSError
        ):  # a folder that is not there, or a file of another user: SQLite says so
            append(Path(path), b"")
            Path(path).chmod(0o600)


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _careful(connection: Connection, _: object) -> None:
    """SQLite: readers do not wait for the writer, writers wait for each other, and what is committed is on the disk."""
    for pragma in (
        "busy_timeout = 30000",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
