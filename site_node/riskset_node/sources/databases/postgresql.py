"""PostgreSQL, through psycopg."""

from __future__ import annotations

import datetime
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from riskset_common.errors import DataError, NodeConfigError, RisksetError
from riskset_node.sources.databases.address import Address
from riskset_node.sources.databases.database import (
    CONNECT_SECONDS,
    READER,
    Limits,
    close_broken,
    ended_early,
    no_such_driver,
    not_a_select,
    not_allowed,
    not_reached,
    only_reading,
    too_slow,
    wrong_type,
)
from riskset_node.sources.source import Examined

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import Dialect, ExceptionContext
    from sqlalchemy.engine.interfaces import DBAPIConnection

_BOOLEAN, _QUOTED_CHAR, _UUID, _PADDED = 16, 18, 2950, 1042
_NUMBERS = (20, 21, 23, 700, 701, 1700)
_DATE, _MOMENT, _MOMENT_IN_ZONE = 1082, 1114, 1184
_ONE_VALUE = {_BOOLEAN, _QUOTED_CHAR, _UUID, *_NUMBERS, _DATE, _MOMENT, _MOMENT_IN_ZONE}
"""Numbers of types (pg_type.oid) that hold one value."""

_TEXT_OR_ENUM = ("S", "E")
"""Categories of types (pg_type.typcategory) that are read as text."""

_NOT_CONNECTED: Final[tuple[tuple[str, str], ...]] = (
    ("password authentication failed", "the database refuses this user or this password"),
    ("no password supplied", "the database asks for a password, and the URL has none"),
    (
        "no pg_hba.conf entry",
        "the database admits no such user from this machine. Ask its people to admit it (pg_hba.conf)",
    ),
    (
        "does not support SSL",
        "the database offers no TLS. Ask its people to switch it on; nothing was sent",
    ),
    (
        "certificate verify failed",
        "its certificate is not signed by the authority in data.source.ca",
    ),
    ("does not match host name", "its certificate is for another host than the URL names"),
    ("could not read root certificate file", "data.source.ca is no certificate in PEM form"),
    ("could not load root certificate file", "data.source.ca is no certificate in PEM form"),
    ("too many connections", "it has no connection left for this user. Try again later"),
    ("remaining connection slots", "it has no connection left for this user. Try again later"),
    ("starting up", "it is starting. Try again in a minute"),
    ("shutting down", "it is being stopped. Try again later"),
    ("Connection refused", "nothing listens at this host and port"),
    ("No such file or directory", "there is no socket of a server in this folder"),
    ("timeout expired", f"no answer within {CONNECT_SECONDS} seconds"),
    ("connection timeout", f"no answer within {CONNECT_SECONDS} seconds"),
    ("translate host name", "the name of the host is not known here"),
    ("failed to resolve host", "the name of the host is not known here"),
)
"""What libpq says, if the server speaks English, and what it means."""

_RELATIONS = """
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
and n.nspname !~ '^pg_' and has_schema_privilege(n.oid, 'USAGE')"""

_RIGHTS: Final = f"""
select r.rolsuper,
(select count(*) {_RELATIONS} and has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')),
(select count(*) from pg_catalog.pg_class c where c.relowner = r.oid)
+ (select count(*) from pg_catalog.pg_namespace n where n.nspowner = r.oid)
+ (select count(*) from pg_catalog.pg_database d where d.datdba = r.oid),
(select count(*) from pg_catalog.pg_namespace n where n.nspname !~ '^pg_'
and n.nspname <> 'information_schema' and has_schema_privilege(n.oid, 'CREATE')),
(select count(*) {_RELATIONS} and has_table_privilege(c.oid, 'SELECT'))
from pg_catalog.pg_roles r where r.rolname = current_user"""  # noqa: S608 - of constants


