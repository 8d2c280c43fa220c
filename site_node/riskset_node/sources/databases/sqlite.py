"""SQLite: one file on this machine, opened so that it cannot be written."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from riskset_common.errors import DataError, NodeConfigError, RisksetError
from riskset_node.sources.databases.address import Address
from riskset_node.sources.databases.database import (
    Limits,
    not_a_select,
    only_reading,
    too_slow,
)
from riskset_node.sources.source import Examined

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_STEPS = 100_000
"""Steps of SQLite between two looks at the clock: a few milliseconds."""


class Sqlite:
    """A file of SQLite 3."""

    drivers: tuple[str, ...] = ("sqlite",)
    quote: str = '"'

    def place(self, address: Address) -> str:
        """The file."""
        return str(_file(address))

    def engine(self, address: Address, limits: Limits) -> Engine:
        """Read only whatever the URL says; a query that takes too long is ended."""
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        # Those of the URL that SQLite itself knows; the node sets them whatever they are.
        address.check_parameters("mode", "uri")
        if limits.ca is not None:
            raise NodeConfigError(
                "data.source.ca has no effect on a SQLite file, to which nothing connects. Remove it."
            )
        path = _file(address)
        if not path.is_file():
            raise NodeConfigError(
                f"{path}: there is no such file. Check {address.setting} in node.yaml."
            )
        return create_engine("sqlite://", poolclass=NullPool, creator=lambda: _opened(path, limits))

    def check_types(
        self, connection: Connection, columns: Sequence[tuple[str, object]], place: str
    ) -> None:
        """Its columns have no types; each value is looked at when it is read."""

    def cut_off(self, connection: Connection) -> Callable[[], None]:
        """Interrupt it, as SQLite allows from any thread."""
        opened = connection.connection.driver_connection
        if not isinstance(opened, sqlite3.Connection):
            raise TypeError("this is no connection of sqlite3.")
        return opened.interrupt

    def told(self, error: BaseException, place: str, timeout: int) -> RisksetError:
        """By SQLite's own words, which speak of names and never of values."""
        said = str(error)
        if "interrupted" in said:
            return too_slow(place, timeout)
        if "readonly" in said or "not authorized" in said:
            return only_reading(place)
        if "no such table" in said:
            return NodeConfigError(
                f"{place}: {said}. Correct data.source.table or data.source.query."
            )
        if any(word in said for word in ("syntax", "one statement", "no such", "incomplete")):
            return not_a_select(place, said)
        if "locked" in said or "busy" in said:
            return NodeConfigError(f"{place}: another program writes to it. Try again later.")
        if "not a database" in said or "image is malformed" in said:
            return DataError(
                f"{place}: not a file of SQLite that can be read. Check the path, or copy the file again."
            )
        if "unable to open" in said:
            return NodeConfigError(
                f"{place}: cannot be opened. Check who may read it and its folder."
            )
        undecoded = re.match(r"Could not decode to UTF-8 column ('[^']*')", said)
        if undecoded is not None:
            return DataError(
                f"{place}: column {undecoded[1]} holds texts that are not in UTF-8. Write the file again with texts in UTF-8."
            )
        # The rest may speak of values.
        return DataError(
            f"{place}: SQLite cannot compute what the query asks. Try the query with the program sqlite3; it says more."
        )

    def examined(self, connection: Connection) -> Iterator[Examined]:
        """When the file was written."""
        file = connection.exec_driver_sql("pragma database_list").one()[2]
        written = datetime.fromtimestamp(Path(file).stat().st_mtime, UTC)
        yield Examined(f"opened for reading only; written on {written:%Y-%m-%d}")


def _file(address: Address) -> Path:
    path = Path(address.database.removeprefix("file:"))
    if not path.is_absolute():
        raise NodeConfigError(
            f"{address.setting}: write the whole path of the SQLite file, from / on: sqlite:////srv/trial.db; or write the URL into "
            "node.yaml itself, where a path is relative to its folder."
        )
    return path


def _opened(path: Path, limits: Limits) -> sqlite3.Connection:
    opened = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    opened.execute("pragma query_only = on")
    end = time.monotonic() + limits.timeout
    opened.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    return opened
