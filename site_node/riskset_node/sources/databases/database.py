"""What a kind of database is to the source `sql`: how it is opened, which types it may give, and how its errors are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from riskset_common.errors import DataError, NodeConfigError, RisksetError
from riskset_node.sources.databases.address import Address
from riskset_node.sources.source import Examined

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPICursor

CONNECT_SECONDS = 5
"""Within which a database must answer."""

GRACE_SECONDS = 5
"""After the time limit, in which the database may still end the query itself."""

READER = """create role riskset_reader login noinherit nosuperuser nocreatedb connection limit 2;
alter role riskset_reader set default_transaction_read_only = on;
alter role riskset_reader set statement_timeout = '300s';
create view trial.riskset_export as select ... from ...;      -- one row a patient, only what is needed
revoke all on schema trial from riskset_reader; grant usage on schema trial to riskset_reader;
grant select on trial.riskset_export to riskset_reader;"""
"""What the database's people run, in PostgreSQL's words; docs/node.md shows the same."""


@dataclass(frozen=True)
class Limits:
    """What the node asks of a connection: seconds that a query may take, and the file of the certificate authority."""

    timeout: int
    ca: Path | None


class Database(Protocol):
    """One kind of database."""

    @property
    def drivers(self) -> tuple[str, ...]:
        """What the URL of one begins with; the first is the one to write."""
        ...

    @property
    def quote(self) -> str:
        """The sign around the name of a column."""
        ...

    def place(self, address: Address) -> str:
        """What messages call it, after `sql`."""
        ...

    def engine(self, address: Address, limits: Limits) -> Engine:
        """What connects: read only, encrypted unless it is on this machine, within the limits."""
        ...

    def check_types(
        self, connection: Connection, columns: Sequence[tuple[str, object]], place: str
    ) -> None:
        """Raise `DataError` if a column, given with its type in the driver's words, holds something else than one value."""
        ...

    def cut_off(self, connection: Connection) -> Callable[[], None]:
        """What ends a reading from another thread, even if the database is silent."""
        ...

    def told(self, error: BaseException, place: str, timeout: int) -> RisksetError:
        """The error of a driver in a data manager's words, without a value of a patient and without what is secret."""
        ...

    def examined(self, connection: Connection) -> Iterator[Examined]:
        """What `doctor` learns: TLS, and what the role may do beside reading."""
        ...


def no_such_driver(package: str, extra: str) -> NodeConfigError:
    """The package that speaks with this database is not there."""
    return NodeConfigError(
        f"kind: sql needs {package} for this database, which is not installed. Install it with: pip install 'riskset-node[{extra}]'"
    )


def wrong_type(place: str, column: str, kind: str) -> DataError:
    """A column holds something else than texts, numbers, true and false, days and moments."""
    return DataError(
        f"{place}: column {column!r} holds values of type {kind}, of which none can be read as a text, a number or a day. "
        "Take out what you need in the query or the view (for example as text), or leave the column out."
    )


def not_reached(place: str, why: str) -> NodeConfigError:
    """The database does not answer."""
    return NodeConfigError(f"{place}: cannot be reached: {why}.")


def too_slow(place: str, timeout: int) -> NodeConfigError:
    """The query took longer than `timeout` seconds."""
    return NodeConfigError(
        f"{place}: the records were not read within {timeout} seconds. Ask the database's people why the query is slow, or set "
        "data.source.timeout to more seconds."
    )


def ended_early(place: str) -> DataError:
    """The connection broke while the rows came, so that they are not all."""
    return DataError(
        f"{place}: the connection ended while the records were read, so they are not complete, and none is used. Try again; if it "
        "happens again, ask the database's people."
    )


def not_allowed(place: str, said: str) -> NodeConfigError:
    """The role may not read what is asked."""
    return NodeConfigError(
        f"{place}: the database does not allow it ({said}). Ask the database's people for the right to read it: grant select on it."
    )


def not_a_select(place: str, said: str) -> NodeConfigError:
    """The query is not one SELECT."""
    return NodeConfigError(
        f"{place}: the database does not understand data.source.query ({said}). It must be one SELECT, whole by itself: no second "
        "statement, no INSERT, UPDATE or DELETE."
    )


def only_reading(place: str) -> NodeConfigError:
    """The query writes."""
    return NodeConfigError(
        f"{place}: data.source.query would change the database, and the node only reads. It must be one SELECT that changes nothing."
    )


def close_broken(cursor: DBAPICursor) -> None:
    """Close a cursor that SQLAlchemy leaves open where its connection broke: the connection first, for then nothing is asked of it."""
    if not getattr(cursor, "closed", True):
        with suppress(Exception):
            cursor.connection.close()
            cursor.close()


@contextmanager
def within(seconds: int, end: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Call `end` from another thread if the block takes longer than that and the grace; the value says whether it was called."""
    over = threading.Event()

    def ring() -> None:
        over.set()
        end()

    timer = threading.Timer(seconds + GRACE_SECONDS, ring)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()