class PostgreSql:
    """PostgreSQL 12 or newer."""

    drivers: tuple[str, ...] = ("postgresql+psycopg", "postgresql")
    quote: str = '"'

    def place(self, address: Address) -> str:
        """Such as `trial on db.umc.example`."""
        return f"{address.database} on {address.hosts()[0]}"

    def engine(self, address: Address, limits: Limits) -> Engine:
        """Opened read only whatever the role may do, at one state of the database, with TLS verified for host and certificate."""
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool

        address.check_parameters("host", "port", "hostaddr", "sslcert", "sslkey", "krbsrvname")
        authority = address.authority(limits.ca)
        trusted = {} if authority is None else {"sslrootcert": authority}
        url = address.url.set(drivername=self.drivers[0])
        try:
            engine = create_engine(
                url,
                poolclass=NullPool,
                isolation_level="REPEATABLE READ",
                execution_options={"postgresql_readonly": True},
                hide_parameters=True,
                connect_args={
                    "connect_timeout": CONNECT_SECONDS,
                    "sslmode": "prefer" if authority is None else "verify-full",
                    # It would take the place of TLS, without the check of the certificate.
                    "gssencmode": "disable",
                    # What is not said here, libpq takes from the environment.
                    "hostaddr": address.parameter("hostaddr") or "",
                    "options": "",
                    "client_encoding": "UTF8",
                    "keepalives_idle": 30,
                    "application_name": "riskset-node",
                    **trusted,
                },
            )
        except ModuleNotFoundError:
            raise no_such_driver("psycopg", "sql") from None
        first = _FirstAnswers()
        event.listen(engine, "do_connect", first.await_them)
        event.listen(engine, "connect", lambda opened, _: _prepare(opened, limits.timeout))
        event.listen(engine, "connect", lambda *_: first.came())
        event.listen(engine, "handle_error", _close_cursor)
        return engine

    def check_types(
        self, connection: Connection, columns: Sequence[tuple[str, object]], place: str
    ) -> None:
        """Refuse arrays, JSON, bytes, intervals, times of day and whatever else is not one text, number or day."""
        numbers = sorted({kind for _, kind in columns if isinstance(kind, int)} - _ONE_VALUE)
        if not numbers:
            return
        listed = ", ".join(map(str, numbers))
        found = connection.exec_driver_sql(
            f"select oid::int8, typcategory::text, format_type(oid, null) from pg_catalog.pg_type where oid in ({listed})"  # noqa: S608 - whole numbers
        )
        bad = {oid: name for oid, category, name in found if category not in _TEXT_OR_ENUM}
        for column, kind in columns:
            if kind in bad:
                raise wrong_type(place, column, bad[kind])

    def cut_off(self, connection: Connection) -> Callable[[], None]:
        """Close the socket under libpq, which then finds the connection gone."""
        number = connection.connection.driver_connection.fileno()  # type: ignore[union-attr]  # psycopg's own connection

        def end() -> None:
            with socket.socket(fileno=os.dup(number)) as line:
                line.shutdown(socket.SHUT_RDWR)

        return end

    def told(self, error: BaseException, place: str, timeout: int) -> RisksetError:
        """By the code of the error (SQLSTATE); the server's own words only where they speak of names, and not of values."""
        state = getattr(error, "sqlstate", None)
        if not isinstance(state, str):
            return _connection_error(str(error), place)
        if state == "57014":
            return too_slow(place, timeout)
        said = str(getattr(getattr(error, "diag", None), "message_primary", "") or state)
        if state == "25006" or "data-modifying" in said:
            return only_reading(place)
        if state == "42501":
            return not_allowed(place, said)
        if state.startswith("42") or state == "0A000":
            return _wrong_names(state, said, place)
        if state.startswith("22"):
            return _wrong_value(state, place)
        return _server_error(state, place)

    def examined(self, connection: Connection) -> Iterator[Examined]:
        """TLS, and what the role may do beside reading one view."""
        encrypted = connection.connection.driver_connection.pgconn.ssl_in_use  # type: ignore[union-attr]  # as above
        yield Examined("encrypted (TLS)" if encrypted else "not encrypted, on this machine")
        master, written, owned, made_in, seen = connection.exec_driver_sql(_RIGHTS).one()
        too_much = [
            said
            for said, more in (
                ("is a superuser", master),
                (f"may write (tables: {written})", written),
                (f"owns tables, schemas or databases ({owned})", owned),
                (f"may make tables (schemas: {made_in})", made_in),
                (f"sees more than one table or view ({seen})", seen > 1),
            )
            if more
        ]
        if not too_much:
            yield Examined("the role can only read one view or table")
            return
        yield Examined(
            f"the database's role {', '.join(too_much)}; the node needs to read one view. Nothing is written all the same, because the "
            f"node only reads. Ask the database's people for a role of its own:\n{READER}",
            warns=True,
        )


def _wrong_names(state: str, said: str, place: str) -> RisksetError:
    if state in ("42P01", "3F000"):
        return NodeConfigError(
            f"{place}: {said}. Correct data.source.table or data.source.query, and ask whether this role may see it. PostgreSQL takes "
            'names in small letters unless they are in double quotes ("Patients").'
        )
    return not_a_select(place, said)


def _wrong_value(state: str, place: str) -> RisksetError:
    if state in ("22021", "22P05"):
        return DataError(
            f"{place}: holds texts that are not in the encoding that the database states. Convert them in the query, or ask the "
            "database's people."
        )
    return DataError(
        f"{place}: a value cannot be converted or computed as the query asks (PostgreSQL's error {state}). Look for it with the "
        "query's own words in a program of the database."
    )


def _server_error(state: str, place: str) -> RisksetError:
    if state.startswith("28"):
        return not_reached(place, "the database refuses this user or this password")
    if state == "3D000":
        return not_reached(place, "there is no database of this name")
    if state.startswith(("57", "08", "40")):
        return ended_early(place)
    return NodeConfigError(
        f"{place}: the database gave the error {state}. Its log says more; show it to the database's people."
    )


def _connection_error(text: str, place: str) -> RisksetError:
    for said, why in _NOT_CONNECTED:
        if said in text:
            return not_reached(place, why)
    if "does not exist" in text and "database" in text:
        return not_reached(place, "there is no database of this name")
    if "connection failed" not in text:
        return ended_early(place)
    return not_reached(
        place,
        "the connection failed. Try the same URL with psql; its message says more",
    )


class _Read:
    """A loader of psycopg that keeps as text what Python's calendar does not have: `infinity`, years before 1 and after 9999."""

    def __init__(self, read: Callable[[str], datetime.date]) -> None:
        self._read = read
        self._known: dict[bytes, object] = {}

    def load(self, data: bytes | bytearray | memoryview) -> object:
        """A day or a moment; its text where it is none."""
        written = bytes(data)
        if written not in self._known:
            text = written.decode()
            try:
                self._known[written] = self._read(text)
            except ValueError:
                self._known[written] = text
        return self._known[written]


def _loaders() -> Mapping[str, type]:
    from psycopg.adapt import Loader

    def loader(read: Callable[[str], datetime.date]) -> type:
        class Tolerant(Loader):
            def __init__(self, *given: object) -> None:
                self._of = _Read(read)

            def load(self, data: bytes | bytearray | memoryview) -> object:
                return self._of.load(data)

        return Tolerant

    moment = loader(datetime.datetime.fromisoformat)
    return {
        "date": loader(datetime.date.fromisoformat),
        "timestamp": moment,
        "timestamptz": moment,
    }


class _FirstAnswers:
    """Ends a connection on which the server admits the role and then is silent, before anybody has it whose time is limited."""

    def __init__(self) -> None:
        self._came = threading.Event()

    def await_them(
        self, dialect: Dialect, record: object, given: Sequence[object], named: Mapping[str, object]
    ) -> DBAPIConnection:
        """Connect; the connection is ended unless `came` is called in time."""
        opened = dialect.connect(*given, **named)
        self._came.clear()
        # The number of its file may be another's when the time is over, so this one is its own.
        line = socket.socket(fileno=os.dup(opened.fileno()))
        threading.Thread(target=self._wait, args=(line,), daemon=True).start()
        return opened

    def came(self) -> None:
        """The server answered all that is asked first."""
        self._came.set()

    def _wait(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            if not self._came.wait(CONNECT_SECONDS):
                line.shutdown(socket.SHUT_RDWR)


def _close_cursor(failed: ExceptionContext) -> None:
    running = failed.execution_context
    ended = str(getattr(failed.original_exception, "sqlstate", None)).startswith("57P")
    if running is not None and (ended or failed.is_disconnect):
        close_broken(running.cursor)


def _prepare(opened: object, timeout: int) -> None:
    """Settings of the session, whatever the role's are. Moments come in UTC, so that no reading depends on the server's own zone."""
    from psycopg import Connection as PsycopgConnection
    from psycopg.types.string import TextLoader

    class Unpadded(TextLoader):
        def load(self, data: bytes | bytearray | memoryview) -> bytes | str:
            # The blanks that fill char(n) are no part of its value.
            text = super().load(data)
            return text.rstrip(" ") if isinstance(text, str) else text

    if not isinstance(opened, PsycopgConnection):
        raise TypeError("this is no connection of psycopg.")
    opened.autocommit = True
    opened.execute("set default_transaction_read_only = on")
    opened.execute("set timezone = 'UTC'")
    opened.execute("set datestyle = 'ISO'")
    # Every digit that tells a number from its neighbours: an older server, or a role, may leave the last ones out.
    opened.execute("set extra_float_digits = 1")
    opened.execute(f"set statement_timeout = {timeout * 1000}")
    opened.autocommit = False
    for name, loader in _loaders().items():
        opened.adapters.register_loader(name, loader)
    opened.adapters.register_loader(_PADDED, Unpadded)
